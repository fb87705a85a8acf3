"""券面事項確認AP: the photo on the card, and what proves that it belongs to this card.

照合番号B (14 digits, all of them printed on the front) opens it; the My Number is neither needed nor reachable.
Name and address are pictures that go into a hash as they are: they are never decoded.

Definitions, as far as public sources leave them open, are those at the head of `devices.simulated.card.files`.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers

from devices.card import apdu, picture, tlv
from devices.card.channel import CardChannel
from devices.card.signature import RsaKey, digest_info
from devices.card.tlv import Tlv
from devices.errors import CardProtocol, NumberGuarded, NumberWrong, UnsupportedCard
from devices.secret import SecretBytes

_FACE = 0xFF20
_BIRTH, _SEX, _KEY = 0xDF22, 0xDF23, 0xDF24
_NAME, _ADDRESS, _PHOTO, _SIGNATURE = 0xDF25, 0xDF26, 0xDF27, 0xDF28
_CV, _CV_BODY, _CV_SIGNATURE = 0x7F21, 0x5F4E, 0x5F37
_EXPONENT, _MODULUS = 0x90, 0x91
_KEY_IDS = 32  # issuer and subject key identifiers before the key in the CV certificate


@dataclass(frozen=True, slots=True, repr=False)
class PresenceEvidence:
    """For the gateway: this card was here and signed this message, and its issuer vouches for the photo.

    The gateway checks it without photo, name or address: `head` is DF22 to DF24 as stored (it holds the card's key),
    the rest of the card face is there as hashes. `kind` is "card_presence" when everything fits up to the configured
    anchor, else "photo_unanchored": no root of the national card's EF 0004 is public.
    """

    kind: str
    head: bytes
    names_hash: bytes
    photo_hash: bytes
    issuer_signature: bytes
    cv_certificate: bytes
    presence_signature: bytes

    def to_json(self) -> bytes:
        """UTF-8; bytes in base64."""
        fields: dict[str, Any] = {"kind": self.kind}
        for name in self.__slots__[1:]:
            fields[name] = base64.b64encode(getattr(self, name)).decode()
        return json.dumps(fields).encode()

    def __repr__(self) -> str:
        return f"PresenceEvidence({self.kind!r})"


@dataclass(frozen=True, slots=True, repr=False)
class CardFace:
    """`intact`: DF28 fits under EF 0004's key. `anchored`: EF 0004 fits under the configured anchor.

    `clone_checked`: the card proved that it has DF24's private key, which a copy of its files has not.
    """

    photo: SecretBytes
    evidence: PresenceEvidence
    intact: bool
    anchored: bool
    clone_checked: bool

    def __repr__(self) -> str:
        return "CardFace(****)"


def number_tries(card: CardChannel) -> int | None:
    """Tries left of 照合番号B; None when there is no such application or it does not tell."""
    if not card.select_application(card.profile.visual).ok:
        return None
    return card.tries_left(card.profile.number)


def read_face(
    card: CardChannel,
    number: SecretBytes,
    message: bytes | memoryview,
    anchor: RSAPublicKey | None,
    progress: Callable[[int, int], None],
) -> CardFace:
    """Open with 照合番号B, read the card face, let the card sign `message` with its own key.

    `progress(bytes read, bytes in all)`. Exactly one VERIFY, and none when 3 or fewer tries are left: then, and only
    then, `NumberGuarded`. Raises `NumberWrong`, `UnsupportedCard`, and `PhotoInvalid` for a photo that must not be
    decoded. The card is left behind closed in every case.
    """
    if not card.select_application(card.profile.visual).ok:
        raise UnsupportedCard("no card-face application")
    try:
        _open(card, number)
        stored = card.read_file(card.profile.face, tlv.total_of(_FACE), progress)
        certificate = card.read_file(card.profile.cv_certificate, tlv.total_of(_CV))
        if stored is None or certificate is None:
            raise CardProtocol("card face not readable")
        signed = card.send(apdu.internal_authenticate(digest_info(message)))
    finally:
        card.leave()
    with SecretBytes.adopt(stored) as face:
        return _parse(face.view(), bytes(certificate), signed.data if signed.ok else b"", message, anchor)


def _open(card: CardChannel, number: SecretBytes) -> None:
    tries = card.tries_left(card.profile.number)
    if tries is None:
        raise CardProtocol("counter of the number not told")
    if tries <= card.profile.number_reserve:
        raise NumberGuarded(tries)
    answer = card.verify(card.profile.number, number.view(), card.profile.number_digits)
    if answer.tries_left is not None:
        raise NumberWrong(answer.tries_left)
    if not answer.ok:
        raise CardProtocol(f"VERIFY answered {answer.sw:04X}")


def _parse(
    face: memoryview, certificate: bytes, presence: bytes, message: bytes | memoryview, anchor: RSAPublicKey | None
) -> CardFace:
    parts = tlv.children(tlv.one(face, _FACE).value)
    key, photo = tlv.need(parts, _KEY), tlv.need(parts, _PHOTO)
    picture.check(photo.value)
    head = _stored(parts, _BIRTH, _SEX, _KEY)
    names_hash = hashlib.sha256(_stored(parts, _NAME, _ADDRESS)).digest()
    photo_hash = hashlib.sha256(photo.raw).digest()
    signature = bytes(tlv.need(parts, _SIGNATURE).value)

    cv = tlv.children(tlv.one(certificate, _CV).value)
    body = tlv.need(cv, _CV_BODY)
    signed = hashlib.sha256(head).digest() + names_hash + photo_hash
    intact = _fits(_public_key(body.value[_KEY_IDS:]), signature, signed)
    anchored = anchor is not None and _fits(anchor, bytes(tlv.need(cv, _CV_SIGNATURE).value), bytes(body.raw))
    clone_checked = _fits(_public_key(key.value), presence, bytes(message))

    kind = "card_presence" if intact and anchored and clone_checked else "photo_unanchored"
    evidence = PresenceEvidence(kind, head, names_hash, photo_hash, signature, certificate, presence)
    return CardFace(SecretBytes(photo.value), evidence, intact, anchored, clone_checked)


def _stored(parts: dict[int, Tlv], *tags: int) -> bytes:
    return b"".join(tlv.need(parts, tag).raw for tag in tags)


def _public_key(data: memoryview) -> RSAPublicKey:
    parts = tlv.children(data)
    exponent = int.from_bytes(tlv.need(parts, _EXPONENT).value, "big")
    modulus = int.from_bytes(tlv.need(parts, _MODULUS).value, "big")
    if not 2048 <= modulus.bit_length() <= 4096:
        raise CardProtocol("key size not accepted")
    try:
        return RSAPublicNumbers(exponent, modulus).public_key()
    except ValueError:
        raise CardProtocol("not a key") from None


def _fits(key: RSAPublicKey, signature: bytes, message: bytes) -> bool:
    return RsaKey(key).fits(signature, message)
