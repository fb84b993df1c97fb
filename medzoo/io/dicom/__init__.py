"""DICOM: what is a scan, its frames in the units of the modality, and series as volumes."""
