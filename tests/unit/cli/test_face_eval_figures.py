"""Rates, bounds and bars of `kiosk face-eval`, against numbers that were worked out by other means."""

from __future__ import annotations

import numpy as np
import pytest

from kiosk.cli.face_eval_figures import Persons, Rate, bins, clopper_pearson, misses, rates_at, tally, who
from kiosk.cli.face_eval_pairs import Block


def block(rows: list[tuple[float, bool, int, int, int]]) -> Block:
    """Rows: distance, same, group, person of the card, person of the live."""
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    return Block(columns[0].astype(float), columns[1].astype(bool), *(column.astype(int) for column in columns[2:]))


@pytest.mark.parametrize(
    ("events", "trials", "low", "high"),
    [
        (0, 10, 0.0, 0.30850),  # 1 - 0.025 ** (1 / 10)
        (10, 10, 0.69150, 1.0),
        (5, 10, 0.18709, 0.81291),  # from published tables
        (1, 100, 0.00025, 0.05446),
        (0, 0, 0.0, 1.0),
    ],
)
def test_exact_bounds(events: int, trials: int, low: float, high: float) -> None:
    assert clopper_pearson(events, trials) == pytest.approx((low, high), abs=1e-5)


def test_bounds_by_person_are_wider_and_hold_the_rate() -> None:
    rate = Rate(events=20, trials=156, persons=13, persons_hit=9)
    by_person = rate.by_person
    assert by_person is not None
    assert by_person[0] < rate.by_pair[0] < rate.value < rate.by_pair[1] < by_person[1]
    assert Rate(0, 156, 13, 0).by_person == pytest.approx((0, 1 - 0.025 ** (1 / 13)))
    assert Rate(2, 9, 0, 0).by_person is None
    assert Rate(2, 9, 0, 0).cautious == Rate(2, 9, 0, 0).by_pair
    assert Rate(1, 5, 10, 2).by_person == Rate(1, 5, 5, 2).by_person, "never more trials than comparisons"
    assert rate.figures()["persons_hit_bounds"] == pytest.approx(clopper_pearson(9, 13))
    assert Rate(0, 0, 0, 0).figures()["rate"] is None


def test_a_distance_at_the_threshold_passes_and_the_next_does_not() -> None:
    assert bins(np.array([0.2, 0.1 + 0.1, 0.20001, 0.3, 0.1 * 3, -1e-12, 2.5])).tolist() == [
        2000, 2000, 2001, 3000, 3000, 0, 20000,
    ]  # fmt: skip


def test_rates_are_those_of_counting() -> None:
    draw = np.random.default_rng(3)
    distance = np.round(draw.uniform(0, 1, 4000), 5)
    same = draw.random(4000) < 0.3
    group = draw.integers(0, 3, 4000)
    rows = Block(distance, same, group, np.zeros(4000, int), np.zeros(4000, int))
    distances = tally([rows], 3)
    for number in (0, 1, 2, None):
        own = np.ones(4000, bool) if number is None else group == number
        curve = distances.curve(number)
        for threshold in (0.0, 0.2, 0.5137, 1.0):
            passes = own & (distance <= threshold)
            assert curve.passed(threshold) == ((passes & ~same).sum(), (passes & same).sum())
        assert (curve.strangers, curve.alike) == ((own & ~same).sum(), (own & same).sum())
        assert curve.eer() == pytest.approx(0.5, abs=0.05)
        at = curve.threshold_at(0.1)
        assert at is not None
        assert (distance[own & ~same] <= at).mean() <= 0.1 < (distance[own & ~same] <= at + 0.002).mean()
        assert curve.tar(0.1) == pytest.approx((distance[own & same] <= at).mean())


def test_too_few_are_told_as_such() -> None:
    curve = tally([block([(0.5, False, 0, 0, 1)] * 299 + [(0.1, True, 0, 0, 0)] * 2)], 1).curve(None)
    assert curve.threshold_at(1e-2) is None
    assert curve.tar(1e-2) is None
    assert curve.eer() is None
    more = tally([block([(0.5, False, 0, 0, 1)] * 300 + [(0.1, True, 0, 0, 0)] * 3)], 1).curve(None)
    assert more.threshold_at(1e-2) == pytest.approx(0.4999)
    assert more.tar(1e-2) == 1
    assert more.eer() == 0


def test_persons_are_those_of_a_mistake_on_either_side() -> None:
    rows = block(
        [
            (0.1, False, 0, 0, 1),
            (0.5, False, 0, 2, 3),
            (0.5, True, 0, 3, 3),
            (0.1, True, 0, 2, 2),
            (0.1, False, 1, 4, -1),
        ]
    )
    (persons,) = who([rows], [0.2], 2, 5)
    assert persons.count(0, 0) == (4, 2)
    assert persons.count(0, 1) == (2, 1)
    assert persons.count(1, 0) == (0, 0), "one of them is not told"
    assert persons.count(None, 0) == (0, 0)
    false_match, false_refusal = rates_at(tally([rows], 2).curve(0), persons, 0)
    assert (false_match.events, false_match.trials) == (1, 2)
    assert (false_refusal.events, false_refusal.trials) == (1, 2)
    assert Persons(0.2, 2, 5).count(0, 0) == (0, 0)


def rate(events: int, trials: int, persons: int = 200) -> Rate:
    return Rate(events, trials, persons, min(persons, 2 * events))


@pytest.mark.parametrize(
    ("rates", "told"),
    [
        ({"a": rate(5, 5000)}, []),
        ({"a": rate(6, 5000)}, ["above 0.001"]),
        ({"a": rate(0, 4692), "b": rate(0, 156, 13)}, []),
        ({"a": rate(0, 4692), "b": rate(20, 156, 13)}, ["b: lower bound"]),
        ({"a": rate(4, 4692), "b": rate(1, 156, 13)}, []),
        ({"a": rate(20, 100_000), "b": rate(70, 100_000)}, ["more than 3 times"]),
        ({"a": rate(20, 100_000), "b": rate(50, 100_000)}, []),
        ({"a": rate(0, 5_000), "b": rate(4, 6_000)}, []),
        ({"a": rate(0, 500_000), "b": rate(4, 6_000)}, ["more than 3 times"]),
        ({"a": rate(4000, 4500, 3)}, ["a: lower bound"]),
        ({}, ["nothing was compared"]),
    ],
)
def test_bars(rates: dict[str, Rate], told: list[str]) -> None:
    found = misses(rates)
    assert len(found) == len(told)
    assert all(part in line for part, line in zip(told, found, strict=True))
