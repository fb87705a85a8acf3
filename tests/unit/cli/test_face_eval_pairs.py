"""Files of `kiosk face-eval`: every mistake with its line, column and what is allowed; every pair once."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from kiosk.cli.face_eval_pairs import (
    MIXED,
    Block,
    Measure,
    PairsWrong,
    Trials,
    everybody,
    list_folder,
    person_of,
    read_groups,
    read_list,
    read_pairs,
    write_pairs,
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two folders with two pictures each of ann, ben and cyd (empty files: only looked for here)."""
    for folder in ("calm", "merry"):
        for person in ("ann", "ben", "cyd"):
            path = tmp_path / folder / f"{person}_{len(folder)}.jpg"
            path.parent.mkdir(exist_ok=True)
            path.touch()
    return tmp_path


def written(root: Path, text: str) -> Path:
    path = root / "pairs.csv"
    path.write_text(text, encoding="utf-8")
    return path


def problems(root: Path, text: str, frames: int = 1, group_column: str | None = None) -> list[str]:
    with pytest.raises(PairsWrong) as caught:
        read_pairs(written(root, text), root, frames, group_column)
    return [str(problem) for problem in caught.value.problems]


def test_rows_become_numbers(root: Path) -> None:
    text = (
        "\ufeffa,b,same,group,person_a,person_b,further\n"
        "calm/ann_4.jpg,merry/ann_5.jpg,1,x,ann,ann,\n"
        "\n"
        "calm/ann_4.jpg, merry/ben_5.jpg ,0,y,ann,ben,z\n"
    )
    pairs = read_pairs(written(root, text), root, 1)
    assert pairs.pictures == ["calm/ann_4.jpg", "merry/ann_5.jpg", "merry/ben_5.jpg"]
    assert pairs.groups == ["x", "y"]
    assert (pairs.same.tolist(), pairs.line.tolist()) == ([True, False], [2, 4])
    assert [pairs.pictures[number] for number in pairs.cards[pairs.card]] == ["calm/ann_4.jpg"] * 2
    assert [pairs.persons[number] for number in pairs.live_person] == ["ann", "ben"]
    other = read_pairs(written(root, text), root, 1, "person_b")
    assert other.groups == ["ann", "ben"]


def test_every_mistake_is_told_at_once(root: Path) -> None:
    found = problems(
        root,
        "a,b,same,group,person_a,person_b\n"
        "calm/ann_4.jpg,merry/ann_5.jpg,yes,x,,\n"
        "calm/nobody.jpg,merry/ann_5.jpg,1,x,,\n"
        "calm/ann_4.jpg,calm/ann_4.jpg,1,x,,\n"
        "calm/ann_4.jpg,merry/ben_5.jpg,1,x,ann,ben\n"
        "calm/ann_4.jpg,merry/ben_5.jpg,0,x,ann,\n"
        "calm/ann_4.jpg,,0,x,,\n"
        "calm/ann_4.jpg,/etc/hostname,0,x,,\n"
        "calm/ann_4.jpg,../pairs.csv,0,,,\n"
        "calm/ann_4.jpg,merry/ben_5.jpg,0\n"
        "calm/ann_4.jpg,merry/ann_5.jpg;merry/ben_5.jpg,0,x,,\n",
    )
    assert found == [
        "line 2, same: found 'yes'; allowed: 1 (one person) or 0 (two)",
        "line 3, a: no picture 'calm/nobody.jpg'; allowed: a file below --root",
        "line 4, b: the picture of column a; allowed: another picture",
        "line 5, person_a, person_b: does not go with same = 1; allowed: equal if and only if 1",
        "line 6, person_a, person_b: only one of them; allowed: both, or both empty",
        "line 7, b: empty; allowed: a file below --root",
        "line 8, b: no picture '/etc/hostname'; allowed: a file below --root",
        "line 9, b: no picture '../pairs.csv'; allowed: a file below --root",
        "line 9, group: empty; allowed: a name",
        "line 10: 3 cells; allowed: 6, as in line 1",
        "line 11, b: 2 picture(s); allowed: one (--frames 1)",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1, a: no such column; allowed: a, b, same, group, person_a, person_b"),
        ("a,b,same,same\n", "line 1, same: column named twice; allowed: once"),
        ("a,b,same\n", "pairs.csv: no row; allowed: at least one below the header"),
        ('a,b,same\n"x', "pairs.csv: cannot be read (Error); allowed: CSV in UTF-8"),
    ],
)
def test_a_file_without_sound_rows(root: Path, text: str, told: str) -> None:
    assert told in problems(root, text)


