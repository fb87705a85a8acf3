"""Any valid record: hypothesis strategies built from the table of the layout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from kiosk.qualification import (
    CONSENT_LASTS,
    DAY,
    JST,
    TIME,
    Body,
    Confirmation,
    Header,
    QualificationResult,
    SearchInfo,
    Shape,
)

Draw = Callable[[st.SearchStrategy[Any]], Any]
MEDICAL = ("checkup", "medication", "diagnosis", "surgery")
_TIMES = st.integers(0, 10**10).map(lambda seconds: datetime(1900, 1, 1, tzinfo=JST) + timedelta(seconds=seconds))
_TEXT = st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff")


def _values(shape: Shape) -> st.SearchStrategy[str]:
    if shape.codes is not None:
        return st.sampled_from(list(shape.codes.values))
    if shape is DAY:
        return st.dates(date(1900, 1, 1), date(2999, 1, 1)).map(lambda day: f"{day:%Y%m%d}")
    if shape is TIME:
        return _TIMES.map(lambda at: f"{at:%Y%m%d%H%M%S}")
    if shape.longest:
        return st.text(_TEXT, min_size=1, max_size=min(shape.longest, 30)).filter(shape.fits)
    return st.from_regex(shape.pattern, fullmatch=True)


def _parts(kind: Any) -> st.SearchStrategy[Any]:
    """Elements that fit, not yet each other."""
    found: dict[str, st.SearchStrategy[Any]] = {}
    for each in fields(kind):
        data = each.metadata
        if "entry" in data:
            found[each.name] = st.lists(_parts(data["group"]), max_size=2).map(tuple)
        else:
            one: st.SearchStrategy[Any] = _parts(data["group"]) if "group" in data else _values(data["shape"])
            found[each.name] = one if "missing" in data else st.none() | one
    return st.builds(kind, **found)


def _ordered(part: Any) -> Any:
    if part.valid_until is not None and part.valid_from is not None and part.valid_until < part.valid_from:
        return replace(part, valid_until=part.valid_from)
    return part


def _person(draw: Draw, header: Header, validity: str) -> Confirmation:
    person: Confirmation = _ordered(draw(_parts(Confirmation)))
    by_card = header.reference == "1"
    lost = validity in ("2", "3")
    changes: dict[str, Any] = {
        "birth": min(person.birth, header.confirmed_on),
        "elderly": person.elderly and _ordered(person.elderly),
        "limit": person.limit and _ordered(person.limit),
        "diseases": tuple(map(_ordered, person.diseases)),
        "tickets": tuple(map(_ordered, person.tickets)),
        "loss": person.loss if lost else None,
    }
    if validity == "6":
        changes["classification"] = "A1"
    if (changes.get("classification") or person.classification) != "A1":
        changes["tickets"] = ()
    start, end = person.qualified_from, person.disqualified_from
    if end is not None and ((start is not None and end < start) or (not lost and end <= header.confirmed_on)):
        changes["disqualified_from"] = None
    if person.limit_consent == "0" or (not by_card and person.limit_consent is None):
        changes["limit"] = None
    changes["limit_time"] = header.executed if person.limit_consent == "1" else None
    if not by_card and person.disease_consent == "1":
        changes["disease_consent"] = "0"
    disease = changes.get("disease_consent", person.disease_consent)
    if disease != "1":
        changes["diseases"] = ()
    changes["disease_time"] = header.executed if disease == "1" else None
    for kind in MEDICAL:
        flag = getattr(person, f"{kind}_consent")
        if flag == "1" and not by_card:
            flag = changes[f"{kind}_consent"] = "0"
        given = draw(_TIMES)
        with_times = flag == "1" or (flag == "2" and draw(st.booleans()))
        changes[f"{kind}_time"] = f"{given:%Y%m%d%H%M%S}" if with_times else None
        changes[f"{kind}_until"] = f"{given + CONSENT_LASTS:%Y%m%d%H%M%S}" if with_times else None
    return replace(person, **changes)


@st.composite
def results(draw: Draw) -> QualificationResult:
    """Every kind of answer: by card and by number, with and without a person, and errors."""
    header: Header = draw(_parts(Header))
    body: Body = draw(_parts(Body).map(lambda body: replace(body, results=())))
    if header.segment == "1":
        header = replace(header, error_code=None, error_message=None)
        body = replace(body, status=body.status or "1", validity=body.validity or "1")
    else:
        body = replace(body, status=None if body.status == "1" else body.status, validity=None)
    if body.validity == "3" and header.reference == "1":
        body = replace(body, validity="2")
    if header.reference == "1":
        body = replace(body, search=None)
    else:
        body = replace(body, search=draw(st.none() | _parts(SearchInfo)))
    if body.status == "1" and body.validity in ("1", "2", "3", "6"):
        body = replace(body, results=(_person(draw, header, body.validity),))
    elif body.validity in ("1", "6"):
        body = replace(body, validity="4")
    return QualificationResult(header=header, body=body)
