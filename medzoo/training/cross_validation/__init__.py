"""Cross-validation: one training for each fold, their scores, and their models as one."""

from medzoo.training.cross_validation.run import cross_validate
from medzoo.training.cross_validation.scores import CrossValidation, FoldScores

__all__ = ["CrossValidation", "FoldScores", "cross_validate"]
