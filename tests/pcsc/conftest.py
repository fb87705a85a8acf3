"""The PC/SC lane for the tests: a genuine pcscd, or a reason why there is none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from devices.simulated.pcscd import PcscdLane
from devices.simulated.world import World, load_personas, personas_folder
from tests.conftest import demand_lane
from tests.pcsc.tools import PHOTO, missing_tools

PEOPLE = ("employee", "elder", "pinless", "driving_licence", "mute")


@pytest.fixture(scope="session")
def lane_is_there() -> None:
    demand_lane(missing_tools())


@pytest.fixture(scope="session")
def world() -> World:
    personas = [persona for persona in load_personas(personas_folder()) if persona.id in PEOPLE]
    return World.build(personas, lambda persona: PHOTO)


@pytest.fixture(scope="session")
def running_lane(lane_is_there: None) -> Iterator[PcscdLane]:
    with PcscdLane.start() as lane:
        yield lane


@pytest.fixture
def lane(running_lane: PcscdLane) -> Iterator[PcscdLane]:
    """The lane with two empty slots."""
    yield running_lane
    running_lane.remove(0)
    running_lane.remove(1)
