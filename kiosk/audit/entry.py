"""What an audit entry may say. Everything else is refused: no personal data by construction."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum

from kiosk.reception.failure import FailureCode
from kiosk.reception.states import Method


class What(StrEnum):
    """Everything that is recorded."""

    RECEPTION_STARTED = "reception_started"
    METHOD_CHOSEN = "method_chosen"
    IDENTITY_CONFIRMED = "identity_confirmed"
    ELIGIBILITY_CONFIRMED = "eligibility_confirmed"
    REGISTERED = "registered"
    REGISTRATION_DECLINED = "registration_declined"
    CONSENTS_SENT = "consents_sent"
    HANDED_OFF = "handed_off"
    HANDOFF_DELAYED = "handoff_delayed"
    RECEPTION_ENDED = "reception_ended"
    PROBLEM = "problem"
    CARD_SWAPPED = "card_swapped"
    CARD_PUT_BACK = "card_put_back"
    SCAN_FAILED = "scan_failed"
    PRESENCE_FAILED = "presence_failed"
    HELP_CALLED = "help_called"
    WIPED = "wiped"
    SERVICE_OPENED = "service_opened"
    SERVICE_CLOSED = "service_closed"
    MAINTENANCE_ENTERED = "maintenance_entered"
    MAINTENANCE_REFUSED = "maintenance_refused"
    MAINTENANCE_LEFT = "maintenance_left"
    TEST_RUN = "test_run"
    STARTED = "started"
    STOPPED = "stopped"
    RECOVERED = "recovered"
    LOOKUP_OPENED = "lookup_opened"
    LOOKUP_PAPER = "lookup_paper"
    LOOKED_UP = "looked_up"
    POSTPONED = "postponed"
    POSTPONED_ENDED = "postponed_ended"
    CONSENT_WITHDRAWN = "consent_withdrawn"


class NotAllowed(ValueError):
    """The entry would hold something that the audit does not hold. The message never says what it was."""


_DETAIL = re.compile(r"[a-z0-9_:,.\- ]{0,80}")
# Four digits in a row, however they are set apart, could be a PIN, a date or a number of the insured.
_NUMBER = re.compile(r"(?:\d[ ,.:\-]*){4}")
_CODES = re.compile(r"\b(?:" + "|".join(re.escape(code.value) for code in FailureCode) + r")\b")
_PSEUDONYM = re.compile(r"[0-9a-f]{16}")
DAY_MILLISECONDS = 86_400_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry, checked when it is made; raises `NotAllowed`.

    `reception`: a pseudonym, see `kiosk.audit.Audit`. `detail`: words of this project in lower case, and failure
    codes. `milliseconds`: how long it took, up to a day.
    """

    what: What
    reception: str | None = None
    detail: str = ""
    code: FailureCode | None = None
    method: Method | None = None
    milliseconds: int | None = None
    simulated: bool = False

    def __post_init__(self) -> None:
        for value, kind in (
            (self.what, What),
            (self.code, FailureCode | None),
            (self.method, Method | None),
            (self.simulated, bool),
        ):
            if not isinstance(value, kind):
                raise NotAllowed("a value of an enumeration is needed")
        if self.reception is not None and not _PSEUDONYM.fullmatch(self.reception):
            raise NotAllowed("reception is no pseudonym")
        words = _CODES.sub("", self.detail)
        if not _DETAIL.fullmatch(words) or len(self.detail) > 80 or _NUMBER.search(words):
            raise NotAllowed("detail is more than words of the project")
        if self.milliseconds is not None and (
            type(self.milliseconds) is not int or not 0 <= self.milliseconds <= DAY_MILLISECONDS
        ):
            raise NotAllowed("milliseconds are no duration")

    def fields(self) -> dict[str, object]:
        """What is stored; what is not given is left out."""
        known: dict[str, object] = {
            "what": self.what.value,
            "reception": self.reception,
            "detail": self.detail or None,
            "code": self.code.value if self.code else None,
            "method": self.method.value if self.method else None,
            "milliseconds": self.milliseconds,
            "simulated": self.simulated or None,
        }
        return {name: value for name, value in known.items() if value is not None}


def canonical(fields: dict[str, object]) -> str:
    """JSON with sorted keys and without spaces: the same fields always give the same bytes."""
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
