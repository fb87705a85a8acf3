"""Hold the face comparison to its bars on any set of pictures, with exactly what the kiosk runs.

Picture `a` becomes a card's photo (gray JPEG 2000, 240 x 320, at most 15,000 bytes) and is enrolled; picture `b`
becomes a camera frame, passes the quality gate and is described; the distance is the engine's own. Each picture is
worked on once and kept as 128 numbers in memory; nothing is written but counts and rates.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kiosk.cli import face_eval_figures as figures
from kiosk.cli import face_eval_pairs as pairs
from kiosk.cli.face_eval_pictures import Descriptors
from kiosk.cli.options import add_json
from kiosk.cli.report import verdict

if TYPE_CHECKING:
    from devices.face.operating import Thresholds
    from devices.face.template import Centre

LIMITS_FIRST = "No figure exists for people over 70, children, or ten-year-old photos."
SCORES = ("raw", "centred", "projected")
SHIPPED = "projected"
EQUAL = 1e-3  # of all strangers pass at the threshold at which the scores are compared
LIBRARY = 0.6  # Euclidean; what the samples of face_recognition use
_MOST_PROBLEMS = 1_000


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "face-eval",
        help=(__doc__ or "").partition("\n")[0],
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="What is compared: --pairs, or --list, or --cards with --live. See docs/face.md.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--pairs", type=Path, metavar="CSV", help="rows a,b,same[,group][,person_a,person_b]")
    what.add_argument("--list", type=Path, metavar="CSV", help="rows image[,person][,group][,role]: all with all")
    what.add_argument("--cards", metavar="FOLDER", help="below --root; all its pictures with all of --live")
    parser.add_argument("--live", metavar="FOLDER", help="below --root; may be the folder of --cards")
    parser.add_argument("--info", type=Path, metavar="CSV", help="persons and groups, for --cards")
    parser.add_argument("--person-column", default="person", metavar="NAME", help="of --info (default: %(default)s)")
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="where the pictures are")
    parser.add_argument("--card", choices=("gray-jp2", "colour"), default="gray-jp2", help="(default: %(default)s)")
    parser.add_argument(
        "--frames", type=int, default=1, metavar="K", help="live pictures behind one score; in --pairs b1;b2;... (1)"
    )
    parser.add_argument("--group-column", metavar="NAME", help="instead of group")
    parser.add_argument("--score", choices=(*SCORES, "all"), default=SHIPPED, help="(default: %(default)s)")
    parser.add_argument("--model", type=Path, metavar="FILE", help="another network of the same layers (dlib's format)")
    parser.add_argument("--encoder", choices=("dlib", "numpy", "onnx"), help="default: the kiosk's")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes")
    parser.add_argument("--make-pairs", type=Path, metavar="CSV", help="write the pairs of --cards or --list, and end")
    parser.add_argument("--plot", type=Path, metavar="PNG", help="FNMR over FMR (DET), one panel for each score")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 when every bar is held, 1 when one is not, 2 for a call or a file with mistakes."""
    from devices.errors import ModelMissing

    wrong = _wrong_call(args)
    if wrong:
        print(f"face-eval: {wrong}", file=sys.stderr)
        return 2
    try:
        trials = _trials(args)
        if args.make_pairs is not None:
            assert isinstance(trials, pairs.Everybody)
            print(f"{args.make_pairs}: {pairs.write_pairs(args.make_pairs, trials)} rows")
            return 0
        report = evaluate(trials, args)
    except pairs.PairsWrong as error:
        for problem in error.problems[:_MOST_PROBLEMS]:
            print(problem, file=sys.stderr)
        print(f"face-eval: {len(error.problems)} problem(s), nothing was compared", file=sys.stderr)
        return 2
    except (ModelMissing, OSError) as error:
        return verdict(f"{type(error).__name__}: {error}", False, args.json)
    print(report.text())
    if args.plot is not None:
        from kiosk.cli.face_eval_plot import draw

        draw(args.plot, report)
        print(f"{args.plot} written")
    missed = report.misses()
    line = f"{LIMITS_FIRST} {report.summary()}"
    return verdict("; ".join((line, *missed)), not missed, args.json, report.figures())


