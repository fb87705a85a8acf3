"""The hand-off as the runtime sees it."""

from __future__ import annotations

from typing import Protocol

from devices.secret import SecretBytes


class HandoffPort(Protocol):
    """Calls block for a disk's time and may come from any thread."""

    def begin(self, reception: str) -> None:
        """To be called before the consents are sent. Raises `HandoffError` (then nothing may be sent), `OSError`."""

    def finish(self, reception: str, result: SecretBytes) -> int:
        """Write the file of a result (JSON, `kiosk.qualification`); gives 受付番号. The caller wipes `result`.

        Raises `HandoffDelayed`: a number is given, the file follows. Raises `HandoffRefused`, `BadQualification`: it
        never will.
        """
