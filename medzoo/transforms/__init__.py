"""Deterministic steps from array to array, in NumPy and OpenCV."""
