"""People who come to a watched kiosk, by every way that a reception can take, and everything around them."""

from __future__ import annotations

import base64
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from devices.simulated.card.files import PersonCard
from devices.simulated.faces import FAR_SEEDS, card_photo
from devices.simulated.pcscd import PcscdLane
from devices.simulated.personas import Persona, load_personas
from devices.simulated.world import personas_folder
from kiosk.cli.scenery import build
from kiosk.eligibility.server import SimulatedGateway
from kiosk.eligibility.tls import TERMINAL, ensure_test_tls
from kiosk.reception.number import as_printed
from tests.helpers.memory import Needles
from tests.helpers.processes import family
from tests.helpers.someone import Picture, Seat, photo_pieces, pictures_of, rows
from tests.helpers.watched import Changed, Watched

STRANGER = FAR_SEEDS["elder"]


@dataclass
class House:
    """A watched kiosk, its lane, its gateway, the seat before its camera, and one person with a card."""

    kiosk: Watched
    lane: PcscdLane
    seat: Seat
    person: Persona
    folder: Path
    me: list[Picture]
    stranger: list[Picture]
    nobody: list[Picture]
    card: PersonCard

    # --- what is hunted ---

    @property
    def needles(self) -> Needles:
        """Photo, its pixels and descriptor, pictures of the camera, 照合番号, and the PIN as it is sent to the card."""
        pin, number = self.person.pin.encode(), self.person.number_b
        pieces = dict(self._pictures)
        pieces |= {"number": number.encode(), "number UTF-16": number.encode("utf-16-le")}
        pieces |= {"PIN in VERIFY": bytes.fromhex("0020008004") + pin}
        return Needles(pieces)

    @cached_property
    def _pictures(self) -> dict[str, bytes]:
        return photo_pieces(card_photo(self.person.photo_face)) | rows("frame", self.me, self.nobody)

    def use_pin(self, pin: str) -> None:
        """From now on the card has this one."""
        self.person, self.card = replace(self.person, pin=pin), replace(self.card, pin=pin)

    def processes(self) -> dict[str, list[int]]:
        """By role; `other`: whatever else descends from the kiosk."""
        seen = self.kiosk.look()
        known = {self.kiosk.pid, *seen.face, *seen.card}
        other = family(self.kiosk.pid) - known
        return {"main": [self.kiosk.pid], "face": [*seen.face], "card": [*seen.card], "other": [*other]}

    # --- who comes ---

    def begin(self, way: str) -> None:
        """Sit down, put the card down, choose; with the face, type the 照合番号 as well. The last sentence to the
        patient before may still be on screen."""
        self.kiosk.until_state("Idle", "Farewell")
        if way == "face":
            self.seat.show(self.me)
        self.lane.insert(self.card)
        self.kiosk.until_state("Choosing")
        self.kiosk.press(f"action:{way}")
        if way == "face":
            self.kiosk.until_state("EnteringNumber")
            self.type_number()
            self.kiosk.until_state("Looking", "FaceRetry", "Confirming", "AskingAll", "Problem")

    def type_number(self) -> None:
        era, year = as_printed(self.person.birth)
        code = self.person.number_b[6:]
        digits = f"{year:02d}{self.person.birth:%m%d}{code}"
        self.kiosk.press(f"field:era:{era}", *(f"key:{digit}" for digit in digits), "key:enter")

    def finish(self) -> Changed:
        """Answer, take the card; how it ended, `ending` "" where it did not get so far."""
        kiosk = self.kiosk
        if kiosk.until_state("AskingAll", "TakeCard", "Problem", "FaceRetry").state == "AskingAll":
            kiosk.press("action:all_yes")
        ended = kiosk.until_state("TakeCard", "Problem", "FaceRetry")
        if ended.state == "TakeCard":
            self.leave()
        else:
            self.give_up()
        return ended

    def leave(self) -> None:
        """With the card."""
        self.lane.remove()
        self.seat.show(self.nobody)
        self.kiosk.until_state("Farewell", "Idle")

    def nobody_comes(self) -> str:
        """The camera sees an empty chair until the time is over."""
        self.me, self.nobody = self.nobody, self.me
        try:
            self.begin("face")
            state = self.kiosk.until_state("FaceRetry", "Problem").state
        finally:
            self.me, self.nobody = self.nobody, self.me
        self.give_up()
        return state

    def give_up(self) -> None:
        self.kiosk.press("action:cancel")
        self.kiosk.until_state("TakeCard")
        self.leave()

    def by_face(self) -> str:
        self.begin("face")
        return self.finish().ending

    def by_pin(self) -> str:
        self.begin("pin")
        return self.enter_pin()

    def enter_pin(self) -> str:
        self.kiosk.until_state("EnteringPin")
        self.kiosk.press(*(f"key:{digit}" for digit in self.person.pin), "key:enter")
        return self.finish().ending

    def not_recognised(self) -> str:
        """Somebody else sits there."""
        self.me, self.stranger = self.stranger, self.me
        try:
            self.begin("face")
            state = self.kiosk.until_state("FaceRetry", "Problem", "Choosing").state
            self.give_up()
        finally:
            self.me, self.stranger = self.stranger, self.me
        return state

    def pulled(self) -> str:
        """The card is taken away while the camera looks."""
        self.begin("face")
        self.leave_at_once()
        return self.kiosk.states[-1].state

    def leave_at_once(self) -> None:
        self.lane.remove()
        self.kiosk.until_state("PutBack", "Farewell", "Idle")
        self.seat.show(self.nobody)
        if self.kiosk.states[-1].state == "PutBack":
            self.kiosk.press("action:cancel")
            self.kiosk.until_state("Farewell", "Idle")

    def killed(self) -> str:
        """The face process dies while it looks."""
        self.begin("face")
        time.sleep(0.3)
        for pid in self.kiosk.look().face[:1]:
            os.kill(pid, signal.SIGKILL)
        state = self.kiosk.until_state("FaceRetry", "Problem", "Choosing", "AskingAll").state
        self.give_up()
        return state


@contextmanager
def opened(folder: Path, *settings: str, face: Mapping[str, object] | None = None) -> Iterator[House]:
    """A house in `folder`, whose kiosk waits for somebody. `face`: options of its face process."""
    person = next(one for one in load_personas(personas_folder()) if one.id == "employee")
    person = replace(person, pin="0831", security_code="7731")
    scenery = build((person,), lambda text: None)
    tls = ensure_test_tls(folder / "tls", (TERMINAL,))
    seat = Seat()
    nobody = pictures_of(None)
    seat.show(nobody)
    with PcscdLane.start() as lane, SimulatedGateway(scenery.gateway, tls) as gateway:
        options = {
            "settings": [
                f"kiosk.state_dir={folder / 'state'}",
                f"handoff.folder={folder / 'face'}",
                "reader.driver=vpcd",
                "scanner.driver=off",
                "times.farewell_seconds=2",
                "log.level=warning",
                *settings,
            ],
            "tls": str(tls.folder),
            "csock": lane.socket_path,
            "issuer": base64.b64encode(scenery.world.auth_ca).decode(),
            "anchor": base64.b64encode(scenery.world.cv_anchor).decode(),
            "gateway": gateway.url,
            "face": dict(face or {}),
        }
        kiosk = Watched(options, seat.frames.share())
        try:
            kiosk.until_state("Idle", seconds=240)
            house = House(
                kiosk,
                lane,
                seat,
                person,
                folder,
                pictures_of(person.face),
                pictures_of(STRANGER),
                nobody,
                scenery.world.cards[person.id],
            )
            yield house
        finally:
            kiosk.end()
            seat.end()