def _wrong_call(args: argparse.Namespace) -> str:
    if min(args.frames, args.jobs) < 1 or args.frames > 9:
        return "--jobs: allowed: 1 or more; --frames: 1 to 9"
    if not args.root.is_dir():
        return f"--root {args.root}: no folder"
    if (args.cards is None) != (args.live is None):
        return "--cards and --live: allowed: both or none"
    if args.info is not None and args.cards is None:
        return "--info: allowed: with --cards only"
    if args.make_pairs is not None and args.pairs is not None:
        return "--make-pairs: allowed: with --cards or --list"
    return ""


def _trials(args: argparse.Namespace) -> pairs.Pairs | pairs.Everybody:
    if args.pairs is not None:
        return pairs.read_pairs(args.pairs, args.root, args.frames, args.group_column)
    if args.list is not None:
        return pairs.read_list(args.list, args.root, args.frames, args.group_column)
    groups = {}
    if args.info is not None:
        groups = pairs.read_groups(args.info, args.person_column, args.group_column or "group")
    return pairs.everybody(pairs.list_folder(args.root, args.cards, args.live, groups), args.frames, args.cards)


@dataclass(slots=True, eq=False)
class Outcome:
    """One score, with the gate as in the kiosk or without. `persons`: at each threshold, "shipped" and "equal"."""

    score: str
    gate: bool
    distances: figures.Distances
    persons: dict[str, figures.Persons]

    def rates(self, at: str, group: int | None) -> tuple[figures.Rate, figures.Rate]:
        return figures.rates_at(self.distances.curve(group), self.persons[at], group)


