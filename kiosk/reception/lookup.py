"""The part of the rule book for look-ups by number (番号による資格確認): staff, without a card on the reader."""

from __future__ import annotations

from typing import Protocol, assert_never

from kiosk.reception import commands as c
from kiosk.reception import events as e
from kiosk.reception import states as s
from kiosk.reception.consent import Item
from kiosk.reception.failure import FailureCode, may_succeed_later
from kiosk.reception.policy import Policy
from kiosk.reception.questions import Known


class Step(Protocol):
    """What of the step in the making is needed here (`kiosk.reception.machine`)."""

    policy: Policy

    def do(self, *commands: c.Command) -> None: ...

    def job(self) -> int: ...

    def idle(self, reception: s.ReceptionId | None) -> s.State: ...

    def postpone(self, reception: s.ReceptionId, late: s.Late, presence: int | None) -> s.State: ...

    def concluded(
        self,
        reception: s.ReceptionId,
        validity: s.Validity,
        notices: tuple[s.Notice, ...],
        ending: s.Ending,
        number: int | None,
    ) -> s.Outcome: ...

    def notice_substituted(self, event: e.HandedOff) -> None: ...


def intent(step: Step, state: s.LookupState, event: e.Intent) -> s.State:
    match state, event:
        case ((s.LookingUp() | s.LookupHandingOff()), _):
            return state
        case _, e.Cancelled():
            return step.idle(state.reception)
        case s.LookupDoor(), e.LookupPin() if state.job is None:
            job = step.job()
            step.do(c.CheckStaff(state.reception, job, event.credential))
            return s.LookupDoor(state.reception, job)
        case ((s.LookupDoor() | s.LookupPaper()), e.Back()):
            return s.NoCard(state.reception)
        case s.LookupPaper(), e.PaperChosen():
            step.do(c.Record("lookup_paper", state.reception, event.paper.value))
            if event.paper in s.NOT_ENOUGH:
                return s.LookupRefused(state.reception, event.paper)
            if event.paper in s.NEEDS_CARD_SEEN:
                return s.LookupCardSeen(state.reception, event.paper)
            return s.LookupTyping(state.reception, event.paper)
        case s.LookupCardSeen(), e.CardSeen():
            if not event.yes:
                return s.LookupPaper(state.reception)
            return s.LookupTyping(state.reception, state.paper)
        case ((s.LookupRefused() | s.LookupCardSeen() | s.LookupTyping()), e.Back()):
            return s.LookupPaper(state.reception)
        case s.LookupTyping(), e.QueryEntered():
            if step.policy.asked((), Known.NUMBER):
                return s.LookupAsking(state.reception, state.paper, event.query)
            return _ask(step, state, event.query, None)
        case s.LookupAsking(), e.ItemAnswered() if event.item is Item.LIMIT:
            return _ask(step, state, state.query, event.yes)
        case ((s.LookupAsking() | s.LookupProblem()), e.Back()):
            return s.LookupTyping(state.reception, state.paper)
        case s.LookupProblem(again=True), e.TryAgain():
            return _ask(step, state, state.query, state.limit)
        case s.LookupProblem(again=True), e.PostponeWanted() if step.policy.postpone:
            return step.postpone(state.reception, s.LateLookup(state.query, state.limit), None)
        case _:
            return state


def result(step: Step, state: s.LookupState, event: e.Result) -> s.State:
    """`event` answers the job that `state` waits for."""
    match state, event:
        case s.LookupDoor(), e.StaffAccepted():
            step.do(c.Record("lookup_opened", event.reception))
            return s.LookupPaper(state.reception)
        case s.LookupDoor(), e.StaffDenied():
            return s.LookupDoor(state.reception, None, refused=True, wait_seconds=event.wait_seconds)
        case s.LookupDoor(), e.JobFailed():
            return s.LookupDoor(state.reception, None, refused=True)
        case s.LookingUp(), e.LookedUp():
            return _looked_up(step, state, event)
        case s.LookingUp(), e.JobFailed():
            return _failed(step, state, event.failure, event.upstream)
        case s.LookupHandingOff(), e.HandedOff():
            step.notice_substituted(event)
            return _finish(step, state, s.Ending.DELAYED if event.delayed else s.Ending.DONE, event.number)
        case s.LookupHandingOff(), e.JobFailed():
            return _finish(step, state, s.Ending.DELAYED, None)
        case _:
            return state


def deadline(step: Step, state: s.LookupState) -> s.State:
    match state:
        case s.LookingUp():
            return _failed(step, state, FailureCode.STEP_TIMEOUT)
        case s.LookupHandingOff():
            return _finish(step, state, s.Ending.DELAYED, None)
        case (
            s.LookupDoor()
            | s.LookupPaper()
            | s.LookupRefused()
            | s.LookupCardSeen()
            | s.LookupTyping()
            | s.LookupAsking()
            | s.LookupProblem()
        ):
            return step.idle(state.reception)
        case _:
            assert_never(state)


def _ask(
    step: Step, state: s.LookupTyping | s.LookupAsking | s.LookupProblem, query: s.QueryRef, limit: bool | None
) -> s.LookingUp:
    job = step.job()
    step.do(c.LookUp(state.reception, job, query, limit))
    return s.LookingUp(state.reception, state.paper, query, limit, job)


def _looked_up(step: Step, state: s.LookingUp, event: e.LookedUp) -> s.State:
    if event.validity in s.NOBODY:
        return _failed(step, state, s.NOBODY[event.validity])
    if event.result is None:
        return _failed(step, state, FailureCode.GATEWAY_NONSENSE)
    job = step.job()
    step.do(c.Record("looked_up", event.reception), c.WriteHandoff(event.reception, job, event.result))
    return s.LookupHandingOff(state.reception, event.validity, job)


def _failed(step: Step, state: s.LookingUp, failure: FailureCode, upstream: str = "") -> s.LookupProblem:
    step.do(c.Record("problem", state.reception, failure.value), c.Play(c.Sound.PROBLEM))
    again = may_succeed_later(failure)
    return s.LookupProblem(state.reception, state.paper, state.query, state.limit, failure, upstream, again)


def _finish(step: Step, state: s.LookupHandingOff, ending: s.Ending, number: int | None) -> s.Farewell:
    return s.Farewell(state.reception, step.concluded(state.reception, state.validity, (), ending, number))
