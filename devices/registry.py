"""Name in config.toml -> driver. Imported lazily: a kiosk without dlib can still take a PIN."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devices.ports import Camera, CardFaceScanner, CardReader, FaceVerifier

Options = Mapping[str, Any]


def card_reader(driver: str, options: Options) -> CardReader:
    """ "pcsc" or "simulated"; `options` of `devices.card.process.spec`. Raises ValueError."""
    from devices.card.reader import SimulatedCardReader, SupervisedCardReader

    match driver:
        case "pcsc":
            return SupervisedCardReader(options)
        case "simulated":
            return SimulatedCardReader(options)
        case _:
            raise ValueError(f"no card reader driver {driver!r}")


def camera(driver: str, options: Options) -> Camera:
    """ "opencv" (`device`) or "simulated" (`seed`). Raises ValueError."""
    match driver:
        case "opencv":
            from devices.camera.opencv import OpenCvCamera

            return OpenCvCamera(options)
        case "simulated":
            from devices.simulated.camera import SimulatedCamera

            return SimulatedCamera(options.get("seed"), options)
        case _:
            raise ValueError(f"no camera driver {driver!r}")


def face_verifier(engine: str, camera: Camera, options: Options) -> FaceVerifier:
    """ "centred" or "face_recognition"; `options` of `devices.face.worker.spec`."""
    from devices.face.verifier import SupervisedFaceVerifier

    return SupervisedFaceVerifier(camera, {**options, "engine": engine})


def card_face_scanner(driver: str, camera: Camera, options: Options) -> CardFaceScanner:
    """ "ocr" over a camera that looks at the card; `options` of `devices.scanner.worker.spec`. Raises ValueError."""
    match driver:
        case "ocr":
            from devices.scanner.scanner import SupervisedCardFaceScanner

            return SupervisedCardFaceScanner(camera, options)
        case _:
            raise ValueError(f"no card-face scanner driver {driver!r}")
