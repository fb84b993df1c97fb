"""The public names, one line each: type checkers and editors read them here, and so does `__init__.py`."""

from medzoo import data as data
from medzoo import models as models
from medzoo import weights as weights
from medzoo.evaluation.comparison.compare import Comparison as Comparison
from medzoo.evaluation.comparison.compare import compare as compare
from medzoo.evaluation.comparison.estimators import compare_estimators as compare_estimators
from medzoo.evaluation.evaluate import evaluate as evaluate
from medzoo.evaluation.gradcam.explain import explain as explain
from medzoo.evaluation.gradcam.explanation import Explanation as Explanation
from medzoo.evaluation.record import Evaluation as Evaluation
from medzoo.evaluation.validation.calibrate import calibrate as calibrate
from medzoo.graph.freezing import freeze as freeze
from medzoo.graph.freezing import stages as stages
from medzoo.graph.freezing import unfreeze as unfreeze
from medzoo.hub.checkpoints.pull import pull_run as pull_run
from medzoo.hub.checkpoints.push import PushCheckpoints as PushCheckpoints
from medzoo.hub.publish import publish as publish
from medzoo.io import Scan as Scan
from medzoo.io import read_scan as read_scan
from medzoo.preprocessing import Preprocessing as Preprocessing
from medzoo.preprocessing.stack import Stack as Stack
from medzoo.recipe import Recipe as Recipe
from medzoo.reports.report import report as report
from medzoo.task import Classification as Classification
from medzoo.task import Regression as Regression
from medzoo.task import Segmentation as Segmentation
from medzoo.training.cross_validation.run import cross_validate as cross_validate
from medzoo.training.cross_validation.scores import CrossValidation as CrossValidation
from medzoo.training.search.run import learning_curve as learning_curve
from medzoo.training.search.run import search as search
from medzoo.training.train import train as train
from medzoo.zoo.listing.models import list_models as list_models
from medzoo.zoo.load import load as load
from medzoo.zoo.predict import predict as predict
from medzoo.zoo.save import save as save
from medzoo.zoo_model import ZooModel as ZooModel

__version__: str
