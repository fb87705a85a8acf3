"""A whole kiosk in the test's process: real window, real card and face processes, real HTTPS gateway."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from shiboken6 import delete

from devices.simulated.personas import load_personas
from devices.simulated.world import personas_folder
from kiosk.app import App
from kiosk.cli.patient import Patient, Role, Story
from kiosk.cli.scenery import Scenery, build
from kiosk.cli.stage import Stage
from kiosk.config import Settings, load
from kiosk.eligibility.server import SimulatedGateway
from kiosk.eligibility.tls import ensure_test_tls
from kiosk.reception import states as s

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = ("employee", "swapped")


@pytest.fixture(scope="session")
def scenery() -> Scenery:
    people = tuple(persona for persona in load_personas(personas_folder()) if persona.id in PEOPLE)
    return build(people, lambda text: None)


@dataclass
class House:
    """A started kiosk with its stage and a gateway that the test can disturb."""

    app: App
    stage: Stage
    gateway: SimulatedGateway
    settings: Settings

    @property
    def state(self) -> s.State:
        return self.app.loop.kiosk.state

    @property
    def files(self) -> list[Path]:
        return sorted(self.settings.handoff_folder.glob("*.xml"))

    def until(self, over: Callable[[], bool], seconds: float = 40.0) -> None:
        assert self.app.run_until(over, seconds), f"still {type(self.state).__name__} after {seconds} s"

    def until_state(self, *states: type[s.State], seconds: float = 40.0) -> None:
        self.until(lambda: isinstance(self.state, states), seconds)

    def visit(self, way: str = "pin", persona: str = "employee") -> Story:
        """One patient from the first page to the last."""
        patient = self.patient(way, persona)
        try:
            self.until(patient.step, 60)
        finally:
            patient.leave()
        return patient.story

    def patient(self, way: str = "pin", persona: str = "employee") -> Patient:
        return Patient(self.app, self.stage, Role(persona, way), pace=0.02)


Enter = Callable[..., House]


@pytest.fixture
def enter(tmp_path: Path, scenery: Scenery, qapp: QApplication) -> Iterator[Enter]:
    """`enter("handoff.encoding=Shift_JIS", …)` starts a kiosk with these settings."""
    houses: list[House] = []

    def make(*overrides: str, wait: bool = True) -> House:
        settings = load(
            ROOT / "config.toml",
            [
                f"kiosk.state_dir={tmp_path / 'state'}",
                f"handoff.folder={tmp_path / 'face'}",
                "reader.driver=simulated",
                "scanner.driver=off",  # what has nothing to do with it types
                "times.farewell_seconds=2",
                *overrides,
            ],
        )
        tls = ensure_test_tls(settings.kiosk.state_dir / "test-tls", (settings.gateway.terminal_id,))
        gateway = SimulatedGateway(scenery.gateway, tls)
        stage = Stage(settings, scenery, lambda text: None, gateway.url)
        house = House(App(settings, stage.start(), still=True), stage, gateway, settings)
        house.app.loop.watchers.append(stage.hear)
        houses.append(house)
        house.app.start()
        if wait:
            house.until_state(s.Idle)
        return house

    yield make
    while houses:
        house = houses.pop()
        house.app.stop()
        house.stage.stop()
        house.gateway.stop()
        delete(house.app.window)
        del house
    # Here and now: left to chance, the collector destroys Qt objects on whatever thread it happens to run.
    gc.collect()
