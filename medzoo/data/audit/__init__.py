"""What is wrong with a data set, before anybody trains on it."""

from medzoo.data.audit.record import Audit, Finding
from medzoo.data.audit.run import audit

__all__ = ["Audit", "Finding", "audit"]
