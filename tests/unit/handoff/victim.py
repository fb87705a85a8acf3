"""A kiosk that is ended by SIGKILL at a named step: begin, post, finish (or recover)."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from devices.secret import SecretBytes
from kiosk.handoff.desk import Handoff
from kiosk.handoff.folder import HandoffFolder
from kiosk.handoff.journal import Journal
from kiosk.handoff.sidefile import FhirFolder, SideFolder
from kiosk.oqs.document import Encoding
from tests.helpers.full import full, provided
from tests.helpers.gateway import noon
from tests.helpers.results import INSTITUTION


def main(root: Path, work: str, fatal: str) -> None:
    """`work`: "serve", "serve-beside" (with a side file), "serve-fhir" (with a FHIR file, too) or "recover"."""

    def checkpoint(step: str) -> None:
        if step == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    gateway = root / "gateway.json"
    with Journal(root / "journal", noon) as journal:
        folder, side = HandoffFolder(root / "face", INSTITUTION), SideFolder(root / "extension")
        handoff = Handoff(
            folder,
            side,
            journal,
            Encoding.UTF8,
            simulated=True,
            fhir_folder=FhirFolder(root / "fhir") if work == "serve-fhir" else None,
            now=noon,
            checkpoint=checkpoint,
        )
        if work == "recover":
            handoff.recover(lambda _: SecretBytes(gateway.read_bytes()) if gateway.exists() else None)
            return
        handoff.begin("r1")
        gateway.write_bytes((full() if work == "serve" else provided()).to_json())
        checkpoint("posted")
        with SecretBytes(gateway.read_bytes()) as answer:
            handoff.finish("r1", answer)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
