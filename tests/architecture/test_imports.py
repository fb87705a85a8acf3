"""Who may import whom: the contracts hold, and each of them would notice a violation."""

from __future__ import annotations

import ast
import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.project import ROOT

# Each contract and an import, planted in a module of the file's name, that must break it.
VIOLATIONS = {
    "layers": ("kiosk/runtime/planted_layers.py", "import kiosk.app"),
    "neutral-records": ("kiosk/oqs/planted_adapter.py", "import kiosk.handoff"),
    "fhir": ("kiosk/runtime/planted_fhir.py", "import fhir.resources"),
    "ocr": ("devices/card/planted_ocr.py", "import rapidocr"),
    "pure-reception": ("kiosk/reception/planted_numpy.py", "import numpy"),
    "devices-below": ("devices/planted_kiosk.py", "import kiosk.reception"),
    "ui-sees-no-device": ("kiosk/ui/planted_device.py", "import devices.ports"),
    "devices-from-above": ("kiosk/eligibility/planted_device.py", "import devices.blob"),
    "sibling-devices": ("devices/pcsc/planted_sibling.py", "import devices.simulated"),
    "smartcard": ("devices/card/planted_smartcard.py", "import smartcard.scard"),
    "dlib": ("devices/camera/planted_dlib.py", "import dlib"),
    "networks": ("kiosk/handoff/planted_networks.py", "import onnx"),
    "statistics": ("devices/camera/planted_statistics.py", "import scipy"),
    "cv2": ("kiosk/ui/planted_cv2.py", "import cv2"),
    "requests": ("kiosk/handoff/planted_requests.py", "import requests"),
    "pyside": ("kiosk/runtime/planted_qt.py", "import PySide6.QtCore"),
}
IMPURE = {
    "asyncio", "concurrent", "ctypes", "io", "logging", "mmap", "multiprocessing", "os", "pathlib", "random", "secrets",
    "select", "selectors", "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess", "sys", "tempfile", "threading",
    "time", "urllib", "uuid",
}  # fmt: skip


def contracts() -> dict[str, str]:
    """Key -> name of every contract in .importlinter."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / ".importlinter", encoding="utf-8")
    prefix = "importlinter:contract:"
    return {key.removeprefix(prefix): settings[key]["name"] for key in settings.sections() if key.startswith(prefix)}


def lint(folder: Path) -> str:
    linter = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([linter, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False)
    return " ".join((result.stdout + result.stderr).split())


def test_every_contract_is_kept() -> None:
    output = lint(ROOT)
    assert f"Contracts: {len(contracts())} kept, 0 broken." in output, output


@pytest.fixture(scope="module")
def broken_house(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the linter says of a copy of the house in which every contract is broken once."""
    house = tmp_path_factory.mktemp("house")
    for name in ("kiosk", "devices"):
        shutil.copytree(ROOT / name, house / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", house)
    for file, statement in VIOLATIONS.values():
        (house / file).write_text(f"{statement}\n", encoding="utf-8")
    return lint(house)


@pytest.mark.parametrize("key", contracts())
def test_a_violation_breaks_the_contract(key: str, broken_house: str) -> None:
    assert key in VIOLATIONS, "a new contract needs a violation that proves it"
    assert f"{contracts()[key]} BROKEN" in broken_house


def imported(source: str) -> set[str]:
    """Top-level names of what a module imports, wherever in it; relative imports do not count."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def test_reception_imports_the_pure_part_of_the_standard_library_only() -> None:
    allowed = (set(sys.stdlib_module_names) - IMPURE) | {"kiosk"}
    modules = sorted((ROOT / "kiosk" / "reception").glob("**/*.py"))
    assert modules
    strangers = {path.name: imported(path.read_text(encoding="utf-8")) - allowed for path in modules}
    assert {name: found for name, found in strangers.items() if found} == {}


def test_the_reader_of_imports_finds_late_ones() -> None:
    assert imported("def f():\n    from threading import Timer\nimport numpy.linalg as x") == {"threading", "numpy"}
