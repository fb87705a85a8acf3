"""A small world for the tests of the virtual card; they never use the client in devices.card."""

from __future__ import annotations

import pytest

from devices.simulated.world import World, load_personas, personas_folder
from tests.contract.card.talk import PHOTO, Talk

PEOPLE = ("employee", "forged", "foreign_issuer", "expired", "pinless", "driving_licence", "mute")


@pytest.fixture(scope="session")
def world() -> World:
    personas = [persona for persona in load_personas(personas_folder()) if persona.id in PEOPLE]
    return World.build(personas, lambda persona: PHOTO)


@pytest.fixture
def talk(world: World) -> Talk:
    return Talk(world.card("employee"))
