"""A genuine pcscd with the virtual reader, in a network and mount namespace of its own: the PC/SC lane.

vpcd listens on every address, so pcscd and the card shell run where there is no network but a loopback of their own.
pcscd's socket directory is compiled in (/run/pcscd); inside the namespace it is a folder of the caller, so clients
outside reach it with PCSCLITE_CSOCK_NAME and no pcscd of the machine is touched.

The parent holds a `PcscdLane`; the other half of this module (`python -m devices.simulated.pcscd --host`) runs inside
the namespace and obeys one JSON object per line on standard input. It ends with its input, pcscd ends with it.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from devices.simulated.card import VirtualCard
from devices.simulated.card.counters import CounterFile
from devices.simulated.card.faults import FaultPlan
from devices.simulated.card.files import PersonCard
from devices.simulated.card.options import CardOptions
from devices.simulated.vpcd import PORT, Insertion

APT_LINE = "apt-get install -y pcscd vsmartcard-vpcd util-linux"
SLOTS = 2

_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/bin", "/bin"))
_SOCKET_DIRECTORY = "/run/pcscd"
_MAX_PATH = 99  # sockaddr_un holds 108 bytes; pcsc-lite cuts silently
_START_SECONDS = 15.0
_ANSWER_SECONDS = 30.0
_SEEN_SECONDS, _ATTEMPTS = 4.0, 4


class LaneError(Exception):
    """The lane could not be started, or its other half refused a command."""


def missing_parts() -> list[str]:
    """What this machine lacks for the lane, in words for people; empty when it can be started."""
    missing = [
        f"{name} is not installed: {APT_LINE}"
        for name in ("pcscd", "unshare", "setpriv")
        if shutil.which(name, path=_PATH) is None
    ]
    if _driver() is None:
        missing.append(f"libifdvpcd.so is not installed: {APT_LINE}")
    if not missing:
        trial = subprocess.run([*_namespace(), "true"], capture_output=True, check=False, env=_environment())
        if trial.returncode != 0:
            missing.append(
                "no private namespace: run as root, or allow unprivileged user namespaces "
                f"({trial.stderr.decode(errors='replace').strip()})"
            )
    return missing


def _driver() -> Path | None:
    """The reader driver of vsmartcard-vpcd."""
    folders = [Path("/usr/lib/pcsc/drivers/serial"), Path("/usr/lib64/pcsc/drivers/serial")]
    folders += Path("/usr/lib").glob("*/pcsc/drivers/serial")
    return next((path for folder in folders if (path := folder / "libifdvpcd.so").exists()), None)


def _namespace() -> list[str]:
    """The command that opens the namespace. Propagation is set by the host: in a chroot "/" is no mount point and
    unshare's own attempt would fail."""
    flags = ["-n", "-m"] if os.geteuid() == 0 else ["-U", "-r", "-n", "-m"]
    return ["unshare", *flags, "--propagation", "unchanged"]


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": _PATH, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}


