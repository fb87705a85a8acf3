"""What brightening is worth on photographs whose light was taken away: `FACES_EVAL_DIR=<folder> pytest -s` this file.

Every third person of the London set (see `test_photographs.py`); less light is simulated: darker, with a sensor's
noise. The smaller the distance of a person to the own card, the better.
"""

from __future__ import annotations

import io
import os
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Pillow

from devices.face.enhance import DIM, brighten
from devices.face.models import Models
from devices.face.operating import load_thresholds
from devices.face.quality import measure
from devices.face.template import DEFAULT_CENTRE, Centre, CentredEngine

LONDON = Path(os.environ["FACES_EVAL_DIR"]) / "london"
LIGHT = ((1.0, 4.0), (0.5, 6.0), (0.3, 8.0), (0.2, 8.0))  # share of the light, standard deviation of the noise


def test_brightened_faces_are_nearer_to_their_cards() -> None:
    engine = CentredEngine(Models(), Centre.load(DEFAULT_CENTRE), load_thresholds(CentredEngine.name, frames=1))
    noise = np.random.default_rng(0)
    plain: defaultdict[float, list[float]] = defaultdict(list)
    bright: defaultdict[float, list[float]] = defaultdict(list)
    means: defaultdict[float, list[float]] = defaultdict(list)
    absent: defaultdict[float, int] = defaultdict(int)
    for path in sorted((LONDON / "neutral").glob("*.jpg"))[::3]:
        (smiling,) = (LONDON / "smiling").glob(f"{path.stem[:3]}_*.jpg")
        card = engine.enrol(_card(path))
        live = cv2.imread(str(smiling))
        assert live is not None
        for share, deviation in LIGHT:
            dim = np.asarray(np.clip(live * share + noise.normal(0, deviation, live.shape), 0, 255), np.uint8)
            faces = engine.find(dim)
            if not faces:
                absent[share] += 1
                continue
            light = measure(dim, faces[0]).illumination
            means[share].append(light)
            plain[share].append(engine.distance(card, [engine.describe(dim, faces[0], card)]))
            brighten(dim, faces[0], light)
            bright[share].append(engine.distance(card, [engine.describe(dim, faces[0], card)]))
    print("\nlight  face's mean  as it is: mean, 90 %  brightened: mean, 90 %  not found")
    for share, _ in LIGHT:
        row = [f"{np.mean(each[share]):.3f} {np.percentile(each[share], 90):.3f}" for each in (plain, bright)]
        print(f"{share:5.1f}  {np.mean(means[share]):11.0f}  {row[0]:>21}  {row[1]:>22}  {absent[share]:9}")
    assert np.mean(means[1.0]) > DIM > np.mean(means[0.5])
    for share in (0.5, 0.3, 0.2):
        assert np.mean(bright[share]) < 0.95 * np.mean(plain[share])
    assert abs(np.mean(bright[1.0]) - np.mean(plain[1.0])) < 0.005


def _card(path: Path) -> bytes:
    """The neutral picture as a card's photo: gray, 240 pixels wide, about 12,000 bytes of JPEG 2000."""
    gray = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert gray is not None
    small = cv2.resize(gray, (240, round(gray.shape[0] * 240 / gray.shape[1])), interpolation=cv2.INTER_AREA)
    target = io.BytesIO()
    Pillow.fromarray(small).save(
        target, "JPEG2000", quality_mode="rates", quality_layers=[small.size / 12_000], irreversible=True
    )
    return target.getvalue()
