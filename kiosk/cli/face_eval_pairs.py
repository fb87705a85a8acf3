"""What `kiosk face-eval` compares: rows of a file, or every picture of a list with every other.

All mistakes of a file are found at once, each with its line, its column and what is allowed there.
"""

from __future__ import annotations

import csv
import itertools
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Vectors = NDArray[np.float64]

MIXED = "mixed"  # a pair of two groups
EVERYBODY = "all"  # without groups
MOST_GROUPS = 200
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".jp2", ".webp", ".bmp", ".tif", ".tiff", ".ppm"})
_ONE_PERSON, _TWO_PERSONS = ("1", "true", "True"), ("0", "false", "False")
_ROLES = {"card": (True, False), "live": (False, True), "both": (True, True)}
_ROWS = 20_000  # compared at once: 20,000 x 128 x 8 bytes twice
_CARDS = 64  # of a list, each with everybody


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. `line` counts from 1; 0 is the file as a whole."""

    line: int
    column: str
    what: str
    allowed: str

    def __str__(self) -> str:
        where = f"line {self.line}" + (f", {self.column}" if self.column else "") if self.line else self.column
        return f"{where}: {self.what}; allowed: {self.allowed}"


class PairsWrong(Exception):
    """The file cannot be used."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"{len(problems)} problem(s)")
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Comparisons that took place: n distances, and for each whether it is one person, group and persons by number
    (-1: not told)."""

    distance: Vectors
    same: NDArray[np.bool_]
    group: Numbers
    card_person: Numbers
    live_person: Numbers


@dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """A distance from prepared vectors: cosine of unit vectors, or Euclidean."""

    euclidean: bool

    def of(self, dot: Vectors, cards: Vectors, lives: Vectors) -> Vectors:
        """`dot`: products; `cards` and `lives`: squared lengths, broadcast against it."""
        if self.euclidean:
            return np.asarray(np.sqrt(np.maximum(cards + lives - 2 * dot, 0)), np.float64)
        return 1 - dot


@dataclass(slots=True, eq=False)
class Trials:
    """Common to both kinds. `pictures`: every picture once, below the root. `cards`: number of the picture of each
    card; `lives`: m x K, the pictures whose mean is one live score."""

    pictures: list[str]
    groups: list[str]
    persons: list[str]
    cards: Numbers
    lives: Numbers
    left_out: int = field(default=0, init=False)
    repetitions: int = field(default=0, init=False)  # rows that said again what another had said
    unused: int = field(default=0, init=False)  # rows that found no others to make up a score

    def blocks(self, cards: Vectors, lives: Vectors, contents: Numbers, measure: Measure) -> Iterator[Block]:
        """Compare. `cards`, `lives`: a prepared vector for each, NaN for those that failed; `contents`: for each
        picture a number that equal pictures share. Comparisons of a picture with itself are left out, counted in
        `left_out`."""
        raise NotImplementedError

    def group_members(self) -> Iterator[tuple[int, Numbers, Numbers]]:
        """For each group: its number, its cards, its lives (indices)."""
        raise NotImplementedError


@dataclass(slots=True, eq=False)
class Pairs(Trials):
    """Rows of a file; `card`, `live`: index of each row's card and live."""

    card: Numbers
    live: Numbers
    same: NDArray[np.bool_]
    group: Numbers
    card_person: Numbers
    live_person: Numbers
    line: Numbers

    def blocks(self, cards: Vectors, lives: Vectors, contents: Numbers, measure: Measure) -> Iterator[Block]:
        self.left_out = 0
        squares = np.einsum("ij,ij->i", cards, cards), np.einsum("ij,ij->i", lives, lives)
        for start in range(0, len(self.card), _ROWS):
            rows = slice(start, start + _ROWS)
            card, live = self.card[rows], self.live[rows]
            distance = measure.of(np.einsum("ij,ij->i", cards[card], lives[live]), squares[0][card], squares[1][live])
            itself = (contents[self.lives[live]] == contents[self.cards[card]][:, None]).any(axis=1)
            self.left_out += int(itself.sum())
            keep = ~np.isnan(distance) & ~itself
            yield Block(
                distance[keep],
                self.same[rows][keep],
                self.group[rows][keep],
                self.card_person[rows][keep],
                self.live_person[rows][keep],
            )

    def group_members(self) -> Iterator[tuple[int, Numbers, Numbers]]:
        for number in range(len(self.groups)):
            rows = self.group == number
            yield number, np.unique(self.card[rows]), np.unique(self.live[rows])

    def repeated(self, contents: Numbers) -> list[Problem]:
        """Rows whose live pictures are not different ones."""
        found = []
        for row in np.flatnonzero(_repeats(contents[self.lives])[self.live]):
            found.append(Problem(int(self.line[row]), "b", "one picture under two names", "different pictures"))
        return found


