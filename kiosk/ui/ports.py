"""What the window needs from outside. `kiosk.ui` knows no device: secrets and frames come through these doors."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kiosk.reception.states import StaffReason

Picture = NDArray[np.uint8]


class Secret(Protocol):
    """A wipeable buffer of fixed capacity. Bytes go in one by one."""

    def append(self, byte: int) -> bool: ...

    def pop(self) -> bool: ...

    def clear(self) -> None: ...

    def __len__(self) -> int: ...


class SecretDoor(Protocol):
    """Takes what was typed. Whoever takes a secret owns it; the page does not touch it again."""

    def new(self, capacity: int) -> Secret: ...

    def pin_entered(self, secret: Secret) -> None: ...

    def number_entered(self, secret: Secret) -> None:
        """照合番号B: 14 ASCII digits, plausible."""

    def staff_entered(self, secret: Secret, reason: StaffReason) -> None: ...

    def maintenance_pin(self, secret: Secret) -> None: ...

    def lookup_pin(self, secret: Secret) -> None:
        """The staff credential at the door of the look-up by number: becomes `LookupPin`."""

    def query_entered(self, secret: Secret) -> None:
        """JSON of `kiosk.reception.insured.Query` in ASCII, plausible: becomes `QueryEntered`."""


class FrameSource(Protocol):
    def latest(self) -> Picture | None:
        """Height x width x 3, BGR, 8 bit, or None when the camera has nothing fresh. Never blocks."""
