"""dlib's detector and 5-point landmarks, and an encoder behind them: faces of a picture, and what describes them.

Used of the installed models: the HOG detector (inside dlib), the 5-point landmarks and the descriptor network. The
68-point landmarks are not: the data set behind them (iBUG 300-W) excludes commercial use, and the 5 points suffice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray

from devices.errors import ModelMissing
from devices.face.encoder import Encoder, load_encoder
from devices.face.weights import CHIP, model_file
from devices.ports import Image

Descriptor = NDArray[np.float64]

_DETECTION_WIDTH = 640  # a wider picture is scaled down; the smallest face found is then 80 px of 640
_PADDING = 0.25  # of the chip: what the descriptor network was trained with (dlib, face_recognition.cpp)
LANDMARKS = "shape_predictor_5_face_landmarks.dat"


@dataclass(frozen=True, slots=True, eq=False)
class FoundFace:
    """One face. `box` is (left, top, right, bottom) in pixels of the picture, `points` 5 x 2:
    outer and inner corner of the eye on the picture's right, the same on its left, base of the nose.
    """

    box: tuple[int, int, int, int]
    confidence: float
    points: NDArray[np.float64]
    shape: Any  # dlib.full_object_detection, what the descriptor network takes

    @property
    def height(self) -> int:
        return self.box[3] - self.box[1]

    @property
    def eyes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Centres of the eyes, first the one on the picture's left."""
        return (self.points[2] + self.points[3]) / 2, (self.points[0] + self.points[1]) / 2

    @property
    def eye_distance(self) -> float:
        left, right = self.eyes
        return float(np.linalg.norm(right - left))

    def moved(self, right: int, down: int) -> FoundFace:
        """The same face in a picture whose corner lies elsewhere."""
        step = np.array([right, down])
        left, top, far, bottom = self.box
        box = (left + right, top + down, far + right, bottom + down)
        points = self.points + step
        shape = dlib.full_object_detection(
            dlib.rectangle(*box), [dlib.point(round(float(x)), round(float(y))) for x, y in points]
        )
        return FoundFace(box, self.confidence, points, shape)


class Detector:
    """Where faces are. One thread only. Raises `ModelMissing`."""

    def __init__(self) -> None:
        self._detector = dlib.get_frontal_face_detector()
        try:
            self._landmarks = dlib.shape_predictor(str(model_file(LANDMARKS)))
        except RuntimeError as error:  # a damaged file
            raise ModelMissing(f"{LANDMARKS}: {type(error).__name__}") from None

    def find(self, image: Image, *, upsample: int = 0, minimum: float = 0.0) -> list[FoundFace]:
        """Faces in a BGR or gray picture, largest first. `minimum` is the detector's score to be taken seriously."""
        gray = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        scale = min(1.0, _DETECTION_WIDTH / gray.shape[1])
        small = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else gray
        boxes, scores, _ = self._detector.run(small, upsample, minimum)
        faces = [self._found(gray, box, score, scale) for box, score in zip(boxes, scores, strict=True)]
        faces.sort(key=lambda face: face.height, reverse=True)
        return faces

    def detect(self, gray: Image, *, minimum: float) -> list[tuple[tuple[int, int, int, int], float]]:
        """(left, top, right, bottom) and score of every face of at least 80 pixels in a gray picture."""
        boxes, scores, _ = self._detector.run(gray, 0, minimum)
        return [
            ((box.left(), box.top(), box.right(), box.bottom()), float(score))
            for box, score in zip(boxes, scores, strict=True)
        ]

    def _found(self, gray: Any, box: Any, score: float, scale: float) -> FoundFace:
        edges = (box.left(), box.top(), box.right(), box.bottom())
        left, top, right, bottom = (round(edge / scale) for edge in edges)
        return self.landmarks(gray, (left, top, right, bottom), score)

    def landmarks(self, gray: Image, box: tuple[int, int, int, int], score: float) -> FoundFace:
        """The five points of the face in `box` of a gray picture."""
        left, top, right, bottom = box
        shape = self._landmarks(gray, dlib.rectangle(left, top, right, bottom))
        points = np.array([[point.x, point.y] for point in shape.parts()], np.float64)
        return FoundFace((left, top, right, bottom), float(score), points, shape)

    def chip(self, image: Image, face: FoundFace, *, gray: bool) -> NDArray[np.uint8]:
        """The aligned face, 150 x 150 x 3, red first, as dlib's own call extracts it. `image` is BGR or gray;
        `gray` leaves the colours out, for comparison with a gray photo."""
        if image.ndim == 2:
            rgb = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
        elif gray:
            rgb = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2RGB)
        else:
            rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        try:
            return np.asarray(dlib.get_face_chip(rgb, face.shape, size=CHIP, padding=_PADDING), np.uint8)
        finally:
            rgb.fill(0)


class Models(Detector):
    """Detector, landmarks and encoder (None: the default one), loaded once. Raises `ModelMissing`."""

    def __init__(self, encoder: Encoder | None = None) -> None:
        super().__init__()
        self._encoder = encoder or load_encoder()

    def describe(self, image: Image, face: FoundFace, *, gray: bool) -> Descriptor:
        """128 numbers of one face; `gray` leaves the colours out, for comparison with a gray photo."""
        chip = self.chip(image, face, gray=gray)
        try:
            descriptor: Descriptor = self._encoder.describe(chip[np.newaxis])[0]
            return descriptor
        finally:
            chip.fill(0)
