"""`kiosk attack-eval`: simulated attacks on the face check, and simulated people beside them.

Every attack shows the face of the card's owner, is filmed on a clock of its own and judged by the very attempt that
the kiosk runs, in the three modes of `face.liveness`. Attacks that show the owner's face throughout are compared at
the end of the grey zone, so that what stops them is not the comparison; people, and attacks that show another face as
well, at the kiosk's own threshold. Drawn people and drawn instruments: *simulated-attack rejection*, no figure of
ISO/IEC 30107-3.
"""

from __future__ import annotations

import argparse
import functools
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kiosk.cli.crew import crew
from kiosk.cli.face_eval_figures import clopper_pearson
from kiosk.cli.report import verdict

if TYPE_CHECKING:
    from devices.face.template import Engine, Enrolled

#: Persons on whom the bounds of `LivenessSettings` were set, and persons on whom they are reported.
TUNED = range(1_000, 2_000)
REPORTED = range(10_000, 20_000)

MODES = ("challenge", "passive", "off")
LIVE = "live"
#: Species that the challenge has to stop without exception, and those of which it may miss a few.
NONE_PASSES = ("flat", "bent", "replay", "cut_in")
FEW_PASS = ("relief", "cut_out_eyes")
#: Compared as in the kiosk, because the face is not the owner's throughout, or because it is the owner.
OWN_THRESHOLD = (LIVE, "cut_in")
BOUND_BAR = 0.01  # upper 95 % bound of a species of which none passes
FEW_BAR = 0.05
LIVE_BAR = 0.95
REAL_BAR = 0.90  # of flat prints, with nothing judged: less, and the attacks would prove nothing
_FULL = 300  # attacks of a species from which on the bound can be kept at all
_STATED = 100  # tries where there is nothing but a figure
_SHOWN = 40  # the same with nothing judged: that the attacks are seen and pass

FPS = 8.0  # pictures a second: a quarter of what a kiosk sees, so that a run ends
ASKED_FPS = {"blink": 25.0, "turn_left": 15.0, "turn_right": 15.0}  # while a movement is asked for
PATIENCE = 45.0
_ELSEWHERE = 1_000  # persons further: more than a run has


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("attack-eval", help="hold the presence check to its bars on drawn attacks")
    parser.add_argument("--attacks", type=int, default=_FULL, metavar="N", help=f"of each species ({_FULL})")
    parser.add_argument("--people", type=int, default=500, metavar="N", help="simulated persons (500)")
    tuned = f"the bounds were set on {TUNED.start} to {TUNED.stop - 1}"
    parser.add_argument("--first", type=int, default=REPORTED.start, metavar="SEED", help=f"first person; {tuned}")
    parser.add_argument("--modes", default=",".join(MODES), metavar="LIST", help=f"of {', '.join(MODES)}")
    parser.add_argument("--species", default="", metavar="LIST", help="only these, and live")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.set_defaults(run=run)


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt. `seconds` until its end, `because`: what ended the presence check."""

    species: str
    mode: str
    seed: int
    accepted: bool
    presence: str
    seconds: float
    because: str


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one species in one mode. `bound`: of the true rate, 95 %, one-sided above for attacks (Clopper and Pearson
    1934), one-sided below for people."""

    species: str
    mode: str
    tries: int
    accepted: int
    bound: float
    seconds: float  # median
    because: dict[str, int]

    @property
    def rate(self) -> float:
        return self.accepted / self.tries


