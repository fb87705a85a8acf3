"""Reader, camera and engine of `kiosk calibrate`, in this process: no distance leaves the face process of a kiosk."""

from __future__ import annotations

import json
import queue
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from devices import ports as d
from devices.blob import Blob
from devices.card.reader import SimulatedCardReader
from devices.errors import DeviceError
from devices.face.attempt import Attempt, Limits
from devices.face.liveness import Liveness, LivenessSettings, Mode
from devices.face.template import Engine, Enrolled, load_engine
from devices.secret import SecretBytes
from devices.simulated.camera import SimulatedCamera
from kiosk.app import Trust, open_catalogue, reader_options, surroundings
from kiosk.cli.face_eval_pictures import Witness
from kiosk.cli.scenery import Scenery, scenery
from kiosk.config import Settings

Say = Callable[[str], object]
Number = Callable[[], SecretBytes | None]
_Event = TypeVar("_Event")

PICTURES = 9  # good ones of each volunteer, at least 0.15 s apart
SECONDS = 40.0  # to get them
CARD_SECONDS = 60.0  # until a card lies there; for its photo
BUILD = Path("build")  # of the simulated world
_MESSAGE_BYTES = 32


class Declined(Exception):
    """A volunteer cannot be measured; the text says why, nothing personal."""


@dataclass(frozen=True, slots=True, eq=False)
class Volunteer:
    """In memory only."""

    age_band: str
    card: Enrolled
    frames: list[NDArray[np.float64]] = field(default_factory=list)

    def wipe(self) -> None:
        self.card.wipe()
        for frame in self.frames:
            frame.fill(0)
        self.frames.clear()


class Booth(Protocol):
    def measure(self, age_band: str, number: Number, say: Say) -> Volunteer:
        """Card and frames of one volunteer. Raises `Declined`."""

    def distance(self, owner: Volunteer, other: Volunteer, frames: Sequence[int]) -> float: ...

    def stop(self) -> None: ...


class RealBooth:
    """The reader and the camera of the settings. Raises `ModelMissing`."""

    def __init__(self, config: Settings) -> None:
        around = surroundings(config)
        self._setup(config, around.reader, around.camera)

    def _setup(self, config: Settings, reader: d.CardReader, camera: d.Camera) -> None:
        self._engine: Engine = load_engine({})
        self._catalogue = open_catalogue(config)
        self._reader, self._camera = reader, camera
        self._events: queue.SimpleQueue[d.CardEvent] = queue.SimpleQueue()
        self._job = 0
        self._reader.start(self._events.put)
        self._camera.start()

    def measure(self, age_band: str, number: Number, say: Say) -> Volunteer:
        card = self._enrol(number, say)
        volunteer = Volunteer(age_band, card)
        try:
            self._watch(volunteer, say)
        except BaseException:
            volunteer.wipe()
            raise
        return volunteer

    def distance(self, owner: Volunteer, other: Volunteer, frames: Sequence[int]) -> float:
        return self._engine.distance(owner.card, [other.frames[number] for number in frames])

    def stop(self) -> None:
        self._reader.stop()
        self._camera.wipe()
        self._camera.stop()

    def _enrol(self, number: Number, say: Say) -> Enrolled:
        say("カードを置いてください / Put the card on the reader.")
        presence = self._until(d.CardPresent).presence
        digits = number()
        if digits is None:
            raise Declined("no number was given")
        self._job += 1
        with_number = Blob.of(digits.view())
        digits.wipe()
        message = Blob.of(secrets.token_bytes(_MESSAGE_BYTES))
        self._reader.read_photo(self._job, presence, with_number, message)
        read = self._until(d.PhotoRead)
        read.evidence.wipe()
        try:
            with read.photo.secret() as photo:
                return self._engine.enrol(photo.view())
        except DeviceError as error:
            raise Declined(f"the photo cannot be used ({error.fault.value})") from None
        finally:
            read.photo.wipe()
            self._reader.release()

    def _until(self, kind: type[_Event]) -> _Event:
        """The next event of this kind. Raises `Declined` for a refusal, or when none comes."""
        end = time.monotonic() + CARD_SECONDS
        while True:
            try:
                event = self._events.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                raise Declined("no card, or no answer from it") from None
            if isinstance(event, kind):
                return event
            if isinstance(event, d.CardRefused):
                left = "" if event.tries_left is None else f", {event.tries_left} tries left"
                raise Declined(f"the card refused ({event.fault.value}{left})")

    def _watch(self, volunteer: Volunteer, say: Say) -> None:
        """Good frames through an attempt of the kiosk, until there are enough. Raises `Declined`."""
        witness = Witness(self._engine)

        def guide(guidance: d.FaceGuidance) -> None:
            key = f"hint.{guidance.hint.value}"
            say("  " + " / ".join(self._catalogue.word(key, language) for language in ("ja", "en")))

        say("カメラを見てください / Look into the camera.")
        begin = time.monotonic()
        card = Enrolled(volunteer.card.descriptor.copy(), volunteer.card.gray)
        alive = Liveness(LivenessSettings(mode=Mode.OFF), secrets.SystemRandom())
        attempt = Attempt(0, witness, Limits(SECONDS, PICTURES), card, guide, begin, alive)
        last = -1
        try:
            while len(witness.descriptors) < PICTURES and time.monotonic() - begin < SECONDS:
                frame = self._camera.latest()
                if frame is None or frame.sequence == last:
                    time.sleep(0.01)
                    continue
                last = frame.sequence
                attempt.look(frame.image, frame.at)
                if attempt.collected < len(witness.descriptors):
                    witness.wipe()  # the face was lost: whoever comes back may be another
        finally:
            attempt.wipe()
            volunteer.frames.extend(witness.descriptors)
        if self._camera.fault() is not None:
            raise Declined("the camera shows nothing")
        if len(volunteer.frames) < PICTURES:
            raise Declined(f"only {len(volunteer.frames)} of {PICTURES} good pictures in {SECONDS:.0f} s")


class SimulatedBooth(RealBooth):
    """Drawn people with virtual cards, to try the procedure out."""

    def __init__(self, config: Settings, personas: Sequence[str]) -> None:
        self._personas = tuple(personas)
        self._scenery: Scenery = scenery(BUILD, lambda text: print(text, flush=True), only=self._personas)
        unknown = [name for name in personas if name not in self._scenery.world.cards]
        if unknown:
            raise SystemExit(f"calibrate: no persona {', '.join(unknown)}; allowed: those of `kiosk demo --list`")
        world = self._scenery.world
        options: dict[str, Any] = {**reader_options(config, Trust((world.auth_ca,), world.cv_anchor))}
        self._cards = SimulatedCardReader({**options, "driver": "simulated"})
        self._people = SimulatedCamera(None, {"calm": True})
        self._who = ""
        self._setup(config, self._cards, self._people)

    def invite(self, number: int) -> bool:
        """The next persona sits down and lays the card; False when there is none."""
        if self._who:
            self._cards.remove()
        if number > len(self._personas):
            return False
        self._who = self._personas[number - 1]
        self._people.show(self._scenery.faces[self._who])
        self._cards.insert(json.dumps(self._scenery.world.cards[self._who].to_json()).encode())
        return True

    def number(self) -> SecretBytes:
        return SecretBytes(self._scenery.world.cards[self._who].number_b.encode())
