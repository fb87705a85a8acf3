"""The hand-off as the executor uses it (`kiosk.runtime.ports.Handoff`): failures in the domain's words."""

from __future__ import annotations

from collections.abc import Callable

from devices.secret import SecretBytes
from kiosk.handoff.desk import Handoff, Recovered, Unclaimed
from kiosk.handoff.errors import ForeignFolder, HandoffDelayed, HandoffError, HandoffRefused
from kiosk.qualification import BadQualification
from kiosk.reception.failure import FailureCode
from kiosk.reception.states import ReceptionId
from kiosk.runtime.ports import JobError, Placed


class HandoffService:
    """`fetch`: the gateway's, raising `NotNow` when it cannot be asked. `recovered` and `unclaimed` are told of what
    `tidy` did and found; the counter shows it."""

    def __init__(
        self,
        handoff: Handoff,
        fetch: Callable[[str], SecretBytes | None],
        recovered: Callable[[Recovered], None],
        unclaimed: Callable[[list[Unclaimed]], None],
    ) -> None:
        self._handoff = handoff
        self._fetch = fetch
        self._recovered = recovered
        self._unclaimed = unclaimed

    def begin(self, reception: ReceptionId) -> None:
        try:
            self._handoff.begin(reception)
        except ForeignFolder:
            raise JobError(FailureCode.HANDOFF_FOREIGN) from None
        except (HandoffError, OSError):
            # Nothing was sent yet, and without a journal nothing may be.
            raise JobError(FailureCode.HANDOFF_BROKEN) from None

    def finish(self, reception: ReceptionId, result: SecretBytes) -> Placed:
        try:
            return self._handoff.finish(reception, result)
        except HandoffDelayed as delayed:
            return Placed(delayed.number, True, delayed.substituted)
        except (ForeignFolder, HandoffRefused):
            raise JobError(FailureCode.HANDOFF_FOREIGN) from None
        except BadQualification:
            raise JobError(FailureCode.GATEWAY_NONSENSE) from None
        except (HandoffError, OSError):
            raise JobError(FailureCode.HANDOFF_BROKEN) from None

    def tidy(self) -> None:
        """Never raises: the next round tries again, and what is late shows as unclaimed or waiting."""
        try:
            for each in self._handoff.recover(self._fetch):
                self._recovered(each)
            self._unclaimed(self._handoff.unclaimed())
            self._handoff.sweep()
        except (HandoffError, OSError):
            return
