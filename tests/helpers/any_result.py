"""Any valid record, built from the table of the layout.

Hypothesis gives the texts and a seed; which elements are there and with which codes follows from the seed. Drawn one by
one they would be too many, and hypothesis would keep to records of almost nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from kiosk.qualification import (
    CONSENT_LASTS,
    DAY,
    JST,
    KANA,
    TIME,
    Body,
    Confirmation,
    Header,
    QualificationResult,
    SearchInfo,
    Shape,
)

MEDICAL = ("checkup", "medication", "diagnosis", "surgery")
_TEXTS = st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"), min_size=1)
_KANA = "ｱｶﾞﾊﾟｯｰ･ aZ0-'&<\\~"


class Maker:
    def __init__(self, seed: int, texts: list[str]) -> None:
        self.random = random.Random(seed)
        self.texts = texts

    def moment(self) -> datetime:
        return datetime(1900, 1, 1, tzinfo=JST) + timedelta(seconds=self.random.randrange(10**10))

    def value(self, shape: Shape) -> str:
        if shape.codes is not None:
            return self.random.choice(list(shape.codes.values))
        if shape is DAY:
            return f"{self.moment():%Y%m%d}"
        if shape is TIME:
            return f"{self.moment():%Y%m%d%H%M%S}"
        if shape is KANA:
            return "ｱ" + "".join(self.random.choices(_KANA, k=self.random.randrange(100)))
        if shape.longest:
            text = self.random.choice([*self.texts, "寿" * shape.longest])[: shape.longest]
            return text if shape.fits(text) else "x"
        for length in self.random.sample(range(1, 21), 20):
            for text in ("".join(self.random.choices("0123456789", k=length)), "123-4567", "202604", "KSK-1"[:length]):
                if shape.fits(text):
                    return text
        raise AssertionError(shape.allowed)

    def part(self, kind: Any, **given: Any) -> Any:
        """Elements that fit, not yet each other. Half of what may be missing is missing."""
        for each in fields(kind):
            data = each.metadata
            if each.name in given or ("missing" not in data and self.random.random() < 0.5):
                continue
            if "entry" in data:
                given[each.name] = tuple(self.part(data["group"]) for _ in range(self.random.randrange(3)))
            else:
                given[each.name] = self.part(data["group"]) if "group" in data else self.value(data["shape"])
        part = kind(**given)
        start, end = getattr(part, "valid_from", None), getattr(part, "valid_until", None)
        return replace(part, valid_until=start) if start is not None and end is not None and end < start else part

    def person(self, header: Header, validity: str) -> Confirmation:
        by_card, lost = header.reference == "1", validity in ("2", "3")
        person: Confirmation = self.part(Confirmation, **{} if lost else {"loss": None})
        changes: dict[str, Any] = {"birth": min(person.birth, header.confirmed_on)}
        if validity == "6" or person.tickets:
            changes["classification"] = "A1"
        start, end = person.qualified_from, person.disqualified_from
        if end is not None and ((start is not None and end < start) or (not lost and end <= header.confirmed_on)):
            changes["disqualified_from"] = None
        limit = person.limit_consent
        if person.limit is not None and (limit == "0" or not by_card):
            limit = "1"
        changes |= {"limit_consent": limit, "limit_time": header.executed if limit == "1" else None}
        disease = person.disease_consent
        if by_card and person.diseases:
            disease = "1"
        elif not by_card:
            disease = None if disease == "1" else disease
            changes["diseases"] = ()
        changes |= {"disease_consent": disease, "disease_time": header.executed if disease == "1" else None}
        for kind in MEDICAL:
            flag, given = getattr(person, f"{kind}_consent"), self.moment()
            flag = None if flag == "1" and not by_card else flag
            times = flag == "1" or (flag == "2" and self.random.random() < 0.5)
            changes[f"{kind}_consent"] = flag
            changes[f"{kind}_time"] = f"{given:%Y%m%d%H%M%S}" if times else None
            changes[f"{kind}_until"] = f"{given + CONSENT_LASTS:%Y%m%d%H%M%S}" if times else None
        return replace(person, **changes)

    def result(self) -> QualificationResult:
        segment = self.random.choice("1111129")
        error: dict[str, Any] = {"error_code": None, "error_message": None} if segment == "1" else {}
        header: Header = self.part(Header, segment=segment, **error)
        body: Body = self.part(Body, status=None, validity=None, search=None, results=())
        if segment != "1":
            return QualificationResult(header=header, body=replace(body, status=self.random.choice((None, "2"))))
        if header.reference == "2":
            body = replace(body, search=self.random.choice((None, self.part(SearchInfo))))
        if self.random.random() < 0.1:
            return QualificationResult(header=header, body=replace(body, status="2"))
        validity = self.random.choice("12456" if header.reference == "1" else "123456")
        body = replace(body, status="1", validity=validity)
        if validity not in "45":
            body = replace(body, results=(self.person(header, validity),))
        return QualificationResult(header=header, body=body)


@st.composite
def results(draw: Callable[[st.SearchStrategy[Any]], Any]) -> QualificationResult:
    """Every kind of answer: by card and by number, with and without a person, and errors."""
    return Maker(draw(st.integers(0, 2**32)), draw(st.lists(_TEXTS, min_size=1, max_size=6))).result()
