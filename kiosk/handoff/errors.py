"""What can go wrong at the hand-off. No names, no values."""

from __future__ import annotations


class HandoffError(Exception):
    pass


class ForeignFolder(HandoffError):
    """The folder holds files of another institution: wrong share, or practice pointed at the real one."""


class HandoffRefused(HandoffError):
    """The result must not be written here: of another institution or reception, or a simulation without its marks."""


class HandoffDelayed(HandoffError):
    """The file could not be written now; `recover` writes it later. `number`: 受付番号, given all the same.
    `substituted`: characters that became ● in what is written already."""

    def __init__(self, number: int, substituted: int = 0) -> None:
        super().__init__("written later")
        self.number = number
        self.substituted = substituted


class NotNow(Exception):
    """Raised by the `fetch` given to `recover`: the gateway cannot be asked now."""


class ResultGone(Exception):
    """Raised by that `fetch`: the gateway had a result and does not keep it any more."""


class JournalDamaged(HandoffError):
    """The journal's file is not one, or is of another version."""


class JournalFull(HandoffError):
    """Every slot is of a reception that is not finished."""
