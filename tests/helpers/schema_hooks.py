"""Loaded by schemathesis (SCHEMATHESIS_HOOKS): most of its good requests are about somebody whom the gateway knows.

Of itself it would never find a certificate, an insured number or a reception, and so only ever see refusals. What is
meant to be wrong stays as it is. `KNOWN_PEOPLE` names a file: `{"terminal", "certificates", "queries", "receptions"}`.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import schemathesis

_KNOWN = json.loads(Path(os.environ["KNOWN_PEOPLE"]).read_text())
_CHOICE = random.Random(20260401)
_ANSWERS: tuple[list[dict[str, Any]], ...] = (
    [],
    [{"item": "YZK", "given": True}],
    [{"item": "YZK", "given": True}, {"item": "TKK", "given": False}],
)


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    good = case.meta is None or case.meta.generation.mode == schemathesis.GenerationMode.POSITIVE
    if not good or _CHOICE.random() < 0.3:
        return
    linked = case.meta is not None and case.meta.phase.name.value == "stateful"
    if case.path_parameters and "reception" in case.path_parameters and not linked:
        case.path_parameters = {**case.path_parameters, "reception": _CHOICE.choice(_KNOWN["receptions"])}
    if not isinstance(case.body, dict):
        return
    match case.operation.definition.raw["operationId"]:
        case "receive":
            case.body = {
                **case.body,
                "terminal": _KNOWN["terminal"],
                "method": "staff",
                "evidence": [{"kind": "staff_visual", "reason": "other"}],
                "certificate": _CHOICE.choice(_KNOWN["certificates"]),
            }
        case "lookUp":
            case.body = {**case.body, "terminal": _KNOWN["terminal"], **_CHOICE.choice(_KNOWN["queries"])}
        case "consent":
            case.body = {**case.body, "answers": _CHOICE.choice(_ANSWERS), "dispense": []}
