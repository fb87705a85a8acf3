"""Look at this machine: what is there, what is missing, what to do.

Hardware libraries are looked for, or loaded in a process of their own: a broken one must not break the doctor.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, assert_never

from devices.camera.v4l2 import is_virtual
from kiosk.audit import verify
from kiosk.cli import doctor_reader
from kiosk.cli.finding import Finding, Findings, State
from kiosk.cli.finding import judge as _judge
from kiosk.cli.options import add_config, add_json
from kiosk.cli.report import verdict
from kiosk.config import (
    Accept,
    CameraDriver,
    ConfigError,
    GatewayDriver,
    LookupSource,
    ReaderDriver,
    ScannerDriver,
    Settings,
    load,
)
from kiosk.downtime.errors import KeyRefused
from kiosk.downtime.key import load_key
from kiosk.i18n import Catalogue, CatalogueBroken
from kiosk.maintenance.credentials import is_practice
from kiosk.maintenance.machine import Machine, nearest
from kiosk.maintenance.service import ServiceFlag

SETUP = "tools/setup demo"
QT_PACKAGES = (
    "apt-get install -y libglib2.0-0 libegl1 libgl1 libx11-6 libxkbcommon0 libdbus-1-3 libfontconfig1 libfreetype6 "
    "libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 libxkbcommon-x11-0"
)
FONT_PACKAGES = "apt-get install -y fontconfig fonts-morisawa-bizud-gothic"
NETWORK = "dlib_face_recognition_resnet_model_v1.dat"
MODELS = ("shape_predictor_5_face_landmarks.dat", NETWORK)
ASSETS = Path(__file__).parents[2] / "assets"
_LOWEST_FREE, _GOOD_FREE = 100_000_000, 1_000_000_000
_MADE = 2026  # a clock before this year is wrong


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("doctor", help=(__doc__ or "").partition("\n")[0], description=__doc__)
    add_config(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    findings: list[Finding] = []
    try:
        settings = load(args.config, args.overrides)
        findings.append(Finding("config", State.OK, str(args.config)))
    except ConfigError as error:
        settings = Settings()
        do = f"kiosk check --config {args.config}"
        findings.append(Finding("config", State.MISSING, f"{len(error.problems)} problem(s), defaults used below", do))
    findings += examine(settings, Machine())
    for finding in findings:
        print(f"{finding.state.value:8}{finding.name:18}{finding.found}")
        if finding.do:
            print(f"{'':8}{'':18}-> {finding.do}")
    count = {state: sum(finding.state is state for finding in findings) for state in State}
    line = f"{count[State.OK]} fine, {count[State.WARNING]} warnings, {count[State.MISSING]} missing or refused"
    return verdict(line, count[State.MISSING] == 0, args.json, {"findings": [asdict(finding) for finding in findings]})


def examine(settings: Settings, machine: Machine) -> list[Finding]:
    """Everything that can be told without starting the kiosk."""
    found: list[Finding] = []
    for look in _LOOKS:
        found += look(settings, machine)
    return found


# --- software ------------------------------------------------------------------------------------------------------


def _python(settings: Settings, machine: Machine) -> Findings:
    version = ".".join(map(str, machine.python))
    do = "apt-get install -y python3 python3-venv (Debian 12 or newer)"
    yield _judge("python", machine.python >= (3, 11), version, f"{version}, 3.11 is needed", do)


def _packages(settings: Settings, machine: Machine) -> Findings:
    needed = ["PySide6", "numpy", "cv2", "PIL", "dlib", "cryptography", "requests", "structlog", "argon2"]
    if settings.gateway.driver is GatewayDriver.SIMULATED:
        needed += ["fastapi", "uvicorn"]
    if settings.face.engine == "face_recognition":
        needed.append("face_recognition")
    absent = [name for name in needed if not machine.has_module(name)]
    yield _judge("packages", not absent, f"{len(needed)} of {len(needed)}", f"without {', '.join(absent)}", SETUP)
    if settings.reader.driver is not ReaderDriver.SIMULATED:
        do = f"apt-get install -y gcc swig libpcsclite-dev python3-dev && {SETUP}"
        yield _judge("pyscard", machine.has_module("smartcard"), "there", "is not installed", do)
    if machine.has_module("PySide6"):
        code, _ = machine.python_says("import PySide6.QtWidgets")
        yield _judge("qt", code == 0, "loads", "does not load: system libraries are missing", QT_PACKAGES)


def _models(settings: Settings, machine: Machine) -> Findings:
    spec = machine.find("face_recognition_models")
    places = list(spec.submodule_search_locations or []) if spec is not None else []
    folder = Path(places[0]) / "models" if places else None
    absent = [name for name in MODELS if folder is None or not (folder / name).is_file()]
    if settings.face.model is not None:
        absent = [name for name in absent if name != NETWORK]
        if not settings.face.model.is_file():
            absent.append("face.model")
    yield _judge("face models", not absent, "there", f"without {', '.join(absent)}", SETUP)


def _fonts(settings: Settings, machine: Machine) -> Findings:
    code, names = machine.run(["fc-list", ":lang=ja", "family"])
    if code != 0:
        names = "\n".join(file.name for file in machine.path("/usr/share/fonts").rglob("*.tt[fc]"))
    if "BIZ UDPGothic" in names or "BIZUDPGothic" in names:
        yield Finding("fonts", State.OK, "BIZ UDPGothic")
    elif code == 0 and names.strip():
        yield Finding("fonts", State.WARNING, "another Japanese font; the screens are made for this one", FONT_PACKAGES)
    else:
        yield Finding("fonts", State.MISSING, "no Japanese font", FONT_PACKAGES)


def _languages(settings: Settings, machine: Machine) -> Findings:
    absent = [tag for tag in settings.kiosk.languages if not (ASSETS / "i18n" / f"{tag}.toml").is_file()]
    there = ", ".join(sorted(file.stem for file in (ASSETS / "i18n").glob("*.toml")))
    do = f"kiosk.languages: one or more of {there}"
    yield _judge("languages", not absent, ", ".join(settings.kiosk.languages), f"without {', '.join(absent)}", do)


# --- devices -------------------------------------------------------------------------------------------------------


def _camera(settings: Settings, machine: Machine) -> Findings:
    if settings.camera.driver is CameraDriver.SIMULATED:
        yield Finding("camera", State.OK, "simulated")
    else:
        yield from _video("camera", settings.camera.device, machine, settings.kiosk.production)


def _scanner(settings: Settings, machine: Machine) -> Findings:
    """The camera above the reader and what reads its pictures. Without them the face check goes on with typing."""
    if settings.scanner.driver is not ScannerDriver.OFF:
        missing = [name for name in ("onnxruntime", "rapidocr") if machine.find(name) is None]
        yield _judge("scanner packages", not missing, "there", f"{', '.join(missing)} missing", SETUP)
    match settings.scanner.driver:
        case ScannerDriver.OFF:
            yield Finding("scanner", State.OK, "off: what stands on the card is typed")
        case ScannerDriver.SIMULATED:
            yield Finding("scanner", State.OK, "simulated")
        case ScannerDriver.OPENCV:
            yield from _video("scanner", settings.scanner.device, machine, settings.kiosk.production)
        case _:
            assert_never(settings.scanner.driver)


def _video(name: str, device: str, machine: Machine, production: bool) -> Findings:
    path = machine.path(device if device.startswith("/") else f"/dev/video{device}")
    others = ", ".join(sorted(f"/dev/{file.name}" for file in machine.path("/dev").glob("video*"))) or "no camera"
    if not path.exists():
        yield Finding(name, State.MISSING, f"{device} is not there ({others})", f"plug it in, or set {name}.device")
        return
    do = "usermod -a -G video <the kiosk's user>"
    yield _judge(name, os.access(path, os.R_OK | os.W_OK), device, f"{device} may not be read", do)
    if is_virtual(str(path), sysfs=machine.path("/sys/class/video4linux")):
        state = State.MISSING if production else State.WARNING
        do = f"set {name}.device to a camera that is plugged in; with kiosk.production this one is refused"
        yield Finding(f"virtual {name}", state, f"{device} has no lens behind it", do)


def _gateway(settings: Settings, machine: Machine) -> Findings:
    if settings.gateway.driver is GatewayDriver.SIMULATED:
        yield Finding("gateway", State.OK, "simulated")
        return
    for name in ("ca_file", "client_cert", "client_key"):
        path: Path | None = getattr(settings.gateway, name)
        readable = path is not None and path.is_file() and os.access(path, os.R_OK)
        yield _judge(f"gateway {name}", readable, "there", "cannot be read", f"put the file there: gateway.{name}")
    key = settings.gateway.client_key
    if key is not None and key.is_file():
        private = key.stat().st_mode & 0o077 == 0
        yield _judge("client key mode", private, "private", "others may read it", "chmod 600 on gateway.client_key")


def _card(settings: Settings, machine: Machine) -> Findings:
    if settings.card.accept is Accept.TEST_PKI:
        yield Finding("cards", State.OK, "practice cards only")
        return
    for name, files in (("ca_files", settings.card.ca_files), ("photo_ca_files", settings.card.photo_ca_files)):
        absent = [file.name for file in files if not file.is_file()]
        yield _judge(f"card {name}", not absent, f"{len(files)}", f"without {', '.join(absent)}", f"card.{name}")
    if not settings.card.photo_ca_files:
        do = "nothing, if the gateway accepts a PIN or a staff check in its place"
        yield Finding("photo anchor", State.WARNING, "none: the photo alone never proves identity", do)


# --- the machine ---------------------------------------------------------------------------------------------------


def _folders(settings: Settings, machine: Machine) -> Findings:
    folders = {"state folder": settings.kiosk.state_dir, "hand-off folder": settings.handoff_folder}
    if settings.log.folder is not None:
        folders["log folder"] = settings.log.folder
    if settings.consent.subsidy or settings.consent.dispense:
        folders["side folder"] = settings.side_folder
    if settings.handoff.fhir_folder is not None:
        folders["FHIR folder"] = settings.handoff.fhir_folder
    if settings.lookup.source is LookupSource.FOLDER and settings.lookup.folder is not None:
        folders |= {f"look-up {name}": settings.lookup.folder / name for name in ("req", "res")}
    for name, folder in folders.items():
        there = nearest(folder)
        writable = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
        do = f"make {folder} writable for the kiosk's user"
        yield _judge(name, writable, str(folder), f"{there} cannot be written", do)


def _disk(settings: Settings, machine: Machine) -> Findings:
    free = shutil.disk_usage(nearest(settings.kiosk.state_dir)).free
    bad = State.MISSING if free < _LOWEST_FREE else State.WARNING
    yield _judge("disk", free >= _GOOD_FREE, f"{free // 10**6} MB free", f"{free // 10**6} MB free", "make room", bad)


def _clock(settings: Settings, machine: Machine) -> Findings:
    now = datetime.fromtimestamp(machine.clock(), UTC)
    year = str(now.year)
    do = "apt-get install -y systemd-timesyncd && timedatectl set-ntp true"
    yield _judge("clock", _MADE <= now.year < _MADE + 50, year, f"the year is {year}", do)
    if settings.kiosk.production:
        code, answer = machine.run(["timedatectl", "show", "--property=NTPSynchronized", "--value"])
        synchronised = code == 0 and answer.strip() == "yes"
        yield _judge("clock source", synchronised, "synchronised", "not synchronised", do, State.WARNING)


def _memory(settings: Settings, machine: Machine) -> Findings:
    """Memory of the kiosk must not reach a disk."""
    bad = State.MISSING if settings.kiosk.production else State.WARNING
    off = resource.getrlimit(resource.RLIMIT_CORE)[0] == 0
    do = "LimitCORE=0 in the systemd unit, or: ulimit -c 0"
    yield _judge("core dumps", off, "off", "on: memory could be written to disk", do, bad)
    swaps = [line.split()[0] for line in machine.read("/proc/swaps").splitlines()[1:] if line.strip()]
    plain = [name for name in swaps if not name.startswith(("/dev/dm-", "/dev/zram"))]
    yield _judge("swap", not plain, "none on a plain disk", "memory can reach a disk", "swapoff -a, or encrypt it", bad)


def _handoff(settings: Settings, machine: Machine) -> Findings:
    own = settings.kiosk.institution_code
    foreign = set()
    if settings.handoff_folder.is_dir():
        for file in settings.handoff_folder.rglob("OQSsi*"):
            code = re.search(r"_(\d{10})", file.name)
            if code and code[1] != own:
                foreign.add(code[1])
    do = "handoff.folder: a folder of this institution only"
    found = f"holds files of {len(foreign)} other institution(s)"
    yield _judge("hand-off files", not foreign, "of this institution only", found, do)


def _cases(settings: Settings, machine: Machine) -> Findings:
    """What the counter's other cases need: the queue's key, the institution's own leaflet."""
    if settings.downtime.queue and settings.downtime.key_file is not None:
        try:
            load_key(settings.downtime.key_file, settings.kiosk.state_dir).wipe()
            yield Finding("queue key", State.OK, "there, and only the kiosk's user may read it")
        except KeyRefused as error:
            yield Finding("queue key", State.MISSING, error.what, f"downtime.key_file: {error.allowed}")
    if settings.leaflet.show:
        catalogue = Catalogue.load(ASSETS / "i18n")
        try:
            own = settings.leaflet.texts_dir
            pages = (catalogue if own is None else catalogue.with_leaflet(own)).leaflet_pages
        except CatalogueBroken as error:
            yield Finding("leaflet", State.MISSING, str(error), "leaflet.texts_dir")
        else:
            absent = [page for page in settings.leaflet.pages if page not in pages]
            found = f"{len(settings.leaflet.pages)} pages"
            yield _judge("leaflet", not absent, found, f"without texts for {', '.join(absent)}", "leaflet.pages")


