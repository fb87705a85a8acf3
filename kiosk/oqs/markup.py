"""What the small files of the exchange folders share: tables of elements, and writing and reading by them.

The reader of bytes is `kiosk.oqs.reader.tree`. Here elements become values and values elements; the eligibility answer
has reader and writer of its own, because it holds more and its layout is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kiosk.oqs.document import CP932, UNMAPPABLE, Encoding, encoded
from kiosk.oqs.reader import MIXED, TWICE, BadDocument, Node
from kiosk.qualification import MISSING_ELEMENT, SHAPE_OURS, TOO_MANY, UNKNOWN, Fault, Shape

MANY = 1000  # entries of a list


class Unmappable(Exception):
    """The encoding lacks a character of what has to be written exactly. Never says which."""


def text(most: int) -> Shape:
    """Free text that XML can carry: no control characters (XML 1.0 §2.2), not blank, `most` characters."""
    pattern = rf"(?=.*\S)[^\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]{{1,{most}}}"
    return Shape(re.compile(pattern), f"1 to {most} characters, not all blank", SHAPE_OURS, longest=most)


def one_of(*values: str) -> Shape:
    return Shape(re.compile("|".join(map(re.escape, values))), ", ".join(values), SHAPE_OURS)


def digits(low: int, high: int) -> Shape:
    return Shape(re.compile(f"[0-9]{{{low},{high}}}"), f"{low} to {high} digits", SHAPE_OURS)


@dataclass(frozen=True, slots=True)
class Leaf:
    """An element that holds a text: the value of `attribute`. `blank`: it may be there and empty."""

    attribute: str
    element: str
    shape: Shape
    required: bool = True
    blank: bool = False


def canonical(value: str) -> str:
    """One form for characters that change on their way through code page 932 and back."""
    return value.translate(CP932)


class Writer:
    """Collects the file in a `bytearray` that can be wiped. `exact`: raise `Unmappable` instead of writing ●."""

    def __init__(self, encoding: Encoding, *, exact: bool) -> None:
        self._encoding = encoding
        self._exact = exact
        self._open: list[str] = []
        self.content = bytearray()
        self.substituted = 0
        self.put(f'<?xml version="1.0" encoding="{encoding.declared}" standalone="no"?>\n')

    def comment(self, words: str) -> None:
        self.put(f"<!-- {words} -->\n")

    def open(self, *elements: str) -> None:
        for element in elements:
            self._line(f"<{element}>")
            self._open.append(element)

    def close(self, count: int = 1) -> None:
        for _ in range(count):
            element = self._open.pop()
            self._line(f"</{element}>")

    def leaves(self, table: Iterable[Leaf], part: object) -> None:
        """What is None is left out."""
        for leaf in table:
            value = getattr(part, leaf.attribute)
            if value is not None:
                self.leaf(leaf.element, value)

    def leaf(self, element: str, value: str) -> None:
        if element == "InsurerNumber":
            value = value.rjust(8)  # eight characters, blanks in front
        value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        self._line(f"<{element}>{value}</{element}>")

    def put(self, words: str) -> None:
        if self._encoding is Encoding.SHIFT_JIS:
            words = canonical(words)
        for character in words:
            code = encoded(character, self._encoding.codec)
            if code is None:
                if self._exact:
                    raise Unmappable("a character that the encoding lacks")
                code = UNMAPPABLE.encode(self._encoding.codec)
                self.substituted += 1
            self.content += code

    def _line(self, words: str) -> None:
        self.put(f"{' ' * len(self._open)}{words}\n")


def read_leaves(node: Node, table: Iterable[Leaf], where: str, groups: Iterable[str] = ()) -> Mapping[str, Any]:
    """Attribute -> text, None for what is not there. `groups`: elements that the caller reads. Raises `BadDocument`."""
    leaves = {leaf.element: leaf for leaf in table}
    groups = frozenset(groups)
    if node.text.strip():
        raise BadDocument(Fault(MIXED, where, "text between elements", "elements"))
    found: dict[str, str | None] = dict.fromkeys(leaf.attribute for leaf in leaves.values())
    seen: set[str] = set()
    for child in node.children:
        if child.name in groups:
            continue
        leaf = leaves.get(child.name)
        if leaf is None:
            raise BadDocument(Fault(UNKNOWN, where, "unknown element", ", ".join(leaves)))
        place = f"{where}/{leaf.element}"
        if child.name in seen:
            raise BadDocument(Fault(TWICE, place, "given twice", "once"))
        seen.add(child.name)
        found[leaf.attribute] = _value(child, leaf, place)
    for leaf in leaves.values():
        if leaf.required and found[leaf.attribute] is None:
            raise BadDocument(Fault(MISSING_ELEMENT, f"{where}/{leaf.element}", "missing", leaf.shape.allowed))
    return found


def _value(node: Node, leaf: Leaf, where: str) -> str | None:
    if node.children:
        raise BadDocument(Fault(MIXED, where, "elements in a value", leaf.shape.allowed))
    value = node.text
    if not value and leaf.blank:
        return None
    if leaf.element == "InsurerNumber":
        value = value.lstrip(" ") if len(value) == 8 else ""
    if not leaf.shape.fits(value):
        raise BadDocument(Fault(leaf.shape.rule, where, "not such a value", leaf.shape.allowed))
    return value


def read_group(node: Node, name: str, where: str) -> Node:
    """The only child of this name. Raises `BadDocument`."""
    found = read_groups(node, name)
    if len(found) > 1:
        raise BadDocument(Fault(TWICE, f"{where}/{name}", "given twice", "once"))
    if not found:
        raise BadDocument(Fault(MISSING_ELEMENT, f"{where}/{name}", "missing", "a group"))
    return found[0]


def read_groups(node: Node, name: str) -> list[Node]:
    """All children of this name. Raises `BadDocument`."""
    found = [child for child in node.children if child.name == name]
    if len(found) > MANY:
        raise BadDocument(Fault(TOO_MANY, name, "too many entries", f"{MANY}"))
    return found
