"""Zoo entries of the Hub into the cache."""
