"""Checkpoints of a training to a private branch on the Hub, and back."""
