"""The `face_recognition` library as an engine: its own three calls, at a threshold that holds for Japanese faces.

For comparison with the default engine, not for production: importing it loads a 68-point model whose data set
excludes commercial use. The only importer of the library; two effects of its import are contained here.
"""

from __future__ import annotations

import importlib.util
import io
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from PIL import ImageFile

from devices.errors import ModelMissing, PhotoInvalid
from devices.face.models import Descriptor, Detector, FoundFace
from devices.face.operating import Thresholds
from devices.face.photo import decode_photo
from devices.face.template import Enrolled
from devices.ports import Image

#: Euclidean distance, mean over 3 frames. On Japanese faces the library's own tolerance passes every third stranger.
LIBRARY_THRESHOLDS = Thresholds(accept=0.40, grey=0.45, frames=3)


class LibraryEngine:
    """`load_image_file`, `face_encodings`, `face_distance`. Raises `ModelMissing` when it cannot be imported."""

    name = "face_recognition"

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._library = import_library()
        self._models = Detector()  # only to see where the person stands; the comparison is the library's
        self._thresholds = LIBRARY_THRESHOLDS.within(options)

    @property
    def thresholds(self) -> Thresholds:
        return self._thresholds

    @property
    def models(self) -> Detector:
        return self._models

    def find(self, image: Image) -> list[FoundFace]:
        return self._models.find(image)

    def enrol(self, photo: bytes | memoryview) -> Enrolled:
        checked = decode_photo(photo)  # the library decodes whatever it is given: bounds first
        gray = checked.ndim == 2
        checked.fill(0)
        image = self._library.load_image_file(io.BytesIO(photo))
        encodings = self._library.face_encodings(image)
        image.fill(0)
        if len(encodings) != 1:
            raise PhotoInvalid("not exactly one face")
        return Enrolled(np.asarray(encodings[0], np.float64), gray)

    def describe(self, image: Image, face: FoundFace, enrolled: Enrolled) -> Descriptor:
        left, top, right, bottom = face.box
        rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        encodings = self._library.face_encodings(rgb, known_face_locations=[(top, right, bottom, left)])
        rgb.fill(0)
        return np.asarray(encodings[0], np.float64)

    def distance(self, enrolled: Enrolled, frames: Sequence[Descriptor]) -> float:
        return float(np.mean(self._library.face_distance(np.asarray(frames), enrolled.descriptor)))


def import_library() -> Any:
    """The library, or `ModelMissing`: without `pkg_resources` or its models it would end the process by `quit()`."""
    for needed in ("pkg_resources", "face_recognition_models", "face_recognition"):
        if importlib.util.find_spec(needed) is None:
            raise ModelMissing(needed)
    lenient = ImageFile.LOAD_TRUNCATED_IMAGES
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pkg_resources announces its own end
            import face_recognition
    except (ImportError, SystemExit, RuntimeError) as error:
        raise ModelMissing(type(error).__name__) from None
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = lenient  # set for the whole process by the import
    return face_recognition
