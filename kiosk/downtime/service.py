"""The queue as the executor uses it (`kiosk.runtime.ports.Postponer`), and how its work is finished later.

What a reception ends with later is the same as at once: the gateway's result, through the hand-off's journal, exactly
once. Every request carries the reception's id, so that work which had arrived before the line broke is not doubled.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, assert_never

from devices.secret import SecretBytes
from kiosk.downtime.errors import NotNow, QueueFull
from kiosk.downtime.queue import Finished, Queue
from kiosk.downtime.work import ConsentWork, LookupWork, StaffWork, Work
from kiosk.reception import states as s
from kiosk.reception.consent import Answers, Item
from kiosk.reception.failure import FailureCode
from kiosk.runtime.ports import Gateway, Handoff, JobError

TRIES = 5  # at an answer that is no answer, before others behind it get their turn
_DOWN = (
    FailureCode.GATEWAY_DOWN,
    FailureCode.GATEWAY_UNTRUSTED,
    FailureCode.FOLDER_DOWN,
    FailureCode.FOLDER_TIMEOUT,
    FailureCode.HANDOFF_BROKEN,
    FailureCode.HANDOFF_FOREIGN,
)
_NO_ANSWER = (FailureCode.GATEWAY_ERROR, FailureCode.GATEWAY_NONSENSE, FailureCode.FOLDER_NONSENSE)


class LateGateway(Gateway, Protocol):
    def confirm_late(self, reception: s.ReceptionId, certificate: SecretBytes, reason: s.StaffReason) -> s.Eligibility:
        """What staff confirmed by eye while the line was down. May raise `JobError`."""


class NoQueue:
    """Without the opt-in nothing is kept: paper."""

    def put(self, reception: s.ReceptionId, late: s.Late, payload: SecretBytes | None) -> None:
        raise JobError(FailureCode.POSTPONE_FAILED)

    def tidy(self) -> None:
        return


class QueueService:
    """Not thread-safe: the net thread's. `ended` is told what became of each reception. `language`: of a consent
    request in which nothing was asked."""

    def __init__(
        self, queue: Queue, gateway: LateGateway, handoff: Handoff, ended: Callable[[Finished], None], language: str
    ) -> None:
        self._queue = queue
        self._gateway = gateway
        self._handoff = handoff
        self._ended = ended
        self._language = language
        self._tries: Counter[str] = Counter()

    def put(self, reception: s.ReceptionId, late: s.Late, payload: SecretBytes | None) -> None:
        work: Work
        match late:
            case s.LateLookup():
                assert payload is not None
                work = LookupWork(payload, late.limit)
            case s.LateStaff():
                assert payload is not None
                work = StaffWork(payload, late.identity.reason)
            case s.LateConsents():
                work = ConsentWork(_packed(late))
            case _:
                assert_never(late)
        try:
            self._queue.put(reception, work)
        except (QueueFull, OSError, ValueError):
            raise JobError(FailureCode.POSTPONE_FAILED) from None

    def tidy(self) -> None:
        try:
            if len(self._queue) == 0:
                return
            for each in self._queue.work_off(self._do if self._line_is_up() else _not_now):
                self._tries.pop(each.reception, None)
                self._ended(each)
        except OSError:
            return  # the next round

    def _line_is_up(self) -> bool:
        try:
            self._gateway.check()
        except JobError:
            return False
        return True

    def _do(self, reception: str, work: Work) -> bool:
        try:
            return self._finish(s.ReceptionId(reception), work)
        except JobError as error:
            if error.failure in _DOWN:
                raise NotNow from None
            self._tries[reception] += 1
            if error.failure in _NO_ANSWER and self._tries[reception] < TRIES:
                raise NotNow from None
            return False

    def _finish(self, reception: s.ReceptionId, work: Work) -> bool:
        result: SecretBytes | None
        match work:
            case LookupWork():
                self._handoff.begin(reception)
                _, result = self._gateway.look_up(reception, work.query, work.limit_consent)
            case StaffWork():
                eligibility = self._gateway.confirm_late(reception, work.certificate, work.reason)
                if not eligibility.registered or eligibility.validity in s.NOBODY:
                    return False  # needs the patient, or other papers
                self._handoff.begin(reception)
                result = self._gateway.consent(reception, Answers.none(), self._language)
            case ConsentWork():
                late = _unpacked(work.answers)
                self._handoff.begin(reception)
                result = self._gateway.consent(reception, late.answers, late.language)
            case _:
                assert_never(work)
        if result is None:
            return False  # nobody of this number
        with result, suppress(JobError):  # what cannot be written now is the journal's from here on
            self._handoff.finish(reception, result)
        return True


def _not_now(reception: str, work: Work) -> bool:
    """Only what is expired or damaged is looked at."""
    raise NotNow


def _packed(late: s.LateConsents) -> SecretBytes:
    answers = late.answers
    value = {
        "given": [[item.value, yes] for item, yes in answers.given],
        "comprehensive": answers.comprehensive,
        "dispense": list(answers.dispense),
        "language": late.language,
    }
    return SecretBytes(json.dumps(value).encode())


def _unpacked(payload: SecretBytes) -> s.LateConsents:
    """What `_packed` made: it was encrypted and authenticated since."""
    value = json.loads(bytes(payload.view()))
    given = tuple((Item(item), bool(yes)) for item, yes in value["given"])
    return s.LateConsents(Answers(given, value["comprehensive"], tuple(value["dispense"])), value["language"])
