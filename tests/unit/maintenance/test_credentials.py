"""Staff PINs: hashes, lock-out across restarts, fail closed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher, extract_parameters

from devices.secret import SecretBytes
from kiosk.maintenance import credentials
from kiosk.maintenance.credentials import (
    FREE_TRIES,
    LONGEST_LOCK_SECONDS,
    PRACTICE_PIN,
    Accepted,
    Credentials,
    Refused,
    WeakPin,
    is_practice,
    set_pin,
    set_practice,
)

PIN = "830174"


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with the hash of `PIN`, made with little work so that comparing it takes little, too."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    (tmp_path / "staff.hash").write_text(cheap.hash(PIN) + "\n")
    return tmp_path


def make(place: Path, clock: Clock) -> Credentials:
    return Credentials(place / "staff.hash", place / "staff.tries", clock)


def check(door: Credentials, pin: str) -> Accepted | Refused:
    with SecretBytes(pin.encode()) as secret:
        return door.check(secret)


def test_right_and_wrong(place: Path, clock: Clock) -> None:
    door = make(place, clock)
    assert door.is_set
    assert check(door, PIN) == Accepted()
    assert check(door, "830175") == Refused(0)
    assert check(door, "") == Refused(0)
    assert check(door, PIN) == Accepted()


def test_the_file_holds_argon2id_and_is_private(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "staff.hash"
    set_pin(path, SecretBytes(PIN.encode()))
    assert check(make(tmp_path, clock), PIN) == Accepted()
    assert extract_parameters(path.read_text().strip()).memory_cost >= 19_456  # KiB, OWASP's least for argon2id
    assert path.read_text().startswith("$argon2id$")
    assert PIN not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0


def test_the_lock_grows_and_outlives_a_restart(place: Path, clock: Clock) -> None:
    for _ in range(FREE_TRIES - 1):
        assert check(make(place, clock), "000001") == Refused(0)
    assert check(make(place, clock), "000001") == Refused(30)
    assert check(make(place, clock), PIN) == Refused(30), "not even the right PIN is looked at"
    for lock in (60, 120, 240):
        clock.now += lock // 2 - 1
        assert check(make(place, clock), PIN) == Refused(1)
        clock.now += 1
        assert check(make(place, clock), "000001") == Refused(lock)
    clock.now += 240
    assert check(make(place, clock), PIN) == Accepted()
    assert check(make(place, clock), "000001") == Refused(0)


def test_the_longest_lock(place: Path, clock: Clock) -> None:
    (place / "staff.tries").write_text(json.dumps({"tries": 10**9, "since": clock.now}))
    assert check(make(place, clock), PIN) == Refused(LONGEST_LOCK_SECONDS)


def test_a_clock_set_back_does_not_lock_for_ever(place: Path, clock: Clock) -> None:
    for _ in range(FREE_TRIES):
        check(make(place, clock), "000001")
    clock.now -= 10**8
    assert check(make(place, clock), PIN) == Refused(30)


def test_a_try_counts_before_it_is_looked_at(place: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cutting the power while the PIN is compared gives no free try."""

    def power_cut(self: Credentials, secret: SecretBytes) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(Credentials, "_verify", power_cut)
    for _ in range(FREE_TRIES):
        with pytest.raises(KeyboardInterrupt):
            check(make(place, clock), "000001")
    monkeypatch.undo()
    assert check(make(place, clock), PIN) == Refused(30)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"tries": -1, "since": 0}', '{"tries": true, "since": 0}', "\xff"])
def test_a_damaged_counter_locks(place: Path, clock: Clock, text: str) -> None:
    (place / "staff.tries").write_bytes(text.encode("latin-1"))
    assert check(make(place, clock), PIN) == Refused(30)
    clock.now += 30
    assert check(make(place, clock), PIN) == Accepted()


def test_a_counter_that_cannot_be_written_refuses(
    place: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(credentials, "write_atomically", full)
    assert check(make(place, clock), PIN) == Refused(30)
    assert "throttle_not_written" in caplog.messages


@pytest.mark.parametrize("content", [None, b"", b"830174", b"\xff\xfe", b"$argon2id$broken"])
def test_without_a_usable_hash_nobody_gets_in(place: Path, clock: Clock, content: bytes | None) -> None:
    path = place / "staff.hash"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert isinstance(check(make(place, clock), PIN), Refused)


@pytest.mark.parametrize(
    "pin", ["", "12345", "123456", "987654", "890123", "111111", "83017a", "８３０１７４", "1" * 17]
)
def test_weak_pins(tmp_path: Path, pin: str) -> None:
    with pytest.raises(WeakPin) as caught:
        set_pin(tmp_path / "x", SecretBytes(pin.encode()))
    assert not pin or pin not in str(caught.value)
    assert not (tmp_path / "x").exists()


def test_the_practice_pin(place: Path, clock: Clock) -> None:
    path = place / "practice.hash"
    set_practice(path)
    assert is_practice(path)
    before = path.read_bytes()
    set_practice(path)
    assert path.read_bytes() == before
    assert check(Credentials(path, place / "x", clock), PRACTICE_PIN) == Accepted()
    set_practice(place / "staff.hash")
    assert not is_practice(place / "staff.hash")
    assert not is_practice(place / "none")


def test_the_secret_is_left_to_its_owner(place: Path, clock: Clock) -> None:
    secret = SecretBytes(PIN.encode())
    make(place, clock).check(secret)
    assert not secret.wiped
    secret.wipe()
