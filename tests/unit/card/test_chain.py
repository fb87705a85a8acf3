"""Which certificates are accepted at the kiosk, which are told as expired, and which are refused with their reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from devices.card import chain
from devices.card.profile import Algorithm
from devices.errors import CertificateUnreadable, ForeignIssuer

NOW = datetime(2026, 5, 6, tzinfo=UTC)
RSA_ONLY = frozenset({Algorithm.RSA_2048_SHA256})
BOTH = frozenset(Algorithm)
NAME = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "TEST - NOT J-LIS")])

Change = Callable[[x509.CertificateBuilder], x509.CertificateBuilder]
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
P384 = ec.generate_private_key(ec.SECP384R1())


def usage(*, signs: bool = False, certifies: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(signs, False, False, False, False, certifies, certifies, False, False)


def certificate(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    issuer: CertificateIssuerPrivateKeyTypes,
    *extensions: x509.ExtensionType,
    begins: datetime = NOW - timedelta(days=400),
    ends: datetime = NOW + timedelta(days=400),
    signed_with: type[hashes.SHA256 | hashes.SHA384 | hashes.SHA224] = hashes.SHA256,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(NAME)
        .issuer_name(NAME)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(begins)
        .not_valid_after(ends)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=not isinstance(extension, x509.AuthorityKeyIdentifier))
    return builder.sign(issuer, signed_with())


def authority(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = RSA, *extensions: x509.ExtensionType
) -> x509.Certificate:
    usual = (
        x509.BasicConstraints(True, 0),
        usage(certifies=True),
        x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
    )
    return certificate(key, key, *(extensions or usual))


def leaf(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = OTHER_RSA,
    *extensions: x509.ExtensionType,
    by: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = RSA,
    **changes: datetime,
) -> bytes:
    usual = (usage(signs=True), x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()))
    return certificate(key, by, *(extensions or usual), **changes).public_bytes(Encoding.DER)


def test_an_ordinary_certificate() -> None:
    accepted = chain.accept(leaf(), [authority()], RSA_ONLY, NOW)
    assert (accepted.key.algorithm, accepted.expired) == (Algorithm.RSA_2048_SHA256, False)
    assert repr(accepted) == "Accepted(rsa-2048-sha256, expired=False)"


@pytest.mark.parametrize("days", [1, 30, 3000])
def test_an_expired_one_is_told_and_not_refused(days: int) -> None:
    der = leaf(begins=NOW - timedelta(days=4000), ends=NOW - timedelta(days=days))
    assert chain.accept(der, [authority()], RSA_ONLY, NOW).expired


def test_not_valid_yet() -> None:
    issuers = [authority()]
    with pytest.raises(CertificateUnreadable, match="not valid yet"):
        chain.accept(leaf(begins=NOW + timedelta(days=2)), issuers, RSA_ONLY, NOW)
    # The kiosk's clock is wrong by some hours before it meets its time server.
    assert not chain.accept(leaf(begins=NOW + timedelta(hours=12)), issuers, RSA_ONLY, NOW).expired


def test_it_ends_before_it_begins() -> None:
    """No builder makes such a certificate: the two dates of a finished one are exchanged, and the signature with it."""
    good = certificate(OTHER_RSA, RSA, usage(signs=True))
    der = good.public_bytes(Encoding.DER)
    body = good.tbs_certificate_bytes
    begins, ends = (
        date.strftime("%y%m%d%H%M%SZ").encode() for date in (good.not_valid_before_utc, good.not_valid_after_utc)
    )
    turned = body.replace(begins, b"<turned>").replace(ends, begins).replace(b"<turned>", ends)
    signature = RSA.sign(turned, PKCS1v15(), hashes.SHA256())
    der = der.replace(body, turned).replace(good.signature, signature)
    with pytest.raises(CertificateUnreadable, match="ends before it begins"):
        chain.accept(der, [authority()], RSA_ONLY, NOW)


def test_the_issuer_is_chosen_by_its_key_not_by_its_name() -> None:
    """All of these have one name."""
    others = [authority(OTHER_RSA), authority(P384)]
    assert chain.accept(leaf(), [*others, authority()], RSA_ONLY, NOW)
    with pytest.raises(ForeignIssuer):
        chain.accept(leaf(), others, RSA_ONLY, NOW)


def test_the_key_identifier_does_not_replace_the_signature() -> None:
    """A forger names the identifier of the true issuer."""
    forged = leaf(
        OTHER_RSA,
        usage(signs=True),
        x509.AuthorityKeyIdentifier.from_issuer_public_key(RSA.public_key()),
        by=OTHER_RSA,
    )
    with pytest.raises(ForeignIssuer):
        chain.accept(forged, [authority()], RSA_ONLY, NOW)


def test_a_key_identifier_that_contradicts_the_signature() -> None:
    other = x509.AuthorityKeyIdentifier.from_issuer_public_key(OTHER_RSA.public_key())
    with pytest.raises(ForeignIssuer):
        chain.accept(leaf(OTHER_RSA, usage(signs=True), other), [authority()], RSA_ONLY, NOW)


@pytest.mark.parametrize(
    "extensions",
    [
        (x509.BasicConstraints(False, None), usage(certifies=True)),
        (x509.BasicConstraints(True, 0), usage(signs=True)),
        (usage(certifies=True),),
    ],
)
def test_an_issuer_that_may_not_certify(extensions: tuple[x509.ExtensionType, ...]) -> None:
    issuer = authority(RSA, *extensions)
    assert not chain.usable_issuer(issuer)
    with pytest.raises(ForeignIssuer):
        chain.accept(leaf(), [issuer], RSA_ONLY, NOW)


@pytest.mark.parametrize("extensions", [(usage(certifies=True),), (x509.BasicConstraints(True, 0), usage(signs=True))])
def test_a_certificate_that_is_not_for_signatures(extensions: tuple[x509.ExtensionType, ...]) -> None:
    with pytest.raises(CertificateUnreadable, match="not for signatures"):
        chain.accept(leaf(OTHER_RSA, *extensions), [authority()], RSA_ONLY, NOW)


@pytest.mark.parametrize(
    ("key", "allowed", "algorithm"),
    [
        (OTHER_RSA, RSA_ONLY, Algorithm.RSA_2048_SHA256),
        (P384, BOTH, Algorithm.ECDSA_P384_SHA384),
        (P384, RSA_ONLY, None),
        (OTHER_RSA, frozenset({Algorithm.ECDSA_P384_SHA384}), None),
        (ec.generate_private_key(ec.SECP256R1()), BOTH, None),
        (rsa.generate_private_key(public_exponent=65537, key_size=3072), BOTH, None),
    ],
)
def test_the_algorithm_is_that_of_the_key_if_the_profile_allows_it(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, allowed: frozenset[Algorithm], algorithm: Algorithm | None
) -> None:
    if algorithm is None:
        with pytest.raises(CertificateUnreadable, match="another kind"):
            chain.accept(leaf(key), [authority()], allowed, NOW)
    else:
        assert chain.accept(leaf(key), [authority()], allowed, NOW).key.algorithm is algorithm


def test_an_issuer_of_the_next_generation() -> None:
    der = leaf(P384, by=P384)
    assert chain.accept(der, [authority(), authority(P384)], BOTH, NOW).key.algorithm is Algorithm.ECDSA_P384_SHA384


def test_signed_with_a_hash_of_the_past() -> None:
    der = certificate(OTHER_RSA, RSA, usage(signs=True), signed_with=hashes.SHA224).public_bytes(Encoding.DER)
    with pytest.raises(CertificateUnreadable, match="another hash"):
        chain.accept(der, [authority()], RSA_ONLY, NOW)


@given(st.binary(max_size=200))
def test_anything_is_refused_with_a_typed_error(der: bytes) -> None:
    with pytest.raises((CertificateUnreadable, ForeignIssuer)):
        chain.accept(der, [authority()], RSA_ONLY, NOW)


GOOD, AUTHORITY = leaf(), authority()


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_any_damage_is_refused_with_a_typed_error(at: int, change: int) -> None:
    damaged = bytearray(GOOD)
    damaged[at] ^= change
    with pytest.raises((CertificateUnreadable, ForeignIssuer)):
        chain.accept(bytes(damaged), [AUTHORITY], RSA_ONLY, NOW)
