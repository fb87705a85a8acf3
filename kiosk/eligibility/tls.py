"""The transport's test PKI: an authority, a server certificate for this machine, one client certificate per terminal.

Made at set-up into a folder of the installation; the authority's key is thrown away at once, so that nobody can issue
more. A real gateway brings its own authority and the terminal's certificate.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

TERMINAL = "practice-terminal-1"
SERVER = "server"  # no terminal's name: see `make_test_tls`
_ORGANISATION = "TEST - NOT J-LIS"
_LIFETIME = timedelta(days=365 * 2)


@dataclass(frozen=True, slots=True)
class TlsFolder:
    """Where the files lie. `certificate`/`key`: of one terminal."""

    folder: Path

    @property
    def ca(self) -> Path:
        return self.folder / "test-ca.pem"

    @property
    def server(self) -> Path:
        """Certificate and key of the server, one file."""
        return self.folder / "test-server.pem"

    def certificate(self, terminal: str = TERMINAL) -> Path:
        return self.folder / f"{terminal}.crt.pem"

    def key(self, terminal: str = TERMINAL) -> Path:
        return self.folder / f"{terminal}.key.pem"


def terminal_of(certificate: x509.Certificate) -> str:
    """The terminal id: the common name of its client certificate. Raises ValueError."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if len(names) != 1:
        raise ValueError("not exactly one common name")
    return str(names[0].value)


def make_test_tls(
    folder: Path, terminals: tuple[str, ...] = (TERMINAL,), *, ended: Collection[str] = (), host: str = "localhost"
) -> TlsFolder:
    """Make everything anew. Files are readable by the owner only.

    To try what happens: `ended` are terminals, or `SERVER`, whose certificates ended an hour ago; `host` another name
    than this machine's puts it into the server's certificate, and nothing else.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = TlsFolder(folder)
    authority = ec.generate_private_key(ec.SECP256R1())
    name = _name("Uketsuke test gateway authority")
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    root = (
        _builder(name, name, authority.public_key(), _end(False))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority.public_key()), critical=False)
        .sign(authority, hashes.SHA256())
    )
    _write(files.ca, root.public_bytes(Encoding.PEM))

    server = ec.generate_private_key(ec.SECP256R1())
    here: list[x509.GeneralName] = [x509.DNSName(host)]
    if host == "localhost":
        here.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    end = _end(SERVER in ended)
    issued = _issue(root, authority, "Uketsuke test gateway", server, ExtendedKeyUsageOID.SERVER_AUTH, here, end)
    _write(files.server, issued.public_bytes(Encoding.PEM) + _key(server))
    for terminal in terminals:
        client = ec.generate_private_key(ec.SECP256R1())
        issued = _issue(root, authority, terminal, client, ExtendedKeyUsageOID.CLIENT_AUTH, [], _end(terminal in ended))
        _write(files.certificate(terminal), issued.public_bytes(Encoding.PEM))
        _write(files.key(terminal), _key(client))
    return files


def ensure_test_tls(folder: Path, terminals: tuple[str, ...] = (TERMINAL,)) -> TlsFolder:
    """What is there when it is complete and lasts another 30 days, else everything anew."""
    files = TlsFolder(folder)
    needed = [files.ca, files.server]
    for terminal in terminals:
        needed += [files.certificate(terminal), files.key(terminal)]
    if all(path.is_file() for path in needed):
        end = x509.load_pem_x509_certificate(files.ca.read_bytes()).not_valid_after_utc
        if end - datetime.now(UTC) > timedelta(days=30):
            return files
    return make_test_tls(folder, terminals)


def _issue(
    root: x509.Certificate,
    authority: ec.EllipticCurvePrivateKey,
    common_name: str,
    key: ec.EllipticCurvePrivateKey,
    purpose: x509.ObjectIdentifier,
    names: list[x509.GeneralName],
    end: datetime,
) -> x509.Certificate:
    builder = (
        _builder(_name(common_name), root.subject, key.public_key(), end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(authority, hashes.SHA256())


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, _ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _end(ended: bool) -> datetime:
    return datetime.now(UTC) + (-timedelta(hours=1) if ended else _LIFETIME)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, end: datetime
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(end)
    )


def _key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
