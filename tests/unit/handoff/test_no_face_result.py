"""An answer that is no face result is never written as one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.handoff.desk import Recovery
from kiosk.qualification import BadQualification, Body, QualificationResult
from tests.helpers.full import full, secret
from tests.helpers.results import result
from tests.unit.handoff.conftest import Room, outcomes

RECORD = result()
ANSWERS = {
    "nobody": replace(RECORD, body=Body(status="1", validity="4")),
    "several": replace(RECORD, body=Body(status="1", validity="5")),
    "error": replace(RECORD, body=Body(status="2", code="KSK-1")),
    "no end": replace(RECORD, header=replace(RECORD.header, segment="9"), body=Body()),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_nothing_is_written(room: Room, answer: QualificationResult) -> None:
    room.handoff.begin("r1")
    with pytest.raises(BadQualification):
        room.handoff.finish("r1", secret(full(record=answer)))
    assert room.files() == []
    room.restart()
    assert outcomes(room, lambda _: secret(full(record=answer))) == [Recovery.REFUSED]
    assert room.files() == []
