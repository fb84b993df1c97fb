"""Every entry of the zoo on this machine: time to load, time a scan and memory, by ONNX and by Keras.

python benchmarks/zoo.py [NAME ...] [--write]

A line is measured in a new process: `load` is from the start of the interpreter to a model that has answered once, the
milliseconds are the median of one prediction of an array of the size that the network takes, with its mask and its
summary, and the memory is the peak of the process. `--write` puts the table into docs/zoo.md, beside score, interval,
size and licence of every entry.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from medzoo.evaluation.record import hardware
from medzoo.files import atomic_file
from medzoo.zoo.find import registry_rows
from medzoo.zoo.listing.models import ModelInfo

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "zoo.md"
ENGINES = ("onnx", "keras")
SCANS = 20
COLUMNS = ("model", "task", "test score", "95 % interval", "parameters", "weights", "licence", "licence of the data")
MEASURED = tuple(f"{what}, {engine}" for what in ("load s", "ms a scan", "peak MB") for engine in ENGINES)
INTRODUCTION = """# The zoo

Every model that `medzoo.load(NAME)` knows. The score is that of the test split, which chose nothing; the interval is
over patients where the data names them, else over images. The name leads to the card, which says what the data was,
what the model misses, and how its score changes with turned, compressed or noisy pictures.

This page is generated: `python benchmarks/zoo.py --write`. Times are of {cores} cores of {cpu}: `load` from the start
of Python to the first answer, the milliseconds those of one scan of the network's own size, file reading left out.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: every entry of the registry")
    parser.add_argument("--write", action="store_true", help="write docs/zoo.md")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(*options.one)))
        return
    rows = {name: row for name, row in registry_rows().items() if not options.names or name in options.names}
    if options.write and options.names:
        parser.error("--write needs all entries: leave the names out.")
    lines = [(*described(ModelInfo.from_row(row)), *measured(name)) for name, row in rows.items()]
    text = table(lines)
    print(text)
    if options.write:
        with atomic_file(PAGE) as temporary:
            temporary.write_text(f"{INTRODUCTION.format(**hardware())}\n{text}\n", encoding="utf-8")


def described(info: ModelInfo) -> tuple[str, ...]:
    """Return what the registry says of a model, in the order of `COLUMNS`."""
    link = f"[{info.name}](../zoo_cards/{info.name}/README.md)"
    _, task, _, score, parameters, size, licence = info.cells()
    interval = "-" if info.interval is None else f"{info.interval[0]:.3f} to {info.interval[1]:.3f}"
    return link, task, score, interval, parameters, size, licence, info.data_license or "-"


def measured(name: str) -> Iterable[str]:
    """Yield the figures of one entry, in the order of `MEASURED`."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    answers = []
    for engine in ENGINES:
        command = (sys.executable, __file__, "--one", name, engine)
        started = time.time()
        done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, check=False)
        if done.returncode:
            sys.exit(f"{name} by {engine}:\n{done.stderr.decode()[-2000:]}")
        answer = json.loads(done.stdout.splitlines()[-1])
        answers.append((answer["ready"] - started, answer["ms"], answer["mb"]))
    loads, times, peaks = zip(*answers, strict=True)
    yield from (f"{load:.1f}" for load in loads)
    yield from (f"{milliseconds:.0f}" for milliseconds in times)
    yield from (f"{peak:.0f}" for peak in peaks)


def measure(name: str, engine: str) -> dict[str, float]:
    """Load a model, let it answer once, then time it, in this process."""
    import numpy as np

    from medzoo.data.synthetic import make_scan
    from medzoo.inference import predict_scans
    from medzoo.zoo.load import load, load_onnx

    model = load_onnx(name) if engine == "onnx" else load(name)
    size = model.preprocessing.size
    picture = make_scan(0, max(size))[0]
    scan = np.stack([picture] * size[0])[:, : size[1], : size[2]] if len(size) == 3 else picture[: size[0], : size[1]]
    seconds = []
    ready = 0.0
    for _ in range(SCANS + 1):
        started = time.perf_counter()
        (answer,) = predict_scans(model, [scan])
        _ = answer.summary
        seconds.append(time.perf_counter() - started)
        ready = ready or time.time()
    scale = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 2**20
    return {"ready": ready, "ms": 1000 * statistics.median(seconds[1:]), "mb": peak}


def table(lines: Iterable[tuple[str, ...]]) -> str:
    """Return the lines as a Markdown table."""
    columns = (*COLUMNS, *MEASURED)
    return "\n".join(f"| {' | '.join(line)} |" for line in (columns, ("---",) * len(columns), *lines))


if __name__ == "__main__":
    main()
