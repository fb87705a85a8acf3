"""For a trace that is played again: a certificate as long as the recorded one, and signatures that fit it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from devices.card.trace import Line

_NAME = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "TEST - NOT J-LIS")])
_PADDING = x509.ObjectIdentifier("2.999.1")


class StandIn:
    """`issuer` is to be accepted by the client. Called for every line of a trace: data of the same length, or None."""

    def __init__(self, certificate_bytes: int) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.issuer = self._made(0)
        self.certificate = self._as_long_as(certificate_bytes)
        self._signature = b""
        self._offset: int | None = None  # in the certificate, of the next read

    def __call__(self, line: Line, command: bytes) -> bytes | None:
        if line.command in ("802a0097", "802a0080"):
            self._signature = self._key.sign(command[-33:-1], padding.PKCS1v15(), Prehashed(hashes.SHA256()))
        elif not line.command.startswith("00c0"):
            self._signature = b""
        if self._signature:  # at once, or by way of GET RESPONSE
            part, self._signature = self._signature[: line.got], self._signature[line.got :]
            return part if line.got else None
        if line.head.startswith("30"):  # the beginning of the certificate; what follows is read by offset
            self._offset = 0
        elif line.command.startswith("00b0") and not int(line.command[4:6], 16) & 0x80:
            offset = int(line.command[4:], 16)
            if offset == 0:
                self._offset = None
        elif not line.command.startswith("00c0"):
            self._offset = None
        if self._offset is None or line.sw is None or not line.got:
            return None
        data = self.certificate[self._offset : self._offset + line.got]
        self._offset += line.got
        return data + bytes(line.got - len(data))

    def _as_long_as(self, size: int) -> bytes:
        """DER lengths jump, and the signature does not change: found within a few steps."""
        extra = size - len(self._made(1).public_bytes(Encoding.DER))
        for pad in range(max(1, extra - 8), extra + 9):
            der = self._made(pad).public_bytes(Encoding.DER)
            if len(der) == size:
                return der
        raise ValueError(f"no certificate of {size} bytes")

    def _made(self, pad: int) -> x509.Certificate:
        """0: the issuer; otherwise a certificate with so many bytes more."""
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_NAME)
            .issuer_name(_NAME)
            .public_key(self._key.public_key())
            .serial_number(1 << 64)
            .not_valid_before(now - timedelta(days=10))
            .not_valid_after(now + timedelta(days=10))
        )
        if pad:
            builder = builder.add_extension(x509.UnrecognizedExtension(_PADDING, bytes(pad)), critical=False)
        else:
            builder = builder.add_extension(x509.BasicConstraints(True, 0), critical=True)
        return builder.sign(self._key, hashes.SHA256())
