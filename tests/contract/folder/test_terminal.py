"""The simulated terminal as a receipt computer meets it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kiosk.eligibility.folder import FolderLookup, FolderSettings
from kiosk.eligibility.gateway import GatewaySettings, HttpsGateway
from kiosk.eligibility.liaison import Fault, FaultKind
from kiosk.eligibility.tls import TERMINAL, TlsFolder
from kiosk.oqs import clinical, reader
from kiosk.oqs.document import Encoding
from kiosk.oqs.names import Kind, Role, parse
from kiosk.oqs.requests import EligibilityRequest, write
from kiosk.qualification import SearchInfo, face_fault
from kiosk.reception.states import Validity
from tests.contract.folder.bench import INSTITUTION, PEOPLE, Bench, insurer, query, unprivileged, world
from tests.helpers.face_file import lately, read_face_file

ROOT = Path(__file__).resolve().parents[3]
ASKED = EligibilityRequest(
    confirmed_on="20261102",
    institution=INSTITUTION,
    file_identifier="A1B2C3D4E5F6G7H8",
    search=SearchInfo(insurer_number=insurer("9999001"), symbol="見本", number="1001", branch="01", birth="19850412"),
)
NAME = "OQSsiquc01req_20261102_1.xml"


@pytest.mark.parametrize("answers_in", Encoding)
@pytest.mark.parametrize("asked_in", Encoding)
def test_requests_in_either_encoding(share: Path, asked_in: Encoding, answers_in: Encoding) -> None:
    result = reader.read(Bench(share, answers_in).answer_to(NAME, write(ASKED, asked_in)))
    assert (result.header.file_identifier, result.body.validity) == ("A1B2C3D4E5F6G7H8", "1")
    assert result.marked_simulated


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "declaration"),
        (bytes(write(ASKED, Encoding.UTF8))[:-4], "xml"),
        (bytes(write(ASKED, Encoding.UTF8)).replace(b"UTF-8", b"Shift_JIS"), "bytes"),
        (bytes(write(ASKED, Encoding.UTF8)).replace(b"<XmlMsg>", b"<!DOCTYPE XmlMsg><XmlMsg>"), "dtd"),
        (b" " * 100_000, ""),
    ],
)
def test_what_is_no_request_is_answered_with_the_reason(share: Path, kind: Kind, content: bytes, rule: str) -> None:
    bench = Bench(share)
    name = f"{kind}req_1.xml"
    if not rule:
        bench.put(name, content)
        bench.pass_time(5)
        assert bench.left() == (1, 0)  # too large to be looked at: left where it is
        return
    found = bench.answer_to(name, content)
    if kind is Kind.ELIGIBILITY:
        header = reader.read(found).header
        told = f"{header.error_code} {header.error_message}"
    else:
        told = clinical.read(kind, found).message or ""
    assert told.startswith("KSK-1001 ")
    assert rule in told


def test_of_another_institution(share: Path) -> None:
    content = write(ASKED, Encoding.UTF8).replace(b"9910000001", b"9910000002")
    header = reader.read(Bench(share).answer_to(NAME, content)).header
    assert (header.error_code, header.institution) == ("KSK-1002", INSTITUTION)


def test_a_request_that_is_written_in_place_is_waited_for(share: Path) -> None:
    bench = Bench(share)
    content = write(ASKED, Encoding.UTF8)
    for length in range(0, len(content), 40):
        bench.put(NAME, content[:length])
        bench.pass_time(0.5)
        assert bench.left() == (1, 0)
    assert reader.read(bench.answer_to(NAME, content)).body.validity == "1"


def test_other_files_are_left_alone_and_told_once(share: Path) -> None:
    bench = Bench(share)
    for name in ("OQSmuquc01req_202611020001.xml", "x.txt", "OQSsiquc01res_1.xml", "OQSsiquc01req_1.tmp"):
        bench.put(name, b"x")
    os.mkfifo(share / "req" / "YZKsiquc01req_1.xml")
    bench.put("TKKsiquc01req_1.xml", b"x")
    (share / "req" / "TKKsiquc01req_1.xml").chmod(0)
    with unprivileged():
        bench.pass_time(5)
    assert bench.left() == (6, 0)
    assert bench.terminal.counts == {"left alone": 4}
    # When they are gone and come again, they are looked at anew.
    (share / "req" / "TKKsiquc01req_1.xml").unlink()
    bench.pass_time(1)
    bench.put("TKKsiquc01req_1.xml", b"x")
    bench.pass_time(5)
    assert bench.left() == (5, 1)


def test_what_cannot_be_written_now_is_written_later(share: Path) -> None:
    bench = Bench(share)
    (share / "res").rename(share / "away")
    bench.put(NAME, write(ASKED, Encoding.UTF8))
    bench.pass_time(3)
    assert bench.terminal.pending == 1
    assert bench.terminal.counts["folders away"] == 1
    (share / "away").rename(share / "res")
    bench.pass_time(1)
    assert reader.read(bench.only_answer().read_bytes()).body.validity == "1"


def test_patients_come_and_go(share: Path) -> None:
    bench = Bench(share, Encoding.SHIFT_JIS, arrivals=10)
    bench.pass_time(10 * 2 * len(PEOPLE) + 5)
    files = sorted((share / "face").iterdir())
    nobody = sum(each.insurance.validity in ("4", "5") for each in PEOPLE)
    assert len(files) == 2 * (len(PEOPLE) - nobody)
    consents = []
    for path in files:
        name = parse(path.name)
        assert (name.role, name.time and name.time.date()) == (Role.FACE, bench.time.moment.date())
        result = reader.read(path.read_bytes())
        assert face_fault(result) is None
        assert result.marked_simulated
        read_face_file(path, bench.time.moment)
        consents.append(result.person.medication_consent)
    assert {"0", "1"} <= set(consents)
    told = " ".join(f"{event}" for event in bench.events)
    assert "everything declined" in told
    for each in PEOPLE:
        assert each.name not in told
        assert each.insurance.number not in told


def test_who_is_not_registered_is_turned_away(share: Path) -> None:
    changed = PEOPLE[0].insurance.model_copy(update={"registered": False})
    nobody = PEOPLE[0].insurance.model_copy(update={"validity": Validity.NONE})
    people = [PEOPLE[0].model_copy(update={"insurance": each}) for each in (changed, nobody)]
    bench = Bench(share, arrivals=1, known=world(people=people))
    bench.pass_time(2.5)
    assert [event.detail for event in bench.events] == ["not registered", "nobody_named"]
    assert not list((share / "face").iterdir())


@pytest.mark.parametrize("text", ["", "x", "late:0", "late:x", "late:-1", ":1"])
def test_faults_that_there_are_not(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Fault.parse(text)
    assert Fault.parse("late:2") == Fault(FaultKind.LATE, 2)


def start(share: Path, *words: str) -> subprocess.Popen[bytes]:
    people = share / "world.json"
    people.write_bytes(world().to_bytes())
    command = [sys.executable, "-m", "kiosk", "simulate", "terminal", "--root", str(share), "--world", str(people)]
    return subprocess.Popen([*command, *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_kiosk_and_receipt_computer(share: Path, tmp_path: Path, number: signal.Signals) -> None:
    words = ["--gateway", "--tls", str(tmp_path / "tls"), "--json", str(tmp_path / "verdict.json")]
    with start(share, *words, "--encoding", "shift_jis", "--arrivals", "0.2", "--fault", "no-answer:1") as process:
        assert process.stdout is not None
        url = process.stdout.readline().decode().split()[-1]
        tls = TlsFolder(tmp_path / "tls")
        gateway = HttpsGateway(GatewaySettings(url, TERMINAL, tls.certificate(), tls.key(), tls.ca))
        gateway.check()
        validity, secret = gateway.look_up("r-1", query("1002"), None)
        assert (validity, secret is None) == (Validity.INVALID, False)
        gateway.close()
        lookup = FolderLookup(FolderSettings(share, INSTITUTION, Encoding.SHIFT_JIS, 2, 0.05))
        with pytest.raises(Exception, match="<no answer>"):
            lookup.look_up("r-2", query(), None)
        patient = FolderSettings(share, INSTITUTION, Encoding.SHIFT_JIS, 20, 0.05)
        assert FolderLookup(patient).look_up("r-3", query(), None)[0] is Validity.VALID
        while not list((share / "face").glob("*.xml")):
            time.sleep(0.05)
        process.send_signal(number)
        out, _ = process.communicate(timeout=20)
        assert process.returncode == 0
    lines = out.decode().splitlines()
    assert lines[-1].startswith("OK: simulated terminal: ")
    assert all(re.match(r"\d\d:\d\d:\d\d #\d+ [a-z -]+: ", line) for line in lines[1:-1])
    assert "試験" not in out.decode()
    verdict = json.loads((tmp_path / "verdict.json").read_text())
    assert verdict["events"]["answered"] == 1
    assert verdict["events"]["not answered"] == 1
    face = sorted((share / "face").glob("*.xml"))[0]
    read_face_file(face, *lately())


def test_the_command_ends_by_itself(share: Path) -> None:
    with start(share, "--root", str(share / "new"), "--for", "0.5") as process:
        out, _ = process.communicate(timeout=20)
        assert process.returncode == 0
    assert out.decode().splitlines()[-1] == "OK: simulated terminal: nobody asked and nobody came"
    assert sorted(path.name for path in (share / "new").iterdir()) == ["face", "req", "res"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--fault", "nonsense"], 2),
        (["--delay", "-1"], 2),
        (["--institution", "1310000001"], 1),
        (["--root", "/proc/none"], 1),
        (["--world", "/dev/null"], 1),
    ],
)
def test_a_command_that_makes_no_sense(share: Path, words: list[str], code: int) -> None:
    with start(share, *words, "--for", "0.1") as process:
        process.communicate(timeout=20)
        assert process.returncode == code
