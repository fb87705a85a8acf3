"""The log lets nothing personal through. Every test first plants what it then looks for."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk import log
from kiosk.log import JsonLines, describe

PLANTED = ("試験太郎", "ヤマダ", "8317", "1980-01-02", "12345678", "Yamada Taro")


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = (root.level, root.handlers[:], logging.raiseExceptions)
    hooks = (sys.excepthook, threading.excepthook, sys.unraisablehook)
    stream = io.StringIO()
    log.configure("debug", stream=stream)
    yield stream
    logging.captureWarnings(False)
    for handler in root.handlers[:]:
        if handler not in before[1]:
            root.removeHandler(handler)
            handler.close()
    root.setLevel(before[0])
    logging.raiseExceptions = before[2]
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def clean(stream: io.StringIO) -> None:
    text = stream.getvalue()
    assert text
    decoded = json.dumps(lines(stream), ensure_ascii=False)
    for planted in PLANTED:
        assert planted not in text
        assert planted not in decoded


class Word(StrEnum):
    LOST = "camera_lost"


def test_what_the_project_says_is_kept(stream: io.StringIO) -> None:
    log.get("runtime.loop").bind(component="card").warning(
        "worker_replaced", exit_code=-9, fault=Word.LOST, code="G-104", seconds=1.5, status=None, pid=12345
    )
    (line,) = lines(stream)
    assert line.pop("at").endswith("+00:00")
    assert line == {
        "level": "warning",
        "logger": "kiosk.runtime.loop",
        "event": "worker_replaced",
        "component": "card",
        "exit_code": -9,
        "fault": "camera_lost",
        "code": "G-104",
        "seconds": 1.5,
        "status": None,
        "pid": 12345,
    }


@pytest.mark.parametrize("planted", PLANTED)
def test_planted_everywhere(stream: io.StringIO, planted: str) -> None:
    logger = log.get("runtime.loop")
    logger.info(planted)
    logger.info("pin_entered", pin=planted, name=planted, count=planted, state=planted)
    logger.debug("pin_entered", **{planted: 1})
    logger.bind(**{planted: planted}).info("pin_entered")
    logging.getLogger("kiosk.x").warning("patient_came %s", planted)
    logging.getLogger("kiosk.x").warning(planted)
    logging.getLogger("kiosk.x").warning("patient_came", extra={"reason": planted, planted: planted})
    logging.getLogger("urllib3.connectionpool").error("GET /v1/receptions/%s", planted)
    logging.getLogger("urllib3.connectionpool").error("patient_came", stack_info=True)
    logging.getLogger(f"kiosk.{planted}").error("patient_came")
    logging.getLogger("kiosk.x").error({"name": planted})
    clean(stream)
    assert len(lines(stream)) == 11


def test_numbers_as_long_as_a_pin_only_where_none_can_be(stream: io.StringIO) -> None:
    log.get("a").info("card_seen", count=8317, attempt=8317, tries_left=8317, seconds=10**8, state=8317, fault="x8317")
    clean(stream)
    (line,) = lines(stream)
    assert {line[name] for name in ("count", "attempt", "tries_left", "seconds", "state", "fault")} == {log.REDACTED}


def fail(name: str) -> None:
    local = f"{name} 8317"
    try:
        raise ValueError(local)
    except ValueError as error:
        raise OSError(f"cannot open {local}") from error


def test_exceptions_by_type_and_place(stream: io.StringIO) -> None:
    try:
        fail("試験太郎")
    except OSError as error:
        log.get("a").error("job_failed", error)
        logging.getLogger("kiosk.x").exception("job_failed")
        logging.getLogger("kiosk.x").exception("cannot: %s", error)
    clean(stream)
    for line in lines(stream):
        kinds = [text.split(" at ")[0] for text in line["errors"]]
        assert kinds == ["OSError", "ValueError"]
        assert all("test_log.py:" in text for text in line["errors"])


def test_describe_follows_context_and_ends() -> None:
    error = ValueError("x")
    error.__context__ = OSError("y")
    assert describe(error) == ["ValueError", "OSError"]
    error.__suppress_context__ = True
    assert describe(error) == ["ValueError"]
    error.__cause__ = error
    assert len(describe(error)) == 5


def test_the_package_is_named_once(stream: io.StringIO) -> None:
    log.get("app").info("kiosk_started")
    log.get("kiosk.app").info("kiosk_started")
    assert [line["logger"] for line in lines(stream)] == ["kiosk.app", "kiosk.app"]


def test_an_unnamed_event_says_where_it_came_from(stream: io.StringIO) -> None:
    log.get("a").warning("Something else")
    assert lines(stream)[0]["place"].startswith("test_log.py:")


def test_uncaught_exceptions(stream: io.StringIO) -> None:
    crashed: list[int] = []
    log.install_hooks(lambda: crashed.append(1))
    try:
        fail("試験太郎")
    except OSError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    thread = threading.Thread(target=fail, args=("試験太郎",))
    thread.start()
    thread.join()
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    clean(stream)
    assert [line["event"] for line in lines(stream)] == ["exception_uncaught"] * 2
    assert len(crashed) == 2


def test_unraisable_exceptions(stream: io.StringIO) -> None:
    log.install_hooks()

    class Dying:
        def __del__(self) -> None:
            fail("試験太郎")

    dying = Dying()
    del dying
    clean(stream)
    assert lines(stream)[0]["event"] == "exception_unraisable"


def test_warnings_of_libraries(stream: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("試験太郎 8317", UserWarning, stacklevel=1)
        logging.getLogger("py.warnings").warning("%s", "試験太郎 8317")
    clean(stream)


def test_a_handler_that_fails_prints_nothing(stream: io.StringIO, capfd: pytest.CaptureFixture[str]) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "試験太郎")

    log.configure(stream=Full())
    log.get("a").warning("patient_came", name="試験太郎")
    assert capfd.readouterr() == ("", "")


def test_the_file_is_private(stream: io.StringIO, tmp_path: Path) -> None:
    log.configure(folder=tmp_path / "log", stream=stream)
    log.get("a").warning("kiosk_started")
    file = tmp_path / "log" / "kiosk.log"
    assert json.loads(file.read_text())["event"] == "kiosk_started"
    assert file.stat().st_mode & 0o077 == 0


def test_the_level(stream: io.StringIO) -> None:
    log.configure("warning", stream=stream)
    log.get("a").info("kiosk_started")
    assert stream.getvalue() == ""


@given(st.text(), st.dictionaries(st.sampled_from(sorted(log._WORDS | log._NUMBERS.keys())), st.text() | st.integers()))
def test_no_text_gets_through_unshaped(event: str, fields: dict[str, Any]) -> None:
    record = logging.makeLogRecord({"name": "kiosk.x", "msg": event, "_fields": fields, "pathname": "a.py"})
    line = json.loads(JsonLines().format(record))
    for name in ("event", *fields):
        value = line[name] if name != "at" else line.get("at_", line["at"])
        if isinstance(value, str):
            assert value == log.REDACTED or (value.isascii() and " " not in value)
