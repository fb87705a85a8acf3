"""What a kiosk of the kill test does with its life. In a module of its own: the fork server imports it once."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from multiprocessing.connection import Connection

from kiosk.handoff.desk import GRACE
from kiosk.qualification import JST
from tests.helpers.headless import Headless, Site

VISITS = 3
WAYS = ("pin", "number", "pin", "staff")


def live(site: Site, seed: int, steps: Connection) -> None:
    """Recover as every start does, then receive patients; every step is told before the next one."""
    chance = random.Random(seed)
    with Headless(site, look=steps.send) as kiosk:
        for _ in range(VISITS):
            kiosk.visit(chance.choice(sorted(site.holders)), way=chance.choice(WAYS), yes=chance.random() < 0.8)
    steps.send("end")


def recover(site: Site) -> None:
    """A start after the time in which a request may still be on its way."""
    later = GRACE + timedelta(minutes=1)
    with Headless(site, now=lambda: datetime.now(JST) + later) as kiosk:
        for _ in range(3):
            kiosk.tidy()
