"""Kept whole or not at all, readable with the key only, gone after a day at most."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.secret import SecretBytes
from kiosk.downtime import queue as module
from kiosk.downtime.errors import EntryDamaged, NotNow, QueueFull, QueueHeld
from kiosk.downtime.queue import Finished, Outcome, Queue, look
from kiosk.downtime.work import (
    PAYLOAD_BYTES,
    ConsentWork,
    Kind,
    LookupWork,
    StaffWork,
    Work,
    kind_of,
    pack,
    payload_of,
    unpack,
)
from kiosk.reception.states import StaffReason
from tests.helpers.marks import bytes_mark, hunt, text_mark

ROOT = Path(__file__).resolve().parents[3]
KEY = bytes(range(32))
NAME = "試験花子スズキ"
SYMBOL = "記号八七六五四三二一"
CERTIFICATE = bytes((7 * n * n + 3 * n) % 251 for n in range(1500))


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 4, 1, 1, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


class Room:
    """A queue in a state folder; `restart` begins a new process's life."""

    def __init__(self, root: Path) -> None:
        self.state = root / "state"
        self.folder = self.state / "queue"
        self.clock = Clock()
        self.queue = self._queue(KEY)

    def _queue(self, key: bytes, limit: int = 5) -> Queue:
        return Queue(self.folder, SecretBytes(key), now=self.clock, limit=limit)

    def restart(self, key: bytes = KEY, limit: int = 5) -> None:
        self.queue.close()
        self.queue = self._queue(key, limit)

    def files(self) -> list[Path]:
        return sorted(self.folder.iterdir())


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(tmp_path)
    yield room
    room.queue.close()


def lookup(text: str = '{"symbol":"12","number":"3"}', limit_consent: bool | None = None) -> LookupWork:
    return LookupWork(SecretBytes(text.encode()), limit_consent)


def plain(work: Work) -> tuple[object, ...]:
    """What a work says, for comparing."""
    extra: object = None
    if isinstance(work, LookupWork):
        extra = work.limit_consent
    elif isinstance(work, StaffWork):
        extra = work.reason
    return type(work), bytes(payload_of(work).view()), extra


def works() -> list[Work]:
    return [
        lookup(f'{{"name":"{NAME}","symbol":"{SYMBOL}"}}', None),
        lookup("{}", True),
        lookup("{}", False),
        StaffWork(SecretBytes(CERTIFICATE), StaffReason.CANNOT_REACH),
        ConsentWork(SecretBytes(b'{"answers":[]}')),
    ]


def line_is_down(_: str, __: Work) -> bool:
    raise NotNow


def yes(_: str, __: Work) -> bool:
    return True


class Taker:
    """Does everything, and keeps what it was given."""

    def __init__(self) -> None:
        self.receptions: list[str] = []
        self.payloads: list[bytes] = []

    def __call__(self, reception: str, work: Work) -> bool:
        self.receptions.append(reception)
        self.payloads.append(bytes(payload_of(work).view()))
        return True


def test_every_kind_comes_back_as_it_was_in_the_order_it_came(room: Room) -> None:
    expected = []
    for number, work in enumerate(works()):
        room.queue.put(f"r{number}", work)
        expected.append((f"r{number}", plain(work)))  # the caller's payload was not wiped
    room.restart()
    got: list[tuple[str, tuple[object, ...]]] = []
    given: list[SecretBytes] = []

    def do(reception: str, work: Work) -> bool:
        got.append((reception, plain(work)))
        given.append(payload_of(work))
        return reception != "r1"

    finished = room.queue.work_off(do)
    assert got == expected
    assert all(secret.wiped for secret in given)
    assert [each.outcome for each in finished] == [
        Outcome.DONE,
        Outcome.REFUSED,
        Outcome.DONE,
        Outcome.DONE,
        Outcome.DONE,
    ]
    assert finished[1] == Finished("r1", Outcome.REFUSED)
    assert room.files() == []
    assert len(room.queue) == 0