@dataclass(slots=True, eq=False)
class Everybody(Trials):
    """Every card with every live picture. Groups and persons are those of a card and of a live; a pair of two groups
    counts as `MIXED`."""

    card_person: Numbers
    live_person: Numbers
    card_group: Numbers
    live_group: Numbers

    def blocks(self, cards: Vectors, lives: Vectors, contents: Numbers, measure: Measure) -> Iterator[Block]:
        self.left_out = 0
        squares = np.einsum("ij,ij->i", cards, cards), np.einsum("ij,ij->i", lives, lives)
        mixed = self.groups.index(MIXED) if MIXED in self.groups else 0
        alike = contents[self.lives]
        for start in range(0, len(self.cards), _CARDS):
            part = slice(start, start + _CARDS)
            distance = measure.of(cards[part] @ lives.T, squares[0][part, None], squares[1][None])
            itself = (contents[self.cards[part]][:, None, None] == alike[None]).any(axis=2)
            self.left_out += int(itself.sum())
            keep = ~np.isnan(distance) & ~itself
            of_card, of_live = np.nonzero(keep)
            of_card += start
            group = self.card_group[of_card]
            group = np.where(group == self.live_group[of_live], group, mixed)
            person, other = self.card_person[of_card], self.live_person[of_live]
            yield Block(distance[keep], person == other, group, person, other)

    def group_members(self) -> Iterator[tuple[int, Numbers, Numbers]]:
        for number, name in enumerate(self.groups):
            if name != MIXED:
                yield number, np.flatnonzero(self.card_group == number), np.flatnonzero(self.live_group == number)


def _repeats(contents: Numbers) -> NDArray[np.bool_]:
    ordered = np.sort(contents, axis=1)
    return np.asarray((ordered[:, 1:] == ordered[:, :-1]).any(axis=1))


