"""What the kiosk and the card process say to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from devices.blob import Blob
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


@dataclass(frozen=True, slots=True)
class Watch:
    """Begin: a spare process does not touch the reader before. Presences and connections are numbered above `after`.

    `short_only`: readers of which an earlier process said so. `hangs`: how many processes before this one were ended in
    a row because the card on the reader hung.
    """

    after: int
    short_only: tuple[str, ...] = ()
    hangs: int = 0


@dataclass(frozen=True, slots=True)
class ReadCertificate:
    job: int
    presence: int


@dataclass(frozen=True, slots=True)
class ReadPhoto:
    job: int
    presence: int
    number: Blob
    message: Blob


@dataclass(frozen=True, slots=True)
class SignWithPin:
    job: int
    presence: int
    pin: Blob
    message: Blob


@dataclass(frozen=True, slots=True)
class Release:
    pass


@dataclass(frozen=True, slots=True)
class ShortOnly:
    """An extended APDU did not pass this reader, though the card announces them. Every later process is told."""

    reader: str


@dataclass(frozen=True, slots=True)
class Alive:
    """The card answered a command of this job: it does not hang. Not for every command, several times a second."""

    job: int


@dataclass(frozen=True, slots=True)
class SimulateInsert:
    """To the simulated driver only, as all that follow. `card`: UTF-8 JSON of a
    `devices.simulated.card.files.PersonCard`.

    `settings`, `tries`: see `devices.simulated.reader.SimulatedDriver.insert`.
    """

    card: Blob
    settings: Mapping[str, Any] = field(default_factory=dict)
    tries: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SimulateRemove:
    pass


@dataclass(frozen=True, slots=True)
class SimulateFaults:
    """`rules`: JSON of a `devices.simulated.card.FaultPlan`; APDUs are counted from now."""

    rules: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class SimulateReader:
    """`state`: a `devices.simulated.reader.ReaderState`."""

    state: str


@dataclass(frozen=True, slots=True)
class SimulateInspect:
    """Answered by `SimulatedCounters`."""


@dataclass(frozen=True, slots=True)
class SimulatedCounters:
    """Of the virtual card on the reader, by "application/EF"; empty without one.

    `tries` left, and `verifications`: how many VERIFY commands with data arrived.
    """

    tries: Mapping[str, int]
    verifications: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SimulatedRemoved:
    """A virtual card was taken away, `pulled` by a fault; `tries` left, to be used when it comes again."""

    card: str
    tries: Mapping[str, int]
    pulled: bool


TO_CHILD: tuple[type, ...] = (
    Watch,
    ReadCertificate,
    ReadPhoto,
    SignWithPin,
    Release,
    SimulateInsert,
    SimulateRemove,
    SimulateFaults,
    SimulateReader,
    SimulateInspect,
)
TO_PARENT: tuple[type, ...] = (
    ReaderReady,
    ReaderFault,
    CardPresent,
    CardGone,
    CertificateRead,
    CardProgress,
    PhotoRead,
    PinSigned,
    CardRefused,
    Alive,
    ShortOnly,
    SimulatedCounters,
    SimulatedRemoved,
)
