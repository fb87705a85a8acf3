"""`kiosk calibrate`: consent first, distances only, everything overwritten; over drawn people with virtual cards."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from devices.face.template import Enrolled
from devices.secret import SecretBytes
from kiosk import cli
from kiosk.cli import calibrate, calibrate_booth
from kiosk.cli.calibrate import Terminal, session
from kiosk.cli.calibrate_booth import Declined, Number, Say, SimulatedBooth, Volunteer
from kiosk.cli.calibrate_rows import COLUMNS, RowsWrong, append, read, report, rows_of
from kiosk.config import Settings


class Quick:
    """A booth whose volunteers have a number instead of a face: distance = difference / 100."""

    def __init__(self, *faces: int | None) -> None:
        self._faces = iter(faces)
        self.made: list[Volunteer] = []
        self.bands: list[str] = []

    def measure(self, age_band: str, number: Number, say: Say) -> Volunteer:
        face = next(self._faces)
        if number() is None or face is None:
            raise Declined("no card, or no answer from it")
        self.bands.append(age_band)
        volunteer = Volunteer(age_band, Enrolled(np.full(128, float(face)), gray=True))
        volunteer.frames.extend(np.full(128, float(face)) for _ in range(6))
        self.made.append(volunteer)
        return volunteer

    def distance(self, owner: Volunteer, other: Volunteer, frames: Sequence[int]) -> float:
        return abs(float(owner.card.descriptor[0] - np.mean([other.frames[number][0] for number in frames]))) / 100

    def stop(self) -> None: ...


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What is typed, in order; the number unseen."""
    words: list[str] = []
    monkeypatch.setattr("builtins.input", lambda prompt: words.pop(0))
    monkeypatch.setattr(calibrate.getpass, "getpass", lambda prompt: words.pop(0))
    yield words
    assert words == []


