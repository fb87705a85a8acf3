"""The gateway's contract as an OpenAPI 3.1 document, made from the classes that parse what travels.

The simulated gateway publishes it, docs/openapi.json is a copy (`kiosk simulate gateway --write-openapi FILE`), and
the tests hold client and server to it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from pydantic.json_schema import models_json_schema

from kiosk.eligibility.model import (
    RECEPTION,
    REQUEST_ID,
    REQUEST_ID_PATTERN,
    ChallengeReply,
    Checkup,
    ConsentRecord,
    ConsentRequest,
    EligibilityReply,
    LookupReply,
    LookupRequest,
    Medication,
    Message,
    PendingReply,
    Problem,
    ReceptionRequest,
    RegistrationRecord,
    WithdrawalReply,
)
from kiosk.eligibility.simulated import RESULTS_KEPT
from kiosk.fullresult import MANY, SUBSIDY_FIELDS, SubsidyOutcome
from kiosk.qualification import CONSENT_LASTS, QualificationResult, Shape
from kiosk.reception.consent import Item

_REF = "#/components/schemas/{model}"
_REQUEST_ID = {"type": "string", "pattern": REQUEST_ID_PATTERN}
_SURROGATES = r"\ud800-\udfff"  # Python's; JSON texts have none, and other languages' patterns no word for them


class Refusal(StrEnum):
    """Why an operation may refuse; the words of the description."""

    REFUSED = "403"
    UNKNOWN = "404"
    CONFLICT = "409"
    EXPIRED = "410"
    TOO_LARGE = "413"
    NOT_JSON = "415"
    MALFORMED = "422"
    UPSTREAM = "502"


_REFUSALS = {
    Refusal.REFUSED: ("Evidence, certificate, terminal or consent does not do.", "evidence_insufficient"),
    Refusal.UNKNOWN: ("There is no such thing under this terminal.", "reception_unknown"),
    Refusal.CONFLICT: ("It does not fit to what is known of this reception.", "reception_exists"),
    Refusal.EXPIRED: ("There was a result; it is not kept any more.", "result_expired"),
    Refusal.TOO_LARGE: ("More bytes than any request needs.", "request_too_large"),
    Refusal.NOT_JSON: ("The body is not announced as application/json.", "not_json"),
    Refusal.MALFORMED: ("Not a request of this document.", "request_malformed"),
    Refusal.UPSTREAM: ("The system behind could not process it; its own code.", "E-1234"),
}
_BODY = (Refusal.TOO_LARGE, Refusal.NOT_JSON, Refusal.MALFORMED)


@dataclass(frozen=True, slots=True)
class _Call:
    """One operation. `answers`: status -> (description, schema name)."""

    method: str
    path: str
    id: str
    summary: str
    answers: Mapping[str, tuple[str, str]]
    refusals: tuple[Refusal, ...] = ()
    request: type[Message] | None = None
    query: Mapping[str, Any] = field(default_factory=dict)
    links: tuple[str, ...] = ()


_RECEPTION = "/v1/receptions/{reception}"
_ELIGIBILITY = {"200": ("What the insurance allows, and what may be asked.", "EligibilityReply")}
_FULL = {"200": ("The full result.", "FullResult")}
_LATER = ("resume", "register", "consent", "consents", "withdraw", "registration")

_CALLS = (
    _Call(
        "post",
        "/v1/challenges",
        "challenge",
        "A nonce for one attempt.",
        {"200": ("The challenge.", "ChallengeReply")},
        (Refusal.MALFORMED,),
        links=("receive",),
    ),
    _Call(
        "post",
        "/v1/receptions",
        "receive",
        "Confirm the holder of a card. The same request again gives the same answer.",
        _ELIGIBILITY,
        (Refusal.REFUSED, Refusal.CONFLICT, Refusal.EXPIRED, *_BODY, Refusal.UPSTREAM),
        ReceptionRequest,
        links=_LATER,
    ),
    _Call(
        "post",
        f"{_RECEPTION}/registration",
        "register",
        "利用申込: register the card as health insurance card. Voluntary.",
        _ELIGIBILITY,
        (Refusal.UNKNOWN, Refusal.CONFLICT, Refusal.EXPIRED, Refusal.MALFORMED),
        links=("consent", "registration"),
    ),
    _Call(
        "get",
        f"{_RECEPTION}/registration",
        "registration",
        "The record of a registration made in this reception.",
        {"200": ("The record.", "RegistrationRecord")},
        (Refusal.UNKNOWN, Refusal.MALFORMED),
    ),
    _Call(
        "post",
        f"{_RECEPTION}/consents",
        "consent",
        "The patient's answers. Once: the same again gives the same result, others are refused.",
        _FULL,
        (Refusal.UNKNOWN, Refusal.CONFLICT, Refusal.EXPIRED, *_BODY),
        ConsentRequest,
        links=("resume", "consents", "withdraw", "terminal"),
    ),
    _Call(
        "get",
        f"{_RECEPTION}/consents",
        "consents",
        "The record of the consents, for audit: answers, wording, language, time, withdrawal.",
        {"200": ("The record.", "ConsentRecord")},
        (Refusal.UNKNOWN, Refusal.MALFORMED),
    ),
    _Call(
        "post",
        f"{_RECEPTION}/withdrawal",
        "withdraw",
        "同意の撤回: nothing more is released under the consents of this reception.",
        {"200": ("Whether consents are withdrawn now.", "WithdrawalReply")},
        (Refusal.UNKNOWN, Refusal.MALFORMED),
        links=("consents", "terminal"),
    ),
    _Call(
        "get",
        _RECEPTION,
        "resume",
        "The full result again, after an answer was lost.",
        {**_FULL, "202": ("The consents are not there yet.", "PendingReply")},
        (Refusal.UNKNOWN, Refusal.EXPIRED, Refusal.MALFORMED),
    ),
    _Call(
        "post",
        "/v1/lookups",
        "lookUp",
        "番号による資格確認: by insured number, by staff. Never medical information.",
        {"200": ("The qualification; `result` is null when it names nobody.", "LookupReply")},
        (Refusal.REFUSED, Refusal.CONFLICT, Refusal.EXPIRED, *_BODY, Refusal.UPSTREAM),
        LookupRequest,
        links=("resume",),
    ),
    _Call(
        "get",
        "/terminal/v1/{kind}",
        "terminal",
        "What the doctor would see (simulated 資格確認端末). The kiosk never asks.",
        {"200": ("Rows of this kind, under a consent in force.", "ReleasedRows")},
        (Refusal.REFUSED, Refusal.UNKNOWN, Refusal.MALFORMED),
        query={"reception": {"type": "string", "pattern": RECEPTION}},
    ),
)

_MODELS: tuple[type[Message], ...] = (
    ChallengeReply,
    ReceptionRequest,
    EligibilityReply,
    RegistrationRecord,
    ConsentRequest,
    ConsentRecord,
    WithdrawalReply,
    PendingReply,
    LookupRequest,
    LookupReply,
    Problem,
    Medication,
    Checkup,
)

_R = "2f1c6a0e-3b5d-4c8e-9a47-0d6f5b1e7c22"
_F = "vN3xQ8yLk2Zr5TbA"
_ANSWERS = [{"item": "YZK", "given": True}, {"item": "TKK", "given": False}]
_CONSENT = {"text_version": "2026-04", "language": "ja", "comprehensive": False, "answers": _ANSWERS, "dispense": []}
EXAMPLES: dict[str, Any] = {
    "ChallengeReply": {
        "id": "Zk3mQ0vXyT1sB7uNf4cLh8pR",
        "nonce": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "issued_at": 1775001600,
        "seconds": 600,
    },
    "ReceptionRequest": {
        "reception": _R,
        "challenge": "Zk3mQ0vXyT1sB7uNf4cLh8pR",
        "terminal": "practice-terminal-1",
        "method": "staff",
        "certificate": "MIIB",
        "evidence": [{"kind": "staff_visual", "reason": "face_failed"}],
        "file_identifier": _F,
        "asks": ["YZK", "TKK", "TSR"],
    },
    "EligibilityReply": {
        "reception": _R,
        "registered": True,
        "validity": "1",
        "questions": ["SRJ", "YZK", "TKK"],
        "certificate": "valid",
        "subsidy": "none",
        "prescriptions": [],
    },
    "RegistrationRecord": {"reception": _R, "method": "face", "registered_at": "2026-04-01T09:00:00+09:00"},
    "ConsentRequest": _CONSENT,
    "ConsentRecord": {
        "reception": _R,
        **_CONSENT,
        "given_at": "2026-04-01T09:00:30+09:00",
        "available_until": "2026-04-02T09:00:30+09:00",
        "withdrawn_at": None,
    },
    "WithdrawalReply": {"reception": _R, "withdrawn": True},
    "PendingReply": {"reception": _R, "complete": False},
    "LookupRequest": {
        "reception": _R,
        "terminal": "practice-terminal-1",
        "file_identifier": _F,
        "insurer": "99990010",
        "symbol": "見本",
        "number": "1001",
        "branch": "01",
        "birth": "19850412",
        "limit": True,
    },
    "LookupReply": {"reception": _R, "validity": "4", "result": None},
    "Problem": {"error": "evidence_insufficient"},
    "ReleasedRows": {
        "kind": "YZK",
        "rows": [{"day": "20260301", "name": "架空薬A錠", "dose": "1日1回", "days": 14}],
    },
}


def document() -> dict[str, Any]:
    """A new copy, so that nobody changes anybody else's."""
    hours, kept = (int(each.total_seconds()) // 3600 for each in (CONSENT_LASTS, RESULTS_KEPT))
    value = {
        "openapi": "3.1.0",
        "info": {
            "title": "Simulated eligibility gateway (模擬 資格確認ゲートウェイ)",
            "version": "2",
            "description": (
                "Fictional people only. Not the national system and not connected to it.\n\n"
                "The client certificate names the terminal; a reception is seen by its terminal only. The same "
                "request under the same reception gives the same answer, another one 409. An answer repeats the "
                f"header {REQUEST_ID} of its request; the kiosk believes no other. Dates are YYYYMMDD, "
                "instants RFC 3339 or seconds since 1970-01-01 UTC, bytes base64.\n\n"
                f"Retention: results are kept for {kept} hours after the reception was last changed, then answered "
                f"with 410 `result_expired`; records of consents and registrations stay. A consent releases medical "
                f"information for {hours} hours, or until it is withdrawn."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"terminalCertificate": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {
                "terminalCertificate": {
                    "type": "mutualTLS",
                    "description": "TLS 1.2 or newer; the certificate's common name is the terminal's id.",
                }
            },
            "parameters": {"RequestId": _parameter(REQUEST_ID, "header", _REQUEST_ID) | {"required": False}},
            "headers": {"RequestId": {"description": "As in the request.", "schema": _REQUEST_ID}},
            "schemas": _schemas(),
        },
    }
    copy: dict[str, Any] = json.loads(json.dumps(value))
    return copy


def text() -> str:
    """As docs/openapi.json holds it."""
    return json.dumps(document(), ensure_ascii=False, indent=2) + "\n"


def _paths() -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for call in _CALLS:
        paths.setdefault(call.path, {})[call.method] = _operation(call)
    return paths


def _operation(call: _Call) -> dict[str, Any]:
    found: dict[str, Any] = {"operationId": call.id, "summary": call.summary, "responses": {}}
    parameters: list[dict[str, Any]] = [{"$ref": "#/components/parameters/RequestId"}]
    parameters += [_parameter(name, "query", schema) for name, schema in call.query.items()]
    if "{reception}" in call.path:
        parameters.append(_parameter("reception", "path", {"type": "string", "pattern": RECEPTION}))
    if "{kind}" in call.path:
        kinds = [Item.MEDICATION.value, Item.CHECKUP.value]
        parameters.append(_parameter("kind", "path", {"type": "string", "enum": kinds}))
    found["parameters"] = parameters
    if call.request is not None:
        found["requestBody"] = {"required": True, "content": _content(call.request.__name__)}
    for status, (description, schema) in call.answers.items():
        found["responses"][status] = {"description": description, "content": _content(schema)}
    if call.links:
        found["responses"]["200"]["links"] = {name: _link(name, call) for name in call.links}
    for refusal in call.refusals:
        description, code = _REFUSALS[refusal]
        found["responses"][refusal.value] = {
            "description": description,
            "content": {"application/json": {"schema": _ref("Problem"), "example": {"error": code}}},
        }
    for answer in found["responses"].values():
        answer["headers"] = {REQUEST_ID: {"$ref": "#/components/headers/RequestId"}}
    return found


def _parameter(name: str, place: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": place, "required": True, "schema": schema}


def _link(name: str, call: _Call) -> dict[str, Any]:
    if name == "receive":
        return {"operationId": name, "requestBody": {"challenge": "$response.body#/id"}}
    return {"operationId": name, "parameters": {"reception": "$response.body#/reception"}}


def _content(schema: str) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": _ref(schema)}
    if schema in EXAMPLES:
        content["example"] = EXAMPLES[schema]
    return {"application/json": content}


def _ref(schema: str) -> dict[str, str]:
    return {"$ref": _REF.format(model=schema)}


def _schemas() -> dict[str, Any]:
    _, found = models_json_schema([(model, "validation") for model in _MODELS], ref_template=_REF)
    schemas: dict[str, Any] = found["$defs"]
    schemas["LookupReply"]["properties"]["result"] = {"anyOf": [_ref("FullResult"), {"type": "null"}]}
    certificate = {name: {"type": "string", "maxLength": most} for name, most in SUBSIDY_FIELDS.items()}
    schemas["SubsidyCertificate"] = _object(certificate, tuple(certificate))
    token = {"type": "string", "minLength": 1, "maxLength": 64}
    full = {
        "reception": token,
        "qualification": _ref("QualificationResult"),
        "subsidy": {"anyOf": [{"enum": [each.value for each in SubsidyOutcome]}, {"type": "null"}]},
        "certificates": {"type": "array", "items": _ref("SubsidyCertificate"), "maxItems": MANY},
        "dispense": {"type": "array", "items": token, "maxItems": MANY},
    }
    schemas["FullResult"] = _object(full, ("reception", "qualification"))
    schemas["QualificationResult"] = _group(QualificationResult)
    row = {"anyOf": [_ref("Medication"), _ref("Checkup")]}
    kinds = [Item.MEDICATION.value, Item.CHECKUP.value]
    released = {"kind": {"type": "string", "enum": kinds}, "rows": {"type": "array", "items": row}}
    schemas["ReleasedRows"] = _object(released, tuple(released))
    return dict(sorted(schemas.items()))


def _object(properties: Mapping[str, Any], required: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    if required:
        found["required"] = list(required)
    return found


def _group(kind: type[Any]) -> dict[str, Any]:
    """Elements of the face result file's layout (`kiosk.qualification`) as JSON."""
    properties: dict[str, Any] = {}
    required = []
    for each in fields(kind):
        metadata = each.metadata
        if "entry" in metadata:
            value: dict[str, Any] = {"type": "array", "items": _group(metadata["group"])}
        elif "group" in metadata:
            value = _group(metadata["group"])
        else:
            value = _shape(metadata["shape"])
        properties[metadata["element"]] = value
        if "missing" in metadata:
            required.append(metadata["element"])
    return _object(properties, tuple(required))


def _shape(shape: Shape) -> dict[str, Any]:
    if shape.codes is not None:
        meaning = ", ".join(f"{code} {word}" for code, word in shape.codes.values.items())
        return {
            "type": "string",
            "enum": list(shape.codes.values),
            "description": f"{shape.codes.name} {shape.codes.title}: {meaning}",
        }
    pattern = shape.pattern.pattern.replace(_SURROGATES, "")
    return {"type": "string", "pattern": f"^(?:{pattern})$", "description": shape.allowed}