def test_a_pair_counts_once(root: Path) -> None:
    row = "calm/ann_4.jpg,merry/ben_5.jpg,0\n"
    text = "a,b,same\n" + row + "calm/ann_4.jpg,merry/cyd_5.jpg,0\n" + row + row
    pairs = read_pairs(written(root, text), root, 1)
    assert (pairs.line.tolist(), pairs.repetitions) == ([2, 3], 2)
    assert problems(root, text + row.replace(",0", ",1")) == [
        "line 6, same: otherwise than for the same pair in line 5; allowed: one answer"
    ]


def test_a_file_that_is_no_text_or_not_there(root: Path) -> None:
    (root / "pairs.csv").write_bytes(b"a,b,same\n\xff\xff\n")
    for path in (root / "pairs.csv", root / "none.csv"):
        with pytest.raises(PairsWrong):
            read_pairs(path, root, 1)


def test_the_named_group_column_must_be_there(root: Path) -> None:
    assert "line 1, kind: no such column" in problems(root, "a,b,same\n", group_column="kind")[0]


def test_several_live_pictures_must_be_different_ones(root: Path) -> None:
    head = "a,b,same\n"
    row = "calm/ann_4.jpg,merry/{}.jpg;merry/{}.jpg,0\n"
    pairs = read_pairs(written(root, head + row.format("ben_5", "cyd_5")), root, 2)
    assert pairs.lives.shape == (1, 2)
    (told,) = problems(root, head + row.format("ben_5", "ben_5"), 2)
    assert told == "line 2, b: one picture several times: not different frames; allowed: different pictures"
    (told,) = problems(root, head + "calm/ann_4.jpg,merry/ben_5.jpg,0\n", 2)
    assert told == "line 2, b: 1 picture(s); allowed: 2 with ; between them, or one and a person_b"
    alike = pairs.repeated(np.array([0, 1, 1]))
    assert [str(problem) for problem in alike] == [
        "line 2, b: one picture under two names; allowed: different pictures"
    ]
    assert pairs.repeated(np.array([0, 1, 2])) == []


def test_rows_of_one_person_make_up_a_score(root: Path) -> None:
    """Three pictures of ben, by two: one score, one left over; a repetition fills no place."""
    (root / "merry" / "ben_6.jpg").touch()
    (root / "merry" / "ben_7.jpg").touch()
    text = "a,b,same,person_a,person_b\n" + "".join(
        f"{root}/calm/ann_4.jpg,merry/{name}.jpg,{same},ann,{person}\n"
        for name, same, person in (
            ("ben_5", "0", "ben"),
            ("ann_5", "true", "ann"),
            ("ben_5", "0", "ben"),
            ("ben_6", "0", "ben"),
            ("ben_7", "0", "ben"),
        )
    )
    pairs = read_pairs(written(root, text), root, 2)
    assert (pairs.line.tolist(), pairs.unused) == ([5], 2)
    assert {pairs.pictures[number] for number in pairs.lives[0]} == {"merry/ben_5.jpg", "merry/ben_6.jpg"}
    (told,) = problems(root, "\n".join(text.splitlines()[:2]) + "\n", 2)
    assert told == "pairs.csv: nothing to compare; allowed: 2 rows at least that belong together"


def compared(trials: Trials, contents: np.ndarray | None = None) -> list[tuple[float, bool, str, str, str]]:
    """Every comparison; the vector of picture i is i along one axis, so a Euclidean distance tells the pictures."""
    values = np.arange(len(trials.pictures), dtype=np.float64)[:, None] + 1
    lives = values[trials.lives].mean(axis=1) * 100
    alike = np.arange(len(trials.pictures)) if contents is None else contents
    found = []
    for block in trials.blocks(values[trials.cards], lives, alike, Measure(euclidean=True)):
        for row in zip(*(getattr(block, name) for name in Block.__dataclass_fields__), strict=True):
            distance, same, group, one, other = row
            names = (trials.groups[group], trials.persons[one], trials.persons[other])
            found.append((round(float(distance), 3), bool(same), *names))
    return sorted(found)