def test_consent_comes_before_everything(typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    typed += ["", "no", "q"]
    booth = Quick()
    assert session(booth, Terminal()) == []
    told = capsys.readouterr().out
    assert told.index("写真、映像、氏名") < told.index("Nothing was looked at.")


def test_a_session_at_the_keyboard(typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    number = "60010120301234"
    typed += ["", "yes", "4", number, ""]  # the first stays
    typed += ["", "maybe", "はい", "", number, "w"]  # the second withdraws
    typed += ["", "yes", "9", "4", number, ""]  # the third stays
    typed += ["", "yes", "1", "123", "q"]  # the fourth mistypes
    booth = Quick(10, 20, 50, 60)
    rows = session(booth, Terminal())
    assert [row.kind for row in rows].count("same") == 2 * (6 + 2 + 1)
    assert {row.distance for row in rows if row.kind == "stranger"} == {0.4}
    assert {row.age_band for row in rows} == {"70 and over"}
    assert rows == sorted(rows)
    told = capsys.readouterr().out
    assert "allowed: yes, no, はい, いいえ" in told
    assert "allowed: birth date YYMMDD" in told
    assert number not in told
    assert "Erased." in told
    assert "this volunteer is left out" in told
    for volunteer in booth.made:
        assert volunteer.frames == []
        assert not volunteer.card.descriptor.any()


class Hasty:
    """An operator who breaks off at the third."""

    def another(self, number: int) -> bool:
        if number == 3:
            raise KeyboardInterrupt
        return True

    def agrees(self) -> bool:
        return True

    def age_band(self) -> str:
        return ""

    def number(self) -> SecretBytes:
        return SecretBytes(b"1" * 14)

    def stays(self) -> bool:
        return True


def test_an_interrupted_session_leaves_nothing() -> None:
    booth = Quick(10, 20)
    with pytest.raises(KeyboardInterrupt):
        session(booth, Hasty())
    assert len(booth.made) == 2
    assert all(not volunteer.card.descriptor.any() for volunteer in booth.made)


def test_the_file_holds_four_columns_and_is_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "distances.csv"
    volunteers = [Volunteer(band, Enrolled(np.full(128, value), gray=True)) for band, value in (("", 1.0), ("", 9.0))]
    for volunteer in volunteers:
        volunteer.frames.extend(volunteer.card.descriptor.copy() for _ in range(5))
    rows = rows_of(volunteers, Quick().distance)
    append(path, rows)
    append(path, rows)
    assert read(path) == rows + rows
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == ",".join(COLUMNS) == "kind,distance,frames,age_band"
    assert lines.count(lines[0]) == 1
    assert lines[1] == "same,0.0000,1,"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("kind,distance\n", "line 1: other columns; allowed: kind,distance,frames,age_band"),
        ("kind,distance,frames,age_band\nsame,0.1,2,\n", "line 2: no distance"),
        ("kind,distance,frames,age_band\nsame,0.1,1,\nself,0.1,1,\nsame,nan,1,\n", "line 3: no distance"),
        ("kind,distance,frames,age_band\nsame,0.1,1,Ainu\n", "line 2: no distance"),
        ("kind,distance,frames,age_band\nsame,0.1\n", "line 2: no distance"),
    ],
)
def test_another_file_is_refused_before_anybody_is_asked(
    tmp_path: Path, text: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "other.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RowsWrong):
        read(path)
    assert cli.main(["calibrate", "--simulated", "--out", str(path)]) == 2
    assert told in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == text


def test_the_report_counts_what_the_thresholds_would_do(tmp_path: Path) -> None:
    path = tmp_path / "distances.csv"
    rows = [f"same,{0.1 if number else 0.24},1,70 and over" for number in range(40)]
    rows += [f"stranger,{0.6 if number else 0.2},1," for number in range(500)]
    path.write_text("\n".join([",".join(COLUMNS), *rows, ""]), encoding="utf-8")
    result = tmp_path / "result.json"
    assert cli.main(["calibrate", "--report", "--out", str(path), "--json", str(result)]) == 0
    rates = json.loads(result.read_text(encoding="utf-8"))["rates"]
    assert rates["1 70 and over"]["fnmr"]["events"] == 1
    assert rates["1 70 and over"]["fnmr"]["trials"] == 40
    assert rates["1 not told"]["fmr"]["events"] == 1
    path.write_text(path.read_text(encoding="utf-8") + "stranger,0.1,1,\n" * 10, encoding="utf-8")
    assert cli.main(["calibrate", "--report", "--out", str(path)]) == 1
    assert cli.main(["calibrate", "--report", "--out", str(tmp_path / "none.csv")]) == 1
    assert report([])[2] == ["no distance was measured"]


def test_a_simulated_configuration_is_no_measurement(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config.toml"
    config.write_text("", encoding="utf-8")
    assert cli.main(["calibrate", "--config", str(config), "--out", str(tmp_path / "x.csv")]) == 2
    assert "--simulated" in capsys.readouterr().err


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("world")


def test_drawn_people_from_card_to_file(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(calibrate_booth, "BUILD", world)
    monkeypatch.setattr(calibrate_booth, "PICTURES", 5)
    monkeypatch.setattr(calibrate, "harden", lambda: None)  # it would hold for the process of all tests
    out = tmp_path / "distances.csv"
    words = ["calibrate", "--simulated", "--personas", "employee,forged", "--out", str(out)]
    assert cli.main(words) == 0
    rows = read(out)
    assert [sum(row.kind == kind for row in rows) for kind in ("same", "stranger")] == [14, 14]
    assert max(row.distance for row in rows if row.kind == "same") < 0.2
    assert min(row.distance for row in rows if row.kind == "stranger") > 0.3
    assert "Stay like this" in capsys.readouterr().out


def test_a_card_that_refuses_leaves_its_volunteer_out(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate_booth, "BUILD", world)
    booth = SimulatedBooth(Settings(), ["employee"])
    try:
        assert booth.invite(1)
        with pytest.raises(Declined, match=r"the card refused \(number_wrong, \d tries left\)"):
            booth.measure("", lambda: SecretBytes(b"0" * 14), print)
    finally:
        booth.stop()
