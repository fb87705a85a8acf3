"""Aligned faces for the descriptor network: drawn people, and pictures that are no faces at all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from devices.face.models import Detector
from devices.face.weights import CHIP
from devices.simulated.faces import FAR_SEEDS, Face, render


def drawn(detector: Detector, count: int) -> NDArray[np.uint8]:
    """Chips of drawn people in several poses and lights, every third without its colours."""
    draw, seeds, chips = np.random.default_rng(5), list(FAR_SEEDS.values()), []
    while len(chips) < count:
        seed = seeds[len(chips) % len(seeds)]
        view = {"yaw": draw.uniform(-15, 15), "pitch": draw.uniform(-8, 8), "light": draw.uniform(0.6, 1.1)}
        image = render(Face(seed), (320, 320), unit=80, centre=(160, 160), **view)
        for face in detector.find(image)[:1]:
            chips.append(detector.chip(image, face, gray=len(chips) % 3 == 0))
    return np.stack(chips)


def extreme(count: int) -> NDArray[np.uint8]:
    """No faces: black, white, edges, single pixels, gradients, then noise of growing coarseness."""
    blank = np.zeros((CHIP, CHIP, 3), np.uint8)
    one, ramp = blank.copy(), blank.copy()
    one[CHIP // 2, CHIP // 2] = 255
    ramp[:] = np.arange(CHIP, dtype=np.uint8)[None, :, None]
    board = blank.copy()
    board[::2, ::2] = 255
    half = blank.copy()
    half[:, CHIP // 2 :] = 255
    red = blank.copy()
    red[..., 0] = 255
    chips = [blank, blank + 255, one, ramp, ramp.transpose(1, 0, 2), board, half, red]
    draw = np.random.default_rng(6)
    while len(chips) < count:
        grain = 2 ** (len(chips) % 5)
        side = -(-CHIP // grain)
        noise = draw.integers(0, 256, (side, side, 3), np.uint8)
        chips.append(np.kron(noise, np.ones((grain, grain, 1), np.uint8))[:CHIP, :CHIP])
    return np.stack(chips[:count])