def test_rights_and_names(room: Room) -> None:
    room.queue.put("r1", lookup())
    (file,) = room.files()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(room.folder.stat().st_mode) == 0o700
    assert "r1" not in file.name
    room.folder.chmod(0o755)
    room.restart()
    assert stat.S_IMODE(room.folder.stat().st_mode) == 0o700


def test_nothing_of_the_payload_stands_in_the_state_folder(room: Room, tmp_path: Path) -> None:
    marks = [text_mark("name", NAME), text_mark("symbol", SYMBOL), bytes_mark("certificate", CERTIFICATE)]
    marks += [text_mark("hex", CERTIFICATE[100:130].hex()), text_mark("name in hex", NAME.encode().hex())]
    marks += [bytes_mark("key", KEY), text_mark("key in hex", KEY.hex())]
    planted = tmp_path / "planted"
    planted.mkdir()
    for name, data in {
        "utf16": NAME.encode("utf-16-le"),
        "hex": NAME.encode().hex().encode(),
        "packed": bytes(pack(works()[0]).view()),
        "der": CERTIFICATE,
    }.items():
        (planted / name).write_bytes(data)
        assert hunt([planted / name], marks), "the hunt must find what is there"
    for number, work in enumerate(works()):
        room.queue.put(f"r{number}", work)
        assert hunt([room.state], marks) == []
    with pytest.raises(ZeroDivisionError):
        room.queue.work_off(lambda _, __: bool(1 / 0))
    room.queue.work_off(line_is_down)
    assert hunt([room.state], marks) == []
    assert len(room.queue) == len(works())


def test_nothing_personal_is_shown(room: Room) -> None:
    for work in works():
        for text in (repr(work), str(work)):
            assert NAME not in text
            assert "CANNOT_REACH" not in text


def test_no_two_files_have_the_same_nonce(room: Room) -> None:
    nonces = set()
    room.restart(limit=1)
    for _ in range(300):
        room.queue.put("r1", lookup())
        (file,) = room.files()
        content = file.read_bytes()
        nonces.add(content[module._HEADER.size : module._HEADER.size + module._NONCE])
    assert len(nonces) == 300


def test_the_same_reception_again_replaces(room: Room) -> None:
    room.queue.put("r1", lookup("old"))
    before = os.open(room.files()[0], os.O_RDONLY)
    try:
        room.queue.put("r1", lookup("new"))
        assert os.read(before, 4096).strip(b"\0") == b""  # the replaced file was overwritten
    finally:
        os.close(before)
    taker = Taker()
    room.queue.work_off(taker)
    assert taker.payloads == [b"new"]


def test_a_removed_file_was_overwritten(room: Room) -> None:
    room.queue.put("r1", lookup())
    descriptor = os.open(room.files()[0], os.O_RDONLY)
    try:
        room.queue.work_off(yes)
        assert os.fstat(descriptor).st_nlink == 0
        assert os.read(descriptor, 4096).strip(b"\0") == b""
    finally:
        os.close(descriptor)


def test_not_now_keeps_the_rest(room: Room) -> None:
    for number in (1, 2, 3):
        room.queue.put(f"r{number}", lookup())
    asked = []

    def once(reception: str, _: Work) -> bool:
        asked.append(reception)
        if len(asked) > 1:
            raise NotNow
        return True

    assert room.queue.work_off(once) == [Finished("r1", Outcome.DONE)]
    assert asked == ["r1", "r2"]
    room.restart()
    assert [each.reception for each in room.queue.work_off(yes)] == ["r2", "r3"]


def test_what_is_too_old_goes_unread(room: Room) -> None:
    room.queue.put("r1", lookup())
    room.clock.forward(hours=23)
    room.queue.put("r2", lookup())
    assert room.queue.work_off(line_is_down) == []
    room.clock.forward(hours=1)
    taker = Taker()
    finished = room.queue.work_off(taker)
    assert finished == [Finished("r1", Outcome.EXPIRED), Finished("r2", Outcome.DONE)]
    assert taker.receptions == ["r2"]


