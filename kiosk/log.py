"""The log: JSON lines to standard error and, if wanted, a file. No personal data by construction.

Every record, also those of libraries, passes `_line` last. It keeps what this project names itself: an event of two
or more lower-case words, fields of `_WORDS` and `_NUMBERS` with values of the right shape. Everything else becomes
"[redacted]"; of an exception only its type and place (file:line) are kept, never its message or its variables.

    log = get("runtime.loop")
    log.warning("worker_replaced", component="card", exit_code=-9)
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import re
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO, cast

import structlog

REDACTED = "[redacted]"
# Fields that hold one word of the project or of a library's vocabulary.
_WORDS = frozenset(
    {
        "at",
        "camera",
        "code",
        "command",
        "component",
        "device",
        "driver",
        "engine",
        "event_type",
        "fault",
        "finding",
        "hint",
        "kind",
        "language",
        "method",
        "page",
        "reader",
        "reason",
        "result",
        "role",
        "sound",
        "state",
        "status",
        "step",
        "task",
        "thread",
        "version",
    }
)
# Fields that hold a number -> the largest that is believed. Four digits and more only where no PIN can hide.
_NUMBERS: Mapping[str, float] = {
    "attempt": 999,
    "count": 999,
    "exit_code": 255,
    "failures": 999,
    "job": 999_999,
    "line": 99_999,
    "milliseconds": 86_400_000,
    "pid": 4_194_304,
    "port": 65_535,
    "presence": 999_999,
    "seconds": 86_400,
    "signal": 64,
    "status_code": 999,
    "tries_left": 15,
}
_EVENT = re.compile(r"[a-z]+(?:_[a-z]+)+")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.:/\-]{0,63}")
_LOGGER = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,63}")
_DIGITS = re.compile(r"\d{4}")
# What a LogRecord has of its own; anything else came with `extra=`.
_OWN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "_logger", "_name", "_fields"}
_FILE_BYTES = 5_000_000
_FILES = 5
_DEPTH = 5  # from the record to who called `Log.warning`: logging, structlog three times, Log


class Log:
    """A named logger: an event of two or more lower-case words, and fields of the vocabulary above."""

    __slots__ = ("_bound",)

    def __init__(self, bound: Any) -> None:
        self._bound = bound

    def bind(self, **fields: object) -> Log:
        return Log(self._bound.bind(**fields))

    def debug(self, event: str, **fields: object) -> None:
        self._bound.debug(event, **fields)

    def info(self, event: str, **fields: object) -> None:
        self._bound.info(event, **fields)

    def warning(self, event: str, **fields: object) -> None:
        self._bound.warning(event, **fields)

    def error(self, event: str, error: BaseException | None = None, **fields: object) -> None:
        """`error`: its type and place are kept."""
        self._bound.error(event, exc_info=error, **fields)


def get(name: str) -> Log:
    """`name`: of the module, "runtime.loop" or "kiosk.runtime.loop"."""
    logger = logging.getLogger(f"kiosk.{name.removeprefix('kiosk.')}")
    return Log(structlog.wrap_logger(logger, [_to_record], structlog.stdlib.BoundLogger))


def configure(level: str = "info", folder: Path | None = None, stream: TextIO | None = None) -> None:
    """Replace the root logger's handlers. `folder`: for kiosk.log, readable by the kiosk's user only.

    Raises OSError when the folder cannot be used.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler(stream or sys.stderr)]
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "kiosk.log"
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        rotating = logging.handlers.RotatingFileHandler(
            file, maxBytes=_FILE_BYTES, backupCount=_FILES, encoding="utf-8"
        )
        handlers.append(rotating)
    root = logging.getLogger()
    for old in root.handlers[:]:
        # What basicConfig and we ourselves put there; a handler of another class belongs to a test.
        if type(old) in (logging.StreamHandler, logging.handlers.RotatingFileHandler):
            root.removeHandler(old)
            old.close()
    for handler in handlers:
        handler.setFormatter(JsonLines())
        root.addHandler(handler)
    root.setLevel(level.upper())
    # logging prints the record, arguments and all, when a handler fails: a full disk must not leak.
    logging.raiseExceptions = False
    logging.captureWarnings(True)


def install_hooks(crashed: Callable[[], None] = lambda: None) -> None:
    """Uncaught exceptions, of any thread, go to the log by type and place; then `crashed` is called.

    KeyboardInterrupt keeps its meaning.
    """
    log = get("crash")

    def uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        log.error("exception_uncaught", error.with_traceback(trace))
        crashed()

    def in_thread(caught: threading.ExceptHookArgs) -> None:
        if caught.exc_value is not None:
            uncaught(caught.exc_type, caught.exc_value, caught.exc_traceback)

    def unraisable(caught: Any) -> None:
        # Raised in __del__ or a callback of C: nothing can be stopped, it is only told.
        log.error("exception_unraisable", caught.exc_value)

    sys.excepthook = uncaught
    threading.excepthook = in_thread
    sys.unraisablehook = unraisable


class JsonLines(logging.Formatter):
    """One JSON object per record, after redaction."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(_line(record), ensure_ascii=True)


def _to_record(logger: Any, method: str, fields: MutableMapping[str, Any]) -> tuple[tuple[str], dict[str, Any]]:
    """structlog's last step: a record whose message is the event and whose fields ride along unformatted."""
    event = str(fields.pop("event", ""))
    error = fields.pop("exc_info", None)
    return (event,), {"exc_info": error, "extra": {"_fields": dict(fields)}, "stacklevel": _DEPTH}


def _line(record: logging.LogRecord) -> dict[str, object]:
    ours = record.name.split(".")[0] in ("kiosk", "devices")
    # Arguments are never formatted in: a message with arguments has no event name.
    event = record.msg if ours and not record.args and isinstance(record.msg, str) else ""
    line: dict[str, object] = {
        "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name if _LOGGER.fullmatch(record.name) and not _DIGITS.search(record.name) else REDACTED,
        "event": event if _EVENT.fullmatch(event) else REDACTED,
    }
    if line["event"] == REDACTED:
        line["place"] = f"{Path(record.pathname).name}:{record.lineno}"
    extra = {name: value for name, value in record.__dict__.items() if name not in _OWN}
    fields = cast("dict[str, object]", getattr(record, "_fields", {})) | extra
    for name, value in fields.items():
        if name in _WORDS or name in _NUMBERS:
            line[name if name not in line else f"{name}_"] = _value(name, value)
        else:
            # Not even the name is kept: a dictionary that was unpacked has names of persons as keys.
            line["left_out"] = REDACTED
    if record.exc_info and record.exc_info[1] is not None:
        line["errors"] = describe(record.exc_info[1])
    return line


def describe(error: BaseException) -> list[str]:
    """`["OSError at camera.py:41", ...]`: the exception and what caused it, by type and place only."""
    found: list[str] = []
    current: BaseException | None = error
    while current is not None and len(found) < 5:
        frames = traceback.extract_tb(current.__traceback__)
        place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        found.append(f"{type(current).__name__}{place}")
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return found


def _value(name: str, value: object) -> object:
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, bool):
        return value
    if name in _NUMBERS:
        number = isinstance(value, int | float) and -_NUMBERS[name] <= value <= _NUMBERS[name]
        return value if number else REDACTED
    word = isinstance(value, str) and _WORD.fullmatch(value) and not _DIGITS.search(value)
    return value if word else REDACTED
