"""Where things are on a My Number Card (個人番号カード): applications, elementary files, PIN rules.

There is no published specification of the card's applications; the values are those on which the public
open-source clients (OpenSC's `card-jpki`, and others) agree. The next card generation (P-384, other
applications) would be a second `CardProfile`.
"""

from __future__ import annotations

from dataclasses import dataclass


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
