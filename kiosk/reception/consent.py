"""What may be shared or chosen, and what the patient said about it (閲覧同意 and the other questions)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Item(StrEnum):
    """What is asked. The first five values: 閲覧同意情報種別 OQSCD036 (docs/sources.md); the others are ours."""

    SURGERY = "SHJ"  # 手術
    DIAGNOSIS = "SRJ"  # 診療
    MEDICATION = "YZK"  # 薬剤
    CHECKUP = "TKK"  # 特定健診
    DISEASE = "TSR"  # 特定疾病療養受療証: always a question of its own
    LIMIT = "limit"  # 限度額
    SUBSIDY = "subsidy"  # 医療費助成 (PMH)
    PRESCRIPTION = "prescription"  # yes: electronic (電子処方箋), no: paper
    DISPENSE = "dispense"  # which electronic prescription the pharmacy may dispense


ORDER = tuple(Item)
MEDICAL = (Item.SURGERY, Item.DIAGNOSIS, Item.MEDICATION, Item.CHECKUP)  # what the comprehensive consent is about


@dataclass(frozen=True, slots=True)
class Answers:
    """A yes or no for every question that was shown, in the order shown.

    `comprehensive`: the medical ones were answered on one page. `dispense`: tokens of the prescriptions that were
    chosen; empty unless `Item.DISPENSE` was answered with yes.
    """

    given: tuple[tuple[Item, bool], ...]
    comprehensive: bool
    dispense: tuple[str, ...] = ()

    @staticmethod
    def none() -> Answers:
        """Nothing was asked."""
        return Answers((), comprehensive=False)

    def allows(self, item: Item) -> bool:
        return any(asked == item and yes for asked, yes in self.given)


@dataclass(frozen=True, slots=True)
class Draft:
    """Answers before all are there."""

    questions: tuple[Item, ...]
    given: tuple[tuple[Item, bool], ...] = ()
    comprehensive: bool = False
    dispense: tuple[str, ...] = ()

    def answer_all(self, yes: bool) -> Draft:
        """The comprehensive consent: every medical question, and no other."""
        draft = self
        for item in self.medical:
            draft = draft.answer(item, yes)
        return replace(draft, comprehensive=bool(self.medical))

    def answer(self, item: Item, yes: bool, dispense: tuple[str, ...] = ()) -> Draft:
        """Unknown items change nothing; answering again replaces the answer."""
        if item not in self.questions:
            return self
        known = {**dict(self.given), item: yes}
        return Draft(
            self.questions,
            tuple((q, known[q]) for q in self.questions if q in known),
            self.comprehensive and item not in MEDICAL,
            (dispense if yes else ()) if item is Item.DISPENSE else self.dispense,
        )

    @property
    def medical(self) -> tuple[Item, ...]:
        return tuple(item for item in self.questions if item in MEDICAL)

    @property
    def next_question(self) -> Item | None:
        answered = {item for item, _ in self.given}
        return next((item for item in self.questions if item not in answered), None)

    def finish(self) -> Answers | None:
        """The answers, once every question has one."""
        if self.next_question is not None:
            return None
        return Answers(self.given, self.comprehensive, self.dispense)
