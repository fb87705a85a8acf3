"""A consent has an effect: which clinical request gets data from the simulated terminal, and which gets none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from kiosk.oqs import clinical
from kiosk.oqs.document import Encoding
from kiosk.oqs.names import Kind
from kiosk.oqs.requests import PDF, ClinicalRequest, write
from kiosk.reception.consent import Answers, Item
from tests.contract.folder.bench import INSTITUTION, Bench, insurer, world
from tests.unit.oqs_folder import second_reader

BOTH, NONE = ((Item.MEDICATION, True), (Item.CHECKUP, True)), ((Item.MEDICATION, False), (Item.CHECKUP, False))
ONE = ((Item.MEDICATION, True), (Item.CHECKUP, False))


def request(kind: Kind, encoding: Encoding = Encoding.UTF8, **changes: str) -> bytearray:
    fields = {"start": "20230101", "end": "20261231"} if kind is Kind.MEDICATION else {}
    return write(
        ClinicalRequest(
            kind=kind,
            institution=changes.pop("institution", INSTITUTION),
            insurer_number=insurer("9999001"),
            symbol=changes.pop("symbol", "見本"),
            number=changes.pop("number", "1001"),
            branch=changes.pop("branch", "01"),
            file_identifier="A1B2C3D4E5F6G7H8",
            **{**fields, **changes},
        ),
        encoding,
    )


def walk(bench: Bench, given: tuple[tuple[Item, bool], ...], who: int = 0) -> str:
    return bench.desk.walk_in(who, Answers(given, comprehensive=False)).reception


def nobody_came(_: Bench) -> None:
    pass


def agreed(bench: Bench) -> None:
    walk(bench, BOTH)


def declined(bench: Bench) -> None:
    walk(bench, NONE)


def medication_only(bench: Bench) -> None:
    walk(bench, ONE)


def almost_expired(bench: Bench) -> None:
    walk(bench, BOTH)
    bench.time.moment += timedelta(hours=23, minutes=59)


def expired(bench: Bench) -> None:
    walk(bench, BOTH)
    bench.time.moment += timedelta(hours=24)


def withdrawn(bench: Bench) -> None:
    reception = walk(bench, BOTH)
    assert bench.desk.withdraw("walk-in", reception).withdrawn


def another_patient(bench: Bench) -> None:
    walk(bench, BOTH, 2)


def agreed_then_declined(bench: Bench) -> None:
    walk(bench, BOTH)
    bench.time.forward(60)
    walk(bench, NONE)


def declined_then_agreed(bench: Bench) -> None:
    walk(bench, NONE)
    bench.time.forward(60)
    walk(bench, BOTH)


def elsewhere(bench: Bench) -> None:
    bench.desk.world = world(institutions={"walk-in": "9910000002"})
    walk(bench, BOTH)


def looked_up_by_number(bench: Bench) -> None:
    assert bench.ask(limit=True).result is not None


# what happened before -> YZK, TKK: "" is data, else the reason
TABLE: list[tuple[Callable[[Bench], None], str, str]] = [
    (nobody_came, "not_consented", "not_consented"),
    (agreed, "", ""),
    (declined, "not_consented", "not_consented"),
    (medication_only, "", "not_consented"),
    (almost_expired, "", ""),
    (expired, "consent_expired", "consent_expired"),
    (withdrawn, "consent_withdrawn", "consent_withdrawn"),
    (another_patient, "not_consented", "not_consented"),
    (agreed_then_declined, "not_consented", "not_consented"),
    (declined_then_agreed, "", ""),
    (elsewhere, "not_consented", "not_consented"),
    (looked_up_by_number, "not_consented", "not_consented"),
]


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("kind", [Kind.MEDICATION, Kind.CHECKUP])
@pytest.mark.parametrize(("before", "medication", "checkup"), TABLE)
def test_data_or_nothing(
    share: Path, before: Callable[[Bench], None], medication: str, checkup: str, kind: Kind, encoding: Encoding
) -> None:
    bench = Bench(share, encoding)
    before(bench)
    reason = medication if kind is Kind.MEDICATION else checkup
    content = bench.answer_to(f"{kind}req_20261102_1.xml", request(kind, encoding))
    answer = clinical.read(kind, content)
    assert answer.file_identifier == "A1B2C3D4E5F6G7H8"
    told = second_reader.drugs(content), second_reader.values(content)
    if reason:
        assert (answer.result, answer.patient) == (clinical.FAILED, None)
        assert (answer.message or "").endswith(reason)
        assert told == ([], [])
        assert "試験" not in second_reader.root(content).xpath("string(/)")
    elif kind is Kind.MEDICATION:
        assert told == ([("202601", "模擬錠", "1日1回", "14"), ("202602", "模擬散", "1日3回", "5")], [])
    else:
        assert told == ([], [("20260401", "身長", "160.1")])
    assert bench.left() == (0, 0)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"number": "1003"}, "not_consented"),
        ({"branch": "02"}, "not_consented"),
        ({"symbol": "別"}, "not_consented"),
        ({"institution": "9910000002"}, "KSK-1002"),
        ({"file_category": PDF}, "KSK-1003"),
    ],
)
def test_a_consent_is_for_this_person_here(share: Path, changes: dict[str, str], word: str) -> None:
    bench = Bench(share)
    agreed(bench)
    answer = clinical.read(
        Kind.MEDICATION, bench.answer_to("YZKsiquc01req_1.xml", request(Kind.MEDICATION, Encoding.UTF8, **changes))
    )
    assert (answer.result, answer.months) == (clinical.FAILED, ())
    assert word in (answer.message or "")


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("20260110", "20260110", 1),
        ("20260111", "20260215", 1),
        ("20260101", "20261231", 2),
        ("20260216", "20261231", 0),
    ],
)
def test_only_the_period_that_was_asked_for(share: Path, start: str, end: str, days: int) -> None:
    bench = Bench(share)
    agreed(bench)
    content = bench.answer_to("YZKsiquc01req_1.xml", request(Kind.MEDICATION, start=start, end=end))
    assert len(second_reader.drugs(content)) == days
