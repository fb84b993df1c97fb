"""Zoo entries to the Hub."""
