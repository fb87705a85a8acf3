"""`Handoff`: journal and folders together make each reception's files appear exactly once.

    begin                        SENT    (id and file name)       then the consents are posted
    finish   both .tmp, fsync →  READY   (hashes, folders, number)
             rename the side file, then the face file, fsync      →  DONE
    recover  SENT                ask the gateway: complete → as `finish`; not there after a while → DROPPED
             READY, .tmp there   rename → DONE
             READY, no .tmp      it has its name, or the folder is the one written into: it was renamed → DONE
                                 another folder lies there (a share that is away): wait

Whoever sees the face file finds its side file (`kiosk.handoff.sidefile`), if there is one, and its FHIR file
(`kiosk.handoff.fhir`), if the institution wants them; both go the same way and come before it. Ended at any point, the
next start continues; a full disk or a missing share only delays.
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
from kiosk.fullresult import FullResult
from kiosk.handoff import fhir, sidefile
from kiosk.handoff.errors import ForeignFolder, HandoffDelayed, HandoffError, HandoffRefused, NotNow, ResultGone
from kiosk.handoff.folder import HandoffFolder, Standing
from kiosk.handoff.journal import OPEN, Entry, Journal, State
from kiosk.handoff.sidefile import FhirFolder, SideFolder, name_beside
from kiosk.oqs.document import Encoding, MarksDisagree, write
from kiosk.qualification import JST, BadQualification, face_fault
from kiosk.runtime.ports import Placed

GRACE = timedelta(minutes=2)  # longer than the gateway's overall deadline: after it, no request is on its way
UNCLAIMED_AFTER = timedelta(minutes=10)
LONGEST_PAUSE = timedelta(hours=1)  # between two attempts at a result that was refused
_PLACED = (State.DONE, State.CLAIMED, State.EXPIRED)


class Recovery(StrEnum):
    WRITTEN = "written"
    DROPPED = "dropped"  # the gateway never got the consents
    WAITING = "waiting"  # asked again later
    REFUSED = "refused"  # the gateway's answer must not be written here; asked again after a pause
    GIVEN_UP = "given_up"  # not within the retention time; staff look at it


@dataclass(frozen=True, slots=True)
class Recovered:
    """`substituted`: characters that became ● in the file written now."""

    reception: str
    number: int
    outcome: Recovery
    substituted: int = 0


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """A file that the receipt computer did not take. `name` is nothing personal."""

    reception: str
    name: str
    number: int
    since: datetime


@dataclass(slots=True)
class _Pause:
    """After a refusal: the next ones are longer and longer."""

    length: timedelta
    until: datetime


class Handoff:
    """May be called from any thread."""

    def __init__(
        self,
        folder: HandoffFolder,
        side: SideFolder,
        journal: Journal,
        encoding: Encoding,
        *,
        simulated: bool,
        fhir_folder: FhirFolder | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(JST),
        retention: timedelta = timedelta(hours=24),
        checkpoint: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`checkpoint(step)` is called between the steps; tests end the process there."""
        self._folder = folder
        self._side = side
        self._fhir = fhir_folder
        self._journal = journal
        self._encoding = encoding
        self._simulated = simulated
        self._now = now
        self._retention = retention
        self._checkpoint = checkpoint
        self._turn = threading.RLock()
        self._running: set[str] = set()  # begun by this process and not finished: the executor still works on them
        self._pauses: dict[str, _Pause] = {}

    def begin(self, reception: str) -> None:
        """Journal that something is about to be asked for that ends in a file. May be called again before `finish`."""
        with self._turn:
            # A folder that is away for the moment delays the file, not the patient.
            with contextlib.suppress(OSError):
                self._folder.check()
            known = self._journal.get(reception)
            if known is None:
                self._journal.begin(reception, self._folder.name(reception, self._now()))
            elif known.state in (State.SENT, State.DROPPED):
                self._journal.change(reception, State.SENT)  # its time begins anew
            self._running.add(reception)
        self._checkpoint("sent")

    def finish(self, reception: str, result: SecretBytes) -> Placed:
        with self._turn:
            entry = self._journal.get(reception)
            if entry is None:
                raise HandoffError("finish without begin")
            self._running.discard(reception)
            if entry.state in _PLACED:
                return Placed(entry.number, False, 0)
            return self._write(entry, result)

    def recover(self, fetch: Callable[[str], SecretBytes | None]) -> list[Recovered]:
        """To be called at the start and now and then. `fetch(reception)` gives the full result, None when the gateway
        has none, or raises `NotNow` or `ResultGone`. Receptions of this process that are under way are left alone."""
        with self._turn:
            waiting = [entry for entry in self._journal if entry.state in OPEN]
        found = (self._recover(entry, fetch) for entry in waiting)
        return [each for each in found if each is not None]

    def unclaimed(self, after: timedelta = UNCLAIMED_AFTER) -> list[Unclaimed]:
        """Files that lie there for longer than `after`: the counter is told."""
        limit = (self._now() - after).timestamp()
        with self._turn:
            self._note_claimed()
            return [
                Unclaimed(entry.reception, entry.name, entry.number, datetime.fromtimestamp(entry.changed, JST))
                for entry in self._journal
                if entry.state is State.DONE and entry.changed <= limit and self._folder.holds(entry.name)
            ]

    def sweep(self) -> int:
        """Remove what nobody took within the retention time. Gives how many face files were removed."""
        limit = (self._now() - self._retention).timestamp()
        removed = 0
        with self._turn:
            self._note_claimed()
            for entry in list(self._journal):
                if entry.may_lie and entry.changed <= limit:
                    with contextlib.suppress(OSError):  # held by another program, or away: the next round
                        removed += self._remove(entry)
        return removed

    def _remove(self, entry: Entry) -> int:
        if entry.has_side:
            self._side.remove(name_beside(entry.name))
        if entry.fhir and self._fhir is not None:
            self._fhir.remove_of(entry.reception)
        if entry.state is State.CLAIMED:
            self._journal.change(entry.reception, State.CLAIMED, side=bytes(16), fhir=False, changed=entry.changed)
            return 0
        there = self._folder.holds(entry.name)
        self._folder.remove(entry.name)
        self._journal.change(entry.reception, State.EXPIRED, changed=entry.changed)
        return int(there)

    def _note_claimed(self) -> None:
        """A file that is not there was taken only if this is the folder into which it was written."""
        for entry in list(self._journal):
            if entry.state is not State.DONE or self._folder.holds(entry.name):
                continue
            if self._folder.identity() == entry.place:
                self._journal.change(entry.reception, State.CLAIMED, changed=entry.changed)

    # --- steps -----------------------------------------------------------------------------------------------------

    def _write(self, entry: Entry, result: SecretBytes) -> Placed:
        entry = self._with_todays_name(entry)
        full = FullResult.parse(result.view())
        if full.reception != entry.reception:
            raise HandoffRefused("a result of another reception")
        if full.qualification.header.institution != self._folder.institution:
            raise HandoffRefused("a result of another institution")
        if (fault := face_fault(full.qualification)) is not None:
            raise BadQualification(fault)
        side = sidefile.write(full, entry.name, simulated=self._simulated) if full.has_side_file else bytearray()
        bundle = bytearray()
        try:
            if self._fhir is not None:
                bundle = fhir.bundle(full)
            document = write(full.qualification, self._encoding, simulated=self._simulated)
        except (HandoffRefused, MarksDisagree) as error:
            _wipe(side, bundle)
            raise HandoffRefused(str(error)) from None
        number = entry.number or self._journal.next_number()
        try:
            self._folder.check()
            if side:
                self._side.check()
                self._side.put_aside(entry.reception, side)
                self._checkpoint("side aside")
            if self._fhir is not None:
                self._fhir.check()
                self._fhir.put_aside(entry.reception, bundle)
                self._checkpoint("fhir aside")
            self._folder.put_aside(entry.reception, document.content)
            self._checkpoint("aside")
            known = {
                "sha256": hashlib.sha256(document.content).digest(),
                "side": hashlib.sha256(side).digest()[:16] if side else bytes(16),
                "place": self._folder.identity(),
                "side_place": self._place_beside(bool(side), self._fhir is not None),
                "fhir": self._fhir is not None,
            }
        except OSError:
            # The journal has its space already; the gateway keeps the result.
            self._journal.change(entry.reception, State.SENT, number=number)
            raise HandoffDelayed(number) from None
        finally:
            document.wipe()
            _wipe(side, bundle)
        entry = self._journal.change(entry.reception, State.READY, number=number, **known)
        self._checkpoint("ready")
        try:
            self._place(entry, beside=bool(side))
        except OSError:
            raise HandoffDelayed(number, document.substituted) from None
        return Placed(number, False, document.substituted)

    def _with_todays_name(self, entry: Entry) -> Entry:
        """Consumers take only files of the day, so a file that is late gets today's name."""
        today = self._folder.name(entry.reception, self._now())
        if today[-18:-10] == entry.name[-18:-10]:
            return entry
        entry = self._journal.change(entry.reception, entry.state, name=today, changed=entry.changed)
        self._checkpoint("renamed")
        return entry

    def _place(self, entry: Entry, *, beside: bool) -> None:
        """`beside`: the side file still has its temporary name."""
        if beside:
            self._side.put_in_place(entry.reception, name_beside(entry.name))
            self._checkpoint("side placed")
        if entry.fhir and self._fhir is not None and self._fhir.has_aside(entry.reception):
            self._fhir.put_in_place(entry.reception, name_beside(entry.name, FhirFolder.ENDING))
            self._checkpoint("fhir placed")
        self._folder.put_in_place(entry.reception, entry.name)
        self._checkpoint("placed")
        self._journal.change(entry.reception, State.DONE)
        self._checkpoint("done")

    def _place_beside(self, side: bool, bundle: bool) -> bytes:
        """Tells the folders of the files beside the face file from others. Eight bytes; of one folder: its identity."""
        folders = [self._side] if side else []
        if bundle and self._fhir is not None:
            folders.append(self._fhir)
        known = b"".join(folder.identity() for folder in folders)
        return known if len(known) == 8 else hashlib.sha256(known).digest()[:8]

    # --- recovery --------------------------------------------------------------------------------------------------

    def _recover(self, entry: Entry, fetch: Callable[[str], SecretBytes | None]) -> Recovered | None:
        def outcome(what: Recovery, substituted: int = 0) -> Recovered:
            known = self._journal.get(entry.reception)
            return Recovered(entry.reception, known.number if known else 0, what, substituted)

        with self._turn:
            age = self._now().timestamp() - entry.changed
            if entry.reception in self._running and age < GRACE.total_seconds():
                return None
            if entry.state is State.READY:
                return outcome(self._recover_ready(entry))
            if not self._may_be_written(entry):
                return outcome(Recovery.WAITING)
        try:
            result = fetch(entry.reception)
        except NotNow:
            return outcome(Recovery.WAITING)
        except ResultGone:
            with self._turn:
                return outcome(self._end(entry, State.GIVEN_UP, Recovery.GIVEN_UP))
        with self._turn:
            if result is not None:
                with result:
                    return outcome(*self._recover_complete(entry, result))
            if age < GRACE.total_seconds():
                return outcome(Recovery.WAITING)
            if entry.number:  # it had the result, once
                return outcome(self._end(entry, State.GIVEN_UP, Recovery.GIVEN_UP))
            return outcome(self._end(entry, State.DROPPED, Recovery.DROPPED))

    def _may_be_written(self, entry: Entry) -> bool:
        """Nothing is fetched that could not be written now."""
        pause = self._pauses.get(entry.reception)
        if pause is not None and self._now() < pause.until:
            return False
        try:
            self._folder.check()
        except (OSError, ForeignFolder):
            return False
        return True

    def _recover_complete(self, entry: Entry, result: SecretBytes) -> tuple[Recovery, int]:
        try:
            placed = self.finish(entry.reception, result)
        except (HandoffDelayed, ForeignFolder):
            return Recovery.WAITING, 0
        except (HandoffError, BadQualification):
            return self._refused(entry), 0
        self._pauses.pop(entry.reception, None)
        return Recovery.WRITTEN, placed.substituted

    def _refused(self, entry: Entry) -> Recovery:
        if self._over(entry):
            return self._end(entry, State.GIVEN_UP, Recovery.GIVEN_UP)
        before = self._pauses.get(entry.reception)
        length = timedelta(minutes=1) if before is None else min(2 * before.length, LONGEST_PAUSE)
        self._pauses[entry.reception] = _Pause(length, self._now() + length)
        return Recovery.REFUSED

    def _over(self, entry: Entry) -> bool:
        return self._now().timestamp() - entry.begun >= self._retention.total_seconds()

    def _end(self, entry: Entry, state: State, outcome: Recovery) -> Recovery:
        self._running.discard(entry.reception)
        self._pauses.pop(entry.reception, None)
        with contextlib.suppress(OSError):
            self._folder.discard(entry.reception)
            self._side.discard(entry.reception)
            if self._fhir is not None:
                self._fhir.discard(entry.reception)
                self._fhir.remove_of(entry.reception)
        self._journal.change(entry.reception, state)
        return outcome

    def _recover_ready(self, entry: Entry) -> Recovery:
        try:
            self._folder.check()
            standing = self._folder.standing(entry.reception, entry.name, entry.sha256, entry.place)
            if standing is Standing.ASIDE:
                return self._recover_aside(entry)
            if standing is Standing.DAMAGED:
                return self._make_again(entry)
            if standing is Standing.PLACED:
                self._journal.change(entry.reception, State.DONE)
                return Recovery.WRITTEN
            return self._wait(entry)
        except (OSError, ForeignFolder):
            return Recovery.WAITING

    def _wait(self, entry: Entry) -> Recovery:
        """For a share that is away."""
        return self._end(entry, State.GIVEN_UP, Recovery.GIVEN_UP) if self._over(entry) else Recovery.WAITING

    def _recover_aside(self, entry: Entry) -> Recovery:
        """The face file waits for its name; first what goes beside it."""
        beside = False
        same = self._place_beside(entry.has_side, entry.fhir) == entry.side_place
        if entry.fhir:
            if self._fhir is None:
                return self._make_again(entry)  # switched off since
            if not same and not self._fhir.has(entry.reception):
                return self._wait(entry)
        late = self._folder.name(entry.reception, self._now())[-18:-10] != entry.name[-18:-10]
        if entry.has_side:
            identity = self._side.identity() if same else b""
            side = self._side.standing(entry.reception, name_beside(entry.name), entry.side, identity)
            if side is Standing.UNKNOWN:
                return self._wait(entry)
            if late or side is Standing.DAMAGED:
                return self._make_again(entry)  # it says the face file's name, which changes
            beside = side is Standing.ASIDE
        self._place(self._with_todays_name(entry), beside=beside)
        return Recovery.WRITTEN

    def _make_again(self, entry: Entry) -> Recovery:
        """The gateway is asked once more."""
        self._journal.change(entry.reception, State.SENT)
        return Recovery.WAITING


def _wipe(*contents: bytearray) -> None:
    for content in contents:
        content[:] = bytes(len(content))
