"""The lane itself: cards come, go and change, pcscd dies and returns, and nothing of it stays or is seen outside."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from devices.simulated.card import Fault, FaultPlan, FaultRule
from devices.simulated.card.faults import nonsense
from devices.simulated.card.options import Interface
from devices.simulated.card.pace import Pace
from devices.simulated.pcscd import LaneError, PcscdLane
from devices.simulated.vpcd import PORT
from devices.simulated.world import World
from tests.helpers.processes import children
from tests.pcsc.tools import pcsc

pytestmark = pytest.mark.pcsc

SELECT = "00A4040C0AD392F000260100000001"
PIN = "00A4020C020018"
PRESENT, EMPTY, MUTE = 0x20, 0x10, 0x200
OK = [0, "9000"]


def gone(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def wait_for(pids: list[int]) -> bool:
    for _ in range(500):
        if all(gone(pid) for pid in pids):
            return True
        time.sleep(0.02)
    return False


def test_cards_come_and_go(lane: PcscdLane, world: World) -> None:
    assert pcsc(lane, 0)["state"] & EMPTY
    lane.insert(world.cards["employee"], fresh=True)
    found = pcsc(lane, 0, SELECT, PIN, "00200080")
    assert found["state"] & PRESENT
    assert found["answers"] == [OK, OK, [0, "63C3"]]
    lane.remove()
    assert pcsc(lane, 0)["connect"] != 0


def test_counters_stay_with_the_card(lane: PcscdLane, world: World) -> None:
    lane.insert(world.cards["employee"], fresh=True)
    wrong = "0020008004" + b"9999".hex()
    assert pcsc(lane, 0, SELECT, PIN, wrong)["answers"][-1] == [0, "63C2"]
    lane.remove()
    lane.insert(world.cards["employee"])
    assert pcsc(lane, 0, SELECT, PIN, wrong)["answers"][-1] == [0, "63C1"]
    lane.swap(world.cards["elder"])
    assert pcsc(lane, 0, SELECT, PIN, "00200080")["answers"][-1] == [0, "63C3"]
    assert lane.counters("employee")["jpki/0018"] == 1
    lane.remove()
    lane.insert(world.cards["employee"], fresh=True)
    assert lane.counters("employee")["jpki/0018"] == 3


def test_two_slots(lane: PcscdLane, world: World) -> None:
    lane.insert(world.cards["driving_licence"], slot=1)
    assert pcsc(lane, 0)["state"] & EMPTY
    assert pcsc(lane, 1, SELECT)["answers"] == [[0, "6A82"]]
    with pytest.raises(LaneError, match="there is a card"):
        lane.insert(world.cards["employee"], slot=1)
    with pytest.raises(LaneError, match="slots are"):
        lane.insert(world.cards["employee"], slot=2)


def test_a_mute_card_is_present_and_mute(lane: PcscdLane, world: World) -> None:
    lane.insert(world.cards["mute"])
    found = pcsc(lane, 0)
    assert found["state"] & (PRESENT | MUTE) == PRESENT | MUTE
    assert found["connect"] in (0x80100066, 0x80100067)  # unresponsive or unpowered


def test_the_service_dies_and_returns_while_a_card_lies_there(lane: PcscdLane, world: World) -> None:
    lane.insert(world.cards["employee"], fresh=True)
    lane.stop_service()
    assert not Path(lane.socket_path).exists()
    lane.start_service()
    with pytest.raises(LaneError, match="pcscd is running"):
        lane.start_service()
    assert pcsc(lane, 0, SELECT)["answers"] == [OK]
    lane.restart_pcscd()
    assert pcsc(lane, 0, SELECT)["answers"] == [OK]


def test_faults_reach_the_card(lane: PcscdLane, world: World) -> None:
    faults = FaultPlan([FaultRule(Fault(answer=b"\x6f\x00"), at=0), FaultRule(Fault(pull=True), at=2)])
    lane.insert(world.cards["employee"], faults=faults, fresh=True)
    answers = pcsc(lane, 0, SELECT, SELECT, PIN)["answers"]
    assert answers[:2] == [[0, "6F00"], OK]
    assert answers[2] != OK
    lane.remove()
    lane.insert(world.cards["employee"])
    lane.set_faults(FaultPlan([FaultRule(Fault(answer=b"\x6d\x00"))]))
    assert pcsc(lane, 0, SELECT, SELECT)["answers"] == [[0, "6D00"], OK]


def test_traffic_is_counted_and_paced(lane: PcscdLane, world: World) -> None:
    lane.insert(world.cards["employee"], fresh=True, pace=Pace.NFC106)
    begin = time.monotonic()
    pcsc(lane, 0, SELECT, "00B08A0000")
    passed = time.monotonic() - begin
    traffic = lane.traffic("employee")
    assert (traffic["apdus"], traffic["command_bytes"], traffic["response_bytes"]) == (2, 20, 260)
    assert passed > traffic["link_seconds"] > 0.025
    lane.remove()
    lane.insert(world.cards["employee"])
    assert lane.traffic("employee")["apdus"] == 0


@pytest.mark.parametrize(
    ("script", "answers"),
    [
        ("at 1: answer 90", [OK, [0, "90"], OK]),
        ("at 1: garbage 40", [OK, [0, nonsense(40).hex().upper()], OK]),
        ("at 1: garbage 65533", [OK, [0, nonsense(65533).hex().upper()], OK]),
        ("at 1: sw 6F00", [OK, [0, "6F00"], OK]),
        ("at 1: reset", [OK, [0, "6986"], [0, "6A82"]]),
        ("at 1: answer", [OK, [0, ""], [0x80100016, ""]]),  # success without a byte, then not transacted
        ("at 1: pull", [OK, [0, ""], [0x80100016, ""]]),
    ],
)
def test_what_a_client_hears_of_each_fault(
    lane: PcscdLane, world: World, script: str, answers: list[list[object]]
) -> None:
    lane.insert(world.cards["employee"], fresh=True, faults=FaultPlan.parse(script))
    assert pcsc(lane, 0, SELECT, "00B0000010" if "reset" in script else "00B08A0000", PIN)["answers"] == answers


def test_the_effect_of_a_lost_answer_stays(lane: PcscdLane, world: World) -> None:
    lane.insert(world.cards["employee"], fresh=True, faults=FaultPlan.parse("ins 20: pull after"))
    answers = pcsc(lane, 0, SELECT, "0020009804" + b"9999".hex())["answers"]
    assert answers[0] == OK
    assert answers[1][1] == ""
    assert lane.verify_count("employee")["jpki/0018"] == 1
    lane.swap(world.cards["employee"], interface="contact_extended")
    assert pcsc(lane, 0, SELECT, PIN, "00200080")["answers"][-1] == [0, "63C2"]


@pytest.mark.parametrize("interface", list(Interface))
def test_extended_length_passes_where_it_is_announced(lane: PcscdLane, world: World, interface: Interface) -> None:
    lane.insert(world.cards["employee"], fresh=True, interface=interface)
    answers = pcsc(lane, 0, SELECT, "00B08A00000000")["answers"]
    content = world.cards["employee"].jpki[0x000A].hex().upper()
    announced = interface is Interface.CONTACT_EXTENDED
    assert answers == [OK, [0, content + "9000" if announced else "6700"]]


def test_counters_in_a_file_outlive_the_lane(lane_is_there: None, world: World, tmp_path: Path) -> None:
    kept = tmp_path / "counters.json"
    for left in ("63C2", "63C1"):
        with PcscdLane.start() as lane:
            lane.insert(world.cards["employee"], counter_file=kept)
            assert pcsc(lane, 0, SELECT, PIN, "0020008004" + b"9999".hex())["answers"][-1] == [0, left]


def test_a_counter_file_that_is_none(lane: PcscdLane, world: World, tmp_path: Path) -> None:
    kept = tmp_path / "counters.json"
    kept.write_text("[]")
    with pytest.raises(LaneError, match="not a file of try counters"):
        lane.insert(world.cards["employee"], counter_file=kept)
    lane.insert(world.cards["employee"], fresh=True)


def test_a_card_that_hangs_can_be_taken_away(lane: PcscdLane, world: World) -> None:
    lane.insert(world.cards["employee"], faults=FaultPlan([FaultRule(Fault(delay=3600))]), fresh=True)
    client = subprocess.Popen(
        ["opensc-tool", "-s", SELECT], env=lane.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            client.wait(timeout=1)
        lane.remove()
        assert client.wait(timeout=30) != 0
    finally:
        client.kill()
        client.wait()


def test_no_port_is_open_outside(lane: PcscdLane) -> None:
    for port in (PORT, PORT + 1):
        with socket.socket() as sock:
            assert sock.connect_ex(("127.0.0.1", port)) != 0


def test_nothing_stays(lane_is_there: None, world: World, tmp_path: Path) -> None:
    folder = tmp_path / "s"
    with PcscdLane.start(folder) as lane:
        host = lane.pid
        pids = [host, *children(host)]
        assert len(pids) == 2
        lane.insert(world.cards["employee"])
        assert lane.log.exists()
    assert wait_for(pids)
    assert list(folder.iterdir()) == []
    with pytest.raises(LaneError, match="has ended"):
        lane.remove()
    lane.stop()


def test_everything_ends_with_the_owner(lane_is_there: None, tmp_path: Path) -> None:
    script = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from devices.simulated.pcscd import PcscdLane\n"
        "lane = PcscdLane.start(Path(sys.argv[1]))\n"
        "print(lane.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    owner = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "s")], stdout=subprocess.PIPE, env=environment
    )
    assert owner.stdout is not None
    with owner.stdout:
        host = int(owner.stdout.readline())
    pids = [host, *children(host)]
    owner.kill()
    owner.wait()
    assert wait_for(pids)


def test_pcscd_ends_when_its_host_is_killed(lane_is_there: None, tmp_path: Path) -> None:
    lane = PcscdLane.start(tmp_path / "s")
    try:
        daemons = children(lane.pid)
        os.kill(lane.pid, 9)
        assert wait_for(daemons)
    finally:
        lane.stop()


def test_two_lanes_do_not_meet(lane: PcscdLane, world: World) -> None:
    lane.insert(world.cards["employee"], fresh=True)
    with PcscdLane.start() as other:
        assert pcsc(other, 0)["state"] & EMPTY
        other.insert(world.cards["driving_licence"])
        assert pcsc(other, 0, SELECT)["answers"] == [[0, "6A82"]]
        assert pcsc(lane, 0, SELECT)["answers"] == [OK]
        made = Path(other.socket_path).parent
    assert not made.exists()


def test_a_path_too_long_for_a_socket(lane_is_there: None, tmp_path: Path) -> None:
    with pytest.raises(LaneError, match="too long"):
        PcscdLane.start(tmp_path / ("x" * 100))
