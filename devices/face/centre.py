"""Computes the numbers of `assets/face/centre.toml` from average (composite) faces, which show no real person.

Made for the set of DeBruine, L. (2016), Young adult composite faces, figshare 4055130, CC BY 4.0.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from devices.face.encoder import load_encoder
from devices.face.models import Descriptor, Models
from devices.face.template import only_face

UNIT = 1e-4  # one unit of the integers in the file
WEIGHT = 0.75  # `kiosk face-fit` finds 0.5 to 0.75 alike; 0.75 is what LFW was measured with


def centre_text(composites: Path, model: Path | None = None) -> str:
    """The text of centre.toml. `composites` holds f_easian.jpg, m_easian.jpg, f_african.jpg and m_african.jpg.
    `model`: another network file.

    Raises `OSError` when a picture is missing, `PhotoInvalid` when it shows no single face, `ModelMissing`.
    """
    mean, direction = parts(composites, model)
    return (
        "# kiosk face-centre --composites DIR --out assets/face/centre.toml\n"
        "# From the average faces f/m_easian and f/m_african; no real person.\n"
        "# CC BY 4.0: DeBruine, L. (2016), Young adult composite faces, figshare 4055130\n"
        f"weight = {WEIGHT}\n"
        f"unit = {UNIT}\n"
        f"mean = {_integers(mean)}\n"
        f"direction = {_integers(direction)}\n"
    )


def parts(composites: Path, model: Path | None = None) -> tuple[Descriptor, Descriptor]:
    """Mean descriptor of the average East Asian faces, and the direction (length 1) from there to that of the average
    African ones. Raises as `centre_text`."""
    models = Models(load_encoder(model=model))
    mean = _mean(models, composites, "easian")
    direction = _mean(models, composites, "african") - mean
    return mean, np.asarray(direction / np.linalg.norm(direction), np.float64)


def _integers(vector: Descriptor) -> str:
    return "[" + ",".join(str(round(value / UNIT)) for value in vector) + "]"


def _mean(models: Models, folder: Path, group: str) -> Descriptor:
    """Mean descriptor of the average woman and man of `group`, each in colour and in gray."""
    descriptors = []
    for sex in ("f", "m"):
        path = folder / f"{sex}_{group}.jpg"
        decoded = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
        if decoded is None:
            raise OSError(f"{path.name} is not a picture")
        image = np.asarray(decoded, np.uint8)
        face = only_face(models, image)
        descriptors += [models.describe(image, face, gray=gray) for gray in (False, True)]
    return np.asarray(np.mean(descriptors, axis=0), np.float64)
