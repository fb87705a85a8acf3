"""Our XML schema, applied by lxml."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from lxml import etree

SCHEMA = Path(__file__).parents[2] / "assets" / "schema" / "face-result.xsd"
_DECLARED = re.compile(rb'\A<\?xml version="1\.0" encoding="([A-Za-z0-9_-]+)"[^>]*\?>')


def refusals(content: bytes) -> list[str]:
    """What the schema has against a file.

    The text is decoded here: what consumers call Shift_JIS is code page 932, which libxml2 does not know by that name.
    """
    found = _DECLARED.match(content)
    assert found is not None, "declaration"
    text = content[found.end() :].decode({b"UTF-8": "utf-8", b"Shift_JIS": "cp932"}[found[1]])
    schema = _schema()
    root = etree.fromstring(text, etree.XMLParser(resolve_entities=False, no_network=True))
    return [] if schema.validate(root) else str(schema.error_log).splitlines()


@cache
def _schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(SCHEMA))