@dataclass(slots=True, eq=False)
class Report:
    trials: pairs.Trials
    threshold: Thresholds
    card: str
    jobs: int
    model: Path | None = None
    outcomes: list[Outcome] = field(default_factory=list)
    failures: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    named: list[dict[str, str]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def frames(self) -> int:
        return self.threshold.frames

    @property
    def shipped(self) -> Outcome | None:
        """What the kiosk does; None when other scores only were asked for."""
        return next((each for each in self.outcomes if each.score == SHIPPED and each.gate), None)

    def groups(self, outcome: Outcome) -> Iterator[tuple[str, int | None]]:
        """Name and number of every group with a comparison, largest first, then all together."""
        counts = outcome.distances.counts.sum(axis=2)
        order = sorted(range(len(self.trials.groups)), key=lambda group: int(counts[group, 0]), reverse=True)
        if len(order) > 1:
            yield from ((self.trials.groups[group], group) for group in order if counts[group].sum())
        yield pairs.EVERYBODY, None

    def false_matches(self) -> dict[str, figures.Rate]:
        """Of every group, for the shipped score at the shipped threshold."""
        outcome = self.shipped
        if outcome is None:
            return {}
        named = [*self.groups(outcome)]
        rates = {name: outcome.rates("shipped", group)[0] for name, group in named[:-1] or named}
        return {name: rate for name, rate in rates.items() if rate.trials}

    def misses(self) -> list[str]:
        return [] if self.shipped is None and self.outcomes else figures.misses(self.false_matches())

    def summary(self) -> str:
        outcome = self.shipped
        if outcome is None:
            return "Scores compared; the bars are those of the shipped score"
        false_match, false_refusal = outcome.rates("shipped", None)
        lost = sum(sum(words.values()) for words in self.failures[pairs.EVERYBODY].values())
        large = sum(rate.trials >= figures.LARGE for rate in self.false_matches().values())
        return (
            f"Up to {self.threshold.accept:g} (mean of {self.frames}): {false_match.events} of {false_match.trials} "
            f"comparisons of strangers pass, {false_refusal.events} of {false_refusal.trials} of one person do not; "
            f"{lost} pictures not acquired; {large} group(s) large enough for the bar of {figures.FMR_BAR:g}"
        )

    def figures(self) -> dict[str, Any]:
        scores: dict[str, Any] = {}
        for outcome in self.outcomes:
            name = outcome.score if outcome.gate else f"{outcome.score}_without_gate"
            scores[name] = {group: self._group(outcome, number) for group, number in self.groups(outcome)}
        return {
            "limits": LIMITS_FIRST,
            "card": self.card,
            "frames": self.frames,
            "model": "shipped" if self.model is None else self.model.name,
            "accept": self.threshold.accept,
            "scores": scores,
            "not_acquired": self.failures,
            "not_acquired_pictures": self.named,
            "unused_rows": self.trials.unused,
            "repeated_rows": self.trials.repetitions,
            "comparisons_of_a_picture_with_itself": self.trials.left_out,
            "pictures": len(self.trials.pictures),
            "persons": len(self.trials.persons),
            "jobs": self.jobs,
            "seconds": round(self.seconds, 1),
        }

    def _group(self, outcome: Outcome, group: int | None) -> dict[str, Any]:
        curve = outcome.distances.curve(group)
        points = {}
        for at, persons in outcome.persons.items():
            false_match, false_refusal = outcome.rates(at, group)
            points[at] = {
                "threshold": persons.threshold,
                "fmr": false_match.figures(),
                "fnmr": false_refusal.figures(),
            }
        return {
            "strangers": curve.strangers,
            "one_person": curve.alike,
            "eer": curve.eer(),
            "tar": {f"{target:.0e}": _or_few(curve.tar(target)) for target in figures.TARGETS},
            "threshold_at_fmr": {f"{target:.0e}": _or_few(curve.threshold_at(target)) for target in figures.TARGETS},
            "at": points,
        }

    def text(self) -> str:
        from kiosk.cli.face_eval_text import table

        return f"{LIMITS_FIRST}\n\n{table(self)}"


def _or_few(value: float | None) -> float | str:
    return "too few" if value is None else value


def evaluate(trials: pairs.Pairs | pairs.Everybody, args: argparse.Namespace) -> Report:
    """Raises `PairsWrong` for live pictures that are not different ones, `ModelMissing`."""
    from devices.face.operating import load_thresholds

    begin = time.monotonic()
    report = Report(trials, load_thresholds("centred", frames=args.frames).at(args.frames), args.card, args.jobs)
    report.model = args.model
    found = Descriptors(trials)
    try:
        options = {} if args.encoder is None else {"encoder": args.encoder}
        if args.model is not None:
            options["model"] = str(args.model)
        found.fill(args.root, gray=args.card == "gray-jp2", jobs=args.jobs, options=options)
        if isinstance(trials, pairs.Pairs) and args.frames > 1:
            problems = trials.repeated(found.contents)
            if problems:
                raise pairs.PairsWrong(problems)
        report.failures, report.named = found.failures()
        names = SCORES if args.score == "all" else (args.score,)
        report.outcomes = [_outcome(report, found, name, gate=True) for name in names]
        if SHIPPED in names and found.refused():
            report.outcomes.append(_outcome(report, found, SHIPPED, gate=False))
    finally:
        found.wipe()
    report.seconds = time.monotonic() - begin
    return report


def _centre(score: str) -> Centre:
    from devices.face.template import DEFAULT_CENTRE, Centre

    shipped = Centre.load(DEFAULT_CENTRE)
    return shipped if score == SHIPPED else dataclasses.replace(shipped, direction=None)


def _outcome(report: Report, found: Descriptors, score: str, *, gate: bool) -> Outcome:
    """Two passes: the histograms, then the persons at the thresholds that follow from them."""
    trials, measure = report.trials, pairs.Measure(euclidean=score == "raw")
    cards, lives = found.vectors(None if score == "raw" else _centre(score), gate=gate)
    groups = len(trials.groups)
    distances = figures.tally(trials.blocks(cards, lives, found.contents, measure), groups)
    thresholds = {"shipped": report.threshold.accept} if score == SHIPPED else {}
    if score == "raw":
        thresholds["library"] = LIBRARY
    equal = distances.curve(None).threshold_at(EQUAL)
    if equal is not None and gate:
        thresholds["equal"] = equal
    again = trials.blocks(cards, lives, found.contents, measure)
    persons = figures.who(again, list(thresholds.values()), groups, len(trials.persons))
    cards.fill(0)
    lives.fill(0)
    return Outcome(score, gate, distances, dict(zip(thresholds, persons, strict=True)))
