"""The gateway over HTTPS with mutual TLS.

A request and its answer have one deadline between them, kept at the socket: a server that sends a byte now and then
does not get past it. (Resolving the host name is the system's; give an address, or set its resolver's timeout.)
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import requests
import urllib3
from cryptography import x509
from requests.adapters import HTTPAdapter

from devices.secret import SecretBytes
from kiosk.eligibility.model import (
    RECEPTION,
    REQUEST_ID,
    TERMINAL,
    Answer,
    BadMessage,
    CardEvidenceMessage,
    ChallengeReply,
    ConsentRecord,
    ConsentRequest,
    EligibilityReply,
    LookupReply,
    LookupRequest,
    Message,
    PendingReply,
    Problem,
    ReceptionRequest,
    SignatureEvidence,
    StaffEvidence,
    WithdrawalReply,
)
from kiosk.eligibility.port import (
    CardEvidence,
    Challenge,
    Evidence,
    GatewayError,
    JpkiSignature,
    StaffVisual,
    signed_message,
)
from kiosk.fullresult import FullResult
from kiosk.oqs.names import file_identifier
from kiosk.qualification import MAX_BYTES, BadQualification
from kiosk.reception.consent import Answers, Item
from kiosk.reception.failure import FailureCode
from kiosk.reception.states import NOBODY, Eligibility, Method, Prescription, Validity

# What an upstream code means to the patient; every other refusal is GATEWAY_ERROR. A challenge that cannot be used any
# more is answered by trying again.
_FAILURES = {
    "challenge_expired": FailureCode.EVIDENCE_INSUFFICIENT,
    "challenge_used": FailureCode.EVIDENCE_INSUFFICIENT,
    "challenge_unknown": FailureCode.EVIDENCE_INSUFFICIENT,
    "evidence_insufficient": FailureCode.EVIDENCE_INSUFFICIENT,
    "evidence_malformed": FailureCode.SIGNATURE_REFUSED,
    "signature_refused": FailureCode.SIGNATURE_REFUSED,
    "card_issuer_unknown": FailureCode.SIGNATURE_REFUSED,
    "card_signature_refused": FailureCode.SIGNATURE_REFUSED,
    "birth_date_differs": FailureCode.SIGNATURE_REFUSED,
    "certificate_expired": FailureCode.CERTIFICATE_EXPIRED,
    "certificate_revoked": FailureCode.CERTIFICATE_REVOKED,
    "certificate_unknown": FailureCode.CERTIFICATE_UNKNOWN,
    "certificate_malformed": FailureCode.CERTIFICATE_UNKNOWN,
    "certificate_not_yet_valid": FailureCode.CERTIFICATE_UNKNOWN,
    "issuer_unknown": FailureCode.CERTIFICATE_UNKNOWN,
    "registration_needs_face_or_pin": FailureCode.REGISTRATION_NOT_BY_STAFF,
}
CLOCKS_APART = 600.0  # seconds: more than this between the gateway's clock and ours, and one of them is wrong
_ALERT_SECONDS = 0.5
_ENDED = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
_NO_RESULT = ("reception_unknown", "no_result")

M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """`terminal`: as the client certificate names it. `ca`: the only authority that is trusted. `asks`: what this
    institution asks by card (`Policy.questions`).

    Times in seconds; `overall` covers every try of one call.
    """

    url: str
    terminal: str
    certificate: Path
    key: Path
    ca: Path
    connect: float = 3.0
    read: float = 5.0
    overall: float = 12.0
    tries: int = 2
    max_bytes: int = 2 * MAX_BYTES  # a full result is little more than its qualification record
    asks: tuple[Item, ...] = ()


class HttpsGateway:
    """`kiosk.eligibility.port.Gateway`. May be called from any thread; calls take turns."""

    def __init__(self, settings: GatewaySettings, now: Callable[[], float] = time.time) -> None:
        """`now`: seconds since 1970. Raises ValueError (address, terminal id, certificate), OSError/ssl.SSLError
        (files)."""
        if not re.fullmatch(r"https://[^/?#@]+(/[^?#@]*)?", settings.url):
            raise ValueError("the gateway's address: https://host[:port][/path]")
        self._settings = settings
        self._url = settings.url.rstrip("/")
        self._now = now
        self._turn = threading.Lock()
        if not re.fullmatch(TERMINAL, settings.terminal):
            raise ValueError("terminal id: 1 to 64 of A-Z a-z 0-9 . _ -")
        self.terminal = settings.terminal
        self._context = _DeadlineContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._context.load_verify_locations(cafile=settings.ca)
        self._context.load_cert_chain(settings.certificate, settings.key)
        own = x509.load_pem_x509_certificate(settings.certificate.read_bytes())
        self._certificate_ends = own.not_valid_after_utc.timestamp()
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy, no netrc, no other authorities from the environment
        self._session.verify = str(settings.ca)
        self._session.headers.clear()
        self._session.headers.update(
            {"User-Agent": "uketsuke", "Accept": "application/json", "Accept-Encoding": "identity"}
        )
        self._session.adapters.clear()
        self._session.mount("https://", _Adapter(self._context))

    # --- Gateway -----------------------------------------------------------------------------------------------

    def challenge(self) -> Challenge:
        asked = time.monotonic()
        _, body = self._call("POST", "/v1/challenges")
        with body:
            reply = _parse(ChallengeReply, body)
        if abs(reply.issued_at - self._now()) > CLOCKS_APART:
            # Consents and certificates would be judged by the wrong day, on one side or the other.
            raise GatewayError(FailureCode.GATEWAY_UNTRUSTED, "<clock>")
        return Challenge(reply.id, reply.nonce, reply.issued_at, asked + reply.seconds)

    def message(self, challenge: Challenge) -> bytes:
        return signed_message(challenge.nonce, self.terminal, challenge.issued_at)

    def receive(
        self,
        reception: str,
        challenge: Challenge,
        method: Method,
        certificate: SecretBytes,
        evidence: tuple[Evidence, ...],
    ) -> Eligibility:
        request = ReceptionRequest(
            reception=reception,
            challenge=challenge.id,
            terminal=self.terminal,
            method=method,
            certificate=bytes(certificate.view()),
            evidence=[_evidence(each) for each in evidence],
            file_identifier=file_identifier(reception),
            asks=list(self._settings.asks),
        )
        return self._eligibility(reception, "/v1/receptions", request)

    def register(self, reception: str) -> Eligibility:
        return self._eligibility(reception, f"/v1/receptions/{_path(reception)}/registration")

    def consent(self, reception: str, answers: Answers, language: str, text_version: str) -> SecretBytes:
        request = ConsentRequest(
            text_version=text_version,
            language=language,
            comprehensive=answers.comprehensive,
            answers=[Answer(item=item, given=given) for item, given in answers.given],
            dispense=list(answers.dispense),
        )
        _, body = self._call("POST", f"/v1/receptions/{_path(reception)}/consents", request)
        return _result(body, reception)

    def look_up(self, reception: str, query: SecretBytes, limit: bool | None) -> tuple[Validity, SecretBytes | None]:
        _, body = self._call("POST", "/v1/lookups", self._lookup(_path(reception), query, limit))
        with body:
            reply = _parse(LookupReply, body)
        _of(reception, reply.reception)
        if (reply.result is None) != (reply.validity in NOBODY):
            raise GatewayError(FailureCode.GATEWAY_NONSENSE, "<result>")
        if reply.result is None:
            return reply.validity, None
        result = SecretBytes(json.dumps(reply.result).encode())
        return reply.validity, _result(result, reception, reply.validity)

    def fetch(self, reception: str) -> SecretBytes | None:
        try:
            status, body = self._call("GET", f"/v1/receptions/{_path(reception)}")
        except GatewayError as error:
            if error.upstream in _NO_RESULT:
                return None
            raise
        if status == 202:
            with body:
                _of(reception, _parse(PendingReply, body).reception)
            return None
        return _result(body, reception)

    def withdraw(self, reception: str) -> bool:
        _, body = self._call("POST", f"/v1/receptions/{_path(reception)}/withdrawal")
        with body:
            reply = _parse(WithdrawalReply, body)
        _of(reception, reply.reception)
        return reply.withdrawn

    def consents(self, reception: str) -> ConsentRecord | None:
        """What the gateway keeps of the reception's consents, for staff. None: it has none."""
        try:
            _, body = self._call("GET", f"/v1/receptions/{_path(reception)}/consents")
        except GatewayError as error:
            if error.upstream in ("reception_unknown", "no_consents"):
                return None
            raise
        with body:
            record = _parse(ConsentRecord, body)
        _of(reception, record.reception)
        return record

    def check(self) -> None:
        self.challenge()

    def close(self) -> None:
        self._session.close()

    def _lookup(self, reception: str, query: SecretBytes, limit: bool | None) -> LookupRequest:
        try:
            return LookupRequest(
                **json.loads(bytes(query.view())),
                reception=reception,
                terminal=self.terminal,
                file_identifier=file_identifier(reception),
                limit=limit,
            )
        except (ValueError, TypeError):
            raise ValueError("not a query") from None

    # --- one exchange --------------------------------------------------------------------------------------------

    def _eligibility(self, reception: str, path: str, request: Message | None = None) -> Eligibility:
        _, body = self._call("POST", path, request)
        with body:
            reply = _parse(EligibilityReply, body)
        _of(reception, reply.reception)
        return Eligibility(
            reply.registered,
            reply.validity,
            tuple(reply.questions),
            reply.certificate,
            reply.subsidy,
            tuple(Prescription(each.token, each.day) for each in reply.prescriptions),
        )

    def _call(self, method: str, path: str, request: Message | None = None) -> tuple[int, SecretBytes]:
        """Status (200 or 202) and body. Repeats what got no answer, the body being the same and so the answer."""
        sent = bytearray(request.model_dump_json(), "utf-8") if request is not None else bytearray()
        try:
            with self._turn:
                self._context.deadline = time.monotonic() + self._settings.overall
                for left in reversed(range(self._settings.tries)):
                    try:
                        return self._once(method, path, sent)
                    except _NoAnswer as error:
                        if left == 0 or not error.again or time.monotonic() >= self._context.deadline:
                            raise self._explained(error) from None
                raise AssertionError("at least one try")
        finally:
            sent[:] = bytes(len(sent))

    def _explained(self, error: _NoAnswer) -> GatewayError:
        """A connection that ended without an answer: perhaps our certificate is why."""
        if error.upstream in ("<tls>", "<ended>"):
            in_time = time.monotonic() < self._context.deadline
            if self._now() > self._certificate_ends or (in_time and self._turned_away()):
                return GatewayError(FailureCode.GATEWAY_UNTRUSTED, "<client certificate>")
        return GatewayError(error.failure, error.upstream.replace("<ended>", "<connection>"))

    def _turned_away(self) -> bool:
        """Whether the gateway hangs up on who only waits: with an alert about our certificate, or (asyncio) without.

        In TLS 1.3 it judges the certificate when the client has its handshake done already, and a request that is on
        its way then makes the system throw the alert away.
        """
        address = urllib3.util.parse_url(self._url)
        host = (address.host or "").strip("[]")
        wait = min(_ALERT_SECONDS, self._settings.connect)
        self._context.deadline = time.monotonic() + self._settings.connect
        try:
            with (
                socket.create_connection((host, address.port or 443), wait) as plain,
                self._context.wrap_socket(plain, server_hostname=host) as secured,
            ):
                return _hangs_up(secured)
        except ssl.SSLError as error:  # TLS 1.2 has judged before the handshake ends
            return _about_our_certificate(error)
        except OSError:
            return False

    def _once(self, method: str, path: str, sent: bytearray) -> tuple[int, SecretBytes]:
        rest = max(0.001, self._context.deadline - time.monotonic())
        timeouts = (min(self._settings.connect, rest), min(self._settings.read, rest))
        request = secrets.token_hex(16)
        with _translated(), contextlib.closing(self._send(method, path, sent, timeouts, request)) as response:
            body = self._read(response)
        if response.headers.get(REQUEST_ID) != request:
            body.wipe()
            self._session.close()  # with the connection on which somebody else's answers lie
            raise _NoAnswer(FailureCode.GATEWAY_NONSENSE, "<other request>", again=True)
        if response.status_code in (200, 202):
            return response.status_code, body
        with body:
            raise _refusal(response.status_code, body)

    def _send(
        self, method: str, path: str, sent: bytearray, timeouts: tuple[float, float], request: str
    ) -> requests.Response:
        return self._session.request(
            method,
            self._url + path,
            data=cast(bytes, sent) if sent else None,  # sent as it is, so that it can be wiped
            headers={REQUEST_ID: request, **({"Content-Type": "application/json"} if sent else {})},
            timeout=timeouts,
            allow_redirects=False,
            stream=True,
        )

    def _read(self, response: requests.Response) -> SecretBytes:
        body = SecretBytes(capacity=0)
        buffer = bytearray()
        try:
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise _NoAnswer(FailureCode.GATEWAY_NONSENSE, "<encoded>", again=False)
            buffer = bytearray(self._settings.max_bytes)  # at its full size at once: growing leaves copies behind
            size = 0
            while chunk := response.raw.read(16384, decode_content=False):
                if size + len(chunk) > len(buffer):
                    raise _NoAnswer(FailureCode.GATEWAY_NONSENSE, "<too large>", again=False)
                buffer[size : size + len(chunk)] = chunk
                size += len(chunk)
            body = SecretBytes(memoryview(buffer)[:size])
        finally:
            buffer[:] = bytes(len(buffer))
        return body


