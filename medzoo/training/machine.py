"""What a run is made with and what it costs: version of the code, processor, memory and energy."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import keras

from medzoo.devices import accelerator_has_bfloat16, memory
from medzoo.evaluation.record import hardware
from medzoo.recipe.recipe import AUTO, Recipe

POWERCAP = Path("/sys/class/powercap")
CPU_INFO = Path("/proc/cpuinfo")
# Parameters of glibc's mallopt: no mapping of its own for a large block, no giving back below 2 GB.
_KEEP = {-4: 0, -1: 2**31 - 1}
# Names there of the instructions that multiply in bfloat16, of x86 and of ARM.
_BFLOAT16 = {"avx512_bf16", "amx_bf16", "bf16"}
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


def policy_of(recipe: Recipe) -> str:
    """Return the dtype policy for the `precision` of a recipe: of "auto" the one that is fast on this machine.

    Without instructions for it, a processor takes about ten times as long for a step in bfloat16 as for one in float32.
    Volumes are trained in float32 on any processor: TensorFlow 2.21 on an AMD EPYC with AVX-512 bfloat16 now and then
    computes NaN as the gradient of a 3D kernel, in 11 of 14 trainings of a ResNet-10 within their first 60 steps, and
    never in float32.

    Example:
        >>> policy_of(recipe.with_(precision="mixed_float16"))
        'mixed_float16'
    """
    if recipe.precision != AUTO:
        return recipe.precision
    is_fast = accelerator_has_bfloat16()
    if is_fast is None:
        is_volume = len(recipe.preprocessing.size) == 3
        # On a CPU, JAX converts to float32 and back.
        is_fast = keras.backend.backend() != "jax" and not is_volume and not _BFLOAT16.isdisjoint(_cpu_flags())
    return "mixed_bfloat16" if is_fast else "float32"


def _cpu_flags() -> set[str]:
    """Return what the processor can do; nothing where the system does not say."""
    try:
        lines = CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return set()
    flags = (line.partition(":")[2] for line in lines if line.startswith(("flags", "Features")))
    return set(next(flags, "").split())


def keep_freed_memory() -> None:
    """Let glibc keep the memory that tensors free, instead of giving it back to the system and asking for it anew.

    A step of a network frees and takes gigabytes, and the system clears every page that it hands out: two fifths of
    the processor time of a training on two cores went there (`benchmarks/kept_memory.py`). The peak of the memory is
    about a tenth higher. Nothing is done under other systems, or where the environment says how malloc is to work.
    """
    if any(name.startswith(("MALLOC_", "GLIBC_TUNABLES", "LD_PRELOAD")) for name in os.environ):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        for parameter, value in _KEEP.items():
            mallopt(parameter, value)


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
