"""The face result file (`OQSsiquc01res_face_…xml`), element order of 別紙3-1 (docs/sources.md, "face result file").

Text is escaped by hand and collected in a `bytearray` that can be wiped: an element tree would keep the person's data
in strings until the garbage collector comes by.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from kiosk.qualification import Part, QualificationResult, elements

UNMAPPABLE = "●"  # what the national system itself puts for a character that is not in the set
# One character of JIS X 0208, two places in Unicode: the standard's mapping and that of code page 932.
CP932 = str.maketrans("〜‖−—¢£¬", "～∥－―￠￡￢")
# Python's codec lets them pass in both directions; no other program does.
NO_CHARACTER = frozenset((b"\x80", b"\xa0", b"\xfd", b"\xfe", b"\xff"))
SIMULATION_NOTICE = "模擬 SIMULATION - fictional person, not an answer of the national system"


class Encoding(Enum):
    """Declaration, codec and CharacterCodeIdentifier (OQSCD005) belong together.

    Shift_JIS means Microsoft's code page 932 to every consumer that was looked at.
    """

    UTF8 = ("UTF-8", "utf-8", "0")
    SHIFT_JIS = ("Shift_JIS", "cp932", "1")

    @property
    def declared(self) -> str:
        return self.value[0]

    @property
    def codec(self) -> str:
        return self.value[1]

    @property
    def identifier(self) -> str:
        return self.value[2]


class MarksDisagree(Exception):
    """A simulated result without its marks, or marks of a simulation where real ones are expected."""


@dataclass(frozen=True, slots=True, repr=False)
class Document:
    """`substituted`: how many characters became ●."""

    content: bytearray
    substituted: int

    def wipe(self) -> None:
        self.content[:] = bytes(len(self.content))


def write(result: QualificationResult, encoding: Encoding, *, simulated: bool) -> Document:
    """Raises `MarksDisagree` when marks of a simulation and `simulated` do not agree."""
    if result.marked_simulated is not simulated:
        raise MarksDisagree("a simulated result without its marks" if simulated else "a result with marks of practice")
    writer = _Writer(encoding)
    writer.put(f'<?xml version="1.0" encoding="{encoding.declared}" standalone="no"?>\n')
    if simulated:
        writer.put(f"<!-- {SIMULATION_NOTICE} -->\n")
    writer.put("<XmlMsg>\n")
    writer.put(" <MessageHeader>\n")
    writer.part(result.header, 2)
    writer.text("CharacterCodeIdentifier", encoding.identifier, 2)
    writer.put(" </MessageHeader>\n <MessageBody>\n")
    writer.part(result.body, 2)
    writer.put(" </MessageBody>\n</XmlMsg>\n")
    return Document(writer.content, writer.substituted)


class _Writer:
    def __init__(self, encoding: Encoding) -> None:
        self._codec = encoding.codec
        self.content = bytearray()
        self.substituted = 0

    def part(self, part: Part, depth: int) -> None:
        for element in elements(part):
            match element.value:
                case str() as value:
                    self.text(element.name, value, depth)
                case tuple() as entries:
                    self.put(f"{' ' * depth}<{element.name}>\n")
                    for entry in entries:
                        self._group(element.entry, entry, depth + 1)
                    self.put(f"{' ' * depth}</{element.name}>\n")
                case group:
                    self._group(element.name, group, depth)

    def _group(self, name: str, part: Part, depth: int) -> None:
        self.put(f"{' ' * depth}<{name}>\n")
        self.part(part, depth + 1)
        self.put(f"{' ' * depth}</{name}>\n")

    def text(self, name: str, value: str, depth: int) -> None:
        if name == "InsurerNumber":
            value = value.rjust(8)  # eight characters, blanks in front
        value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        self.put(f"{' ' * depth}<{name}>{value}</{name}>\n")

    def put(self, text: str) -> None:
        for character in _folded(text, self._codec):
            code = encoded(character, self._codec)
            if code is None:
                code = UNMAPPABLE.encode(self._codec)
                self.substituted += 1
            self.content += code


def seen(text: str, encoding: Encoding) -> str:
    """What a consumer reads where `text` was written."""
    folded = _folded(text, encoding.codec)
    return "".join(UNMAPPABLE if encoded(one, encoding.codec) is None else one for one in folded)


def _folded(text: str, codec: str) -> str:
    return text.translate(CP932) if codec == Encoding.SHIFT_JIS.codec else text


def encoded(character: str, codec: str) -> bytes | None:
    """None: not in the set."""
    try:
        code = character.encode(codec)
    except UnicodeEncodeError:
        return None
    return None if codec == Encoding.SHIFT_JIS.codec and code in NO_CHARACTER else code
