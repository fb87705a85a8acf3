"""The photo's header: true pictures pass, whatever would unfold into too much does not, and nothing else comes out."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from devices.card import picture as guard
from devices.card.picture import Size
from devices.errors import PhotoInvalid
from tests.helpers.picture import box, codestream, jp2, picture, segment


def drawn(kind: str, mode: str = "L", size: tuple[int, int] = (240, 320), **options: object) -> bytes:
    out = io.BytesIO()
    Image.effect_noise(size, 40).convert(mode).save(out, "JPEG2000", no_jp2=kind == "j2k", **options)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["jp2", "j2k"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize(
    "options",
    [
        {"quality_mode": "rates", "quality_layers": [30]},
        {"quality_mode": "rates", "quality_layers": [60, 30, 20], "irreversible": True},
        {"quality_mode": "rates", "quality_layers": [30], "tile_size": (128, 128)},
        {"quality_mode": "rates", "quality_layers": [30], "precinct_size": (64, 64), "num_resolutions": 3},
    ],
)
def test_pictures_of_an_encoder_of_others_pass(kind: str, mode: str, options: dict[str, object]) -> None:
    assert guard.check(drawn(kind, mode, **options)) == Size(240, 320)


def test_padding_behind_the_picture_does_not_matter() -> None:
    assert guard.check(drawn("j2k", quality_mode="rates", quality_layers=[30]) + b"\xff" * 30) == Size(240, 320)
    assert guard.check(picture(b"pixels")) == Size(240, 320)


BOMBS = {
    "size not accepted": codestream(20_000, 20_000),
    "size not accepted ": codestream(0, 10, tile=(1, 1)),
    "too many tiles": codestream(1000, 1000, tile=(10, 10)),
    "tiles not accepted": codestream(1000, 1000, tile=(0, 10)),
    "components not accepted": codestream(components=200),
    "components not accepted ": codestream(depth=38),
    "too many layers": codestream(layers=65_535),
    "too many levels": codestream(levels=32),
    "too many precincts": codestream(1000, 1000, levels=1, precincts=b"\x00\x11"),
    # ... also where only a tile says so
    "too many precincts ": codestream(
        1000, 1000, tile_header=segment(0xFF52, struct.pack(">BBHBBBBBB", 1, 0, 1, 0, 0, 4, 4, 0, 1) + b"\x00")
    ),
    "too many precincts  ": codestream(1000, 1000, tile_header=segment(0xFF53, bytes((0, 1, 0, 4, 4, 0, 1)) + b"\x00")),
    "precincts not given": codestream(levels=3, precincts=b"\x77"),
    "not JPEG 2000": b"\xff\xd8\xff\xe0" + bytes(100),
    "not JPEG 2000 ": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "not JPEG 2000  ": b"",
    "file and codestream contradict each other": jp2(codestream(), 100, 100),
    "file and codestream contradict each other ": jp2(codestream(components=3)),
    "no image header before a codestream": jp2(b"")[:12] + box(b"jp2c", codestream()),
    "no image header before a codestream ": jp2(b"")[:12],
    "box ends outside": jp2(b"")[:12] + struct.pack(">I4s", 1000, b"ftyp"),
    "box ends outside ": jp2(b"")[:12] + struct.pack(">I4sQ", 1, b"ftyp", 2**63),
    "marker segment ends outside": codestream()[:60] + b"\xff\x52\xff\xff",
    "marker segment ends outside ": codestream()[:-1].replace(b"\xff\x5c\x00\x13", b"\xff\x5c\x00\x00"),
    "ends early": codestream()[:20],
    "ends early ": jp2(b"")[:12] + box(b"jp2h", box(b"ihdr", bytes(4))),
    "no coding style": codestream()[:45] + b"\xff\xd9",
    "tile part too short": codestream().replace(
        segment(0xFF90, struct.pack(">HIBB", 0, 14, 0, 1)), segment(0xFF90, struct.pack(">HIBB", 0, 13, 0, 1))
    ),
    "too many bytes": codestream(data=bytes(0x8000)),
}


@pytest.mark.parametrize("reason", BOMBS)
def test_what_is_refused_and_why(reason: str) -> None:
    with pytest.raises(PhotoInvalid) as caught:
        guard.check(BOMBS[reason])
    assert str(caught.value) == f"photo_invalid: {reason.strip()}"


@given(st.binary(max_size=300))
@example(picture(b"")[:85] + b"\0\0\0\0")
def test_any_bytes(data: bytes) -> None:
    for start in (b"", picture(b"")[:12], picture(b"")[:77], codestream()[:4], codestream()[:45]):
        try:
            size = guard.check(start + data)
        except PhotoInvalid:
            continue
        assert 0 < size.width * size.height <= guard.MAX_PIXELS


TRUE = drawn("jp2", quality_mode="rates", quality_layers=[40])


@settings(max_examples=300)
@given(st.integers(0, 300), st.integers(1, 255), st.integers(0, len(TRUE)))
def test_a_damaged_picture_passes_within_the_bounds_or_is_refused(at: int, change: int, end: int) -> None:
    damaged = bytearray(TRUE)
    damaged[at] ^= change
    for data in (bytes(damaged), TRUE[:end]):
        try:
            size = guard.check(data)
        except PhotoInvalid:
            continue
        assert 0 < size.width * size.height <= guard.MAX_PIXELS
