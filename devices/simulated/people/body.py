"""Neck, shoulders and clothes: a flat picture behind the head, which stays when the head turns."""

from __future__ import annotations

import cv2
import numpy as np

from devices.simulated.people.head import Array, Style, Traits

LEFT, TOP, RIGHT, BOTTOM = -2.6, 0.3, 2.6, 3.4  # head units around the head's origin


def body(traits: Traits, unit: float, light_side: float, head_width: float) -> Array:
    """Rows x columns of LEFT..RIGHT, TOP..BOTTOM at `unit` pixels a unit, x 4 (BGR premultiplied by alpha, 0..1)."""
    xs = (np.arange(int((RIGHT - LEFT) * unit), dtype=np.float32) + 0.5) / unit + LEFT
    ys = (np.arange(int((BOTTOM - TOP) * unit), dtype=np.float32) + 0.5) / unit + TOP
    px, py = (np.asarray(a, np.float32) for a in np.meshgrid(xs, ys))
    lamp = np.array([light_side, -0.45, 0.85], np.float32)
    lamp /= np.linalg.norm(lamp)
    trunk = _trunk(traits, px, py, lamp)
    # The head keeps light from the neck and the shoulders.
    low = np.clip((traits.chin + 0.32 - py) / 0.3, 0, 1) * np.exp(-((px / 0.75) ** 6))
    trunk[..., :3] *= (1 - 0.5 * low)[..., None]
    if traits.style.hangs:
        end = 0.66 if traits.style is Style.BOB else 1.4
        behind = np.clip((0.8 * head_width - np.abs(px)) * unit / 2, 0, 1) * np.clip((end - py) * unit / 3, 0, 1)
        hair = np.array(traits.hair, np.float32) / 255 * 0.55
        under = np.dstack([hair * behind[..., None], behind]).astype(np.float32)
        trunk = trunk + under * (1 - trunk[..., 3:])
    soft = cv2.GaussianBlur(trunk, (0, 0), 0.7)
    return np.asarray(soft, np.float32)


def _shade(colour: Array, normal: Array, lamp: Array, gloss: Array | float) -> Array:
    """A soft key light, a fill from the other side, light from above, and a broad highlight."""
    facing = normal @ lamp
    key = np.clip((facing + 0.35) / 1.35, 0, 1)
    fill = np.clip(normal @ np.array([-lamp[0] * 1.2, 0.35, 0.7], np.float32), 0, 1)
    sky = 0.62 - 0.38 * normal[..., 1]
    warm = np.array([0.96, 1.0, 1.03], np.float32)
    cool = np.array([1.05, 1.0, 0.96], np.float32)
    lit = key[..., None] * 0.58 * warm + fill[..., None] * 0.22 * cool + sky[..., None] * 0.17 * cool + 0.12
    half = lamp + np.array([0, 0, 1], np.float32)
    half /= np.linalg.norm(half)
    shine = np.clip(normal @ half, 0, 1) ** 22
    return np.asarray(colour * lit + (shine * gloss)[..., None], np.float32)


def _trunk(t: Traits, px: Array, py: Array, lamp: Array) -> Array:
    """Neck, shoulders and clothes; they stay when the head turns."""
    neck_half = t.width * (0.56 + 0.12 * t.jaw)
    neck = np.clip(1 - (px / (neck_half + 0.12 * np.clip(py - 1.05, 0, 1))) ** 2, 0, 1)
    neck_in = (neck > 0) & (py > 0.55) & (py < 1.75)
    slope = (
        1.28 + 0.62 * np.clip((np.abs(px) - neck_half) / 1.1, 0, 1.2) ** 1.6 + 9 * np.clip(np.abs(px) - 1.62, 0, 1) ** 2
    )
    hollow = 1.46 - 1.25 * np.clip(np.abs(px) / 0.5, 0, 1) ** 2 * 0.25
    torso = py - slope
    neckline = (1.5, 1.42, 1.62)[t.collar] - (0.3 if t.collar < 2 else 0.62) * np.clip(
        np.abs(px) / neck_half, 0, 1
    ) ** (2.2 if t.collar < 2 else 1.0)
    clothed = (torso > 0) & (py > neckline)
    bare = ((torso > 0) & ~clothed & (py < hollow + 0.5)) | neck_in & ~clothed
    depth = np.clip(torso, 0, 0.5)
    normal = np.dstack([px * 0.42, -1.5 * np.exp(-depth * 5), np.ones_like(px)]).astype(np.float32)
    neck_normal = np.dstack([px / neck_half * 0.95, 0.15 * np.ones_like(px), np.sqrt(neck) + 0.25]).astype(np.float32)
    normal = np.where((bare & neck_in)[..., None], neck_normal, normal)
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    skin = np.array(t.skin, np.float32) / 255 * np.array([0.93, 0.94, 0.97], np.float32)
    cloth = np.array(t.clothes, np.float32) / 255
    colour = np.where(bare[..., None], skin, cloth).astype(np.float32)
    if t.collar == 2:  # an open shirt: a white collar along the neckline
        edge = np.abs(py - neckline + 0.02) < 0.1
        colour = np.where((clothed & edge & (np.abs(px) < neck_half * 1.2))[..., None], np.float32(0.93), colour)
    else:
        seam = np.exp(-0.5 * ((py - neckline - 0.07) / 0.012) ** 2) * clothed * (np.abs(px) < neck_half * 1.3)
        colour = colour * (1 - 0.25 * seam)[..., None].astype(np.float32)
    alpha = (clothed | bare).astype(np.float32)
    shaded = np.clip(_shade(colour.astype(np.float32), normal.astype(np.float32), lamp, 0.02), 0, 1)
    return np.asarray(np.dstack([shaded * alpha[..., None], alpha]), np.float32)
