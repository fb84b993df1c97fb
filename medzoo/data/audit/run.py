"""The audit: every image of a data set is read once, then all checks are made."""

from __future__ import annotations

import os
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from medzoo.data.audit.checks import CHECKS, Images, Inspected
from medzoo.data.audit.facts import inspect
from medzoo.data.audit.record import SEVERITIES, Audit, Finding
from medzoo.data.audit.rows import Row, folder_rows, rows_of, table_rows
from medzoo.data.audit.twins import find_twins
from medzoo.data.samples import SPLITS, Samples
from medzoo.data.sources.checks import Patient
from medzoo.data.sources.read import read, split_options
from medzoo.data.table_files import TABLE_SUFFIXES
from medzoo.progress import track


def audit(source: str | os.PathLike | Samples, patient: Patient = None, workers: int | None = None) -> Audit:
    """Find what is wrong with a data set: damaged, odd and equal images, leaks between splits.

    Every image is read once; a few numbers and a thumbnail of it are kept. A folder need not be a
    data set that `medzoo.data.read` takes, nor have labels: whatever is missing or contradicts itself is a finding.
    Folders named train, valid, test (and training, val, ...) are splits, the folders below them are classes.

    Near-duplicates are pairs whose thumbnails of 64 x 64 pixels agree in their fine structure (correlation at least
    0.955, after alignment 0.965): copies, also with another size, window or filter, mirrored, turned by quarters, or
    cropped and shifted by some percent; and a few adjacent slices of one patient.

    Args:
        source: A folder, or anything else that `medzoo.data.read` takes, with options in the text; or Samples.
        patient: Returns the patient for a path below the folder; or a regular expression, as in `from_folders`; for a
            table the name of its column. DICOM files name their patient themselves.
        workers: Number of images that are read at a time; by default the number of cores.

    Returns:
        The record. `print(audit)` shows it, `audit.save(folder)` writes it with a contact sheet.

    Raises:
        FileNotFoundError: There is no such path, or no image in the folder.
        ValueError: A table has no such column, another file cannot be read, or `patient` finds none in a name.

    Example:
        >>> audit = medzoo.data.audit("brain_mri")
        >>> audit.has_leak
        True
        >>> samples = medzoo.data.group(samples, audit.duplicate_groups)

    Source: https://www.hackerfactor.com/blog/index.php?/archives/432-Looks-Like-It.html
    """
    started = time.perf_counter()
    rows, findings = _rows(source, patient)
    # Several rows may be slices of one volume.
    rows = list({(row.source, row.split, row.label): row for row in rows}.values())
    images = _inspect(rows, workers)
    twins, groups = find_twins(images)
    findings = [*findings, *(finding for check in CHECKS for finding in check(images)), *twins]
    return Audit(
        source=repr(source) if isinstance(source, Samples) else os.fspath(source),
        counts=_counts(images),
        sizes=_common(" x ".join(map(str, image.facts.shape)) for image in images),
        modes=_common(image.facts.mode for image in images),
        findings=tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))),
        affected=_affected(images, findings, lambda finding: finding.kind),
        leaked=_affected(images, findings, lambda finding: finding.severity).get("leak", {}),
        duplicate_groups=groups,
        seconds=round(time.perf_counter() - started, 2),
        images={row.source: row.image for row in rows},
    )


def _rows(source: str | os.PathLike | Samples, patient: Patient) -> tuple[list[Row], list[Finding]]:
    if isinstance(source, Samples):
        return rows_of(source), []
    path, options = split_options(source)
    if patient is not None:
        options = {**options, "patient": patient}
    if path.lower().endswith(TABLE_SUFFIXES):
        return table_rows(path, options)
    # With the name of a column, a folder stands for the table in it.
    if os.path.isdir(path) and options.keys() <= {"patient", "labels"}:
        return folder_rows(path, options.get("patient"))
    return rows_of(read(source, **options)), []


def _inspect(rows: Sequence[Row], workers: int | None) -> list[Inspected]:
    """Read all images and masks in threads: decoding, resizing and hashing release the interpreter."""
    jobs = [source for row in rows for source in (row.image, *row.masks)]
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        facts = track(pool.map(inspect, jobs), "Auditing", len(jobs))
        return [Inspected(row, next(facts), tuple(next(facts) for _ in row.masks)) for row in rows]


def _counts(images: Images) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter] = defaultdict(Counter)
    for image in images:
        counts[image.row.split][image.row.label] += 1
    return {split: dict(sorted(counts[split].items())) for split in ("", *SPLITS) if split in counts}


def _common(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(name for name in names if name).most_common())


def _affected(
    images: Images, findings: Sequence[Finding], key: Callable[[Finding], str]
) -> dict[str, dict[str, dict[str, int]]]:
    """Return the number of images with findings of each `key`, by split and class."""
    by_source = {image.source: image for image in images}
    sources_of: dict[str, dict[str, None]] = defaultdict(dict)
    for finding in findings:
        sources_of[key(finding)] |= dict.fromkeys(source for source in finding.sources if source in by_source)
    return {name: _counts([by_source[source] for source in sources]) for name, sources in sources_of.items()}