def test_all_pairs_of_folders_are_those_of_the_written_file(root: Path) -> None:
    groups = {"ann": "x", "ben": "x", "cyd": "y"}
    trials = everybody(list_folder(root, "calm", "merry", groups), 1, "calm")
    rows = compared(trials)
    assert len(rows) == 9
    assert {row[2] for row in rows if row[3] == row[4]} == {"x", "y"}
    assert {row[2] for row in rows if {row[3], row[4]} == {"ann", "cyd"}} == {MIXED}
    path = root / "out" / "pairs.csv"
    assert write_pairs(path, trials) == 9
    with path.open(encoding="utf-8") as stream:
        assert next(csv.reader(stream)) == ["a", "b", "same", "group", "person_a", "person_b"]
    again = read_pairs(path, root, 1)
    assert {row[1:] for row in compared(again)} == {row[1:] for row in rows}
    assert len(compared(again)) == 9


def test_a_picture_is_not_compared_with_itself(root: Path) -> None:
    trials = everybody(list_folder(root, "calm", "calm", {}), 1, "calm")
    assert len(compared(trials)) == 6
    assert trials.left_out == 3
    assert write_pairs(root / "pairs.csv", trials) == 6
    assert len(compared(trials, np.array([0, 0, 2]))) == 4  # two names, one content
    rows = read_pairs(root / "pairs.csv", root, 1)
    assert len(compared(rows, np.array([0, 0, 2]))) == 4
    assert rows.left_out == 2


def test_missing_descriptors_are_left_out(root: Path) -> None:
    trials = everybody(list_folder(root, "calm", "merry", {}), 1, "calm")
    write_pairs(root / "pairs.csv", trials)
    for each in (trials, read_pairs(root / "pairs.csv", root, 1)):
        cards, lives = np.ones((3, 2)), np.ones((3, 2))
        lives[1] = np.nan
        blocks = [*each.blocks(cards, lives, np.arange(6), Measure(euclidean=False))]
        assert sum(len(block.distance) for block in blocks) == 6


def test_a_list_tells_person_group_and_role(root: Path) -> None:
    text = "image,person,kind,role\ncalm/ann_4.jpg,1,x,card\ncalm/ben_4.jpg,2,x,both\nmerry/ann_5.jpg,,x,live\n"
    trials = read_list(written(root, text), root, 1, "kind")
    assert trials.persons == ["1", "2", "ann"]
    assert (len(trials.cards), len(trials.lives)) == (2, 2)
    with pytest.raises(PairsWrong) as caught:
        read_list(written(root, text.replace("live", "alive").replace("ben_4", "ben")), root, 1)
    assert [problem.column for problem in caught.value.problems] == ["image", "role"]


def test_with_several_frames_the_first_picture_is_the_card_and_the_rest_is_grouped(root: Path) -> None:
    for number in range(4):
        (root / "calm" / f"dan_{number}.jpg").touch()
    trials = everybody(list_folder(root, "calm", "calm", {}), 3, "calm")
    (several,) = trials.lives
    assert [trials.pictures[number] for number in several] == [f"calm/dan_{number}.jpg" for number in (1, 2, 3)]
    assert sorted(trials.pictures[number] for number in trials.cards)[-1] == "calm/dan_0.jpg"
    with pytest.raises(PairsWrong, match="1 problem"):
        everybody(list_folder(root, "merry", "merry", {}), 3, "merry")


def test_folders_and_tables_that_say_nothing(root: Path) -> None:
    with pytest.raises(PairsWrong):
        list_folder(root, "calm", "sad", {})
    info = root / "info.csv"
    info.write_text("id,kind\nann,x\n", encoding="utf-8")
    assert read_groups(info, "id", "kind") == {"ann": "x"}
    with pytest.raises(PairsWrong):
        read_groups(info, "person", "kind")


@pytest.mark.parametrize(("name", "person"), [("a/001_03.jpg", "001"), ("Ann_Lee_0002.png", "Ann_Lee"), ("x.jpg", "x")])
def test_the_person_is_in_the_name(name: str, person: str) -> None:
    assert person_of(name) == person
