"""What must happen when a persona goes one way, and how what happened differs from it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from devices.simulated.personas import Cover, Ending, Persona, load_personas
from devices.simulated.world import personas_folder
from kiosk.cli.patient import Role, Story
from kiosk.eligibility.terminal import Released
from kiosk.oqs import reader, rules
from kiosk.reception.consent import Item
from kiosk.reception.insured import Query


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a persona and one of its endings."""

    persona: Persona
    ending: Ending

    @property
    def role(self) -> Role:
        persona, ending = self.persona, self.ending
        record = persona.record
        query = None
        if record is not None:
            cover: Cover = record.former[0] if ending.former else record.cover
            birth = f"{persona.birth:%Y%m%d}"
            query = Query(cover.insurer_number, cover.symbol, cover.number, cover.branch, birth)
        return Role(persona.id, ending.way, answers=ending.answers, query=query)

    @property
    def name(self) -> str:
        return f"{self.persona.id} / {way(self.ending)}"

    @property
    def institution(self) -> tuple[str, str]:
        """Kind and encoding: one kiosk serves all rows that have them in common."""
        return self.persona.institution, self.ending.encoding


def way(ending: Ending) -> str:
    """With what distinguishes it from another ending of the same way."""
    details = [ending.encoding] if ending.encoding != "UTF-8" else []
    details += ["old number"] if ending.former else []
    return ending.way + (f" ({', '.join(details)})" if details else "")


def rows(only: Collection[str] = ()) -> list[Row]:
    """Every `[[ending]]` of assets/personas, those of one institution together. `only`: of these personas."""
    found = [
        Row(persona, ending)
        for persona in load_personas(personas_folder())
        if not only or persona.id in only
        for ending in persona.endings
    ]
    order = list(dict.fromkeys(row.institution for row in found))
    return sorted(found, key=lambda row: order.index(row.institution))


@dataclass(frozen=True, slots=True)
class Seen:
    """What a reception left behind: hand-off and side files, and what the terminal then shows the doctor."""

    files: Sequence[Path]
    side_files: Sequence[Path]
    doctor: Sequence[Released]


def outline(row: Row, story: Story, seen: Seen) -> list[str]:
    """What differs at first sight: the last page and how many files. For a world with records of its own."""
    return [*_last(row.ending, story), *_count(row.ending, seen)]


def differences(row: Row, story: Story, seen: Seen) -> list[str]:
    """Expected and reached, for everything that differs; empty: as expected. Names elements, never a person's values
    other than the expected ones, which are fictional."""
    visit = [*_last(row.ending, story), *_visit(row.ending, story)]
    left = [*_count(row.ending, seen), *_left(row.ending, seen)]
    return [*visit, *left, *_released(row.persona, story, seen)]


def _last(ending: Ending, story: Story) -> Iterator[str]:
    if story.stuck:
        yield f"could not go on: {story.stuck}"
    if story.last_page != ending.last_page:
        yield f"last page {story.last_page}, expected {ending.last_page}"


def _count(ending: Ending, seen: Seen) -> Iterator[str]:
    if len(seen.files) != ending.files:
        yield f"{len(seen.files)} files, expected {ending.files}"


def _visit(ending: Ending, story: Story) -> Iterator[str]:
    for page in ending.pages:
        if page not in story.pages:
            yield f"page {page} was not shown"
    for page in ending.not_pages:
        if page in story.pages:
            yield f"page {page} was shown"
    for method in ending.not_offered:
        if method in story.offered:
            yield f"{method} was offered"
    for what, codes, expected in (
        ("failure", story.failures, ending.failure),
        ("upstream code", story.upstream, ending.upstream),
    ):
        if codes != ([expected] if expected else []):
            yield f"{what} {' '.join(codes) or 'none'}, expected {expected or 'none'}"
    if ending.notice and ending.notice not in story.notices:
        yield f"notice {ending.notice} was not shown"
    for reason in ending.counter:
        if reason not in story.counter:
            yield f"the counter was not told {reason}"


def _left(ending: Ending, seen: Seen) -> Iterator[str]:
    for file in seen.files:
        data = file.read_bytes()
        for fault in rules.check(file.name, data):
            yield f"file refused: {fault.rule.id}: {fault}"
            return
        found = content(data)
        for element, values in ending.content.items():
            if found.get(element, ()) != values:
                reached = ", ".join(found.get(element, ())) or "not there"
                yield f"{element} {reached}, expected {', '.join(values) or 'not there'}"
    expected = 1 if ending.subsidy or ending.dispense else 0
    if len(seen.side_files) != expected:
        yield f"{len(seen.side_files)} side files, expected {expected}"
    for file in seen.side_files:
        subsidy, dispense = side_content(file)
        if (subsidy, dispense) != (ending.subsidy, ending.dispense):
            yield f"side file {subsidy or '-'} {dispense}, expected {ending.subsidy or '-'} {ending.dispense}"


def _released(persona: Persona, story: Story, seen: Seen) -> Iterator[str]:
    """The doctor sees what was agreed to, all of it, and nothing else."""
    record = persona.record
    rows = {
        Item.MEDICATION: len(record.medications) if record is not None else 0,
        Item.CHECKUP: len(record.checkups) if record is not None else 0,
    }
    for released in seen.doctor:
        agreed = bool(seen.files) and story.answers.get(released.item, False)
        if agreed and (released.refused or len(released.rows) != rows[released.item]):
            yield f"{released.item}: agreed to, and the doctor sees {len(released.rows)} rows {released.refused}"
        if not agreed and not released.refused:
            yield f"{released.item}: not agreed to, and the doctor sees it"


def content(data: bytes) -> dict[str, tuple[str, ...]]:
    """Element -> its texts in the order of the file. Left out: what was asked for, which repeats part of the answer.

    Raises `kiosk.oqs.reader.BadDocument`.
    """
    found: dict[str, tuple[str, ...]] = {}

    def walk(node: reader.Node) -> None:
        if not node.children:
            found[node.name] = (*found.get(node.name, ()), node.text)
        for child in node.children:
            if child.name != "QualificationConfirmSearchInfo":
                walk(child)

    walk(reader.tree(data)[1])
    return found


def side_content(file: Path) -> tuple[str, int]:
    """What became of the subsidy, "" when nothing is said; how many prescriptions are to be dispensed."""
    text = file.read_text(encoding="utf-8")
    subsidy = re.search(r'<Subsidy reason="([a-z]+)">', text)
    return "" if subsidy is None else subsidy[1], text.count("<Token>")
