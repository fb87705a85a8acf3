"""Marked personal data goes through a whole reception and is then found in the hand-off files only.

The hunt first has to find one planted leak of every kind.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from devices.simulated.faces import card_photo
from devices.simulated.personas import Persona, SubsidyPaper, load_personas
from devices.simulated.world import personas_folder
from kiosk.cli.scenery import build
from tests.conftest import demand_lane
from tests.helpers.marks import Hit, Mark, bytes_mark, hunt, search, text_mark
from tests.helpers.trace import OPTIONS, opened_for_writing, writes

ROOT = Path(__file__).resolve().parents[2]
STRACE = ["strace", *OPTIONS]
# In the hand-off file the receipt computer needs these; PIN, 照合番号 and photo have no business even there.
HANDED_ON = {"name", "kana", "address", "insurer number", "insured number", "symbol"}
BESIDE = {"subsidy"}  # in the side file


def marked() -> Persona:
    employee = next(persona for persona in load_personas(personas_folder()) if persona.id == "employee")
    assert employee.record is not None
    cover = replace(employee.record.cover, insurer_number="99077315", number="7731902", symbol="標識記号")
    paper = SubsidyPaper("99013010", "7731905", "標識丸医療費助成（模擬）", date(2026, 4, 1), None)
    record = replace(employee.record, cover=cover, subsidy="available", subsidies=(paper,))
    return replace(
        employee,
        name="試験　標識丸香",
        kana="ｼｹﾝ ﾋｮｳｼｷﾏﾙｶ",
        address="見本県標識市丸香町9-8-7",
        birth=date(1983, 3, 17),
        security_code="7731",
        pin="0831",
        record=record,
    )


def marks_of(person: Persona) -> list[Mark]:
    assert person.record is not None
    return [
        text_mark("name", person.name.removeprefix("試験　")),
        text_mark("kana", person.kana.removeprefix("ｼｹﾝ ")),
        text_mark("address", person.address),
        text_mark("insurer number", person.record.cover.insurer_number),
        text_mark("insured number", person.record.cover.number),
        text_mark("symbol", person.record.cover.symbol),
        text_mark("subsidy", person.record.subsidies[0].recipient),
        text_mark("PIN", person.pin),
        text_mark("number B", person.number_b),
        bytes_mark("photo", card_photo(person.photo_face)),
    ]


@pytest.fixture(scope="module")
def person() -> Persona:
    return marked()


@pytest.fixture(scope="module")
def marks(person: Persona) -> list[Mark]:
    return marks_of(person)


@pytest.fixture(scope="module")
def tools() -> None:
    demand_lane([] if shutil.which("strace") else ["strace"])


def shared_places() -> list[Path]:
    """Where something could be left outside the folders that the run was given."""
    return [Path("/dev/shm"), Path("/run"), Path("/var/tmp")]


def core_files() -> list[Path]:
    return [*ROOT.glob("core*"), *Path("/var/lib/systemd/coredump").glob("*"), *Path("/var/crash").glob("*")]


@pytest.mark.pcsc
@pytest.mark.parametrize("way", ["face", pytest.param("pin", marks=pytest.mark.long)])
def test_marks_stand_in_the_hand_off_file_only(
    tmp_path: Path, person: Persona, marks: list[Mark], tools: None, way: str
) -> None:
    since = time.time() - 1
    trace, out = tmp_path / "trace", tmp_path / "out"
    for name in ("tmp", "home"):
        (tmp_path / name).mkdir()
    # Socket paths must stay short, so the run folders lie in a short one of their own.
    short = Path(tempfile.mkdtemp(prefix="u-", dir="/tmp"))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("XDG_")},
        "TMPDIR": str(short),
        "HOME": str(tmp_path / "home"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-m", "kiosk", "demo", "--world", "-", "--out", str(out), "--way", way]
    command += ["--offscreen", "--reader", "vpcd", "--pace", "0.1", "--set", "consent.subsidy=true"]
    try:
        ran = subprocess.run(
            [*STRACE, "-o", str(trace), "--", *command],
            cwd=ROOT,
            env=environment,
            input=build((person,), lambda text: None).to_bytes(),
            capture_output=True,
            timeout=200,
        )
        said = ran.stdout + ran.stderr
        # The demonstration knows another employee and says what is different here: that is not the kiosk's.
        said = b"\n".join(line for line in said.splitlines() if not line.startswith(b"DIFFERENT: "))
        assert b"1 file(s), last page take_card" in said, said.decode(errors="replace")[-3000:]
        if way == "face":
            assert b"page: card_number" not in said, "the number came from the scanner, so that it was hunted there too"
        files = list((out / "handoff" / "face").glob("*.xml"))
        sides = list((out / "handoff" / "extension").glob("*.xml"))
        assert (len(files), len(sides)) == (1, 1)

        hits = hunt([out, short, tmp_path / "home", *shared_places(), *core_files()], marks, since)
        hits += search(said, marks, "standard output")
        for written in writes(trace):
            hits += search(written.data, marks, written.path)
        for path in opened_for_writing(trace):
            hits += hunt([ROOT / path], marks, since)
    finally:
        shutil.rmtree(short, ignore_errors=True)
    face, beside = (
        {hit.kind for hit in hits if hit.where.startswith(str(folder))} for folder in (files[0].parent, sides[0].parent)
    )
    places = (str(files[0].parent), str(sides[0].parent))
    assert [hit for hit in hits if not hit.where.startswith(places)] == []
    assert (face, beside) == (HANDED_ON, BESIDE)


PLACES = {
    "state": ("UTF-8", "name"),
    "log": ("UTF-16LE", "address"),
    "temporary": ("Shift_JIS", "kana"),
    "shared memory": ("base64", "address"),
    "core": ("photo", "photo"),
    "run": ("UTF-8", "PIN"),
    "standard output": ("UTF-8", "number B"),
    "deleted": ("UTF-8", "number B"),
}


def planted(form: str, kind: str, person: Persona) -> bytes:
    """What a leak of that kind would look like, with something around it."""
    text = {
        "name": person.name,
        "address": person.address,
        "kana": person.kana,
        "PIN": f"pin={person.pin};",
        "number B": person.number_b,
    }.get(kind, "")
    match form:
        case "photo":
            return b"\0" * 100 + card_photo(person.photo_face) + b"\0" * 100
        case "base64":
            return b'{"body": "' + base64.b64encode(b"x" + text.encode()) + b'"}'
        case "UTF-16LE":
            return b"\xff\xfe" + text.encode("utf-16-le")
        case "Shift_JIS":
            return text.encode("cp932")
        case _:
            return b"before " + text.encode() + b" after"


@pytest.mark.parametrize("place", PLACES)
def test_every_kind_of_leak_is_found(
    tmp_path: Path, person: Persona, marks: list[Mark], tools: None, place: str
) -> None:
    form, kind = PLACES[place]
    leak = planted(form, kind, person)
    hits: list[Hit]
    match place:
        case "standard output":
            hits = list(search(leak, marks, "standard output"))
        case "deleted":
            script = (
                f"import os, sys; p = {str(tmp_path / 'gone')!r}; f = open(p, 'wb'); "
                "f.write(sys.stdin.buffer.read()); f.close(); os.unlink(p)"
            )
            trace = tmp_path / "trace"
            subprocess.run([*STRACE, "-o", str(trace), "--", sys.executable, "-c", script], input=leak, check=True)
            hits = [hit for written in writes(trace) for hit in search(written.data, marks, written.path)]
            assert str(tmp_path / "gone") in opened_for_writing(trace)
        case "shared memory":
            path = Path("/dev/shm") / f"uketsuke-planted-{os.getpid()}"
            try:
                path.write_bytes(leak)
                hits = hunt(shared_places(), marks, time.time() - 60)
            finally:
                path.unlink()
        case "core":
            path = ROOT / f"core.planted-{os.getpid()}"
            try:
                path.write_bytes(leak)
                hits = hunt(core_files(), marks)
            finally:
                path.unlink()
        case _:
            (tmp_path / place).mkdir()
            (tmp_path / place / "left-behind").write_bytes(leak)
            hits = hunt([tmp_path], marks)
    assert kind in {hit.kind for hit in hits}


def test_nothing_is_found_where_nothing_is(tmp_path: Path, marks: list[Mark]) -> None:
    (tmp_path / "innocent").write_bytes(os.urandom(200_000) + b"port 10831, hash ab0831cd, 2026-08-31 08:31")
    assert hunt([tmp_path], marks) == []
