"""The engine on photographs of consenting persons: `FACES_EVAL_DIR=<folder> pytest tests/contract/face`.

The folder holds `composite/`, `london/neutral` and `london/smiling` (CC BY 4.0: DeBruine and Jones 2017, figshare
5047666; DeBruine 2016, figshare 4055130). Without the variable this file is not collected. Same-session pictures:
the genuine figures are optimistic.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from devices.face.encoder import NETWORK, DlibEncoder, load_encoder
from devices.face.models import Detector
from devices.face.template import DEFAULT_CENTRE, Centre
from devices.face.weights import model_file
from kiosk import cli
from kiosk.cli import face_centre

FOLDER = Path(os.environ["FACES_EVAL_DIR"])


LONDON = [
    "--root", str(FOLDER / "london"), "--cards", "neutral", "--live", "smiling",
    "--info", str(FOLDER / "london" / "london_info.csv"), "--person-column", "face_id", "--group-column", "face_eth",
]  # fmt: skip


def test_face_eval_holds_its_bars(tmp_path: Path) -> None:
    """The table of docs/measurements.md."""
    result = tmp_path / "eval.json"
    words = ["face-eval", *LONDON, "--score", "all", "--json", str(result), "--plot", str(tmp_path / "det.png")]
    assert cli.main(words) == 0
    found = json.loads(result.read_text(encoding="utf-8"))
    everybody = found["scores"]["projected_without_gate"]["all"]["at"]["shipped"]
    assert (everybody["fmr"]["events"], everybody["fmr"]["trials"]) == (0, 10_302)
    assert (everybody["fnmr"]["events"], everybody["fnmr"]["trials"]) == (0, 102)
    assert sum(found["not_acquired"]["all"]["live"].values()) <= 2
    raw = found["scores"]["raw"]
    assert raw["black"]["at"]["library"]["fmr"]["rate"] > 0.2 > raw["white"]["at"]["library"]["fmr"]["rate"]


def test_the_shipped_choice_is_as_good_as_any(tmp_path: Path) -> None:
    words = ["face-fit", *LONDON, "--composites", str(FOLDER / "composite"), "--json", str(tmp_path / "fit.json")]
    assert cli.main(words) == 0
    luck = json.loads((tmp_path / "fit.json").read_text(encoding="utf-8"))["luck"]
    assert sum(count for name, count in luck.items() if name.endswith("direction")) > 0.8 * sum(luck.values())


def test_the_shipped_numbers_are_what_the_command_computes(tmp_path: Path) -> None:
    out = tmp_path / "centre.toml"
    parser = argparse.ArgumentParser()
    face_centre.register(parser.add_subparsers())
    args = parser.parse_args(["face-centre", "--composites", str(FOLDER / "composite"), "--out", str(out)])
    assert face_centre.run(args) == 0
    fresh, shipped = Centre.load(out), Centre.load(DEFAULT_CENTRE)
    assert fresh.mean == pytest.approx(shipped.mean, abs=2e-4)
    assert fresh.direction == pytest.approx(shipped.direction, abs=2e-3)


@pytest.mark.parametrize("kind", ["numpy", "onnx"])
def test_the_encoders_answer_as_dlib_does(kind: str) -> None:
    detector, chips = Detector(), []
    for path in sorted((FOLDER / "london").rglob("*.jpg"))[::8]:
        image = np.asarray(cv2.imread(str(path)), np.uint8)
        chips += [detector.chip(image, face, gray=False) for face in detector.find(image)[:1]]
    assert len(chips) >= 20
    apart = load_encoder(kind).describe(np.stack(chips)) - DlibEncoder(model_file(NETWORK)).describe(np.stack(chips))
    assert np.linalg.norm(apart, axis=1).max() <= 1e-4
