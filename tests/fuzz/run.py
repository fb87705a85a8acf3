"""`tools/fuzz`: coverage-guided fuzzing of the card client (atheris drives libFuzzer) with `tests.fuzz.hostile`.

The parent starts one process for each share of the runs and reads their figures; a child never returns from libFuzzer.
"""

from __future__ import annotations

import argparse
import gc
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

from kiosk.cli.report import verdict

LENGTH = 128  # bytes of one input: some 50 tampered exchanges
SECONDS = 10  # for one card; honest ones take 4 ms here
MEMORY_MB = 1024
OUT = Path("build/fuzz")
# Of the client: what runs for every command and does not decide by what the card says.
NOT_GUIDED = ("__init__", "apdu", "driver", "guard", "messages", "process", "profile", "reader", "simulation", "trace")

# The first two bytes are manners and jobs (`hostile.execute`), then one byte for each exchange.
SEEDS = [
    b"\x00\x00", b"\x00\x01", b"\x00\x02", b"\x00\xc4", b"\x10\xc6", b"\x05\xc9", b"\xc1\xd8", b"\x20\x01", b"\x28\x01",
    b"\x00\x00" + b"\x70\x02\x80\x01", b"\x00\x01" + b"\x70\x06\x60\xff\x20\x82\x7f\xff",
    b"\x00\x02" + b"\x70\x04\xc0\x03\x05\x01", b"\x00\x01" + b"\x70\x08\xf0\x80",
]  # fmt: skip


def _off_by_one() -> None:
    """A parser that trusts the card about what follows."""
    from devices.card import tlv
    from devices.errors import CardProtocol

    def header(data: bytes) -> tuple[int, int, int]:
        tag, at = data[0], 1
        while (tag & 0x1F == 0x1F and at == 1) or (tag > 0xFF and tag & 0x80):
            tag, at = tag << 8 | data[at], at + 1
            if at > 3:
                raise CardProtocol("tag too long")
        length, at = data[at], at + 1
        if length & 0x80:
            count = length & 0x7F
            if not 1 <= count <= 2:
                raise CardProtocol("length form not accepted")
            length = int.from_bytes(data[at : at + count], "big")
            at += count
        if length > tlv.MAX_LENGTH:
            raise CardProtocol("element too long")
        return tag, at, length

    tlv.header = header


def _repeated_verify() -> None:
    """A client that tries the PIN again when the card's answer is strange."""
    from devices.card import jpki
    from devices.card.apdu import Command, Response

    send = jpki.CardChannel.send

    def again(self: jpki.CardChannel, command: Command) -> Response:
        answer = send(self, command)
        if command.ins == 0x20 and len(command.data) and not answer.ok and answer.tries_left is None:
            answer = send(self, command)
        return answer

    jpki.CardChannel.send = again


PLANTS: dict[str, Callable[[], None]] = {"tlv": _off_by_one, "verify": _repeated_verify}


@dataclass(frozen=True)
class Share:
    """Of one process. `runs`: executions, as libFuzzer counted them."""

    runs: int
    seconds: float
    covered: int
    slowest_seconds: int
    peak_mb: int
    found: str = ""
    input: str = ""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tools/fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1_000_000, help="executions in all (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="default: a random one, which is printed")
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--plant", choices=sorted(PLANTS), help="with a defect in the client: has to be found")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="one input that was found, once more")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)  # runs, seed, folder
    given = parser.parse_args()
    if given.runs < 1 or given.processes < 1:
        parser.error("--runs and --processes: 1 or more")
    return given


