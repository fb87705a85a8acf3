"""What may be shared, and what the patient said about it (閲覧同意)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Item(StrEnum):
    """Medical information that is asked for item by item. Values: 閲覧同意情報種別 OQSCD036 (docs/sources.md)."""

    SURGERY = "SHJ"  # 手術
    DIAGNOSIS = "SRJ"  # 診療
    MEDICATION = "YZK"  # 薬剤
    CHECKUP = "TKK"  # 特定健診


ORDER = (Item.SURGERY, Item.DIAGNOSIS, Item.MEDICATION, Item.CHECKUP)


@dataclass(frozen=True, slots=True)
class Answers:
    """A yes or no for every question that was shown, in the order shown. `comprehensive`: given on one page."""

    given: tuple[tuple[Item, bool], ...]
    comprehensive: bool

    @staticmethod
    def all(questions: tuple[Item, ...], yes: bool) -> Answers:
        return Answers(tuple((item, yes) for item in questions), comprehensive=True)

    def allows(self, item: Item) -> bool:
        return any(asked == item and yes for asked, yes in self.given)


@dataclass(frozen=True, slots=True)
class Draft:
    """Answers of the item-by-item way before all are there."""

    questions: tuple[Item, ...]
    given: tuple[tuple[Item, bool], ...] = ()

    def answer(self, item: Item, yes: bool) -> Draft:
        """Unknown items change nothing; answering again replaces the answer."""
        if item not in self.questions:
            return self
        known = {**dict(self.given), item: yes}
        return Draft(self.questions, tuple((q, known[q]) for q in self.questions if q in known))

    @property
    def next_question(self) -> Item | None:
        answered = {item for item, _ in self.given}
        return next((item for item in self.questions if item not in answered), None)

    def finish(self) -> Answers | None:
        """The answers, once every question has one."""
        return Answers(self.given, comprehensive=False) if self.next_question is None else None