# --- failures ------------------------------------------------------------------------------------------------------


class _NoAnswer(Exception):
    def __init__(self, failure: FailureCode, upstream: str, *, again: bool) -> None:
        super().__init__(upstream)
        self.failure = failure
        self.upstream = upstream
        self.again = again


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Errors of the libraries, whose texts hold addresses, into ours, which do not."""
    down = FailureCode.GATEWAY_DOWN
    try:
        yield
    except (requests.exceptions.SSLError, urllib3.exceptions.SSLError, ssl.SSLError) as error:
        raise _of_tls(error) from None
    except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError, TimeoutError):
        raise _NoAnswer(down, "<timeout>", again=True) from None
    except requests.exceptions.ConnectionError as error:
        unreached = _within(error, urllib3.exceptions.NewConnectionError) is not None
        raise _NoAnswer(down, "<connection>" if unreached else "<ended>", again=True) from None
    except (urllib3.exceptions.ProtocolError, requests.exceptions.ChunkedEncodingError):
        raise _NoAnswer(FailureCode.GATEWAY_NONSENSE, "<truncated>", again=True) from None
    except (requests.RequestException, urllib3.exceptions.HTTPError):
        raise _NoAnswer(FailureCode.GATEWAY_NONSENSE, "<http>", again=False) from None
    except OSError:
        raise _NoAnswer(down, "<connection>", again=True) from None


def _of_tls(error: Exception) -> _NoAnswer:
    cause = _within(error, ssl.SSLError)
    if isinstance(cause, _ENDED):
        return _NoAnswer(FailureCode.GATEWAY_DOWN, "<ended>", again=True)
    ours = isinstance(cause, ssl.SSLError) and _about_our_certificate(cause)
    return _NoAnswer(FailureCode.GATEWAY_UNTRUSTED, "<client certificate>" if ours else "<tls>", again=False)


def _about_our_certificate(error: ssl.SSLError) -> bool:
    """An alert of RFC 8446 §6.2 that the other side can only have sent about a certificate of this side."""
    reason = error.reason or ""
    return "_ALERT_" in reason and ("CERTIFICATE" in reason or "UNKNOWN_CA" in reason)


def _hangs_up(connection: ssl.SSLSocket) -> bool:
    """Within the connection's timeout, although nothing was sent."""
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:  # ended, or an alert
        return True


