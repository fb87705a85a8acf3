"""Fix weight, direction and threshold of the face score on half of the persons, and report them on the other half.

The persons are divided by a seed, group by group. A score is as good as it is for its worst group: what is compared
is that group's d' (means of strangers and of one person, in units of their spread), because the few pairs of a half
say nothing about rates of 1 in 1,000. Divided again with other seeds, the choice shows how much of it was luck.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kiosk.cli import face_eval_figures as figures
from kiosk.cli import face_eval_pairs as pairs
from kiosk.cli.face_eval_pictures import Descriptors
from kiosk.cli.options import add_json
from kiosk.cli.report import verdict

if TYPE_CHECKING:
    from devices.face.template import Centre

WEIGHTS = (0.0, 0.25, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.9, 1.0)
LEAST = 30  # pairs of strangers from which a group's d' counts
MOST = 3_000  # cards: all distances are in memory at once
CLOSE = 0.95  # share of the best d' at which a choice is as good as any
TARGET = 1e-3

Mask = NDArray[np.bool_]


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "face-fit", help=(__doc__ or "").partition("\n")[0], description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--composites", type=Path, required=True, metavar="DIR", help="average faces: face-centre")
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="where the pictures are")
    parser.add_argument("--cards", required=True, metavar="FOLDER", help="below --root")
    parser.add_argument("--live", required=True, metavar="FOLDER", help="below --root")
    parser.add_argument("--info", type=Path, required=True, metavar="CSV", help="persons and groups")
    parser.add_argument("--person-column", default="person", metavar="NAME", help="(default: %(default)s)")
    parser.add_argument("--group-column", default="group", metavar="NAME", help="(default: %(default)s)")
    parser.add_argument("--seed", type=int, default=2026, metavar="N", help="of the division (%(default)s)")
    parser.add_argument(
        "--divisions", type=int, default=50, metavar="N", help="further ones, to see luck (%(default)s)"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes")
    add_json(parser)
    parser.set_defaults(run=run)


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One way to centre; all distances of it, cards x lives."""

    centre: Centre
    distance: NDArray[np.float64]

    @property
    def name(self) -> str:
        return f"{self.centre.weight:.2f}{'' if self.centre.direction is None else ' and direction'}"


@dataclass(frozen=True, slots=True, eq=False)
class Set:
    """All comparisons: group of each pair (-1: two groups), whether it is one person, persons."""

    groups: list[str]
    group: pairs.Numbers
    same: Mask
    card_person: pairs.Numbers
    live_person: pairs.Numbers

    def among(self, persons: pairs.Numbers) -> Mask:
        return np.isin(self.card_person, persons)[:, None] & np.isin(self.live_person, persons)[None]


def run(args: argparse.Namespace) -> int:
    """0 when the shipped choice is as good as any on the first half and holds its bars on the other."""
    from devices.errors import DeviceError
    from devices.face.centre import parts

    if min(args.jobs, args.divisions) < 1:
        print("face-fit: --jobs, --divisions: allowed: 1 or more", file=sys.stderr)
        return 2
    try:
        groups = pairs.read_groups(args.info, args.person_column, args.group_column)
        trials = pairs.everybody(pairs.list_folder(args.root, args.cards, args.live, groups), 1, args.cards)
        if len(trials.cards) > MOST:
            print(f"face-fit: {len(trials.cards)} cards; allowed: up to {MOST:,}", file=sys.stderr)
            return 2
        _refuse_few(trials, args)
        mean, direction = parts(args.composites)
        found = Descriptors(trials)
        found.fill(args.root, gray=True, jobs=args.jobs)
    except pairs.PairsWrong as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        return 2
    except (DeviceError, OSError) as error:
        return verdict(f"{type(error).__name__}: {error}", False, args.json)
    try:
        result = fit(trials, found, mean, direction, args.seed, args.divisions)
    finally:
        found.wipe()
    print(result["text"])
    return verdict(result["line"], not result["missed"], args.json, result)


def _refuse_few(trials: pairs.Everybody, args: argparse.Namespace) -> None:
    """Raises `PairsWrong` when a half would hold no two persons."""
    if min(map(len, divide(trials, args.seed))) < 2:
        what = f"{len(trials.persons)} persons"
        raise pairs.PairsWrong([pairs.Problem(0, args.cards, what, "enough for two in each half, group by group")])