def child(runs: str, seed: str, folder: str, plant: str | None) -> None:
    """Does not return: libFuzzer ends the process."""
    import atheris

    # atheris takes whole packages; what would only take time is left out by name.
    others = [path for path in Path("devices").rglob("*.py") if path.parent.name != "card" or path.stem in NOT_GUIDED]
    excluded = [".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in others]
    with atheris.instrument_imports(include=["devices"], exclude=excluded):
        from tests.fuzz import hostile
    if plant:
        PLANTS[plant]()
    options = [
        f"-runs={runs}", f"-seed={seed}", f"-max_len={LENGTH}", f"-timeout={SECONDS}", f"-rss_limit_mb={MEMORY_MB}",
        f"-artifact_prefix={folder}/", "-print_final_stats=1", "-len_control=0",
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *options, f"{folder}/corpus"], hostile.execute)
    gc.freeze()  # what is loaded by now stays
    with hostile.prepared():
        atheris.Fuzz()


def start(runs: int, seed: int, folder: Path, plant: str | None) -> subprocess.Popen[bytes]:
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for old in [*corpus.iterdir(), *folder.glob("*-*")]:
        old.unlink()
    for index, data in enumerate(SEEDS):
        (corpus / f"seed{index}").write_bytes(data)
    command = [sys.executable, "-m", "tests.fuzz.run", "--child", str(runs), str(seed), str(folder)]
    if plant:
        command += ["--plant", plant]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def outcome(process: subprocess.Popen[bytes], folder: Path, seconds: float) -> Share:
    log = (folder / "log").read_text(encoding="utf-8", errors="replace")

    def figure(name: str) -> int:
        found = re.findall(rf"{name}:\s*(\d+)", log)
        return int(found[-1]) if found else 0

    found, data = "", ""
    if process.returncode != 0:
        inputs = [str(path) for path in folder.glob("*-*")]
        data = inputs[0] if inputs else ""
        after = log.partition("=== Uncaught Python exception: ===")[2].strip()
        found = after.splitlines()[0] if after else f"ended with {process.returncode}, see {folder / 'log'}"
    return Share(
        figure("stat::number_of_executed_units"),
        round(seconds, 1),
        figure("cov"),
        figure("stat::slowest_unit_time_sec"),
        figure("stat::peak_rss_mb"),
        found,
        data,
    )


def main() -> int:
    given = arguments()
    if given.replay is not None:
        from tests.fuzz import hostile

        if given.plant:
            PLANTS[given.plant]()
        with hostile.prepared():
            hostile.execute(given.replay.read_bytes())
        return verdict(f"{given.replay}: only typed errors", True, given.json)
    if find_spec("atheris") is None:
        print("tools/fuzz: atheris has no wheel for this Python, so nothing guides the fuzzer; "
              "use an interpreter from 3.11 to 3.12 (PYTHON=… tools/setup test)", file=sys.stderr)  # fmt: skip
        return 2
    if given.child:
        child(*given.child, given.plant)
    seed = given.seed if given.seed is not None else secrets.randbelow(2**31 - 1) + 1
    print(f"seed {seed}, {given.runs} runs, {given.processes} processes", flush=True)
    begin = time.monotonic()
    each = -(-given.runs // given.processes)
    folders = [OUT / f"{given.plant or 'client'}-{seed + index}" for index in range(given.processes)]
    started = [start(each, seed + index, folder, given.plant) for index, folder in enumerate(folders)]
    shares = []
    try:
        for process, folder in zip(started, folders, strict=True):
            process.wait()
            shares.append(outcome(process, folder, time.monotonic() - begin))
    finally:
        for process in started:
            if process.poll() is None:
                process.kill()
                process.wait()
    for share in shares:
        print(f"{share.runs} executions in {share.seconds} s; {share.covered} edges, slowest under "
              f"{share.slowest_seconds + 1} s, {share.peak_mb} MB at most")  # fmt: skip
        if share.found:
            print(f"  {share.found}\n  again: tools/fuzz --replay {share.input}")
    runs, uncaught = sum(share.runs for share in shares), sum(bool(share.found) for share in shares)
    enough = runs >= given.runs
    data = {"seed": seed, "runs": runs, "uncaught": uncaught, "shares": [asdict(share) for share in shares]}
    return verdict(
        f"{runs} hostile executions, {uncaught} uncaught, seed {seed}", enough and not uncaught, given.json, data
    )


if __name__ == "__main__":
    sys.exit(main())
