"""Folders that everybody may use, as those on a share."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def share() -> Iterator[Path]:
    """Not below pytest's own folder, which is closed to everybody else."""
    folder = Path(tempfile.mkdtemp(prefix="uketsuke-oqs-"))
    folder.chmod(0o777)
    for name in ("req", "res", "face"):
        (folder / name).mkdir()
        (folder / name).chmod(0o777)
    before = os.umask(0)
    yield folder
    os.umask(before)
    for path in (folder, *folder.iterdir()):
        path.chmod(0o777)
    shutil.rmtree(folder)
