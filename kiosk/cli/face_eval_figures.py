"""From distances to rates, bounds and a verdict, for `kiosk face-eval` and `kiosk calibrate`.

FMR: share of comparisons of two persons that pass. FNMR: share of comparisons of one person that do not. Both are of
comparisons that took place; pictures that were not acquired are counted beside them (ISO/IEC 19795-1).

Bounds are exact binomial ones, two-sided 95 % (Clopper and Pearson 1934). *By pair* takes every comparison as a trial
of its own, which flatters: one person's pictures fail together. *By person* takes as many trials as there are persons
in these comparisons, with the same rate (an effective sample size, as Korn and Graubard 1998 do for surveys): the
widest bound that is still honest, since at worst all comparisons of one person go the same way.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiosk.cli.face_eval_pairs import Block

STEPS = 10_000  # bins of a distance of 1; thresholds are whole multiples
_BINS = 2 * STEPS + 1  # distances run from 0 to 2
TARGETS = (1e-2, 1e-3, 1e-4, 1e-5)
FEWEST = 3  # false matches that a threshold must rest on: below, a TAR at that FMR says nothing

FMR_BAR = 1e-3
LARGE = 5_000  # pairs of strangers from which a group is held to the bar by its own rate
RATIO_BAR = 3.0
_ENOUGH = 10  # false matches from which a ratio of rates is more than chance

Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]


def clopper_pearson(events: float, trials: float, confidence: float = 0.95) -> tuple[float, float]:
    """Two-sided bounds of a binomial rate; (0, 1) without a trial. `events` may be a fraction (an effective count)."""
    from scipy.stats import beta

    if trials <= 0:
        return 0.0, 1.0
    tail = (1 - confidence) / 2
    low = 0.0 if events <= 0 else float(beta.ppf(tail, events, trials - events + 1))
    high = 1.0 if events >= trials else float(beta.ppf(1 - tail, events + 1, trials - events))
    return low, high


@dataclass(frozen=True, slots=True)
class Rate:
    """`events` of `trials`; `persons` take part in them (0: not told), `persons_hit` in at least one event."""

    events: int
    trials: int
    persons: int
    persons_hit: int

    @property
    def value(self) -> float:
        return self.events / self.trials if self.trials else math.nan

    @property
    def by_pair(self) -> tuple[float, float]:
        return clopper_pearson(self.events, self.trials)

    @property
    def by_person(self) -> tuple[float, float] | None:
        """None when persons are not told."""
        if not self.persons or not self.trials:
            return None
        trials = min(self.persons, self.trials)
        return clopper_pearson(self.value * trials, trials)

    @property
    def cautious(self) -> tuple[float, float]:
        """By person where they are told, else by pair."""
        return self.by_person or self.by_pair

    def figures(self) -> dict[str, Any]:
        return {
            "events": self.events,
            "trials": self.trials,
            "rate": self.value if self.trials else None,
            "by_pair": self.by_pair,
            "by_person": self.by_person,
            "persons": self.persons,
            "persons_hit": self.persons_hit,
            "persons_hit_bounds": clopper_pearson(self.persons_hit, self.persons) if self.persons else None,
        }


@dataclass(slots=True, eq=False)
class Distances:
    """Histograms of the distances of every group; column 0 is of strangers, 1 of one person."""

    groups: int
    counts: Counts = field(init=False)

    def __post_init__(self) -> None:
        self.counts = np.zeros((self.groups, 2, _BINS), np.int64)

    def add(self, block: Block) -> None:
        key = (block.group * 2 + block.same) * _BINS + bins(block.distance)
        self.counts += np.bincount(key, minlength=self.counts.size).reshape(self.counts.shape)

    def curve(self, group: int | None) -> Curve:
        """Of one group; None: of all together."""
        return Curve(self.counts.sum(axis=0) if group is None else self.counts[group])


def bins(distance: NDArray[np.float64]) -> Counts:
    """The bin of a distance holds what passes at its upper edge and not at its lower. The little that is taken away
    keeps a distance that is an edge, but for rounding, below it."""
    return np.asarray(np.clip(np.ceil(distance * STEPS - 1e-6), 0, _BINS - 1), np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """FMR and FNMR over all thresholds. `counts`: 2 x bins."""

    counts: Counts

    @property
    def strangers(self) -> int:
        return int(self.counts[0].sum())

    @property
    def alike(self) -> int:
        return int(self.counts[1].sum())

    def passed(self, threshold: float) -> tuple[int, int]:
        """How many strangers and how many of one person pass."""
        until = round(threshold * STEPS) + 1
        return int(self.counts[0, :until].sum()), int(self.counts[1, :until].sum())

    def rates(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """FMR and FNMR at every edge."""
        fmr = np.cumsum(self.counts[0]) / max(1, self.strangers)
        return fmr, 1 - np.cumsum(self.counts[1]) / max(1, self.alike)

    def threshold_at(self, target: float) -> float | None:
        """The laxest threshold with FMR <= `target`; None when fewer than `FEWEST` strangers would pass there."""
        if self.strangers * target < FEWEST:
            return None
        fmr, _ = self.rates()
        until = int(np.searchsorted(fmr, target, side="right"))
        return max(0, until - 1) / STEPS

    def tar(self, target: float) -> float | None:
        """Share of one person's comparisons that pass at `threshold_at(target)`; None: too few."""
        threshold = self.threshold_at(target)
        if threshold is None or not self.alike:
            return None
        return self.passed(threshold)[1] / self.alike

    def eer(self) -> float | None:
        """Where FMR and FNMR are equal; None with fewer than `FEWEST` comparisons of either kind."""
        if min(self.strangers, self.alike) < FEWEST:
            return None
        fmr, fnmr = self.rates()
        at = int(np.argmax(fmr >= fnmr))
        return float((fmr[at] + fnmr[at]) / 2)


