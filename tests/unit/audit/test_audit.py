"""The audit: what it takes, what it refuses, and that nothing is lost or changed unnoticed."""

from __future__ import annotations

import ast
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kiosk.audit import GENESIS, Audit, Entry, Head, NotAllowed, Unavailable, Verdict, What, verify
from kiosk.audit import store as store_module
from kiosk.audit.chain import head_file, link, read, stored_head
from kiosk.audit.entry import canonical
from kiosk.reception.events import Test
from kiosk.reception.failure import FailureCode
from kiosk.reception.states import Method, StaffReason

UUID = "6f1c1f2e-2f0b-4a53-9a57-0123456789ab"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "audit.db"


@pytest.fixture
def audit(path: Path) -> Iterator[Audit]:
    audit = Audit(path)
    yield audit
    audit.close()


def bodies(path: Path) -> list[dict[str, Any]]:
    return [json.loads(body) for _, body, _ in read(path)]


def filled(path: Path, count: int = 5) -> None:
    audit = Audit(path)
    for _ in range(count):
        audit.record("started")
    audit.close()


def many(audit: Audit) -> None:
    for _ in range(1000):
        audit.record("started")


def forge(path: Path, *statements: str) -> None:
    """What someone does who has the file."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("DROP TRIGGER never_changed")
        database.execute("DROP TRIGGER never_removed")
        for statement in statements:
            database.execute(statement)
        database.commit()


# --- what it takes -------------------------------------------------------------------------------------------------


def test_an_entry_says_what_happened(path: Path) -> None:
    audit = Audit(path, simulated=True, now=lambda: datetime(2026, 4, 1, 9, tzinfo=UTC), monotonic=lambda: 7.9)
    audit.record(
        "problem", UUID, "read: G-104, again", code=FailureCode.GATEWAY_DOWN, method=Method.PIN, milliseconds=1200
    )
    (entry,) = bodies(path)
    assert entry.pop("reception") == audit.pseudonym(UUID)
    assert entry == {
        "what": "problem",
        "detail": "read: G-104, again",
        "code": "G-101",
        "method": "pin",
        "milliseconds": 1200,
        "simulated": True,
        "number": 1,
        "at": "2026-04-01T09:00:00.000+00:00",
        "up": 7,
    }
    audit.close()


@pytest.mark.parametrize("what", list(What))
def test_every_word_is_taken(audit: Audit, path: Path, what: What) -> None:
    audit.record(what.value)
    assert bodies(path) == [{"what": what.value, "number": 1, "at": bodies(path)[0]["at"], "up": bodies(path)[0]["up"]}]


def test_no_reception_id_in_the_file_and_another_pseudonym_in_the_next_run(path: Path) -> None:
    for _ in range(2):
        audit = Audit(path)
        audit.record("reception_started", UUID)
        audit.record("reception_ended", UUID)
        audit.close()
    first, same, second, _ = (entry["reception"] for entry in bodies(path))
    assert first == same != second
    for file in path.parent.iterdir():
        assert UUID.encode() not in file.read_bytes()


@pytest.mark.parametrize("code", list(FailureCode))
def test_every_failure_code_may_stand_in_the_detail(audit: Audit, code: FailureCode) -> None:
    audit.record("problem", detail=code.value)
    audit.record("problem", detail=f"{code.value}:try-2")


def test_the_domain_says_only_words_of_the_audit(audit: Audit) -> None:
    """Every `Record(...)` of the rule book, and what it may give as detail."""
    tree = ast.parse((Path(__file__).parents[3] / "kiosk" / "reception" / "machine.py").read_text(encoding="utf-8"))
    said = []
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "Record":
            what = call.args[0]
            branches = (what.body, what.orelse) if isinstance(what, ast.IfExp) else (what,)
            said += [branch.value for branch in branches if isinstance(branch, ast.Constant)]
    assert len(said) > 10
    assert set(said) <= {what.value for what in What}
    for detail in [*Method, *FailureCode, *Test, *StaffReason, "no_card"]:
        audit.record("problem", detail=str(detail))


# --- what it refuses -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "detail",
    [
        "試験 太郎",
        "Yamada",
        "8317",
        "8 3 1 7",
        "8.3-1:7",
        "1980-01-02",
        "a" * 81,
        "line\nbreak",
        "x@y",
        "G-104G-104" * 9,
        "٣٣٣٣",
    ],
)
def test_details_that_might_be_personal(audit: Audit, path: Path, detail: str) -> None:
    with pytest.raises(NotAllowed) as caught:
        audit.record("problem", detail=detail)
    assert detail not in str(caught.value)
    assert bodies(path) == []


def test_unknown_word(audit: Audit) -> None:
    with pytest.raises(NotAllowed) as caught:
        audit.record("yamada_came")
    assert "yamada" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"what": "problem"},
        {"code": "G-104"},
        {"method": "pin"},
        {"simulated": 1},
        {"reception": UUID},
        {"milliseconds": -1},
        {"milliseconds": 86_400_001},
        {"milliseconds": 1.5},
        {"milliseconds": True},
    ],
)
def test_an_entry_checks_every_field(wrong: dict[str, Any]) -> None:
    with pytest.raises(NotAllowed):
        Entry(**{"what": What.PROBLEM, **wrong})


@given(st.text(max_size=100))
@example("12 34")
def test_no_four_digits_get_in(detail: str) -> None:
    try:
        Entry(What.PROBLEM, detail=detail)
    except NotAllowed:
        return
    assert detail.isascii()
    rest = detail
    for code in FailureCode:
        rest = rest.replace(code.value, "")
    joined = "".join(sign for sign in rest if sign not in " ,.:-")
    assert not any(joined[start : start + 4].isdigit() for start in range(len(joined) - 3))


# --- the chain -----------------------------------------------------------------------------------------------------


def test_the_hash_is_sha256_over_previous_and_body() -> None:
    import hashlib

    body = canonical({"b": 1, "a": "x"})
    assert body == '{"a":"x","b":1}'
    assert link(GENESIS, body) == hashlib.sha256(b"\0" * 32 + body.encode()).hexdigest()


def test_head_and_verdict(audit: Audit, path: Path) -> None:
    assert audit.head() == Head()
    assert audit.moved_aside is None
    heads = [audit.record("started") for _ in range(3)]
    assert [head.number for head in heads] == [1, 2, 3]
    assert audit.head() == heads[-1] == stored_head(path)
    assert verify(path) == Verdict(3)
    assert verify(path).ok


def test_it_goes_on_after_a_restart(path: Path) -> None:
    filled(path)
    filled(path)
    assert verify(path) == Verdict(10)


def test_threads_take_turns(audit: Audit, path: Path) -> None:
    threads = [threading.Thread(target=lambda: [audit.record("started") for _ in range(10)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verify(path) == Verdict(40)


def test_two_writers_do_not_break_the_chain(path: Path) -> None:
    first, second = Audit(path), Audit(path)
    for _ in range(3):
        first.record("started")
        second.record("stopped")
    first.close()
    second.close()
    assert verify(path) == Verdict(6)


def test_nothing_is_changed_or_removed_through_sql(audit: Audit, path: Path) -> None:
    audit.record("started")
    with closing(sqlite3.connect(path)) as database:
        for statement in ("UPDATE entries SET body = ''", "DELETE FROM entries"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                database.execute(statement)


@pytest.mark.parametrize(
    ("statement", "first_bad", "reason"),
    [
        ("UPDATE entries SET body = replace(body, 'started', 'stopped') WHERE number = 3", 3, "entry was changed"),
        ("UPDATE entries SET hash = substr(hash, 2) || 'x' WHERE number = 2", 2, "entry was changed"),
        ("DELETE FROM entries WHERE number = 3", 3, "entry is missing"),
        ("DELETE FROM entries WHERE number > 3", 4, "entries at the end are missing"),
        ("DELETE FROM entries", 1, "entries at the end are missing"),
        ("DELETE FROM entries WHERE number = 1", 2, "entry was changed"),
        ("UPDATE entries SET body = 'x' WHERE number = 1", 1, "file is damaged"),
        ("UPDATE entries SET body = '[]' WHERE number = 1", 1, "file is damaged"),
        ("UPDATE entries SET body = x'ff00' WHERE number = 4", 4, "entry was changed"),
        ("DROP TABLE entries", 1, "file is damaged"),
    ],
)
def test_forgeries_are_found(path: Path, statement: str, first_bad: int, reason: str) -> None:
    filled(path)
    forge(path, statement)
    found = verify(path)
    assert (found.first_bad, found.reason, found.ok) == (first_bad, reason, False)


def test_a_rewritten_chain_does_not_fit_the_head(path: Path, tmp_path: Path) -> None:
    filled(path)
    other = tmp_path / "other.db"
    filled(other, 6)
    for suffix in ("", "-wal", "-shm"):
        if Path(f"{other}{suffix}").exists():
            shutil.copy(f"{other}{suffix}", f"{path}{suffix}")
    assert verify(path) == Verdict(4, 5, "chain was replaced")


def test_a_body_with_another_number_is_found(path: Path) -> None:
    filled(path, 1)
    body = canonical({"what": "started", "number": 7})
    forge(path, f"UPDATE entries SET body = '{body}', hash = '{link(GENESIS, body)}'")
    head_file(path).unlink()
    assert verify(path).reason == "entry was changed"


def test_a_head_one_entry_behind_is_fine(path: Path) -> None:
    filled(path, 2)
    before = head_file(path).read_bytes()
    filled(path, 1)
    head_file(path).write_bytes(before)
    assert verify(path) == Verdict(3)


@pytest.mark.parametrize("text", ["", "x", "1 x", "1 " + "g" * 64, "-1 " + "0" * 64, "9" * 16 + " " + "0" * 64, "é"])
def test_a_broken_head_is_no_head(path: Path, text: str) -> None:
    filled(path, 2)
    head_file(path).write_text(text, encoding="utf-8")
    assert stored_head(path) is None
    assert verify(path) == Verdict(2)
    filled(path, 1)
    assert verify(path) == Verdict(3)


def test_an_empty_chain_verifies(audit: Audit, path: Path) -> None:
    assert verify(path) == Verdict(0)
    head_file(path).write_text(str(Head()))
    assert verify(path) == Verdict(0)


def test_no_file(path: Path) -> None:
    assert verify(path).reason == "file is damaged"


# --- damage --------------------------------------------------------------------------------------------------------


def reopened(path: Path, known: Head) -> Audit:
    """A new chain that is linked to `known`, the old file kept."""
    audit = Audit(path)
    assert audit.moved_aside is not None
    entry = bodies(path)[0]
    assert entry["what"] == "recovered"
    assert entry["previous"] == known.hash
    assert entry["number"] == known.number + 1
    assert verify(path) == Verdict(1)
    audit.record("started")
    assert verify(path) == Verdict(2)
    return audit


@pytest.mark.parametrize("garbage", [b"no database", b"x" * 5000])
def test_a_file_that_is_no_database(path: Path, garbage: bytes) -> None:
    filled(path)
    known = stored_head(path)
    assert known is not None
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    path.write_bytes(garbage)
    audit = reopened(path, known)
    assert audit.moved_aside is not None
    assert audit.moved_aside.read_bytes() == garbage
    audit.close()


def test_a_damaged_page(path: Path) -> None:
    filled(path, 200)
    known = stored_head(path)
    assert known is not None
    content = bytearray(path.read_bytes())
    content[4096 * 2 : 4096 * 5] = b"\xa5" * (4096 * 3)
    path.write_bytes(content)
    reopened(path, known).close()


def test_damage_that_only_the_integrity_check_sees(path: Path) -> None:
    filled(path)
    known = stored_head(path)
    assert known is not None
    content = bytearray(path.read_bytes())
    content[36:40] = (5).to_bytes(4, "big")  # number of free pages, SQLite file format 1.3
    path.write_bytes(content)
    reopened(path, known).close()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM entries WHERE number > 3",
        "UPDATE entries SET body = '{}' WHERE number = 5",
        "UPDATE entries SET hash = 'zz' WHERE number = 4",
        "UPDATE entries SET hash = 'zz' WHERE number = 5",
        "UPDATE entries SET body = 5 WHERE number = 5",
        "UPDATE entries SET body = x'00' WHERE number = 5",
        "DROP TABLE entries",
        "ALTER TABLE entries RENAME COLUMN hash TO sum",
    ],
)
def test_what_is_noticed_at_the_start(path: Path, statement: str) -> None:
    filled(path)
    known = stored_head(path)
    assert known is not None
    forge(path, statement)
    reopened(path, known).close()


def test_the_file_is_gone(path: Path) -> None:
    filled(path)
    known = stored_head(path)
    assert known is not None
    for file in path.parent.glob("audit.db*"):
        if file != head_file(path):
            file.unlink()
    reopened(path, known).close()


def test_numbers_never_repeat_even_when_the_head_is_old(path: Path) -> None:
    filled(path, 2)
    old = head_file(path).read_bytes()
    filled(path, 3)
    head_file(path).write_bytes(old)
    forge(path, "UPDATE entries SET body = '{}' WHERE number = 5")
    audit = Audit(path)
    assert bodies(path)[0]["number"] == 6
    assert verify(path) == Verdict(1)
    audit.close()


def test_damage_without_any_head_begins_at_genesis(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"garbage" * 100)
    audit = Audit(path)
    assert bodies(path)[0]["previous"] == GENESIS
    assert verify(path) == Verdict(1)
    audit.close()


def test_files_moved_aside_never_replace_each_other(path: Path) -> None:
    for _ in range(3):
        path.parent.mkdir(exist_ok=True)
        for suffix in ("-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
        path.write_bytes(b"garbage" * 100)
        Audit(path).close()
    assert len(list(path.parent.glob("audit.db.damaged-?"))) == 3


def test_a_first_entry_with_a_broken_link_is_changed(path: Path) -> None:
    filled(path, 1)
    body = canonical({"what": "recovered", "number": 1, "previous": 5})
    forge(path, f"UPDATE entries SET body = '{body}'")
    assert verify(path).reason == "entry was changed"


# --- when it cannot be written -------------------------------------------------------------------------------------


def test_a_locked_file_is_not_damaged(path: Path) -> None:
    filled(path)
    audit = Audit(path)
    audit._database.execute("PRAGMA busy_timeout = 10")  # milliseconds
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Unavailable) as caught:
            audit.record("started")
        assert str(caught.value) == "OperationalError"
        other.execute("ROLLBACK")
    audit.record("started")
    audit.close()
    assert verify(path) == Verdict(6)


def test_a_locked_file_at_the_start(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(path: Path) -> sqlite3.Connection:
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(store_module, "_connect", locked)
    with pytest.raises(Unavailable):
        Audit(path)
    assert not list(path.parent.glob("*damaged*"))


def test_a_full_disk_keeps_what_was_there(audit: Audit, path: Path) -> None:
    audit.record("started")
    audit._database.execute("PRAGMA max_page_count = 1")  # SQLite takes the present size as the limit
    with pytest.raises(Unavailable):
        many(audit)
    written = audit.head().number
    assert verify(path) == Verdict(written)
    audit._database.execute("PRAGMA max_page_count = 1000000")
    audit.record("started")
    assert verify(path) == Verdict(written + 1)


def test_a_folder_in_the_way(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(Unavailable):
        Audit(path)


def test_no_space_for_the_head_loses_no_entry(audit: Audit, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    audit.record("started")
    monkeypatch.setattr(store_module, "write_atomically", full)
    audit.record("stopped")
    assert verify(path) == Verdict(2)


def test_the_files_are_for_the_kiosk_s_user_only(audit: Audit, path: Path) -> None:
    audit.record("started")
    for file in path.parent.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file


KILLED = """
import sys
from pathlib import Path
from kiosk.audit import Audit
audit = Audit(Path(sys.argv[1]))
while True:
    print(audit.record("started").number, flush=True)
"""


def test_kill_9_loses_nothing_that_was_confirmed(path: Path) -> None:
    confirmed = 0
    for round_ in range(4):
        with subprocess.Popen(
            [sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
        ) as child:
            assert child.stdout is not None
            for _ in range(3 + 2 * round_):
                confirmed = int(child.stdout.readline())
            os.kill(child.pid, signal.SIGKILL)
            for line in child.stdout:
                if line.endswith("\n"):
                    confirmed = int(line)
        audit = Audit(path)
        assert audit.moved_aside is None
        assert audit.head().number >= confirmed
        audit.close()
        assert verify(path).ok
        assert verify(path).entries >= confirmed
