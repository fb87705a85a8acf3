"""What `kiosk samples` writes, once for all tests of this folder."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from kiosk import cli

AT = "20260512093015"


@pytest.fixture(scope="session")
def samples_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kit") / "samples"
    with contextlib.redirect_stdout(io.StringIO()):
        assert cli.main(["samples", "--out", str(folder), "--at", AT]) == 0
    return folder


@pytest.fixture(scope="session")
def manifest(samples_folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((samples_folder / "manifest.json").read_text(encoding="utf-8"))
    return content
