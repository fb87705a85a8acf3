"""The personas' drawn faces, measured with the engine's own score: a stranger is one, oneself is oneself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from devices.face.models import Models
from devices.face.operating import load_thresholds
from devices.face.template import DEFAULT_CENTRE, Centre, CentredEngine, Enrolled
from devices.simulated.faces import FAR_SEEDS, Face, card_photo, render

THRESHOLDS = load_thresholds("centred", frames=1)
REPORT = Path("build/faces/far_seeds.txt")


@pytest.fixture(scope="module")
def distances() -> np.ndarray:
    """Row: whose card; column: who stands there (one frame, turned a little, in another light)."""
    engine = CentredEngine(Models(), Centre.load(DEFAULT_CENTRE), THRESHOLDS)
    enrolled: list[Enrolled] = []
    frames = []
    for seed in FAR_SEEDS.values():
        enrolled.append(engine.enrol(card_photo(seed)))
        image = render(Face(seed), (640, 480), yaw=5, pitch=-2, light=0.85, light_side=0.2, unit=120, centre=(320, 235))
        (face,) = engine.find(image)
        frames.append(engine.describe(image, face, enrolled[-1]))
    table = np.array([[engine.distance(card, [frame]) for frame in frames] for card in enrolled])
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    head = " ".join(f"{name[:7]:>7}" for name in FAR_SEEDS)
    rows = [
        f"{name[:18]:>18} {' '.join(f'{value:7.3f}' for value in row)}"
        for name, row in zip(FAR_SEEDS, table, strict=True)
    ]
    REPORT.write_text("\n".join([f"{'card / frame':>18} {head}", *rows, ""]), encoding="utf-8")
    return table


def test_everyone_is_accepted_as_oneself(distances: np.ndarray) -> None:
    assert np.diag(distances).max() <= THRESHOLDS.accept * 0.8


def test_everyone_is_rejected_as_anyone_else(distances: np.ndarray) -> None:
    others = distances[~np.eye(len(distances), dtype=bool)]
    assert others.min() > THRESHOLDS.grey * 1.05
