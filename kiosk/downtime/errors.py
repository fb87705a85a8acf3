"""What can go wrong with the queue. No names, no values, no key."""

from __future__ import annotations


class DowntimeError(Exception):
    pass


class KeyRefused(DowntimeError):
    """The key file must not be used: what is wrong, where, and what is allowed."""

    def __init__(self, what: str, where: str, allowed: str) -> None:
        super().__init__(f"{where}: {what} (allowed: {allowed})")
        self.what = what
        self.where = where
        self.allowed = allowed


class QueueHeld(DowntimeError):
    """Another process works with this queue."""


class QueueFull(DowntimeError):
    """As many entries as are allowed; the work goes on paper."""


class EntryDamaged(DowntimeError):
    """An entry was changed, is not whole, or was made with another key."""


class NotNow(Exception):
    """Raised by the `do` given to `Queue.work_off`: the line is still down."""
