"""What may wait for the line, and its bytes.

One line of JSON that is nothing personal, then the payload as it is: built and taken apart in buffers that are wiped,
which base64 inside JSON would not allow.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import IntEnum
from typing import assert_never

from devices.secret import SecretBytes
from kiosk.downtime.errors import EntryDamaged
from kiosk.reception.states import StaffReason

PAYLOAD_BYTES = 64 * 1024
_HEAD_BYTES = 128


class Kind(IntEnum):
    """Stands in clear text in an entry's header."""

    LOOKUP = 1
    STAFF = 2
    CONSENT = 3


@dataclass(frozen=True, slots=True, repr=False)
class LookupWork:
    """A look-up by insured number that staff typed. `query`: its JSON; `limit_consent`: 限度額, None: not asked."""

    query: SecretBytes
    limit_consent: bool | None


@dataclass(frozen=True, slots=True, repr=False)
class StaffWork:
    """A card reception confirmed by eye (目視確認): `certificate` is DER. Without the line nothing can be asked for,
    so it is finished with empty answers."""

    certificate: SecretBytes
    reason: StaffReason


@dataclass(frozen=True, slots=True, repr=False)
class ConsentWork:
    """The answers (JSON) of a reception that the gateway had accepted before the line broke."""

    answers: SecretBytes


Work = LookupWork | StaffWork | ConsentWork


def kind_of(work: Work) -> Kind:
    match work:
        case LookupWork():
            return Kind.LOOKUP
        case StaffWork():
            return Kind.STAFF
        case ConsentWork():
            return Kind.CONSENT
        case _:
            assert_never(work)


def payload_of(work: Work) -> SecretBytes:
    match work:
        case LookupWork():
            return work.query
        case StaffWork():
            return work.certificate
        case ConsentWork():
            return work.answers
        case _:
            assert_never(work)


def pack(work: Work) -> SecretBytes:
    """The caller wipes it. The work's own payload stays as it is. ValueError: empty, or over 64 KiB."""
    payload = payload_of(work)
    if not 0 < len(payload) <= PAYLOAD_BYTES:
        raise ValueError("a payload of 1 byte to 64 KiB")
    match work:
        case LookupWork():
            head = json.dumps({"limit_consent": work.limit_consent})
        case StaffWork():
            head = json.dumps({"reason": work.reason.value})
        case ConsentWork():
            head = "{}"
        case _:
            assert_never(work)
    line = head.encode("ascii") + b"\n"
    # Filled, not grown: growing leaves copies behind.
    buffer = bytearray(len(line) + len(payload))
    buffer[: len(line)] = line
    buffer[len(line) :] = payload.view()
    return SecretBytes.adopt(buffer)


def unpack(kind: Kind, packed: SecretBytes) -> Work:
    """A copy; the caller wipes both. `EntryDamaged`."""
    content = packed.view()
    end = next((place for place, byte in enumerate(content[:_HEAD_BYTES]) if byte == ord("\n")), len(content))
    if end + 1 >= len(content):
        raise EntryDamaged("not the work of this version")
    try:
        head = json.loads(bytes(content[:end]))
        match kind, head:
            case Kind.LOOKUP, {"limit_consent": bool() | None as limit_consent}:
                return LookupWork(_payload(content, end), limit_consent)
            case Kind.STAFF, {"reason": str() as reason}:
                return StaffWork(_payload(content, end), StaffReason(reason))
            case Kind.CONSENT, {}:
                return ConsentWork(_payload(content, end))
            case _:
                raise EntryDamaged("not the work of this version")
    except ValueError:
        raise EntryDamaged("not the work of this version") from None


def _payload(content: memoryview, end: int) -> SecretBytes:
    return SecretBytes(content[end + 1 :])