class PcscdLane:
    """The lane as its owner sees it. Not for several threads at once. Use `start`, or `with PcscdLane.start(…)`."""

    def __init__(self, process: subprocess.Popen[bytes], directory: Path, *, owned: bool) -> None:
        self._process = process
        self._directory = directory
        self._owned = owned

    @classmethod
    def start(cls, directory: Path | None = None) -> Self:
        """Start pcscd with two empty slots. `directory` (made when it is not there) gets its socket and log; without
        one, a temporary folder is made. Raises `LaneError`."""
        if missing := missing_parts():
            raise LaneError("; ".join(missing))
        owned = directory is None
        folder = Path(tempfile.mkdtemp(prefix="kiosk-pcsc-")) if directory is None else directory.absolute()
        if len(os.fsencode(folder / "pcscd.comm")) > _MAX_PATH:
            raise LaneError(f"{folder}: too long for a socket path of {_MAX_PATH} bytes")
        folder.mkdir(parents=True, exist_ok=True)
        process = subprocess.Popen(
            [*_namespace(), sys.executable, "-m", "devices.simulated.pcscd", "--host"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(),
            cwd="/",
        )
        lane = cls(process, folder, owned=owned)
        try:
            lane._ask("start", directory=str(folder))
        except BaseException:
            lane.stop()
            raise
        return lane

    @property
    def pid(self) -> int:
        """Of the process inside the namespace, the parent of pcscd."""
        return self._process.pid

    @property
    def socket_path(self) -> str:
        """The value of PCSCLITE_CSOCK_NAME for clients, which run outside the namespace."""
        return str(self._directory / "pcscd.comm")

    @property
    def environment(self) -> dict[str, str]:
        """The environment for a client process."""
        return {**os.environ, "PCSCLITE_CSOCK_NAME": self.socket_path}

    @property
    def log(self) -> Path:
        """What pcscd said."""
        return self._directory / "pcscd.log"

    def insert(
        self,
        card: PersonCard,
        options: CardOptions | None = None,
        *,
        slot: int = 0,
        faults: FaultPlan | None = None,
        fresh: bool = False,
        counter_file: Path | None = None,
        **changes: Any,
    ) -> None:
        """Put a card on the reader; returns when pcscd has powered it. `changes`: fields of `options`. The same card
        keeps its counters from one insertion to the next, unless `fresh`; in `counter_file` beyond the lane. With a
        `pace` its answers take as long as they would on such a link. Raises `LaneError` when there is already one on
        the slot, ValueError for options that there are not."""
        self._ask(
            "insert",
            card=card.to_json(),
            slot=slot,
            options=(options or CardOptions()).changed(**changes).to_json(),
            faults=faults.to_json() if faults else [],
            fresh=fresh,
            counter_file=str(counter_file.absolute()) if counter_file else "",
        )

    def remove(self, slot: int = 0) -> None:
        """Take the card away, also in the middle of a command; pcscd has noticed. Without a card: nothing."""
        self._ask("remove", slot=slot)

    def swap(
        self,
        card: PersonCard,
        options: CardOptions | None = None,
        *,
        slot: int = 0,
        faults: FaultPlan | None = None,
        **changes: Any,
    ) -> None:
        """Take the card away and put another one there at once; the rest as of `insert`."""
        self._ask(
            "swap",
            card=card.to_json(),
            slot=slot,
            options=(options or CardOptions()).changed(**changes).to_json(),
            faults=faults.to_json() if faults else [],
            fresh=False,
        )

    def set_faults(self, faults: FaultPlan | None, slot: int = 0) -> None:
        """For the card on the slot; APDUs count from 0 again."""
        self._ask("faults", slot=slot, faults=faults.to_json() if faults else [])

    def counters(self, card_id: str) -> dict[str, int]:
        """Tries left, as `VirtualCard.counters`."""
        return dict(self._ask("state", card_id=card_id)["counters"])

    def verify_count(self, card_id: str) -> dict[str, int]:
        """VERIFY commands with data that reached the card, as `VirtualCard.verify_count`."""
        return dict(self._ask("state", card_id=card_id)["verify_count"])

    def traffic(self, card_id: str) -> dict[str, float]:
        """What passed between pcscd and this card since it was last put down: the fields of
        `devices.simulated.card.pace.Traffic`."""
        return dict(self._ask("state", card_id=card_id)["traffic"])

    def stop_service(self) -> None:
        """End pcscd; the cards stay where they are."""
        self._ask("stop_service")

    def start_service(self) -> None:
        """Start pcscd again; it finds the cards that lie there."""
        self._ask("start_service")

    def restart_pcscd(self) -> None:
        self.stop_service()
        self.start_service()

    def stop(self) -> None:
        """End everything and remove what was made. May be called again."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()  # the end of its input ends the host, which ends pcscd
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        for name in _MADE:
            with contextlib.suppress(OSError):
                (self._directory / name).unlink()
        if self._owned:
            shutil.rmtree(self._directory, ignore_errors=True)

    def _ask(self, command: str, **fields: Any) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(json.dumps({"do": command, **fields}).encode() + b"\n")
            stdin.flush()
        except (OSError, ValueError) as error:  # ValueError: `stop` has closed the pipe
            raise LaneError(f"{command}: the lane has ended") from error
        # One question, one answer line: nothing else can be in the buffer.
        if not select.select([stdout], [], [], _ANSWER_SECONDS)[0]:
            raise LaneError(f"{command}: no answer")
        line = stdout.readline()
        if not line:
            raise LaneError(f"{command}: the lane has ended")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise LaneError(f"{command}: {answer['error']}")
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


# --- inside the namespace ------------------------------------------------------------------------------------------

_MADE = ("pcscd.comm", "pcscd.pid", "pcscd.log", "readers.conf")
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000
_IFF_UP = 0x1
_SIOCGIFFLAGS, _SIOCSIFFLAGS = 0x8913, 0x8914


def _mount(source: str, target: str, kind: str | None, flags: int) -> None:
    """mount(2). Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.mount(
        os.fsencode(source),
        os.fsencode(target),
        os.fsencode(kind) if kind else None,
        ctypes.c_ulong(flags),
        None,
    )
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def _umount(target: str) -> None:
    ctypes.CDLL(None, use_errno=True).umount2(os.fsencode(target), 0)


def _enter(directory: str) -> None:
    """Give this mount namespace a /run of its own whose pcscd folder is `directory`. Raises OSError, `LaneError`."""
    # In a chroot "/" is no mount point and cannot be made private; the check below then decides.
    with contextlib.suppress(OSError):
        _mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    os.chdir(directory)  # a name that stays valid when /run is covered
    _mount("tmpfs", "/run", "tmpfs", 0)
    if _shared("/run"):
        _umount("/run")
        raise LaneError("mounts made here would appear outside: run it where / is a private mount point")
    os.mkdir(_SOCKET_DIRECTORY)
    _mount(".", _SOCKET_DIRECTORY, None, _MS_BIND)
    os.chdir("/")


def _shared(mount_point: str) -> bool:
    """Whether the newest mount there passes mounts on to other namespaces (proc(5), mountinfo)."""
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    newest = [fields for line in lines if (fields := line.split())[4] == mount_point][-1]
    return any(field.startswith("shared:") for field in newest[6 : newest.index("-")])


def loopback_up() -> None:
    """In a network namespace of its own a process has a loopback that is down. Raises OSError without the right to."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sh14x", b"lo", 0)
        (flags,) = struct.unpack("16xh14x", fcntl.ioctl(sock, _SIOCGIFFLAGS, request))
        if flags & _IFF_UP:
            return
        fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))


class _Host:
    def __init__(self) -> None:
        self._directory = Path()
        self._service: subprocess.Popen[bytes] | None = None
        self._cards: dict[str, VirtualCard] = {}
        self._slots: dict[int, Insertion] = {}

    def serve(self) -> None:
        """Answer every line; return at the end of the input."""
        for line in sys.stdin.buffer:
            request = json.loads(line)
            try:
                answer = self._do(request)
            except (OSError, LaneError, KeyError, ValueError) as error:
                answer = {"error": f"{type(error).__name__}: {error}"}
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()

    def close(self) -> None:
        for slot in list(self._slots):
            self._remove(slot)
        self._stop_service()

    def _do(self, request: dict[str, Any]) -> dict[str, Any]:
        match request["do"]:
            case "start":
                self._directory = Path(request["directory"])
                loopback_up()
                self._configure()
                _enter(str(self._directory))
                self._start_service()
            case "insert":
                self._insert(request)
            case "swap":
                self._remove(request["slot"])
                self._insert(request)
            case "remove":
                self._remove(request["slot"])
            case "faults":
                rules = request["faults"]
                self._slots[request["slot"]].card.set_faults(FaultPlan.from_json(rules) if rules else None)
            case "state":
                card = self._cards[request["card_id"]]
                return {"counters": card.counters, "verify_count": card.verify_count, "traffic": card.traffic.to_json()}
            case "stop_service":
                self._stop_service()
            case "start_service":
                for insertion in self._slots.values():
                    insertion.forget_seen()
                self._start_service()
                for insertion in self._slots.values():
                    self._wait_seen(insertion)
            case _:
                raise LaneError("no such command")
        return {}

    def _configure(self) -> None:
        """pcscd's reader list: the virtual reader and nothing else of this machine."""
        (self._directory / "readers.conf").write_text(
            f'FRIENDLYNAME "Virtual PCD"\nDEVICENAME /dev/null:0x{PORT:X}\nLIBPATH {_driver()}\nCHANNELID 0x{PORT:X}\n',
            encoding="ascii",
        )

    def _start_service(self) -> None:
        if self._service is not None:
            raise LaneError("pcscd is running")
        for name in ("pcscd.comm", "pcscd.pid"):
            (self._directory / name).unlink(missing_ok=True)
        options = ["--foreground", "--error", "--config", f"{_SOCKET_DIRECTORY}/readers.conf"]
        usage = subprocess.run(["pcscd", "--help"], capture_output=True, check=False)
        if b"--disable-polkit" in usage.stdout + usage.stderr:  # pcsc-lite >= 2.0
            options.append("--disable-polkit")
        with (self._directory / "pcscd.log").open("ab") as log:
            self._service = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "pcscd", *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Real readers of this machine belong to its own pcscd: no folder of USB drivers, no hotplug.
                env={**os.environ, "PCSCLITE_HP_DROPDIR": "/nonexistent"},
            )
        deadline = time.monotonic() + _START_SECONDS
        while not _answers(f"{_SOCKET_DIRECTORY}/pcscd.comm"):
            if self._service.poll() is not None:
                self._service = None
                raise LaneError(f"pcscd ended at once: {self._last_words()}")
            if time.monotonic() > deadline:
                self._stop_service()
                raise LaneError("pcscd does not answer")
            time.sleep(0.01)

    def _last_words(self) -> str:
        return (self._directory / "pcscd.log").read_text(encoding="utf-8", errors="replace")[-300:]

    def _stop_service(self) -> None:
        service, self._service = self._service, None
        if service is None:
            return
        service.terminate()
        try:
            service.wait(timeout=3)
        except subprocess.TimeoutExpired:  # it hangs in a command to a card that does not answer
            service.kill()
            service.wait()
        (self._directory / "pcscd.comm").unlink(missing_ok=True)

    def _insert(self, request: dict[str, Any]) -> None:
        slot = request["slot"]
        if slot not in range(SLOTS):
            raise LaneError(f"slots are 0 to {SLOTS - 1}")
        if slot in self._slots:
            raise LaneError("there is a card on this slot")
        person = PersonCard.from_json(request["card"])
        options = CardOptions.from_json(request["options"])
        old = self._cards.get(person.id)
        kept = old.counters if old is not None and not request["fresh"] else None
        changed = None
        if request.get("counter_file"):
            file = CounterFile(Path(request["counter_file"]))
            kept, changed = file.load(person.id), partial(file.save, person.id)
        card = VirtualCard(person, options, counters=kept, changed=changed)
        if request["faults"]:
            card.set_faults(FaultPlan.from_json(request["faults"]))
        self._cards[person.id] = card
        self._slots[slot] = insertion = Insertion(card, PORT + slot)
        insertion.start()
        self._wait_seen(insertion)

    def _wait_seen(self, insertion: Insertion) -> None:
        for _ in range(_ATTEMPTS):
            if insertion.wait_seen(_SEEN_SECONDS):
                return
            # Once in some hundred times pcscd takes it for the card before, when that left in the middle of a command.
            insertion.lift()
        raise LaneError("pcscd did not see the card")

    def _remove(self, slot: int) -> None:
        insertion = self._slots.pop(slot, None)
        if insertion is not None:
            insertion.remove()


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        try:
            sock.connect(path)
        except OSError:
            return False
    return True


def main() -> None:
    """The host. Ends by end of input, not by PDEATHSIG: that signal follows the *thread* that started it."""
    host = _Host()
    try:
        host.serve()
    finally:
        host.close()


if __name__ == "__main__":
    if sys.argv[1:] != ["--host"]:
        sys.exit("this module is started by PcscdLane")
    main()
