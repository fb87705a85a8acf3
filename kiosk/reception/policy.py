"""Limits, deadlines and institution settings, as the domain needs them. Filled from config.toml."""

from __future__ import annotations

from dataclasses import dataclass, field

from kiosk.reception import leaflet
from kiosk.reception.consent import Item
from kiosk.reception.questions import Kind, Known, asked

LOOK_BACK_YEARS: dict[Item, int] = {
    # docs/sources.md, "look-back": medication from 2021-09 for 3 years, check-ups of 5 years.
    Item.SURGERY: 5,
    Item.DIAGNOSIS: 3,
    Item.MEDICATION: 3,
    Item.CHECKUP: 5,
}


@dataclass(frozen=True, slots=True)
class Policy:
    """Times in seconds. No page gives a person less than 60 s (docs/sources.md, "pages")."""

    languages: tuple[str, ...] = ("ja", "en")
    institution_name: str = "見本クリニック"
    kind: Kind = Kind.MEDICAL
    # What the institution uses, by card and by number; factory setting: docs/sources.md, "consents".
    questions: tuple[Item, ...] = (Item.MEDICATION, Item.CHECKUP, Item.DISEASE)
    number_questions: tuple[Item, ...] = (Item.LIMIT,)
    lookup: bool = True  # staff may look up by insured number
    postpone: bool = False  # the encrypted queue for a line that is down
    leaflet: tuple[str, ...] = leaflet.PAGES
    face_attempts: int = 3
    page_seconds: float = 90.0
    typing_seconds: float = 180.0
    warn_seconds: float = 25.0
    extensions: int = 10
    face_seconds: float = 20.0
    work_seconds: float = 40.0
    put_back_seconds: float = 15.0
    card_alarm_seconds: float = 10.0
    farewell_seconds: float = 8.0
    no_card_seconds: float = 120.0
    maintenance_seconds: float = 180.0
    look_back_years: dict[Item, int] = field(default_factory=lambda: dict(LOOK_BACK_YEARS))

    def asked(self, offered: tuple[Item, ...], known: Known = Known.CARD, *, grace: bool = False) -> tuple[Item, ...]:
        """Questions that appear; `offered`: what the gateway says the patient has."""
        used = self.questions if known is Known.CARD else self.number_questions
        return asked(used, offered, self.kind, known, grace=grace)
