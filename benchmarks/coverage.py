"""How often the intervals of medzoo hold the true score, and how often `compare` calls equal models different.

Studies are drawn from a population whose true scores are known. A study has 20, 60 or 200 patients, half of them ill,
with one, five, or one to eight images each; half of the variance belongs to the patient, half to the image. The
percentile bootstrap over patients, which medzoo used before, stands beside it as the peer.

    python benchmarks/coverage.py                                    # all rows, each printed when it is done
    python benchmarks/coverage.py --studies 300 --scores auc_80 mae  # some of them, roughly
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.special import expit
from scipy.stats import norm

from medzoo.evaluation.comparison.paired import exchange_p
from medzoo.evaluation.intervals import Statistic, intervals, weighted_means
from medzoo.evaluation.ranking import ranking_areas

PATIENTS, IMAGES = (20, 60, 200), ("1", "5", "1-8")
# What a study of so many images says of the population.
MANY = 400_000


class Study(NamedTuple):
    """Patient of each image, and a statistic of the answers of two equally good models, one after the other."""

    patients: np.ndarray
    both: Statistic


def halves(generator: np.random.Generator, patients: np.ndarray, count: int = 1) -> np.ndarray:
    """Return normal values `(count, images)`, half of whose variance belongs to the patient."""
    of_patients = generator.normal(size=(count, patients.max() + 1))[:, patients]
    return (of_patients + generator.normal(size=(count, len(patients)))) / np.sqrt(2)


def two_models(generator: np.random.Generator, patients: np.ndarray) -> np.ndarray:
    """Return the errors of two models `(2 * images,)`; what is hard for one is often hard for the other."""
    shared, first, second = halves(generator, patients, 3)
    return np.append(shared + first, shared + second) / np.sqrt(2)


def areas(auc: float, generator: np.random.Generator, patients: np.ndarray) -> Statistic:
    """Return the area under the ROC curve."""
    ill = np.tile((np.arange(patients.max() + 1) % 2 == 1)[patients], 2)
    ranks = two_models(generator, patients) + ill * norm.ppf(auc) * np.sqrt(2)
    return lambda weights: {"auc": ranking_areas(ranks, ill, weights)[0]}


def numbers(name: str, generator: np.random.Generator, patients: np.ndarray) -> Statistic:
    """Return the explained variance or the mean absolute error of predicted numbers."""
    true = np.tile(halves(generator, patients)[0], 2)
    error = 0.6 * two_models(generator, patients)

    def explained(weights: np.ndarray) -> dict[str, np.ndarray]:
        count = weights.sum(axis=1)
        variance = weights @ true**2 / count - (weights @ true / count) ** 2
        return {"r2": 1 - weights @ error**2 / count / variance}

    return explained if name == "r2" else partial(weighted_means, {"mae": np.abs(error)})


def overlaps(name: str, generator: np.random.Generator, patients: np.ndarray) -> Statistic:
    """Return Dice: of all pixels, or the mean over images. One tumour in sixteen is missed altogether."""
    dice = expit(1.6 + two_models(generator, patients)) * (generator.random(2 * len(patients)) > 1 / 16)
    area = np.tile(np.exp(halves(generator, patients)[0]), 2)
    if name == "dice_per_case":
        return partial(weighted_means, {name: dice})
    return lambda weights: {"dice": weights @ (dice * area) / (weights @ area)}


SCORES: dict[str, Callable[[np.random.Generator, np.ndarray], Statistic]] = {
    "auc_80": partial(areas, 0.80),
    "auc_97": partial(areas, 0.97),
    "r2": partial(numbers, "r2"),
    "mae": partial(numbers, "mae"),
    "dice": partial(overlaps, "dice"),
    "dice_per_case": partial(overlaps, "dice_per_case"),
}


def draw_study(score: str, count: int, images: str, generator: np.random.Generator) -> Study:
    """Return a study of so many patients."""
    each = generator.integers(1, 9, count) if images == "1-8" else np.full(count, int(images))
    patients = np.repeat(np.arange(count), each)
    return Study(patients, SCORES[score](generator, patients))


def of_first(study: Study, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Return the scores of the first model alone."""
    return study.both(np.hstack([weights, np.zeros_like(weights)]))


def percentiles(study: Study, generator: np.random.Generator, samples: int = 400) -> tuple[float, float]:
    """Return the interval of a bootstrap over patients."""
    count = study.patients.max() + 1
    drawn = generator.multinomial(count, np.full(count, 1 / count), samples)[:, study.patients].astype(float)
    (scores,) = of_first(study, drawn).values()
    return tuple(np.nanquantile(scores, [0.025, 0.975]))


def true_score(score: str, images: str) -> float:
    """Return the score of the population, from one study that is as good as all of it."""
    study = draw_study(score, MANY // 4, images, np.random.default_rng(0))
    (value,) = of_first(study, np.ones((1, len(study.patients)))).values()
    return float(value[0])


def measure(score: str, count: int, images: str, studies: int, exchanges: int) -> list[str]:
    """Return a row of the table."""
    truth, generator = true_score(score, images), np.random.default_rng(count)
    hits, peers, widths, rejected = [], [], [], []
    for index in range(studies):
        study = draw_study(score, count, images, generator)
        ((_, low, high),) = intervals(partial(of_first, study), study.patients).values()
        peer = percentiles(study, generator)
        hits.append(low <= truth <= high)
        peers.append(peer[0] <= truth <= peer[1])
        widths.append((high - low) / max(peer[1] - peer[0], 1e-9))
        if index < exchanges:
            (p,) = exchange_p(study.both, study.patients, seed=index).values()
            rejected.append(p <= 0.05)
    shares = [np.mean(hits), np.mean(peers), np.median(widths), np.mean(rejected) if rejected else np.nan]
    return [score, f"{truth:.3f}", str(count), images, *(f"{share:.3f}" for share in shares)]


def main() -> None:
    """Print the table, row by row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=1000, help="studies for each row")
    parser.add_argument("--exchanges", type=int, default=1000, help="studies for each row in which models are compared")
    parser.add_argument("--scores", nargs="+", choices=SCORES, default=list(SCORES))
    arguments = parser.parse_args()
    head = ["score", "true", "patients", "images", "coverage", "percentile", "width ratio", "p <= 0.05"]
    print("".join(f"{word:>14}" for word in head), flush=True)
    for score in arguments.scores:
        for images in IMAGES:
            for count in PATIENTS:
                row = measure(score, count, images, arguments.studies, arguments.exchanges)
                print("".join(f"{cell:>14}" for cell in row), flush=True)


if __name__ == "__main__":
    main()
