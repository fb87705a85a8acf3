"""Run in a network and a mount of its own: smbd, a client of it, the kiosk on that client's folder, and the terminal on
the server's. Prints what happened as one line of JSON; exit code 77: it cannot be set up here, the line says why.

The kernel's own client (cifs) is not everywhere; smbnetfs speaks SMB2 through libsmbclient and FUSE.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from devices.simulated.pcscd import loopback_up
from kiosk.eligibility.folder import FolderLookup, FolderSettings
from kiosk.eligibility.liaison import Fault, Terminal, TerminalSettings
from kiosk.eligibility.port import GatewayError
from kiosk.eligibility.simulated import Desk
from kiosk.oqs.document import Encoding
from kiosk.qualification import JST
from tests.contract.folder.bench import INSTITUTION, query, world

UNABLE = 77
SERVER = """[global]
server role = standalone server
interfaces = 127.0.0.1
bind interfaces only = yes
smb ports = 445
disable netbios = yes
disable spoolss = yes
load printers = no
map to guest = bad user
guest account = {user}
private dir = {state}
lock directory = {state}
state directory = {state}
cache directory = {state}
pid directory = {state}
ncalrpc dir = {state}/ncalrpc
log file = {state}/log
[oqs]
path = {share}
guest ok = yes
read only = no
force user = {user}
"""


class Lane:
    def __init__(self, folder: Path) -> None:
        self.share, self.mounted, self.state, home = (folder / name for name in ("share", "mnt", "state", "home"))
        for path in (self.share, self.mounted, self.state, home / ".smb"):
            path.mkdir(parents=True)
        for name in ("req", "res", "face"):
            (self.share / name).mkdir()
        self.settings = folder / "smb.conf"
        self.settings.write_text(SERVER.format(user="root", state=self.state, share=self.share))
        (home / ".smb" / "smb.conf").write_text("[global]\nclient min protocol = SMB2\n")
        client = home / ".smb" / "smbnetfs.conf"
        client.write_text('auth "nobody" ""\n')
        client.chmod(0o600)
        self.server = self.serve()
        self.client = subprocess.Popen(
            ["smbnetfs", "-f", str(self.mounted)], env={**os.environ, "HOME": str(home)}, stderr=subprocess.DEVNULL
        )

    @property
    def root(self) -> Path:
        return self.mounted / "127.0.0.1" / "oqs"

    def serve(self) -> subprocess.Popen[bytes]:
        # Not with --no-process-group: at its end it ends everything of its process group, which would be ours.
        return subprocess.Popen(["smbd", "-F", "-s", str(self.settings)], stdin=subprocess.DEVNULL)

    def until(self, done: Callable[[], bool]) -> bool:
        for _ in range(100):
            try:
                if done():
                    return True
            except OSError:
                pass
            time.sleep(0.1)
        return False

    def stop_server(self) -> None:
        # Its children serve the connections and go with it.
        self.server.terminate()
        self.server.wait()

    def stop(self) -> None:
        subprocess.run(["umount", "-l", str(self.mounted)], check=False)
        for process in (self.client, self.server):
            process.terminate()
            process.wait()


@contextmanager
def terminal(lane: Lane, encoding: Encoding, *faults: str, delay: float = 0.0) -> Iterator[None]:
    known, stop = world(), threading.Event()
    desk = Desk(known, lambda: datetime.now(JST))
    settings = TerminalSettings(lane.share, INSTITUTION, encoding, delay, poll=0.05)
    served = Terminal(
        settings, desk, tuple(known.people), lambda _: None, faults=tuple(Fault.parse(each) for each in faults)
    )

    def run() -> None:
        while not stop.wait(0.05):
            served.step()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def ask(lookup: FolderLookup, reception: str) -> str:
    try:
        validity, secret = lookup.look_up(reception, query(), None)
    except GatewayError as error:
        return f"{error.failure.name} {error.upstream}"
    return f"validity {validity.value}, {'somebody' if secret else 'nobody'}"


def left(lane: Lane) -> list[int]:
    return [len(os.listdir(lane.share / name)) for name in ("req", "res")]


def work(lane: Lane) -> dict[str, object]:
    found: dict[str, object] = {}

    def kiosk(encoding: Encoding = Encoding.UTF8, seconds: float = 10, poll: float = 0.2) -> FolderLookup:
        return FolderLookup(FolderSettings(lane.root, INSTITUTION, encoding, seconds, poll))

    for encoding in Encoding:
        with terminal(lane, encoding):
            found[f"answered in {encoding.declared}"] = [ask(kiosk(encoding), f"a-{encoding.name}"), left(lane)]
    for fault in ("half-written:1", "wrong-identifier:1", "dtd:1", "garbage:1"):
        with terminal(lane, Encoding.UTF8, fault):
            found[fault.split(":")[0]] = [ask(kiosk(), fault), left(lane)]
    late = kiosk(seconds=1)
    with terminal(lane, Encoding.UTF8, delay=2):
        found["late"] = [ask(late, "late"), left(lane)]
        lane.until(lambda: left(lane) == [0, 1])
        fetched = late.fetch("late")
    found["late, fetched"] = [fetched is not None, left(lane)]
    found["no answer"] = [ask(kiosk(seconds=1), "none"), left(lane)]
    # Somebody holds the answer open without leave to delete it: it is used, and removed by the next tidying.
    with terminal(lane, Encoding.UTF8):
        holding = _hold(lane)
        found["held by another program"] = [ask(kiosk(seconds=30, poll=5), "held"), left(lane)]
        holding()
    later = FolderSettings(lane.root, INSTITUTION, Encoding.UTF8, 10)
    FolderLookup(later, now=lambda: datetime.now(JST) + timedelta(hours=2)).tidy()
    found["let go and tidied"] = left(lane)
    lane.stop_server()
    found["server gone"] = ask(kiosk(seconds=2), "gone")
    lane.server = lane.serve()
    lane.until((lane.root / "req").is_dir)
    with terminal(lane, Encoding.UTF8):
        found["server back"] = [ask(kiosk(), "back"), left(lane)]
    return found


def _hold(lane: Lane) -> Callable[[], None]:
    """As soon as there is an answer, open it by another client; gives what lets it go."""
    # Connected beforehand: between the answer and the kiosk's next look it only has to open it.
    client = subprocess.Popen(["smbclient", "-N", "//127.0.0.1/oqs"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    stdin = client.stdin
    assert stdin is not None

    def run() -> None:
        lane.until(lambda: left(lane)[1] == 1)
        (answer,) = (lane.share / "res").iterdir()
        stdin.write(f"open res/{answer.name}\n".encode())
        stdin.flush()

    thread = threading.Thread(target=run)
    thread.start()

    def let_go() -> None:
        thread.join()
        stdin.close()
        client.wait()

    return let_go


def main() -> int:
    missing = [name for name in ("smbd", "smbclient", "smbnetfs") if shutil.which(name) is None]
    if missing or not Path("/dev/fuse").exists():
        print(json.dumps(f"missing: {', '.join(missing) or '/dev/fuse'}"))
        return UNABLE
    loopback_up()
    lane = Lane(Path(sys.argv[1]))
    try:
        if not lane.until((lane.root / "req").is_dir):
            print(json.dumps("smbd or smbnetfs does not serve here"))
            return UNABLE
        print(json.dumps(work(lane)))
    finally:
        lane.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
