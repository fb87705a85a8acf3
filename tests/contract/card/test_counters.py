"""Try counters: what costs a try, what gives them back, what a blocked PIN answers."""

from __future__ import annotations

import pytest

from devices.simulated.card import CardUnpowered
from devices.simulated.world import World
from tests.contract.card.talk import JPKI, TEXT, VISUAL, Talk


@pytest.mark.parametrize(("aid", "fid", "limit"), [(JPKI, "0018", 3), (JPKI, "001B", 5), (VISUAL, "0012", 10)])
def test_wrong_secrets_count_down_to_blocked(talk: Talk, aid: str, fid: str, limit: int) -> None:
    talk.select(aid)
    for left in range(limit - 1, -1, -1):
        assert talk.verify(fid, "99999") == 0x63C0 | left
        assert talk.tries(fid) == 0x63C0 | left
    assert talk.verify(fid, "99999") == 0x6984
    assert talk.tries(fid) == 0x63C0


def test_the_right_secret_does_not_open_a_blocked_pin(world: World) -> None:
    talk = Talk(world.card("employee", counters={"jpki/0018": 0}))
    talk.select(JPKI)
    assert talk.verify("0018", "1234") == 0x6984
    talk.file("0017")
    assert talk.status("802A00800411223344" + "00") == 0x6982


def test_the_right_secret_gives_the_tries_back(talk: Talk) -> None:
    talk.select(JPKI)
    talk.verify("0018", "0000")
    assert talk.verify("0018", "1234") == 0x9000
    assert talk.tries("0018") == 0x63C3  # OpenSC needs 63Cx here too, not 9000


def test_a_wrong_secret_ends_what_a_right_one_opened(talk: Talk) -> None:
    talk.select(JPKI)
    talk.verify("0018", "1234")
    talk.verify("0018", "0000")
    talk.file("0017")
    assert talk.status("802A00800411223344" + "00") == 0x6982


def test_only_commands_with_data_are_counted(talk: Talk) -> None:
    talk.select(JPKI)
    talk.tries("0018")
    talk.verify("0018", "0000")
    talk.verify("0018", "1234")
    talk.select(VISUAL)
    talk.tries("0012")
    counts = talk.card.verify_count
    assert counts["jpki/0018"] == 2
    assert sum(counts.values()) == 2


@pytest.mark.parametrize("apdu", ["0020008008313233", "0020008000", "00200080043132333400", "002000800000"])
def test_a_command_with_wrong_lengths_costs_no_try(talk: Talk, apdu: str) -> None:
    talk.select(JPKI)
    talk.file("0018")
    assert talk.status(apdu) == 0x6700
    assert talk.card.counters["jpki/0018"] == 3


def test_the_pinless_card_looks_like_a_blocked_one(world: World) -> None:
    pinless = Talk(world.card("pinless"))
    blocked = Talk(world.card("employee", counters={"jpki/0018": 0}))
    answers = []
    for talk in (pinless, blocked):
        talk.select(JPKI)
        answers.append((talk.tries("0018"), talk.verify("0018", "0000")))
    assert answers[0] == answers[1] == (0x63C0, 0x6984)
    assert pinless.file("0001") == 0x6A82


def test_the_always_blocked_key_of_the_text_application(talk: Talk) -> None:
    talk.select(TEXT)
    assert talk.tries("0012") == 0x63C0
    assert talk.verify("0012", "0000") == 0x6984


def test_changing_a_pin_needs_the_old_one(talk: Talk) -> None:
    talk.select(JPKI)
    talk.file("0018")
    assert talk.status("0024018004" + b"5678".hex()) == 0x6982
    talk.verify("0018", "1234")
    assert talk.status("0024018004" + b"5678".hex()) == 0x9000
    assert talk.verify("0018", "1234") == 0x63C2
    assert talk.verify("0018", "5678") == 0x9000


def test_a_card_without_power_does_not_answer(world: World) -> None:
    with pytest.raises(CardUnpowered):
        world.card("employee").process(bytes.fromhex("00200080"))
