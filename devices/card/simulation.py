"""Hands the messages of a simulation to the simulated driver; not loaded with any other driver."""

from __future__ import annotations

from collections.abc import Callable

from devices.card.messages import (
    SimulatedCounters,
    SimulatedRemoved,
    SimulateFaults,
    SimulateInsert,
    SimulateInspect,
    SimulateReader,
    SimulateRemove,
)
from devices.simulated.card import FaultPlan
from devices.simulated.reader import ReaderState, SimulatedDriver


class Simulation:
    def __init__(self, driver: SimulatedDriver, send: Callable[[object], None]) -> None:
        self._driver = driver
        self._send = send
        driver.on_removed = lambda card, pulled: send(SimulatedRemoved(card.id, card.counters, pulled))

    def __call__(self, message: object) -> bool:
        """True when the message was for the simulation."""
        match message:
            case SimulateInsert(card, settings, tries):
                with card, card.secret() as person:
                    self._driver.insert(person.view(), settings, tries)
            case SimulateRemove():
                self._driver.remove()
            case SimulateFaults(rules):
                self._driver.faults(FaultPlan.from_json([dict(rule) for rule in rules]))
            case SimulateReader(state):
                self._driver.reader(ReaderState(state))
            case SimulateInspect():
                card_there = self._driver.card
                self._send(
                    SimulatedCounters({}, {})
                    if card_there is None
                    else SimulatedCounters(card_there.counters, card_there.verify_count)
                )
            case _:
                return False
        return True
