"""The gateway's full result: the qualification record for the face result file, and what has no place in it.

The face result file does not say whether a subsidy (医療費助成) was declined, does not exist or is not supported, and
its elements for subsidies are not public. What we know goes into a side file in a namespace of our own
(`kiosk.handoff.sidefile`); the record itself stays as the layout has it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from kiosk.qualification import JSON, BadQualification, Fault, QualificationResult, plain

MANY = 20  # entries of a list


class SubsidyOutcome(StrEnum):
    """What became of 医療費助成 (PMH)."""

    PROVIDED = "provided"
    DECLINED = "declined"
    NONE = "none"
    UNSUPPORTED = "unsupported"  # the municipality does not take part: look at the paper


@dataclass(frozen=True, slots=True, repr=False)
class SubsidyCertificate:
    """受給者証: 公費負担者番号 (8 digits), 受給者番号 (7 digits), name of the scheme, validity as YYYYMMDD or ""."""

    payer: str
    recipient: str
    scheme: str
    valid_from: str
    valid_until: str


@dataclass(frozen=True, slots=True, repr=False)
class FullResult:
    """`reception`: the answer is for this one. `subsidy`: None when this institution does not ask. `dispense`: tokens
    of the electronic prescriptions that the patient chose."""

    reception: str
    qualification: QualificationResult
    subsidy: SubsidyOutcome | None = None
    certificates: tuple[SubsidyCertificate, ...] = ()
    dispense: tuple[str, ...] = ()

    @property
    def has_side_file(self) -> bool:
        return self.subsidy is not None or bool(self.dispense)

    @classmethod
    def parse(cls, data: bytes | bytearray | memoryview) -> Self:
        """From the gateway's JSON. Raises `BadQualification`."""
        value = plain(data)
        if not isinstance(value, dict):
            raise _refused("result", "not an object", "one JSON object in UTF-8")
        if not value.keys() <= {"reception", "qualification", "subsidy", "certificates", "dispense"}:
            raise _refused("result", "unknown field", "the fields of the full result")
        subsidy = value.get("subsidy")
        try:
            outcome = None if subsidy is None else SubsidyOutcome(subsidy)
        except ValueError:
            raise _refused("result/subsidy", "unknown word", ", ".join(SubsidyOutcome)) from None
        return cls(
            _text(value.get("reception"), "result/reception", 64),
            QualificationResult.of(value.get("qualification")),
            outcome,
            tuple(_certificate(each) for each in _list(value.get("certificates", []), "result/certificates")),
            tuple(_text(each, "result/dispense", 64) for each in _list(value.get("dispense", []), "result/dispense")),
        )

    def to_json(self) -> bytes:
        return json.dumps(
            {
                "reception": self.reception,
                "qualification": json.loads(self.qualification.to_json()),
                "subsidy": self.subsidy,
                "certificates": [{name: getattr(each, name) for name in SUBSIDY_FIELDS} for each in self.certificates],
                "dispense": list(self.dispense),
            },
            ensure_ascii=False,
        ).encode()


SUBSIDY_FIELDS = {"payer": 8, "recipient": 7, "scheme": 60, "valid_from": 8, "valid_until": 8}


def _refused(where: str, what: str, allowed: str) -> BadQualification:
    return BadQualification(Fault(JSON, where, what, allowed))


def _list(value: object, where: str) -> list[object]:
    if not isinstance(value, list) or len(value) > MANY:
        raise _refused(where, "not a list", f"a JSON array of at most {MANY}")
    return value


def _text(value: object, where: str, most: int) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= most:
        raise _refused(where, "not such a text", f"1 to {most} characters")
    return value


def _certificate(value: object) -> SubsidyCertificate:
    if not isinstance(value, dict) or value.keys() != SUBSIDY_FIELDS.keys():
        raise _refused("result/certificates", "not such a group", ", ".join(SUBSIDY_FIELDS))
    return SubsidyCertificate(
        **{
            name: value[name] if value[name] == "" else _text(value[name], f"result/certificates/{name}", most)
            for name, most in SUBSIDY_FIELDS.items()
        }
    )
