"""Still pictures as the kiosk would have got them: the photo on a card, a frame of the camera. For evaluations.

A card holds a gray JPEG 2000 picture of unknown size (docs/sources.md, "face"); 240 x 320 pixels in at most 15,000
bytes is our assumption. A camera frame is 480 pixels high; whatever shape the picture has, its middle is taken.
"""

from __future__ import annotations

import io
import warnings

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps

from devices.errors import PhotoInvalid
from devices.ports import Image

CARD_SIZE = (240, 320)
CARD_BYTES = 15_000
FRAME_SIZE = (640, 480)
_FORMATS = ("JPEG", "PNG", "JPEG2000", "WEBP", "BMP", "TIFF", "PPM")


def card_of(picture: bytes, *, gray: bool) -> bytes:
    """The picture as a card's photo: middle part in the shape of a portrait, JPEG 2000 of at most `CARD_BYTES`.

    Raises `PhotoInvalid` when `picture` is none.
    """
    image = _decoded(picture)
    width, height = CARD_SIZE
    wide, high = image.shape[1], image.shape[0]
    cut_wide, cut_high = min(wide, round(high * width / height)), min(high, round(wide * height / width))
    left, top = (wide - cut_wide) // 2, (high - cut_high) // 2
    part = _scaled(image[top : top + cut_high, left : left + cut_wide], width, height)
    colours = cv2.cvtColor(part, cv2.COLOR_BGR2GRAY if gray else cv2.COLOR_BGR2RGB)
    budget = CARD_BYTES
    while True:  # the encoder keeps to its rate but for a few bytes of headers
        target = io.BytesIO()
        Pillow.fromarray(colours).save(
            target, "JPEG2000", quality_mode="rates", quality_layers=[colours.size / budget], irreversible=True
        )
        if target.tell() <= CARD_BYTES:
            return target.getvalue()
        budget -= max(200, target.tell() - CARD_BYTES)


def frame_of(picture: bytes) -> Image:
    """The picture as a frame of the camera: 480 pixels high, BGR, at most 640 wide. Raises `PhotoInvalid`."""
    image = _decoded(picture)
    width, height = FRAME_SIZE
    frame = _scaled(image, max(1, round(image.shape[1] * height / image.shape[0])), height)
    left = max(0, frame.shape[1] - width) // 2
    return np.ascontiguousarray(frame[:, left : left + width])


def _scaled(image: Image, width: int, height: int) -> Image:
    smaller = height < image.shape[0]
    how = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (width, height), interpolation=how), np.uint8)


def _decoded(picture: bytes) -> Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Pillow.DecompressionBombWarning)
            with Pillow.open(io.BytesIO(picture), formats=_FORMATS) as opened:
                upright = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, Warning, Pillow.DecompressionBombError):
        raise PhotoInvalid("not a picture") from None
    if min(upright.size) < 2:
        raise PhotoInvalid("not a picture")
    return np.asarray(cv2.cvtColor(np.asarray(upright, np.uint8), cv2.COLOR_RGB2BGR), np.uint8)
