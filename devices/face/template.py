"""From descriptors to a decision: centring, cosine distance, bands.

dlib's network was trained on few East Asian faces: their descriptors crowd together around one direction. Taking
most of that common part away (`weight` x the mean descriptor of average East Asian faces) before the cosine gives
one threshold the same false match rate across groups; what is left along the direction from there to average African
faces is removed, because it does the same to black persons. Both are applied to everybody alike. The numbers come from
`assets/face/centre.toml`, made by `kiosk face-centre`; the limits from `assets/face/operating.toml`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from devices.errors import ModelMissing, PhotoInvalid
from devices.face.encoder import load_encoder
from devices.face.models import Descriptor, Detector, FoundFace, Models
from devices.face.operating import Thresholds, load_thresholds
from devices.face.photo import decode_photo
from devices.ports import Image

LENGTH = 128
DEFAULT_CENTRE = Path(__file__).parents[2] / "assets" / "face" / "centre.toml"


@dataclass(frozen=True, slots=True, eq=False)
class Centre:
    """What is taken from every descriptor: `weight` x `mean`, then its part along `direction` (unit length)."""

    weight: float
    mean: Descriptor
    direction: Descriptor | None

    def apply(self, descriptor: Descriptor) -> Descriptor:
        """Descriptors (... x 128) of length 1 without the common part."""
        rest = descriptor - self.weight * self.mean
        if self.direction is not None:
            rest = rest - (rest @ self.direction)[..., None] * self.direction
        return np.asarray(rest / np.linalg.norm(rest, axis=-1, keepdims=True), np.float64)

    @classmethod
    def load(cls, path: Path) -> Centre:
        """Read `centre.toml`. Raises `ModelMissing` when it is absent or not what it ought to be."""
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
            unit = float(table["unit"])
            mean = np.array(table["mean"], np.float64) * unit
            direction = np.array(table["direction"], np.float64) * unit if "direction" in table else None
            weight = float(table["weight"])
        except (OSError, ValueError, KeyError, TypeError):
            raise ModelMissing(path.name) from None
        if mean.shape != (LENGTH,) or not 0 <= weight <= 1:
            raise ModelMissing(path.name)
        if direction is not None:
            if direction.shape != (LENGTH,) or not np.linalg.norm(direction) > 0:
                raise ModelMissing(path.name)
            direction /= np.linalg.norm(direction)
        return cls(weight, mean, direction)


@dataclass(frozen=True, slots=True, eq=False)
class Enrolled:
    """The card photo as a descriptor; `gray` when the photo has one channel."""

    descriptor: Descriptor
    gray: bool

    def wipe(self) -> None:
        self.descriptor.fill(0)


class Engine(Protocol):
    """One way to compare faces."""

    @property
    def name(self) -> str: ...

    @property
    def thresholds(self) -> Thresholds: ...

    @property
    def models(self) -> Detector:
        """What finds faces, for whoever follows one through a stream."""

    def find(self, image: Image) -> list[FoundFace]:
        """Faces of a camera frame (BGR), largest first."""

    def enrol(self, photo: bytes | memoryview) -> Enrolled:
        """Raises `PhotoInvalid` unless the photo is a picture of exactly one face."""

    def describe(self, image: Image, face: FoundFace, enrolled: Enrolled) -> Descriptor: ...

    def distance(self, enrolled: Enrolled, frames: Sequence[Descriptor]) -> float: ...


class CentredEngine:
    """The default engine: one score from several frames, gray against gray when the card photo is gray."""

    name = "centred"

    def __init__(self, models: Models, centre: Centre, thresholds: Thresholds) -> None:
        self._models = models
        self._centre = centre
        self._thresholds = thresholds

    @property
    def thresholds(self) -> Thresholds:
        return self._thresholds

    @property
    def models(self) -> Models:
        return self._models

    def find(self, image: Image) -> list[FoundFace]:
        return self._models.find(image)

    def enrol(self, photo: bytes | memoryview) -> Enrolled:
        image = decode_photo(photo)
        try:
            face = only_face(self._models, image)
            gray = image.ndim == 2
            return Enrolled(self._models.describe(image, face, gray=gray), gray)
        finally:
            image.fill(0)

    def describe(self, image: Image, face: FoundFace, enrolled: Enrolled) -> Descriptor:
        return self._models.describe(image, face, gray=enrolled.gray)

    def distance(self, enrolled: Enrolled, frames: Sequence[Descriptor]) -> float:
        """Cosine distance (0..2) between the card and the mean of the frames, both centred."""
        live = self._centre.apply(np.mean(frames, axis=0))
        return float(1 - live @ self._centre.apply(enrolled.descriptor))


def only_face(models: Models, image: Image) -> FoundFace:
    """The one face of a card photo. Raises `PhotoInvalid` for none or several."""
    faces = models.find(image) or models.find(image, upsample=1)
    prominent = [face for face in faces if face.height * 2 > faces[0].height]
    if len(prominent) != 1:
        raise PhotoInvalid("no face" if not prominent else "several faces")
    return prominent[0]


def load_engine(options: Mapping[str, Any]) -> Engine:
    """The engine that `options` names: `engine` "centred" (default) or "face_recognition".

    Further keys: `centre` (path of centre.toml), `average` (frames behind one score), `accept`, `grey` (distances, not
    laxer than measured), `encoder` ("dlib", "numpy", "onnx"), `model` (path of a network file).
    Raises `ModelMissing`, `ValueError`.
    """
    name = options.get("engine", CentredEngine.name)
    if name == CentredEngine.name:
        centre = Centre.load(Path(options.get("centre") or DEFAULT_CENTRE))
        model = options.get("model")
        encoder = load_encoder(options.get("encoder"), None if model is None else Path(model))
        return CentredEngine(Models(encoder), centre, load_thresholds(CentredEngine.name).within(options))
    if name == "face_recognition":
        from devices.face.library import LibraryEngine  # its import is heavy and has effects of its own

        return LibraryEngine(options)
    raise ValueError("engine must be centred or face_recognition")
