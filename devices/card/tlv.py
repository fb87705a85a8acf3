"""BER-TLV (ISO/IEC 8825-1 §8.1) as found on the card: definite lengths, nothing outside the given bytes is touched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from devices.errors import CardProtocol

MAX_LENGTH = 0x7FFF
_MAX_ELEMENTS = 64


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Tlv:
    """`raw` is the whole element (tag, length, value) as stored; `value` a part of it."""

    tag: int
    value: memoryview
    raw: memoryview

    def __repr__(self) -> str:
        return f"Tlv({self.tag:X}, {len(self.value)} bytes)"


def header(data: bytes | bytearray | memoryview) -> tuple[int, int, int]:
    """Tag, size of tag and length field, length of the value. Raises `CardProtocol`."""
    try:
        tag = data[0]
        at = 1
        if tag & 0x1F == 0x1F:  # more tag bytes follow, the last one without bit 8
            while True:
                byte = data[at]
                at += 1
                tag = tag << 8 | byte
                if not byte & 0x80:
                    break
                if at > 3:
                    raise CardProtocol("tag too long")
        length = data[at]
        at += 1
        if length & 0x80:
            count = length & 0x7F
            if not 1 <= count <= 2:  # 0: indefinite; 3 or more: larger than any file of the card
                raise CardProtocol("length form not accepted")
            length = 0
            for _ in range(count):
                length = length << 8 | data[at]
                at += 1
    except IndexError:
        raise CardProtocol("element ends early") from None
    if length > MAX_LENGTH:
        raise CardProtocol("element too long")
    return tag, at, length


def total_of(expected: int) -> _Total:
    """A function from the first bytes of a file to the size of the element of tag `expected` that it begins with."""
    return _Total(expected)


@dataclass(frozen=True, slots=True)
class _Total:
    expected: int

    def __call__(self, data: bytes) -> int:
        tag, size, length = header(data)
        if tag != self.expected:
            raise CardProtocol("another tag than expected")
        return size + length


def elements(data: bytes | bytearray | memoryview) -> Iterator[Tlv]:
    """The elements that follow each other and fill `data` exactly. Raises `CardProtocol`."""
    rest = memoryview(data)
    count = 0
    while len(rest):
        tag, size, length = header(rest)
        count += 1
        if size + length > len(rest) or count > _MAX_ELEMENTS:
            raise CardProtocol("element ends early, or too many")
        yield Tlv(tag, rest[size : size + length], rest[: size + length])
        rest = rest[size + length :]


def one(data: bytes | bytearray | memoryview, tag: int) -> Tlv:
    """`data` is exactly one element of `tag`. Raises `CardProtocol`."""
    found = list(elements(data))
    if len(found) != 1 or found[0].tag != tag:
        raise CardProtocol("not the element expected")
    return found[0]


def children(parent: memoryview) -> dict[int, Tlv]:
    """By tag. A tag that comes twice raises `CardProtocol`: two readers could take different ones."""
    found: dict[int, Tlv] = {}
    for child in elements(parent):
        if child.tag in found:
            raise CardProtocol("element given twice")
        found[child.tag] = child
    return found


def need(found: dict[int, Tlv], tag: int) -> Tlv:
    if tag not in found:
        raise CardProtocol("element missing")
    return found[tag]
