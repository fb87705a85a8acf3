"""Words in every language: one TOML catalogue per language, keys joined with dots."""

from __future__ import annotations

import logging
import string
import tomllib
from collections.abc import Mapping
from pathlib import Path

from kiosk.reception.view import Text

FALLBACK = "ja"

_log = logging.getLogger(__name__)
_formatter = string.Formatter()


class CatalogueBroken(Exception):
    """A catalogue file cannot be used: its name and why."""


def placeholders(pattern: str) -> frozenset[str]:
    """Names in braces. Raises `CatalogueBroken` for anything that is not a plain name."""
    try:
        parts = [
            (name, spec, conversion) for _, name, spec, conversion in _formatter.parse(pattern) if name is not None
        ]
    except ValueError as error:
        raise CatalogueBroken(f"bad braces in {pattern!r}") from error
    for name, spec, conversion in parts:
        if not name.isidentifier() or spec or conversion:
            raise CatalogueBroken(f"only plain names may stand in braces: {pattern!r}")
    return frozenset(name for name, _, _ in parts)


def _flatten(table: Mapping[str, object], prefix: str, file: str) -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in table.items():
        key = f"{prefix}{name}"
        if isinstance(value, str):
            placeholders(value)
            flat[key] = value
        elif isinstance(value, dict):
            flat.update(_flatten(value, f"{key}.", file))
        else:
            raise CatalogueBroken(f"{file}: {key} is not a text")
    return flat


class Catalogue:
    """Immutable. `defaults` are values that every text may use, such as the institution's name.

    A missing key or value never stops a reception: the other language, then the bare key, stands in and a warning
    is logged (which fails a test).
    """

    def __init__(self, texts: Mapping[str, Mapping[str, str]], defaults: Mapping[str, str] | None = None) -> None:
        if FALLBACK not in texts:
            raise CatalogueBroken(f"there is no {FALLBACK} catalogue")
        self._texts = {language: dict(entries) for language, entries in texts.items()}
        self._defaults = dict(defaults or {})

    @classmethod
    def load(cls, directory: Path) -> Catalogue:
        """Every `<language>.toml` in `directory`. Raises `CatalogueBroken`."""
        texts: dict[str, dict[str, str]] = {}
        for path in sorted(directory.glob("*.toml")):
            try:
                table = tomllib.loads(path.read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
                raise CatalogueBroken(f"{path.name}: {error}") from error
            texts[path.stem] = _flatten(table, "", path.name)
        return cls(texts)

    def with_own(self, directory: Path, prefix: str) -> Catalogue:
        """With an institution's own texts in place of ours, or beside them. `prefix`: how their keys must begin.

        Raises `CatalogueBroken`: a file that cannot be used, another key, a language that is not ours.
        """
        own = Catalogue.load(directory)._texts
        for language, entries in own.items():
            if language not in self._texts:
                raise CatalogueBroken(f"{language}.toml: not a language of the kiosk")
            for key in entries:
                if not key.startswith(prefix):
                    raise CatalogueBroken(f"{language}.toml: {key} is not under {prefix}")
        texts = {language: {**entries, **own.get(language, {})} for language, entries in self._texts.items()}
        return Catalogue(texts, self._defaults)

    def with_defaults(self, **values: str) -> Catalogue:
        return Catalogue(self._texts, {**self._defaults, **values})

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self._texts)

    def all_keys(self, language: str = FALLBACK) -> frozenset[str]:
        return frozenset(self._texts[language])

    def pattern(self, key: str, language: str) -> str | None:
        """The text before its values are filled in."""
        return self._texts.get(language, {}).get(key)

    def has(self, key: str) -> bool:
        return key in self._texts[FALLBACK]

    def word(self, key: str, language: str, **values: str | int | Text) -> str:
        return self.text(Text(key, values), language)

    def text(self, text: Text, language: str) -> str:
        pattern = self.pattern(text.key, language)
        if pattern is None:
            _log.warning("catalogue: %s has no %s", language, text.key)
            pattern = self.pattern(text.key, FALLBACK)
            if pattern is None:
                return text.key
        values: dict[str, object] = dict(self._defaults)
        for name, value in text.values.items():
            values[name] = self.text(value, language) if isinstance(value, Text) else value
        try:
            return pattern.format_map(values)
        except KeyError as missing:
            _log.warning("catalogue: %s lacks a value for %s", text.key, missing)
            return pattern
