"""Everything a strict consumer of a face result file would refuse: one table, each rule sourced or marked unverified.

`check` holds a whole file to it, name and content. A rule stands beside the code that applies it: single elements and
what they say of each other in kiosk/qualification.py, bytes and XML in kiosk/oqs/reader.py, the name here.
"""

from __future__ import annotations

import re

from kiosk.oqs.reader import FILE_RULES, inspect
from kiosk.qualification import (
    ELEMENT_RULES,
    FACE_LAWS,
    RECORD_LAWS,
    TIME,
    Fault,
    QualificationResult,
    Rule,
    broken,
)

ANSWER = "OQSsiquc01res_"
FACE = "OQSsiquc01res_face_"
_FACE_NAME = re.compile(rf"{FACE}([0-9]{{10}})[0-9A-Za-z]{{20}}_([0-9]{{14}})\.xml")
_ANSWER_NAME = re.compile(rf"{ANSWER}[0-9A-Za-z_-]+\.xml")
_CONSUMER = "YUKI-ENT/MynaReception, specification and tests"

NAME = Rule(
    "name",
    f"{FACE}, ten digits of the institution, twenty letters or digits, _, yyyyMMddHHmmss, .xml; "
    f"an answer by number: {ANSWER} and whatever was asked with.",
    _CONSUMER,
)
NAME_INSTITUTION = Rule("name-institution", "The name has the institution of the content.", _CONSUMER)
NAME_TIME = Rule("name-time", "The fourteen digits of the name are a time.", _CONSUMER)
NAME_LATER = Rule("name-later", "The name is not of a day before QualificationConfirmationDate.")
NAME_RULES = (NAME, NAME_INSTITUTION, NAME_TIME, NAME_LATER)

RULES = (
    *NAME_RULES,
    *FILE_RULES,
    *ELEMENT_RULES,
    *(law.rule for law in RECORD_LAWS),
    *(law.rule for law in FACE_LAWS),
)


def check(name: str, content: bytes) -> list[Fault]:
    """All rules that the file breaks; none: a strict consumer takes it. `name`: the file's name without folder.

    A file that does not call itself an answer by number is held to the rules of face result files.
    """
    inspection = inspect(content)
    faults = list(inspection.faults)
    answer = _ANSWER_NAME.fullmatch(name) is not None and not name.startswith(FACE)
    if not answer:
        faults = _name(name, inspection.result) + faults
        if inspection.result is not None:
            faults += broken(FACE_LAWS, inspection.result)
    return faults


def _name(name: str, result: QualificationResult | None) -> list[Fault]:
    found = _FACE_NAME.fullmatch(name)
    if found is None:
        return [Fault(NAME, "name", "another name", f"{FACE}<10 digits><20 letters or digits>_yyyyMMddHHmmss.xml")]
    faults = []
    if not TIME.fits(found[2]):
        faults.append(Fault(NAME_TIME, "name", "no such time", TIME.allowed))
    if result is not None:
        if found[1] != result.header.institution:
            faults.append(Fault(NAME_INSTITUTION, "name", "another institution", "MedicalInstitutionCode"))
        if found[2][:8] < result.header.confirmed_on:
            faults.append(Fault(NAME_LATER, "name", "an earlier day", "QualificationConfirmationDate or later"))
    return faults
