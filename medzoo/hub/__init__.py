"""What writes to the Hugging Face Hub: published entries, and checkpoints of a training."""