class _Index:
    """Names by number, in order of appearance."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._known: dict[str, int] = {}

    def of(self, name: str) -> int:
        number = self._known.setdefault(name, len(self.names))
        if number == len(self.names):
            self.names.append(name)
        return number


class _Reader:
    """Cells of a CSV file, with what is wrong about them."""

    def __init__(self, path: Path, root: Path, needed: Sequence[str]) -> None:
        self.problems: list[Problem] = []
        self._path, self._root, self._needed = path, root, needed
        self._seen: dict[str, bool] = {}
        self.header: list[str] = []

    def rows(self, *optional: str) -> Iterator[tuple[int, Mapping[str, str]]]:
        """Line number and cells of every sound row. Raises `PairsWrong` for a file without a sound header."""
        try:
            with self._path.open(encoding="utf-8-sig", newline="") as stream:
                reader = csv.reader(stream, strict=True)
                self.header = [name.strip() for name in next(reader, [])]
                self._check_header(optional)
                for cells in reader:
                    if not cells:
                        continue
                    if len(cells) != len(self.header):
                        self.wrong(reader.line_num, "", f"{len(cells)} cells", f"{len(self.header)}, as in line 1")
                        continue
                    yield reader.line_num, dict(zip(self.header, map(str.strip, cells), strict=True))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            self.wrong(0, self._path.name, f"cannot be read ({type(error).__name__})", "CSV in UTF-8")
            raise PairsWrong(self.problems) from None

    def _check_header(self, optional: Sequence[str]) -> None:
        for name in self._needed:
            if name not in self.header:
                self.wrong(1, name, "no such column", ", ".join((*self._needed, *optional)))
        for name in {name for name in self.header if self.header.count(name) > 1}:
            self.wrong(1, name, "column named twice", "once")
        if self.problems:
            raise PairsWrong(self.problems)

    def wrong(self, line: int, column: str, what: str, allowed: str) -> None:
        self.problems.append(Problem(line, column, what, allowed))

    def picture(self, line: int, column: str, name: str) -> bool:
        """Whether `name` is a file below the root; each is looked up once."""
        known = self._seen.get(name)
        if known is None:
            path = Path(name)
            inside = ".." not in path.parts and (not path.is_absolute() or path.is_relative_to(self._root.absolute()))
            known = bool(name) and inside and (self._root / path).is_file()
            self._seen[name] = known
        if not known:
            self.wrong(line, column, f"no picture {name!r}" if name else "empty", "a file below --root")
        return known


def read_pairs(path: Path, root: Path, frames: int, group_column: str | None = None) -> Pairs:
    """Rows `a,b,same[,group][,person_a,person_b]`; further columns are ignored. `a` is the card's photo, `b` the live
    picture, or `frames` different ones with `;` between them. Rows with one picture and a person_b are put together,
    `frames` at a time in the order of the file, when they have a, person_b, same and group in common. Raises
    `PairsWrong`."""
    needed = ["a", "b", "same"] + ([group_column] if group_column else [])
    reader = _Reader(path, root, needed)
    rows = _Rows(frames)
    for line, row in reader.rows("group", "person_a", "person_b"):
        names = [name.strip() for name in row["b"].split(";")]
        sound = _row_is_sound(reader, line, row, names, frames)
        group = row.get(group_column or "group", EVERYBODY)
        if not group:
            reader.wrong(line, group_column or "group", "empty", "a name")
        if sound and group:
            rows.add(line, row, names, group)
    if len(rows.groups.names) > MOST_GROUPS:
        reader.wrong(1, group_column or "group", f"{len(rows.groups.names)} groups", f"at most {MOST_GROUPS}")
    if not reader.problems and not rows.columns["line"]:
        allowed = f"{frames} rows at least that belong together" if rows.unused else "at least one below the header"
        reader.wrong(0, path.name, "nothing to compare" if rows.unused else "no row", allowed)
    if reader.problems:
        raise PairsWrong(reader.problems)
    return rows.pairs(reader)


class _Rows:
    """Sound rows, as they come."""

    def __init__(self, frames: int) -> None:
        self._frames = frames
        self._pictures, self._persons, self._cards, self._lives = _Index(), _Index(), _Index(), _Index()
        self._live_pictures: list[tuple[int, ...]] = []
        self._waiting: dict[tuple[str, str, str, str], list[int]] = {}
        self.groups = _Index()
        self.columns = {name: array("q") for name in ("card", "live", "same", "group", "a", "b", "line")}

    @property
    def unused(self) -> int:
        """Rows that wait for others to go with."""
        return sum(map(len, self._waiting.values()))

    def add(self, line: int, row: Mapping[str, str], names: Sequence[str], group: str) -> None:
        card, *numbers = (self._pictures.of(name) for name in (row["a"], *names))
        if len(numbers) < self._frames:
            waiting = self._waiting.setdefault((row["a"], row["person_b"], row["same"], group), [])
            waiting += [number for number in numbers if number not in waiting]
            if len(waiting) < self._frames:
                return
            numbers = waiting.copy()
            waiting.clear()
        several = tuple(sorted(numbers))
        live = self._lives.of(repr(several))
        if live == len(self._live_pictures):
            self._live_pictures.append(several)
        self.columns["card"].append(self._cards.of(str(card)))
        self.columns["live"].append(live)
        self.columns["same"].append(row["same"] in _ONE_PERSON)
        self.columns["group"].append(self.groups.of(group))
        for side, cell in (("a", "person_a"), ("b", "person_b")):
            self.columns[side].append(self._persons.of(row[cell]) if row.get(cell) else -1)
        self.columns["line"].append(line)

    def pairs(self, reader: _Reader) -> Pairs:
        """Raises `PairsWrong` for rows that contradict each other."""
        made = {name: np.array(values, np.int64) for name, values in self.columns.items()}
        made, repeated = _once(reader, made, len(self._live_pictures))
        pairs = Pairs(
            self._pictures.names,
            self.groups.names,
            self._persons.names,
            np.array([int(name) for name in self._cards.names], np.int64),
            np.array(self._live_pictures, np.int64),
            made["card"],
            made["live"],
            made["same"].astype(bool),
            made["group"],
            made["a"],
            made["b"],
            made["line"],
        )
        pairs.repetitions, pairs.unused = repeated, self.unused
        return pairs


def _once(reader: _Reader, columns: dict[str, Numbers], lives: int) -> tuple[dict[str, Numbers], int]:
    """Every pair once, in the order of the file, and how many rows were repetitions: counted twice, a pair would make
    bounds narrower than they are. Raises `PairsWrong` when a repetition says otherwise."""
    pair = columns["card"] * lives + columns["live"]
    order = np.argsort(pair, kind="stable")
    again = np.flatnonzero(pair[order[1:]] == pair[order[:-1]]) + 1
    for at in again[columns["same"][order[again]] != columns["same"][order[again - 1]]]:
        line, before = columns["line"][order[at]], columns["line"][order[at - 1]]
        reader.wrong(int(line), "same", f"otherwise than for the same pair in line {before}", "one answer")
    if reader.problems:
        raise PairsWrong(reader.problems)
    keep = np.ones(len(pair), bool)
    keep[order[again]] = False
    return {name: column[keep] for name, column in columns.items()}, len(again)


def _row_is_sound(reader: _Reader, line: int, row: Mapping[str, str], names: Sequence[str], frames: int) -> bool:
    before = len(reader.problems)
    if row["same"] not in (*_ONE_PERSON, *_TWO_PERSONS):
        reader.wrong(line, "same", f"found {row['same']!r}", "1 (one person) or 0 (two)")
    reader.picture(line, "a", row["a"])
    if len(names) != frames and (len(names) > 1 or not row.get("person_b")):
        allowed = f"{frames} with ; between them, or one and a person_b" if frames > 1 else "one (--frames 1)"
        reader.wrong(line, "b", f"{len(names)} picture(s)", allowed)
    for name in names:
        reader.picture(line, "b", name)
    if len(set(names)) < len(names):
        reader.wrong(line, "b", "one picture several times: not different frames", "different pictures")
    if row["a"] in names:
        reader.wrong(line, "b", "the picture of column a", "another picture")
    one, other = row.get("person_a", ""), row.get("person_b", "")
    if bool(one) != bool(other):
        reader.wrong(line, "person_a, person_b", "only one of them", "both, or both empty")
    elif one and (one == other) != (row["same"] in _ONE_PERSON):
        reader.wrong(line, "person_a, person_b", f"does not go with same = {row['same']}", "equal if and only if 1")
    return len(reader.problems) == before


@dataclass(frozen=True, slots=True)
class Listed:
    """One picture of a list."""

    picture: str
    person: str
    group: str
    card: bool
    live: bool


def read_list(path: Path, root: Path, frames: int, group_column: str | None = None) -> Everybody:
    """Rows `image[,person][,group][,role]` for `everybody`. Without a person: `person_of` the file's name; `role` is
    card, live or both (default). Raises `PairsWrong`."""
    reader = _Reader(path, root, ["image"] + ([group_column] if group_column else []))
    listed = []
    for line, row in reader.rows("person", "group", "role"):
        role = row.get("role") or "both"
        if role not in _ROLES:
            reader.wrong(line, "role", f"found {role!r}", ", ".join(_ROLES))
            continue
        if reader.picture(line, "image", row["image"]):
            group = row.get(group_column or "group") or EVERYBODY
            card, live = _ROLES[role]
            listed.append(Listed(row["image"], row.get("person") or person_of(row["image"]), group, card, live))
    if reader.problems:
        raise PairsWrong(reader.problems)
    return everybody(listed, frames, path.name)


def person_of(picture: str) -> str:
    """The person by the usual names of files: without the last `_...`, so 001_03.jpg is 001."""
    stem = Path(picture).stem
    return stem.rpartition("_")[0] or stem


def list_folder(root: Path, cards: str, lives: str, groups: Mapping[str, str]) -> list[Listed]:
    """Every picture of the folders `cards` and `lives` below `root`; `groups`: person -> group.
    Raises `PairsWrong` for a folder without pictures."""
    found: list[Listed] = []
    problems = []
    for folder in dict.fromkeys((cards, lives)):
        names = sorted(
            path.relative_to(root).as_posix()
            for path in (root / folder).rglob("*")
            if path.suffix.lower() in SUFFIXES and path.is_file()
        )
        if not names:
            problems.append(Problem(0, folder, "no picture in this folder", ", ".join(sorted(SUFFIXES))))
        for name in names:
            person = person_of(name)
            group = groups.get(person, "unknown") if groups else EVERYBODY
            found.append(Listed(name, person, group, folder == cards, folder == lives))
    if problems:
        raise PairsWrong(problems)
    return found


def read_groups(path: Path, person_column: str, group_column: str) -> dict[str, str]:
    """person -> group from a table about persons. Raises `PairsWrong`."""
    reader = _Reader(path, path.parent, [person_column, group_column])
    found = {row[person_column]: row[group_column] for _, row in reader.rows()}
    if reader.problems:
        raise PairsWrong(reader.problems)
    return found


def everybody(listed: Sequence[Listed], frames: int, name: str) -> Everybody:
    """Every card with every live. With one frame, every picture is what its role says. With K frames, a person whose
    pictures are both gives the first as card and the others, K at a time, as lives; what is left over is not used.
    Raises `PairsWrong` when nothing can be compared."""
    pictures, groups, persons = _Index(), _Index(), _Index()
    cards: list[tuple[int, int, int]] = []
    lives: list[tuple[tuple[int, ...], int, int]] = []
    by_person = itertools.groupby(sorted(listed, key=lambda one: (one.person, one.picture)), key=lambda one: one.person)
    for person, own in by_person:
        shown = list(own)
        who = persons.of(person)
        if frames == 1:
            as_card, as_live = [one for one in shown if one.card], [one for one in shown if one.live]
        else:
            as_card = [one for one in shown if one.card][:1]
            as_live = [one for one in shown if one.live and one not in as_card]
        cards += [(pictures.of(one.picture), who, groups.of(one.group)) for one in as_card]
        for start in range(0, len(as_live) - frames + 1, frames):
            several = as_live[start : start + frames]
            lives.append((tuple(pictures.of(one.picture) for one in several), who, groups.of(several[0].group)))
    if len(groups.names) > MOST_GROUPS:
        raise PairsWrong([Problem(0, name, f"{len(groups.names)} groups", f"at most {MOST_GROUPS}")])
    if not cards or not lives:
        allowed = f"at least one card and {frames} live picture(s) of one person"
        raise PairsWrong([Problem(0, name, "nothing to compare", allowed)])
    if len(groups.names) > 1:
        groups.of(MIXED)
    return Everybody(
        pictures.names,
        groups.names,
        persons.names,
        np.array([card[0] for card in cards], np.int64),
        np.array([live[0] for live in lives], np.int64),
        np.array([card[1] for card in cards], np.int64),
        np.array([live[1] for live in lives], np.int64),
        np.array([card[2] for card in cards], np.int64),
        np.array([live[2] for live in lives], np.int64),
    )


def write_pairs(path: Path, trials: Everybody) -> int:
    """Write `trials` as rows for `read_pairs`; returns their number."""
    count = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("a", "b", "same", "group", "person_a", "person_b"))
        for card, person, group in zip(trials.cards, trials.card_person, trials.card_group, strict=True):
            for live, other, others in zip(trials.lives, trials.live_person, trials.live_group, strict=True):
                if card in live:
                    continue
                writer.writerow(
                    (
                        trials.pictures[card],
                        ";".join(trials.pictures[one] for one in live),
                        int(person == other),
                        trials.groups[group] if group == others else MIXED,
                        trials.persons[person],
                        trials.persons[other],
                    )
                )
                count += 1
    return count
