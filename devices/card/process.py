"""The card process: everything that touches the reader, apart from the kiosk, because a hung reader can only be ended.

Two threads: the driver's monitor, which waits for readers and cards, and this one, which owns every APDU.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from devices.blob import Blob
from devices.card import jpki, visual
from devices.card.capability import Reach, announced
from devices.card.channel import CardChannel
from devices.card.driver import CardConnection, CardLost, CardSeen, Driver, ReaderLost, ReaderSeen, Seen
from devices.card.jpki import Identity
from devices.card.messages import (
    TO_CHILD,
    TO_PARENT,
    Alive,
    ReadCertificate,
    ReadPhoto,
    Release,
    ShortOnly,
    SignWithPin,
    Watch,
)
from devices.card.profile import PROFILES
from devices.card.trace import Recorded, TraceFile
from devices.errors import (
    CardBusy,
    CardMute,
    CardRemoved,
    CardReset,
    CardSwapped,
    DeviceError,
    DeviceFault,
    NumberGuarded,
    NumberWrong,
    PhotoInvalid,
    PinBlocked,
    PinWrong,
    UnsupportedCard,
)
from devices.ports import (
    CardGone,
    CardPresent,
    CardProgress,
    CardRefused,
    CertificateRead,
    PhotoRead,
    PinSigned,
    ReaderFault,
    ReaderReady,
)
from devices.supervisor import Channel, ChannelClosed, ChildSpec, Options

__all__ = ["TO_CHILD", "TO_PARENT", "serve", "spec"]


def spec(options: Options) -> ChildSpec:
    """`options`, all of them JSON:

    - `driver`: "pcsc" or "simulated"; `reader`: part of its name, or ""; `csock`: pcscd's socket, or ""
    - `production`: true refuses virtual readers
    - `hang_seconds`: for the kiosk's side, see `devices.card.reader`
    - `trace`: file for `devices.card.trace`, or ""
    - `issuers`: accepted CA certificates, DER in base64
    - `anchor`: public key (SPKI DER in base64) of the issuer of EF 0004, or null
    - `salt`: hex, key of the certificate fingerprint; from a random source, new at each start of the kiosk
    """
    return ChildSpec("card", "devices.card.process:serve", TO_CHILD, TO_PARENT, options)


# A reader may report a removal later than the exchange that failed by it.
_REMOVAL_SECONDS = 1.0
# What the monitor tells by itself, in the right order, when it is as wide as the failed exchange makes it look.
_GONE = (
    DeviceFault.CARD_REMOVED,
    DeviceFault.NO_CARD,
    DeviceFault.CARD_MUTE,
    DeviceFault.NO_READER,
    DeviceFault.SERVICE_DOWN,
)
_ALIVE_SECONDS = 0.25
_PROBE_SECONDS = 0.5
# After a hang the reader gets a moment, and the patient time to read what happened: the page would only flash.
_SETTLE_SECONDS = 2.0

_VERIFY, _HEADER = 0x20, 4  # instruction; without data it only asks for the counter

# The connection is as good as before; after anything else the next job begins with a new one.
_CARD_SAYS_NO = (PinWrong, PinBlocked, NumberWrong, NumberGuarded, PhotoInvalid)


class _Session:
    """One connection to one card, and what the card said in it. `alive` is called after an exchange."""

    def __init__(
        self,
        presence: int,
        connection: int,
        card: CardConnection,
        count: int | None,
        alive: Callable[[], None],
        reach: Reach,
    ) -> None:
        self.presence = presence
        self.connection = connection
        self.link = card
        self.identity: Identity | None = None
        self.verified = False  # a VERIFY with data was sent in this job
        self._count = count
        self._alive = alive
        self.channel = CardChannel(self, PROFILES[0], reach)

    @property
    def atr(self) -> bytes:
        return self.link.atr

    @property
    def reader(self) -> str:
        return self.link.reader

    def transmit(self, command: bytes | bytearray) -> bytes:
        """The channel's way to the card."""
        self.verified |= command[1] == _VERIFY and len(command) > _HEADER
        answer = self.link.transmit(command)
        self._alive()
        return answer

    def check(self) -> None:
        """Before each burst. Raises `CardSwapped` when another card lies there than the one that was announced: the
        monitor hears of a swap later than a connection can be made."""
        count = self.link.count()
        if count is not None and self._count is not None and count != self._count:
            raise CardSwapped("another card")

    def restart(self) -> None:
        """After a reset by another program. The card is the same, and has forgotten what was selected."""
        self.link.reconnect()
        reach = self.channel.reach
        profile = self.channel.profile
        self.channel = CardChannel(self, profile, Reach.REFUTED if reach is Reach.ON_TRIAL else reach)

    def close(self) -> None:
        if self.identity is not None:
            self.identity.certificate.wipe()
        self.link.close()


