"""The loop's deadlines, warnings and order, with a clock made by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from kiosk.reception import events as e
from kiosk.reception import states as s
from kiosk.reception.commands import Command, ReadCertificate, Wipe
from kiosk.reception.failure import FailureCode
from kiosk.reception.policy import Policy
from kiosk.reception.view import Page, View
from kiosk.runtime.loop import Change, Loop

ONE = s.ReceptionId("one")


class HandAlarm:
    seconds: float | None = None
    action: Callable[[], None] | None = None

    def set(self, seconds: float, action: Callable[[], None]) -> None:
        self.seconds, self.action = seconds, action

    def clear(self) -> None:
        self.seconds = self.action = None

    def ring(self) -> None:
        assert self.action is not None
        action, self.action = self.action, None
        action()


@dataclass
class Shown:
    views: list[View] = field(default_factory=list)
    warnings: list[int] = field(default_factory=list)

    def present(self, view: View) -> None:
        self.views.append(view)

    def warn(self, seconds: int) -> None:
        self.warnings.append(seconds)

    def clear_warning(self) -> None:
        self.warnings.clear()


@dataclass
class Stand:
    loop: Loop
    screen: Shown
    commands: list[Command]
    deadline: HandAlarm
    warning: HandAlarm

    @property
    def page(self) -> Page:
        return self.screen.views[-1].page


@pytest.fixture
def stand() -> Stand:
    return standing(Policy())


def standing(policy: Policy) -> Stand:
    screen, commands, deadline, warning = Shown(), list[Command](), HandAlarm(), HandAlarm()
    loop = Loop(policy, screen, commands.append, deadline, warning, lambda: s.ReceptionId("fresh"))
    loop.apply(e.ReaderUp())
    return Stand(loop, screen, commands, deadline, warning)


def test_a_kiosk_without_reader_is_out_of_service_until_the_reader_comes(stand: Stand) -> None:
    assert stand.page is Page.IDLE
    stand.loop.apply(e.ReaderDown(FailureCode.READER_MISSING))
    assert stand.page is Page.OUT_OF_SERVICE
    stand.loop.apply(e.ReaderUp())
    assert stand.page is Page.IDLE


def test_commands_reach_the_executor_and_the_page_is_shown(stand: Stand) -> None:
    stand.loop.apply(e.CardPut(1, ONE))
    assert any(isinstance(command, ReadCertificate) for command in stand.commands)
    assert stand.page is Page.CHOOSE_METHOD
    assert stand.deadline.seconds == Policy().page_seconds


def test_the_second_door_gets_a_fresh_reception(stand: Stand) -> None:
    (door,) = (action for action in stand.screen.views[-1].actions if isinstance(action.event, e.NoCardChosen))
    assert door.event == e.NoCardChosen(s.ReceptionId("fresh"))
    stand.loop.apply(door.event)
    assert stand.page is Page.NO_CARD


def test_a_page_warns_before_its_end_and_one_touch_extends_it(stand: Stand) -> None:
    policy = Policy()
    stand.loop.apply(e.CardPut(1, ONE))
    assert stand.warning.seconds == policy.page_seconds - policy.warn_seconds
    stand.warning.ring()
    assert stand.screen.warnings == [int(policy.warn_seconds)]
    stand.deadline.clear()
    stand.loop.apply(e.MoreTime())
    assert stand.deadline.seconds == policy.page_seconds
    assert stand.screen.warnings == []


def test_more_time_ends_after_the_allowed_extensions(stand: Stand) -> None:
    stand.loop.apply(e.CardPut(1, ONE))
    for _ in range(Policy().extensions):
        stand.loop.apply(e.MoreTime())
    stand.deadline.clear()
    stand.loop.apply(e.MoreTime())
    assert stand.deadline.seconds is None


def test_what_arrives_on_a_page_does_not_lengthen_its_time(stand: Stand) -> None:
    stand.loop.apply(e.CardPut(1, ONE))
    job = stand.loop.kiosk.jobs
    stand.deadline.clear()
    stand.loop.apply(e.CertificateCame(ONE, job, s.CertificateRef("c:1"), 1, "f", 3, 10))
    stand.loop.apply(e.HelpWanted())
    assert stand.deadline.seconds is None


def test_the_deadline_ends_the_reception_with_a_wipe(stand: Stand) -> None:
    stand.loop.apply(e.CardPut(1, ONE))
    stand.deadline.ring()
    assert Wipe(ONE) in stand.commands
    assert stand.page is Page.TAKE_CARD
    # A forgotten card rings again and again.
    stand.deadline.ring()
    assert stand.deadline.seconds == Policy().card_alarm_seconds


def test_hints_and_bytes_do_not_start_the_time_anew(stand: Stand) -> None:
    loop = stand.loop
    loop.apply(e.CardPut(1, ONE))
    loop.apply(e.CertificateCame(ONE, loop.kiosk.jobs, s.CertificateRef("c:1"), 1, "f", 3, 10))
    loop.apply(e.MethodChosen(s.Method.FACE))
    loop.apply(e.NumberEntered(s.NumberRef("n:1")))
    stand.deadline.clear()
    loop.apply(e.PhotoProgressed(ONE, loop.kiosk.jobs, 10, 100))
    assert stand.deadline.seconds is None
    loop.apply(e.PhotoCame(ONE, loop.kiosk.jobs, s.PhotoRef("p:1"), s.EvidenceRef("e:1"), 1))
    assert stand.page is Page.LOOK_HERE
    stand.deadline.clear()
    loop.apply(e.FaceHinted(ONE, loop.kiosk.jobs, "closer"))
    assert stand.deadline.seconds is None


def test_a_card_that_is_being_scanned_does_not_lengthen_its_page() -> None:
    stand = standing(Policy(scanner=True))
    stand.loop.apply(e.CardPut(1, ONE))
    stand.loop.apply(e.CertificateCame(ONE, 1, s.CertificateRef("c"), 1, "print", 3, 10))
    stand.loop.apply(e.MethodChosen(s.Method.FACE))
    assert stand.page is Page.SCAN_CARD
    assert stand.deadline.seconds == Policy().page_seconds
    stand.deadline.clear()
    stand.loop.apply(e.ScanHinted(ONE, 2, "face_down"))
    stand.loop.apply(e.JobFailed(ONE, 2, FailureCode.SCAN_UNREADABLE))
    assert stand.page is Page.SCAN_CARD
    assert stand.deadline.seconds is None


def test_an_event_inside_an_event_is_refused(stand: Stand) -> None:
    refused: list[str] = []

    def again(change: Change) -> None:
        try:
            stand.loop.apply(e.HelpWanted())
        except RuntimeError as error:
            refused.append(str(error))

    stand.loop.watchers.append(again)
    stand.loop.apply(e.CardPut(1, ONE))
    assert len(refused) == 1


def test_a_language_chosen_at_idle_and_left_is_taken_back(stand: Stand) -> None:
    stand.loop.apply(e.LanguageChosen("en"))
    assert stand.screen.views[-1].language == "en"
    stand.deadline.ring()
    assert stand.screen.views[-1].language == "ja"
    assert stand.deadline.seconds is None
