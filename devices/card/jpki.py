"""公的個人認証 (JPKI): the user-authentication certificate (利用者証明用電子証明書) and signatures by its key.

Everything here is asked of the card by name of a capability; the caller sees no APDU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509

from devices.card import chain, tlv
from devices.card.channel import CardChannel
from devices.card.signature import SignatureKey
from devices.errors import (
    CardProtocol,
    CertificateUnreadable,
    PhoneOnReader,
    PinBlocked,
    PinWrong,
    UnsupportedCard,
)
from devices.ports import TokenKind
from devices.secret import SecretBytes

_SEQUENCE = 0x30
_LABEL = 32  # CK_TOKEN_INFO (PKCS#11 §3.2): the label comes first, filled with blanks


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """What a card says about itself without PIN. The certificate is DER, exactly as long as it says."""

    certificate: SecretBytes
    key: SignatureKey
    token: TokenKind
    expired: bool

    def __repr__(self) -> str:
        return "Identity(****)"


def read_identity(card: CardChannel, issuers: Sequence[x509.Certificate], now: datetime | None = None) -> Identity:
    """Select JPKI, read label and certificate; judge it by `devices.card.chain` at the time `now`.

    Raises `UnsupportedCard` when there is no JPKI application, `PhoneOnReader` by the label alone,
    `CertificateUnreadable`, and `ForeignIssuer` when none of `issuers` signed the certificate: it is then overwritten
    here, and nothing derived from it leaves.
    """
    _select(card)
    token = _token(card)
    if token is TokenKind.PHONE:
        raise PhoneOnReader
    der = card.read_file(card.profile.certificate, tlv.total_of(_SEQUENCE), prove=True)
    if der is None:
        raise CertificateUnreadable("not readable without PIN")
    certificate = SecretBytes.adopt(der)
    try:
        accepted = chain.accept(certificate.view(), issuers, card.profile.algorithms, now or datetime.now(UTC))
        return Identity(certificate, accepted.key, token, accepted.expired)
    except BaseException:
        certificate.wipe()
        raise


def pin_tries(card: CardChannel) -> int | None:
    """Tries left of the PIN now; None when there is no such PIN or the card does not tell."""
    _select(card)
    return card.tries_left(card.profile.pin)


def sign(card: CardChannel, key: SignatureKey, pin: SecretBytes, message: bytes | memoryview) -> bytes:
    """VERIFY and COMPUTE DIGITAL SIGNATURE in one go; the signature over `message` in the form of `key`'s algorithm.

    Exactly one VERIFY, and none when no try is left. Raises `PinWrong`, `PinBlocked`; `CardProtocol` when the
    signature does not fit `key`. The card is left behind closed in every case.
    """
    _select(card)
    try:
        tries = card.tries_left(card.profile.pin)
        if tries is None:
            raise CardProtocol("PIN counter not told")
        if tries == 0:
            raise PinBlocked
        answer = card.verify(card.profile.pin, pin.view(), card.profile.pin_digits)
        if answer.tries_left == 0:
            raise PinBlocked
        if answer.tries_left is not None:
            raise PinWrong(answer.tries_left)
        if not answer.ok:
            raise CardProtocol(f"VERIFY answered {answer.sw:04X}")
        # No DF is selected from here on: on some cards that would close what VERIFY opened.
        signed = card.sign(card.profile.key, key.request(message))
        if signed is None:
            raise CardProtocol("no key")
        if not signed.ok:
            raise CardProtocol(f"signature answered {signed.sw:04X}")
    finally:
        card.leave()
    return key.accept(signed.data, message)


def _select(card: CardChannel) -> None:
    answer = card.select_application(card.profile.jpki)
    if not answer.ok:
        raise UnsupportedCard(f"SELECT answered {answer.sw:04X}")


def _token(card: CardChannel) -> TokenKind:
    label = card.read_file(card.profile.token_info, lambda first: min(_LABEL, len(first)), first=_LABEL)
    if label is None:
        return TokenKind.UNKNOWN
    return card.profile.labels.get(label.decode("ascii", "replace").rstrip(" \0"), TokenKind.UNKNOWN)
