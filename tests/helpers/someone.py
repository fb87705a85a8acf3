"""Somebody before the camera whose pictures the tests know to the last pixel, and what of them to hunt for."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from devices.face.photo import decode_photo
from devices.face.template import DEFAULT_CENTRE, Centre, load_engine
from devices.simulated.apart import SharedFrames
from devices.simulated.camera import SimulatedCamera

Picture = NDArray[np.uint8]
PERIOD = 1 / 30
_PIECE = 48  # bytes
_TAKEN = 24  # pictures of one person, shown again and again


def pictures_of(seed: int | None, count: int = _TAKEN) -> list[Picture]:
    """What the simulated camera shows of this person (None: the empty chair), each picture once."""
    camera = SimulatedCamera(None, {"calm": True, "fps": 60})
    camera.start()
    taken: list[Picture] = []
    chair: Picture | None = None
    last, end = -1, time.monotonic() + 60
    try:
        while len(taken) < count and time.monotonic() < end:
            time.sleep(0.005)
            frame = camera.latest()
            if frame is None or frame.sequence == last:
                continue
            last = frame.sequence
            if chair is None:
                chair = frame.image.copy()
                camera.show(seed)
            elif seed is None or _differs(frame.image, chair):  # somebody who comes is drawn first
                taken.append(frame.image.copy())
    finally:
        camera.stop()
    assert len(taken) == count
    return taken


def _differs(image: Picture, chair: Picture) -> bool:
    middle = (slice(200, 300), slice(270, 370))
    return float(np.abs(image[middle].astype(np.float32) - chair[middle]).mean()) > 15


@dataclass
class Seat:
    """Plays pictures into shared memory, 30 in a second; the kiosk's camera reads them there."""

    frames: SharedFrames = field(default_factory=SharedFrames.empty)
    _now: list[Picture] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    still: bool = False  # the same picture again and again: a frozen camera
    silent: bool = False  # none at all

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._play, name="seat", daemon=True)
        self._thread.start()

    def show(self, pictures: list[Picture]) -> None:
        self._now = pictures

    def end(self) -> None:
        self._over.set()
        self._thread.join()
        self.frames.wipe()

    def _play(self) -> None:
        turn, due = 0, time.monotonic()
        while not self._over.wait(max(0.0, due - time.monotonic())):
            due = max(due + PERIOD, time.monotonic())
            pictures = self._now
            if not pictures or self.silent:
                continue
            turn += not self.still
            self.frames.put(pictures[turn % len(pictures)])


def rows(name: str, images: list[Picture], unlike: list[Picture]) -> dict[str, bytes]:
    """Pieces out of the middle of pictures (of the face), in their own form, in gray and in RGB, that do not stand in
    the pictures `unlike`."""
    pieces: dict[str, bytes] = {}
    others = b"".join(image.tobytes() for image in unlike)
    for number, image in enumerate(images):
        height, width = image.shape[:2]
        forms = {"": image}
        if image.ndim == 3:
            forms = {"BGR": image, "gray": cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), "RGB": image[..., ::-1]}
        for form, shown in forms.items():
            for part in (0.42, 0.55):
                row = np.ascontiguousarray(shown[int(height * part), int(width * 0.46) :]).tobytes()[:_PIECE]
                if row not in others and len(set(row)) > 5:
                    pieces[f"{name} {number} {form} row at {part}"] = row
    return pieces


def photo_pieces(photo: bytes) -> dict[str, bytes]:
    """The card's photo: as it stands on the card, its pixels, its descriptor raw and centred."""
    pieces = {f"photo file at {part}/4": photo[len(photo) * part // 4 :][:_PIECE] for part in (1, 2, 3)}
    pieces |= rows("photo pixels", [decode_photo(photo)], [])
    centre = Centre.load(DEFAULT_CENTRE)
    descriptor = load_engine({}).enrol(photo).descriptor
    for form, vector in (("raw", descriptor), ("centred", centre.apply(descriptor))):
        for kind in (np.float64, np.float32):
            data = vector.astype(kind).tobytes()
            pieces |= {f"template {form} {kind.__name__} at {at}": data[at : at + 32] for at in (64, 256)}
    return pieces
