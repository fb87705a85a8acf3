"""`SimulatedGateway`: the simulated gateway behind mutual TLS on this machine, with faults on demand."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import Callable, MutableMapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self, TypeVar

import uvicorn
from cryptography import x509
from starlette.types import ASGIApp as App
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from kiosk.eligibility.application import create_app, echoing
from kiosk.eligibility.model import REQUEST_ID, GatewayWorld
from kiosk.eligibility.simulated import CHALLENGE_SECONDS, Desk
from kiosk.eligibility.tls import TlsFolder, terminal_of
from kiosk.qualification import JST

T = TypeVar("T")


class FaultKind(StrEnum):
    """What goes wrong. All but ERROR and REFUSED do the work first: only the answer is lost or spoilt."""

    ERROR = "500"
    REFUSED = "400"
    NOTHING = "nothing"  # the connection ends without an answer
    TRUNCATED = "truncated"  # ... in the middle of one
    HALF = "half"  # half a JSON text, and well announced
    WRONG_BODY = "wrong_body"  # JSON, but not of the contract
    MISENCODED = "misencoded"  # UTF-16
    TOO_LARGE = "too_large"
    DOUBLED = "doubled"  # the JSON text twice in one answer
    TWICE = "twice"  # the whole answer twice on the connection
    OTHER_RECEPTION = "other_reception"
    CLOCK = "clock"  # challenges are a year old
    SLOW = "slow"  # a byte now and then
    STALL = "stall"  # nothing for half a minute


_STALL_SECONDS = 30.0
YEAR = 365 * 24 * 3600


@dataclass(slots=True)
class Fault:
    """`times`: how often, None for ever. `path`: only requests whose path contains it."""

    kind: FaultKind
    times: int | None = None
    path: str = ""
    pause: float = 0.2


class SimulatedGateway:
    """Starts at once, on a port of 127.0.0.1 that the system chooses. `now` gives zone-aware time.

    `wrap`: puts something around the application; tests do.
    """

    def __init__(
        self,
        world: GatewayWorld,
        tls: TlsFolder,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(JST),
        challenge_seconds: int = CHALLENGE_SECONDS,
        port: int = 0,
        wrap: Callable[[App], App] = lambda app: app,
    ) -> None:
        self.fault: Fault | None = None
        self.requests: list[str] = []  # "POST /v1/challenges"; no bodies
        self._socket = socket.create_server(("127.0.0.1", port))
        # asyncio does not see that this is TCP; head and body would wait 40 ms for each other (Nagle, delayed ACK).
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.desk = Desk(world, now, challenge_seconds)
        config = uvicorn.Config(
            echoing(self._spoiling(wrap(create_app(self.desk)))),
            http=_Protocol,
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            timeout_graceful_shutdown=0,
            ws="none",
        )
        config.load()
        config.ssl = _context(tls)
        self._server = uvicorn.Server(config)
        self._loop: Future[asyncio.AbstractEventLoop] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve()), name="simulated-gateway", daemon=True
        )
        self._thread.start()

    async def _serve(self) -> None:
        self._loop.set_result(asyncio.get_running_loop())
        await self._server.serve([self._socket])
        # A client that keeps its connection would leave it half closed when the loop ends.
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)

    def call(self, work: Callable[[], T]) -> T:
        """Run `work` between two requests: the desk belongs to the server's thread. Raises what `work` raises."""

        async def run() -> T:
            return work()

        return asyncio.run_coroutine_threadsafe(run(), self._loop.result(10)).result(10)

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _spoiling(self, app: App) -> App:
        async def spoiling(scope: Scope, receive: Receive, send: Send) -> None:
            self.requests.append(f"{scope['method']} {scope['path']}")
            fault = self._due(scope["path"])
            await (app(scope, receive, send) if fault is None else _spoil(fault, app, scope, receive, send))

        return spoiling

    def _due(self, path: str) -> Fault | None:
        fault = self.fault
        if fault is None or fault.path not in path or fault.times == 0:
            return None
        if fault.times is not None:
            fault.times -= 1
        return fault


async def _spoil(fault: Fault, app: App, scope: Scope, receive: Receive, send: Send) -> None:
    abort: Callable[[], None] = scope["state"]["transport"].abort
    if fault.kind is FaultKind.ERROR:
        await _send(send, 500, b'{"error":"simulated_failure"}')
        return
    if fault.kind is FaultKind.REFUSED:
        await _send(send, 400, b'{"error":"simulated_refusal"}')
        return
    body = bytearray()
    status = 200

    async def collect(message: MutableMapping[str, Any]) -> None:
        nonlocal status
        status = message.get("status", status)
        body.extend(message.get("body", b""))

    await app(scope, receive, collect)
    match fault.kind:
        case FaultKind.NOTHING:
            abort()
        case FaultKind.TRUNCATED:
            await _head(send, status, len(body))
            await send({"type": "http.response.body", "body": bytes(body[: len(body) // 2]), "more_body": True})
            await asyncio.sleep(fault.pause)  # the half must leave before the connection ends
            abort()
        case FaultKind.HALF:
            await _send(send, status, bytes(body[: len(body) // 2]))
        case FaultKind.MISENCODED:
            await _send(send, status, body.decode().encode("utf-16"))
        case FaultKind.DOUBLED:
            await _send(send, status, bytes(body * 2))
        case FaultKind.TWICE:
            await _send(send, status, bytes(body))
            echo = next((value for name, value in scope["headers"] if name == REQUEST_ID.lower().encode()), b"")
            head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n{REQUEST_ID}: {echo.decode()}\r\n\r\n"
            scope["state"]["transport"].write(head.encode() + bytes(body))
        case FaultKind.OTHER_RECEPTION:
            await _send(send, status, _changed(body, reception="ffffffffffffffffffffffffffffffff"))
        case FaultKind.CLOCK:
            await _send(send, status, _changed(body, issued_at=int(json.loads(body).get("issued_at", 0)) - YEAR))
        case FaultKind.STALL:
            await asyncio.sleep(_STALL_SECONDS)
            abort()
        case FaultKind.WRONG_BODY:
            await _send(send, 200, b'{"hello":"world"}')
        case FaultKind.TOO_LARGE:
            await _send(send, 200, b"[" + b" " * 4_000_000 + b"]")
        case FaultKind.SLOW:
            await _head(send, status, len(body))
            for byte in body:
                await send({"type": "http.response.body", "body": bytes([byte]), "more_body": True})
                await asyncio.sleep(fault.pause)
            await send({"type": "http.response.body", "body": b""})


def _changed(body: bytearray, **changes: object) -> bytes:
    """`changes` only of what is there."""
    known = json.loads(body)
    return json.dumps({**known, **{name: value for name, value in changes.items() if name in known}}).encode()


async def _send(send: Send, status: int, body: bytes) -> None:
    await _head(send, status, len(body))
    await send({"type": "http.response.body", "body": body})


async def _head(send: Send, status: int, length: int) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(length).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})


class _Protocol(H11Protocol):
    """Tells the application which terminal the client certificate names; uvicorn does not."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        certificate = x509.load_der_x509_certificate(tls.getpeercert(binary_form=True))
        self.app_state = {**self.app_state, "terminal": terminal_of(certificate), "transport": transport}


def _context(tls: TlsFolder) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(tls.server)
    context.load_verify_locations(tls.ca)
    context.verify_mode = ssl.CERT_REQUIRED
    return context