def _staff(settings: Settings, machine: Machine) -> Findings:
    for role, path in (("staff", settings.staff_hash_file), ("maintenance", settings.maintenance_hash_file)):
        do = f"kiosk staff set-pin --role {role}"
        name = f"{role} PIN"
        if not path.is_file() and settings.simulated and not settings.kiosk.production:
            yield Finding(name, State.OK, "the practice PIN is set at the first start")
        elif not path.is_file():
            bad = State.MISSING if settings.kiosk.production else State.WARNING
            yield Finding(name, bad, "is not set", do)
        elif settings.kiosk.production and is_practice(path):
            yield Finding(name, State.MISSING, "is the practice PIN, refused in production", do)
        else:
            private = path.stat().st_mode & 0o077 == 0
            yield _judge(name, private, "is set", "others may read its hash", f"chmod 600 {path}")


def _records(settings: Settings, machine: Machine) -> Findings:
    if settings.audit_file.is_file():
        found = verify(settings.audit_file)
        do = f"keep {settings.audit_file} and ask why; kiosk audit verify tells more"
        yield _judge("audit", found.ok, f"{found.entries} entries, whole", found.reason, do)
    if not ServiceFlag(settings.service_file).open:
        yield Finding("service", State.WARNING, "staff closed the kiosk", "open it again in maintenance")


_LOOKS: tuple[Callable[[Settings, Machine], Findings], ...] = (
    _python,
    _packages,
    _models,
    _fonts,
    _languages,
    doctor_reader.look,
    _camera,
    _scanner,
    _card,
    _gateway,
    _folders,
    _handoff,
    _cases,
    _disk,
    _clock,
    _memory,
    _staff,
    _records,
)
