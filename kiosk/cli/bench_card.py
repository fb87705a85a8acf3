"""`kiosk bench card`: the card process beside OpenSC, in one run over one pcscd and the same virtual card.

Two works: certificate, PIN and signature; the photo file. Counted on the card, which also says how long its answers
take on a link of 106 kbit/s (`devices.simulated.card.pace`, a model). The bars are those of the numbers that do not
depend on the machine: commands by a formula of the lengths, and link time.
"""

from __future__ import annotations

import base64
import math
import queue
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from devices.blob import Blob
from devices.card.channel import CHUNK, LONG_CHUNK
from devices.card.reader import SupervisedCardReader
from devices.ports import CardEvent, CardPresent, CardRefused, CertificateRead, PhotoRead, PinSigned
from devices.simulated.card.files import PersonCard
from devices.simulated.card.options import Interface
from devices.simulated.card.pace import Pace
from devices.simulated.pcscd import APT_LINE, LaneError, PcscdLane, missing_parts
from devices.simulated.world import World, load_personas, personas_folder
from kiosk.cli.report import verdict
from kiosk.cli.scenery import scenery

PACES = (Pace.NONE, Pace.NFC106)
BAR = 0.5  # of OpenSC's link time, certificate + PIN + signature
SIGNATURE, PHOTO = "certificate + PIN + signature", "photo file"
OURS, LONG, OPENSC, PLAIN = "this kiosk", "this kiosk, extended length", "OpenSC pkcs11-tool", "OpenSC, 256-byte loop"

_MESSAGE = b"TEST challenge of kiosk bench card"
_ANSWER_SECONDS = 60.0
# The client's own steps beside READ BINARY, one command each.
_SIGNATURE_STEPS = (
    "SELECT JPKI, label, PIN counter, SELECT card face, number counter",
    "SELECT JPKI, PIN counter, VERIFY, signature, leave",
)
_PHOTO_STEPS = ("SELECT card face, number counter, VERIFY, INTERNAL AUTHENTICATE, leave",)
_LABEL_BYTES = 32

EventT = TypeVar("EventT")


