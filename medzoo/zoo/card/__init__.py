"""The model card: its rendering, its metadata for the Hub, what it must say, and reading it back."""
