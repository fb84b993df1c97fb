"""Every example runs as it stands, in an empty folder."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

ROOT = Path(__file__).resolve().parent.parent
# What the pages show does not depend on the backend: torch runs one of them, and JAX, which compiles for minutes, none.
PATTERNS = {"tensorflow": "*.py", "torch": "quickstart.py"}
BACKEND = keras.backend.backend()
EXAMPLES = sorted((ROOT / "examples").glob(PATTERNS[BACKEND])) if BACKEND in PATTERNS else []


@pytest.mark.skipif(BACKEND not in PATTERNS, reason="test_docs.py runs the same steps.")
def test_there_are_examples():
    assert EXAMPLES


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example_runs(path, tmp_path, hub):
    # One of them publishes; the environment leads it to the Hub of the tests.
    search = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [sys.executable, str(path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": search},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
