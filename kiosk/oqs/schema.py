"""Our own description of the layout, written from the table in kiosk/qualification.py: an XML schema and tables to
read. The official schema is not public."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import Field, fields
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from kiosk.oqs.rules import RULES
from kiosk.oqs.terms import TERMS
from kiosk.qualification import CHARACTER_CODE, CODE, MANY, Codes, Header, QualificationResult, Shape

_NOTICE = """\
  This schema is a work of the Uketsuke project. It is not the official one, which is not public, and nobody has
  confirmed it. docs/face-file.md says where names, order and codes are from. The schema demands the order in which
  this project writes; real files may have another. What elements say of each other is not in it: `kiosk check --rules`.
  Written by `kiosk check --write-schema FILE`.
"""
_TEXT = r"[^\t\n\r]*\S[^\t\n\r]*"


def xsd() -> str:
    """XML schema of the face result file."""
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" version="1">',
            f" <xs:annotation><xs:documentation>\n{_NOTICE} </xs:documentation></xs:annotation>",
            *_group("XmlMsg", QualificationResult, "", 1),
            "</xs:schema>\n",
        ]
    )


def _group(name: str, kind: Any, occurs: str, depth: int) -> Iterator[str]:
    indent = " " * depth
    yield f'{indent}<xs:element name="{name}"{occurs}>'
    yield f"{indent} <xs:complexType><xs:sequence>"
    for each in fields(kind):
        yield from _field(each, depth + 2)
    if kind is Header:
        yield from _leaf("CharacterCodeIdentifier", CHARACTER_CODE, "", depth + 2)
    yield f"{indent} </xs:sequence></xs:complexType>"
    yield f"{indent}</xs:element>"


def _field(each: Field[Any], depth: int) -> Iterator[str]:
    name = each.metadata["element"]
    occurs = "" if "missing" in each.metadata else ' minOccurs="0"'
    indent = " " * depth
    if "entry" in each.metadata:
        yield f'{indent}<xs:element name="{name}"{occurs}>'
        yield f"{indent} <xs:complexType><xs:sequence>"
        yield from _group(each.metadata["entry"], each.metadata["group"], f' maxOccurs="{MANY}"', depth + 2)
        yield f"{indent} </xs:sequence></xs:complexType>"
        yield f"{indent}</xs:element>"
    elif "group" in each.metadata:
        yield from _group(name, each.metadata["group"], occurs, depth)
    else:
        yield from _leaf(name, each.metadata["shape"], occurs, depth)


def _leaf(name: str, shape: Shape, occurs: str, depth: int) -> Iterator[str]:
    indent = " " * depth
    yield f'{indent}<xs:element name="{name}"{occurs}>'
    yield f'{indent} <xs:simpleType><xs:restriction base="xs:string">'
    yield from (f"{indent}  {facet}" for facet in _facets(name, shape))
    yield f"{indent} </xs:restriction></xs:simpleType>"
    yield f"{indent}</xs:element>"


def _facets(name: str, shape: Shape) -> Iterator[str]:
    if shape.codes is not None:
        for code, meaning in shape.codes.values.items():
            yield f"<xs:enumeration value={quoteattr(code)}/><!-- {escape(meaning)} -->"
    elif shape.longest:
        yield f'<xs:maxLength value="{shape.longest}"/>'
        yield f"<xs:pattern value={quoteattr(_TEXT)}/>"
    elif name == "InsurerNumber":
        yield '<xs:length value="8"/>'
        yield '<xs:pattern value=" *[0-9]+"/>'
    else:
        # Schema expressions are anchored and know no look-ahead.
        yield f"<xs:pattern value={quoteattr(shape.pattern.pattern.removeprefix('(?=.*[^ ])'))}/>"


# --- tables to read ------------------------------------------------------------------------------------------------


def layout_table() -> str:
    """Markdown: every element in file order."""
    rows = ["| element | | values | always | basis |", "|---|---|---|---|---|"]
    return "\n".join([*rows, *_rows(QualificationResult, 0)])


def _rows(kind: Any, depth: int) -> Iterator[str]:
    for each in fields(kind):
        data = each.metadata
        always = "yes" if "missing" in data else ""
        if "group" in data:
            yield _row(data["element"], depth, "", always, "")
            inner = depth + 1
            if "entry" in data:
                yield _row(data["entry"], inner, "repeated", "", "")
                inner += 1
            yield from _rows(data["group"], inner)
        else:
            shape: Shape = data["shape"]
            words = shape.codes.name if shape.codes else shape.allowed
            yield _row(data["element"], depth, words, always, shape.rule.basis)
    if kind is Header:
        yield _row("CharacterCodeIdentifier", depth, "OQSCD005", "yes", CODE.basis)


def _row(element: str, depth: int, values: str, always: str, basis: str) -> str:
    return f"| {'&ensp;' * depth}`{element}` | {TERMS[element]} | {values} | {always} | {basis} |"


def code_table() -> str:
    """Markdown: every code that may be in the file."""
    rows = ["| table | codes |", "|---|---|"]
    for codes in code_tables():
        values = ", ".join(f"`{code}` {meaning}" for code, meaning in codes.values.items())
        rows.append(f"| {codes.name} {codes.title} | {values} |")
    return "\n".join(rows)


def code_tables() -> list[Codes]:
    """All tables whose codes may be in the file, by number."""
    shapes = [CHARACTER_CODE, *(shape for _, shape in leaves(QualificationResult))]
    found = {shape.codes.name: shape.codes for shape in shapes if shape.codes is not None}
    return [found[name] for name in sorted(found)]


def leaves(kind: Any) -> Iterator[tuple[str, Shape]]:
    """Path below `kind` and shape of every element that holds a text, once for each place in the layout."""
    for each in fields(kind):
        data = each.metadata
        if "group" in data:
            names = [data["element"], data["entry"]] if "entry" in data else [data["element"]]
            yield from (("/".join([*names, path]), shape) for path, shape in leaves(data["group"]))
        else:
            yield data["element"], data["shape"]


def rule_table() -> str:
    """Markdown: every rule."""
    rows = ["| rule | what it says | basis | source |", "|---|---|---|---|"]
    rows += [f"| `{rule.id}` | {escape(rule.says)} | {rule.basis} | {rule.source} |" for rule in RULES]
    return "\n".join(rows)


def filled(page: str) -> str:
    """`page` with today's tables between its marks `<!-- layout -->` and `<!-- /layout -->`; codes and rules too."""
    for name, table in (("layout", layout_table()), ("codes", code_table()), ("rules", rule_table())):
        before, start, rest = page.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"\n<!-- /{name} -->")
        if not start or not end:
            raise ValueError(f"no marks of {name}")
        page = f"{before}{start}{table}{end}{after}"
    return page
