"""Limits, deadlines and institution settings, as the domain needs them. Filled from config.toml."""

from __future__ import annotations

from dataclasses import dataclass, field

from kiosk.reception import leaflet
from kiosk.reception.consent import Item
from kiosk.reception.questions import Kind, Known, asked


@dataclass(frozen=True, slots=True)
class LookBack:
    """How far back information is shown. `since`: the first month there is any, YYYY-MM. `source`: where it is said
    (docs/sources.md, "look-back"), `read_on`: when that was read, YYYY-MM-DD."""

    years: int
    since: str
    source: str
    read_on: str


LOOK_BACK: dict[Item, LookBack] = {
    Item.SURGERY: LookBack(5, "2022-06", "unverified", "2026-11-20"),
    Item.DIAGNOSIS: LookBack(3, "2022-06", "secondary: start of the period only", "2026-11-20"),
    Item.MEDICATION: LookBack(3, "2021-09", "public leaflet", "2026-11-22"),
    Item.CHECKUP: LookBack(5, "2020-04", "public leaflet", "2026-11-22"),
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
    scanner: bool = False  # a second camera looks at the printed card
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
    look_back_years: dict[Item, int] = field(
        default_factory=lambda: {item: known.years for item, known in LOOK_BACK.items()}
    )

    def asked(self, offered: tuple[Item, ...], known: Known = Known.CARD, *, grace: bool = False) -> tuple[Item, ...]:
        """Questions that appear; `offered`: what the gateway says the patient has."""
        used = self.questions if known is Known.CARD else self.number_questions
        return asked(used, offered, self.kind, known, grace=grace)
