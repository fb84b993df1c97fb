"""Zoo entries: find, load, save, describe."""
