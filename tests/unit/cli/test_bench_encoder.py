"""`kiosk bench encoder`: its bars, and a short run of the real thing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from kiosk.cli import bench_encoder
from kiosk.cli.bench_encoder import Way

DLIB = Way("dlib", 0.2, 76.0, 77.0, 25.0, 110.0, 77.0, 0.0, 2)
NUMPY = Way("numpy", 0.1, 11.0, 11.5, 30.0, 3.0, 1.2, 2e-5, 0)
ONNX = Way("onnx", 0.4, 6.5, 6.6, 110.0, 3.0, 1.1, 1e-5, 0)


def test_the_default_is_the_quickest(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_encoder.report([DLIB, NUMPY, ONNX], 60, None) == 0
    assert "onnx is the default: 6.5 ms per descriptor, dlib's own call 76.0 ms (11.7 times)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("ways", "says"),
    [
        ([DLIB, replace(NUMPY, cpu=5.0), ONNX], "numpy is quicker than the default"),
        ([DLIB, NUMPY, replace(ONNX, apart=2e-4)], "onnx is farther than 0.0001 from dlib"),
    ],
)
def test_a_missed_bar_fails(ways: list[Way], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_encoder.report(ways, 60, None) == 1
    assert says in capsys.readouterr().out


def test_what_stays_of_a_chip_is_found() -> None:
    """A planted control: an encoder that keeps what it was given."""

    class Hoarder:
        kept: NDArray[np.uint8] | None = None

        def describe(self, chips: NDArray[np.uint8]) -> None:
            self.kept = chips.copy()

    hoarder = Hoarder()
    assert bench_encoder._left(hoarder) >= 1
    assert hoarder.kept is not None


@pytest.mark.long
def test_a_short_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "encoder.json"
    bench_encoder.run(3, None, out)  # its verdict is about time, which a shared machine does not keep
    written = json.loads(out.read_text())
    assert [way["way"] for way in written["ways"]] == ["dlib", "numpy", "onnx"]
    assert all(way["apart"] <= bench_encoder.LIMIT for way in written["ways"])
    assert all(way["left"] == 0 for way in written["ways"] if way["way"] != "dlib")


def test_a_damaged_model_is_no_result(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "network.dat"
    model.write_bytes(b"nothing")
    assert bench_encoder.run(1, model, None) == 1
    assert "FAILED: dlib: no result" in capfd.readouterr().out