def _within(error: BaseException, kind: type[BaseException]) -> BaseException | None:
    """The libraries wrap errors in each other's arguments, reasons and contexts."""
    waiting: list[object] = [error]
    for _ in range(20):
        if not waiting:
            break
        each = waiting.pop(0)
        if isinstance(each, kind):
            return each
        if isinstance(each, BaseException):
            waiting += [*each.args, getattr(each, "reason", None), each.__cause__, each.__context__]
    return None


def _refusal(status: int, body: SecretBytes) -> GatewayError:
    try:
        upstream = Problem.parse(body.view()).error
    except BadMessage:
        upstream = f"<{status}>"
    if 400 <= status < 500 and upstream in _FAILURES:
        return GatewayError(_FAILURES[upstream], upstream)
    if status >= 400:
        return GatewayError(FailureCode.GATEWAY_ERROR, upstream)
    return GatewayError(FailureCode.GATEWAY_NONSENSE, f"<{status}>")


def _parse(kind: type[M], body: SecretBytes) -> M:
    try:
        return kind.parse(body.view())
    except BadMessage:
        raise GatewayError(FailureCode.GATEWAY_NONSENSE, "<body>") from None


def _of(reception: str, answered: str) -> None:
    if answered != reception:
        raise GatewayError(FailureCode.GATEWAY_NONSENSE, "<other reception>")


