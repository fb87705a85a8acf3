"""`Handoff`: journal and folder together make each reception's file appear exactly once.

    begin                        SENT    (id and file name)       then the consents are posted
    finish   .tmp, fsync      →  READY   (hash, number)
             rename, fsync    →  DONE
    recover  SENT                ask the gateway: complete → as `finish`; not there after a while → DROPPED
             READY, .tmp there   rename → DONE
             READY, no .tmp      it was renamed → DONE

Ended at any point, the next start continues; a full disk or a missing share only delays.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from devices.secret import SecretBytes
from kiosk.handoff.errors import HandoffDelayed, HandoffError, HandoffRefused, NotNow
from kiosk.handoff.folder import HandoffFolder
from kiosk.handoff.journal import OPEN, Entry, Journal, State
from kiosk.oqs.document import Encoding, MarksDisagree, write
from kiosk.qualification import JST, BadQualification, QualificationResult

GRACE = timedelta(minutes=2)  # longer than the gateway's overall deadline: after it, no request is on its way
_PLACED = (State.DONE, State.CLAIMED, State.EXPIRED)
UNCLAIMED_AFTER = timedelta(minutes=10)


class Recovery(StrEnum):
    WRITTEN = "written"
    DROPPED = "dropped"  # the gateway never got the consents
    WAITING = "waiting"  # asked again later
    REFUSED = "refused"  # the gateway's answer must not be written here; staff look at it


@dataclass(frozen=True, slots=True)
class Recovered:
    reception: str
    number: int
    outcome: Recovery


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """A file that the receipt computer did not take. `name` is nothing personal."""

    reception: str
    name: str
    number: int
    since: datetime


class Handoff:
    """May be called from any thread. `substituted`: characters that became ● since the start."""

    def __init__(
        self,
        folder: HandoffFolder,
        journal: Journal,
        encoding: Encoding,
        *,
        simulated: bool,
        now: Callable[[], datetime] = lambda: datetime.now(JST),
        retention: timedelta = timedelta(hours=24),
        checkpoint: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`checkpoint(step)` is called between the steps; tests end the process there."""
        self._folder = folder
        self._journal = journal
        self._encoding = encoding
        self._simulated = simulated
        self._now = now
        self._retention = retention
        self._checkpoint = checkpoint
        self._turn = threading.RLock()
        self._running: set[str] = set()  # begun by this process and not finished: the executor still works on them
        self.substituted = 0

    def begin(self, reception: str) -> None:
        with self._turn:
            # A folder that is away for the moment delays the file, not the patient.
            with contextlib.suppress(OSError):
                self._folder.check()
            if self._journal.get(reception) is None:
                self._journal.begin(reception, self._folder.name(reception, self._now()))
            self._running.add(reception)
        self._checkpoint("sent")

    def finish(self, reception: str, result: SecretBytes) -> int:
        with self._turn:
            entry = self._journal.get(reception)
            if entry is None:
                raise HandoffError("finish without begin")
            self._running.discard(reception)
            if entry.state in _PLACED:
                return entry.number
            return self._write(entry, result)

    def recover(self, fetch: Callable[[str], SecretBytes | None]) -> list[Recovered]:
        """To be called at the start and now and then. `fetch(reception)` gives the full result, None when the gateway
        has none, or raises `NotNow`. Receptions of this process that are under way are left alone."""
        with self._turn:
            waiting = [entry for entry in self._journal if entry.state in OPEN]
        found = []
        for entry in waiting:
            outcome = self._recover(entry, fetch)
            if outcome is not None:
                known = self._journal.get(entry.reception)
                found.append(Recovered(entry.reception, known.number if known else 0, outcome))
        return found

    def unclaimed(self, after: timedelta = UNCLAIMED_AFTER) -> list[Unclaimed]:
        """Files that lie there for longer than `after`: the counter is told."""
        limit = self._now() - after
        return [
            Unclaimed(entry.reception, entry.name, entry.number, datetime.fromtimestamp(entry.changed, JST))
            for entry in self._lying()
            if entry.changed <= limit.timestamp()
        ]

    def sweep(self) -> int:
        """Note what was taken; remove what nobody took within the retention time. Gives how many were removed."""
        limit = (self._now() - self._retention).timestamp()
        removed = 0
        with self._turn:
            for entry in self._lying():
                if entry.changed <= limit:
                    self._folder.remove(entry.name)
                    self._journal.change(entry.reception, State.EXPIRED)
                    removed += 1
        return removed

    def _lying(self) -> list[Entry]:
        with self._turn:
            lying = []
            for entry in list(self._journal):
                if entry.state is not State.DONE:
                    continue
                if self._folder.holds(entry.name):
                    lying.append(entry)
                else:
                    self._journal.change(entry.reception, State.CLAIMED)
            return lying

    # --- steps -----------------------------------------------------------------------------------------------------

    def _write(self, entry: Entry, result: SecretBytes) -> int:
        parsed = QualificationResult.parse(result.view())
        if parsed.header.institution != self._folder.institution:
            raise HandoffRefused("a result of another institution")
        try:
            document = write(parsed, self._encoding, simulated=self._simulated)
        except MarksDisagree as error:
            raise HandoffRefused(str(error)) from None
        try:
            self._folder.check()
            self._folder.put_aside(entry.reception, document.content)
            self._checkpoint("aside")
            digest = hashlib.sha256(document.content).digest()
        except OSError:
            # The journal has its space already; the gateway keeps the result.
            number = entry.number or self._journal.next_number()
            self._journal.change(entry.reception, State.SENT, number=number)
            raise HandoffDelayed(number) from None
        finally:
            document.wipe()
        self.substituted += document.substituted
        entry = self._journal.change(
            entry.reception,
            State.READY,
            sha256=digest,
            number=entry.number or self._journal.next_number(),
        )
        self._checkpoint("ready")
        try:
            self._place(entry)
        except OSError:
            raise HandoffDelayed(entry.number) from None
        return entry.number

    def _place(self, entry: Entry) -> None:
        """Consumers take only files of the day, so a file that is late gets today's name."""
        today = self._folder.name(entry.reception, self._now())
        if today[-18:-10] != entry.name[-18:-10]:
            entry = self._journal.change(entry.reception, entry.state, name=today)
            self._checkpoint("renamed")
        self._folder.put_in_place(entry.reception, entry.name)
        self._checkpoint("placed")
        self._journal.change(entry.reception, State.DONE)
        self._checkpoint("done")

    def _recover(self, entry: Entry, fetch: Callable[[str], SecretBytes | None]) -> Recovery | None:
        with self._turn:
            age = self._now().timestamp() - entry.changed
            if entry.reception in self._running and age < GRACE.total_seconds():
                return None
            if entry.state is State.READY:
                return self._recover_ready(entry)
        try:
            result = fetch(entry.reception)
        except NotNow:
            return Recovery.WAITING
        with self._turn:
            if result is not None:
                with result:
                    return self._recover_complete(entry, result)
            if age < GRACE.total_seconds():
                return Recovery.WAITING
            self._running.discard(entry.reception)
            self._folder.discard(entry.reception)
            self._journal.change(entry.reception, State.DROPPED)
            return Recovery.DROPPED

    def _recover_complete(self, entry: Entry, result: SecretBytes) -> Recovery:
        try:
            self.finish(entry.reception, result)
        except HandoffDelayed:
            return Recovery.WAITING
        except (HandoffError, BadQualification):
            return Recovery.REFUSED
        return Recovery.WRITTEN

    def _recover_ready(self, entry: Entry) -> Recovery:
        try:
            self._folder.check()
            aside = self._folder.aside(entry.reception)
            if aside is None:
                self._journal.change(entry.reception, State.DONE)
            elif aside == entry.sha256:
                self._place(entry)
            else:  # damaged on the disk: ask the gateway once more
                self._journal.change(entry.reception, State.SENT)
                return Recovery.WAITING
        except (OSError, HandoffError):
            return Recovery.WAITING
        return Recovery.WRITTEN
