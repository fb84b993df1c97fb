"""Features of an encoder: cut off, computed once and kept, given to other estimators, grouped."""
