"""A still window at the panel's size, and a door that remembers what was handed out."""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from devices.secret import SecretBytes
from kiosk.i18n import Catalogue
from kiosk.reception.events import Event
from kiosk.reception.policy import Policy
from kiosk.reception.states import StaffReason
from kiosk.reception.view import View
from kiosk.ui.gallery import NOON, DrawnFrames, Sample, samples
from kiosk.ui.robot import Robot
from kiosk.ui.theme import Theme
from kiosk.ui.window import KioskWindow

ASSETS = Path(__file__).resolve().parents[2] / "assets"


class Door:
    """Real secrets; what was handed out, read and in the order it came."""

    def __init__(self) -> None:
        self.made: list[SecretBytes] = []
        self.out: list[tuple[str, bytes]] = []

    def new(self, capacity: int) -> SecretBytes:
        secret = SecretBytes(capacity=capacity)
        self.made.append(secret)
        return secret

    def pin_entered(self, secret: SecretBytes) -> None:
        self._take("pin", secret)

    def number_entered(self, secret: SecretBytes) -> None:
        self._take("number", secret)

    def staff_entered(self, secret: SecretBytes, reason: StaffReason) -> None:
        self._take(f"staff {reason}", secret)

    def maintenance_pin(self, secret: SecretBytes) -> None:
        self._take("maintenance", secret)

    def lookup_pin(self, secret: SecretBytes) -> None:
        self._take("lookup", secret)

    def query_entered(self, secret: SecretBytes) -> None:
        self._take("query", secret)

    def _take(self, what: str, secret: SecretBytes) -> None:
        self.out.append((what, bytes(secret.view())))
        secret.wipe()


class Bench:
    """Window, robot, and everything that came out of them."""

    def __init__(self, window: KioskWindow, door: Door, events: list[Event], policy: Policy) -> None:
        self.window, self.door, self.events, self.policy = window, door, events, policy
        self.robot = Robot(window)

    def sample(self, name: str, language: str = "ja") -> View:
        return next(one.view for one in samples(self.policy, language) if one.name == name)

    def show(self, name: str, language: str = "ja") -> View:
        view = self.sample(name, language)
        self.window.present(view)
        return view

    def translate(self, language: str) -> None:
        assert self.window.view is not None
        self.window.present(replace(self.window.view, language=language))


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return Catalogue.load(ASSETS / "i18n")


@pytest.fixture(scope="session")
def theme() -> Theme:
    return Theme.load(ASSETS)


@pytest.fixture(scope="session")
def frames() -> DrawnFrames:
    """Drawn once: it takes longer than a window."""
    return DrawnFrames()


@pytest.fixture
def make_bench(qtbot: QtBot, catalogue: Catalogue, theme: Theme, frames: DrawnFrames) -> Callable[..., Bench]:
    def make(*, simulated: bool = True, still: bool = True, scale: float = 1.0) -> Bench:
        policy = Policy()
        events: list[Event] = []
        door = Door()
        drawn = theme if scale == 1.0 else Theme.load(ASSETS, scale)
        window = KioskWindow(
            catalogue, drawn, policy, events.append, door, frames, simulated, clock=lambda: NOON, still=still
        )
        qtbot.addWidget(window)
        window.show()
        return Bench(window, door, events, policy)

    return make


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench()


def one_per_page(language: str) -> list[Sample]:
    """The first sample of every page."""
    found: dict[str, Sample] = {}
    for sample in samples(Policy(), language):
        found.setdefault(sample.view.page, sample)
    return list(found.values())
