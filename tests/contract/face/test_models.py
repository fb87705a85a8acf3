"""docs/models.md says which model files are used, and it is true."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from devices.face.encoder import NETWORK
from devices.face.models import LANDMARKS
from devices.face.weights import model_file
from devices.scanner import recogniser

ROOT = Path(__file__).parents[3]
ROW = re.compile(
    r"^\| `(?P<file>[^`]+)` \| `(?P<sha>[0-9a-f]{64})` \| `(?P<package>[^`]+)` (?P<version>[\d.]+) \|", re.M
)
TABLE = {row["file"]: row for row in ROW.finditer((ROOT / "docs" / "models.md").read_text(encoding="utf-8"))}
INSTALLED = {
    NETWORK: model_file(NETWORK),
    LANDMARKS: model_file(LANDMARKS),
    recogniser.model_file().name: recogniser.model_file(),
}
_TRY = """
from devices.face.template import load_engine
from devices.simulated.people import Actor, card_photo
engine = load_engine({})
card = engine.enrol(card_photo(31))
image = Actor(31).frame(0.0)
(face,) = engine.find(image)
print(engine.distance(card, [engine.describe(image, face, card)]) < engine.thresholds.accept)
"""


def test_every_model_is_in_the_table_and_no_other() -> None:
    assert TABLE.keys() == INSTALLED.keys()


@pytest.mark.parametrize("name", INSTALLED)
def test_it_is_the_file_that_was_measured(name: str) -> None:
    row = TABLE[name]
    assert hashlib.sha256(INSTALLED[name].read_bytes()).hexdigest() == row["sha"]
    assert importlib.metadata.version(row["package"]) == row["version"]


def engine_with(folder: Path, *names: str) -> str:
    """What the default engine says where the package of models holds only the files `names`."""
    models = folder / "face_recognition_models" / "models"
    models.mkdir(parents=True)
    (models.parent / "__init__.py").touch()
    for name in names:
        (models / name).symlink_to(model_file(name))
    done = subprocess.run(
        [sys.executable, "-c", _TRY],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout + done.stderr


def test_a_person_is_recognised_without_any_other_file(tmp_path: Path) -> None:
    """No 68-point landmarks, no other detector: what is not there is not opened."""
    assert engine_with(tmp_path, NETWORK, LANDMARKS) == "True\n"


def test_without_one_of_them_it_is_missing(tmp_path: Path) -> None:
    assert f"ModelMissing: model_missing: {LANDMARKS}" in engine_with(tmp_path, NETWORK)
