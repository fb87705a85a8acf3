"""Marked personal data, every form in which it could stand somewhere, and the hunt for it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mark:
    """`kind`: what it is. `forms`: name of an encoding -> pattern over bytes."""

    kind: str
    forms: dict[str, re.Pattern[bytes]]


@dataclass(frozen=True)
class Hit:
    kind: str
    form: str
    where: str


def text_mark(kind: str, text: str) -> Mark:
    raw = {
        "UTF-8": text.encode(),
        "UTF-16LE": text.encode("utf-16-le"),
        "UTF-16BE": text.encode("utf-16-be"),
        "Shift_JIS": text.encode("cp932"),
    }
    forms = {name: re.compile(re.escape(data)) for name, data in raw.items()}
    if text.isdigit() and len(text) < 8:
        # A short number is only itself when no other digit or hexadecimal letter touches it.
        edge, edge16 = rb"[0-9A-Fa-f]", rb"[0-9A-Fa-f]\x00"
        for name in ("UTF-8", "Shift_JIS"):
            forms[name] = re.compile(rb"(?<!" + edge + rb")" + raw[name] + rb"(?!" + edge + rb")")
        forms["UTF-16LE"] = re.compile(
            rb"(?<!" + edge16 + rb")" + re.escape(raw["UTF-16LE"]) + rb"(?!" + edge16 + rb")"
        )
        del forms["UTF-16BE"]
    else:
        for name in ("UTF-8", "Shift_JIS"):
            for shift in range(3):
                forms[f"base64 of {name}, shifted {shift}"] = re.compile(re.escape(_base64(raw[name], shift)))
    return Mark(kind, forms)


def bytes_mark(kind: str, data: bytes) -> Mark:
    """Some pieces from the middle of a larger thing."""
    forms = {}
    for part in range(1, 4):
        at = len(data) * part // 4
        piece = data[at : at + 24]
        forms[f"bytes at {part}/4"] = re.compile(re.escape(piece))
        for shift in range(3):
            forms[f"base64 at {part}/4, shifted {shift}"] = re.compile(re.escape(_base64(piece, shift)))
    return Mark(kind, forms)


def _base64(data: bytes, shift: int) -> bytes:
    """What surely stands in base64 text when `data` begins `shift` bytes into a group of three."""
    text = base64.b64encode(bytes(shift) + data)
    return text[4 if shift else 0 : (shift + len(data)) // 3 * 4]


def search(data: bytes, marks: Iterable[Mark], where: str) -> Iterator[Hit]:
    for mark in marks:
        for form, pattern in mark.forms.items():
            if pattern.search(data):
                yield Hit(mark.kind, form, where)


def hunt(places: Iterable[Path], marks: list[Mark], since: float = 0.0) -> list[Hit]:
    """Every regular file below `places` that changed at or after `since` (seconds since 1970), its name included."""
    hits: list[Hit] = []
    for place in places:
        for path in [place, *place.rglob("*")] if place.is_dir() else [place]:
            try:
                if path.is_symlink() or not path.is_file() or path.stat().st_mtime < since:
                    continue
                data = path.read_bytes()
            except OSError:
                continue
            hits += search(data, marks, str(path))
            hits += search(path.name.encode(), marks, str(path))
    return hits