class BenchFailed(Exception):
    """What was to be measured did not happen; the message says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """`link_seconds`: by the model of a 106 kbit/s link, whatever `pace` the answers had. `wall_seconds`: of the kiosk
    from request to answer, of OpenSC from the start of its process to its end."""

    pace: str
    work: str
    program: str
    apdus: int
    command_bytes: int
    response_bytes: int
    link_seconds: float
    wall_seconds: float
    formula: int | None = None


def reads(length: int, *, long: bool = False) -> int:
    """READ BINARY commands for a file of this length: the first brings up to 256 bytes and the header."""
    rest = max(0, length - CHUNK)
    return 1 + math.ceil(rest / (LONG_CHUNK if long and rest > CHUNK else CHUNK))


def signature_apdus(certificate: int, *, long: bool = False) -> int:
    return sum(len(steps.split(", ")) for steps in _SIGNATURE_STEPS) + reads(certificate, long=long)


def photo_apdus(face: int, cv_certificate: int, *, long: bool = False) -> int:
    steps = sum(len(steps.split(", ")) for steps in _PHOTO_STEPS)
    return steps + reads(face, long=long) + reads(cv_certificate, long=long)


def missing_tools() -> list[str]:
    missing = missing_parts()
    for name in ("pkcs11-tool", "opensc-tool"):
        if shutil.which(name) is None:
            missing.append(f"{name} is not installed: {APT_LINE} opensc")
    if _module() is None:
        missing.append(f"opensc-pkcs11.so is not installed: {APT_LINE} opensc")
    return missing


def run(persona: str, build: Path, json_path: Path | None, paces: Sequence[Pace] = PACES) -> int:
    people = sorted(each.id for each in load_personas(personas_folder()))
    if persona not in people:
        print(f"no persona {persona!r}; there are: {', '.join(people)}", file=sys.stderr)
        return 2
    if missing := missing_tools():
        for each in missing:
            print(f"missing: {each}", file=sys.stderr)
        return verdict("nothing was measured: something is missing", False, json_path, {"missing": missing})
    world = scenery(build, lambda text: print(text, file=sys.stderr, flush=True), {persona}).world
    if not {0x000A} <= world.cards[persona].jpki.keys() or not world.cards[persona].visual:
        return verdict(f"the card of {persona} has no certificate or no photo file", False, json_path)
    try:
        with PcscdLane.start() as lane, tempfile.TemporaryDirectory(prefix="kiosk-bench-") as folder:
            bench = _Bench(lane, world, persona, Path(folder))
            rows = bench.all(paces)
    except (LaneError, BenchFailed) as error:
        return verdict(f"nothing was measured: {error}", False, json_path)
    return report(rows, bench.lengths, bench.same, json_path)


def report(rows: list[Row], lengths: dict[str, int], same: bool, json_path: Path | None) -> int:
    """Print the table, judge, and say so."""
    print(f"certificate {lengths['certificate']} bytes, card face {lengths['face']}, CV certificate {lengths['cv']}")
    print("reads(n) = 1 + ceil((n - 256) / 256); with extended length the rest in parts of 4,096 bytes")
    steps = " + ".join(str(len(each.split(", "))) for each in _SIGNATURE_STEPS)
    print(f"{SIGNATURE}: {steps} + reads(certificate)   [{'; '.join(_SIGNATURE_STEPS)}]")
    print(f"{PHOTO}: {len(_PHOTO_STEPS[0].split(', '))} + reads(face) + reads(CV certificate)   [{_PHOTO_STEPS[0]}]")
    print(
        "The photo of the kiosk comes with what proves it (CV certificate, INTERNAL AUTHENTICATE); the loop's does not."
    )
    print(
        f"{'pace':7} {'work':30} {'program':28} {'APDUs':>5} {'limit':>5} "
        f"{'sent':>6} {'got':>7} {'link':>9} {'wall':>9}"
    )
    for row in rows:
        limit = "" if row.formula is None else str(row.formula)
        print(
            f"{row.pace:7} {row.work:30} {row.program:28} {row.apdus:5} {limit:>5} {row.command_bytes:6,} "
            f"{row.response_bytes:7,} {row.link_seconds * 1000:6.0f} ms {row.wall_seconds * 1000:6.0f} ms"
        )
    ratios = {}
    paces = list(dict.fromkeys(row.pace for row in rows if row.program == OPENSC))
    for pace in paces:
        for work, other in ((SIGNATURE, OPENSC), (PHOTO, PLAIN)):
            ours, theirs = (_row(rows, pace, work, program) for program in (OURS, other))
            ratios[f"{pace}, {work}"] = ours.link_seconds / theirs.link_seconds
            print(
                f"{pace:7} {work:30} link time {ours.link_seconds / theirs.link_seconds:.2f}, APDUs "
                f"{ours.apdus / theirs.apdus:.2f}, wall time {ours.wall_seconds / theirs.wall_seconds:.2f} of OpenSC's"
            )
    over = [row for row in rows if row.formula is not None and row.apdus > row.formula]
    ratio = ratios[f"{paces[-1]}, {SIGNATURE}"]
    ours, theirs = (_row(rows, paces[-1], SIGNATURE, program) for program in (OURS, OPENSC))
    line = (
        f"{SIGNATURE}: {ours.apdus} APDUs against {theirs.apdus}, link time at 106 kbit/s {ratio:.2f} of OpenSC's "
        f"(bar {BAR}); {len(over)} rows above the formula; signature and certificate "
        f"{'byte-identical' if same else 'DIFFER'}"
    )
    data: dict[str, Any] = {
        "rows": [asdict(row) for row in rows],
        "lengths": lengths,
        "link_ratios": ratios,
        "bar": BAR,
        "identical": same,
    }
    return verdict(line, not over and ratio <= BAR and same, json_path, data)


def _row(rows: list[Row], pace: str, work: str, program: str) -> Row:
    return next(row for row in rows if (row.pace, row.work, row.program) == (pace, work, program))


class _Bench:
    def __init__(self, lane: PcscdLane, world: World, persona: str, folder: Path) -> None:
        self._lane = lane
        self._card: PersonCard = world.cards[persona]
        self._folder = folder
        self._options: dict[str, Any] = {
            "driver": "pcsc",
            "reader": "",
            "csock": lane.socket_path,
            "issuers": [base64.b64encode(world.auth_ca).decode()],
            "anchor": base64.b64encode(world.cv_anchor).decode(),
            "salt": "00",
        }
        face, cv = self._card.visual[0x0002], self._card.visual[0x0004]
        self.lengths = {
            "certificate": len(self._card.auth_certificate),
            "face": 5 + int.from_bytes(face[3:5]),
            "cv": 5 + int.from_bytes(cv[3:5]),
        }
        self.same = True  # what both programs read and signed
        self._signatures: set[bytes] = set()

    def all(self, paces: Sequence[Pace]) -> list[Row]:
        rows = []
        for pace in paces:
            rows += self._kiosk(pace, Interface.CONTACTLESS)
            rows += [self._opensc(pace), self._loop(pace)]
        rows += self._kiosk(Pace.NONE, Interface.CONTACT_EXTENDED)
        self.same = self.same and len(self._signatures) == 1
        return rows

    def _kiosk(self, pace: Pace, interface: Interface) -> list[Row]:
        """The card process of the kiosk, which runs before the card comes."""
        events: queue.SimpleQueue[CardEvent] = queue.SimpleQueue()
        reader = SupervisedCardReader(self._options)
        reader.start(events.put)
        long = interface is Interface.CONTACT_EXTENDED
        program = LONG if long else OURS
        try:
            self._lane.insert(self._card, fresh=True, pace=pace.value, interface=interface.value)
            presence = _until(events, CardPresent).presence
            begin = time.monotonic()
            reader.read_certificate(1, presence)
            certificate = _until(events, CertificateRead)
            reader.sign_with_pin(2, presence, Blob.of(self._card.pin.encode()), Blob.of(_MESSAGE))
            signed = _until(events, PinSigned)
            wall = time.monotonic() - begin
            with certificate.certificate as blob, blob.secret() as der:
                self.same &= der.matches(self._card.auth_certificate)
            with signed.signature as blob, blob.secret() as signature:
                self._signatures.add(bytes(signature.view()))
            formula = signature_apdus(self.lengths["certificate"], long=long)
            first = self._count(pace, SIGNATURE, program, wall, formula)
            before = self._lane.traffic(self._card.id)
            begin = time.monotonic()
            reader.read_photo(3, presence, Blob.of(self._card.number_b.encode()), Blob.of(_MESSAGE))
            photo = _until(events, PhotoRead)
            wall = time.monotonic() - begin
            with photo.photo, photo.evidence:
                pass
            formula = photo_apdus(self.lengths["face"], self.lengths["cv"], long=long)
            second = self._count(pace, PHOTO, program, wall, formula, before)
        finally:
            reader.stop()
            self._lane.remove()
        return [first, second]

    def _opensc(self, pace: Pace) -> Row:
        """One process that reads the certificate, verifies the PIN and signs."""
        message = self._folder / "message"
        message.write_bytes(_MESSAGE)
        out, wall = self._tool(
            pace, "pkcs11-tool", "--module", str(_module()), "--slot", "0", "--login", "--pin", self._card.pin,
            "--sign", "--id", "01", "-m", "SHA256-RSA-PKCS", "-i", str(message), "--read-object", "--type", "cert",
        )  # fmt: skip
        # Both come on standard output, the signature first.
        signature, certificate = out[:256], out[256:]
        self._signatures.add(signature)
        self.same &= certificate == self._card.auth_certificate
        return self._done(self._count(pace, SIGNATURE, OPENSC, wall))

    def _loop(self, pace: Pace) -> Row:
        """Select, 照合番号, and 256 bytes at a time: what the libraries do, without the counter and without leaving."""
        number = self._card.number_b.encode()
        commands = [
            b"\x00\xa4\x04\x0c\x0a" + bytes.fromhex("D3921000310001010402"),
            b"\x00\xa4\x02\x0c\x02\x00\x12",
            b"\x00\x20\x00\x80" + bytes([len(number)]) + number,
            b"\x00\xa4\x02\x0c\x02\x00\x02",
        ]
        length = self.lengths["face"]
        for offset in range(0, length, CHUNK):
            commands.append(b"\x00\xb0" + offset.to_bytes(2) + bytes([min(CHUNK, length - offset) & 0xFF]))
        out, wall = self._tool(
            pace, "opensc-tool", *(word for each in commands for word in ("-s", each.hex())), driver="default"
        )
        if out.count(b"SW1=0x90, SW2=0x00") != len(commands):
            raise BenchFailed("opensc-tool did not read the photo file")
        return self._done(self._count(pace, PHOTO, PLAIN, wall))

    def _tool(self, pace: Pace, *command: str, driver: str = "jpki") -> tuple[bytes, float]:
        """Standard output of the program on a card that was just put down, and its wall time."""
        self._lane.insert(self._card, fresh=True, pace=pace.value, interface=Interface.CONTACTLESS.value)
        # A folder without a cache of earlier runs.
        environment = {**self._lane.environment, "OPENSC_DRIVER": driver, "HOME": str(self._folder)}
        begin = time.monotonic()
        done = subprocess.run(command, env=environment, capture_output=True, timeout=_ANSWER_SECONDS, check=False)
        wall = time.monotonic() - begin
        if done.returncode != 0:
            self._lane.remove()
            # Not its output: APDUs and answers may be in it.
            raise BenchFailed(f"{command[0]} ended with {done.returncode}")
        return done.stdout, wall

    def _done(self, row: Row) -> Row:
        self._lane.remove()
        return row

    def _count(
        self,
        pace: Pace,
        work: str,
        program: str,
        wall: float,
        formula: int | None = None,
        before: dict[str, float] | None = None,
    ) -> Row:
        now = self._lane.traffic(self._card.id)
        spent = {name: value - (before or {}).get(name, 0) for name, value in now.items()}
        return Row(
            pace.value,
            work,
            program,
            int(spent["apdus"]),
            int(spent["command_bytes"]),
            int(spent["response_bytes"]),
            spent["nfc106_seconds"],
            wall,
            formula,
        )


def _until(events: queue.SimpleQueue[CardEvent], kind: type[EventT]) -> EventT:
    """The next event of this kind. Raises `BenchFailed`."""
    deadline = time.monotonic() + _ANSWER_SECONDS
    while True:
        try:
            event = events.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise BenchFailed("the card process did not answer") from None
        if isinstance(event, kind):
            return event
        if isinstance(event, CardRefused):
            raise BenchFailed(f"the card process refused: {event.fault}")


def _module() -> Path | None:
    """OpenSC's PKCS #11 module."""
    return next(iter(sorted(Path("/usr/lib").glob("**/opensc-pkcs11.so"))), None)
