"""The README is true in both languages, and names what the Makefile and CI really do."""

from __future__ import annotations

import re

import pytest

from tests.architecture.project import ROOT


def outline(markdown: str) -> tuple[list[int], list[str]]:
    """Levels of the headings, and the command lines of the fenced blocks, in order."""
    levels, commands, fenced = [], [], False
    for line in markdown.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif fenced:
            command = line.split("#")[0].strip()
            if re.match(r"(make|git|tools/|\.venv/|kiosk|python3?|sudo)\b", command):
                commands.append(command)
        elif heading := re.match(r"(#{1,6}) \S", line):
            levels.append(len(heading[1]))
    return levels, commands


def readme(name: str) -> tuple[list[int], list[str]]:
    return outline((ROOT / name).read_text(encoding="utf-8"))


def make_targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z-]+):(?!=)", makefile, re.MULTILINE))


def test_both_languages_have_the_same_headings() -> None:
    levels, _ = readme("README.md")
    assert levels
    assert readme("README.ja.md")[0] == levels


def test_both_languages_have_the_same_commands() -> None:
    _, commands = readme("README.md")
    assert commands
    assert readme("README.ja.md")[1] == commands


@pytest.mark.parametrize("name", ["README.md", "README.ja.md"])
def test_every_make_target_that_is_named_exists(name: str) -> None:
    named = set(
        re.findall(r"`?\bmake ([a-z][a-z-]*)", "\n".join(code(ROOT.joinpath(name).read_text(encoding="utf-8"))))
    )
    assert named
    assert named <= make_targets()


def code(markdown: str) -> list[str]:
    """What stands in fenced blocks and in backticks."""
    return re.findall(r"```.*?```", markdown, re.DOTALL) + re.findall(r"`[^`\n]+`", markdown)


def test_ci_runs_nothing_that_the_readme_does_not_tell() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    steps = [line for line in script if line and not line.startswith(("#", "set ", "cd "))]
    assert steps == ["make check", "make test"]
    told = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [step for step in steps if step not in told] == []


def test_the_outline_sees_a_missing_heading_and_a_changed_command() -> None:
    text = "# A\n## B\n```sh\nmake demo   # all\n```\n"
    assert outline(text) == ([1, 2], ["make demo"])
    assert outline(text.replace("## B\n", "")) != outline(text)
    assert outline(text.replace("demo", "run")) != outline(text)
