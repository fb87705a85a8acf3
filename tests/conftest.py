"""What every test shares: the PC/SC lane's one rule, Hypothesis without a clock on shared machines, coverage of the
processes that run tests and of no other."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import NoReturn

import coverage
import pytest
from hypothesis import settings

# As every child process of the kiosk has it: two threads of a matrix product that wait for each other on a machine
# with other work took 600 ms where one takes 12. Read when NumPy is loaded, hence before the imports below.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from devices.simulated.pcscd import missing_parts

if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

settings.register_profile("shared-machine", deadline=None, print_blob=True)
settings.load_profile("shared-machine")


# The tests that must reach every branch (`[tool.coverage.run]`): the others are not traced. Tracing costs in every file
# that runs, not only in the traced ones: a fifth of the processor time of tests of the card, two thirds of a walk.
TRACED = (
    "conformance",
    "contract/folder",
    "e2e/test_downtime.py",
    "flows",
    "ui/test_lookup.py",
    "ui/test_number.py",
    "unit/audit",
    "unit/downtime",
    "unit/eligibility",
    "unit/fullresult",
    "unit/handoff",
    "unit/oqs",
    "unit/oqs_folder",
    "unit/reception",
    "unit/runtime",
    "unit/test_secret.py",
)
_HERE = Path(__file__).parent
_TRACED = frozenset(_HERE / name for name in TRACED)
assert all(path.exists() for path in _TRACED), "a traced test is not there any more"
_COVERAGE = coverage.Coverage.current()  # None: nobody measures


def pytest_configure(config: pytest.Config) -> None:
    """Coverage (`tools/test`) has started in this process; what the tests start is not traced and stays as it is.
    The process that only hands out the tests keeps the variable for those that run them."""
    if not config.getoption("numprocesses", None):
        os.environ.pop("COVERAGE_PROCESS_START", None)


def pytest_collection_finish() -> None:
    """Up to here the tests were imported, and with them the lines outside of functions."""
    if _COVERAGE is not None:
        _COVERAGE.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    meant = item.get_closest_marker("untraced") is None and not _TRACED.isdisjoint((item.path, *item.path.parents))
    if _COVERAGE is None or not meant:
        return (yield)
    with _COVERAGE.collect():
        return (yield)


APT_LINE = "apt-get install --no-install-recommends pcscd vsmartcard-vpcd opensc openssl"


def demand_lane(also_missing: list[str] | None = None) -> None:
    """The one place that decides what happens without the lane: a failure in CI, a skip with the way out elsewhere."""
    if missing := [*missing_parts(), *(also_missing or [])]:
        no_lane(f"no PC/SC lane ({'; '.join(missing)}). Install it: {APT_LINE}")


def no_lane(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


Figures = Callable[[str], None]


@pytest.fixture
def figures(record_property: Callable[[str, object], None]) -> Figures:
    """What a test measured: printed at the end of the run, also when another process ran the test."""
    return lambda text: record_property("figures", text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome)]
    for report in reports:
        for name, text in getattr(report, "user_properties", []):
            if name == "figures" and report.when == "call":
                terminalreporter.write_line(f"\n{report.nodeid}\n{text}")


@pytest.fixture(scope="session")
def pcsc_lane() -> None:
    """Needed by everything that starts a `PcscdLane`."""
    demand_lane()
