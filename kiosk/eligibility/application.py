"""HTTP around the simulated gateway's work (`kiosk.eligibility.simulated`), as `kiosk.eligibility.contract` says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar

from fastapi import FastAPI, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp as App
from starlette.types import Message as Message_
from starlette.types import Receive, Scope, Send

from kiosk.eligibility import contract
from kiosk.eligibility.model import (
    RECEPTION,
    REQUEST_ID,
    REQUEST_ID_PATTERN,
    BadMessage,
    ConsentRequest,
    LookupRequest,
    Message,
    PendingReply,
    ReceptionRequest,
)
from kiosk.eligibility.simulated import Desk
from kiosk.eligibility.verification import Refused
from kiosk.reception.consent import Item

_REQUEST_ID = REQUEST_ID_PATTERN.removeprefix("^").removesuffix("$")
MAX_REQUEST = 64 * 1024

M = TypeVar("M", bound=Message)
ReceptionPath = Annotated[str, Path(pattern=RECEPTION)]
ReceptionQuery = Annotated[str, Query(pattern=RECEPTION)]


def echoing(app: App) -> App:
    """Every answer names the request that it answers, so that none is taken for the answer to another."""

    async def echoed(scope: Scope, receive: Receive, send: Send) -> None:
        given = [value for name, value in scope["headers"] if name == REQUEST_ID.lower().encode()]
        if not given:
            await app(scope, receive, send)
            return
        known = given[0] if len(given) == 1 and re.fullmatch(_REQUEST_ID, given[0].decode("latin-1")) else None

        async def answer(message: Message_) -> None:
            if message["type"] == "http.response.start" and known is not None:
                message = {**message, "headers": [*message["headers"], (REQUEST_ID.lower().encode(), known)]}
            await send(message)

        await (app if known is not None else _problem("request_malformed", 422))(scope, receive, answer)

    return echoed


def create_app(desk: Desk) -> FastAPI:
    """The application. The TLS server puts the terminal's name into `request.state.terminal`."""
    app = FastAPI(openapi_url=None, redirect_slashes=False)  # the document is ours, not derived from the routes

    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> Response:
        return _problem(error.code, error.status)

    @app.exception_handler(BadMessage)
    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, __: Exception) -> Response:
        return _problem("request_malformed", 422)

    @app.exception_handler(HTTPException)
    async def no_such_thing(request: Request, error: HTTPException) -> Response:
        if error.status_code != 405:
            return _problem("not_found", error.status_code)
        # Of all routes of this path: the framework names those of the first only.
        there = [route for route in app.routes if isinstance(route, Route) and _is_at(route, request)]
        methods = sorted({method for route in there for method in route.methods or ()})
        return _problem("method_not_allowed", 405, {"Allow": ", ".join(methods)})

    @app.post("/v1/challenges")
    async def challenge(request: Request) -> Response:
        return _answer(desk.challenge(_terminal(request)))

    @app.post("/v1/receptions")
    async def receive(request: Request) -> Response:
        return _answer(desk.receive(_terminal(request), await _message(request, ReceptionRequest)))

    @app.post("/v1/receptions/{reception}/registration")
    async def register(request: Request, reception: ReceptionPath) -> Response:
        return _answer(desk.register(_terminal(request), reception))

    @app.get("/v1/receptions/{reception}/registration")
    async def registration(request: Request, reception: ReceptionPath) -> Response:
        return _answer(desk.registration(_terminal(request), reception))

    @app.post("/v1/receptions/{reception}/consents")
    async def consent(request: Request, reception: ReceptionPath) -> Response:
        message = await _message(request, ConsentRequest)
        return _json(desk.consent(_terminal(request), reception, message))

    @app.get("/v1/receptions/{reception}/consents")
    async def consents(request: Request, reception: ReceptionPath) -> Response:
        return _answer(desk.consents(_terminal(request), reception))

    @app.post("/v1/receptions/{reception}/withdrawal")
    async def withdraw(request: Request, reception: ReceptionPath) -> Response:
        return _answer(desk.withdraw(_terminal(request), reception))

    @app.get("/v1/receptions/{reception}")
    async def resume(request: Request, reception: ReceptionPath) -> Response:
        result = desk.result(_terminal(request), reception)
        return _answer(PendingReply(reception=reception, complete=False), 202) if result is None else _json(result)

    @app.post("/v1/lookups")
    async def look_up(request: Request) -> Response:
        return _answer(desk.look_up(_terminal(request), await _message(request, LookupRequest)))

    @app.get("/terminal/v1/{kind}")
    async def terminal(request: Request, kind: Literal["YZK", "TKK"], reception: ReceptionQuery) -> Response:
        rows = desk.released(_terminal(request), reception, Item(kind))
        return JSONResponse({"kind": kind, "rows": rows}, headers={"Cache-Control": "no-store"})

    @app.get("/openapi.json")
    async def document() -> Response:
        return JSONResponse(contract.document())

    return app


def _is_at(route: Route, request: Request) -> bool:
    return route.path_regex.match(request.url.path) is not None


def _terminal(request: Request) -> str:
    return str(request.state.terminal)


async def _message(request: Request, kind: type[M]) -> M:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(415, "not_json")
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_REQUEST:
            raise Refused(413, "request_too_large")
    return kind.parse(data)


def _answer(reply: Message, status: int = 200) -> Response:
    return _json(reply.model_dump_json().encode(), status)


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, media_type="application/json", headers={"Cache-Control": "no-store"})


def _problem(code: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": code}, status, headers={**(headers or {}), "Cache-Control": "no-store"})
