"""The side file: what was agreed on and has no place in the face result file, in a namespace of our own.

The face result file does not say whether a subsidy (医療費助成) was declined, does not exist or is not supported by the
municipality, and no public layout has the electronic prescription that a patient chose. Schema:
assets/schema/side-file.xsd. Always UTF-8. Text is collected in a `bytearray` that can be wiped.
"""

from __future__ import annotations

import os
import re
from functools import partial
from pathlib import Path
from typing import ClassVar

from kiosk.files import sync_folder
from kiosk.fullresult import FullResult, SubsidyCertificate, SubsidyOutcome
from kiosk.handoff.errors import HandoffRefused
from kiosk.handoff.folder import Shelf, stem
from kiosk.oqs.document import SIMULATION_NOTICE

NAMESPACE = "urn:uketsuke:reception-extension:1"
PREFIX = "UKT_"
# What XML 1.0 cannot hold at all.
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def write(full: FullResult, face_name: str, *, simulated: bool) -> bytearray:
    """Raises `HandoffRefused`: certificates that the patient did not agree to, characters that XML has not."""
    if full.certificates and full.subsidy is not SubsidyOutcome.PROVIDED:
        raise HandoffRefused("certificates without a consent")
    out = _Writer()
    out.put('<?xml version="1.0" encoding="UTF-8"?>\n')
    if simulated:
        out.put(f"<!-- {SIMULATION_NOTICE} -->\n")
    mark = ' simulation="true"' if simulated else ""
    out.put(f'<ReceptionExtension xmlns="{NAMESPACE}"{mark}>\n')
    out.text("Institution", full.qualification.header.institution, 1)
    out.text("FaceFile", face_name, 1)
    if full.subsidy is not None:
        out.put(f' <Subsidy reason="{full.subsidy}">\n')
        for certificate in full.certificates:
            _certificate(out, certificate)
        out.put(" </Subsidy>\n")
    if full.dispense:
        out.put(" <Dispense>\n")
        for token in full.dispense:
            out.text("Token", token, 2)
        out.put(" </Dispense>\n")
    out.put("</ReceptionExtension>\n")
    return out.content


def _certificate(out: _Writer, certificate: SubsidyCertificate) -> None:
    out.put("  <Certificate>\n")
    for name, value in (
        ("Payer", certificate.payer),
        ("Recipient", certificate.recipient),
        ("Scheme", certificate.scheme),
        ("ValidFrom", certificate.valid_from),
        ("ValidUntil", certificate.valid_until),
    ):
        if value:
            out.text(name, value, 3)
    out.put("  </Certificate>\n")


class _Writer:
    def __init__(self) -> None:
        self.content = bytearray()

    def text(self, name: str, value: str, depth: int) -> None:
        if _NO_XML.search(value):
            self.content[:] = bytes(len(self.content))
            raise HandoffRefused("a character that XML does not have")
        value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
        self.put(f"{' ' * depth}<{name}>{value}</{name}>\n")

    def put(self, text: str) -> None:
        self.content += text.encode()


class SideFolder(Shelf):
    """The folder of side files: ours alone, made when it is missing. Names as the face file's: `UKT_<…>_<…>.xml`."""

    __slots__ = ()
    ENDING: ClassVar[str] = ".xml"

    def __init__(self, path: Path, pause: float = 0.2) -> None:
        super().__init__(path, PREFIX, pause)

    def check(self) -> None:
        # Not its parents: beside a share that is away nothing is made.
        self.path.mkdir(exist_ok=True)
        Shelf.check(self)

    def put_in_place(self, reception: str, name: str) -> None:
        """One for each reception: a file that was made again, or under the name of another day, replaces the former."""
        former = [path for path in self._all(reception) if path.name != name]
        self._patiently(lambda: os.replace(self._temporary(reception), self.path / name))
        self._unlink(former)

    def _all(self, reception: str) -> list[Path]:
        return list(self.path.glob(f"{PREFIX}{stem(reception)}_*{self.ENDING}"))

    def _unlink(self, paths: list[Path]) -> None:
        for path in paths:
            self._patiently(partial(path.unlink, missing_ok=True))
        sync_folder(self.path)


class FhirFolder(SideFolder):
    """The folder of FHIR files (`kiosk.handoff.fhir`): names as the side file's, ending `.json`. May be the folder of
    the side files."""

    __slots__ = ()
    ENDING: ClassVar[str] = ".json"

    def has_aside(self, reception: str) -> bool:
        """It is whole and waits for its name."""
        return self._temporary(reception).exists()

    def has(self, reception: str) -> bool:
        """Under its temporary name, or placed and not taken."""
        return self.has_aside(reception) or bool(self._all(reception))

    def remove_of(self, reception: str) -> None:
        self._unlink(self._all(reception))

    def _temporary(self, reception: str) -> Path:
        return self.path / f"{PREFIX}{stem(reception)}.json.tmp"


def name_beside(face_name: str, ending: str = SideFolder.ENDING) -> str:
    """Name of the side file of the face file `face_name`: the same twenty digits, the same time."""
    return PREFIX + face_name[-39:].removesuffix(".xml") + ending
