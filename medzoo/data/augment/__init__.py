"""Random changes of a batch as TensorFlow ops: draw the parameters of every image, then apply them all at once."""

from medzoo.data.augment.augmentation import Augmentation

__all__ = ["Augmentation"]
