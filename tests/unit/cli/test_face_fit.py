"""`kiosk face-fit` on descriptors made for it: a common part and a direction that really are there are found."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from devices.face import centre
from devices.face.template import DEFAULT_CENTRE, Centre
from kiosk import cli
from kiosk.cli.face_eval_pairs import Everybody, Listed, everybody
from kiosk.cli.face_eval_pictures import Descriptors
from kiosk.cli.face_fit import divide, fit

SHIPPED = Centre.load(DEFAULT_CENTRE)


def people(crowded: float) -> tuple[Everybody, Descriptors]:
    """40 persons in two groups, a card and a live picture of each. `crowded`: how much those of the second have in
    common along the shipped direction."""
    assert SHIPPED.direction is not None
    listed = [
        Listed(f"{role}/{person}_{role}", str(person), "ab"[person % 2], role == "card", role == "live")
        for person in range(40)
        for role in ("card", "live")
    ]
    trials = everybody(listed, 1, "x")
    found = Descriptors(trials)
    draw = np.random.default_rng(7)
    own = {person: draw.normal(0, 0.05, 128) for person in range(40)}
    for number, picture in enumerate(trials.pictures):
        person = int(picture.split("/")[1].split("_")[0])
        common = crowded * SHIPPED.direction if person % 2 else 0
        value = SHIPPED.weight * SHIPPED.mean + common + own[person] + draw.normal(0, 0.012, 128)
        (found.card if picture.startswith("card") else found.live)[number] = value
    return trials, found


def test_halves_share_no_person_and_have_half_of_every_group() -> None:
    trials, _ = people(1.0)
    first, second = divide(trials, 1)
    assert sorted([*first, *second]) == list(range(40))
    assert len(first) == len(second) == 20
    group = dict(zip(trials.card_person.tolist(), trials.card_group.tolist(), strict=True))
    assert sum(group[person] for person in first.tolist()) == 10
    assert not np.array_equal(first, divide(trials, 2)[0])
    assert np.array_equal(first, divide(trials, 1)[0])


def test_what_people_have_in_common_is_found_and_removed() -> None:
    assert SHIPPED.direction is not None
    result = fit(*people(1.0), SHIPPED.mean, SHIPPED.direction, seed=1, divisions=5)
    assert result["chosen"].endswith("and direction")
    assert all(name.endswith("and direction") for name in result["luck"])
    scores = result["scores"]
    assert scores["0.75 and direction"] > scores["0.75"]
    assert result["missed"] == []
    for half in ("first", "second"):
        false_match, false_refusal = result["halves"][f"shipped_{half}"]["all"]
        assert (false_match["events"], false_match["trials"]) == (0, 20 * 19)
        assert (false_match["persons"], false_refusal["trials"]) == (20, 20)
    assert "chosen in 5 further divisions" in result["text"]


def test_a_choice_that_is_worse_than_another_is_told() -> None:
    """Planted: the common part is elsewhere, so what is shipped removes the wrong thing."""
    assert SHIPPED.direction is not None
    trials, found = people(1.0)
    turned = np.roll(np.arange(128), 17)
    found.card, found.live = found.card[:, turned], found.live[:, turned]
    result = fit(trials, found, SHIPPED.mean[turned], SHIPPED.direction[turned], seed=1, divisions=1)
    assert result["missed"]
    assert "is possible" in result["line"]


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    trials, known = people(1.0)
    for picture in trials.pictures:
        (tmp_path / picture).parent.mkdir(exist_ok=True)
        (tmp_path / f"{picture}.jpg").touch()
    (tmp_path / "few").mkdir()
    for person in (1, 2):
        (tmp_path / "few" / f"{person}_x.jpg").touch()
    info = tmp_path / "info.csv"
    info.write_text("id,kind\n" + "".join(f"{person},{'ab'[person % 2]}\n" for person in range(40)), encoding="utf-8")

    def fill(self: Descriptors, root: Path, *, gray: bool, jobs: int) -> None:
        assert gray
        self.card, self.live = known.card, known.live

    monkeypatch.setattr(Descriptors, "fill", fill)
    monkeypatch.setattr(centre, "parts", lambda folder: (SHIPPED.mean, SHIPPED.direction))
    result = tmp_path / "fit.json"
    words = ["face-fit", "--root", str(tmp_path), "--composites", str(tmp_path), "--info", str(info)]
    words += ["--person-column", "id", "--group-column", "kind", "--json", str(result)]
    folders = ["--cards", "card", "--live", "live"]
    assert cli.main([*words, *folders, "--divisions", "2", "--seed", "1"]) == 0
    assert json.loads(result.read_text(encoding="utf-8"))["chosen"].endswith("and direction")
    assert cli.main([*words, *folders, "--divisions", "0"]) == 2
    assert cli.main([*words, "--cards", "none", "--live", "live"]) == 2
    assert cli.main([*words, "--cards", "few", "--live", "few"]) == 2
    told = capsys.readouterr().err
    assert "no picture in this folder" in told
    assert "few: 2 persons; allowed: enough for two in each half" in told
