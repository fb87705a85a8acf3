"""Looks at a JPEG 2000 picture (ISO/IEC 15444-1) before anything decodes it: what it is, and how much it would unfold.

Decoders reserve memory for what the header declares, and decoders have had defects. A card face file is at most 32 KB;
what it may declare is bounded here: pixels, components, tiles, layers, and precincts, of which a small file can
declare millions. Nothing is decoded and nothing is copied.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from devices.errors import PhotoInvalid

MAX_BYTES = 0x7FFF
MAX_PIXELS = 2_000_000
MAX_COMPONENTS = 4
MAX_DEPTH = 16  # bits
MAX_TILES = 256
MAX_LEVELS = 12  # of decomposition; 2^12 pixels are more than the picture has
MAX_LAYERS = 256
MAX_PRECINCTS = 65_536

_SIGNATURE = bytes.fromhex("0000000C6A5020200D0A870A")  # §I.5.1
_SOC, _SIZ, _COD, _COC, _SOT, _SOD, _EOC = 0xFF4F, 0xFF51, 0xFF52, 0xFF53, 0xFF90, 0xFF93, 0xFFD9


@dataclass(frozen=True, slots=True)
class Size:
    """In pixels."""

    width: int
    height: int


def check(data: bytes | memoryview) -> Size:
    """Of a JP2 file or a raw codestream. Raises `PhotoInvalid`, whose message says what is wrong and shows nothing."""
    view = memoryview(data)
    if len(view) > MAX_BYTES:
        raise PhotoInvalid("too many bytes")
    try:
        if bytes(view[:12]) != _SIGNATURE:
            return _codestream(view).size
        stated, stream = _file(view)
        found = _codestream(stream)
        if stated != (found.size, found.components):
            raise PhotoInvalid("file and codestream contradict each other")
        return found.size
    except (struct.error, IndexError):
        raise PhotoInvalid("ends early") from None


# --- JP2 boxes (Annex I) -------------------------------------------------------------------------------------------


def _file(view: memoryview) -> tuple[tuple[Size, int], memoryview]:
    """What the image header box states, and the first codestream."""
    stated: tuple[Size, int] | None = None
    for kind, content in _boxes(view):
        if kind == b"jp2h":
            for inner, header in _boxes(content):
                if inner == b"ihdr":  # §I.5.3.1
                    height, width, components = struct.unpack_from(">IIH", header)
                    stated = Size(width, height), components
                break  # it has to be the first
        elif kind == b"jp2c":
            if stated is None:
                break
            return stated, content
    raise PhotoInvalid("no image header before a codestream")


def _boxes(view: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    at = 0
    while at < len(view):
        length, kind = struct.unpack_from(">I4s", view, at)
        start = at + 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", view, start)
            start += 8
        end = len(view) if length == 0 else at + length
        if not start <= end <= len(view):
            raise PhotoInvalid("box ends outside")
        yield kind, view[start:end]
        at = end


# --- codestream (Annex A) ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Grid:
    size: Size
    components: int
    tiles: int
    tile: Size


def _codestream(view: memoryview) -> _Grid:
    if bytes(view[:4]) != struct.pack(">HH", _SOC, _SIZ):
        raise PhotoInvalid("not JPEG 2000")
    grid = _image_and_tile_size(view)
    styles = 0
    for marker, segment in _segments(view):
        if marker in (_COD, _COC):
            styles += marker == _COD
            _coding_style(segment, marker, grid)
    if not styles:
        raise PhotoInvalid("no coding style")
    return grid


def _image_and_tile_size(view: memoryview) -> _Grid:
    """§A.5.1."""
    length, _, *grid, components = struct.unpack_from(">HH8IH", view, 4)
    x, y, left, top, tile_x, tile_y, tile_left, tile_top = grid
    width, height = x - left, y - top
    if width <= 0 or height <= 0 or width * height > MAX_PIXELS:
        raise PhotoInvalid("size not accepted")
    if not 1 <= components <= MAX_COMPONENTS or length != 38 + 3 * components:
        raise PhotoInvalid("components not accepted")
    for index in range(components):
        depth, across, down = struct.unpack_from("BBB", view, 42 + 3 * index)
        if (depth & 0x7F) + 1 > MAX_DEPTH or not across or not down:
            raise PhotoInvalid("components not accepted")
    if not tile_x or not tile_y or tile_left > left or tile_top > top:
        raise PhotoInvalid("tiles not accepted")
    if tile_left + tile_x <= left or tile_top + tile_y <= top:
        raise PhotoInvalid("tiles not accepted")
    tiles = -(-(x - tile_left) // tile_x) * -(-(y - tile_top) // tile_y)
    if tiles > MAX_TILES:
        raise PhotoInvalid("too many tiles")
    return _Grid(Size(width, height), components, tiles, Size(min(width, tile_x), min(height, tile_y)))


def _segments(view: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Marker segments of the main header and of every tile-part header: the coding style may stand in each."""
    at, part_end = 2, 0
    while True:
        (marker,) = struct.unpack_from(">H", view, at)
        if marker == _EOC:
            return
        if marker == _SOD:
            if part_end == 0 or part_end >= len(view):  # the last part reaches to the end
                return
            at, part_end = part_end, 0
            continue
        (length,) = struct.unpack_from(">H", view, at + 2)
        segment = view[at + 4 : at + 2 + length]
        if length < 2 or len(segment) != length - 2:
            raise PhotoInvalid("marker segment ends outside")
        if marker == _SOT:
            _, part, _, _ = struct.unpack_from(">HIBB", segment)
            if part and part < 14:
                raise PhotoInvalid("tile part too short")
            part_end = at + part if part else 0
        yield marker, segment
        at += 2 + length


def _coding_style(segment: memoryview, marker: int, grid: _Grid) -> None:
    """§A.6.1, §A.6.2."""
    if marker == _COD:
        style, _, layers, _ = struct.unpack_from(">BBHB", segment)
        at = 5
        if not 1 <= layers <= MAX_LAYERS:
            raise PhotoInvalid("too many layers")
    else:
        style, at = segment[1], 2
    levels = segment[at]
    if levels > MAX_LEVELS:
        raise PhotoInvalid("too many levels")
    if not style & 1:
        return  # precincts of the greatest size
    exponents = segment[at + 5 : at + 6 + levels]
    if len(exponents) != levels + 1:
        raise PhotoInvalid("precincts not given")
    count = 0
    for level, exponent in enumerate(exponents):
        # One more in each direction: a tile need not begin where a precinct does.
        across, down = ((side >> (levels - level)) for side in (grid.tile.width, grid.tile.height))
        count += ((across >> (exponent & 15)) + 2) * ((down >> (exponent >> 4)) + 2)
    if count * grid.tiles * grid.components > MAX_PRECINCTS:
        raise PhotoInvalid("too many precincts")
