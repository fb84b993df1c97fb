"""Zoo entries by name: find, load, save, describe, predict."""
