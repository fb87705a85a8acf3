"""The doctor on machines made of a folder."""

from __future__ import annotations

import importlib.machinery
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from devices.errors import CardProgram
from devices.pcsc import scard
from devices.pcsc.survey import survey
from kiosk import cli, config
from kiosk.cli import doctor, doctor_reader
from kiosk.cli.doctor import examine
from kiosk.cli.doctor_reader import NFC_MODULES
from kiosk.cli.finding import Finding, State
from kiosk.maintenance.credentials import set_practice
from kiosk.maintenance.machine import Machine, nearest
from tests.helpers.fake_scard import FakeScard

REAL_READER = ["Example CCID Reader 00 00"]
VIRTUAL_READER = ["Virtual PCD 00 00"]
PACKAGING = Path(__file__).parents[3] / "packaging"
SPRING_2027 = 1_808_000_000.0


class Fake:
    """A machine on which everything is there, until a test takes it away."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.absent: set[str] = set()
        self.readers: list[str] | None = REAL_READER
        self.pcsc = 0
        self.pkcheck = 0
        self.fonts = (0, "BIZ UDPGothic\n")
        self.ntp = "yes\n"
        models = root / "models-package" / "models"
        models.mkdir(parents=True)
        for name in doctor.MODELS:
            (models / name).touch()
        for path in (
            "usr/lib/pcsc/drivers/ifd-ccid.bundle/x",
            "usr/lib/pcsc/drivers/serial/libifdvpcd.so",
            "run/pcscd/pcscd.comm",
            "dev/video0",
            "dev/video2",
            "proc/modules",
            "proc/swaps",
        ):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).touch()

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def process(self, pid: int, name: str, arguments: str, *, library: bool = False) -> None:
        self.write(f"proc/{pid}/comm", f"{name}\n")
        self.write(f"proc/{pid}/cmdline", f"{arguments}\0")
        self.write(f"proc/{pid}/stat", f"{pid} ({name}) S 1 1 1 0 -1")
        self.write(f"proc/{pid}/maps", "/usr/lib/libpcsclite.so.1.0.0\n" if library else "")

    def run(self, command: Sequence[str]) -> tuple[int, str]:
        match command[0]:
            case "fc-list":
                return self.fonts
            case "timedatectl":
                return 0, self.ntp
            case "pkcheck":
                return self.pkcheck, ""
            case _ if "survey" in command[-1]:
                if self.readers is None:
                    return 1, "Traceback"
                return 0, json.dumps({"result": self.pcsc, "readers": self.readers})
            case _:
                return (1 if "qt" in self.absent else 0), ""

    def find(self, name: str) -> importlib.machinery.ModuleSpec | None:
        if name in self.absent:
            return None
        spec = importlib.machinery.ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [str(self.root / "models-package")]
        return spec

    def machine(self) -> Machine:
        return Machine(
            root=self.root,
            run=self.run,
            find=self.find,
            which=lambda name: None if name in self.absent else f"/usr/bin/{name}",
            clock=lambda: SPRING_2027,
            python=(3, 11),
        )


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    monkeypatch.setattr("resource.getrlimit", lambda kind: (0, 0))
    monkeypatch.delenv("PCSCLITE_CSOCK_NAME", raising=False)
    return Fake(tmp_path / "root")


@pytest.fixture
def real(tmp_path: Path) -> config.Settings:
    """Settings of a kiosk in production, all files there."""
    for name in ("ca.pem", "g.pem", "c.pem", "k.pem"):
        (tmp_path / name).touch(mode=0o600)
    text = (
        '[kiosk]\nproduction = true\ninstitution_code = "1312345678"\n[reader]\ndriver = "pcsc"\n'
        '[card]\naccept = "jpki"\nrelying_party = "x"\nca_files = ["ca.pem"]\nphoto_ca_files = ["ca.pem"]\n'
        '[camera]\ndriver = "opencv"\n[scanner]\ndriver = "opencv"\ndevice = "2"\n[gateway]\ndriver = "https"\nurl = "https://gateway.example"\n'
        'ca_file = "g.pem"\nclient_cert = "c.pem"\nclient_key = "k.pem"\n[log]\nfolder = "log"\n'
    )
    return config.parse(text, tmp_path / "config.toml")


def found(settings: config.Settings, fake: Fake) -> dict[str, Finding]:
    return {finding.name: finding for finding in examine(settings, fake.machine())}


def missing(settings: config.Settings, fake: Fake) -> set[str]:
    return {name for name, finding in found(settings, fake).items() if finding.state is State.MISSING}


def test_a_simulated_kiosk_needs_no_hardware(fake: Fake, tmp_path: Path) -> None:
    fake.absent = {"smartcard", "pcscd"}
    settings = config.parse("", tmp_path / "config.toml")
    assert {finding.state for finding in found(settings, fake).values()} == {State.OK}


def test_production_with_everything(fake: Fake, real: config.Settings) -> None:
    (fake.root / "usr/lib/pcsc/drivers/serial/libifdvpcd.so").unlink()
    assert missing(real, fake) == {"staff PIN", "maintenance PIN"}
    set_practice(real.staff_hash_file)
    assert found(real, fake)["staff PIN"].found == "is the practice PIN, refused in production"


def test_whatever_is_missing_comes_with_something_to_do(fake: Fake, real: config.Settings) -> None:
    fake.absent = {"PySide6", "dlib", "smartcard", "pcscd", "face_recognition_models"}
    fake.readers, fake.fonts = [], (0, "")
    for finding in found(real, fake).values():
        assert (finding.state is State.OK) == (finding.do == ""), finding


@pytest.mark.parametrize(
    ("take", "name"),
    [
        ("smartcard", "pyscard"),
        ("pcscd", "pcscd"),
        ("cv2", "packages"),
        ("qt", "qt"),
        ("face_recognition_models", "face models"),
        ("rapidocr", "scanner packages"),
    ],
)
def test_missing_software(fake: Fake, real: config.Settings, take: str, name: str) -> None:
    before = missing(real, fake)
    fake.absent = {take}
    assert missing(real, fake) - before == {name}


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("dev/video0", "camera"),
        ("dev/video2", "scanner"),
        ("run/pcscd/pcscd.comm", "pcscd socket"),
        ("models-package/models/shape_predictor_5_face_landmarks.dat", "face models"),
    ],
)
def test_missing_files_of_the_machine(fake: Fake, real: config.Settings, file: str, name: str) -> None:
    before = missing(real, fake)
    (fake.root / file).unlink()
    assert missing(real, fake) - before == {name}


@pytest.mark.parametrize("name", ["ca.pem", "g.pem", "c.pem", "k.pem"])
def test_missing_certificates(fake: Fake, real: config.Settings, tmp_path: Path, name: str) -> None:
    before = missing(real, fake)
    (tmp_path / name).unlink()
    assert len(missing(real, fake) - before) >= 1


def test_a_key_that_others_may_read(fake: Fake, real: config.Settings, tmp_path: Path) -> None:
    (tmp_path / "k.pem").chmod(0o644)
    assert "client key mode" in missing(real, fake)


@pytest.mark.parametrize("readers", [VIRTUAL_READER, [], None])
def test_no_reader(fake: Fake, real: config.Settings, readers: list[str] | None) -> None:
    fake.readers = readers
    assert "reader" in missing(real, fake)


def test_the_reader_that_was_named(fake: Fake, real: config.Settings) -> None:
    assert "reader" not in missing(real, fake)
    assert found(real, fake)["reader"].found == "Example CCID Reader 00 00 (the only one)"
    named = replace(real, reader=config.ReaderTable(config.ReaderDriver.PCSC, "Another"))
    finding = found(named, fake)["reader"]
    assert finding.found == "none with reader.name in its name; there are: Example CCID Reader 00 00"
    fake.readers = ["Another CCID Reader 01 00", "Example CCID Reader 00 00"]
    assert found(named, fake)["reader"].found == "Another CCID Reader 01 00 (named by reader.name)"
    several = found(real, fake)["reader"]
    assert (several.state, several.found[:10]) == (State.WARNING, "2 are used")


def test_a_reader_whose_name_is_in_another_encoding(fake: Fake, real: config.Settings) -> None:
    fake.readers = ["読取機 00 00", "\udc93\xc7 00 01"]
    finding = found(real, fake)["reader"]
    assert "読取機 00 00" in finding.found
    finding.found.encode()  # can be printed


def test_a_virtual_camera_is_told_and_refused_in_production(fake: Fake, real: config.Settings) -> None:
    assert "virtual camera" not in found(real, fake)
    fake.write("sys/class/video4linux/video0/name", "OBS Virtual Camera\n")
    assert found(real, fake)["virtual camera"].state is State.MISSING
    practice = replace(real, kiosk=replace(real.kiosk, production=False))
    assert found(practice, fake)["virtual camera"].state is State.WARNING


def test_a_virtual_reader_is_refused_in_production(fake: Fake, real: config.Settings) -> None:
    assert "virtual reader" in missing(real, fake)
    (fake.root / "usr/lib/pcsc/drivers/serial/libifdvpcd.so").unlink()
    assert "virtual reader" not in missing(real, fake)
    fake.readers = ["Example CCID Reader", "Virtual PCD 00 00"]
    assert "virtual reader" in missing(real, fake)


def test_kernel_modules_that_take_the_reader(fake: Fake, real: config.Settings) -> None:
    (fake.root / "proc/modules").write_text("usbcore 1 0 - Live\npn533_usb 2 0 - Live\nnfc 3 1 pn533 - Live\n")
    finding = found(real, fake)["kernel modules"]
    assert finding.found == "nfc, pn533_usb take the reader"
    assert "packaging/uketsuke-nfc.conf" in finding.do


def test_kernel_modules_that_could_take_a_reader(fake: Fake, real: config.Settings) -> None:
    """Not loaded, but nothing keeps them out: the next reader that is plugged in is theirs."""
    fake.write("proc/sys/kernel/osrelease", "6.1.0-test\n")
    fake.write(
        "lib/modules/6.1.0-test/modules.dep", "kernel/drivers/nfc/pn533/pn533_usb.ko.xz: kernel/net/nfc/nfc.ko.xz"
    )
    finding = found(real, fake)["kernel modules"]
    assert (finding.state, finding.found[:15]) == (State.WARNING, "nfc, pn533_usb ")
    fake.write("etc/modprobe.d/nfc.conf", (PACKAGING / "uketsuke-nfc.conf").read_text())
    assert found(real, fake)["kernel modules"].state is State.OK


def test_what_is_shipped_for_the_reader_names_what_the_doctor_looks_for() -> None:
    blacklist = (PACKAGING / "uketsuke-nfc.conf").read_text()
    assert [line.split()[1] for line in blacklist.splitlines() if line[0] != "#"] == list(NFC_MODULES)
    rule = (PACKAGING / "50-uketsuke.rules").read_text()
    assert {"org.debian.pcsc-lite.access_pcsc", "org.debian.pcsc-lite.access_card"} <= set(
        re.findall(r'"([^"]+)"', rule)
    )
    user = re.search(r"^User=(\S+)", (PACKAGING / "uketsuke.service").read_text(), re.M)
    assert user is not None
    assert f'"{user[1]}"' in rule


@pytest.mark.parametrize(
    ("answer", "rule", "state", "said"),
    [
        (0, False, State.OK, "allows this user"),
        (1, False, State.MISSING, "refuses this user, and there is no rule"),
        (1, True, State.MISSING, "there is a rule, but it refuses this user"),
        (127, True, State.OK, "a rule is there"),
        (127, False, State.WARNING, "no rule for the kiosk's user"),
    ],
)
def test_polkit(fake: Fake, real: config.Settings, answer: int, rule: bool, state: State, said: str) -> None:
    assert found(real, fake)["polkit"].found == "not asked by this pcscd"
    fake.write("usr/share/polkit-1/actions/org.debian.pcsc-lite.policy", "<policyconfig/>")
    fake.pkcheck = answer
    if rule:
        fake.write("etc/polkit-1/rules.d/50-uketsuke.rules", (PACKAGING / "50-uketsuke.rules").read_text())
    finding = found(real, fake)["polkit"]
    assert (finding.state, finding.found) == (state, said)
    assert state is State.OK or "packaging/50-uketsuke.rules" in finding.do


@pytest.mark.parametrize("code", [scard.W_SECURITY_VIOLATION, scard.E_NO_ACCESS])
def test_pcscd_that_refuses_the_user(fake: Fake, real: config.Settings, code: int) -> None:
    fake.readers, fake.pcsc = [], code
    finding = found(real, fake)["reader"]
    assert (finding.state, finding.found) == (State.MISSING, "pcscd refuses this user")
    assert "polkit" in finding.do


def test_a_socket_that_may_not_be_used(fake: Fake, real: config.Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: not str(path).endswith("pcscd.comm"))
    assert found(real, fake)["pcscd socket"].found == "/run/pcscd/pcscd.comm may not be used by this user"


@pytest.mark.parametrize(
    "arguments", ["pcscd\0--foreground\0--apdu", "/usr/sbin/pcscd\0-fad", "pcscd\0-a"], ids=["long", "among", "short"]
)
def test_a_pcscd_that_writes_what_passes(fake: Fake, real: config.Settings, arguments: str) -> None:
    """VERIFY carries the PIN."""
    fake.process(900, "pcscd", "pcscd\0--foreground\0--auto-exit")
    assert found(real, fake)["pcscd log"].state is State.OK
    fake.process(900, "pcscd", arguments)
    assert found(real, fake)["pcscd log"].state is State.MISSING
    practice = replace(real, kiosk=replace(real.kiosk, production=False))
    assert found(practice, fake)["pcscd log"].state is State.WARNING


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("etc/default/pcscd", '# --apdu would be a mistake\nDAEMON_ARGS="--apdu"\n'),
        ("etc/systemd/system/pcscd.service.d/log.conf", "[Service]\nExecStart=/usr/sbin/pcscd -f --apdu\n"),
        ("etc/ld.so.preload", "/usr/lib/x86_64-linux-gnu/libpcscspy.so.0\n"),
    ],
)
def test_settings_that_will_write_what_passes(fake: Fake, real: config.Settings, file: str, text: str) -> None:
    fake.write("etc/default/pcscd", '# DAEMON_ARGS="--apdu"\nDAEMON_ARGS="--foreground --auto-exit"\n')
    assert found(real, fake)["pcscd log"].state is State.OK
    fake.write(file, text)
    assert found(real, fake)["pcscd log"].state is State.MISSING


def test_a_second_pcscd(fake: Fake, real: config.Settings) -> None:
    fake.process(900, "pcscd", "pcscd")
    assert found(real, fake)["pcscd processes"].found == "1"
    fake.process(901, "pcscd", "pcscd\0--config\0/tmp/x")
    assert found(real, fake)["pcscd processes"].state is State.MISSING


@pytest.mark.parametrize(
    ("name", "library", "said"),
    [
        ("scdaemon", True, "GnuPG's scdaemon has PC/SC open"),
        ("scdaemon", False, "GnuPG's scdaemon runs and may take the card"),
        ("firefox-esr", True, "a browser has PC/SC open"),
        ("firefox-esr", False, "none uses cards"),
        ("pkcs11-tool", False, "OpenSC runs and may take the card"),
        ("of-somebody", True, "another program has PC/SC open"),
        ("kiosk", True, "none uses cards"),
    ],
)
def test_who_else_uses_the_reader(fake: Fake, real: config.Settings, name: str, library: bool, said: str) -> None:
    fake.process(77, name, name, library=library)
    finding = found(real, fake)["other programs"]
    assert finding.found == said
    assert (finding.state is State.OK) == (said == "none uses cards")


def test_every_program_that_is_known_has_a_way_out() -> None:
    assert set(doctor_reader._HOLDERS) == set(CardProgram)


def test_a_reader_without_a_driver(fake: Fake, real: config.Settings) -> None:
    assert "RC-S380" not in found(real, fake)
    fake.write("sys/bus/usb/devices/1-1/idVendor", "054c\n")
    fake.write("sys/bus/usb/devices/1-1/idProduct", "06C3\n")
    finding = found(real, fake)["RC-S380"]
    assert (finding.state, "CCID" in finding.do) == (State.WARNING, True)


def test_what_pcsc_itself_says() -> None:
    api = FakeScard()
    assert survey(api) == {"result": 0, "readers": []}
    api.plug("Example Reader 00 00")
    assert survey(api) == {"result": 0, "readers": ["Example Reader 00 00"]}
    assert api.open_contexts == 0
    api.service(False)
    api.refused_with = scard.W_SECURITY_VIOLATION
    assert survey(api) == {"result": scard.W_SECURITY_VIOLATION, "readers": []}


def test_the_virtual_reader_s_parts(fake: Fake, tmp_path: Path) -> None:
    settings = config.parse('[reader]\ndriver = "vpcd"\n', tmp_path / "config.toml")
    assert missing(settings, fake) == set()
    fake.absent = {"pcscd", "unshare"}
    (fake.root / "usr/lib/pcsc/drivers/serial/libifdvpcd.so").unlink()
    assert missing(settings, fake) == {"pcscd", "unshare", "vpcd"}


@pytest.mark.parametrize(
    ("fonts", "state"),
    [((0, "Noto Sans CJK JP\n"), State.WARNING), ((0, ""), State.MISSING), ((127, ""), State.MISSING)],
)
def test_fonts(fake: Fake, real: config.Settings, fonts: tuple[int, str], state: State) -> None:
    fake.fonts = fonts
    assert found(real, fake)["fonts"].state is state


def test_fonts_without_fontconfig(fake: Fake, real: config.Settings) -> None:
    fake.fonts = (127, "")
    (fake.root / "usr/share/fonts").mkdir(parents=True)
    (fake.root / "usr/share/fonts/BIZUDPGothic-Regular.ttf").touch()
    assert found(real, fake)["fonts"].state is State.OK


def test_memory_that_reaches_the_disk(fake: Fake, real: config.Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    head = "Filename Type Size Used Priority\n"
    (fake.root / "proc/swaps").write_text(f"{head}/dev/dm-1 partition 1 0 -2\n/dev/zram0 partition 1 0 5\n")
    assert "swap" not in missing(real, fake)
    (fake.root / "proc/swaps").write_text(f"{head}/swapfile file 1 0 -2\n")
    monkeypatch.setattr("resource.getrlimit", lambda kind: (-1, -1))
    assert {"swap", "core dumps"} <= missing(real, fake)


def test_a_hand_off_folder_of_another_institution(fake: Fake, real: config.Settings) -> None:
    folder = real.handoff_folder / "face"
    folder.mkdir(parents=True)
    (folder / "OQSsiquc01res_face_1312345678aaaaaaaaaaaaaaaaaaaa_20270401090000.xml").touch()
    assert "hand-off files" not in missing(real, fake)
    (folder / "OQSsiquc01res_face_9910000001aaaaaaaaaaaaaaaaaaaa_20270401090000.xml").touch()
    assert "hand-off files" in missing(real, fake)


def test_the_clock(fake: Fake, real: config.Settings) -> None:
    machine = replace(fake.machine(), clock=lambda: 0.0)
    assert [finding.state for finding in examine(real, machine) if finding.name == "clock"] == [State.MISSING]
    fake.ntp = "no\n"
    assert found(real, fake)["clock source"].state is State.WARNING


def test_an_old_python(fake: Fake, real: config.Settings) -> None:
    machine = replace(fake.machine(), python=(3, 10))
    assert [finding.state for finding in examine(real, machine) if finding.name == "python"] == [State.MISSING]


def test_a_damaged_audit_and_a_closed_kiosk(fake: Fake, real: config.Settings) -> None:
    real.kiosk.state_dir.mkdir()
    real.audit_file.write_bytes(b"garbage" * 500)
    real.service_file.write_bytes(b"closed\n")
    assert "audit" in missing(real, fake)
    assert found(real, fake)["service"].state is State.WARNING


def test_nearest(tmp_path: Path) -> None:
    assert nearest(tmp_path / "a" / "b") == tmp_path


def test_a_probe_that_cannot_be_started() -> None:
    assert Machine().run(["/nonexistent/program"]) == (127, "")
    assert Machine().python_says("print(1)") == (0, "1\n")


def test_the_command(fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "Machine", fake.machine)
    file, result = tmp_path / "config.toml", tmp_path / "doctor.json"
    file.write_text("")
    assert cli.main(["doctor", "--config", str(file), "--json", str(result)]) == 0
    assert {finding["state"] for finding in json.loads(result.read_text())["findings"]} == {"ok"}
    file.write_text("x = 1\n")
    assert cli.main(["doctor", "--config", str(file), "--json", str(result)]) == 1
    assert json.loads(result.read_text())["findings"][0]["name"] == "config"


def test_the_key_of_the_queue(tmp_path: Path) -> None:
    machine, key = Machine(root=tmp_path), tmp_path / "queue.key"
    settings = config.parse("[downtime]\nqueue = true\nkey_file = 'queue.key'\n", tmp_path / "config.toml")

    def state() -> State:
        return next(finding.state for finding in examine(settings, machine) if finding.name == "queue key")

    assert state() is State.MISSING
    key.touch(0o600)
    key.write_bytes(bytes(32))
    assert state() is State.OK
    key.chmod(0o644)
    assert state() is State.MISSING


def test_folders_of_the_counters_cases(tmp_path: Path) -> None:
    text = '[consent]\nsubsidy = true\n[lookup]\nsource = "folder"\nfolder = "exchange"\n'
    settings = config.parse(text, tmp_path / "config.toml")
    names = {finding.name for finding in examine(settings, Machine(root=tmp_path))}
    assert {"side folder", "look-up req", "look-up res"} <= names


def test_a_leaflet_of_ones_own(tmp_path: Path) -> None:
    settings = config.parse('[leaflet]\npages = ["parking"]\ntexts_dir = "own"\n', tmp_path / "config.toml")

    def found() -> State:
        return next(each.state for each in examine(settings, Machine(root=tmp_path)) if each.name == "leaflet")

    assert found() is State.MISSING
    (tmp_path / "own").mkdir()
    for language in ("ja", "en"):
        (tmp_path / "own" / f"{language}.toml").write_text('[leaflet.garden]\ntitle = "x"\nbody = "y"\n')
    assert found() is State.MISSING
    for language in ("ja", "en"):
        (tmp_path / "own" / f"{language}.toml").write_text('[leaflet.parking]\ntitle = "x"\nbody = "y"\n')
    assert found() is State.OK


@pytest.mark.parametrize(("driver", "says"), [("off", "typed"), ("simulated", "simulated")])
def test_a_scanner_that_needs_no_camera(fake: Fake, tmp_path: Path, driver: str, says: str) -> None:
    settings = config.parse(f'[scanner]\ndriver = "{driver}"\n', tmp_path / "config.toml")
    scanner = found(settings, fake)["scanner"]
    assert scanner.state is State.OK
    assert says in scanner.found
