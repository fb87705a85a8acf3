"""Any sequence of selections, PINs, resets and reads against a model in a few lines: who is verified, what is left."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from devices.simulated.personas import load_personas
from devices.simulated.world import World, personas_folder
from tests.contract.card.talk import COMMON, ISD, JPKI, PHOTO, TEXT, VISUAL, Talk
from tests.contract.card.test_access import FREE, READERS, SECRETS

NAMES = {JPKI: "jpki", VISUAL: "visual", TEXT: "text", COMMON: "common"}
LIMITS = {(JPKI, "0018"): 3, (JPKI, "001B"): 5, (TEXT, "0011"): 3, (COMMON, "001C"): 3}
PINS = [(aid, fid) for aid in NAMES for fid in SECRETS[aid]]


@cache
def employee() -> World:
    return World.build([each for each in load_personas(personas_folder()) if each.id == "employee"], lambda _: PHOTO)


class CardModel(RuleBasedStateMachine):
    @initialize(options=st.fixed_dictionaries({
        "reselect": st.sampled_from(["clear", "keep"]),
        "warm_reset": st.sampled_from(["clear", "keep"]),
        "query": st.sampled_from(["tries", "verified", "silent"]),
        "blocked": st.sampled_from(["6983", "6984"]),
    }))  # fmt: skip
    def begin(self, options: dict[str, Any]) -> None:
        self.options = options
        self.talk = Talk(employee().card("employee", **options))
        self.left = {pin: LIMITS.get(pin, 10) for pin in PINS}
        self.sent = dict.fromkeys(PINS, 0)
        self.forget()

    def forget(self) -> None:
        self.aid: str | None = None
        self.verified: set[str] = set()

    @rule(aid=st.sampled_from([*NAMES, ISD]))
    def select(self, aid: str) -> None:
        assert self.talk.select(aid) == 0x9000
        if aid != self.aid or self.options["reselect"] == "clear":
            self.verified.clear()
        self.aid = aid

    @precondition(lambda self: self.verified)
    @rule()
    def select_again(self) -> None:
        assert self.aid is not None
        self.select(self.aid)

    @rule(apdu=st.sampled_from(["00A4040C05A000000003", "00A4040C0BD392F00026010000000100", "00A40000023F00"]))
    def select_what_is_not_there(self, apdu: str) -> None:
        assert self.talk.status(apdu) == 0x6A82

    @precondition(lambda self: self.aid in NAMES)
    @rule(number=st.integers(0, 9), right=st.booleans(), short=st.booleans())
    def verify(self, number: int, right: bool, short: bool) -> None:
        pins = [pin for pin in PINS if pin[0] == self.aid]
        pin = pins[number % len(pins)]
        aid, fid = pin
        secret = SECRETS[aid][fid] if right else "9" * len(SECRETS[aid][fid])
        if short:
            data = secret.encode().hex()
            status = self.talk.status(f"002000{0x80 | int(fid, 16):02X}{len(secret):02X}{data}")
        else:
            status = self.talk.verify(fid, secret)
        self.sent[pin] += 1
        if self.left[pin] == 0:
            assert status == int(self.options["blocked"], 16)
        elif right:
            assert status == 0x9000
            self.left[pin] = LIMITS.get(pin, 10)
            self.verified.add(fid)
        else:
            self.left[pin] -= 1
            assert status == 0x63C0 | self.left[pin]
            self.verified.discard(fid)

    @precondition(lambda self: self.aid in NAMES)
    @rule(number=st.integers(0, 9), malformed=st.sampled_from(["", "00", "0431323334" + "00", "0831"]))
    def ask_or_stammer(self, number: int, malformed: str) -> None:
        """The question for the tries, and commands whose lengths are wrong: neither costs a try."""
        pins = [pin for pin in PINS if pin[0] == self.aid]
        pin = pins[number % len(pins)]
        assert self.talk.file(pin[1]) == 0x9000
        status = self.talk.status("00200080" + malformed)
        if malformed:
            assert status == 0x6700
        elif self.options["query"] == "silent":
            assert status == 0x6300
        elif self.options["query"] == "verified" and pin[1] in self.verified:
            assert status == 0x9000
        else:
            assert status == 0x63C0 | self.left[pin]

    @rule(key=st.sampled_from([("97", "0018"), ("9A", "001B")]))
    def sign(self, key: tuple[str, str]) -> None:
        _, status = self.talk.send(f"802A00{key[0]}0411223344" + "00")
        match self.aid:
            case None:
                assert status == 0x6A82
            case _ if self.aid == JPKI:
                assert status == (0x9000 if key[1] in self.verified else 0x6982)
            case _:
                assert status in (0x6A82, 0x6981)

    @precondition(lambda self: self.verified)
    @rule(warm=st.booleans())
    def reset(self, warm: bool) -> None:
        if warm:
            self.talk.card.reset()
        else:
            self.talk.card.power_off()
            self.talk.card.power_on()
        if not warm or self.options["warm_reset"] == "clear":
            self.forget()

    @invariant()
    def what_is_verified_opens_what_it_should(self) -> None:
        for aid, fid in READERS:
            if aid == self.aid:
                _, status = self.talk.send(f"00B0{0x80 | int(fid, 16):02X}0001")
                readers = READERS[aid, fid]
                allowed = readers == FREE or bool(self.verified & set(readers.split()))
                assert status == (0x9000 if allowed else 0x6982)

    @invariant()
    def every_try_is_accounted_for(self) -> None:
        counters, sent = self.talk.card.counters, self.talk.card.verify_count
        for (aid, fid), left in self.left.items():
            name = f"{NAMES[aid]}/{fid}"
            assert (counters[name], sent[name]) == (left, self.sent[aid, fid])
        assert sum(sent.values()) == sum(self.sent.values())


TestCardModel = CardModel.TestCase
TestCardModel.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
