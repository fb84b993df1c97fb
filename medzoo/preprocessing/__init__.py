"""Every deterministic step from a file's pixels to the network's input, and the way back into the file's grid."""

from medzoo.preprocessing.checks import DATASET
from medzoo.preprocessing.preprocessing import Preprocessing

__all__ = ["DATASET", "Preprocessing"]
