"""config.toml: defaults, every error at once, rules between keys, generated texts."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk import config
from kiosk.downtime.queue import MAX_HOURS
from kiosk.reception.consent import MEDICAL, Item
from kiosk.reception.policy import Policy
from kiosk.reception.questions import Kind

ROOT = Path(__file__).parents[3]
FILE = Path("config.toml")


def problems(text: str, *overrides: str) -> list[config.Problem]:
    with pytest.raises(config.ConfigError) as caught:
        config.parse(text, FILE, overrides)
    return list(caught.value.problems)


def attempt(text: str) -> config.Settings | tuple[config.Problem, ...]:
    try:
        return config.parse(text, FILE)
    except config.ConfigError as error:
        return error.problems


def one(text: str, *overrides: str) -> config.Problem:
    found = problems(text, *overrides)
    assert len(found) == 1, found
    return found[0]


PRODUCTION = """
[kiosk]
production = true
institution_code = "1312345678"
[reader]
driver = "pcsc"
[card]
accept = "jpki"
relying_party = "Example"
ca_files = ["ca.pem"]
[camera]
driver = "opencv"
[scanner]
driver = "opencv"
[gateway]
driver = "https"
url = "https://gateway.example:8443/api"
ca_file = "g.pem"
client_cert = "c.pem"
client_key = "k.pem"
"""


def test_the_shipped_file_is_the_code_s_defaults() -> None:
    assert config.load(ROOT / "config.toml") == dataclasses.replace(
        config.Settings(), kiosk=config.KioskTable(state_dir=ROOT / "state")
    )


def test_the_shipped_file_is_fresh() -> None:
    assert (ROOT / "config.toml").read_text(encoding="utf-8") == config.template()


def test_the_reference_is_fresh() -> None:
    assert (ROOT / "docs" / "config.md").read_text(encoding="utf-8") == config.reference()


def test_an_empty_file_is_the_defaults() -> None:
    assert config.parse("", FILE) == config.Settings()


def test_every_key_of_the_file_is_one_of_the_code() -> None:
    text = config.template()
    for table in dataclasses.fields(config.Settings):
        assert f"[{table.name}]" in text
        for key in dataclasses.fields(getattr(config.Settings(), table.name)):
            assert f"\n{key.name} = " in text


def test_policy_of_the_defaults_is_the_domain_s() -> None:
    assert config.Settings().policy() == Policy(scanner=True)
    assert not config.parse('[scanner]\ndriver = "off"\n', FILE).policy().scanner


def test_policy_follows_the_file() -> None:
    policy = config.parse(
        '[consent]\nquestions = ["手術"]\n[face]\nattempts = 2\n[times]\npage_seconds = 120\n'
        '[kiosk]\ninstitution_name = "試験クリニック"\nlanguages = ["ja"]\n',
        FILE,
    ).policy()
    assert policy.questions == (Item.SURGERY, Item.DISEASE)
    assert (policy.face_attempts, policy.page_seconds) == (2, 120.0)
    assert (policy.institution_name, policy.languages) == ("試験クリニック", ("ja",))


def test_every_medical_question_has_its_word() -> None:
    assert tuple(question.item for question in config.Question) == MEDICAL


def test_what_is_asked_follows_the_settings() -> None:
    def questions(text: str, kind: str = "医科") -> tuple[Item, ...]:
        return config.parse(f'[kiosk]\nkind = "{kind}"\n[consent]\nquestions = []\n{text}', FILE).policy().questions

    assert questions("") == (Item.DISEASE,)
    assert questions("specific_disease = false") == ()
    assert questions('limit = "ask"') == (Item.DISEASE, Item.LIMIT)
    assert questions("subsidy = true") == (Item.DISEASE, Item.SUBSIDY)
    assert questions("dispense = true", "調剤") == (Item.DISEASE, Item.DISPENSE)
    for prescription, timing, asked in (
        ("off", "confirmation", False),
        ("electronic", "confirmation", False),
        ("paper", "confirmation", False),
        ("both", "other", False),
        ("both", "confirmation", True),
    ):
        found = questions(f'prescription = "{prescription}"\nprescription_timing = "{timing}"')
        assert (Item.PRESCRIPTION in found) is asked


def test_the_cases_of_this_counter() -> None:
    policy = config.parse(
        '[kiosk]\nkind = "歯科"\n[lookup]\nsource = "off"\n[downtime]\nqueue = true\nkey_file = "/run/kiosk/key"\n'
        '[leaflet]\npages = ["tax", "card"]\n',
        FILE,
    ).policy()
    assert (policy.kind, policy.lookup, policy.postpone) == (Kind.DENTAL, False, True)
    assert policy.leaflet == ("tax", "card")
    assert policy.number_questions == (Item.LIMIT,)
    assert config.parse("[leaflet]\nshow = false\n", FILE).policy().leaflet == ()


@pytest.mark.parametrize(
    ("text", "key", "allowed"),
    [
        ('[lookup]\nsource = "folder"', "lookup.folder", "a path"),
        ('[lookup]\nsource = "folder"\nfolder = "x"\nseconds = 40', "lookup.seconds", "less than 40"),
        ("[downtime]\nqueue = true", "downtime.key_file", "a path outside kiosk.state_dir"),
        ('[downtime]\nqueue = true\nkey_file = "state/key"', "downtime.key_file", "a path outside kiosk.state_dir"),
        ('[downtime]\nqueue = true\nkey_file = "x/../state/key"', "downtime.key_file", "outside"),
        ("[downtime]\nhours = 25", "downtime.hours", "1 to 24"),
        ("[consent]\ndispense = true", "consent.dispense", "調剤"),
        ('[kiosk]\nkind = "調剤"\n[consent]\nprescription = "both"', "consent.prescription", '"off"'),
        ('[consent]\nlimit = "never"', "consent.limit", '"law", "ask"'),
        ('[leaflet]\npages = ["taxes"]', "leaflet.pages", "card, bring"),
        ("[leaflet]\npages = []", "leaflet.pages", "not empty"),
    ],
)
def test_what_does_not_go_together_names_key_line_and_what_is_allowed(text: str, key: str, allowed: str) -> None:
    problem = one(text)
    assert problem.key == key
    assert problem.line > 0
    assert allowed in problem.allowed


def test_pages_of_ones_own_need_texts_of_ones_own() -> None:
    text = '[leaflet]\npages = ["card", "parking"]\n'
    assert one(text).key == "leaflet.pages"
    assert config.parse(f'{text}texts_dir = "leaflet"\n', FILE).policy().leaflet == ("card", "parking")


def test_a_queue_keeps_nothing_longer_than_a_day() -> None:
    assert config.Settings().downtime.hours == MAX_HOURS
    with pytest.raises(config.ConfigError):
        config.parse(f"[downtime]\nhours = {MAX_HOURS + 1}\n", FILE)


def test_side_files_lie_beside_the_face_files() -> None:
    settings = config.parse('[handoff]\nfolder = "share/face"\n', Path("/etc/kiosk/config.toml"))
    assert settings.side_folder == Path("/etc/kiosk/share/extension")
    settings = config.parse('[handoff]\nside_folder = "mine"\n', Path("/etc/kiosk/config.toml"))
    assert settings.side_folder == Path("/etc/kiosk/mine")


def test_production() -> None:
    settings = config.parse(PRODUCTION, Path("/etc/kiosk/config.toml"))
    assert settings.kiosk.production
    assert not settings.simulated
    assert settings.gateway.client_key == Path("/etc/kiosk/k.pem")
    assert settings.card.ca_files == (Path("/etc/kiosk/ca.pem"),)


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("reader.driver=simulated", "reader.driver"),
        ("reader.driver=vpcd", "reader.driver"),
        ("camera.driver=simulated", "camera.driver"),
        ("scanner.driver=simulated", "scanner.driver"),
        ("gateway.driver=simulated", "gateway.driver"),
        ("card.accept=test-pki", "card.accept"),
        ("face.engine=face_recognition", "face.engine"),
        ("face.liveness=off", "face.liveness"),
        ('kiosk.institution_code="9912345678"', "kiosk.institution_code"),
        ("card.relying_party=", "card.relying_party"),
        ("card.ca_files=[]", "card.ca_files"),
        ("gateway.url=", "gateway.url"),
        ("gateway.ca_file=", "gateway.ca_file"),
        ("gateway.client_cert=", "gateway.client_cert"),
        ("gateway.client_key=", "gateway.client_key"),
    ],
)
def test_production_refuses(override: str, key: str) -> None:
    assert key in {problem.key for problem in problems(PRODUCTION, override)}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[face]\naccept = 0.25\n", "face.accept"),
        ("[face]\naccept = 0.2\ngrey = 0.2\n", "face.grey"),
        ("[face]\ngrey = 0.31\n", "face.grey"),
        ('[face]\nengine = "face_recognition"\naccept = 0.41\ngrey = 0.45\n', "face.accept"),
        (
            '[camera]\ndriver = "opencv"\ndevice = "0"\n[scanner]\ndriver = "opencv"\ndevice = "0"\n',
            "scanner.device",
        ),
        ("[gateway]\nread_seconds = 30\n", "gateway.overall_seconds"),
        ("[gateway]\noverall_seconds = 60\n", "times.work_seconds"),
        ("[screen]\ndiagonal_mm = 400\nmm_per_px = 0.2\n", "screen.mm_per_px"),
        ('[kiosk]\nlanguages = ["en"]\n', "kiosk.languages"),
        ('[kiosk]\ninstitution_code = "1312345678"\n', "kiosk.institution_code"),
        ('[gateway]\nurl = "https://"\n', "gateway.url"),
        ('[gateway]\nurl = "https://host:99999/"\n', "gateway.url"),
    ],
)
def test_rules_between_keys(text: str, key: str) -> None:
    found = one(text)
    assert found.key == key
    assert found.allowed


def test_the_library_s_thresholds_go_with_the_library() -> None:
    settings = config.parse('[face]\nengine = "face_recognition"\naccept = 0.4\ngrey = 0.45\n', FILE)
    assert (settings.face.accept, settings.face.grey) == (0.4, 0.45)


def test_jpki_with_simulated_gateway_is_refused() -> None:
    found = problems('[card]\naccept = "jpki"\nrelying_party = "x"\nca_files = ["x"]\n')
    assert {problem.key for problem in found} == {"card.accept", "reader.driver"}


def test_all_errors_at_once_with_lines() -> None:
    text = '[kiosk]\nlangauges = ["ja"]\n\n[face]\naccept = "much"\nattempts = 0\n[camra]\ndriver = 1\n'
    found = problems(text)
    assert [(problem.line, problem.key) for problem in found] == [
        (2, "kiosk.langauges"),
        (5, "face.accept"),
        (6, "face.attempts"),
        (7, "camra"),
    ]
    assert 'did you mean "languages"?' in found[0].what
    assert 'did you mean "camera"?' in found[3].what
    assert all(problem.allowed for problem in found)


def test_the_error_names_file_line_key_found_and_allowed() -> None:
    with pytest.raises(config.ConfigError) as caught:
        config.parse('[camera]\ndriver = "opncv"\n', FILE)
    assert caught.value.lines() == [
        'config.toml:2: camera.driver: found "opncv", did you mean "opencv"?; allowed: "opencv", "simulated"'
    ]


@pytest.mark.parametrize(
    "text",
    [
        '[maintenance]\npin_hash_file = "$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA"\n',
        "[maintenance]\npin_hash_file = 83178317\n",
        '[maintenance]\npin = "83178317"\n',
        '[gateway]\nurl = "https://user:83178317' + '@host/"\n',
        "[gateway]\nclient_key = 83178317\n",
        '[gateway]\nterminal_id = "83178317 83178317"\n',
        'x = "83178317\n',
        "[kiosk]\nx = 83178317 83178317\n",
    ],
)
def test_what_may_be_secret_is_not_shown(text: str) -> None:
    with pytest.raises(config.ConfigError) as caught:
        config.parse(text, FILE)
    told = "\n".join([*caught.value.lines(), str(caught.value), repr(caught.value.problems)])
    assert "8317" not in told
    assert "argon2" not in told


def test_not_toml() -> None:
    found = one('[kiosk]\nkind = "医科"\nkind = [\n')
    assert found.line in (3, 4)
    assert "TOML" in found.what


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(config.ConfigError) as caught:
        config.load(tmp_path / "none.toml")
    assert caught.value.lines() == ["none.toml: cannot be read (FileNotFoundError)"]


@pytest.mark.parametrize("text", ["kiosk = 1\n", '[[kiosk]]\nkind = "医科"\n'])
def test_a_table_is_a_table(text: str) -> None:
    assert one(text).allowed == "a table [kiosk]"


@pytest.mark.parametrize("override", ["kiosk", "kiosk.kind", "=1", "", "kiosk=1"])
def test_an_override_that_cannot_be_read(override: str) -> None:
    assert "--set" in problems("", override)[0].what


def test_an_override_wins_and_takes_bare_words() -> None:
    settings = config.parse('[log]\nlevel = "info"\n', FILE, ["log.level=debug", "screen.scale=1.5", "camera.device=0"])
    assert settings.log.level is config.Level.DEBUG
    assert settings.screen.scale == 1.5
    assert settings.camera.device == "0"
    assert config.parse("", FILE, ["kiosk.institution_code=9912345678"]).kiosk.institution_code == "9912345678"
    assert config.parse("", FILE, ['camera.device="/dev/video1"']).camera.device == "/dev/video1"


@pytest.mark.parametrize("value", ["true", "1.5", "[]", "1979-05-27", "{}", '"医"', "nan", "-1"])
def test_no_value_of_a_wrong_kind_passes(value: str) -> None:
    """Every key refuses what it cannot be; nothing is converted silently."""
    for table in dataclasses.fields(config.Settings):
        for key in dataclasses.fields(getattr(config.Settings(), table.name)):
            text = f"[{table.name}]\n{key.name} = {value}\n"
            settings = attempt(text)
            if isinstance(settings, tuple):
                assert all(problem.line == 2 or problem.key != f"{table.name}.{key.name}" for problem in settings)
                continue
            default = getattr(getattr(config.Settings(), table.name), key.name)
            read = getattr(getattr(settings, table.name), key.name)
            assert default is None or isinstance(read, type(default)), (text, read)


@pytest.mark.parametrize("value", ["9" * 400, "9" * 5000, "[" * 3000, "1e999", "-inf", "0x" + "f" * 400])
def test_monstrous_values(value: str) -> None:
    assert problems(f"[screen]\nscale = {value}\n")
    assert problems("", f"screen.scale={value}")


@given(st.text(max_size=200))
def test_any_text_is_settings_or_a_config_error(text: str) -> None:
    settings = attempt(text)
    if isinstance(settings, tuple):
        assert settings
        assert all(str(problem) for problem in settings)


def test_paths_of_a_state_folder() -> None:
    settings = config.parse('[kiosk]\nstate_dir = "/var/lib/kiosk"\n', Path("/etc/config.toml"))
    folder = Path("/var/lib/kiosk")
    assert settings.audit_file == folder / "audit.db"
    assert settings.handoff_folder == folder / "handoff"
    assert settings.staff_hash_file == folder / "staff.hash"
    assert settings.maintenance_hash_file == folder / "maintenance.hash"
    assert settings.service_file.parent == settings.staff_throttle_file.parent == folder
    assert settings.maintenance_throttle_file != settings.staff_throttle_file


def test_a_page_is_never_shorter_than_a_minute() -> None:
    assert one("[times]\npage_seconds = 59\n").key == "times.page_seconds"


def test_no_lax_library_threshold_anywhere() -> None:
    for text in (config.template(), config.reference(), (ROOT / "kiosk" / "config.py").read_text(encoding="utf-8")):
        assert "0.6" not in text
