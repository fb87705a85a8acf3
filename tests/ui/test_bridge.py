"""Events reach the GUI thread in order, from any thread."""

from __future__ import annotations

import threading

from pytestqt.qtbot import QtBot

from kiosk.reception.events import Event, HelpWanted, LanguageChosen
from kiosk.ui.bridge import EventBridge, QtAlarm


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


def test_after_the_end_nothing_arrives_any_more(qtbot: QtBot) -> None:
    arrived: list[Event] = []
    bridge = EventBridge(arrived.append)
    bridge.post(HelpWanted())
    bridge.close()
    bridge.post(HelpWanted())
    qtbot.wait(50)
    assert arrived == []


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


def test_the_alarm_rings_once_and_can_be_cleared(qtbot: QtBot) -> None:
    rung: list[str] = []
    alarm = QtAlarm()
    alarm.set(30, lambda: rung.append("late"))
    alarm.set(0.001, lambda: rung.append("soon"))
    qtbot.waitUntil(lambda: rung == ["soon"])
    alarm.set(0.001, lambda: rung.append("never"))
    alarm.clear()
    qtbot.wait(20)
    assert rung == ["soon"]
