"""Requests and clinical answers of all kinds, fictional."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache

from hypothesis import strategies as st

from kiosk.oqs.clinical import DONE, Checkup, ClinicalAnswer, Day, Drug, Item, Month, Patient, Source, Treatment
from kiosk.oqs.document import NO_CHARACTER, Encoding
from kiosk.oqs.names import Kind
from kiosk.oqs.requests import ClinicalRequest, EligibilityRequest, Request
from kiosk.qualification import SearchInfo

INSTITUTION = "9910000001"


def _mappable() -> str:
    """Every character of code page 932 that comes back as itself."""
    found = []
    for code in range(0x20, 0x10000):
        character = chr(code)
        if 0xD800 <= code < 0xE000 or 0xE000 <= code < 0xF900 or 0x7F <= code < 0xA0:
            continue
        try:
            coded = character.encode("cp932")
        except UnicodeEncodeError:
            continue
        if coded not in NO_CHARACTER and coded.decode("cp932") == character:
            found.append(character)
    return "".join(found)


MAPPABLE = _mappable()


_WORDS = ("見本ｱ", "〒", "  a  ", "&<>", "]]>", "\"'", "ー～∥－￠￡￢", "纊①Ⅰ㈱髙﨑", "ﾊﾟ･ｧ", "‐―…", "　x", "\\~")


@cache  # an alphabet of thousands takes its time to be set up
def words(most: int) -> st.SearchStrategy[str]:
    """In either encoding, exactly."""
    text = st.sampled_from([word[:most] for word in _WORDS]) | st.text(MAPPABLE, min_size=1, max_size=min(most, 4))
    return text.filter(str.strip)


@cache
def anything(most: int) -> st.SearchStrategy[str]:
    """UTF-8 only."""
    letters = st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\ufffe\uffff")
    return st.text(letters, min_size=1, max_size=most).filter(str.strip)


DAYS = st.dates(date(1900, 1, 1), date(2199, 12, 31)).map(lambda day: f"{day:%Y%m%d}")
MONTHS = DAYS.map(lambda day: day[:6])
NUMBERS = st.from_regex(r"\A[0-9]{6}\Z") | st.from_regex(r"\A[0-9]{8}\Z")
BRANCHES = st.none() | st.integers(0, 99).map(lambda number: f"{number:02}")
IDENTIFIERS = st.from_regex(r"\A[A-Za-z0-9_-]{16}\Z")
KANA = st.text("ｱｲｳｴｵｼｹﾝﾊﾅｺﾞﾟ ", min_size=1, max_size=30).filter(str.strip)
INSTITUTIONS = st.from_regex(r"\A[0-9]{7,10}\Z")
CODES = st.from_regex(r"\A[0-9]{1,9}\Z")


@st.composite
def requests(draw: st.DrawFn, text: st.SearchStrategy[str] | None = None) -> Request:
    text = words(40) if text is None else text
    if draw(st.booleans()):
        return EligibilityRequest(
            confirmed_on=draw(DAYS),
            institution=INSTITUTION,
            file_identifier=draw(IDENTIFIERS),
            search=SearchInfo(
                insurer_number=draw(NUMBERS),
                symbol=draw(st.none() | text),
                number=draw(text),
                branch=draw(BRANCHES),
                birth=draw(DAYS),
                limit_consent=draw(st.sampled_from([None, "0", "1"])),
                identifier=draw(st.none() | text),
            ),
        )
    kind = draw(st.sampled_from([Kind.MEDICATION, Kind.CHECKUP]))
    start, end = sorted([draw(DAYS), draw(DAYS)])
    return ClinicalRequest(
        kind=kind,
        institution=INSTITUTION,
        insurer_number=draw(NUMBERS),
        symbol=draw(st.none() | text),
        number=draw(text),
        branch=draw(BRANCHES),
        file_identifier=draw(IDENTIFIERS),
        start=start if kind is Kind.MEDICATION else None,
        end=end if kind is Kind.MEDICATION else None,
        file_category=draw(st.sampled_from("12")),
        treatment=draw(st.sampled_from("123")),
    )


DRUGS = st.builds(
    Drug,
    name=words(20),
    code=st.none() | CODES,
    ingredient=st.none() | words(20),
    quantity=st.none() | CODES,
    unit=st.none() | words(5),
    usage=st.none() | words(20),
    classification=st.none() | CODES,
    times=st.none() | CODES,
    instruction=st.none() | words(20),
)
TREATMENTS = st.builds(
    Treatment,
    name=words(20),
    code=st.none() | CODES,
    classification=st.none() | CODES,
    quantity=st.none() | CODES,
    times=st.none() | CODES,
    unit=st.none() | words(5),
)


@st.composite
def months(draw: st.DrawFn) -> Month:
    source = draw(st.sampled_from(Source))
    days = draw(
        st.lists(
            st.builds(
                Day,
                dispensed=st.none() | DAYS if source is not Source.PRESCRIPTION else st.none(),
                prescribed=st.none() | DAYS,
                drugs=st.lists(DRUGS, max_size=2).map(tuple),
                treatments=st.lists(TREATMENTS, max_size=2).map(tuple) if source is Source.RECEIPT else st.just(()),
            ),
            max_size=2,
        )
    )
    names = {name: draw(st.none() | words(10)) for name in ("dispenser_name", "prescriber_name")}
    codes = {name: draw(st.none() | INSTITUTIONS) for name in ("dispenser", "prescriber")}
    return Month(source=source, month=draw(MONTHS), days=tuple(days), **names, **codes)


ITEMS = st.builds(
    Item,
    name=words(20),
    value=words(20),
    code=st.none() | CODES,
    data_type=st.sampled_from([None, "PQ", "ST", "CD", "CO"]),
    unit=st.none() | words(5),
    oid=st.none() | st.just("1.2.392.99999"),
    value_name=st.none() | words(20),
)
CHECKUPS = st.builds(Checkup, day=DAYS, items=st.lists(ITEMS, min_size=1, max_size=3).map(tuple))


@st.composite
def answers(draw: st.DrawFn) -> ClinicalAnswer:
    """The months of each source together, as the file has them."""
    kind = draw(st.sampled_from([Kind.MEDICATION, Kind.CHECKUP]))
    answer = ClinicalAnswer(
        kind=kind,
        institution=INSTITUTION,
        file_identifier=draw(st.none() | IDENTIFIERS),
        result=DONE,
        message=draw(st.none() | words(50)),
    )
    if draw(st.integers(0, 5)) == 0:
        return replace(answer, result="9")
    found = draw(st.lists(months(), max_size=4)) if kind is Kind.MEDICATION else []
    return replace(
        answer,
        patient=Patient(
            name="試験　" + draw(words(10)), kana=draw(KANA), birth=draw(DAYS), sex=draw(st.sampled_from("123"))
        ),
        months=tuple(sorted(found, key=lambda month: month.source)),
        checkups=tuple(draw(st.lists(CHECKUPS, max_size=3))) if kind is Kind.CHECKUP else (),
    )


ENCODINGS = st.sampled_from(Encoding)
