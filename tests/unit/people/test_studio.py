"""People are filmed in a process of their own: it is told who sits there, and replaced when it is gone."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from devices.simulated.camera import SimulatedCamera
from devices.simulated.people.scene import Picture
from devices.simulated.people.studio import Cast, Studio

MIDDLE = np.s_[60:300, 220:420]


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def studio() -> Iterator[Studio]:
    made = Studio((640, 480))
    made.open()
    yield made
    made.stop()


def shot(studio: Studio) -> Picture:
    pictures: list[Picture] = []

    def taken() -> bool:
        studio.open()
        picture = studio.shoot()
        if picture is not None:
            pictures.append(picture)
        return bool(pictures)

    until(taken)
    return pictures[0]


def differs(one: Picture, other: Picture) -> float:
    return float(np.abs(one[MIDDLE].astype(int) - other[MIDDLE]).mean())


def test_somebody_comes_and_goes_and_no_two_pictures_are_equal(studio: Studio) -> None:
    empty = shot(studio)
    assert not np.array_equal(empty, shot(studio))
    studio.cast(Cast(22, calm=True))
    until(lambda: differs(empty, shot(studio)) > 20)
    assert not np.array_equal(shot(studio), shot(studio))
    studio.cast(Cast(-1))
    until(lambda: differs(empty, shot(studio)) < 3)


def test_whoever_sits_there_hears_what_is_asked(studio: Studio) -> None:
    studio.cast(Cast(22, calm=True))
    empty = shot(studio)
    until(lambda: differs(empty, shot(studio)) > 20)
    studio.prompt = "turn_left"
    # Turned by more than 20 degrees, the mouth is 30 pixels further right; one that looks about moves it by 10.
    until(lambda: mouth(shot(studio)) > 340)
    studio.prompt = ""


def mouth(picture: Picture) -> float:
    """Column of the middle of what is red."""
    part = picture[270:320, 220:420].astype(int)
    red = np.clip(part[..., 2] - 1.55 * part[..., 1], 0, None).sum(axis=0)
    return float(220 + (red * np.arange(200)).sum() / max(1.0, red.sum()))


def test_two_people_sit_side_by_side(studio: Studio) -> None:
    studio.cast(Cast(-1))
    empty = shot(studio)
    studio.cast(Cast(22, companion=34))

    def both() -> bool:
        change = np.abs(shot(studio).astype(int) - empty).mean(axis=(0, 2))
        return bool(change[140:240].mean() > 10 and change[400:500].mean() > 10)

    until(both)


def test_an_attack_is_seen_instead_of_the_person(studio: Studio) -> None:
    studio.cast(Cast(22, calm=True))
    empty = shot(studio)
    until(lambda: differs(empty, shot(studio)) > 20)
    person = shot(studio)
    studio.cast(Cast(22, variation=1, attack="flat"))
    until(lambda: differs(person, shot(studio)) > 15)


def test_a_process_that_is_gone_is_started_again() -> None:
    camera = SimulatedCamera(22, {"calm": True})
    camera.start()
    until(lambda: camera.latest() is not None and camera.pids)
    (pid,) = camera.pids
    os.kill(pid, signal.SIGKILL)
    until(lambda: camera.pids not in ((), (pid,)) and camera.latest() is not None)
    camera.stop()
    assert camera.pids == ()


@pytest.mark.parametrize("size", [(1280, 720)])
def test_the_camera_has_the_size_that_was_asked_for(size: tuple[int, int]) -> None:
    camera = SimulatedCamera(22, {"width": size[0], "height": size[1], "calm": True})
    camera.start()
    until(lambda: camera.latest() is not None)
    frame = camera.latest()
    assert frame is not None
    assert frame.image.shape == (720, 1280, 3)
    camera.stop()