def run(args: argparse.Namespace) -> int:
    from devices.simulated.people import Attack

    species = [LIVE, *(each.value for each in Attack)]
    modes = [each.strip() for each in args.modes.split(",")]
    wanted = [each.strip() for each in args.species.split(",") if each.strip()] or species
    for given, allowed, what in ((modes, MODES, "--modes"), (wanted, species, "--species")):
        unknown = sorted(set(given) - set(allowed))
        if unknown:
            print(f"{what}: found {', '.join(unknown)}; allowed: {', '.join(allowed)}", file=sys.stderr)
            return 2
    if min(args.attacks, args.people, args.jobs) < 1:
        print("--attacks, --people and --jobs are at least 1", file=sys.stderr)
        return 2
    started = time.monotonic()
    tries = list(_evaluate(args, modes, [LIVE, *(each for each in wanted if each != LIVE)]))
    figures = summarise(tries)
    print(table(figures))
    missed = misses(figures)
    data = {
        "seeds": [args.first, args.first + max(args.people, args.attacks) - 1],
        "seeds_of_tuning": [TUNED.start, TUNED.stop - 1],
        "fps": FPS,
        "minutes": round((time.monotonic() - started) / 60, 1),
        "figures": [
            {**{name: getattr(each, name) for name in Figures.__slots__}, "rate": round(each.rate, 4)}
            for each in figures
        ],
        "missed": missed,
    }
    line = f"simulated-attack rejection, {len(tries)} attempts of drawn people and instruments"
    return verdict(line if not missed else f"{line}; missed: {'; '.join(missed)}", not missed, args.json, data)


def _evaluate(args: argparse.Namespace, modes: Sequence[str], species: Sequence[str]) -> Iterator[Try]:
    pairs = [(kind, mode) for kind in species for mode in modes]
    work = [
        (args.first + number, tuple(pair for pair in pairs if number < _number(args, *pair)))
        for number in range(max(args.people, args.attacks))
    ]
    work = [each for each in work if each[1]]
    began = time.monotonic()
    with crew(args.jobs) as pool:
        for done, tries in enumerate(pool.map(person, *zip(*work, strict=True), chunksize=2), 1):
            yield from tries
            if sys.stderr.isatty() or done % 25 == 0:
                left = (time.monotonic() - began) / done * (len(work) - done) / 60
                end = "\r" if sys.stderr.isatty() else "\n"
                print(f"{done}/{len(work)} persons, {left:.0f} min left ", end=end, file=sys.stderr, flush=True)


def _number(args: argparse.Namespace, species: str, mode: str) -> int:
    """How often it is tried. What has no bar of its own is stated from fewer tries, so that a run ends."""
    wanted = int(args.people if species == LIVE else args.attacks)
    if mode == "challenge" and species in (LIVE, *NONE_PASSES, *FEW_PASS):
        return wanted
    return min(wanted, _SHOWN if mode == "off" else _STATED)


@functools.cache
def _engine() -> Engine:
    from devices.face.template import load_engine

    return load_engine({})


def _judging(species: str) -> Engine:
    engine = _engine()
    if species in OWN_THRESHOLD:
        return engine
    return _Lenient(engine, replace(engine.thresholds, accept=engine.thresholds.grey))


class _Lenient:
    """An engine that accepts up to the end of its grey zone."""

    def __init__(self, engine: Engine, thresholds: Any) -> None:
        self._engine = engine
        self.thresholds = thresholds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


def person(seed: int, pairs: Sequence[tuple[str, str]]) -> list[Try]:
    """Everything that is tried with one person: species and mode."""
    return [attempt(species, mode, seed) for species, mode in pairs]


def attempt(species: str, mode: str, seed: int) -> Try:
    """One attempt on a clock of its own, `FPS` pictures a second."""
    from devices.face.attempt import Attempt as Sitting
    from devices.face.attempt import Limits
    from devices.face.liveness import ACTIONS, Liveness, LivenessSettings, Mode
    from devices.ports import FaceBand, FaceGuidance
    from devices.simulated.people import Actor, Attack, Filmed, attacker

    engine = _judging(species)
    enrolled = _enrolled(engine, seed)
    while enrolled is None and species != LIVE:  # nothing to attack: somebody else's card
        seed += _ELSEWHERE
        enrolled = _enrolled(engine, seed)
    if enrolled is None:  # a living person whom the face check cannot serve counts as refused
        return Try(species, mode, seed, False, "no_template", 0.0, "no face on the card")
    # Another day than the card photo's: `variation` 0 would be the good day.
    variation = 1 + seed % 997
    film: Filmed
    if species == LIVE:
        film = Actor(seed, variation=variation)
    else:
        film = attacker(Attack(species), seed, variation)
        while species == Attack.CUT_IN and _alike(engine, enrolled, film.self_.person.seed):
            variation += 3  # of the same kind
            film = attacker(Attack.CUT_IN, seed, variation)
    liveness = Liveness(LivenessSettings(Mode(mode)), random.Random(f"{seed} {species}"))  # noqa: S311 - repeatable
    asked: str | None = None

    def say(guidance: FaceGuidance) -> None:
        nonlocal asked
        asked = guidance.hint.value if guidance.hint.value in ACTIONS else None

    frames = engine.thresholds.frames
    sitting = Sitting(1, engine, Limits(frames=frames), enrolled, say, 0.0, liveness)
    at = 0.0
    while True:
        sitting.look(film.frame(at, asked), at)
        if sitting.over(at) or at > PATIENCE:
            break
        at += 1 / ASKED_FPS.get(asked or "", FPS)
    decided = sitting.decide()
    reason = liveness.reason
    sitting.wipe()
    return Try(species, mode, seed, decided.band is FaceBand.ACCEPT, decided.presence.value, at, reason)


