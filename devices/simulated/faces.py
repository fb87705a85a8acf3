"""Who is who: the drawn faces of the personas.

`FAR_SEEDS` names people who are as far apart for the face engine as strangers ought to be; the table is measured by
`tests/contract/face/test_people.py`. How people are drawn: `devices.simulated.people`.
"""

from __future__ import annotations

from devices.simulated.people.portrait import CARD_SIZE, Face, card_photo, figure, on_card, render

#: Persona -> seed. Any two are farther apart than 0.30, the score above which a stranger is refused.
FAR_SEEDS: dict[str, int] = {
    "employee": 22,
    "elder": 34,
    "unregistered": 103,
    "pin_blocked": 66,
    "pinless": 97,
    "someone_else": 88,
    "someone_else_photo": 56,
    "forged": 3,
    "expired": 143,
    "swapped": 42,
    "decliner": 60,
    "foreign_issuer": 39,
}

__all__ = ["CARD_SIZE", "FAR_SEEDS", "Face", "card_photo", "figure", "on_card", "render"]
