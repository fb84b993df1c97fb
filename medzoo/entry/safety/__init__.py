"""What must hold of the files of a zoo entry before anything parses them."""

from medzoo.entry.safety.check import check_files, read_safely

__all__ = ["check_files", "read_safely"]
