"""Credentials of the staff: argon2id hashes, and a lock-out that outlives a restart."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from devices.secret import SecretBytes
from kiosk.files import write_atomically
from kiosk.log import get

_log = get("maintenance.credentials")


class Role(StrEnum):
    """Who a credential is for; each role has its own file."""

    STAFF = "staff"  # 目視確認 during a reception
    MAINTENANCE = "maintenance"


@dataclass(frozen=True, slots=True)
class Accepted:
    pass


@dataclass(frozen=True, slots=True)
class Refused:
    """`wait_seconds`: until the next try is looked at; 0 when one is free at once."""

    wait_seconds: int = 0


class WeakPin(ValueError):
    """The PIN is not good enough; the message says what is asked for, never the PIN."""


# Printed by `kiosk run` in simulation only; in production `kiosk doctor` refuses it.
PRACTICE_PIN = "246810"
FREE_TRIES = 5
FIRST_LOCK_SECONDS = 30
LONGEST_LOCK_SECONDS = 3600
_MIN_DIGITS, _MAX_DIGITS = 6, 16


class Credentials:
    """Checks the credential of one role. To be used from one thread; a check takes some 50 ms on purpose.

    After five wrong tries each further one locks: 30 s, 60 s, 120 s ... up to an hour, across restarts. `clock` is
    the wall clock in seconds. Every try is written down before it is looked at, so that cutting the power
    does not give it back; when it cannot be written, the answer is `Refused`.
    """

    def __init__(self, path: Path, throttle_path: Path, clock: Callable[[], float]) -> None:
        self._path = path
        self._throttle = throttle_path
        self._clock = clock
        self._hasher = PasswordHasher()

    def check(self, secret: SecretBytes) -> Accepted | Refused:
        """Does not wipe `secret`: its owner does."""
        tries, since = self._tries()
        wait = self._wait(tries, since)
        if wait:
            return Refused(wait)
        try:
            self._store(tries + 1)
        except OSError as error:
            _log.error("throttle_not_written", error)
            return Refused(FIRST_LOCK_SECONDS)
        if self._verify(secret):
            # The tries are given back only when that can be written; otherwise the next check is stricter, not laxer.
            try:
                self._store(0)
            except OSError as error:
                _log.error("throttle_not_written", error)
            return Accepted()
        return Refused(self._wait(*self._tries()))

    @property
    def is_set(self) -> bool:
        """There is a hash to compare with."""
        return self._hash() is not None

    def _verify(self, secret: SecretBytes) -> bool:
        known = self._hash()
        if known is None:
            _log.warning("credential_not_set")
            return False
        try:
            # argon2 takes bytes only, so one short-lived copy of the PIN cannot be overwritten.
            return self._hasher.verify(known, bytes(secret.view()))
        except (Argon2Error, InvalidHashError):
            return False

    def _hash(self) -> str | None:
        try:
            text = self._path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            return None
        return text if text.startswith("$argon2id$") else None

    def _tries(self) -> tuple[int, float]:
        """Tries since the last success, and when the last one was. A damaged file counts as a fresh lock."""
        try:
            data = json.loads(self._throttle.read_text(encoding="ascii"))
            tries, since = data["tries"], data["since"]
            if type(tries) is not int or tries < 0 or type(since) not in (int, float):
                raise ValueError
        except FileNotFoundError:
            return 0, 0.0
        except (OSError, ValueError, KeyError, TypeError):
            tries, since = FREE_TRIES, self._clock()
            try:
                self._store(tries)
            except OSError as error:
                _log.error("throttle_not_written", error)
        return tries, float(since)

    def _store(self, tries: int) -> None:
        write_atomically(self._throttle, json.dumps({"tries": tries, "since": self._clock()}).encode())

    def _wait(self, tries: int, since: float) -> int:
        if tries < FREE_TRIES:
            return 0
        lock = min(FIRST_LOCK_SECONDS * 2 ** min(tries - FREE_TRIES, 20), LONGEST_LOCK_SECONDS)
        # A clock that was set back must not lock for longer than the lock itself.
        left = min(since + lock - self._clock(), lock)
        return max(0, -int(-left // 1))


def set_pin(path: Path, pin: SecretBytes) -> None:
    """Store the hash of `pin`, readable by the kiosk's user only. Raises `WeakPin`, OSError."""
    digits = bytes(pin.view())
    if not digits.isdigit() or not _MIN_DIGITS <= len(digits) <= _MAX_DIGITS:
        raise WeakPin(f"{_MIN_DIGITS} to {_MAX_DIGITS} digits are needed")
    steps = {(after - before) % 10 for before, after in pairwise(digits)}
    if steps in ({0}, {1}, {9}):
        raise WeakPin("not one digit repeated, nor digits counted up or down")
    write_atomically(path, PasswordHasher().hash(digits).encode() + b"\n")


def set_practice(path: Path) -> None:
    """Give a simulated kiosk the practice PIN when it has none yet. Raises OSError."""
    if not path.exists():
        set_pin(path, SecretBytes(PRACTICE_PIN.encode()))


def is_practice(path: Path) -> bool:
    """The stored hash is the practice PIN's."""
    try:
        return PasswordHasher().verify(path.read_text(encoding="ascii").strip(), PRACTICE_PIN)
    except (OSError, UnicodeDecodeError, Argon2Error, InvalidHashError):
        return False
