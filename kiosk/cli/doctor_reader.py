"""The doctor's part on card readers: which there are, what stands in their way, who else uses them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devices.errors import CardProgram
from devices.pcsc import scard
from devices.pcsc.holders import holders
from devices.pcsc.monitor import SOCKET, SOCKET_VARIABLE, is_virtual
from kiosk.cli.finding import Finding, Findings, State, judge
from kiosk.config import ReaderDriver, Settings
from kiosk.maintenance.machine import Machine

READER_PACKAGES = "apt-get install -y pcscd libccid"
VPCD_PACKAGES = "apt-get install -y pcscd vsmartcard-vpcd util-linux"
# These take NFC readers away from pcscd (docs/sources.md, "PC/SC"); packaging/uketsuke-nfc.conf has the same.
NFC_MODULES = ("nfc", "pn533", "pn533_usb", "port100")
_VPCD = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so"
_CCID = "/usr/lib/pcsc/drivers/ifd-ccid.bundle"
_POLKIT_ACTIONS = "/usr/share/polkit-1/actions/org.debian.pcsc-lite.policy"
_POLKIT_RULES = ("/etc/polkit-1/rules.d", "/usr/local/share/polkit-1/rules.d", "/usr/share/polkit-1/rules.d")
_MODPROBE = ("/etc/modprobe.d", "/run/modprobe.d", "/usr/lib/modprobe.d", "/lib/modprobe.d")
# Where the service's options stand on Debian.
_SERVICE_OPTIONS = ("/etc/default/pcscd", "/etc/systemd/system/pcscd.service.d", "/etc/systemd/system/pcscd.service")
# Sony RC-S380 (/S, /P): products of the kernel's port100 driver; no CCID, and no PC/SC driver for Linux.
_RC_S380 = ("054c:06c1", "054c:06c3")
_DO_NFC = "cp packaging/uketsuke-nfc.conf /etc/modprobe.d/ && reboot"
_DO_POLKIT = "cp packaging/50-uketsuke.rules /etc/polkit-1/rules.d/ (it names the user uketsuke)"
_DENIED = (scard.W_SECURITY_VIOLATION, scard.E_NO_ACCESS)
_HOLDERS = {
    CardProgram.SCDAEMON: ("GnuPG's scdaemon", "gpgconf --kill scdaemon; do not use GnuPG cards on this machine"),
    CardProgram.BROWSER: ("a browser", "take the smart-card module out of the browser, or close it"),
    CardProgram.OPENSC: ("OpenSC", "end the OpenSC program"),
    CardProgram.SMART_CARD_TOOL: ("a smart-card tool", "end pcsc_scan, scriptor or the like"),
    CardProgram.EID_CLIENT: ("an identity-card client", "end it"),
    CardProgram.OTHER_KIOSK: ("another kiosk", "one kiosk per reader: set reader.name in both"),
    CardProgram.OTHER: ("another program", "look with: fuser -v /usr/lib/*/libpcsclite.so.1; end it"),
}


def look(settings: Settings, machine: Machine) -> Findings:
    match settings.reader.driver:
        case ReaderDriver.SIMULATED:
            yield Finding("reader", State.OK, "simulated")
        case ReaderDriver.VPCD:
            for program in ("pcscd", "unshare"):
                yield judge(program, machine.which(program), "there", "is not installed", VPCD_PACKAGES)
            yield judge("vpcd", machine.path(_VPCD).exists(), "there", "driver is not installed", VPCD_PACKAGES)
        case ReaderDriver.PCSC:
            yield judge("pcscd", machine.which("pcscd"), "there", "is not installed", READER_PACKAGES)
            yield from _service(machine)
            yield from _readers(settings, machine)
            yield from _kernel(machine)
            yield from _services(settings, machine)
            yield from _others(machine)


# --- the service and its drivers -----------------------------------------------------------------------------------


def _service(machine: Machine) -> Findings:
    ccid = machine.path(_CCID).exists()
    yield judge("reader driver", ccid, "CCID", "CCID is not installed", READER_PACKAGES, State.WARNING)
    socket = os.environ.get(SOCKET_VARIABLE) or SOCKET
    path = machine.path(socket)
    do = "systemctl enable --now pcscd.socket"
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        yield Finding("pcscd socket", State.MISSING, f"{socket} may not be used by this user", f"chmod 666 {socket}")
    else:
        yield judge("pcscd socket", path.exists(), socket, "is not there", do)
    yield _polkit(machine)


def _polkit(machine: Machine) -> Finding:
    """pcsc-lite asks polkit since version 2, when it was built so; then its list of actions is there."""
    if not machine.path(_POLKIT_ACTIONS).exists():
        return Finding("polkit", State.OK, "not asked by this pcscd")
    actions = [f"org.debian.pcsc-lite.access_{what}" for what in ("pcsc", "card")]
    codes = [machine.run(["pkcheck", "--action-id", action, "--process", str(os.getpid())])[0] for action in actions]
    if all(code == 0 for code in codes):
        return Finding("polkit", State.OK, "allows this user")
    rules = [file for folder in _POLKIT_RULES for file in _files(machine, folder, ".rules")]
    there = any("org.debian.pcsc-lite" in _text(file) for file in rules)
    if 127 in codes:  # nobody to ask
        return judge("polkit", there, "a rule is there", "no rule for the kiosk's user", _DO_POLKIT, State.WARNING)
    found = "there is a rule, but it refuses this user" if there else "refuses this user, and there is no rule"
    return Finding("polkit", State.MISSING, found, _DO_POLKIT)


# --- readers -------------------------------------------------------------------------------------------------------


def _readers(settings: Settings, machine: Machine) -> Findings:
    result, names = _ask(machine)
    if result in _DENIED:
        yield Finding("reader", State.MISSING, "pcscd refuses this user", _DO_POLKIT)
    else:
        yield _chosen(settings, names)
    if settings.kiosk.production:
        virtual = [name for name in names if is_virtual(name)]
        found = ", ".join(virtual) or "the driver of a virtual reader is installed"
        refused = f"{found}: refused in production, anybody on the network could lay a card into it"
        good = not virtual and not machine.path(_VPCD).exists()
        yield judge("virtual reader", good, "none", refused, "apt-get purge -y vsmartcard-vpcd && reboot")
    if any(product in _RC_S380 for product in _usb(machine)):
        found = "Sony RC-S380 has no PC/SC driver for Linux"
        yield Finding("RC-S380", State.WARNING, found, "use a reader with CCID, such as RC-S300; see docs/hardware.md")


def _chosen(settings: Settings, names: Sequence[str]) -> Finding:
    """Which reader the kiosk takes, and why."""
    wanted = settings.reader.name
    real = [name for name in names if not is_virtual(name) and wanted in name]
    said = ", ".join(map(_printable, real))
    if not real:
        others = ", ".join(map(_printable, names))
        if names and all(map(is_virtual, names)):
            return Finding("reader", State.MISSING, f"only virtual ones: {others}", "plug a reader in")
        if names:
            found = f"none with reader.name in its name; there are: {others}"
            return Finding("reader", State.MISSING, found, "set reader.name to a part of one of these")
        return Finding("reader", State.MISSING, "none", "plug the reader in; see docs/hardware.md")
    if len(real) > 1:
        found = f"{len(real)} are used: {said}; with cards on several the patient is asked to leave one"
        return Finding("reader", State.WARNING, found, "set reader.name to a part of the right one's name")
    return Finding("reader", State.OK, f"{said} ({'named by reader.name' if wanted else 'the only one'})")


def _ask(machine: Machine) -> tuple[int, list[str]]:
    code, answer = machine.python_says("from devices.pcsc.survey import main; main()")
    try:
        said = json.loads(answer) if code == 0 else {}
        return int(said["result"]), [str(name) for name in said["readers"]]
    except (ValueError, TypeError, KeyError):
        return scard.E_NO_SERVICE, []


def _printable(name: str) -> str:
    """Names may hold bytes of any encoding."""
    return name.encode("utf-8", "replace").decode()


def _usb(machine: Machine) -> list[str]:
    """vendor:product of what is plugged in."""
    devices = machine.path("/sys/bus/usb/devices")
    return [
        f"{_text(file).strip()}:{_text(file.with_name('idProduct')).strip()}".lower()
        for file in devices.glob("*/idVendor")
    ]


# --- what stands in their way --------------------------------------------------------------------------------------


def _kernel(machine: Machine) -> Findings:
    loaded = {line.split(" ", 1)[0] for line in machine.read("/proc/modules").splitlines()} & set(NFC_MODULES)
    if loaded:
        yield Finding("kernel modules", State.MISSING, f"{', '.join(sorted(loaded))} take the reader", _DO_NFC)
        return
    release = machine.read("/proc/sys/kernel/osrelease").strip()
    known = machine.read(f"/lib/modules/{release}/modules.dep") if release else ""
    loadable = {name for name in NFC_MODULES if re.search(rf"/{name}\.ko", known)}
    settings = "\n".join(_text(file) for folder in _MODPROBE for file in _files(machine, folder, ".conf"))
    kept_out = {name for name in NFC_MODULES if re.search(rf"^\s*(blacklist|install)\s+{name}\b", settings, re.M)}
    free = sorted(loadable - kept_out)
    found = f"{', '.join(free)} would take an NFC reader when one is plugged in"
    yield judge("kernel modules", not free, "none in the way", found, _DO_NFC, State.WARNING)


def _services(settings: Settings, machine: Machine) -> Findings:
    """One pcscd, and none that writes what passes (`--apdu`): VERIFY carries the PIN."""
    bad = State.MISSING if settings.kiosk.production else State.WARNING
    running = [process for process in _processes(machine) if process.name == "pcscd"]
    do = "end all but the system's own: systemctl restart pcscd"
    yield judge("pcscd processes", len(running) < 2, str(len(running)), f"{len(running)} run", do, bad)
    logging = any(_logs(process.arguments) for process in running)
    texts = [_text(file) for place in _SERVICE_OPTIONS for file in _files(machine, place, "")]
    logging |= any(_logs(line.replace('"', " ").split()) for text in texts for line in text.splitlines())
    spying = "pcscspy" in machine.read("/etc/ld.so.preload") + os.environ.get("LD_PRELOAD", "")
    found = "APDUs are logged, PINs among them"
    do = "start pcscd without --apdu and without libpcscspy; delete the logs"
    yield judge("pcscd log", not (logging or spying), "without APDUs", found, do, bad)


def _logs(arguments: Sequence[str]) -> bool:
    """`--apdu`, or -a among short options. Comments in files begin with #."""
    if arguments and arguments[0].startswith("#"):
        return False
    return any(word == "--apdu" or re.fullmatch(r"-[A-Za-z]*a[A-Za-z]*", word) for word in arguments)


