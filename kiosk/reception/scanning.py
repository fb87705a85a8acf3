"""The part of the rule book for the printed card: looked at from the start, used when the face is chosen.

While methods are chosen, and after the face was chosen, at most one scan runs; in every other state none does. What it
read stays in the vault until the patient chooses: the face uses it once, anything else wipes it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from kiosk.reception import commands as c
from kiosk.reception import events as e
from kiosk.reception import states as s
from kiosk.reception.failure import FailureCode
from kiosk.reception.policy import Policy

# What the patient can put right: such a scan begins anew when its time is over, instead of sending somebody to the
# keypad who was still reading the page. Once the face was chosen, only for a card that has to be turned over.
_FACE_DOWN = "face_down"
_TO_BE_MOVED = ("no_card", "other_card", "still", _FACE_DOWN)


class Step(Protocol):
    """What of the step in the making is needed here (`kiosk.reception.machine`)."""

    policy: Policy

    def do(self, *commands: c.Command) -> None: ...

    def job(self) -> int: ...


def start(step: Step, visit: s.Visit) -> s.Visit:
    """Look at the card, where that can be of use and nobody does yet."""
    wanted = step.policy.scanner and visit.photo is None and s.Method.FACE not in visit.refused
    if not wanted or visit.printed is not None:
        return visit
    return _begin(step, visit, s.Scan(0).hint)


def pause(step: Step, visit: s.Visit) -> s.Visit:
    """The card is away: what is seen now may be another one. What was read before stays."""
    if not isinstance(visit.printed, s.Scan):
        return visit
    step.do(c.StopScan(visit.reception, visit.printed.job))
    return replace(visit, printed=None)


def stop(step: Step, visit: s.Visit) -> s.Visit:
    """Another way was chosen: nothing of the printed card is kept."""
    if isinstance(visit.printed, s.Scanned):
        step.do(c.ForgetNumber(visit.reception, visit.printed.number))
        return replace(visit, printed=None)
    return pause(step, visit)


def chosen(step: Step, visit: s.Visit) -> s.State:
    """The patient chose the face, and the card's photo was not read yet."""
    visit = start(step, visit)
    match visit.printed:
        case s.Scanned(number):
            return _read(step, visit, number)
        case s.Scan(_, hint):
            return s.Scanning(_begin(step, visit, hint) if hint in _TO_BE_MOVED else visit)
        case _:
            return s.EnteringNumber(visit)


def give_up(step: Step, visit: s.Visit) -> s.EnteringNumber:
    """The page's time is over."""
    return s.EnteringNumber(_failed(step, stop(step, visit), FailureCode.SCAN_UNREADABLE))


def waits_for(state: s.State, job: int) -> bool:
    visit = s.visit_of(state)
    return visit is not None and isinstance(visit.printed, s.Scan) and visit.printed.job == job


def result(step: Step, state: s.State, event: e.Result) -> s.State:
    """What the scanner said."""
    waiting = isinstance(state, s.Choosing | s.AwaitingRead | s.Scanning) and waits_for(state, event.job)
    if not waiting:
        rest = s.visit_of(state)
        if isinstance(event, e.NumberScanned) and rest is not None and rest.printed != s.Scanned(event.number):
            step.do(c.ForgetNumber(event.reception, event.number))  # another way was chosen in that moment
        return state
    assert isinstance(state, s.Choosing | s.AwaitingRead | s.Scanning)
    visit = state.visit
    assert isinstance(visit.printed, s.Scan)
    match event:
        case e.ScanHinted():
            return replace(state, visit=replace(visit, printed=replace(visit.printed, hint=event.hint)))
        case e.NumberScanned():
            if isinstance(state, s.Scanning):
                return _read(step, visit, event.number)
            return replace(state, visit=replace(visit, printed=s.Scanned(event.number)))
        case e.JobFailed():
            hint = visit.printed.hint
            may_be_moved = hint == _FACE_DOWN if isinstance(state, s.Scanning) else hint in _TO_BE_MOVED
            if event.failure is FailureCode.SCAN_UNREADABLE and may_be_moved:
                return replace(state, visit=_begin(step, visit, hint))
            visit = _failed(step, visit, event.failure)
            return s.EnteringNumber(visit) if isinstance(state, s.Scanning) else replace(state, visit=visit)
        case _:
            return state


def _begin(step: Step, visit: s.Visit, hint: str) -> s.Visit:
    job = step.job()
    step.do(c.StartScan(visit.reception, job))
    return replace(visit, printed=s.Scan(job, hint))


def _read(step: Step, visit: s.Visit, number: s.NumberRef) -> s.ReadingPhoto:
    job = step.job()
    step.do(c.ReadPhoto(visit.reception, job, visit.presence, number))
    return s.ReadingPhoto(replace(visit, printed=None), job, scanned=True)


def _failed(step: Step, visit: s.Visit, failure: FailureCode) -> s.Visit:
    step.do(c.Record("scan_failed", visit.reception, failure.value))
    return replace(visit, printed=s.Unscanned(failure))