def test_the_last_moment(tmp_path: Path) -> None:
    now = datetime(2026, 4, 1, 1, 0, tzinfo=UTC)
    with Queue(tmp_path / "queue", SecretBytes(KEY), now=lambda: now, hours=2) as queue:
        queue.put("r1", lookup())
        now += timedelta(hours=2) - timedelta(microseconds=1)
        assert queue.work_off(line_is_down) == []
        now += timedelta(microseconds=1)
        assert queue.work_off(line_is_down) == [Finished("r1", Outcome.EXPIRED)]


def test_the_expired_go_also_while_the_line_is_down(room: Room) -> None:
    room.queue.put("r1", lookup())
    room.clock.forward(hours=24)
    room.queue.put("r2", lookup())
    assert room.queue.work_off(line_is_down) == [Finished("r1", Outcome.EXPIRED)]
    assert len(room.queue) == 1


def test_a_clock_that_was_a_year_ahead_makes_nothing_live_longer(room: Room) -> None:
    room.clock.forward(days=365)
    room.queue.put("r1", lookup())
    (ahead,) = room.files()
    damaged = bytearray(ahead.read_bytes())
    room.queue.put("r2", lookup())
    room.clock.forward(days=-365)
    assert room.queue.work_off(line_is_down) == []
    assert room.queue.oldest() is not None
    assert look(room.folder).oldest == room.queue.oldest() != datetime(2027, 4, 1, 1, 0, 1, tzinfo=UTC)
    damaged[-1] ^= 1
    ahead.write_bytes(damaged)
    room.clock.forward(hours=23)
    taker = Taker()
    assert room.queue.work_off(taker) == [Finished("r2", Outcome.DONE), Finished("r1", Outcome.DAMAGED)]
    assert taker.payloads == [bytes(lookup().query.view())]
    ahead.unlink()


def test_what_was_put_ahead_of_time_ends_a_day_later(room: Room) -> None:
    room.clock.forward(days=365)
    room.queue.put("r1", lookup())
    room.clock.forward(days=-365)
    assert room.queue.work_off(line_is_down) == []
    room.clock.forward(hours=24)
    assert room.queue.work_off(yes) == [Finished("r1", Outcome.EXPIRED)]


def test_hours_are_1_to_24(room: Room, tmp_path: Path) -> None:
    for hours in (0, 25):
        with pytest.raises(ValueError, match="24"):
            Queue(tmp_path / "q", SecretBytes(KEY), now=room.clock, hours=hours)
    with Queue(tmp_path / "q", SecretBytes(KEY), now=room.clock, hours=1) as short:
        short.put("r1", lookup())
        room.clock.forward(hours=1)
        assert short.work_off(yes) == [Finished("r1", Outcome.EXPIRED)]


def test_full(room: Room) -> None:
    for number in range(5):
        room.queue.put(f"r{number}", lookup())
    with pytest.raises(QueueFull):
        room.queue.put("r9", lookup())
    room.queue.put("r2", lookup())  # replaces, so there is room
    assert len(room.queue) == 5


@pytest.mark.parametrize("bad", ["", "x" * 65, "a\0b"])
def test_ids_that_cannot_be(room: Room, bad: str) -> None:
    with pytest.raises(ValueError, match="64 bytes"):
        room.queue.put(bad, lookup())


@pytest.mark.parametrize("size", [0, PAYLOAD_BYTES + 1])
def test_payloads_that_cannot_be(room: Room, size: int) -> None:
    with pytest.raises(ValueError, match="64 KiB"):
        room.queue.put("r1", ConsentWork(SecretBytes(bytes(size))))
    assert room.files() == []


def test_the_largest_payload(room: Room) -> None:
    room.queue.put("r" * 64, ConsentWork(SecretBytes(bytes(PAYLOAD_BYTES))))
    assert room.queue.work_off(yes) == [Finished("r" * 64, Outcome.DONE)]


# --- damaged ---------------------------------------------------------------------------------------------------------


def region(name: str, size: int) -> range:
    fields = {
        "magic": range(8),
        "kind": range(8, 9),
        "put": range(9, 17),
        "expires": range(17, 25),
        "reception": range(25, 89),
        "nonce": range(89, 101),
        "ciphertext": range(101, size - 16),
        "tag": range(size - 16, size),
    }
    return fields[name]


