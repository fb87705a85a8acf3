"""`kiosk face-centre` over drawn faces in the place of the composites."""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import pytest

from devices.face.template import Centre
from devices.simulated.faces import FAR_SEEDS, Face, render
from kiosk.cli import face_centre


def run(folder: Path, out: Path) -> int:
    parser = argparse.ArgumentParser()
    face_centre.register(parser.add_subparsers())
    return face_centre.run(parser.parse_args(["face-centre", "--composites", str(folder), "--out", str(out)]))


def test_writes_numbers_that_load(tmp_path: Path) -> None:
    names = ("f_easian", "m_easian", "f_african", "m_african")
    for name, seed in zip(names, FAR_SEEDS.values(), strict=False):
        cv2.imwrite(str(tmp_path / f"{name}.jpg"), render(Face(seed), (300, 400)))
    out = tmp_path / "deep" / "centre.toml"
    assert run(tmp_path, out) == 0
    assert out.stat().st_size <= 2048
    centre = Centre.load(out)
    assert centre.weight == 0.75
    assert centre.direction is not None
    assert np.linalg.norm(centre.direction) == pytest.approx(1)


def test_says_which_picture_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, tmp_path / "centre.toml") == 1
    assert "f_easian.jpg" in capsys.readouterr().out


def test_a_picture_without_a_face_is_refused(tmp_path: Path) -> None:
    for name in ("f_easian", "m_easian"):
        cv2.imwrite(str(tmp_path / f"{name}.jpg"), np.full((400, 300, 3), 200, np.uint8))
    assert run(tmp_path, tmp_path / "centre.toml") == 1
    assert not (tmp_path / "centre.toml").exists()
