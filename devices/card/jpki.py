"""公的個人認証 (JPKI): the user-authentication certificate (利用者証明用電子証明書) and signatures by its key.

Everything here is asked of the card by name of a capability; the caller sees no APDU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from devices.card import apdu, tlv
from devices.card.channel import CardChannel
from devices.card.digest import digest_info
from devices.errors import (
    CardProtocol,
    CertificateUnreadable,
    ForeignIssuer,
    PhoneOnReader,
    PinBlocked,
    PinWrong,
    UnsupportedCard,
)
from devices.ports import TokenKind
from devices.secret import SecretBytes

_SEQUENCE = 0x30
_LABEL = 32  # CK_TOKEN_INFO (PKCS#11 §3.2): the label comes first, filled with blanks
_TOKENS = {
    "JPKIAPICCTOKEN": TokenKind.CARD,
    "JPKIAPICCTOKEN2": TokenKind.CARD,
    "JPKIAPGPSETOKEN": TokenKind.PHONE,
    "JPKIAPIOSTOKEN": TokenKind.PHONE,
}


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """What a card says about itself without PIN. The certificate is DER, exactly as long as it says."""

    certificate: SecretBytes
    key: RSAPublicKey
    token: TokenKind

    def __repr__(self) -> str:
        return "Identity(****)"


def read_identity(card: CardChannel, issuers: Sequence[x509.Certificate]) -> Identity:
    """Select JPKI, read label and certificate.

    Raises `UnsupportedCard` when there is no JPKI application, `PhoneOnReader` by the label alone,
    `CertificateUnreadable`, and `ForeignIssuer` when none of `issuers` signed the certificate: it is then overwritten
    here, and nothing derived from it leaves.
    """
    _select(card)
    token = _token(card)
    if token is TokenKind.PHONE:
        raise PhoneOnReader
    der = card.read_file(card.profile.certificate, tlv.total_of(_SEQUENCE))
    if der is None:
        raise CertificateUnreadable("not readable without PIN")
    certificate = SecretBytes.adopt(der)
    try:
        return Identity(certificate, _accept(certificate, issuers), token)
    except BaseException:
        certificate.wipe()
        raise


def pin_tries(card: CardChannel) -> int | None:
    """Tries left of the PIN now; None when there is no such PIN or the card does not tell."""
    _select(card)
    return card.tries_left(card.profile.pin)


def sign(card: CardChannel, key: RSAPublicKey, pin: SecretBytes, message: bytes | memoryview) -> bytes:
    """VERIFY and COMPUTE DIGITAL SIGNATURE in one go; RSASSA-PKCS1-v1_5 with SHA-256 over `message`.

    Exactly one VERIFY, and none when no try is left. Raises `PinWrong`, `PinBlocked`; `CardProtocol` when the
    signature does not fit `key`. The card is left behind closed in every case.
    """
    command = apdu.verify(pin.view(), card.profile.pin_digits)
    _select(card)
    try:
        tries = card.tries_left(card.profile.pin)
        if tries is None:
            raise CardProtocol("PIN counter not told")
        if tries == 0:
            raise PinBlocked
        answer = card.send(command)
        if answer.tries_left == 0:
            raise PinBlocked
        if answer.tries_left is not None:
            raise PinWrong(answer.tries_left)
        if not answer.ok:
            raise CardProtocol(f"VERIFY answered {answer.sw:04X}")
        # No DF is selected from here on: on some cards that would close what VERIFY opened.
        if not card.select_file(card.profile.key).ok:
            raise CardProtocol("no key")
        signed = card.send(apdu.compute_signature(digest_info(message)))
        if not signed.ok:
            raise CardProtocol(f"signature answered {signed.sw:04X}")
    finally:
        card.leave()
    try:
        key.verify(signed.data, bytes(message), PKCS1v15(), SHA256())
    except InvalidSignature:
        raise CardProtocol("the signature does not fit the certificate") from None
    return signed.data


def _select(card: CardChannel) -> None:
    answer = card.select_application(card.profile.jpki)
    if not answer.ok:
        raise UnsupportedCard(f"SELECT answered {answer.sw:04X}")


def _token(card: CardChannel) -> TokenKind:
    label = card.read_file(card.profile.token_info, lambda first: min(_LABEL, len(first)))
    if label is None:
        return TokenKind.UNKNOWN
    return _TOKENS.get(label.decode("ascii", "replace").rstrip(" \0"), TokenKind.UNKNOWN)


def _accept(certificate: SecretBytes, issuers: Sequence[x509.Certificate]) -> RSAPublicKey:
    try:
        parsed = x509.load_der_x509_certificate(bytes(certificate.view()))
        key = parsed.public_key()
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
        raise CertificateUnreadable("not a certificate") from None
    # All generations of the JPKI CA have the same name: the signature decides.
    if not any(_issued_by(parsed, issuer) for issuer in issuers):
        raise ForeignIssuer
    if not isinstance(key, RSAPublicKey):
        raise CertificateUnreadable("key of another kind")
    return key


def _issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
