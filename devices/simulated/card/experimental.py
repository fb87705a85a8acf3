"""A card of the next generation as we imagine it: **an invention**, to try out that the client can change algorithms.

Publicly known is only that ECDSA with P-384 and SHA-384 is planned, fewer applications and PINs, and a 照合番号 of six
digits. Applications and files here are ours; the identifiers begin with `F0` (proprietary, ISO/IEC 7816-4 §8.2.1.2).

* `AUTHENTICATION`: 0003 token information, 0004 certificate, 0005 CA certificate, 0006 key, 0007 PIN (four digits,
  three tries). COMPUTE DIGITAL SIGNATURE `80 2A 00 80` takes the SHA-384 (48 bytes), gives an Ecdsa-Sig-Value (DER).
* `FACE`: 0001 card face and 0002 CV certificate as in the visual application of today (RSA: `files`),
  0008 照合番号 (six digits: the birth date, ten tries). INTERNAL AUTHENTICATE `80 2A 00 00` as today.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import date

from devices.simulated import pki
from devices.simulated.card import files
from devices.simulated.card.files import PersonCard
from devices.simulated.card.filesystem import Application, DataFile, File, KeyFile, PinFile, Secret
from devices.simulated.card.keys import load_key
from devices.simulated.pki import Authority

AUTHENTICATION = b"\xf0TEST-P384-AUTH"
FACE = b"\xf0TEST-P384-FACE"

LABEL = b"TEST-P384-TOKEN"


def experimental_card(card: PersonCard, today: date, authority: Authority | None = None) -> tuple[PersonCard, bytes]:
    """`card` with another key, certificate and files, under the same id; and the certificate of its CA (DER)."""
    authority = authority or Authority.create(today, "experimental cards", key=pki.new_ec_key())
    key = pki.new_ec_key()
    certificate = authority.user_authentication(
        key.public_key(), pki.add_months(today, -20), pki.add_months(today, 100)
    )
    made = dataclasses.replace(
        card,
        experimental=True,
        atr=files.ATR_MY_NUMBER_EXTENDED,
        jpki={
            0x0003: files.token_info(LABEL),
            0x0004: files.pad(certificate),
            0x0005: files.pad(authority.certificate),
        },
        visual={0x0001: card.visual[0x0002], 0x0002: card.visual[0x0004]},
        text={},
        common=b"",
        auth_key=pki.key_bytes(key),
        sign_key=b"",
        number_b=card.birth_pin,
        tries={},
    )
    return made, authority.certificate


def applications(card: PersonCard, tries: Mapping[str, int]) -> dict[bytes, Application]:
    authentication: dict[int, File] = {fid: DataFile(content) for fid, content in card.jpki.items()}
    authentication[0x0006] = KeyFile(load_key(card.auth_key), 0x0007)
    authentication[0x0007] = PinFile(card.pin.encode(), 3, tries.get("authentication/0007", 3), Secret.DIGITS)
    face: dict[int, File] = {
        0x0001: DataFile(card.visual[0x0001], frozenset({0x0008})),
        0x0002: DataFile(card.visual[0x0002]),
        0x0008: PinFile(card.number_b.encode(), 10, tries.get("face/0008", 10)),
    }
    return {
        AUTHENTICATION: Application("authentication", authentication, change=(0x00, 0x24, 0x01)),
        FACE: Application("face", face, load_key(card.card_key)),
    }
