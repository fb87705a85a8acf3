"""The gate on full coverage: it knows its files, and a gap does not pass it."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.architecture.project import ROOT


@pytest.fixture(scope="module")
def gate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("perfect_files", ROOT / "tools" / "perfect_files.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def report(**changes: list[Any]) -> dict[str, Any]:
    return {"files": {"a.py": {"missing_lines": [], "missing_branches": []} | changes}}


def test_what_must_not_be_wrong_is_listed(gate: ModuleType) -> None:
    files = gate.perfect_files(ROOT)
    assert {"devices/secret.py", "kiosk/runtime/vault.py", "kiosk/reception/states.py"} <= set(files)
    assert any(file.startswith("kiosk/audit/") for file in files)
    folders = {(ROOT / file).parent for file in files if file.endswith("/__init__.py")}
    assert ROOT / "kiosk" / "reception" in folders
    subpackages = [path for folder in folders for path in folder.glob("*/*.py")]
    assert subpackages == [], "the patterns do not reach into sub-packages: extend them"


def test_a_pattern_that_names_nothing_is_an_error(gate: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.coverage.run]\ninclude = ["gone/*.py"]\n', encoding="utf-8")
    with pytest.raises(FileNotFoundError, match=r"gone/\*\.py"):
        gate.perfect_files(tmp_path)


def test_full_coverage_passes(gate: ModuleType) -> None:
    assert gate.gaps(["a.py"], report()) == []


@pytest.mark.parametrize("changes", [{"missing_lines": [7]}, {"missing_branches": [[7, 9]]}])
def test_a_missing_line_or_branch_does_not_pass(gate: ModuleType, changes: dict[str, list[Any]]) -> None:
    assert gate.gaps(["a.py"], report(**changes)) != []


def test_a_file_that_no_test_imports_does_not_pass(gate: ModuleType) -> None:
    assert gate.gaps(["b.py"], report()) == ["b.py: not imported by any test"]


def test_the_exit_code_says_so(gate: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.coverage.run]\ninclude = ["a.py"]\n', encoding="utf-8")
    (tmp_path / "a.py").touch()
    monkeypatch.chdir(tmp_path)
    for content, code in ((report(), 0), (report(missing_lines=[1]), 1)):
        Path("report.json").write_text(json.dumps(content), encoding="utf-8")
        assert gate.main(["report.json"]) == code