def _alike(engine: Engine, owner: Enrolled, other: int) -> bool:
    """Whether the other's own face is as near as the grey zone: who looks like the owner needs nothing cut in."""
    enrolled = _enrolled(engine, other)
    return enrolled is not None and engine.distance(owner, [enrolled.descriptor]) <= engine.thresholds.grey


def _enrolled(engine: Engine, seed: int) -> Enrolled | None:
    """From the person's card photo; None when no face is found on it."""
    from devices.errors import PhotoInvalid
    from devices.simulated.people import card_photo

    try:
        return engine.enrol(card_photo(seed))
    except PhotoInvalid:
        return None


def summarise(tries: Sequence[Try]) -> list[Figures]:
    figures = []
    for (mode, species), group in _grouped(tries):
        accepted = sum(each.accepted for each in group)
        because = Counter(f"{each.presence}: {each.because}" if each.because else each.presence for each in group)
        figures.append(
            Figures(
                species, mode, len(group), accepted,
                bound(accepted, len(group), above=species != LIVE),
                round(sorted(each.seconds for each in group)[len(group) // 2], 1), dict(because.most_common()),
            )
        )  # fmt: skip
    return figures


def _grouped(tries: Sequence[Try]) -> list[tuple[tuple[str, str], list[Try]]]:
    groups: dict[tuple[str, str], list[Try]] = {}
    for each in tries:
        groups.setdefault((each.mode, each.species), []).append(each)
    return list(groups.items())


def bound(events: int, tries: int, *, above: bool) -> float:
    """The one-sided 95 % bound of a rate: an end of the two-sided interval of 90 %."""
    low, high = clopper_pearson(events, tries, 0.90)
    return round(high if above else low, 4)


def table(figures: Sequence[Figures]) -> str:
    """Markdown, as it stands in docs/measurements.md."""
    lines = ["| mode | species | tries | accepted | rate | 95 % bound | seconds |", "|---|---|---|---|---|---|---|"]
    lines += [
        f"| {each.mode} | {each.species} | {each.tries} | {each.accepted} | {each.rate:.1%} | {each.bound:.1%} | "
        f"{each.seconds:g} |"
        for each in figures
    ]
    return "\n".join(lines)


def misses(figures: Sequence[Figures]) -> list[str]:
    """The bars that are not kept. A bound is asked for when there are enough attacks to keep it at all."""
    missed = []
    for each in figures:
        name = f"{each.mode} {each.species} {each.accepted}/{each.tries}"
        if each.species == LIVE:
            if each.rate < LIVE_BAR:
                missed.append(f"{name}, at least {LIVE_BAR:.0%}")
        elif each.mode == "challenge" and each.species in NONE_PASSES:
            if each.accepted or (each.tries >= _FULL and each.bound > BOUND_BAR):
                missed.append(f"{name}, none")
        elif each.mode == "challenge" and each.species in FEW_PASS:
            if each.rate > FEW_BAR:
                missed.append(f"{name}, at most {FEW_BAR:.0%}")
        elif each.mode == "off" and each.species == "flat" and each.rate < REAL_BAR:
            missed.append(f"{name}, at least {REAL_BAR:.0%}")
    return missed
