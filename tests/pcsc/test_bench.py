"""`kiosk bench card` over a genuine pcscd, beside a genuine OpenSC; unpaced, because the link time is a model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from devices.simulated.card.pace import Pace
from kiosk.cli import bench_card

pytestmark = pytest.mark.pcsc


def test_the_bars_are_met(lane_is_there: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "bench.json"
    assert bench_card.run("employee", tmp_path, out, [Pace.NONE]) == 0, capsys.readouterr().out
    result = json.loads(out.read_text())
    assert result["identical"]
    assert all(row["apdus"] == row["formula"] for row in result["rows"] if row["formula"] is not None)
    by_program = {(row["work"], row["program"]): row for row in result["rows"]}
    assert (
        by_program[(bench_card.PHOTO, bench_card.LONG)]["apdus"]
        < by_program[(bench_card.PHOTO, bench_card.OURS)]["apdus"] / 4
    )
