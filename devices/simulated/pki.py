"""The test PKI, made at set-up: nothing in it can be taken for the national one (公的個人認証).

Names say "TEST - NOT J-LIS", the policy identifier lies under the example arc 2.999. Profiles follow what is publicly
known of the user-authentication certificate (利用者証明用電子証明書): opaque subject, RSA-2048, sha256WithRSA.
"""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

JST = timezone(timedelta(hours=9))
POLICY = x509.ObjectIdentifier("2.999.1.5.30")  # example arc (Rec. ITU-T X.660): no policy of anybody
ORGANISATION = "TEST - NOT J-LIS"
FOREIGN_ORGANISATION = "TEST - ANOTHER ISSUER - NOT J-LIS"
LIFETIME_MONTHS = 60


PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def new_ec_key() -> ec.EllipticCurvePrivateKey:
    """P-384, for the experimental card."""
    return ec.generate_private_key(ec.SECP384R1())


def key_bytes(key: PrivateKey) -> bytes:
    """PKCS#8 DER, not encrypted: a test key."""
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def load_key(data: bytes) -> rsa.RSAPrivateKey:
    key = load_der_private_key(data, None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("not an RSA key")
    return key


def public_bytes(key: rsa.RSAPublicKey) -> bytes:
    """SubjectPublicKeyInfo, DER."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def add_months(day: date, months: int) -> date:
    """`day` moved by whole months; the 29th to 31st become the last day of a shorter month."""
    index = day.year * 12 + day.month - 1 + months
    first = date(index // 12, index % 12 + 1, 1)
    next_month = (first + timedelta(days=31)).replace(day=1)
    return min(first + timedelta(days=day.day - 1), next_month - timedelta(days=1))


@dataclass(frozen=True, slots=True, repr=False)
class Authority:
    """A certification authority: its self-signed certificate (DER) and its key."""

    certificate: bytes
    key: PrivateKey

    @classmethod
    def create(
        cls, today: date, purpose: str, organisation: str = ORGANISATION, key: PrivateKey | None = None
    ) -> Authority:
        key = key or new_key()
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "JP"),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
                x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, f"Uketsuke test PKI for {purpose}"),
            ]
        )
        builder = (
            _builder(name, name, key.public_key(), add_months(today, -120), add_months(today, 240))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(authority=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        return cls(builder.sign(key, _hash(key)).public_bytes(Encoding.DER), key)

    def user_authentication(self, key: PublicKey, begin: date, end: date) -> bytes:
        """A user-authentication certificate (EF 000A); the subject tells nothing about the holder."""
        alphabet = string.ascii_uppercase + string.digits
        opaque = "".join(secrets.choice(alphabet) for _ in range(22))
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "JP"),
                x509.NameAttribute(NameOID.COMMON_NAME, opaque),
            ]
        )
        return self._issue(
            self._leaf(subject, key, begin, end, committed=False).add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
            )
        )

    def digital_signature(self, key: rsa.RSAPublicKey, common_name: str, begin: date, end: date) -> bytes:
        """A signing certificate (署名用, EF 0001)."""
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "JP"),
                x509.NameAttribute(NameOID.LOCALITY_NAME, "Mihon-ken"),
                x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            ]
        )
        return self._issue(self._leaf(subject, key, begin, end, committed=True))

    def _leaf(
        self, subject: x509.Name, key: PublicKey, begin: date, end: date, *, committed: bool
    ) -> x509.CertificateBuilder:
        issuer = x509.load_der_x509_certificate(self.certificate)
        return (
            _builder(subject, issuer.subject, key, begin, end)
            .add_extension(_usage(authority=False, committed=committed), critical=True)
            .add_extension(x509.CertificatePolicies([x509.PolicyInformation(POLICY, None)]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )

    def _issue(self, builder: x509.CertificateBuilder) -> bytes:
        return builder.sign(self.key, _hash(self.key)).public_bytes(Encoding.DER)


def _hash(key: PrivateKey) -> hashes.SHA256 | hashes.SHA384:
    return hashes.SHA256() if isinstance(key, rsa.RSAPrivateKey) else hashes.SHA384()


def _builder(subject: x509.Name, issuer: x509.Name, key: PublicKey, begin: date, end: date) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.combine(begin, time(0, 0, 0), JST))
        .not_valid_after(datetime.combine(end, time(23, 59, 59), JST))
    )


def _usage(*, authority: bool, committed: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=committed,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
