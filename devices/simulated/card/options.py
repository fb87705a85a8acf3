"""How a simulated card behaves where real ones and readers differ, or where sources contradict each other."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from devices.simulated.card.files import (
    ATR_MY_NUMBER,
    ATR_MY_NUMBER_CONTACTLESS,
    ATR_MY_NUMBER_EXTENDED,
    ATR_MY_NUMBER_SHORT,
)
from devices.simulated.card.pace import Pace


class EndOfFile(StrEnum):
    """How READ BINARY answers when Le goes beyond the end of the file.

    LENIENT: what is there with 9000 for Le = "all" (00), with 6282 for a number. WARN: always 6282.
    EXACT: 6Cxx with the right length, without data.
    """

    LENIENT = "lenient"
    WARN = "warn"
    EXACT = "exact"


class Interface(StrEnum):
    """Which answer to reset the reader gets. The historical bytes of CONTACT_EXTENDED announce command chaining and
    extended length, those of CONTACT_SHORT neither; the others have none."""

    CONTACT = "contact"
    CONTACT_EXTENDED = "contact_extended"
    CONTACT_SHORT = "contact_short"
    CONTACTLESS = "contactless"


ATRS = {
    Interface.CONTACT: ATR_MY_NUMBER,
    Interface.CONTACT_EXTENDED: ATR_MY_NUMBER_EXTENDED,
    Interface.CONTACT_SHORT: ATR_MY_NUMBER_SHORT,
    Interface.CONTACTLESS: ATR_MY_NUMBER_CONTACTLESS,
}


class Extended(StrEnum):
    """Extended length and command chaining. ANNOUNCED: only with an ATR that says so, else 6700. LIES: never, whatever
    the ATR says. ALWAYS: whatever the ATR says."""

    ANNOUNCED = "announced"
    LIES = "lies"
    ALWAYS = "always"


class Keep(StrEnum):
    """Of the security status."""

    CLEAR = "clear"
    KEEP = "keep"


class TriesQuery(StrEnum):
    """What VERIFY without data hears. TRIES: 63Cx, always. VERIFIED: 9000 once the PIN is verified (ISO/IEC 7816-4
    §11.6.6). SILENT: 6300, which tells nothing."""

    TRIES = "tries"
    VERIFIED = "verified"
    SILENT = "silent"


class Blocked(StrEnum):
    """What VERIFY hears when no try is left: both are told of real cards."""

    X6983 = "6983"
    X6984 = "6984"


@dataclass(frozen=True, slots=True)
class CardOptions:
    """`reselect`: what selecting the selected application again does; sources contradict each other. `warm_reset`:
    reported to keep. `chained`: answers with data come as 61xx and are fetched by GET RESPONSE, as through a T=0
    reader. `drowsy`: the first command after each power-up hears 6F00. `terminal_authentication`: a test protocol of
    our own (`devices.simulated.card.terminal`). `pace`: of the link; the card reckons, its shell waits."""

    interface: Interface = Interface.CONTACT
    reselect: Keep = Keep.CLEAR
    warm_reset: Keep = Keep.KEEP
    end_of_file: EndOfFile = EndOfFile.LENIENT
    chained: bool = False
    extended: Extended = Extended.ANNOUNCED
    query: TriesQuery = TriesQuery.TRIES
    blocked: Blocked = Blocked.X6984
    drowsy: bool = False
    terminal_authentication: bool = False
    pace: Pace = Pace.NONE

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def changed(self, **changes: Any) -> Self:
        """With other values, which may be the words of their enumerations. Raises ValueError."""
        return self.from_json({**self.to_json(), **changes})

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Raises ValueError with the name, and what is allowed."""
        defaults = cls()
        known: dict[str, Any] = {field.name: getattr(defaults, field.name) for field in dataclasses.fields(cls)}
        made: dict[str, Any] = {}
        for name, entry in value.items():
            if name not in known:
                raise ValueError(f"{name}: no such option of a card; allowed: {', '.join(known)}")
            kind = type(known[name])
            if kind is bool:
                if not isinstance(entry, bool):
                    raise ValueError(f"{name}: allowed: true, false")
                made[name] = entry
            else:
                try:
                    made[name] = kind(entry)
                except ValueError:
                    raise ValueError(f"{name}: allowed: {', '.join(member.value for member in kind)}") from None
        return cls(**made)
