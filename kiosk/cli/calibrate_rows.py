"""Rows of `kiosk calibrate`: how they are made, kept, read, and what they say about the shipped thresholds."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kiosk.cli.face_eval_figures import FMR_BAR, Rate
from kiosk.cli.face_eval_pairs import Problem

if TYPE_CHECKING:
    from kiosk.cli.calibrate_booth import Volunteer

COLUMNS = ("kind", "distance", "frames", "age_band")
SAME, STRANGER = "same", "stranger"
AGE_BANDS = ("under 18", "18 to 39", "40 to 69", "70 and over")
NOT_TOLD = ""
FRAMES = (1, 3, 5)
#: Card of one volunteer, frames of another (or the same), by their places in the session -> distance.
Distance = Callable[["Volunteer", "Volunteer", Sequence[int]], float]


class RowsWrong(Exception):
    """The file holds something else."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"{len(problems)} problem(s)")
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """One comparison. `age_band` of strangers only when both have the same."""

    kind: str
    frames: int
    distance: float
    age_band: str


def rows_of(volunteers: Sequence[Volunteer], distance: Distance) -> list[Row]:
    """Everybody's card with everybody's frames, in groups of K frames one after another. Sorted: the order of a
    session would tell who is who."""
    rows = []
    for owner in volunteers:
        for other in volunteers:
            kind = SAME if owner is other else STRANGER
            band = owner.age_band if owner.age_band == other.age_band else NOT_TOLD
            for frames in FRAMES:
                for start in range(0, len(other.frames) - frames + 1, frames):
                    value = distance(owner, other, range(start, start + frames))
                    rows.append(Row(kind, frames, round(value, 4), band))
    return sorted(rows)


def append(path: Path, rows: Sequence[Row]) -> None:
    """Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = not path.exists() or path.stat().st_size == 0
    with path.open("a", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        if fresh:
            writer.writerow(COLUMNS)
        for row in rows:
            writer.writerow((row.kind, f"{row.distance:.4f}", row.frames, row.age_band))


def read(path: Path) -> list[Row]:
    """All rows. Raises `RowsWrong` with every problem."""
    rows, problems = [], []
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            header = next(reader, list(COLUMNS))
            if tuple(header) != COLUMNS:
                problems.append(Problem(1, "", "other columns", ",".join(COLUMNS)))
            for cells in [] if problems else reader:
                row = _row(cells)
                if row is None:
                    allowed = f"{SAME} or {STRANGER}, 0 to 2, {FRAMES}, {', '.join(AGE_BANDS)} or nothing"
                    problems.append(Problem(reader.line_num, "", "no distance", allowed))
                else:
                    rows.append(row)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        problems.append(Problem(0, path.name, f"cannot be read ({type(error).__name__})", "CSV in UTF-8"))
    if problems:
        raise RowsWrong(problems)
    return rows


def _row(cells: Sequence[str]) -> Row | None:
    try:
        kind, distance, frames, band = cells
        row = Row(kind, int(frames), float(distance), band)
    except ValueError:
        return None
    sound = kind in (SAME, STRANGER) and row.frames in FRAMES and band in (*AGE_BANDS, NOT_TOLD)
    return row if sound and 0 <= row.distance <= 2 else None


def report(rows: Sequence[Row]) -> tuple[str, dict[str, Any], list[str]]:
    """What the shipped thresholds would have done: as text, as figures, and what speaks against them."""
    from devices.face.operating import load_thresholds

    lines = [
        "Bounds: 95 %, by comparison. The file does not say whose distances they are, so these bounds flatter:",
        "the comparisons of one person fail together. Few volunteers say little, whatever the bounds.",
        "",
        f"{'frames':>6} {'age band':14}{'same':>7}{'refused':>9}{'FNMR':>22}{'strangers':>11}{'pass':>6}{'FMR':>22}",
    ]
    figures: dict[str, Any] = {}
    missed = [] if rows else ["no distance was measured"]
    for frames in FRAMES:
        accept = load_thresholds("centred", frames=frames).accept
        for band in (None, *AGE_BANDS, NOT_TOLD):
            own = [row for row in rows if row.frames == frames and band in (None, row.age_band)]
            if not own:
                continue
            same = [row.distance > accept for row in own if row.kind == SAME]
            strangers = [row.distance <= accept for row in own if row.kind == STRANGER]
            refused, passed = Rate(sum(same), len(same), 0, 0), Rate(sum(strangers), len(strangers), 0, 0)
            name = "all" if band is None else band or "not told"
            lines.append(
                f"{frames:>6} {name:14}{refused.trials:>7}{refused.events:>9}{_told(refused):>22}"
                f"{passed.trials:>11}{passed.events:>6}{_told(passed):>22}"
            )
            key = f"{frames} {name}"
            figures[key] = {"accept": accept, "fnmr": refused.figures(), "fmr": passed.figures()}
            if band is None and passed.trials and passed.by_pair[0] > FMR_BAR:
                missed.append(f"mean of {frames}: at least {passed.by_pair[0]:.2%} of strangers pass")
    return "\n".join(lines), {"rates": figures}, missed


def _told(rate: Rate) -> str:
    if not rate.trials:
        return "-"
    low, high = rate.by_pair
    return f"{rate.value:.1%} ({low:.1%}..{high:.1%})"
