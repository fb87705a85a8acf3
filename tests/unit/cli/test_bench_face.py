"""`kiosk bench face`: its bars, a sample without a result, and a short run of the real thing."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from devices.blob import Blob
from devices.simulated.apart import SeparateCamera
from devices.simulated.reel import Reel, place
from devices.supervisor import ChildSpec
from kiosk.cli import bench_face
from kiosk.cli.bench_face import BenchFailed, Cost, Measured

SMALL = Measured(
    640,
    480,
    kiosk=Cost("kiosk", 310, 6.0, 0.005, 0.008, 31, 312),
    outside=1.2,
    painted=Cost("kiosk and its window", 310, 8.0, 0.005, 0.008, 31, 312),
    rates=[3.2, 3.1],
    decisions=[1.0, 1.3, 1.1],
    sample=Cost("sample", 300, 190.0, 0.19, 0.2, 300, 1800),
    faster=Cost("faster sample", 300, 45.0, 0.04, 0.09, 150, 450),
)
WIDE = replace(SMALL, width=1280, height=720, sample=replace(SMALL.sample, cpu=350.0))


def test_the_bars_are_met(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "face.json"
    assert bench_face.report([SMALL, WIDE], out) == 0
    written = json.loads(out.read_text())
    assert [round(one["ratio"]) for one in written["sizes"]] == [32, 58]
    assert "the sample 190 ms (32 times), recognised after 1.10 s" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("measured", "says"),
    [
        (replace(SMALL, kiosk=replace(SMALL.kiosk, cpu=7.7)), "640x480: less than 25 times"),
        (replace(WIDE, kiosk=replace(WIDE.kiosk, cpu=8.8)), "1280x720: less than 40 times"),
        (replace(SMALL, decisions=[1.0, 1.3, 1.3]), "decision later than 1.2 s"),
        (replace(SMALL, rates=[3.2, 2.9]), "fewer than 3 descriptors/s"),
        (replace(SMALL, sample=replace(SMALL.sample, described=200)), "nothing is compared"),
        (replace(SMALL, kiosk=replace(SMALL.kiosk, shown=400)), "left out more than a tenth"),
    ],
)
def test_a_missed_bar_fails(measured: Measured, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_face.report([measured], None) == 1
    assert says in capsys.readouterr().out


def test_the_film_goes_forwards_and_backwards() -> None:
    assert [place(turn, 3) for turn in range(6)] == [0, 1, 2, 1, 0, 1]
    reel = Reel(31, {"width": 160, "height": 120, "pictures": 2})
    first, second = reel.read(), reel.read()
    assert first is not None
    assert first.shape == (120, 160, 3)
    assert second is not None
    assert (first != second).any()
    assert Reel(None, {}).read() is None


def test_a_sample_without_a_result_is_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As an import that prints and exits with 0 is."""
    genuine: Callable[..., ChildSpec] = bench_face.sample
    camera = SeparateCamera(31, {"reel": True, "width": 64, "height": 48, "pictures": 2})
    monkeypatch.setattr(
        bench_face,
        "sample",
        lambda *, faster: replace(genuine(faster=faster), target="tests.helpers.child_services:leave"),
    )
    with contextlib.closing(Blob.of(b"no photo")) as photo, pytest.raises(BenchFailed, match="without a result"):
        bench_face.measure_sample(camera, photo, 3, faster=False)


@pytest.mark.long
def test_a_short_run(qapp: QApplication, tmp_path: Path) -> None:
    out = tmp_path / "face.json"
    assert bench_face.run(60, out, bars=False, sizes={(640, 480): 25.0}) == 0
    (one,) = json.loads(out.read_text())["sizes"]
    assert one["kiosk"]["frames"] >= 60
    assert one["sample"]["frames"] == 60
    assert one["faster"]["described"] <= 30
    assert one["ratio"] > 5
    assert all(seconds > 0.3 for seconds in one["decisions"])