def _result(body: SecretBytes, reception: str, validity: Validity | None = None) -> SecretBytes:
    """A full result, held to be of this reception and, by number (`validity`), to say what its envelope says."""
    try:
        result = FullResult.parse(body.view())
        _of(reception, result.reception)
        _of(file_identifier(reception), result.qualification.header.file_identifier or "")
        if validity is not None and result.qualification.body.validity != validity:
            raise GatewayError(FailureCode.GATEWAY_NONSENSE, "<result>")
    except BadQualification:
        body.wipe()
        raise GatewayError(FailureCode.GATEWAY_NONSENSE, "<result>") from None
    except GatewayError:
        body.wipe()
        raise
    return body


def _path(reception: str) -> str:
    if not re.fullmatch(RECEPTION, reception):
        raise ValueError("reception id: 1 to 64 of A-Z a-z 0-9 -")
    return reception


def _evidence(evidence: Evidence) -> SignatureEvidence | CardEvidenceMessage | StaffEvidence:
    match evidence:
        case JpkiSignature(signature):
            return SignatureEvidence(kind="jpki_signature", signature=bytes(signature.view()))
        case CardEvidence(document):
            return CardEvidenceMessage.parse(document.view())
        case StaffVisual(reason):
            return StaffEvidence(kind="staff_visual", reason=reason)


# --- transport -----------------------------------------------------------------------------------------------------


class _DeadlineSocket(ssl.SSLSocket):
    """Every wait on this socket ends at the deadline of its context, whatever arrived in between."""

    def recv_into(self, *args: Any, **options: Any) -> int:
        self._limit()
        return super().recv_into(*args, **options)

    def send(self, *args: Any, **options: Any) -> int:
        self._limit()
        return super().send(*args, **options)

    def _limit(self) -> None:
        assert isinstance(self.context, _DeadlineContext)
        rest = self.context.deadline - time.monotonic()
        if rest <= 0:
            raise TimeoutError
        if (timeout := self.gettimeout()) is None or timeout > rest:
            self.settimeout(rest)


class _DeadlineContext(ssl.SSLContext):
    sslsocket_class = _DeadlineSocket
    deadline: float = 0.0


class _Adapter(HTTPAdapter):
    """Our TLS context for every connection, and no repeats of its own."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        nodelay = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
        super().init_poolmanager(
            connections, maxsize, block, ssl_context=self._context, socket_options=nodelay, **options
        )
