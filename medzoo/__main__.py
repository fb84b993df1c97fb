"""`python -m medzoo`."""

from medzoo.cli import main

main()
