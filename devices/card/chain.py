"""Whose certificate it is, as far as that can be judged at the kiosk: issuer, form, validity.

Defence in depth, not the decision: the gateway judges again, and it alone knows of revocation. So an expired
certificate is *told* (it still confirms the insurance for some months) and only what no issuer would have made is
refused here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes

from devices.card.profile import Algorithm
from devices.card.signature import SignatureKey, signature_key
from devices.errors import CertificateUnreadable, ForeignIssuer

# A kiosk's clock may be wrong by hours before it reaches its time server; not by more.
_CLOCK_TOLERANCE = timedelta(days=1)
_SIGNED_WITH = (hashes.SHA256, hashes.SHA384, hashes.SHA512)


@dataclass(frozen=True, slots=True, repr=False)
class Accepted:
    key: SignatureKey
    expired: bool

    def __repr__(self) -> str:
        return f"Accepted({self.key.algorithm}, expired={self.expired})"


def accept(
    der: bytes | memoryview, issuers: Sequence[x509.Certificate], allowed: frozenset[Algorithm], now: datetime
) -> Accepted:
    """Judge a user-authentication certificate. `now` with its time zone.

    Raises `ForeignIssuer` when none of `issuers` signed it; `CertificateUnreadable` when it is no certificate, of a
    key or a signature that is not allowed, not for signatures, not valid yet, or of a validity that ends before it
    begins. The message says which.
    """
    try:
        parsed = x509.load_der_x509_certificate(bytes(der))
        public = parsed.public_key()
        extensions = parsed.extensions
        signed_with = parsed.signature_hash_algorithm
        begins, ends = parsed.not_valid_before_utc, parsed.not_valid_after_utc
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension):
        raise CertificateUnreadable("not a certificate") from None
    # The issuer first: of a card that is not ours to read, nothing more is said.
    if not any(_issued_by(parsed, extensions, issuer) for issuer in issuers):
        raise ForeignIssuer
    if not isinstance(signed_with, _SIGNED_WITH):
        raise CertificateUnreadable("signed with another hash")
    if _basic_constraints(extensions) or not _usage(extensions, "digital_signature"):
        raise CertificateUnreadable("not for signatures of a person")
    if begins > ends:
        raise CertificateUnreadable("ends before it begins")
    if begins > now + _CLOCK_TOLERANCE:
        raise CertificateUnreadable("not valid yet")
    key = signature_key(public, allowed)
    if key is None:
        raise CertificateUnreadable("key of another kind")
    return Accepted(key, expired=ends < now)


def usable_issuer(certificate: x509.Certificate) -> bool:
    """A CA certificate that may sign certificates (RFC 5280 §4.2.1.3, §4.2.1.9)."""
    try:
        extensions = certificate.extensions
    except (ValueError, x509.DuplicateExtension):
        return False
    return _basic_constraints(extensions) and _usage(extensions, "key_cert_sign")


def _issued_by(certificate: x509.Certificate, extensions: x509.Extensions, issuer: x509.Certificate) -> bool:
    """All generations of the JPKI CA have one name: the key identifier chooses, the signature decides."""
    if not usable_issuer(issuer):
        return False
    wanted, offered = _authority_key(extensions), _subject_key(issuer)
    if wanted is not None and offered is not None and wanted != offered:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _authority_key(extensions: x509.Extensions) -> bytes | None:
    try:
        return extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        return None


def _subject_key(issuer: x509.Certificate) -> bytes | None:
    try:
        return issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return None


def _basic_constraints(extensions: x509.Extensions) -> bool:
    """Whether it is a CA."""
    try:
        return extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _usage(extensions: x509.Extensions, name: str) -> bool:
    """Whether the key usage allows it; without the extension it is not restricted (RFC 5280 §4.2.1.3)."""
    try:
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return bool(getattr(usage, name))
