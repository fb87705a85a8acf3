"""Look-up by number through the folders: every answer, both encodings, nothing left lying."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.eligibility.port import GatewayError
from kiosk.oqs.document import Encoding
from kiosk.oqs.names import file_identifier, parse
from kiosk.reception.failure import FailureCode
from kiosk.reception.states import Validity
from tests.contract.folder.bench import INSTITUTION, Bench
from tests.unit.oqs_folder.second_reader import leaves

ANSWERS = [
    ("1001", "1", True),
    ("1002", "2", True),
    ("1903", "3", True),
    ("1999", "4", False),
    ("1005", "5", False),
    ("1006", "6", True),
]


@pytest.mark.parametrize("answers_in", Encoding)
@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize(("number", "validity", "somebody"), ANSWERS)
def test_every_validity(
    share: Path, number: str, validity: str, somebody: bool, encoding: Encoding, answers_in: Encoding
) -> None:
    bench = Bench(share, encoding, answers_in)
    found = bench.ask(number=number)
    assert found.validity == Validity(validity), found
    assert (found.result is not None) is somebody
    if found.result is not None:
        assert found.result.reception == "r-1"
        header = found.result.qualification.header
        assert (header.file_identifier, header.reference) == (file_identifier("r-1"), "2")
        assert found.result.qualification.person.name.startswith("試験")
        assert "Pharmacists" not in found.as_json()  # nothing medical without the card
    assert bench.left() == (0, 0)


def test_the_request_is_what_was_typed(share: Path) -> None:
    bench = Bench(share)
    seen: list[bytes] = []

    def look() -> None:
        seen.extend(path.read_bytes() for path in (share / "req").glob("*.xml"))
        seen[1:] = []
        bench.terminal.step()

    bench.step = look
    bench.ask(limit=True)
    assert leaves(seen[0]) == {
        "confirmed_on": "20261102",
        "institution": INSTITUTION,
        "file_identifier": file_identifier("r-1"),
        "insurer_number": "99990010"[:7] + leaves(seen[0])["insurer_number"][-1],
        "symbol": "見本",
        "number": "1001",
        "branch": "01",
        "birth": "19850412",
        "limit_consent": "1",
    }


@pytest.mark.parametrize(("limit", "there"), [(None, False), (False, False), (True, True)])
def test_the_limit_is_answered_with_a_consent_only(share: Path, limit: bool | None, there: bool) -> None:
    found = Bench(share).ask(limit=limit)
    assert found.result is not None
    assert (found.result.qualification.person.limit is not None) is there


@pytest.mark.parametrize("encoding", Encoding)
def test_characters_with_two_places_in_unicode_come_back(share: Path, encoding: Encoding) -> None:
    bench = Bench(share, encoding)
    assert bench.ask(number="1008", symbol="～－").validity is Validity.VALID
    # Not found under the other spelling, but no answer to another question either.
    assert bench.ask(number="1008", symbol="〜−").failure == ""


def test_branch_and_symbol_may_be_empty(share: Path) -> None:
    bench = Bench(share)
    assert bench.ask(symbol="", branch="").validity in (Validity.VALID, Validity.NONE, Validity.SEVERAL)
    assert bench.left() == (0, 0)


def test_an_upstream_error_keeps_its_code(share: Path) -> None:
    bench = Bench(share)
    found = bench.ask(number="1007")
    assert (found.failure, found.word) == ("GATEWAY_ERROR", "E-1234")
    assert bench.left() == (0, 0)


def test_the_other_side_may_take_its_time(share: Path) -> None:
    bench = Bench(share, delay=29)
    assert bench.ask().validity is Validity.VALID
    assert bench.left() == (0, 0)


def test_a_late_answer_is_fetched(share: Path) -> None:
    bench = Bench(share, delay=40)
    found = bench.ask()
    assert (found.failure, found.word) == ("FOLDER_TIMEOUT", "<no answer>")
    assert bench.lookup.fetch("r-1") is None
    bench.pass_time(15)
    assert bench.left() == (0, 1)
    assert bench.lookup.fetch("r-2") is None
    with bench.lookup.fetch("r-1") or pytest.fail("not found") as late:
        assert "試験".encode() in bytes(late.view())
    assert bench.left() == (0, 0)
    assert bench.lookup.fetch("r-1") is None


def test_the_same_question_again_takes_the_late_answer(share: Path) -> None:
    bench = Bench(share, delay=40)
    assert bench.ask().failure == "FOLDER_TIMEOUT"
    bench.pass_time(15)
    bench.faults = ()
    assert bench.ask().validity is Validity.VALID
    assert bench.left() == (0, 0)


def test_another_question_never_takes_the_late_answer(share: Path) -> None:
    bench = Bench(share, delay=40)
    assert bench.ask(number="1002").failure == "FOLDER_TIMEOUT"
    bench.pass_time(15)
    bench.terminal = Bench(share, time=bench.time).terminal
    bench.step = bench.terminal.step
    assert bench.ask(number="1001").validity is Validity.VALID
    assert bench.lookup.fetch("r-1") is None
    # The answer that nobody wants any more goes with time.
    assert bench.left() == (0, 1)
    bench.pass_time(3700)
    bench.lookup.tidy()
    assert bench.left() == (0, 0)


def test_after_a_restart_nobody_knows_which_question_a_file_answers(share: Path) -> None:
    bench = Bench(share, delay=40)
    assert bench.ask().failure == "FOLDER_TIMEOUT"
    bench.pass_time(15)
    assert bench.kiosk().fetch("r-1") is None
    assert bench.left() == (0, 1)


def test_no_name_is_used_twice(share: Path) -> None:
    bench = Bench(share)
    names: list[str] = []

    def watch() -> None:
        names.extend(each.name for each in (share / "req").glob("*.xml"))

    bench.step = watch
    bench.ask()
    first = names[0]
    bench.time.moment = parse(first).time or bench.time.moment
    (share / "res" / first.replace("req_", "res_")).write_bytes(b"of another day")
    del names[:]
    bench.lookup = bench.kiosk()
    bench.ask()
    assert names[0] != first
    assert (share / "res" / first.replace("req_", "res_")).read_bytes() == b"of another day"


def test_files_of_others_are_left_alone(share: Path) -> None:
    bench = Bench(share)
    others = [
        "OQSsiquc01res_20261102090000.xml",
        "OQSsiquc01res_9910000002" + "a" * 20 + "_20200101000000.xml",
        "YZKsiquc01res_1.xml",
        "notes.txt",
    ]
    ours = [f"OQSsiquc01res_{INSTITUTION}{'a' * 20}_20200101000000.{end}" for end in ("xml", "tmp")]
    for name in [*others, *ours]:
        (share / "res" / name).write_bytes(b"x")
    assert bench.ask().validity is Validity.VALID
    assert sorted(path.name for path in (share / "res").iterdir()) == sorted(others)


@pytest.mark.parametrize("symbol", ["𠮷", "é"])
def test_what_shift_jis_lacks_is_not_asked_for(share: Path, symbol: str) -> None:
    bench = Bench(share, Encoding.SHIFT_JIS)
    found = bench.ask(symbol=symbol)
    assert (found.failure, found.word) == ("FOLDER_NONSENSE", "<character>")
    assert bench.left() == (0, 0)
    assert not bench.events
    assert Bench(share, Encoding.UTF8).ask(symbol=symbol).validity is Validity.NONE


def test_what_is_no_query_is_not_asked_for(share: Path) -> None:
    bench = Bench(share)
    assert bench.ask(insurer="99990011").word == "<query>"
    assert bench.left() == (0, 0)


def test_many_receptions_at_once_get_their_own(share: Path) -> None:
    bench = Bench(share, delay=40)
    numbers = [number for number, _, somebody in ANSWERS if somebody]
    for number in numbers:
        assert bench.ask(f"r-{number}", number).failure == "FOLDER_TIMEOUT"
    bench.pass_time(45)
    for number in reversed(numbers):
        found = bench.lookup.fetch(f"r-{number}")
        assert found is not None
        with found:
            assert f'"{number}"'.encode() in bytes(found.view())
    assert bench.left() == (0, 0)


def test_only_the_last_hundred_questions_are_remembered(share: Path) -> None:
    bench = Bench(share, delay=200, seconds=1)
    for number in range(102):
        assert bench.ask(f"r-{number}").failure == "FOLDER_TIMEOUT"
    bench.pass_time(200)
    assert [number for number in range(102) if bench.lookup.fetch(f"r-{number}") is None] == [0, 1]
    bench.lookup.close()
    assert bench.lookup.fetch("r-101") is None


def test_check_says_what_is_wrong(share: Path) -> None:
    bench = Bench(share)
    bench.lookup.check()
    (share / "req").rmdir()
    (share / "req").write_bytes(b"")
    with pytest.raises(GatewayError) as caught:
        bench.lookup.check()
    assert (caught.value.failure, caught.value.upstream) == (FailureCode.FOLDER_DOWN, "<share gone>")
    (share / "req").unlink()
