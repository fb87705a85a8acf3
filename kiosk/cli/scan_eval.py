"""`kiosk scan-eval`: how well the card-face scanner reads printed cards, and what it must never read.

Every card is drawn, laid down by a hand under a bad camera and looked at by the very scanner that the kiosk runs, one
frame each fifth of a second, until a number is accepted or the time is over. The bars are those of the product; one of
them holds the test itself to be hard: a single frame must not suffice.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

RIGHT_BAR = 0.95  # share of cards read completely right
HARD_BAR = 0.85  # share of single frames that may be completely right
BACKS_AND_OTHERS_BAR = 100

STEP = 0.2  # seconds between two frames, as a kiosk with little power manages
PATIENCE = 12.0  # seconds after which the kiosk lets the number be typed
_DECOY_PATIENCE = 4.0
_FIRST = 0.4  # seconds after the hand appears: the first frame
_REST = 2.4  # seconds: the card lies still, no hand is seen; the single frame is taken here


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("scan-eval", help="hold the card-face scanner to its bars on drawn cards")
    parser.add_argument("--count", type=int, default=500, metavar="N", help="fronts (500)")
    parser.add_argument("--others", type=int, default=120, metavar="N", help="backs and other cards (120)")
    parser.add_argument("--seed", type=int, default=2026, metavar="N", help="1 to 99 were used for tuning (2026)")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="a contact sheet (PNG) of what the scanner saw")
    parser.set_defaults(run=run)


@dataclass(slots=True)
class Tally:
    """Of a kind of card. `wrong`: accepted, and not what is printed."""

    cards: int = 0
    right: int = 0
    wrong: int = 0
    frame_right: int = 0

    def add(self, card: Read) -> None:
        self.cards += 1
        self.right += card.right
        self.wrong += card.wrong
        self.frame_right += card.frame_right


@dataclass(frozen=True, slots=True)
class Read:
    """What became of one front. `frame_right`: one frame of the card at rest, alone, gave all 14 digits.
    `at`: seconds after the hand appeared; `work`: seconds of computing; `frames`: looked at."""

    right: bool
    wrong: bool
    frame_right: bool
    frame_wrong: bool
    at: float
    work: float
    frames: int


@dataclass(slots=True)
class Report:
    reads: list[Read] = field(default_factory=list)
    by_calendar: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    by_font: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    by_tilt: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    decoys: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    decoys_accepted: int = 0
    back_inputs: int = 0
    other_inputs: int = 0
    backs_told: int = 0  # shown as face down at least once

    def figures(self) -> dict[str, Any]:
        taken = [read for read in self.reads if read.right or read.wrong]
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
            "decoys": dict(self.decoys),
            "decoys_accepted": self.decoys_accepted,
            "ocr_inputs_of_backs": self.back_inputs,
            "ocr_inputs_of_other_cards": self.other_inputs,
            "backs_told_to_turn": self.backs_told,
            "by_calendar": {name: asdict(tally) for name, tally in self.by_calendar.items()},
            "by_font": {name: asdict(tally) for name, tally in self.by_font.items()},
            "by_tilt": {name: asdict(tally) for name, tally in sorted(self.by_tilt.items())},
        }


def run(args: argparse.Namespace) -> int:
    """0 when every bar is held."""
    from devices.errors import ModelMissing
    from devices.simulated.print_sheet import FontMissing, fonts
    from kiosk.cli.report import verdict

    today = date.today()  # noqa: DTZ011 - the day on the cards is that of the place
    try:
        report = evaluate(args.count, args.others, args.seed, today, args.plot)
        figures = {"seed": args.seed, "day": today, "fonts": fonts(), **report.figures()}
    except (FontMissing, ModelMissing) as error:
        print(f"scan-eval: {type(error).__name__}: {error}")
        return 1
    print(table(figures))
    missed = misses(figures)
    line = (
        f"{figures['right']} of {figures['cards']} cards read right, {figures['wrong_and_accepted']} wrong, "
        f"{figures['given_up']} given up; one frame alone right: {figures['single_frame_right']}; of "
        f"{sum(figures['decoys'].values())} backs and other cards {figures['decoys_accepted']} accepted, "
        f"{figures['ocr_inputs_of_backs']} pictures of backs read"
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
    if figures["decoys_accepted"]:
        found.append("a number was accepted from what is no front")
    if figures["ocr_inputs_of_backs"]:
        found.append("something of a back was read")
    return found


def evaluate(count: int, others: int, seed: int, today: date, plot: Path | None = None) -> Report:
    """Raises `FontMissing`, `ModelMissing`."""
    from devices.scanner import Scanner
    from devices.simulated.print_people import decoys, specimens
    from devices.simulated.print_shot import shoot

    scanner = Scanner({}, today=lambda: today)
    report = Report()
    gallery: list[Any] = []
    with _Progress(count + others) as progress:
        for specimen in specimens(count, seed, today):
            read = _look_at(scanner, specimen)
            report.reads.append(read)
            printed, tilt = specimen.printed, specimen.laying.tilt
            report.by_calendar[printed.calendar or "西暦"].add(read)
            report.by_font[printed.font].add(read)
            report.by_tilt[f"{int(tilt // 5) * 5:2} to {int(tilt // 5) * 5 + 5} degrees"].add(read)
            if plot is not None and len(gallery) < 18:
                gallery.append(shoot(specimen.sheet(), specimen.laying.shot(_REST)))
            progress.step()
        for index, decoy in enumerate(decoys(others, seed)):
            _look_away(scanner, decoy, report)
            if plot is not None and index < 12:
                gallery.append(shoot(decoy.sheet(), decoy.laying.shot(_REST)))
            progress.step()
    if plot is not None:
        _contact_sheet(gallery, plot)
    return report


def _look_at(scanner: Any, specimen: Any) -> Read:
    """One front, until the scanner is sure or the time is over."""
    from devices.simulated.print_shot import shoot

    sheet, wanted = specimen.sheet(), specimen.printed.number_b.encode()
    scanner.forget()
    alone = scanner.look(shoot(sheet, specimen.laying.shot(_REST)), 0.0)
    frame_right, frame_wrong = alone.raw == wanted, alone.raw is not None and alone.raw != wanted
    scanner.forget()
    work, frames = 0.0, 0
    for t in _times(PATIENCE):
        image = shoot(sheet, specimen.laying.shot(t))
        begin = time.perf_counter()
        outcome = scanner.look(image, t)
        work += time.perf_counter() - begin
        frames += 1
        if outcome.number is not None:
            right = outcome.number == wanted
            return Read(right, not right, frame_right, frame_wrong, t, work, frames)
    return Read(False, False, frame_right, frame_wrong, PATIENCE, work, frames)


def _look_away(scanner: Any, decoy: Any, report: Report) -> None:
    """Something that must not be read. Its time is shorter, but it is looked at to the end of it."""
    from devices.ports import ScanHint
    from devices.simulated.print_shot import shoot

    sheet, is_back = decoy.sheet(), decoy.kind == "back"
    report.decoys[decoy.kind] += 1
    before, told = scanner.inputs, False
    scanner.forget()
    for t in _times(_DECOY_PATIENCE):
        outcome = scanner.look(shoot(sheet, decoy.laying.shot(t)), t)
        told |= outcome.hint is ScanHint.FACE_DOWN
        if outcome.number is not None:
            report.decoys_accepted += 1
            break
    if is_back:
        report.back_inputs += scanner.inputs - before
        report.backs_told += told
    else:
        report.other_inputs += scanner.inputs - before


def _times(patience: float) -> Iterable[float]:
    return (_FIRST + index * STEP for index in range(round((patience - _FIRST) / STEP) + 1))


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
    lines.append(
        f"accepted after {figures['seconds_median']} s (95 %: {figures['seconds_95']} s) of the hand's appearing, "
        f"{figures['frames_median']} frames ({figures['frames_95']}), "
        f"{figures['work_median']} s of computing ({figures['work_95']})"
    )
    lines.append(
        f"one frame at rest, alone: {figures['single_frame_right']} right, {figures['single_frame_wrong']} read wrong; "
        f"backs told to turn {figures['backs_told_to_turn']} of {figures['decoys'].get('back', 0)}; "
        f"pictures read of backs {figures['ocr_inputs_of_backs']}, of others {figures['ocr_inputs_of_other_cards']}"
    )
    return "\n".join(lines)


class _Progress:
    """One line on a terminal; nothing in a log."""

    def __init__(self, total: int) -> None:
        self._total, self._done, self._since = total, 0, time.monotonic()

    def __enter__(self) -> _Progress:
        return self

    def step(self) -> None:
        self._done += 1
        if sys.stderr.isatty():
            left = (time.monotonic() - self._since) / self._done * (self._total - self._done)
            print(f"\r{self._done} of {self._total}, {left:.0f} s left ", end="", file=sys.stderr, flush=True)

    def __exit__(self, *error: object) -> None:
        if sys.stderr.isatty():
            print("\r" + " " * 40 + "\r", end="", file=sys.stderr, flush=True)


def _contact_sheet(pictures: list[Any], path: Path) -> None:
    from PIL import Image

    wide, high, across = 320, 180, 5
    sheet = Image.new("RGB", (wide * across, high * -(-len(pictures) // across)), (255, 255, 255))
    for index, picture in enumerate(pictures):
        small = Image.fromarray(picture[..., ::-1]).resize((wide, high))
        sheet.paste(small, (index % across * wide, index // across * high))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)
    print(f"{path}: {len(pictures)} pictures")
