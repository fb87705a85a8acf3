"""`kiosk scan-eval`: how well the card-face scanner reads printed cards, and what it must never read.

Every card is drawn, laid down by a hand under a bad camera and looked at by the very scanner that the kiosk runs, one
frame each fifth of a second, until a number is accepted or the time is over. The bars are those of the product; one of
them holds the test itself to be hard: a single frame must not suffice.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import multiprocessing
import os
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kiosk.cli.report import verdict

if TYPE_CHECKING:
    from devices.scanner import Scanner

RIGHT_BAR = 0.95  # share of cards read completely right
HARD_BAR = 0.85  # share of single frames that may be completely right

STEP = 0.2  # seconds between two frames, as a kiosk with little power manages
PATIENCE = 12.0  # seconds after which the kiosk lets the number be typed
_FIRST = 0.4  # seconds after the hand appears: the first frame
_REST = 2.4  # seconds: the card lies still, no hand is seen; the single frame is taken here
_DECOY_STEP, _DECOY_PATIENCE = 0.4, 4.0
_PART = 5  # cards that a process is given at once


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("scan-eval", help="hold the card-face scanner to its bars on drawn cards")
    parser.add_argument("--count", type=int, default=500, metavar="N", help="fronts (500)")
    parser.add_argument("--others", type=int, default=120, metavar="N", help="backs and other cards (120)")
    parser.add_argument("--seed", type=int, default=2026, metavar="N", help="1 to 99 were used for tuning (2026)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="a contact sheet (PNG) of what the scanner saw")
    parser.set_defaults(run=run)


@dataclass(frozen=True, slots=True)
class Read:
    """What became of one front. `wrong`: accepted, and not what is printed. `frame_right`: one frame of the card at
    rest, alone, gave all 14 digits. `at`: seconds after the hand appeared; `work`: seconds of computing; `frames`:
    looked at."""

    calendar: str
    font: str
    tilt: float
    right: bool
    wrong: bool
    frame_right: bool
    frame_wrong: bool
    at: float
    work: float
    frames: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of something that is no front. `inputs`: pictures of it that entered the recogniser; `told`: the
    patient was asked to turn it."""

    kind: str
    accepted: bool
    inputs: int
    told: bool


@dataclass(frozen=True, slots=True)
class Part:
    """What one process looks at: fronts or others, by their numbers."""

    fronts: bool
    start: int
    stop: int
    seed: int
    today: date


@dataclass(slots=True)
class Tally:
    """Of a kind of card."""

    cards: int = 0
    right: int = 0
    wrong: int = 0
    frame_right: int = 0

    def add(self, read: Read) -> None:
        self.cards += 1
        self.right += read.right
        self.wrong += read.wrong
        self.frame_right += read.frame_right


@dataclass(slots=True)
class Report:
    reads: list[Read] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        taken = [read for read in self.reads if read.right or read.wrong]
        backs = [each for each in self.seen if each.kind == "back"]
        tilts = [f"{int(read.tilt // 5) * 5} to {int(read.tilt // 5) * 5 + 5} degrees" for read in self.reads]
        return {
            "cards": len(self.reads),
            "right": sum(read.right for read in self.reads),
            "wrong_and_accepted": sum(read.wrong for read in self.reads),
            "given_up": len(self.reads) - len(taken),
            "single_frame_right": sum(read.frame_right for read in self.reads),
            "single_frame_wrong": sum(read.frame_wrong for read in self.reads),
            "seconds_median": round(_quantile([read.at for read in taken], 0.5), 2),
            "seconds_95": round(_quantile([read.at for read in taken], 0.95), 2),
            "work_median": round(_quantile([read.work for read in taken], 0.5), 3),
            "work_95": round(_quantile([read.work for read in taken], 0.95), 3),
            "frames_median": _quantile([read.frames for read in taken], 0.5),
            "frames_95": _quantile([read.frames for read in taken], 0.95),
            "others": len(self.seen),
            "others_accepted": sum(each.accepted for each in self.seen),
            "others_by_kind": _counted(each.kind for each in self.seen),
            "backs": len(backs),
            "backs_told_to_turn": sum(each.told for each in backs),
            "inputs_of_backs": sum(each.inputs for each in backs),
            "inputs_of_others": sum(each.inputs for each in self.seen if each.kind != "back"),
            "by_calendar": _tallied([read.calendar for read in self.reads], self.reads),
            "by_font": _tallied([read.font for read in self.reads], self.reads),
            "by_tilt": dict(sorted(_tallied(tilts, self.reads).items(), key=lambda entry: len(entry[0]))),
        }


