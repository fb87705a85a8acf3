"""Simulated people who act before the camera, and simulated attacks on the face check.

Everything is drawn by code and follows from integers. Nothing here knows how the kiosk finds or judges a face
(`.importlinter`, "sibling-devices"): what is drawn is not made to fit what is measured.
"""

from __future__ import annotations

from devices.simulated.people.acting import BLINK, TURN_LEFT, TURN_RIGHT, Act
from devices.simulated.people.actor import Actor, Conditions, Filmed
from devices.simulated.people.attacks import RADII_CM, Attack, attacker
from devices.simulated.people.portrait import card_photo

__all__ = [
    "BLINK",
    "RADII_CM",
    "TURN_LEFT",
    "TURN_RIGHT",
    "Act",
    "Actor",
    "Attack",
    "Conditions",
    "Filmed",
    "attacker",
    "card_photo",
]
