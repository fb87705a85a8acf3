"""Whatever arrives, the card answers, and it gives nothing away before the right secret was shown."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.simulated.world import World
from tests.contract.card.talk import COMMON, ISD, JPKI, PHOTO, TEXT, VISUAL

AIDS = [bytes.fromhex(aid) for aid in (JPKI, VISUAL, TEXT, COMMON, ISD)]
FIDS = [bytes([0, low]) for low in range(0x20)]

select_application = st.builds(
    lambda aid, p2: bytes([0, 0xA4, 4, p2, len(aid)]) + aid, st.sampled_from(AIDS), st.sampled_from([0, 12])
)
select_file = st.builds(lambda fid: b"\x00\xa4\x02\x0c\x02" + fid, st.sampled_from(FIDS))
read = st.builds(lambda p1, p2, le: bytes([0, 0xB0, p1, p2, le]), *(st.integers(0, 255) for _ in range(3)))
read_from_start = st.just(bytes.fromhex("00B00000000000"))
verify = st.builds(
    lambda p2, data: bytes([0, 0x20, 0, p2]) + (bytes([len(data)]) + data if data else b""),
    st.sampled_from([0x80, 0x91, 0x92, 0x93, 0x98, 0x9B]),
    st.one_of(st.just(b""), st.binary(min_size=1, max_size=16), st.just(b"1234"), st.just(b"000000000000")),
)
compute = st.builds(
    lambda p1, p2, data: bytes([0x80, 0x2A, p1, p2, len(data)]) + data + b"\0",
    st.integers(0, 5),
    st.sampled_from([0x00, 0x80, 0x97, 0x9A]),
    st.binary(min_size=1, max_size=64),
)
open_file = st.builds(
    lambda aid, fid: [
        bytes([0, 0xA4, 4, 12, len(aid)]) + aid,
        b"\x00\xa4\x02\x0c\x02" + fid,
        bytes.fromhex("00B00000000000"),
    ],
    st.sampled_from(AIDS[:2]),
    st.sampled_from(FIDS[1:12]),
)
command = st.one_of(select_application, select_file, read, read_from_start, verify, compute, st.binary(max_size=300))
# Single commands, and often a whole way to the start of a file with something in between.
commands_of_a_session = st.lists(
    st.one_of(
        command.map(lambda one: [one]),
        open_file,
        st.builds(lambda way, odd: [*way[:2], odd, way[2]], open_file, command),
    ),
    max_size=12,
).map(lambda parts: [apdu for part in parts for apdu in part])
quiet = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quiet
@given(commands=commands_of_a_session, chained=st.booleans())
def test_every_command_gets_an_answer(world: World, commands: list[bytes], chained: bool) -> None:
    for name in ("employee", "driving_licence"):
        card = world.card(name, chained=chained, terminal_authentication=True, extended="always")
        card.power_on()
        for apdu in commands:
            answer = card.process(apdu)
            assert len(answer) >= 2
            assert answer[-2] in (0x61, 0x62, 0x63, 0x66, 0x67, 0x68, 0x69, 0x6A, 0x6B, 0x6C, 0x6D, 0x6E, 0x90)


@quiet
@given(commands=commands_of_a_session)
def test_nothing_guarded_comes_out_without_a_secret(world: World, commands: list[bytes]) -> None:
    person = world.cards["employee"]
    # In the commands above "1234" opens what hangs on the PIN of the holder; the card face does not.
    files = (person.visual[0x0001], person.visual[0x0002], person.visual[0x0005], person.jpki[0x0001])
    guarded = [PHOTO[32:96], *(file.rstrip(b"\xff")[-48:-16] for file in files)]
    card = world.card("employee")
    card.power_on()
    for apdu in commands:
        answer = card.process(apdu)
        assert not any(secret in answer for secret in guarded)
