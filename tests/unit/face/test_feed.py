"""When the feed asks the camera, on a clock of our own."""

from __future__ import annotations

import numpy as np
import pytest

from devices.feed import Pace


def visits(pictures: list[float], seconds: float, busy: float = 0.0) -> tuple[int, list[float]]:
    """How often a camera is asked whose pictures come at these times, by who works `busy` seconds on each; and how
    long after it came each picture was seen that was seen at all."""
    pace, now, last, asked, late = Pace(), 0.0, -1, 0, []
    while now < seconds:
        asked += 1
        newest = int(np.searchsorted(pictures, now, side="right")) - 1
        if newest > last:
            late.append(now - pictures[newest])
            last = newest
            pace.saw(newest, now)
            now += busy
            continue
        now += pace.wait(now)
    return asked, late


def at_rate(rate: float, jitter: float = 0.0, seconds: float = 3.0) -> list[float]:
    noise = np.random.default_rng(1).uniform(-jitter, jitter, round(rate * seconds))
    return [float(each) for each in np.arange(len(noise)) / rate + noise]


@pytest.mark.parametrize(("rate", "jitter"), [(30, 0.0), (30, 0.004), (25, 0.002), (15, 0.005), (60, 0.001)])
@pytest.mark.parametrize("busy", [0.0, 0.008])
def test_a_picture_is_seen_soon_and_the_camera_is_left_alone_until_then(rate: int, jitter: float, busy: float) -> None:
    pictures = at_rate(rate, jitter)
    asked, late = visits(pictures, 3.0, busy)
    assert len(late) >= len(pictures) - 1, "none is missed"
    settled = late[len(late) // 3 :]
    assert max(settled) < 0.013
    assert float(np.mean(settled)) < 0.005
    assert asked / len(pictures) < 5.5


def test_who_is_slow_sees_the_newest_and_does_not_fall_into_half_the_rate() -> None:
    """Every second picture is missed for a while; then there is time for each again."""
    pictures = at_rate(30, seconds=6.0)
    pace, now, last, seen = Pace(), 0.0, -1, []
    while now < 6.0:
        newest = int(np.searchsorted(pictures, now, side="right")) - 1
        if newest > last:
            last = newest
            seen.append(newest)
            pace.saw(newest, now)
            now += 0.045 if now < 3.0 else 0.004
        else:
            now += pace.wait(now)
    assert np.diff(seen)[:30].max() == 2
    assert set(np.diff(seen)[-60:]) == {1}


def test_a_camera_that_pauses_is_asked_again_and_again() -> None:
    """What came after a second of silence is seen within 3 ms."""
    pictures = [*at_rate(30, seconds=1.0), 2.0]
    asked, late = visits(pictures, 2.1)
    assert late[-1] <= 0.0031
    assert asked > 300
