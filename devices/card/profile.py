"""Where things are on a My Number Card (個人番号カード): applications, elementary files, PIN rules, algorithms.

There is no published specification of the card's applications; the values are those on which the public
open-source clients (OpenSC's `card-jpki`, and others) agree. Another generation of the card is another
`CardProfile`, and nothing else of the client changes (tests/unit/card/test_profile.py runs it on an invented one).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from devices.ports import TokenKind


class Algorithm(StrEnum):
    """How the card's authentication key signs; told by the certificate's key, allowed by the profile."""

    RSA_2048_SHA256 = "rsa-2048-sha256"  # RSASSA-PKCS1-v1_5
    ECDSA_P384_SHA384 = "ecdsa-p384-sha384"  # announced for the next generation of the card


def low_five_bits(file: int) -> int | None:
    """Short EF identifier as JICSAP 1.1 §4.2 has it: files 0001 to 001E are named by their low bits."""
    return file if 1 <= file <= 0x1E else None


_LABELS = MappingProxyType(
    {
        "JPKIAPICCTOKEN": TokenKind.CARD,
        "JPKIAPICCTOKEN2": TokenKind.CARD,
        "JPKIAPGPSETOKEN": TokenKind.PHONE,
        "JPKIAPIOSTOKEN": TokenKind.PHONE,
    }
)


@dataclass(frozen=True, slots=True)
class CardProfile:
    """Application identifiers (ISO 7816-4 §8.2.1.2), file ids and the rules around the PINs."""

    jpki: bytes  # JPKI AP (公的個人認証)
    visual: bytes  # 券面事項確認AP
    leave: bytes  # GlobalPlatform issuer security domain: selecting it leaves every application

    token_info: int
    certificate: int  # 利用者証明用電子証明書
    ca_certificate: int
    pin: int
    key: int

    number: int  # 照合番号B
    face: int  # 券面事項: photo and images
    cv_certificate: int  # certifies the key that signed `face`

    pin_digits: int = 4
    number_digits: int = 14
    number_reserve: int = 3  # tries of 照合番号B that the kiosk never touches: there is no remote unblocking

    algorithms: frozenset[Algorithm] = frozenset({Algorithm.RSA_2048_SHA256})
    labels: Mapping[str, TokenKind] = field(default_factory=lambda: _LABELS)  # of EF `token_info`
    short: Callable[[int], int | None] = low_five_bits  # short EF identifier of a file, 1..30; None: it has none


MY_NUMBER_CARD = CardProfile(
    jpki=bytes.fromhex("D392F000260100000001"),
    visual=bytes.fromhex("D3921000310001010402"),
    leave=bytes.fromhex("A0000001510000"),
    token_info=0x0006,
    certificate=0x000A,
    ca_certificate=0x000B,
    pin=0x0018,
    key=0x0017,
    number=0x0012,
    face=0x0002,
    cv_certificate=0x0004,
)

# Tried in this order; the first whose application a card selects is used. Another generation is another entry.
PROFILES = (MY_NUMBER_CARD,)
