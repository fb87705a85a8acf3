"""Who may read what: the access table of the public sources, every file under every PIN."""

from __future__ import annotations

import pytest

from devices.simulated.personas import Persona, load_personas
from devices.simulated.world import World, personas_folder
from tests.contract.card.talk import COMMON, JPKI, JUKI, MY_NUMBER, TEXT, VISUAL, Talk

(EMPLOYEE,) = (persona for persona in load_personas(personas_folder()) if persona.id == "employee")
FREE = "free"


def secrets_of(persona: Persona) -> dict[str, dict[str, str]]:
    number_b = persona.number_b
    return {
        JPKI: {"0018": persona.pin, "001B": persona.sign_pin},
        VISUAL: {"0011": persona.birth_pin, "0012": number_b, "0013": MY_NUMBER},
        TEXT: {"0011": persona.pin, "0014": MY_NUMBER, "0015": number_b},
        COMMON: {"001C": persona.pin},
        JUKI: {"001C": persona.pin},
    }


SECRETS = secrets_of(EMPLOYEE)
READERS = {
    (JPKI, "0001"): "001B",
    (JPKI, "0002"): FREE,
    (JPKI, "0006"): FREE,
    (JPKI, "0008"): FREE,
    (JPKI, "000A"): FREE,
    (JPKI, "000B"): FREE,
    (VISUAL, "0001"): "0011",
    (VISUAL, "0002"): "0012 0013",
    (VISUAL, "0003"): FREE,
    (VISUAL, "0004"): FREE,
    (VISUAL, "0005"): "0013",
    (VISUAL, "0006"): "0012 0013",
    (TEXT, "0001"): "0011 0014",
    (TEXT, "0002"): "0011 0015",
    (TEXT, "0003"): "0011 0014 0015",
    (TEXT, "0004"): FREE,
    (TEXT, "0005"): FREE,
    (TEXT, "0006"): "0011 0014 0015",
    (TEXT, "0007"): "0011 0014 0015",
    (TEXT, "0008"): FREE,
}
CASES = [(aid, fid, pin) for aid, fid in READERS for pin in (None, *SECRETS[aid])]


@pytest.mark.parametrize(("aid", "fid", "pin"), CASES)
def test_only_the_named_pins_open_a_file(talk: Talk, aid: str, fid: str, pin: str | None) -> None:
    assert talk.select(aid) == 0x9000
    if pin is not None:
        assert talk.verify(pin, SECRETS[aid][pin]) == 0x9000
    assert talk.file(fid) == 0x9000
    data, status = talk.send("00B0000001")
    readers = READERS[aid, fid]
    if readers == FREE or (pin is not None and pin in readers.split()):
        assert (len(data), status) == (1, 0x9000)
    else:
        assert (data, status) == (b"", 0x6982)


@pytest.mark.parametrize(("aid", "fid"), [(aid, fid) for aid, pins in SECRETS.items() for fid in pins])
def test_pins_and_keys_are_never_read(talk: Talk, aid: str, fid: str) -> None:
    talk.select(aid)
    talk.verify(fid, SECRETS[aid][fid])
    assert talk.status("00B0000000") == 0x6981


def test_the_common_record_is_free(talk: Talk) -> None:
    talk.select(COMMON)
    talk.file("0001")
    data, status = talk.send("00B2010400")
    assert status == 0x9000
    assert data[:2] == b"\x01\x1c"
    assert data.endswith(f"{EMPLOYEE.card_expiry:%Y%m%d}".encode())
    assert talk.status("00B2020400") == 0x6A83
    talk.select(COMMON)
    assert talk.send("00B2010C00") == (data, 0x9000)  # by short identifier
    assert talk.status("00B2010500") == 0x6A81
    assert talk.status("00B2010600") == 0x6A86
    assert talk.status("00B0000000") == 0x6981


@pytest.mark.parametrize(("key", "pin", "other"), [("0017", "0018", "001B"), ("001A", "001B", "0018")])
def test_a_key_needs_its_own_pin(talk: Talk, key: str, pin: str, other: str) -> None:
    command = "802A00800411223344" + "00"
    talk.select(JPKI)
    talk.file(key)
    assert talk.status(command) == 0x6982
    talk.verify(other, SECRETS[JPKI][other])
    talk.file(key)
    assert talk.status(command) == 0x6982
    talk.verify(pin, SECRETS[JPKI][pin])
    talk.file(key)
    data, status = talk.send(command)
    assert (len(data), status) == (256, 0x9000)


@pytest.mark.parametrize("reselect", ["clear", "keep"])
def test_selecting_the_same_application_again(world: World, reselect: str) -> None:
    talk = Talk(world.card("employee", reselect=reselect))
    talk.select(JPKI)
    talk.verify("0018", EMPLOYEE.pin)
    talk.select(JPKI)
    talk.file("0017")
    _, status = talk.send("802A00800411223344" + "00")
    assert status == (0x9000 if reselect == "keep" else 0x6982)


@pytest.mark.parametrize("away", ["A0000001510000", VISUAL])
def test_another_application_forgets_the_pin(world: World, away: str) -> None:
    talk = Talk(world.card("employee", reselect="keep"))
    talk.select(JPKI)
    talk.verify("0018", EMPLOYEE.pin)
    talk.select(away)
    talk.select(JPKI)
    talk.file("0017")
    assert talk.status("802A00800411223344" + "00") == 0x6982


def test_an_unknown_application_changes_nothing(talk: Talk) -> None:
    talk.select(JPKI)
    talk.verify("0018", EMPLOYEE.pin)
    assert talk.select("A000000003000000") == 0x6A82
    assert talk.file("0017") == 0x9000
    _, status = talk.send("802A00800411223344" + "00")
    assert status == 0x9000


def test_a_warm_reset_keeps_the_security_status(talk: Talk) -> None:
    talk.select(JPKI)
    talk.verify("0018", EMPLOYEE.pin)
    talk.file("0017")
    talk.card.reset()
    _, status = talk.send("802A00800411223344" + "00")
    assert status == 0x9000


def test_loss_of_power_forgets_everything_but_the_counters(talk: Talk) -> None:
    talk.select(JPKI)
    assert talk.verify("0018", "9999") == 0x63C2
    talk.verify("001B", EMPLOYEE.sign_pin)
    talk.card.power_off()
    talk.card.power_on()
    assert talk.status("00A4020C020001") == 0x6A82
    talk.select(JPKI)
    talk.file("0001")
    assert talk.status("00B0000000") == 0x6982
    assert talk.tries("0018") == 0x63C2
