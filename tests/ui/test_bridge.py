"""Events reach the GUI thread in order, from any thread."""

from __future__ import annotations

import threading

from pytestqt.qtbot import QtBot

from kiosk.reception.events import Event, HelpWanted, LanguageChosen
from kiosk.ui.bridge import EventBridge, GuiTimer


def test_events_from_a_thread_arrive_in_the_gui_thread_in_order(qtbot: QtBot) -> None:
    arrived: list[tuple[Event, int]] = []
    bridge = EventBridge(lambda event: arrived.append((event, threading.get_ident())))
    sent = [LanguageChosen(str(number)) for number in range(50)]

    def work() -> None:
        for event in sent:
            bridge.post(event)

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    assert arrived == []
    qtbot.waitUntil(lambda: len(arrived) == 50)
    assert arrived == [(event, threading.get_ident()) for event in sent]


def test_an_event_posted_by_the_handler_waits_its_turn(qtbot: QtBot) -> None:
    order: list[str] = []

    def handle(event: Event) -> None:
        order.append(f"in {type(event).__name__}")
        if isinstance(event, HelpWanted):
            bridge.post(LanguageChosen("en"))
        order.append("out")

    bridge = EventBridge(handle)
    bridge.post(HelpWanted())
    qtbot.waitUntil(lambda: len(order) == 4)
    assert order == ["in HelpWanted", "out", "in LanguageChosen", "out"]


def test_the_timer_fires_once_and_can_be_disarmed(qtbot: QtBot) -> None:
    fired: list[int] = []
    timer = GuiTimer(lambda: fired.append(1))
    timer.arm(30)
    timer.arm(0.001)
    qtbot.waitUntil(lambda: fired == [1])
    timer.arm(0.001)
    timer.disarm()
    qtbot.wait(20)
    assert fired == [1]