@pytest.mark.parametrize("part", ["magic", "kind", "put", "expires", "reception", "nonce", "ciphertext", "tag"])
def test_no_changed_bit_is_taken(room: Room, part: str) -> None:
    room.queue.put("r1", lookup())
    (file,) = room.files()
    whole = file.read_bytes()
    touched = set()
    for at in region(part, len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 1 << (at % 8)
        file.write_bytes(changed)
        room.restart()
        for each in room.queue.work_off(lambda *_: pytest.fail("a changed entry was opened")):
            touched.add(each.outcome)
        if not file.exists():  # an earlier time makes it expired: removed unread, as if it had been deleted
            assert part in ("put", "expires")
            file.write_bytes(whole)
    assert Outcome.DONE not in touched
    assert touched
    file.write_bytes(whole)
    assert room.queue.work_off(yes) == [Finished("r1", Outcome.DONE)]


def test_every_length_but_the_right_one_is_refused(room: Room) -> None:
    room.queue.put("r1", lookup("x"))
    (file,) = room.files()
    whole = file.read_bytes()
    for size in [*range(len(whole)), len(whole) + 1, 200_000]:
        file.write_bytes(whole[:size].ljust(size, b"\0"))
        room.restart()
        (found,) = room.queue.work_off(lambda *_: pytest.fail("opened"))
        assert found.outcome is Outcome.DAMAGED
    assert found.reception == "", "a file too large to be an entry is not read at all"


def test_a_damaged_entry_is_told_once_counted_and_in_nobodys_way(room: Room) -> None:
    room.queue.put("r1", lookup())
    (file,) = room.files()
    room.queue.put("r2", lookup())
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert room.queue.work_off(yes) == [Finished("r1", Outcome.DAMAGED), Finished("r2", Outcome.DONE)]
    assert room.queue.work_off(yes) == []
    assert room.queue.damaged == 1
    assert file.exists()
    room.clock.forward(hours=24)
    assert room.queue.work_off(yes) == [Finished("r1", Outcome.EXPIRED)]
    assert not file.exists()


def test_what_cannot_be_believed_goes_by_its_age(room: Room) -> None:
    garbage = room.folder / "garbage.q"
    garbage.write_bytes(b"no entry")
    room.queue.put("r1", lookup())
    later = next(file for file in room.files() if file != garbage)
    header = list(module._HEADER.unpack(later.read_bytes()[: module._HEADER.size]))
    year = 365 * 24 * 3600 * 1_000_000
    header[2:4] = header[2] + year, header[3] + year
    later.write_bytes(module._HEADER.pack(*header) + later.read_bytes()[module._HEADER.size :])
    at = room.clock.now.timestamp()
    for file in (garbage, later):
        os.utime(file, (at, at))
    found = room.queue.work_off(yes)
    assert sorted(found, key=lambda each: each.reception) == [
        Finished("", Outcome.DAMAGED),
        Finished("r1", Outcome.DAMAGED),
    ]
    room.clock.forward(hours=24)
    assert {each.outcome for each in room.queue.work_off(yes)} == {Outcome.EXPIRED}
    assert room.files() == []


def test_an_entry_under_anothers_name(room: Room) -> None:
    room.queue.put("r1", lookup())
    (file,) = room.files()
    content = file.read_bytes()
    room.queue.put("r2", lookup())
    other = next(each for each in room.files() if each != file)
    other.write_bytes(content)
    assert room.queue.work_off(yes) == [Finished("r1", Outcome.DONE), Finished("", Outcome.DAMAGED)]


def test_another_key_opens_nothing(room: Room) -> None:
    room.queue.put("r1", lookup())
    room.restart(key=bytes(32))
    assert room.queue.work_off(yes) == [Finished("r1", Outcome.DAMAGED)]
    room.restart()
    assert room.queue.work_off(yes) == [Finished("r1", Outcome.DONE)]


def test_links_and_folders_are_no_entries(room: Room, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"keep")
    (room.folder / "link.q").symlink_to(tmp_path / "elsewhere")
    (room.folder / "folder.q").mkdir()
    assert len(room.queue) == 0
    room.clock.forward(days=400)
    assert room.queue.work_off(yes) == []
    assert (tmp_path / "elsewhere").read_bytes() == b"keep"


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (Kind.LOOKUP, b"{}\nx"),
        (Kind.LOOKUP, b'{"limit_consent": 1}\nx'),
        (Kind.STAFF, b'{"reason": "no such reason"}\nx'),
        (Kind.STAFF, b'{"reason": 1}\nx'),
        (Kind.CONSENT, b"[]\nx"),
        (Kind.CONSENT, b"{\nx"),
        (Kind.CONSENT, b"{}\n"),
        (Kind.CONSENT, b"{}"),
        (Kind.CONSENT, b" " * 200 + b"{}\nx"),
    ],
)
def test_what_is_genuine_but_not_ours_is_damaged(kind: Kind, content: bytes) -> None:
    with SecretBytes(content) as packed, pytest.raises(EntryDamaged):
        unpack(kind, packed)


