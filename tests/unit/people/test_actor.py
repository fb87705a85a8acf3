"""Drawn people act: repeatably, after a while, and as heads do, not as pictures of heads."""

from __future__ import annotations

import numpy as np
import pytest

from devices.simulated.people import BLINK, TURN_LEFT, TURN_RIGHT, Actor, Attack, attacker
from devices.simulated.people.acting import Acting, Temper

STEP = 1 / 20


STEADY = Temper(wander=0.0, blink_every=1e9)


def acting(number: int = 3, temper: Temper = STEADY) -> Acting:
    return Acting(np.random.default_rng(number), temper, approach=False)


def times(seconds: float) -> list[float]:
    return [i * STEP for i in range(round(seconds / STEP))]


def test_the_same_arguments_and_calls_make_the_same_pictures() -> None:
    one, other = Actor(22, variation=4), Actor(22, variation=4)
    for t in (0.0, 0.05, 0.4):
        assert np.array_equal(one.frame(t, TURN_LEFT), other.frame(t, TURN_LEFT))


def test_another_variation_is_another_day() -> None:
    assert not np.array_equal(Actor(22, variation=1).frame(0.0), Actor(22, variation=2).frame(0.0))


@pytest.mark.parametrize("size", [(640, 480), (1280, 720)])
def test_a_picture_has_the_camera_s_size(size: tuple[int, int]) -> None:
    image = Actor(5, size=size).frame(0.0)
    assert (image.shape, image.dtype) == ((size[1], size[0], 3), np.uint8)


@pytest.mark.parametrize(("prompt", "sign"), [(TURN_LEFT, 1), (TURN_RIGHT, -1)])
@pytest.mark.parametrize("number", range(12))
def test_a_turn_comes_after_a_human_while_to_the_side_that_was_asked(prompt: str, sign: int, number: int) -> None:
    person = acting(number)
    yaw = [sign * person.at(t, prompt).yaw for t in times(2.4)]
    assert max(abs(value) for value in yaw[: round(0.35 / STEP)]) < 0.5
    assert 17 < max(yaw) < 28
    assert min(yaw) > -0.5
    steps = np.abs(np.diff(yaw))
    assert steps.max() < 5  # 20 degrees take half a second, and nothing jumps


@pytest.mark.parametrize("number", range(12))
def test_eyes_close_on_purpose_for_longer_than_a_blink_and_no_slower(number: int) -> None:
    person = acting(number)
    lids = np.array([person.at(t, BLINK).blink for t in times(2.6)])
    assert lids[: round(0.35 / STEP)].max() == 0.0
    shut = np.flatnonzero(lids > 0.5)
    runs = np.split(shut, np.flatnonzero(np.diff(shut) > 1) + 1)
    longest = max(len(run) for run in runs) * STEP
    assert 0.45 <= longest <= 1.3
    assert np.abs(np.diff(lids)).max() > 0.2


def test_lids_close_by_themselves_now_and_then() -> None:
    person = acting(temper=Temper())
    lids = [person.at(t, None).blink for t in times(20)]
    blinks = int(np.sum(np.diff((np.array(lids) > 0.5).astype(int)) == 1))
    assert 3 <= blinks <= 12


def test_whoever_is_asked_again_does_it_again() -> None:
    person = acting()
    yaw = np.array([person.at(t, TURN_LEFT).yaw for t in times(8)])
    assert np.sum(np.diff((yaw > 10).astype(int)) == 1) >= 2


def test_somebody_who_comes_grows() -> None:
    actor = Actor(22, approach=True)
    before, after = actor.pose(actor.act(0.0)), actor.pose(actor.act(3.0))
    assert -before.at[2] > -after.at[2] * 1.2


def test_glasses_can_be_taken_off() -> None:
    assert not np.array_equal(Actor(34, glasses=False).frame(0.0), Actor(34, glasses=True).frame(0.0))


def test_less_light_is_darker_and_a_window_behind_darkens_the_face() -> None:
    face = np.s_[180:280, 270:370]
    usual = Actor(22).frame(0.0)
    assert Actor(22, light=0.3).frame(0.0).mean() < 0.5 * usual.mean()
    against = Actor(22, backlight=0.9).frame(0.0)
    assert against[face].mean() < 0.75 * usual[face].mean()
    assert against[:100, 200:500].mean() > usual[:100, 200:500].mean()


def test_compression_and_noise_are_kept_when_asked_for() -> None:
    clean = Actor(22, noise=0.0, defocus=0.0)
    noisy = Actor(22, noise=6.0, defocus=0.0)
    wall = np.s_[20:60, 300:400]
    assert noisy.frame(0.0)[wall].std() > clean.frame(0.0)[wall].std() + 3
    assert not np.array_equal(Actor(22, jpeg=40).frame(0.0), Actor(22).frame(0.0))


@pytest.mark.parametrize("kind", list(Attack))
def test_attacks_are_repeatable_and_hear_what_is_asked(kind: Attack) -> None:
    one, other = attacker(kind, 22, 1), attacker(kind, 22, 1)
    for t in (0.0, 0.6):
        assert np.array_equal(one.frame(t, TURN_LEFT), other.frame(t, TURN_LEFT))
    assert one.detail
    assert one.frame(0.7).shape == (480, 640, 3)


def test_radius_and_axis_of_a_bend_are_as_asked() -> None:
    assert attacker(Attack.BENT, 22, 0, radius_cm=9, vertical=False).detail == "bent 9 cm horizontal"
    assert attacker(Attack.BENT, 22, 1).detail == "bent 13 cm vertical"