@dataclass(frozen=True, slots=True)
class _Probe:
    """Find out whether a card that hung can be connected to again, in `seconds`."""

    presence: int
    seconds: float


class _Watcher:
    """Numbers the cards that come and go, and reports them in order.

    A card that hung is not reported before it can be connected to again: pcscd may still wait for it, and would call
    it held by another program. One that hung twice is not reported again at all. The reader is held back with it.
    """

    def __init__(
        self, send: Callable[[object], None], gone: Callable[[], None], probe: Callable[[_Probe], None]
    ) -> None:
        self._send = send
        self._gone = gone
        self._probe = probe
        self._hangs = 0
        self._held: str | None = None  # the reader that is not reported yet
        self._tired = False  # of probing
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()
        self._present: tuple[int, CardSeen] | None = None

    def begin(self, number: int, hangs: int) -> None:
        self._numbers = itertools.count(number)
        self._hangs = hangs

    def admit(self, presence: int) -> None:
        """The card answers again."""
        with self._changed:
            if self._held is None or not self._is_there(presence):
                return
            reader, self._held = self._held, None
            self._send(ReaderReady(reader))
            self._send(CardPresent(presence))

    def renew(self, presence: int) -> None:
        """The card that lies there is not the one that was reported."""
        with self._changed:
            if self._present is None or self._present[0] != presence:
                return
            number = next(self._numbers)
            self._present = (number, CardSeen(self._present[1].reader))
            self._send(CardGone(presence))
            self._send(CardPresent(number))

    def seen(self, presence: int) -> CardSeen:
        """Raises `CardRemoved` when that card is not there any more."""
        with self._changed:
            if self._present is None or self._present[0] != presence:
                raise CardRemoved("another presence")
            return self._present[1]

    def is_there(self, presence: int) -> bool:
        with self._changed:
            return self._is_there(presence)

    def leaves(self, presence: int, timeout: float) -> bool:
        """Whether that card is gone, within `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._is_there(presence), timeout)

    def _is_there(self, presence: int) -> bool:
        return self._present is not None and self._present[0] == presence

    def __call__(self, seen: Seen) -> None:
        # The lock is held while telling: what is told from two threads stays in order.
        with suppress(ChannelClosed), self._changed:  # closed: the process is about to end
            self._tell(seen)

    def _tell(self, seen: Seen) -> None:
        match seen:
            case ReaderSeen(name, card):
                hangs, self._hangs = self._hangs, 0
                self._tired = hangs > 1
                self._held = name if hangs and card else None
                if self._held is None:
                    self._send(ReaderReady(name))
            case ReaderLost(fault):
                self._held = None
                self._send(ReaderFault(fault))
            case CardSeen():
                number = next(self._numbers)
                self._present = (number, seen)
                if self._held is None:
                    self._send(CardPresent(number))
                elif not self._tired:
                    self._probe(_Probe(number, _SETTLE_SECONDS))
            case CardLost():
                was, self._present = self._present, None
                reader, self._held = self._held, None
                self._changed.notify_all()
                self._gone()
                if reader is not None:
                    self._send(ReaderReady(reader))
                elif was is not None:
                    self._send(CardGone(was[0]))


class _Worker:
    """Runs the jobs, one after the other, on the thread that calls `run`."""

    def __init__(self, channel: Channel, options: Options) -> None:
        self._send = channel.send
        self._close = channel.close
        self._issuers = [x509.load_der_x509_certificate(base64.b64decode(der)) for der in options["issuers"]]
        anchor = options.get("anchor")
        self._anchor = None if anchor is None else _rsa_key(base64.b64decode(anchor))
        self._salt = bytes.fromhex(options["salt"])
        self._driver, self._simulate = _driver(options, channel.send)
        self._jobs: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._watcher = _Watcher(channel.send, lambda: self._jobs.put(CardLost()), self._jobs.put)
        self._session: _Session | None = None
        self._connections = itertools.count(1)
        self._trace = TraceFile(Path(options["trace"])) if options.get("trace") else None
        self._short_only: set[str] = set()  # readers that do not pass extended APDUs
        self._job, self._told = 0, 0.0  # the job under way, and when it was last told of

    def put(self, message: object) -> None:
        """From the thread that receives."""
        # Simulation does not wait for the queue: a card is also pulled while a job runs.
        if self._simulate is None or not self._simulate(message):
            self._jobs.put(message)

    def stop(self) -> None:
        """From the thread that receives; ends `run`."""
        self._driver.stop()
        self._jobs.put(None)

    def run(self) -> None:
        try:
            while (message := self._jobs.get()) is not None:
                self._do(message)
        except ChannelClosed:
            pass
        finally:
            self._end_session()
            self._close()  # after a defect: better no process than one that beats and does not work

    def _do(self, message: object) -> None:
        match message:
            case Watch(after, short_only, hangs):
                self._short_only.update(short_only)
                self._connections = itertools.count(after + 1)
                self._watcher.begin(after + 1, hangs)
                self._driver.start(self._watcher)
            case _Probe(presence, seconds):
                if not self._watcher.leaves(presence, seconds):
                    self._probe(presence)
            case ReadCertificate(job, presence):
                self._answer(job, presence, lambda session: self._certificate(job, session))
            case ReadPhoto(job, presence, number, text):
                with number, text:
                    self._answer(job, presence, lambda session: self._photo(job, session, number, text))
            case SignWithPin(job, presence, pin, text):
                with pin, text:
                    self._answer(job, presence, lambda session: self._signature(job, session, pin, text))
            case Release():
                self._end_session()
            case CardLost():
                # Late news: the next card may already be in use.
                if self._session is not None and not self._watcher.is_there(self._session.presence):
                    self._end_session()

    def _probe(self, presence: int) -> None:
        try:
            self._driver.connect(self._watcher.seen(presence).reader).close()
        except (CardBusy, CardMute):
            self._jobs.put(_Probe(presence, _PROBE_SECONDS))
        except DeviceError:
            return  # the monitor tells
        else:
            self._watcher.admit(presence)

    def _answer(self, job: int, presence: int, work: Callable[[_Session], object]) -> None:
        """Exactly one answer for each job."""
        try:
            answer = self._do_job(job, presence, work)
        except DeviceError as error:
            if not isinstance(error, _CARD_SAYS_NO):
                self._end_session()
            fault = error.fault
            if fault in _GONE:
                if self._watcher.leaves(presence, _REMOVAL_SECONDS):
                    fault = DeviceFault.CARD_REMOVED
                elif isinstance(error, CardSwapped):
                    self._watcher.renew(presence)  # on a system that does not count, the monitor saw nothing
                elif fault in (DeviceFault.CARD_REMOVED, DeviceFault.NO_CARD):
                    fault = DeviceFault.CARD_MUTE  # it lies there and says nothing
            tries = error.tries_left if isinstance(error, PinWrong | NumberWrong | NumberGuarded) else None
            program = error.program if isinstance(error, CardBusy) else None
            self._send(CardRefused(job, fault, tries, program))
            return
        self._send(answer)

    def _do_job(self, job: int, presence: int, work: Callable[[_Session], object]) -> object:
        session = self._open(job, presence)
        try:
            return self._burst(session, work)
        except CardReset:
            if session.verified:  # VERIFY is never repeated by the program
                raise
            session.restart()
            return self._burst(session, work)
        except DeviceError:
            if session.channel.reach is not Reach.ON_TRIAL or self._watcher.leaves(presence, _REMOVAL_SECONDS):
                raise
            # The card lies there: it is the reader that fails over a long answer.
            session.channel.reach = Reach.REFUTED
            if session.verified:
                raise
            self._end_session()
            self._learn(session)  # before it is opened again
            return self._burst(self._open(job, presence), work)
        finally:
            self._learn(session)

    def _learn(self, session: _Session) -> None:
        """What this session found out about its reader."""
        if session.channel.reach is Reach.REFUTED and session.reader not in self._short_only:
            self._short_only.add(session.reader)
            self._send(ShortOnly(session.reader))

    def _burst(self, session: _Session, work: Callable[[_Session], object]) -> object:
        """The job's APDUs without a pause between them."""
        with session.link.transaction():
            session.check()
            session.verified = False
            session.channel.forget()
            return work(session)

    def _certificate(self, job: int, session: _Session) -> CertificateRead:
        identity = self._identify(session)
        view = identity.certificate.view()
        fingerprint = hmac.digest(self._salt, view, hashlib.sha256).hex()
        pin_tries = jpki.pin_tries(session.channel)
        number_tries = visual.number_tries(session.channel)
        return CertificateRead(
            job,
            session.connection,
            Blob.of(view),
            fingerprint,
            identity.token,
            pin_tries,
            number_tries,
            identity.expired,
        )

    def _photo(self, job: int, session: _Session, number: Blob, message: Blob) -> PhotoRead:
        self._identify(session)  # a card of another issuer gives no photo either
        told = 0

        def progress(done: int, total: int) -> None:
            nonlocal told
            percent = done * 100 // total
            if percent > told or done == total:
                told = percent
                self._send(CardProgress(job, done, total))

        with number.secret() as secret, message.secret() as text:
            face = visual.read_face(session.channel, secret, text.view(), self._anchor, progress)
        with face.photo as photo:
            return PhotoRead(
                job,
                session.connection,
                Blob.of(photo.view()),
                Blob.of(face.evidence.to_json()),
                face.intact,
                face.clone_checked,
            )

    def _signature(self, job: int, session: _Session, pin: Blob, message: Blob) -> PinSigned:
        identity = self._identify(session)
        with pin.secret() as secret, message.secret() as text:
            signature = jpki.sign(session.channel, identity.key, secret, text.view())
        return PinSigned(job, session.connection, Blob.of(signature))

    def _identify(self, session: _Session) -> Identity:
        if session.identity is not None:
            return session.identity
        for profile in PROFILES:
            if session.channel.profile is not profile:
                session.channel = CardChannel(session, profile, session.channel.reach)
            with suppress(UnsupportedCard):  # not of this generation
                session.identity = jpki.read_identity(session.channel, self._issuers)
                return session.identity
        raise UnsupportedCard("no application of any profile")

    def _open(self, job: int, presence: int) -> _Session:
        """The connection of this presence: one for all jobs, so that everything comes from the same card."""
        seen = self._watcher.seen(presence)
        self._job, self._told = job, time.monotonic()
        if self._session is not None and self._session.presence == presence:
            return self._session
        self._end_session()
        link = self._driver.connect(seen.reader)
        if self._trace is not None:
            link = Recorded(link, self._trace.write)
        reach = Reach.SHORT if link.reader in self._short_only else announced(link.atr)
        self._session = _Session(presence, next(self._connections), link, seen.count, self._alive, reach)
        if not self._watcher.is_there(presence):  # swapped meanwhile: the connection is to another card
            raise CardRemoved("another presence")
        return self._session

    def _alive(self) -> None:
        now = time.monotonic()
        if now - self._told >= _ALIVE_SECONDS:
            self._told = now
            self._send(Alive(self._job))

    def _end_session(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None


def _driver(options: Options, send: Callable[[object], None]) -> tuple[Driver, Callable[[object], bool] | None]:
    """The driver and, for the simulated one, what takes its messages."""
    match options["driver"]:
        case "pcsc":
            from devices.pcsc.driver import PcscDriver

            production = bool(options.get("production", False))
            return PcscDriver(options.get("reader", ""), options.get("csock", ""), production=production), None
        case "simulated":
            from devices.card.simulation import Simulation
            from devices.simulated.reader import SimulatedDriver

            driver = SimulatedDriver()
            return driver, Simulation(driver, send)
        case other:
            raise ValueError(f"no such driver: {other!r}")


def _rsa_key(der: bytes) -> RSAPublicKey:
    key = load_der_public_key(der)
    if not isinstance(key, RSAPublicKey):
        raise ValueError("the anchor is not an RSA key")
    return key


def serve(channel: Channel, options: Options) -> None:
    """Entry of the card process; also runs in a thread of a test process."""
    worker = _Worker(channel, options)
    thread = threading.Thread(target=worker.run, name="card-io", daemon=True)
    thread.start()
    try:
        while True:
            worker.put(channel.receive())
    finally:
        worker.stop()
        thread.join(timeout=5)
