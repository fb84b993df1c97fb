"""Which models there are: the registry, this machine, the Hub; and their licences."""
