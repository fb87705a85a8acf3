"""JPEG 2000 pictures that are right on the outside: for what looks at the header only."""

from __future__ import annotations

import struct


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">HH", marker, len(content) + 2) + content


def codestream(
    width: int = 240,
    height: int = 320,
    *,
    components: int = 1,
    depth: int = 8,
    tile: tuple[int, int] | None = None,
    layers: int = 1,
    levels: int = 5,
    precincts: bytes = b"",
    data: bytes = b"",
    tile_header: bytes = b"",
) -> bytes:
    tile_x, tile_y = tile or (width, height)
    size = struct.pack(">H8IH", 0, width, height, 0, 0, tile_x, tile_y, 0, 0, components)
    size += bytes((depth - 1, 1, 1)) * components
    style = struct.pack(">BBHBBBBBB", 1 if precincts else 0, 0, layers, 0, levels, 4, 4, 0, 1) + precincts
    part = tile_header + b"\xff\x93" + data
    return (
        b"\xff\x4f"
        + segment(0xFF51, size)
        + segment(0xFF52, style)
        + segment(0xFF5C, b"\x40" + bytes(3 * levels + 1))
        + segment(0xFF90, struct.pack(">HIBB", 0, 12 + len(part), 0, 1))
        + part
        + b"\xff\xd9"
    )


def jp2(stream: bytes, width: int = 240, height: int = 320, components: int = 1) -> bytes:
    header = struct.pack(">IIHBBBB", height, width, components, 7, 7, 0, 0)
    return (
        box(b"jP  ", b"\r\n\x87\n")
        + box(b"ftyp", b"jp2 \0\0\0\0jp2 ")
        + box(b"jp2h", box(b"ihdr", header) + box(b"colr", b"\x01\0\0\0\0\0\x11"))
        + box(b"jp2c", stream)
    )


def picture(data: bytes) -> bytes:
    """With `data` where the pixels would be."""
    return jp2(codestream(data=data))
