"""What can be asked of the machine the kiosk runs on. Tests give it another root folder and another `run`."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

_SEARCH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"))
_PROBE_SECONDS = 20.0


def _run(command: Sequence[str]) -> tuple[int, str]:
    """Exit code and standard output; 127 when it cannot be started or takes too long."""
    try:
        done = subprocess.run(
            list(command), capture_output=True, text=True, errors="replace", timeout=_PROBE_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return 127, ""
    return done.returncode, done.stdout


@dataclass(frozen=True, slots=True)
class Machine:
    """`root`: what the absolute paths below start at."""

    root: Path = Path("/")
    run: Callable[[Sequence[str]], tuple[int, str]] = _run
    find: Callable[[str], importlib.machinery.ModuleSpec | None] = importlib.util.find_spec
    which: Callable[[str], str | None] = lambda name: shutil.which(name, path=_SEARCH)
    clock: Callable[[], float] = time.time
    python: tuple[int, int] = (sys.version_info[0], sys.version_info[1])

    def path(self, absolute: str) -> Path:
        return self.root / absolute.lstrip("/")

    def read(self, absolute: str) -> str:
        """The text of a small system file; empty when it is not there."""
        try:
            return self.path(absolute).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def has_module(self, name: str) -> bool:
        return self.find(name) is not None

    def python_says(self, code: str) -> tuple[int, str]:
        """Run `code` in a Python of its own: what it imports stays out of this process."""
        return self.run([sys.executable, "-c", code])


def nearest(path: Path) -> Path:
    """`path`, or the first of its parents that exists."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path
