"""The engine on photographs of consenting persons: `FACES_EVAL_DIR=<folder> pytest tests/contract/face`.

The folder holds `composite/`, `london/neutral` and `london/smiling` (CC BY 4.0: DeBruine and Jones 2017, figshare
5047666; DeBruine 2016, figshare 4055130). Without the variable this file is not collected. Same-session pictures:
the genuine figures are optimistic.
"""

from __future__ import annotations

import argparse
import io
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from devices.face.models import Models
from devices.face.operating import load_thresholds
from devices.face.template import DEFAULT_CENTRE, Centre, CentredEngine
from kiosk.cli import face_centre

THRESHOLDS = load_thresholds("centred", frames=1)
FOLDER = Path(os.environ["FACES_EVAL_DIR"])


@pytest.fixture(scope="module")
def distances() -> np.ndarray:
    """Row: the neutral picture as a gray card photo; column: the smiling one as a camera frame."""
    engine = CentredEngine(Models(), Centre.load(DEFAULT_CENTRE), THRESHOLDS)
    cards, frames = [], []
    for path in sorted((FOLDER / "london" / "neutral").glob("*.jpg")):
        (smiling,) = (FOLDER / "london" / "smiling").glob(f"{path.stem[:3]}_*.jpg")
        gray = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        assert gray is not None
        small = cv2.resize(gray, (240, round(gray.shape[0] * 240 / gray.shape[1])), interpolation=cv2.INTER_AREA)
        target = io.BytesIO()
        Image.fromarray(small).save(
            target, "JPEG2000", quality_mode="rates", quality_layers=[small.size / 12_000], irreversible=True
        )
        card = engine.enrol(target.getvalue())
        live = cv2.imread(str(smiling))
        assert live is not None
        faces = engine.find(np.asarray(live, np.uint8))
        cards.append(card)
        frames.append(engine.describe(np.asarray(live, np.uint8), faces[0], card))
    assert len(cards) >= 100
    return np.array([[engine.distance(card, [frame]) for frame in frames] for card in cards])


def test_nobody_is_refused(distances: np.ndarray) -> None:
    assert np.diag(distances).max() <= THRESHOLDS.accept


def test_false_matches_are_rarer_than_one_in_a_thousand(distances: np.ndarray) -> None:
    others = distances[~np.eye(len(distances), dtype=bool)]
    assert (others <= THRESHOLDS.accept).mean() < 1e-3


def test_the_shipped_numbers_are_what_the_command_computes(tmp_path: Path) -> None:
    out = tmp_path / "centre.toml"
    parser = argparse.ArgumentParser()
    face_centre.register(parser.add_subparsers())
    args = parser.parse_args(["face-centre", "--composites", str(FOLDER / "composite"), "--out", str(out)])
    assert face_centre.run(args) == 0
    fresh, shipped = Centre.load(out), Centre.load(DEFAULT_CENTRE)
    assert fresh.mean == pytest.approx(shipped.mean, abs=2e-4)
    assert fresh.direction == pytest.approx(shipped.direction, abs=2e-3)
