"""What a run is made with and what it costs: version of the code, processor, memory and energy."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from medzoo.devices import memory
from medzoo.evaluation.record import hardware

POWERCAP = Path("/sys/class/powercap")
# A counter of a busy processor overflows within the hour.
SECONDS_BETWEEN_READINGS = 60


def git_state() -> dict[str, Any] | None:
    """Return the `commit` of the working directory and whether tracked files are changed (`dirty`), or None."""
    commit = _output("git", "rev-parse", "HEAD")
    if not commit:
        return None
    return {"commit": commit, "dirty": bool(_output("git", "status", "--porcelain", "--untracked-files=no"))}


def machine() -> dict[str, Any]:
    """Return the processor, its cores, the bytes of memory, and the names of graphics processors."""
    return {**hardware(), "memory": memory(), "gpus": _gpus()}


def peak_memory() -> int | None:
    """Return the peak of this process's memory in bytes so far; None where the system does not say."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


class Energy:
    """Joules that the processors and their memory took, from the RAPL counters of Linux.

    They count the whole machine, not one process. A counter starts again from 0 at its range, so it is read often.

    Args:
        folder: Folder of the counters.
    """

    def __init__(self, folder: Path = POWERCAP):
        # A package includes its cores, but not the memory; "psys" would count both a second time.
        zones = [zone for zone in sorted(folder.glob("intel-rapl:*")) if _is_counted(zone)]
        self._last = {zone: value for zone in zones if (value := _number(zone / "energy_uj")) is not None}
        self._ranges = {zone: _number(zone / "max_energy_range_uj") or 0 for zone in self._last}
        self._sum = 0
        self._time = time.monotonic()

    def read(self) -> float | None:
        """Return the joules since this object was made; None without a readable counter."""
        for zone, before in self._last.items():
            now = _number(zone / "energy_uj")
            if now is not None:
                self._sum += now - before + (self._ranges[zone] if now < before else 0)
                self._last[zone] = now
        self._time = time.monotonic()
        return round(self._sum / 1e6, 1) if self._last else None

    def keep_up(self) -> None:
        """Read the counters if the last reading is a minute old."""
        if self._last and time.monotonic() - self._time > SECONDS_BETWEEN_READINGS:
            self.read()


def _is_counted(zone: Path) -> bool:
    try:
        name = (zone / "name").read_text().strip()
    except OSError:
        return False
    return name.startswith("package") or name == "dram"


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _gpus() -> list[str]:
    return (_output("nvidia-smi", "--query-gpu=name", "--format=csv,noheader") or "").splitlines()


def _output(*command: str) -> str | None:
    """Return what a command prints; None if it fails or is not there."""
    if shutil.which(command[0]) is None:
        return None
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
