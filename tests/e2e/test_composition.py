"""What `kiosk.app` fits together for every case: look-up, queue, side file, notices, wording of consents."""

from __future__ import annotations

import json
import os
import re
import secrets
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from kiosk.app import open_catalogue, open_queue
from kiosk.audit.chain import read as read_audit
from kiosk.config import ConfigError, load
from kiosk.eligibility.server import Fault, FaultKind
from kiosk.handoff.desk import Unclaimed
from kiosk.handoff.sidefile import name_beside
from kiosk.qualification import JST
from kiosk.reception import events as e
from kiosk.reception import states as s
from kiosk.reception.consent import Item
from kiosk.reception.insured import Query
from kiosk.ui.ports import Secret
from tests.e2e.conftest import Enter, House
from tests.helpers.face_file import lately, read_face_file
from tests.helpers.full import read_side_file

ROOT = Path(__file__).resolve().parents[2]
STAFF = b"246810"


def finish_later(house: House) -> None:
    done: list[bool] = []
    house.app.executor.tidy_now(lambda: done.append(True))
    house.until(lambda: bool(done))


def said(house: House) -> list[str]:
    """Words of the audit so far."""
    return [json.loads(body)["what"] for _, body, _ in read_audit(house.settings.audit_file)]


def look_up(house: House) -> None:
    """Staff at the kiosk, up to the question; as the pages hand over what was typed."""
    app = house.app
    insurance = next(each for each in house.stage.scenery.gateway.people if each.kana == "ｼｹﾝ ﾊﾅｺ")
    record = insurance.insurance
    query = Query(record.insurer_number, record.symbol, record.number, record.branch, insurance.birth)

    def typed(content: bytes) -> Secret:
        secret = app.door.new(len(content))
        for byte in content:
            secret.append(byte)
        return secret

    app.bridge.post(e.NoCardChosen(s.ReceptionId(secrets.token_hex(16))))
    house.until_state(s.NoCard)
    app.bridge.post(e.LookupWanted(s.ReceptionId(secrets.token_hex(16))))
    house.until_state(s.LookupDoor)
    app.door.lookup_pin(typed(STAFF))
    house.until_state(s.LookupPaper)
    app.bridge.post(e.PaperChosen(s.Paper.CERTIFICATE))
    house.until_state(s.LookupTyping)
    app.door.query_entered(typed(query.to_json()))
    house.until_state(s.LookupAsking)
    app.bridge.post(e.ItemAnswered(Item.LIMIT, True))


def test_by_number(enter: Enter) -> None:
    house = enter()
    look_up(house)
    house.until_state(s.Farewell)
    house.until_state(s.Idle)
    (file,) = house.files
    read_face_file(file, *lately())
    assert len(house.app.vault) == 0
    assert {"lookup_opened", "looked_up", "handed_off"} <= set(said(house))


def test_a_line_that_comes_back(enter: Enter, tmp_path: Path) -> None:
    key = tmp_path / "queue.key"
    key.touch(0o600)
    key.write_bytes(os.urandom(32))
    house = enter("downtime.queue=true", f"downtime.key_file={key}")
    called: list[str] = []
    house.app.desk.listeners.append(called.append)
    house.gateway.fault = Fault(FaultKind.ERROR, path="/v1/lookups")
    look_up(house)
    house.until_state(s.LookupProblem)
    house.app.bridge.post(e.PostponeWanted())
    house.until_state(s.Farewell)
    assert house.files == []
    assert called[-1] == "postponed"
    house.gateway.fault = None
    house.until_state(s.Idle)
    finish_later(house)
    assert called[-1] == "postponed_done"
    assert len(house.files) == 1
    assert "postponed_ended" in said(house)


def test_the_side_file_lies_beside_and_the_record_names_the_wording(enter: Enter) -> None:
    house = enter("consent.subsidy=true")
    house.visit("pin")
    (file,) = house.files
    (side,) = house.settings.side_folder.glob("*.xml")
    assert side.parent == file.parent.with_name("extension")
    assert read_side_file(side).face_file == file.name
    (record,) = house.gateway.call(house.gateway.desk.records)
    assert re.fullmatch(r"2026-04-[0-9a-f]{12}", record.text_version)


def test_the_fhir_file_lies_in_its_own_folder(enter: Enter, tmp_path: Path) -> None:
    folder = tmp_path / "fhir"
    house = enter(f"handoff.fhir_folder={folder}")
    house.visit("pin")
    (file,), (bundle,) = house.files, folder.iterdir()
    assert bundle.name == name_beside(file.name, ".json")
    assert json.loads(bundle.read_bytes())["resourceType"] == "Bundle"


def test_a_file_that_nobody_takes_is_told_once(enter: Enter) -> None:
    house = enter()
    called: list[str] = []
    house.app.desk.listeners.append(called.append)
    now = datetime.now(JST) - timedelta(minutes=11)
    lying = [Unclaimed(f"r{number}", f"{number}.xml", number, now) for number in (1, 2)]
    for files in (lying[:1], lying[:1], lying, lying, []):
        house.app.desk.unclaimed(files)
    assert called == ["unclaimed", "unclaimed"]


def test_what_cannot_be_kept_is_not_promised(tmp_path: Path) -> None:
    lost = load(ROOT / "config.toml", ["downtime.queue=true", f"downtime.key_file={tmp_path / 'none'}"])
    with pytest.raises(ConfigError) as caught:
        open_queue(lost)
    assert [problem.key for problem in caught.value.problems] == ["downtime.key_file"]
    with pytest.raises(ConfigError) as caught:
        open_catalogue(load(ROOT / "config.toml", [f"leaflet.texts_dir={tmp_path}"]))
    assert [problem.key for problem in caught.value.problems] == ["leaflet.texts_dir"]


def test_pages_of_ones_own_have_texts(tmp_path: Path) -> None:
    for language in ("ja", "en"):
        (tmp_path / f"{language}.toml").write_text('[leaflet.parking]\ntitle = "P"\nbody = "Behind the house."\n')
    texts = f"leaflet.texts_dir={tmp_path}"
    catalogue = open_catalogue(load(ROOT / "config.toml", [texts, 'leaflet.pages=["card", "parking"]']))
    assert catalogue.word("leaflet.parking.title", "ja") == "P"
    with pytest.raises(ConfigError) as caught:
        open_catalogue(load(ROOT / "config.toml", [texts, 'leaflet.pages=["card", "garden"]']))
    assert [problem.key for problem in caught.value.problems] == ["leaflet.pages"]
