"""The challenge through the real face process, in real time: a drawn person answers, a print does not."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator

import pytest

from devices.blob import Blob
from devices.errors import DeviceFault
from devices.face.verifier import SupervisedFaceVerifier
from devices.ports import FaceBand, FaceDecided, FaceEvent, FaceGuidance, FaceHint, FacePresence, FaceWorkerReady, Frame
from devices.simulated.people import Actor, Attack, Filmed, attacker, card_photo

OWNER = 1002
PROMPTS = (FaceHint.TURN_LEFT, FaceHint.TURN_RIGHT, FaceHint.BLINK)

pytestmark = pytest.mark.long  # reaction times are real ones: it wants a machine to itself


class Stage:
    """A camera that films somebody who hears what the kiosk asks."""

    def __init__(self) -> None:
        self.film: Filmed | None = None
        self.asked: str | None = None
        self._began = time.monotonic()
        self._sequence = 0

    def enter(self, film: Filmed) -> None:
        self.film, self.asked, self._began = film, None, time.monotonic()

    def latest(self) -> Frame | None:
        if self.film is None:
            return None
        self._sequence += 1
        now = time.monotonic()
        return Frame(self.film.frame(now - self._began, self.asked), now, self._sequence)

    def start(self) -> None: ...

    def fault(self) -> DeviceFault | None:
        return None

    def wipe(self) -> None: ...

    def stop(self) -> None: ...


class Kiosk:
    def __init__(self) -> None:
        self.stage = Stage()
        self._events: queue.Queue[FaceEvent] = queue.Queue()
        self._verifier = SupervisedFaceVerifier(self.stage, {"liveness": "challenge", "seconds": 10.0})
        self._verifier.start(self._events.put)
        while not isinstance(self._events.get(timeout=60), FaceWorkerReady):
            pass

    def decide(self, job: int, film: Filmed) -> tuple[FaceDecided, list[FaceHint]]:
        self.stage.enter(film)
        photo = Blob.of(card_photo(OWNER))
        self._verifier.begin(job, photo)
        prompts = []
        while True:
            event = self._events.get(timeout=60)
            if isinstance(event, FaceGuidance):
                self.stage.asked = event.hint.value if event.hint in PROMPTS else None
                prompts += [event.hint] if event.hint in PROMPTS else []
            if isinstance(event, FaceDecided):
                photo.wipe()
                return event, prompts

    def stop(self) -> None:
        self._verifier.stop()


@pytest.fixture(scope="module")
def kiosk() -> Iterator[Kiosk]:
    kiosk = Kiosk()
    yield kiosk
    kiosk.stop()


def test_a_person_who_answers_is_accepted(kiosk: Kiosk) -> None:
    decided, prompts = kiosk.decide(1, Actor(OWNER))
    assert (decided.band, decided.presence) == (FaceBand.ACCEPT, FacePresence.LIVE)
    asked = list(dict.fromkeys(prompts))
    turns = {FaceHint.TURN_LEFT, FaceHint.TURN_RIGHT}
    # The eyes come last when two turns leave the depth open.
    assert len(asked) == 2 or (set(asked[:2]) == turns and asked[2:] == [FaceHint.BLINK])


def test_a_print_is_not(kiosk: Kiosk) -> None:
    decided, _ = kiosk.decide(2, attacker(Attack.FLAT, OWNER, 3))
    assert decided.presence is FacePresence.ATTACK
    assert decided.band is not FaceBand.ACCEPT
