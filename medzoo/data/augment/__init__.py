"""Random changes of a batch: draw the parameters of every image with NumPy, then apply them to all as tensor ops."""

from medzoo.data.augment.augmentation import Augmentation

__all__ = ["Augmentation"]
