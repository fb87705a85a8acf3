"""Everybody who judges a result file, asked one after the other.

`python -m tests.helpers.judges FOLDER` asks them about all files below a folder, such as those of `kiosk demo --all`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from lxml import etree

from kiosk.oqs.rules import ANSWER, FACE, check
from tests.helpers import second_reader
from tests.helpers.face_file import NAME, parse
from tests.helpers.face_schema import refusals


def complaints(path: Path) -> list[str]:
    """What `kiosk check`, the schema, the second reader and (face result files) the strict one have against it."""
    content = path.read_bytes()
    face = path.name.startswith(FACE)
    found = [f"check: {fault.rule.id}: {fault}" for fault in check(path.name, content)]
    try:
        found += [f"schema: {line}" for line in refusals(content)]
    except (UnicodeDecodeError, etree.XMLSyntaxError) as error:
        found.append(f"schema: {type(error).__name__}")
    try:
        second_reader.read(content, face=face)
    except second_reader.Refused as reason:
        found.append(f"second reader: {reason}")
    if face:
        name = NAME.match(path.name)
        try:
            assert name is not None, "name"
            parse(content, name[1])
        except (AssertionError, KeyError, ValueError, SyntaxError) as error:
            found.append(f"strict reader: {type(error).__name__}")
    return found


def main(folder: Path) -> int:
    files = sorted(folder.rglob(f"{ANSWER}*.xml"))
    bad = 0
    for file in files:
        for line in complaints(file):
            bad += 1
            sys.stdout.write(f"{file}: {line}\n")
    sys.stdout.write(f"{len(files)} file(s), {bad} complaint(s)\n")
    return 1 if bad or not files else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
