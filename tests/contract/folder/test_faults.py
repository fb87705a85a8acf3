"""Bad input at the folder, as a table: fault, what staff are told, what is left lying, and that nothing is lost."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kiosk.eligibility.model import TicketRecord
from kiosk.eligibility.port import GatewayError
from kiosk.oqs.document import Encoding
from kiosk.reception.failure import FailureCode
from kiosk.reception.states import Validity
from tests.contract.folder.bench import Bench, Outcome, person, unprivileged, world

# fault -> failure ("": answered), word, files left in req and res at once; after the retention there are none
TABLE = [
    ("", "", "", (0, 0)),
    ("no-answer", "FOLDER_TIMEOUT", "<no answer>", (0, 0)),
    ("late", "FOLDER_TIMEOUT", "<no answer>", (0, 0)),
    ("half-written", "", "", (0, 0)),
    ("truncated", "FOLDER_NONSENSE", "<xml>", (0, 0)),
    ("wrong-encoding", "FOLDER_NONSENSE", "<bytes>", (0, 0)),
    ("wrong-identifier", "FOLDER_NONSENSE", "<other reception>", (0, 0)),
    ("wrong-institution", "FOLDER_NONSENSE", "<other institution>", (0, 0)),
    ("dtd", "FOLDER_NONSENSE", "<dtd>", (0, 0)),
    ("garbage", "FOLDER_NONSENSE", "<declaration>", (0, 0)),
    ("oversized", "FOLDER_NONSENSE", "<size>", (0, 0)),
    ("duplicate", "", "", (0, 1)),
    ("permission", "FOLDER_DOWN", "<permission denied>", (0, 1)),
]


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize(("fault", "failure", "word", "left"), TABLE)
def test_every_fault_of_the_other_side(
    share: Path, fault: str, failure: str, word: str, left: tuple[int, int], encoding: Encoding
) -> None:
    bench = Bench(share, encoding, faults=(f"{fault}:1",) if fault else ())
    with unprivileged():
        found = bench.ask()
        told = found.word
        if fault == "truncated":  # in the middle of a character of two bytes, or between two
            told = told.replace("<bytes>", "<xml>")
        assert (found.failure, told) == (failure, word)
        if fault == "duplicate":
            bench.pass_time(5)
        assert bench.left() == left
        # The next question of the same reception, or of another, is answered: nothing stays spoilt.
        bench.pass_time(60)
        assert bench.ask().validity is Validity.VALID
        assert bench.ask("r-2", "1002").validity is Validity.INVALID
        bench.pass_time(3700)
        bench.lookup.tidy()
        assert bench.left() == (0, 0)


def _gone(bench: Bench) -> None:
    bench.root.rename(bench.root.with_name(bench.root.name + "-away"))


def _back(bench: Bench) -> None:
    away = bench.root.with_name(bench.root.name + "-away")
    if away.exists():
        away.rename(bench.root)


@pytest.mark.parametrize("after", [0, 5])
def test_a_share_that_is_gone(share: Path, after: int) -> None:
    bench = Bench(share, delay=20)
    go_on = bench.step

    def step() -> None:
        if after and bench.time.at >= after and share.exists():
            _gone(bench)
        go_on()

    bench.step = step
    if not after:
        _gone(bench)
    try:
        found = bench.ask()
        assert (found.failure, found.word) == ("FOLDER_DOWN", "<share gone>")
    finally:
        _back(bench)
    bench.step = go_on
    assert bench.ask().validity is Validity.VALID


def test_a_share_that_is_away_for_a_moment_costs_nothing(share: Path) -> None:
    bench = Bench(share, delay=10)
    go_on = bench.step

    def step() -> None:
        if bench.time.at == 5:
            _gone(bench)
        if bench.time.at == 6:
            _back(bench)
        go_on()

    bench.step = step
    try:
        assert bench.ask().validity is Validity.VALID
    finally:
        _back(bench)
    assert bench.left() == (0, 0)
    assert bench.terminal.counts["folders away"] == 1


@pytest.mark.parametrize("name", ["req", "res"])
def test_a_folder_that_is_missing(share: Path, name: str) -> None:
    bench = Bench(share)
    (share / name).rmdir()
    found = bench.ask()
    assert (found.failure, found.word) == ("FOLDER_DOWN", "<share gone>")
    (share / name).mkdir()


def test_a_folder_that_may_not_be_written(share: Path) -> None:
    bench = Bench(share)
    (share / "req").chmod(0o555)
    with unprivileged():
        found = bench.ask()
        with pytest.raises(GatewayError, match="permission denied"):
            bench.lookup.check()
    assert (found.failure, found.word) == ("FOLDER_DOWN", "<permission denied>")
    assert bench.left() == (0, 0)


@pytest.mark.parametrize("when", ["write", "fsync", "rename"])
@pytest.mark.parametrize(
    ("number", "word"), [(errno.ENOSPC, "<disk full>"), (errno.EDQUOT, "<disk full>"), (errno.EIO, "<share gone>")]
)
def test_a_disk_that_is_full(share: Path, monkeypatch: pytest.MonkeyPatch, when: str, number: int, word: str) -> None:
    bench = Bench(share)

    def full(*_: object) -> None:
        raise OSError(number, "no")

    with monkeypatch.context() as patch:
        patch.setattr(os, when, full)
        found = bench.ask()
    assert (found.failure, found.word) == ("FOLDER_DOWN", word)
    assert bench.left() == (0, 0)  # no half of a request either
    assert bench.ask().validity is Validity.VALID


def test_a_file_that_somebody_holds_is_waited_for(share: Path) -> None:
    bench = Bench(share, faults=("permission",))
    go_on = bench.step

    def step() -> None:
        if bench.time.at > 20:
            for path in (share / "res").iterdir():
                path.chmod(0o644)
        go_on()

    bench.step = step
    with unprivileged():
        assert bench.ask().validity is Validity.VALID
    assert bench.left() == (0, 0)


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _link(path: Path) -> None:
    path.symlink_to("/etc/hostname")


def _folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(("make", "left"), [(_pipe, 0), (_link, 0), (_folder, 1)])
def test_what_is_no_file(share: Path, make: Callable[[Path], None], left: int) -> None:
    bench = Bench(share)

    def step() -> None:
        for path in (share / "req").iterdir():
            if not os.listdir(share / "res"):
                make(share / "res" / path.name.replace("req_", "res_"))

    bench.step = step
    found = bench.ask()
    assert (found.failure, found.word) == ("FOLDER_NONSENSE", "<not a file>")
    assert bench.left() == (0, left)


CHANGES = [
    ("ArbitraryFileIdentifier>", "", "ArbitraryIdentifier>", "FOLDER_NONSENSE", "<unknown-element>"),
    ("<ReferenceClassification>2<", "", "<ReferenceClassification>1<", "FOLDER_NONSENSE", ""),
    (
        "<InsuredIdentificationNumber>1001<",
        "first",
        "<InsuredIdentificationNumber>1002<",
        "FOLDER_NONSENSE",
        "<other question>",
    ),
    ("<Birthdate>19850412<", "all", "<Birthdate>19850413<", "FOLDER_NONSENSE", "<other question>"),
    ("<Birthdate>19850412<", "last", "<Birthdate>19850413<", "FOLDER_NONSENSE", "<other question>"),
]


@pytest.mark.parametrize(("old", "which", "new", "failure", "word"), CHANGES)
def test_an_answer_that_was_changed(share: Path, old: str, which: str, new: str, failure: str, word: str) -> None:
    found = _ask_with(share, lambda text: _replaced(text, old, new, which))
    assert found.failure == failure
    assert word in found.word
    assert found.result is None


def _replaced(text: str, old: str, new: str, which: str) -> str:
    assert old in text
    if which == "first":
        return text.replace(old, new, 1)
    if which == "last":
        return new.join(text.rsplit(old, 1))
    return text.replace(old, new)


def _ask_with(share: Path, change: Callable[[str], str]) -> Outcome:
    bench = Bench(share)
    go_on = bench.step
    done: list[bool] = []

    def step() -> None:
        go_on()
        for path in (share / "res").iterdir():
            if not done:
                done.append(True)
                path.write_text(change(path.read_text()))

    bench.step = step
    found = bench.ask()
    assert bench.left() == (0, 0)
    return found


def _without_search(text: str) -> str:
    begin, end = text.index("  <QualificationConfirmSearchInfo>"), text.index("  <ResultList>")
    return text[:begin] + text[end:]


def test_the_repeated_question_may_be_missing(share: Path) -> None:
    assert _ask_with(share, _without_search).validity is Validity.VALID


def test_an_answer_by_card_is_not_one_by_number(share: Path) -> None:
    by_card = "<ReferenceClassification>1<"
    found = _ask_with(share, lambda text: _without_search(text).replace("<ReferenceClassification>2<", by_card))
    assert (found.failure, found.word) == ("FOLDER_NONSENSE", "<not by number>")


def test_an_answer_too_large_for_the_kiosk(share: Path) -> None:
    texts = {name: "医" * 200 for name in ("injury1", "injury2", "injury3", "remarks1", "remarks2", "remarks3")}
    ticket = TicketRecord(ticket_type="01", **texts)  # a hundred of them: more than 256 KiB
    insured = person("1010", classification="A1", tickets=[ticket] * 100, limit=None)
    found = Bench(share, known=world(people=[insured])).ask(number="1010")
    assert (found.failure, found.word) == ("FOLDER_NONSENSE", "<size>")


def test_then_the_birth_date_must_agree(share: Path) -> None:
    found = _ask_with(share, lambda text: _without_search(text).replace("19850412", "19850413"))
    assert found.word == "<other question>"


def _error(header: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        text = text.replace("<SegmentOfResult>1</SegmentOfResult>", header)
        return text[: text.index("<MessageBody>")] + "<MessageBody></MessageBody>\n</XmlMsg>\n"

    return change


@pytest.mark.parametrize(
    ("header", "failure", "word"),
    [
        ("<SegmentOfResult>9</SegmentOfResult><ErrorCode>E-99</ErrorCode>", "GATEWAY_ERROR", "E-99"),
        ("<SegmentOfResult>9</SegmentOfResult>", "GATEWAY_ERROR", "<error>"),
        ("<SegmentOfResult>9</SegmentOfResult><ErrorCode>&lt;x&gt;</ErrorCode>", "GATEWAY_ERROR", "<error>"),
        ("<SegmentOfResult>2</SegmentOfResult>", "FOLDER_NONSENSE", "<processing>"),
    ],
)
def test_an_answer_that_is_an_error(share: Path, header: str, failure: str, word: str) -> None:
    found = _ask_with(share, _error(header))
    assert (found.failure, found.word) == (failure, word)


def test_a_file_that_never_comes_to_rest(share: Path) -> None:
    bench = Bench(share)
    count = iter(range(10**6))

    def step() -> None:
        for path in (share / "req").iterdir():
            (share / "res" / path.name.replace("req_", "res_")).write_text(str(next(count)))

    bench.step = step
    found = bench.ask()
    assert (found.failure, found.word) == ("FOLDER_NONSENSE", "<unfinished>")
    assert bench.left() == (0, 0)


def test_an_answer_in_the_last_moment_is_still_read(share: Path) -> None:
    assert Bench(share, delay=29.5).ask().validity is Validity.VALID


def test_fetching_from_a_share_that_is_gone(share: Path) -> None:
    bench = Bench(share, delay=40)
    assert bench.ask().failure == "FOLDER_TIMEOUT"
    _gone(bench)
    try:
        with pytest.raises(GatewayError) as caught:
            bench.lookup.fetch("r-1")
        assert caught.value.failure is FailureCode.FOLDER_DOWN
    finally:
        _back(bench)
    bench.pass_time(15)
    found = bench.lookup.fetch("r-1")
    assert found is not None
    found.wipe()


def test_fetching_nonsense(share: Path) -> None:
    bench = Bench(share, delay=40, faults=("dtd",))
    assert bench.ask().failure == "FOLDER_TIMEOUT"
    bench.pass_time(15)
    with pytest.raises(GatewayError) as caught:
        bench.lookup.fetch("r-1")
    assert (caught.value.failure, caught.value.upstream) == (FailureCode.FOLDER_NONSENSE, "<dtd>")
    assert bench.left() == (0, 0)


@pytest.mark.parametrize(("fault", "failure", "word", "left"), TABLE)
def test_no_error_names_anybody(share: Path, fault: str, failure: str, word: str, left: tuple[int, int]) -> None:
    bench = Bench(share, faults=(fault,) if fault else ())
    with unprivileged():
        found = bench.ask()
    assert "1001" not in found.word
    assert all("1001" not in f"{event}" and "試験" not in f"{event}" for event in bench.events)
