"""One real face process for each module; photographs only where a folder of them is named."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.face.booth import Booth

PHOTOGRAPHS = os.environ.get("FACES_EVAL_DIR")
collect_ignore = [] if PHOTOGRAPHS else ["test_photographs.py", "test_dim_light.py"]


def pytest_report_header() -> str:
    folder = Path(PHOTOGRAPHS).name if PHOTOGRAPHS else "not set: the evaluation on photographs is left out"
    return f"FACES_EVAL_DIR: {folder}"


@pytest.fixture(scope="module")
def booth() -> Iterator[Booth]:
    booth = Booth({"seconds": 10.0, "frames": 6})
    yield booth
    booth.verifier.stop()


@pytest.fixture(scope="module")
def brief_booth() -> Iterator[Booth]:
    """For attempts that last as long as they may: the process works through all of it."""
    booth = Booth({"seconds": 2.0, "frames": 6})
    yield booth
    booth.verifier.stop()
