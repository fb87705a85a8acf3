"""From the challenge to the file, as the executor goes; and again after the answer to the consents was lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.secret import SecretBytes
from kiosk.eligibility.conversation import Conversation
from kiosk.eligibility.gateway import HttpsGateway
from kiosk.eligibility.port import GatewayError
from kiosk.eligibility.server import Fault, FaultKind
from kiosk.handoff.desk import GRACE, Handoff, Recovered
from kiosk.handoff.errors import NotNow
from kiosk.handoff.folder import HandoffFolder
from kiosk.handoff.journal import Journal
from kiosk.handoff.service import HandoffService
from kiosk.handoff.sidefile import SideFolder
from kiosk.oqs.document import Encoding
from kiosk.reception.consent import Item
from kiosk.reception.failure import FailureCode
from kiosk.reception.states import (
    CardPhoto,
    Certificate,
    CertificateRef,
    EvidenceRef,
    FaceIdentity,
    PhotoRef,
    ReceptionId,
)
from kiosk.runtime.ports import JobError, Placed, Purpose
from tests.contract.gateway.conftest import Lane
from tests.helpers.face_file import read_face_file
from tests.helpers.gateway import INSTITUTION, certificate, every, presence

R = ReceptionId("0123456789abcdef0123456789abcdef")
CARD = Certificate(CertificateRef("c"), 1, "f", 3, 10)
FACE = FaceIdentity(CardPhoto(PhotoRef("p"), EvidenceRef("e"), 1, CARD))


@pytest.mark.parametrize("encoding", list(Encoding))
@pytest.mark.parametrize("lost", [False, True])
def test_from_the_card_to_the_file(
    lane: Lane, client: HttpsGateway, tmp_path: Path, encoding: Encoding, lost: bool
) -> None:
    def fetch(reception: str) -> SecretBytes | None:
        try:
            return client.fetch(reception)
        except GatewayError:
            raise NotNow from None

    recovered: list[Recovered] = []
    with Journal(tmp_path / "journal", lane.clock) as journal:
        (tmp_path / "face").mkdir()
        folder = HandoffFolder(tmp_path / "face", INSTITUTION)
        handoff = Handoff(folder, SideFolder(tmp_path / "extension"), journal, encoding, simulated=True, now=lane.clock)
        service = HandoffService(handoff, fetch, recovered.append, lambda _: None)

        conversation = Conversation(client, lambda language: f"2026-04.{language}")
        conversation.prepare(R)
        evidence = presence("employee", conversation.message(R, Purpose.PRESENCE)).document
        eligibility = conversation.confirm(R, FACE, certificate("employee"), evidence)
        answers = every((Item.MEDICATION, Item.CHECKUP))
        assert set(eligibility.questions) >= {Item.MEDICATION, Item.CHECKUP}
        service.begin(R)
        if lost:
            lane.server.fault = Fault(FaultKind.TRUNCATED, path="/consents")
            with pytest.raises(JobError) as caught:
                conversation.consent(R, answers, "ja")
            assert caught.value.failure is FailureCode.GATEWAY_NONSENSE
            lane.server.fault = None
            service.tidy()
            assert list(folder.path.iterdir()) == []  # still under way
            lane.clock.time += GRACE
            service.tidy()
            assert [each.number for each in recovered] == [1]
        else:
            with conversation.consent(R, answers, "ja") as result:
                assert service.finish(R, result) == Placed(1, delayed=False, substituted=0)
        service.tidy()

    (path,) = folder.path.iterdir()
    file = read_face_file(path, lane.clock())
    assert file.encoding == encoding.declared
    assert file.person["Name"].startswith("試験")
    assert file.person["PharmacistsInfoConsFlg"] == "1"
    assert file.person["OperationInfoConsFlg"] == "0"
