"""The photo on the card as pixels: JPEG 2000 from an untrusted card, bounded before it is decoded."""

from __future__ import annotations

import io
import warnings

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageFile

from devices.errors import PhotoInvalid
from devices.ports import Image

MAX_BYTES = 32_767  # the longest content of the card-face file (two-byte READ BINARY offset, b15 clear)
MAX_PIXELS = 2_000_000
MIN_SIDE = 60


def decode_photo(data: bytes | memoryview) -> Image:
    """Gray (height x width) when the photo has one channel, else BGR (height x width x 3), 8 bit.

    Raises `PhotoInvalid` for anything but a complete JPEG 2000 picture (ISO/IEC 15444-1, boxed or raw codestream)
    within `MAX_BYTES`, `MAX_PIXELS` and `MIN_SIDE`.
    """
    if not 0 < len(data) <= MAX_BYTES:
        raise PhotoInvalid("size")
    ImageFile.LOAD_TRUNCATED_IMAGES = False  # face_recognition switches it on for the whole process
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Pillow.open(io.BytesIO(data), formats=["JPEG2000"]) as picture:
                width, height = picture.size
                if width * height > MAX_PIXELS or min(width, height) < MIN_SIDE:
                    raise PhotoInvalid("dimensions")
                if picture.mode == "L":
                    return np.array(picture, np.uint8)
                if picture.mode in ("RGB", "LA", "RGBA"):
                    rgb = np.array(picture.convert("RGB"), np.uint8)
                    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
                    rgb.fill(0)
                    return np.asarray(bgr, np.uint8)
    except PhotoInvalid:
        raise
    except (OSError, ValueError, SyntaxError, OverflowError, EOFError, MemoryError, Warning) as error:
        raise PhotoInvalid(type(error).__name__) from None
    except Pillow.DecompressionBombError:
        raise PhotoInvalid("dimensions") from None
    raise PhotoInvalid("colour model")
