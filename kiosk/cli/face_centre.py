"""`kiosk face-centre`: the centring numbers of the face engine from average faces.

Only average faces are used: the numbers describe no real person. Credit for the set this was made for: DeBruine, L.
(2016), Young adult composite faces, figshare 4055130, CC BY 4.0.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from devices.face.models import Models

UNIT = 1e-4
WEIGHT = 0.75
SEXES = ("f", "m")


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "face-centre", help="compute assets/face/centre.toml from a folder of average (composite) faces"
    )
    parser.add_argument("--composites", type=Path, required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 when the file was written, 1 when a composite is missing or shows no face."""
    from devices.errors import DeviceError
    from devices.face.models import Models

    try:
        models = Models()
        east_asian = _mean(models, args.composites, "easian")
        african = _mean(models, args.composites, "african")
    except (DeviceError, OSError) as error:
        print(f"face-centre: {error}")
        return 1
    direction = african - east_asian
    direction /= np.linalg.norm(direction)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(_toml(east_asian, direction), encoding="utf-8")
    print(f"{args.out}: {args.out.stat().st_size} bytes")
    return 0


def _mean(models: Models, folder: Path, group: str) -> NDArray[np.float64]:
    """Mean descriptor of the average woman and man of `group`, each in colour and in gray."""
    from devices.face.template import only_face

    descriptors = []
    for sex in SEXES:
        path = folder / f"{sex}_{group}.jpg"
        image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
        if image is None:
            raise OSError(f"{path.name} is not a picture")
        face = only_face(models, np.asarray(image, np.uint8))
        descriptors += [models.describe(np.asarray(image, np.uint8), face, gray=gray) for gray in (False, True)]
    return np.asarray(np.mean(descriptors, axis=0), np.float64)


def _toml(mean: NDArray[np.float64], direction: NDArray[np.float64]) -> str:
    def numbers(vector: NDArray[np.float64]) -> str:
        return ",".join(str(round(value / UNIT)) for value in vector)

    return (
        "# kiosk face-centre --composites DIR --out assets/face/centre.toml\n"
        "# From the average faces f/m_easian and f/m_african; no real person.\n"
        "# CC BY 4.0: DeBruine, L. (2016), Young adult composite faces, figshare 4055130\n"
        f"weight = {WEIGHT}\n"
        f"unit = {UNIT}\n"
        f"mean = [{numbers(mean)}]\n"
        f"direction = [{numbers(direction)}]\n"
    )
