"""Every way in: files and arrays to Samples."""
