"""`kiosk bench people`, small: what it measures, and that it says what is not good enough."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from devices.simulated.people import Attack
from kiosk.cli import bench_people, main


def test_people_are_measured_with_the_kiosk_s_own_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench_people, "_shown", lambda _engine, kind, _count: (float(kind is not Attack.BENT), 0.1))
    out = tmp_path / "people.json"
    assert bench_people.run(2, 1, None, out) == 1
    value = json.loads(out.read_text(encoding="utf-8"))
    assert set(value["found"]) == {str(yaw) for yaw in range(-25, 26, 5)}
    assert value["genuine"]["p50"] < value["impostor"]["p50"]
    assert value["impostor_pairs"] == 2
    assert value["attacks"].keys() == set(Attack)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("FAILED: drawn people")
    assert "refuses too often: bent" in last


def test_one_person_is_nobody_s_stranger() -> None:
    with pytest.raises(SystemExit):
        main(["bench", "people", "--persons", "1"])