def fit(
    trials: pairs.Everybody,
    found: Descriptors,
    mean: NDArray[np.float64],
    direction: NDArray[np.float64],
    seed: int,
    divisions: int,
) -> dict[str, Any]:
    """The division of `seed` in full, and how often `divisions` further ones choose each candidate."""
    from devices.face.operating import load_thresholds
    from devices.face.template import DEFAULT_CENTRE, Centre

    everything = _set(trials, found)
    candidates = [_candidate(Centre(weight, mean, along), found) for along in (None, direction) for weight in WEIGHTS]
    shipped = _candidate(Centre.load(DEFAULT_CENTRE), found)
    first, second = divide(trials, seed)
    on_first, on_second = everything.among(first), everything.among(second)
    scored = [(worst(each, everything, on_first), each) for each in candidates]
    best, chosen = max(scored, key=lambda one: one[0][0])
    ours = worst(shipped, everything, on_first)
    threshold = _threshold(chosen, everything, on_first)
    accept = load_thresholds("centred", frames=1).accept
    luck = Counter(_choice(candidates, everything, divide(trials, seed + 1 + number)[0]) for number in range(divisions))
    lines = [f"first half: {len(first)} persons, second half: {len(second)} (seed {seed})", ""]
    lines.append(f"{'weight':22}{'d of the worst group, first half':>36}{'second half':>14}")
    for (value, group), each in scored:
        mark = " *" if each is chosen else ""
        other, _ = worst(each, everything, on_second)
        lines.append(f"{each.name:22}{value:>24.2f} {everything.groups[group]:11}{other:>14.2f}{mark}")
    lines += ["", f"chosen: {chosen.name}, threshold {threshold:.4f} (1 in 1,000 on the first half)"]
    halves: dict[str, Any] = {}
    missed = []
    for name, candidate, limit in (("chosen", chosen, threshold), ("shipped", shipped, accept)):
        for half, mask in (("first", on_first), ("second", on_second)):
            rates = _rates(candidate, everything, mask, limit)
            halves[f"{name}_{half}"] = {group: [one.figures() for one in both] for group, both in rates.items()}
            false_match, false_refusal = rates[pairs.EVERYBODY]
            lines.append(
                f"{name} ({candidate.name}) up to {limit:.4f}, {half} half: {false_match.events} of "
                f"{false_match.trials} pairs of strangers pass, {false_refusal.events} of {false_refusal.trials} of "
                "one person do not"
            )
            if name == "shipped" and half == "second":
                compared = {group: both[0] for group, both in rates.items() if both[0].trials}
                everybody = compared.pop(pairs.EVERYBODY, None)
                missed = figures.misses(compared or ({pairs.EVERYBODY: everybody} if everybody else {}))
    lines += ["", f"chosen in {divisions} further divisions: " + _told(luck)]
    if ours[0] < CLOSE * best[0]:
        missed.insert(0, f"shipped: d {ours[0]:.2f} on the first half, {best[0]:.2f} is possible")
    line = (
        f"chosen on the first half: {chosen.name} (d {best[0]:.2f}); shipped {shipped.name} has {ours[0]:.2f}; at "
        f"{accept:g} {halves['shipped_second'][pairs.EVERYBODY][0]['events']} strangers pass on the second half"
    )
    return {
        "text": "\n".join(lines),
        "line": "; ".join((line, *missed)),
        "missed": missed,
        "seed": seed,
        "scores": {each.name: value[0] for value, each in scored},
        "chosen": chosen.name,
        "threshold": threshold,
        "halves": halves,
        "luck": dict(luck),
    }


def divide(trials: pairs.Everybody, seed: int) -> tuple[pairs.Numbers, pairs.Numbers]:
    """The persons in two halves, each with half of every group."""
    draw = np.random.default_rng(seed)
    first: list[int] = []
    second: list[int] = []
    persons, at = np.unique(trials.card_person, return_index=True)
    for group in np.unique(trials.card_group):
        shuffled = draw.permutation(persons[trials.card_group[at] == group])
        half = (len(shuffled) + 1) // 2
        first += shuffled[:half].tolist()
        second += shuffled[half:].tolist()
    return np.array(first, np.int64), np.array(second, np.int64)


def worst(candidate: Candidate, everything: Set, mask: Mask) -> tuple[float, int]:
    """d' and number of the worst group among the comparisons of `mask`; that of all pairs when no group has enough."""
    known = mask & ~np.isnan(candidate.distance)
    own = candidate.distance[known & everything.same]
    found = []
    for group in range(len(everything.groups)):
        strangers = candidate.distance[known & ~everything.same & (everything.group == group)]
        if len(strangers) >= LEAST:
            spread = np.sqrt((strangers.var() + own.var()) / 2)
            found.append((float((strangers.mean() - own.mean()) / spread), group))
    return min(found, default=(0.0, 0))


def _set(trials: pairs.Everybody, found: Descriptors) -> Set:
    alike = trials.card_group[:, None] == trials.live_group[None]
    same = trials.card_person[:, None] == trials.live_person[None]
    return Set(
        trials.groups,
        np.where(alike, trials.card_group[:, None], -1),
        same,
        trials.card_person,
        trials.live_person,
    )


def _candidate(centre: Centre, found: Descriptors) -> Candidate:
    cards, lives = found.vectors(centre)
    return Candidate(centre, 1 - cards @ lives.T)


def _choice(candidates: list[Candidate], everything: Set, first: pairs.Numbers) -> str:
    mask = everything.among(first)
    return max(candidates, key=lambda each: worst(each, everything, mask)[0]).name


def _threshold(candidate: Candidate, everything: Set, mask: Mask) -> float:
    """The laxest with at most 1 in 1,000 strangers of `mask`."""
    strangers = np.sort(candidate.distance[mask & ~everything.same & ~np.isnan(candidate.distance)])
    allowed = int(TARGET * len(strangers))
    return float(np.floor(strangers[allowed] * figures.STEPS - 1) / figures.STEPS)


def _rates(
    candidate: Candidate, everything: Set, mask: Mask, limit: float
) -> dict[str, tuple[figures.Rate, figures.Rate]]:
    """False matches and false refusals of every group, and of all."""
    rates = {}
    known = mask & ~np.isnan(candidate.distance)
    passes = candidate.distance <= limit
    for number, name in [*enumerate(everything.groups), (None, pairs.EVERYBODY)]:
        own = known if number is None else known & (everything.group == number)
        both = []
        for rows, wrong in ((own & ~everything.same, passes), (own & everything.same, ~passes)):
            persons, hit = (_people(everything, chosen) for chosen in (rows, rows & wrong))
            both.append(figures.Rate(int((rows & wrong).sum()), int(rows.sum()), persons, hit))
        rates[name] = (both[0], both[1])
    return rates


def _people(everything: Set, rows: Mask) -> int:
    cards = everything.card_person[rows.any(axis=1)]
    return len(np.union1d(cards, everything.live_person[rows.any(axis=0)]))


def _told(luck: Counter[str]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in luck.most_common())
