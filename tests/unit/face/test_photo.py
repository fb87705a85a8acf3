"""The card's photo is untrusted: bounded before it is decoded, refused by one typed error."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from devices.errors import PhotoInvalid
from devices.face.photo import MAX_BYTES, decode_photo


def jp2(width: int = 120, height: int = 160, mode: str = "L", boxed: bool = True, rate: float = 6.0) -> bytes:
    draw = np.random.default_rng(3)
    shape = (height, width) if mode == "L" else (height, width, 3)
    target = io.BytesIO()
    Image.fromarray(draw.integers(0, 255, shape, np.uint8)).save(
        target, "JPEG2000", quality_mode="rates", quality_layers=[rate], irreversible=True, no_jp2=not boxed
    )
    return target.getvalue()


PHOTO = jp2()


@pytest.mark.parametrize("boxed", [True, False], ids=["jp2", "codestream"])
def test_gray_photo_stays_one_channel(boxed: bool) -> None:
    assert decode_photo(jp2(boxed=boxed)).shape == (160, 120)


def test_colour_photo_is_bgr() -> None:
    red = io.BytesIO()
    Image.new("RGB", (80, 80), (250, 10, 10)).save(red, "JPEG2000")
    assert tuple(decode_photo(red.getvalue())[40, 40]) == pytest.approx((10, 10, 250), abs=3)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_photo_is_refused(share: float) -> None:
    with pytest.raises(PhotoInvalid):
        decode_photo(PHOTO[: int(len(PHOTO) * share)])


def test_truncated_photo_is_refused_even_if_another_library_made_pillow_lenient(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.raises(PhotoInvalid):
        decode_photo(PHOTO[: len(PHOTO) // 2])


def test_too_many_bytes_are_refused_undecoded() -> None:
    with pytest.raises(PhotoInvalid, match="size"):
        decode_photo(PHOTO + bytes(MAX_BYTES))


@pytest.mark.parametrize(("width", "height"), [(40_000, 40_000), (2000, 1001), (1 << 31, 1 << 31), (59, 400)])
def test_dimensions_are_bounded_before_decoding(width: int, height: int) -> None:
    with pytest.raises(PhotoInvalid):
        decode_photo(resized(jp2(boxed=False), width, height))


def test_a_small_file_of_a_large_picture_is_refused() -> None:
    bomb = io.BytesIO()
    Image.new("L", (3000, 3000)).save(bomb, "JPEG2000")
    assert len(bomb.getvalue()) < MAX_BYTES
    with pytest.raises(PhotoInvalid, match="dimensions"):
        decode_photo(bomb.getvalue())


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "TIFF"])
def test_other_formats_are_refused(kind: str) -> None:
    target = io.BytesIO()
    Image.new("L", (120, 160), 128).save(target, kind)
    with pytest.raises(PhotoInvalid):
        decode_photo(target.getvalue())


def test_nothing_is_refused() -> None:
    with pytest.raises(PhotoInvalid):
        decode_photo(b"")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.data_too_large])
@given(st.lists(st.tuples(st.integers(0, len(PHOTO) - 1), st.integers(0, 255)), min_size=1, max_size=12))
def test_damage_gives_a_picture_or_photo_invalid(damage: list[tuple[int, int]]) -> None:
    data = bytearray(PHOTO)
    for position, value in damage:
        data[position] = value
    try:
        picture = decode_photo(bytes(data))
    except PhotoInvalid:
        return
    assert picture.dtype == np.uint8
    assert picture.ndim in (2, 3)


def resized(codestream: bytes, width: int, height: int) -> bytes:
    """The same codestream with another size in its SIZ segment (ISO/IEC 15444-1, A.5.1)."""
    at = codestream.index(b"\xff\x51") + 6
    return codestream[:at] + struct.pack(">II", width & 0xFFFFFFFF, height & 0xFFFFFFFF) + codestream[at + 8 :]