def run(args: argparse.Namespace) -> int:
    """0 when every bar is held, 1 when one is not, 2 for a call that makes no sense."""
    from devices.errors import ModelMissing
    from devices.simulated.printed.sheet import FontMissing, fonts

    if min(args.count, args.jobs) < 1 or args.others < 0:
        print("scan-eval: --count and --jobs: allowed: 1 or more; --others: 0 or more", file=sys.stderr)
        return 2
    today = date.today()  # noqa: DTZ011 - the day on the cards is that of the place
    try:
        report = evaluate(args.count, args.others, args.seed, today, args.jobs)
        if args.plot is not None:
            _contact_sheet(args, today)
    except (FontMissing, ModelMissing) as error:
        print(f"scan-eval: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    figures = {"seed": args.seed, "day": today, "fonts": fonts(), **report.figures()}
    print(table(figures))
    missed = misses(figures)
    line = (
        f"{figures['right']} of {figures['cards']} cards read right, {figures['wrong_and_accepted']} wrong, "
        f"{figures['given_up']} given up; one frame alone: {figures['single_frame_right']} right; of "
        f"{figures['others']} backs and other cards {figures['others_accepted']} accepted, "
        f"{figures['inputs_of_backs']} pictures of backs read"
    )
    return verdict("; ".join((line, *missed)), not missed, args.json, figures)


def misses(figures: dict[str, Any]) -> list[str]:
    """Bars that are not held, in words."""
    cards, found = figures["cards"], []
    if figures["right"] < RIGHT_BAR * cards:
        found.append(f"fewer than {RIGHT_BAR:.0%} right")
    if figures["wrong_and_accepted"]:
        found.append("a wrong number was accepted")
    if figures["single_frame_right"] > HARD_BAR * cards:
        found.append(f"too easy: one frame alone suffices for more than {HARD_BAR:.0%}")
    if figures["others_accepted"]:
        found.append("a number was accepted from what is no front")
    if figures["inputs_of_backs"]:
        found.append("something of a back was read")
    return found


def evaluate(count: int, others: int, seed: int, today: date, jobs: int = 1) -> Report:
    """Raises `FontMissing`, `ModelMissing`."""
    parts = [
        Part(fronts, start, min(start + _PART, end), seed, today)
        for fronts, end in ((True, count), (False, others))
        for start in range(0, end, _PART)
    ]
    report = Report()
    with _Progress(count + others) as progress:
        for found in _worked(parts, jobs):
            for each in found:
                if isinstance(each, Read):
                    report.reads.append(each)
                else:
                    report.seen.append(each)
            progress.step(len(found))
    return report


def _worked(parts: list[Part], jobs: int) -> Iterator[list[Read | Seen]]:
    """In the order of the parts, however many processes share them."""
    if jobs == 1:
        yield from map(look, parts)
        return
    with ProcessPoolExecutor(min(jobs, len(parts)), multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(look, parts)


def look(part: Part) -> list[Read | Seen]:
    """Everything of one part."""
    scanner = _scanner(part.today)
    if part.fronts:
        return [_front(scanner, index, part) for index in range(part.start, part.stop)]
    return [_decoy(scanner, index, part) for index in range(part.start, part.stop)]


@functools.lru_cache(maxsize=1)
def _scanner(today: date) -> Scanner:
    """One for each process: its model takes longer to load than a card to be read."""
    from devices.scanner import Scanner

    return Scanner({}, today=lambda: today)


def _front(scanner: Scanner, index: int, part: Part) -> Read:
    """One front, until the scanner is sure or the time is over."""
    from devices.simulated.printed.people import specimen
    from devices.simulated.printed.shot import shoot

    card = specimen(index, part.seed, part.today)
    sheet, wanted = card.sheet(), bytearray(card.printed.number_b.encode())
    scanner.forget()
    alone = scanner.look(shoot(sheet, card.laying.shot(_REST)), 0.0)
    read = Read(
        calendar=card.printed.calendar or "西暦",
        font=card.printed.font,
        tilt=card.laying.tilt,
        right=False,
        wrong=False,
        frame_right=alone.raw == wanted,
        frame_wrong=alone.raw is not None and alone.raw != wanted,
        at=PATIENCE,
        work=0.0,
        frames=0,
    )
    scanner.forget()
    work = 0.0
    for frames, t in enumerate(_times(STEP, PATIENCE), start=1):
        image = shoot(sheet, card.laying.shot(t))
        begin = time.process_time()  # the scanner's own: other work on the machine does not count
        outcome = scanner.look(image, t)
        work += time.process_time() - begin
        if outcome.number is not None:
            right = outcome.number == wanted
            return dataclasses.replace(read, right=right, wrong=not right, at=t, work=work, frames=frames)
    return dataclasses.replace(read, work=work, frames=frames)


def _decoy(scanner: Scanner, index: int, part: Part) -> Seen:
    """Something that must not be read, looked at to the end of its time."""
    from devices.ports import ScanHint
    from devices.simulated.printed.people import decoy
    from devices.simulated.printed.shot import shoot

    what = decoy(index, part.seed)
    sheet, before = what.sheet(), scanner.inputs
    accepted = told = False
    scanner.forget()
    for t in _times(_DECOY_STEP, _DECOY_PATIENCE):
        outcome = scanner.look(shoot(sheet, what.laying.shot(t)), t)
        told |= outcome.hint is ScanHint.FACE_DOWN
        accepted |= outcome.number is not None
    return Seen(what.kind, accepted, scanner.inputs - before, told)


def _times(step: float, patience: float) -> Iterable[float]:
    return (_FIRST + index * step for index in range(round((patience - _FIRST) / step) + 1))


def _counted(names: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name in names:
        found[name] = found.get(name, 0) + 1
    return found


def _tallied(names: list[str], reads: list[Read]) -> dict[str, dict[str, int]]:
    found: dict[str, Tally] = {}
    for name, read in zip(names, reads, strict=True):
        found.setdefault(name, Tally()).add(read)
    return {name: dataclasses.asdict(tally) for name, tally in found.items()}


def _quantile(values: list[float] | list[int], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def table(figures: dict[str, Any]) -> str:
    lines = [f"{'':18}{'cards':>7}{'right':>7}{'wrong':>7}{'one frame right':>17}"]
    for group in ("by_calendar", "by_font", "by_tilt"):
        for name, tally in figures[group].items():
            wide = sum(1 for character in name if not character.isascii())  # they take two columns each
            row = f"{name:{18 - wide}}{tally['cards']:7}{tally['right']:7}{tally['wrong']:7}"
            lines.append(f"{row}{tally['frame_right'] / tally['cards']:17.0%}")
    lines += (
        f"accepted {figures['seconds_median']:.1f} s (95 %: {figures['seconds_95']:.1f} s) after the hand appeared, "
        f"{figures['frames_median']} frames ({figures['frames_95']}), "
        f"{figures['work_median']:.2f} s of computing ({figures['work_95']:.2f} s)",
        f"one frame at rest, alone: {figures['single_frame_right']} right, {figures['single_frame_wrong']} wrong",
        f"backs: {figures['backs']}, told to turn {figures['backs_told_to_turn']}; pictures that entered the "
        f"recogniser: {figures['inputs_of_backs']} of backs, {figures['inputs_of_others']} of other things",
    )
    return "\n".join(lines)


class _Progress:
    """One line on a terminal; nothing in a log."""

    def __init__(self, total: int) -> None:
        self._total, self._done, self._since = total, 0, time.monotonic()

    def __enter__(self) -> _Progress:
        return self

    def step(self, done: int) -> None:
        self._done += done
        if sys.stderr.isatty():
            left = (time.monotonic() - self._since) / self._done * (self._total - self._done)
            print(f"\r{self._done} of {self._total}, {left:.0f} s left ", end="", file=sys.stderr, flush=True)

    def __exit__(self, *error: object) -> None:
        if sys.stderr.isatty():
            print("\r" + " " * 40 + "\r", end="", file=sys.stderr, flush=True)


def _contact_sheet(args: argparse.Namespace, today: date) -> None:
    """The first 18 fronts and 12 other things, as they lie at rest."""
    from PIL import Image

    from devices.simulated.printed.people import decoy, specimen
    from devices.simulated.printed.shot import shoot

    fronts = (specimen(index, args.seed, today) for index in range(min(18, args.count)))
    others = (decoy(index, args.seed) for index in range(min(12, args.others)))
    pictures = [shoot(each.sheet(), each.laying.shot(_REST)) for each in fronts]
    pictures += [shoot(each.sheet(), each.laying.shot(_REST)) for each in others]
    wide, high, across = 320, 180, 5
    sheet = Image.new("RGB", (wide * across, high * -(-len(pictures) // across)), (255, 255, 255))
    for index, picture in enumerate(pictures):
        small = Image.fromarray(picture[..., ::-1]).resize((wide, high))
        sheet.paste(small, (index % across * wide, index // across * high))
    args.plot.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(args.plot)
    print(f"{args.plot}: {len(pictures)} pictures")
