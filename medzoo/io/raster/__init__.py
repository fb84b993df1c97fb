"""PNG, JPEG, TIFF and BMP: OpenCV decodes, and what it would read wrongly or without a word is checked."""
