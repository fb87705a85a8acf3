"""What no file of the project may hold. The patterns are put together from pieces, so as not to find themselves."""

from __future__ import annotations

import re

import pytest

from tests.architecture.project import ROOT, lines_that_match, tracked

DOT = r"\."
REGISTRIES = "|".join(
    DOT.join(pieces)
    for pieces in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("debian", "org"),
        ("ubuntu", "com"),
        ("npmjs", "org"),
        ("crates", "io"),
        ("docker", "io"),
        ("huggingface", "co"),
        ("anaconda", "org"),
    )
)
DOWNLOAD_ADDRESS = (
    r"https?://\S*(/simple/|/packages/[0-9a-f]{2}/|/dists/|/releases/download/"
    r"|\.(whl|deb|tar\.gz|tgz|zip|dat|onnx|ttf|otf)\b)"
)
INDEX_OPTION = "index" + "-url|find" + "-links"
MACHINE_PATH = r"(?<![\w.$}/~-])/(wo[r]k|fa[r]m|ro[o]t|home/[a-z]+/(?!uketsuke))(/|\b)"
CREDENTIAL = (
    r"-----BEGIN [A-Z ]*PRI" + r"VATE KEY-----\s*$|gh[pous]_[A-Za-z0-9]{30}|AKIA[0-9A-Z]{16}|://[^/\s:@]+:[^/\s@{]+@"
)
# 0.6 is the common default of the face library. For Japanese faces it lets one pair of strangers in three through.
LAX_FACE_THRESHOLD = r"(?i)(tolerance|threshold)\w*[^#\n]{0,40}?(?<![\d.])0?\.60*(?!\d)"

FORBIDDEN = {
    "registry host": (REGISTRIES, ("",)),
    "download address": (DOWNLOAD_ADDRESS, ("",)),
    "package index option": (INDEX_OPTION, ("",)),
    "path of one machine": (MACHINE_PATH, ("",)),
    "credential": (CREDENTIAL, ("",)),
    "lax face threshold": (LAX_FACE_THRESHOLD, (".py", ".toml")),
    "lambda kept by a Qt signal": (r"\.connect\(\s*lambda\b", (".py",)),
}
PLANTED = {
    "registry host": "see files.python" + "hosted.org",
    "download address": "https" + "://example.test/models/face" + ".dat",
    "package index option": "pip install --index" + "-url x",
    "path of one machine": "open('/ro" + "ot/notes')",
    "credential": "https" + "://user:secret" + "@example.test",
    "lax face threshold": "tolerance: float = 0." + "6",
    "lambda kept by a Qt signal": "button.clicked.connect(lam" + "bda: self.go())",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_tracked_file_holds_a(what: str) -> None:
    pattern, suffixes = FORBIDDEN[what]
    assert lines_that_match(pattern, suffixes) == []


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_pattern_finds_a_planted(what: str) -> None:
    assert re.search(FORBIDDEN[what][0], PLANTED[what])


@pytest.mark.parametrize("line", ["threshold = 0.25", "tolerance = 0.65", "min_threshold=0.06", "threshold = 10.6"])
def test_other_thresholds_are_not_mistaken_for_the_lax_one(line: str) -> None:
    assert not re.search(LAX_FACE_THRESHOLD, line)


def test_no_tracked_file_is_large() -> None:
    assert {path.name: path.stat().st_size for path in tracked() if path.stat().st_size > 500_000} == {}


def test_nothing_was_vendored() -> None:
    weights_and_fonts = {
        ".dat",
        ".onnx",
        ".pb",
        ".pt",
        ".tflite",
        ".h5",
        ".ttf",
        ".otf",
        ".ttc",
        ".woff",
        ".woff2",
        ".whl",
        ".deb",
    }
    assert [path.relative_to(ROOT).as_posix() for path in tracked() if path.suffix in weights_and_fonts] == []