# --- processes -------------------------------------------------------------------------------------------------------


def test_one_process_holds_it(room: Room) -> None:
    room.queue.put("r1", lookup())
    with pytest.raises(QueueHeld):
        Queue(room.folder, SecretBytes(KEY), now=room.clock)
    code = (
        "import sys; from datetime import datetime, UTC; from pathlib import Path\n"
        "from devices.secret import SecretBytes; from kiosk.downtime.queue import Queue\n"
        "from kiosk.downtime.errors import QueueHeld\n"
        "try: Queue(Path(sys.argv[1]), SecretBytes(bytes(32)), now=lambda: datetime.now(UTC))\n"
        "except QueueHeld: sys.exit(7)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(room.folder)], cwd=ROOT, check=False)
    assert done.returncode == 7
    assert look(room.folder).count == 1  # looking needs no lock
    room.queue.close()
    room.queue.close()
    done = subprocess.run([sys.executable, "-c", code, str(room.folder)], cwd=ROOT, check=False)
    assert done.returncode == 0


def test_closing_wipes_the_key(room: Room) -> None:
    key = SecretBytes(KEY)
    with Queue(room.state / "other", key, now=room.clock):
        assert not key.wiped
    assert key.wiped


def test_a_folder_that_cannot_be_one(tmp_path: Path) -> None:
    (tmp_path / "queue").symlink_to(tmp_path)
    with pytest.raises(OSError, match="queue"):
        Queue(tmp_path / "queue", SecretBytes(KEY), now=Clock())


def test_a_disk_that_refuses_at_the_start_leaves_no_lock(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    (room.folder / ".x.q.1.tmp").write_bytes(b"half")
    room.queue.close()

    def broken(*_: object) -> int:
        raise OSError(errno.EIO, "broken")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", broken)
        with pytest.raises(OSError, match="broken"):
            room.restart()
    room.restart()
    assert room.files() == []


def test_no_space_keeps_what_was_there(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "no space")

    room.queue.put("r1", lookup("old"))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        for reception in ("r1", "r2"):
            with pytest.raises(OSError, match="no space"):
                room.queue.put(reception, lookup("new"))
    taker = Taker()
    room.queue.work_off(taker)
    assert taker.payloads == [b"old"]
    assert room.files() == []


def test_the_disk_has_each_step_before_the_next(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a power cut would need to show, as far as the order of the calls can."""
    calls: list[str] = []

    def noted(name: str) -> None:
        call = getattr(os, name)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            folder = name == "fsync" and stat.S_ISDIR(os.fstat(args[0]).st_mode)
            calls.append(f"{name} of the folder" if folder else name)
            return call(*args, **kwargs)

        monkeypatch.setattr(os, name, wrapped)

    for name in ("fsync", "replace", "rename", "pwrite", "unlink"):
        noted(name)
    room.queue.put("r1", lookup())
    assert calls == ["fsync", "replace", "fsync of the folder"]
    calls.clear()
    room.queue.put("r1", lookup())
    assert calls == ["fsync", "replace", "fsync of the folder", "pwrite", "fsync"]
    calls.clear()
    room.queue.work_off(yes)
    assert calls == ["rename", "fsync of the folder", "pwrite", "fsync", "unlink", "fsync of the folder"]
    calls.clear()
    Queue(room.state / "other", SecretBytes(KEY), now=room.clock).close()
    assert calls == ["fsync of the folder"]


def test_gone_while_somebody_looks(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_files", lambda folder: [folder / "gone.q"])
    assert look(room.folder).count == 0


def test_what_can_be_seen_without_the_key(room: Room) -> None:
    assert look(room.folder / "nowhere").count == 0
    assert room.queue.oldest() is None
    for number, work in enumerate(works()):
        room.queue.put(f"r{number}", work)
    (room.folder / "garbage.q").write_bytes(b"no entry")
    seen = look(room.folder)
    assert (seen.count, seen.unreadable) == (6, 1)
    assert seen.kinds == {Kind.LOOKUP: 3, Kind.STAFF: 1, Kind.CONSENT: 1}
    assert room.queue.oldest() == datetime(2026, 4, 1, 1, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize("work", ["put", "again", "finish"])
def test_killed_anywhere_there_is_a_whole_entry_or_none(tmp_path: Path, work: str) -> None:
    """A process of its own for every step, some 40 in all: about 10 s."""
    (tmp_path / "key").write_bytes(KEY)
    seen = set()
    for step in range(1, 60):
        folder = tmp_path / "queue"
        clock = Clock()
        clock.now = datetime.now(UTC)
        if work != "put":
            with Queue(folder, SecretBytes(KEY), now=clock) as queue:
                queue.put("r1", ConsentWork(SecretBytes(b"first")))
        victim = [sys.executable, "-m", "tests.unit.downtime.victim", str(tmp_path), work, str(step)]
        code = subprocess.run(victim, cwd=ROOT, check=False).returncode
        taker = Taker()
        with Queue(folder, SecretBytes(KEY), now=clock) as queue:
            finished = queue.work_off(taker)
            assert queue.damaged == 0
        assert [each.outcome for each in finished] == [Outcome.DONE] * len(taker.payloads)
        assert list(folder.iterdir()) == []
        seen.add(tuple(taker.payloads))
        if code == 0:
            assert step > 5
            break
        assert code == -signal.SIGKILL
    else:
        pytest.fail("it never came through")
    first, second, none = (b"first",), (b"second",), ()
    assert seen == {"put": {none, first}, "again": {first, second}, "finish": {none, first}}[work]


PAYLOADS = st.binary(min_size=1, max_size=400)
WORKS = st.one_of(
    st.tuples(st.just(LookupWork), PAYLOADS, st.sampled_from([None, True, False])),
    st.tuples(st.just(StaffWork), PAYLOADS, st.sampled_from(StaffReason)),
    st.tuples(st.just(ConsentWork), PAYLOADS),
)


def build(kind: type, payload: bytes, *extra: object) -> Work:
    work = kind(SecretBytes(payload), *extra)
    assert isinstance(work, LookupWork | StaffWork | ConsentWork)
    return work


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    works=st.dictionaries(st.text("abc-é", min_size=1, max_size=8), WORKS, max_size=5),
    answers=st.lists(st.sampled_from(["done", "refused", "down"]), max_size=12),
)
def test_each_is_asked_until_it_is_answered_and_never_again(
    room: Room, works: dict[str, tuple[type, bytes]], answers: list[str]
) -> None:
    model = {}
    for reception, made in works.items():
        work = build(*made)
        room.queue.put(reception, work)
        model[reception] = plain(work)
    replies = iter(answers)

    def do(reception: str, work: Work) -> bool:
        assert plain(work) == model[reception]
        assert reception == next(iter(model))
        match next(replies, "done"):
            case "down":
                raise NotNow
            case reply:
                del model[reception]
                return reply == "done"

    for _ in range(len(answers) + 1):
        room.restart()
        before = set(model)
        finished = room.queue.work_off(do)
        assert {each.reception for each in finished} == before - set(model)
        assert len(room.queue) == len(model)
    assert model == {}
    assert room.files() == []


def test_a_kind_for_every_work() -> None:
    assert {kind_of(work) for work in works()} == set(Kind)