def _others(machine: Machine) -> Findings:
    """Who else holds the reader. A kiosk that runs meanwhile is this one."""
    own = {process.pid for process in _processes(machine) if process.name == "kiosk"} | {os.getpid()}
    found = holders(machine.path("/proc"), own)
    if not found:
        yield Finding("other programs", State.OK, "none uses cards")
    for program in dict.fromkeys(holder.program for holder in found):
        name, do = _HOLDERS[program]
        certain = any(holder.certain for holder in found if holder.program is program)
        verb = "has PC/SC open" if certain else "runs and may take the card"
        yield Finding("other programs", State.WARNING, f"{name} {verb}", do)


@dataclass(frozen=True, slots=True)
class _Process:
    pid: int
    name: str
    arguments: list[str]


def _processes(machine: Machine) -> list[_Process]:
    found = []
    for folder in machine.path("/proc").glob("[0-9]*"):
        arguments = _text(folder / "cmdline").split("\0")
        found.append(_Process(int(folder.name), _text(folder / "comm").strip(), [each for each in arguments if each]))
    return found


def _files(machine: Machine, place: str, ending: str) -> list[Path]:
    """The files of a folder, or the file itself."""
    path = machine.path(place)
    if path.is_dir():
        return sorted(file for file in path.iterdir() if file.name.endswith(ending))
    return [path] if path.is_file() else []


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
