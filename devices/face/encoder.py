"""Three ways to compute a descriptor from an aligned face: dlib's own call, NumPy, ONNX. The weights are the same.

Measured beside each other by `kiosk bench encoder` (docs/measurements.md); dlib's answers are the standard for the
other two. The default is the fastest of them.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Protocol

import dlib
import numpy as np
from numpy.typing import NDArray

from devices.errors import ModelMissing
from devices.face.weights import LENGTH, model_file, read_weights

NETWORK = "dlib_face_recognition_resnet_model_v1.dat"


class EncoderKind(StrEnum):
    """One way to compute the network."""

    DLIB = "dlib"
    NUMPY = "numpy"
    ONNX = "onnx"


DEFAULT = EncoderKind.ONNX  # the quickest: `kiosk bench encoder` fails when that changes


class Encoder(Protocol):
    """One loaded network. One thread at a time."""

    @property
    def name(self) -> str: ...

    def describe(self, chips: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Chips n x 150 x 150 x 3, red first (`devices.face.models.Detector.chip`) -> descriptors n x 128."""


class DlibEncoder:
    """dlib's own network. It holds the interpreter lock for all of its 80 ms. Raises `ModelMissing`."""

    name = "dlib"

    def __init__(self, path: Path) -> None:
        try:
            self._network = dlib.face_recognition_model_v1(str(path))
        except RuntimeError as error:  # a damaged file, or another network
            raise ModelMissing(f"{path.name}: {type(error).__name__}") from None

    def describe(self, chips: NDArray[np.uint8]) -> NDArray[np.float64]:
        found = np.empty((len(chips), LENGTH), np.float64)
        for index, chip in enumerate(chips):
            found[index] = self._network.compute_face_descriptor(np.ascontiguousarray(chip))
        return found


def load_encoder(kind: str | None = None, model: Path | None = None) -> Encoder:
    """The encoder `kind` (None: the default) over the network file `model` (None: the installed one).

    Any network of dlib's format with the same layers will do. Raises `ModelMissing`, `ValueError`.
    """
    path = model or model_file(NETWORK)
    try:
        chosen = EncoderKind(kind or DEFAULT)
    except ValueError:
        raise ValueError(f"encoder must be {', '.join(EncoderKind)}") from None
    match chosen:  # what is not chosen is not imported: onnx takes half a second
        case EncoderKind.DLIB:
            return DlibEncoder(path)
        case EncoderKind.NUMPY:
            from devices.face.network import NumpyEncoder

            return NumpyEncoder(read_weights(path))
        case EncoderKind.ONNX:
            from devices.face.graph import OnnxEncoder

            return OnnxEncoder(read_weights(path))
