"""docs/integrators.md says what is so."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from kiosk.cli import simulate
from kiosk.eligibility.liaison import FaultKind
from kiosk.oqs import clinical
from kiosk.oqs.document import Encoding
from kiosk.oqs.names import Kind
from kiosk.oqs.requests import read, write
from kiosk.reception.insured import check_digit

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "integrators.md").read_text(encoding="utf-8")


def test_the_examples_are_what_is_written_and_read() -> None:
    examples = re.findall(r"```xml\n(.*?)```", TEXT, re.DOTALL)
    for example, kind, encoding in zip(
        examples, (Kind.ELIGIBILITY, Kind.MEDICATION), (Encoding.UTF8, Encoding.SHIFT_JIS), strict=True
    ):
        content = example.encode(encoding.codec)
        request, found = read(kind, content)
        assert (bytes(write(request, found)), found) == (content, encoding)
        number = re.search(r"<InsurerNumber>(\d+)<", example)
        assert number is not None
        assert check_digit(number[1][:-1]) == int(number[1][-1])


def test_every_fault_and_option_is_there() -> None:
    table = TEXT[TEXT.index("| fault |") :]
    assert re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE) == list(FaultKind)
    parser = argparse.ArgumentParser()
    simulate.register(parser.add_subparsers())
    help_text = parser.parse_args(["simulate", "terminal", "--root", "x"])
    known = {f"--{name.replace('_', '-')}" for name in vars(help_text)} | {"--for"}
    assert set(re.findall(r"--[a-z]+", TEXT[TEXT.index("## The simulated terminal") :])) <= known


def test_every_element_of_a_clinical_answer_is_there() -> None:
    for block in clinical._BLOCKS.values():
        for name in (block.group, block.entry, *block.days, *block.drugs):
            assert name in TEXT
        for leaf in (*block.month, *block.day):
            assert f"`{leaf.element}`" in TEXT
    for table in (
        *clinical._PATIENT.values(),
        clinical._ITEM,
        clinical._TREATMENT,
        clinical._BLOCKS[clinical.Source.RECEIPT].drug,
    ):
        for leaf in table:
            assert leaf.element in TEXT