@dataclass(slots=True, eq=False)
class Persons:
    """Who takes part in the comparisons of every group, and who is hit at `threshold`; groups x persons."""

    threshold: float
    groups: int
    persons: int
    took_part: NDArray[np.bool_] = field(init=False)
    hit: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        shape = (self.groups, 2, self.persons + 1)  # the last is nobody: a person that is not told
        self.took_part, self.hit = np.zeros(shape, bool), np.zeros(shape, bool)

    def add(self, block: Block) -> None:
        passes = bins(block.distance) <= round(self.threshold * STEPS)
        wrong = passes != block.same
        kind = block.same.astype(np.int64)
        for person in (block.card_person, block.live_person):
            self.took_part[block.group, kind, person] = True
            self.hit[block.group[wrong], kind[wrong], person[wrong]] = True

    def count(self, group: int | None, kind: int) -> tuple[int, int]:
        """Persons, persons hit; (0, 0) unless every comparison told them."""
        groups = slice(None) if group is None else slice(group, group + 1)
        took: Flags = np.any(self.took_part[groups, kind], axis=0)
        if took[-1]:
            return 0, 0
        return int(took.sum()), int(np.any(self.hit[groups, kind], axis=0).sum())


def rates_at(curve: Curve, persons: Persons, group: int | None) -> tuple[Rate, Rate]:
    """False matches and false non-matches at the threshold of `persons`."""
    strangers, alike = curve.passed(persons.threshold)
    return (
        Rate(strangers, curve.strangers, *persons.count(group, 0)),
        Rate(curve.alike - alike, curve.alike, *persons.count(group, 1)),
    )


def misses(false_matches: dict[str, Rate]) -> list[str]:
    """Bars that are not held, in words. `false_matches`: of every group with strangers.

    - a group with 5,000 pairs or more: FMR <= 1e-3, and within 3 times of any other such group. A ratio counts as
      such from 10 false matches on; below, only a gap between the bounds by pair does.
    - a smaller group: its lower bound (by person) is not above 3 times the FMR of the largest group, nor above 3 times
      the bar; a largest group without a false match counts as having one.
    """
    found = []
    large = {name: rate for name, rate in false_matches.items() if rate.trials >= LARGE}
    for name, rate in large.items():
        if rate.value > FMR_BAR:
            found.append(f"{name}: FMR {rate.value:.2e} is above {FMR_BAR:g}")
    for name, other, high, low in _ordered(large):
        if min(high.events, low.events) >= _ENOUGH:
            apart = high.value > RATIO_BAR * low.value
        else:
            apart = high.by_pair[0] > RATIO_BAR * low.by_pair[1]
        if apart:
            found.append(f"{name} and {other}: FMR {high.value:.2e} and {low.value:.2e}, more than 3 times")
    if not false_matches:
        return ["nothing was compared"]
    largest = max(false_matches.values(), key=lambda rate: rate.trials)
    reference = RATIO_BAR * min(max(largest.events, 1) / largest.trials, FMR_BAR)
    for name, rate in false_matches.items():
        if rate.trials < LARGE and rate.cautious[0] > reference:
            found.append(f"{name}: lower bound {rate.cautious[0]:.2e} is above {reference:.2e}")
    return found


def _ordered(rates: dict[str, Rate]) -> Iterator[tuple[str, str, Rate, Rate]]:
    """All pairs of groups, the one with more false matches first."""
    names: Sequence[str] = sorted(rates, key=lambda name: rates[name].value, reverse=True)
    for number, name in enumerate(names):
        for other in names[number + 1 :]:
            yield name, other, rates[name], rates[other]


def tally(blocks: Iterable[Block], groups: int) -> Distances:
    distances = Distances(groups)
    for block in blocks:
        distances.add(block)
    return distances


def who(blocks: Iterable[Block], thresholds: Sequence[float], groups: int, persons: int) -> list[Persons]:
    """One pass for several thresholds."""
    found = [Persons(threshold, groups, persons) for threshold in thresholds]
    for block in blocks:
        for each in found:
            each.add(block)
    return found
