"""Which questions appear: institution setting × what the patient has × how the person is known. One table.

docs/questions.md is generated from it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from kiosk.reception.consent import ORDER, Item


class Kind(StrEnum):
    """Kind of institution."""

    MEDICAL = "医科"
    DENTAL = "歯科"
    PHARMACY = "調剤"


class Known(StrEnum):
    """How the gateway knows who the patient is."""

    CARD = "card"  # My Number Card with face, PIN or staff check
    NUMBER = "number"  # look-up by insured number: no card identity, hence nothing medical


@dataclass(frozen=True, slots=True)
class Rule:
    """One row. A question appears when the institution uses it and every column says yes.

    `offered`: only when the gateway says that this patient has it. `known`: ways in which it may be asked. `grace`:
    also with a certificate in its three months after the end, in which the card confirms the qualification only.
    """

    item: Item
    offered: bool
    known: tuple[Known, ...]
    kinds: tuple[Kind, ...]
    grace: bool
    why: str


_EVERYWHERE = tuple(Kind)
_PRESCRIBERS = (Kind.MEDICAL, Kind.DENTAL)
_MEDICAL = 'medical information needs the card\'s identity; docs/sources.md, "consents"'

TABLE: tuple[Rule, ...] = (
    Rule(Item.SURGERY, True, (Known.CARD,), _EVERYWHERE, False, _MEDICAL),
    Rule(Item.DIAGNOSIS, True, (Known.CARD,), _EVERYWHERE, False, _MEDICAL),
    Rule(Item.MEDICATION, True, (Known.CARD,), _EVERYWHERE, False, _MEDICAL),
    Rule(Item.CHECKUP, True, (Known.CARD,), _EVERYWHERE, False, _MEDICAL),
    Rule(Item.DISEASE, True, (Known.CARD,), _EVERYWHERE, False, 'card and a consent of its own; "limit"'),
    Rule(Item.LIMIT, False, (Known.CARD, Known.NUMBER), _EVERYWHERE, False, 'by number only with consent; "limit"'),
    Rule(Item.SUBSIDY, True, (Known.CARD,), _EVERYWHERE, False, 'only for who has one; "subsidies"'),
    Rule(Item.PRESCRIPTION, False, (Known.CARD,), _PRESCRIBERS, False, 'setting OQSCD038/039; "prescriptions"'),
    Rule(Item.DISPENSE, True, (Known.CARD,), (Kind.PHARMACY,), False, 'our own; "prescriptions"'),
)


def asked(
    used: Collection[Item], offered: Collection[Item], kind: Kind, known: Known, *, grace: bool
) -> tuple[Item, ...]:
    """The questions that appear, in the order of the pages. `used`: what the institution asks in this way."""
    found = {
        rule.item
        for rule in TABLE
        if rule.item in used
        and (rule.item in offered or not rule.offered)
        and known in rule.known
        and kind in rule.kinds
        and (rule.grace or not grace)
    }
    return tuple(item for item in ORDER if item in found)
