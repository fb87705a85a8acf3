"""Words in every language: one TOML catalogue per language, keys joined with dots."""

from __future__ import annotations

import logging
import string
import tomllib
from collections.abc import Mapping
from pathlib import Path

from kiosk.reception.view import Text

FALLBACK = "ja"
_LEAFLET_PARTS = ("title", "body", "dated", "line")

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


def _read(path: Path) -> dict[str, str]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogueBroken(f"{path.name}: {error}") from error
    return _flatten(table, "", path.name)


def _page_of(key: str) -> str:
    """The page that a key of the leaflet belongs to; empty for every other key."""
    parts = key.split(".")
    return parts[1] if parts[0] == "leaflet" and len(parts) == 3 else ""


def _leaflet(texts: dict[str, str], file: str) -> dict[str, str]:
    """Nothing but whole pages."""
    for key, pattern in texts.items():
        if not _page_of(key) or key.split(".")[2] not in _LEAFLET_PARTS:
            parts = ", ".join(_LEAFLET_PARTS)
            raise CatalogueBroken(f"{file}: {key} is no text of a leaflet page (leaflet.<name> with {parts})")
        if not pattern.strip():
            raise CatalogueBroken(f"{file}: {key} is empty")
        if placeholders(pattern) - {"institution"}:
            raise CatalogueBroken(f"{file}: {key}: only {{institution}} may stand in braces")
    for page in sorted({_page_of(key) for key in texts}):
        for part in ("title", "body"):
            if f"leaflet.{page}.{part}" not in texts:
                raise CatalogueBroken(f"{file}: leaflet.{page} has no {part}")
    return texts


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
            texts[path.stem] = _read(path)
        return cls(texts)

    def with_leaflet(self, directory: Path) -> Catalogue:
        """The institution's own leaflet: `<language>.toml` with pages `[leaflet.<name>]` for every language.

        A page has `title` and `body`; `dated` (when something holds since) and `line` (for the last page) are
        optional. A page of the same name is replaced as a whole. Raises `CatalogueBroken`.
        """
        texts = {language: dict(entries) for language, entries in self._texts.items()}
        files = {path.stem: path for path in sorted(directory.glob("*.toml"))}
        for stem in files:
            if stem not in texts:
                raise CatalogueBroken(f"{files[stem].name}: the languages are {', '.join(texts)}")
        added: dict[str, dict[str, str]] = {}
        for language in sorted(texts, key=lambda known: known != FALLBACK):
            if language not in files:
                raise CatalogueBroken(f"{directory.name}: there is no {language}.toml")
            added[language] = _leaflet(_read(files[language]), files[language].name)
            if added[language].keys() != added[FALLBACK].keys():
                odd = sorted(added[language].keys() ^ added[FALLBACK].keys())
                raise CatalogueBroken(f"{files[language].name}: not the same keys as {FALLBACK}.toml: {', '.join(odd)}")
            pages = {key.split(".")[1] for key in added[language]}
            kept = {k: text for k, text in texts[language].items() if _page_of(k) not in pages}
            texts[language] = {**kept, **added[language]}
        return Catalogue(texts, self._defaults)

    @property
    def leaflet_pages(self) -> frozenset[str]:
        """Names that [leaflet] pages may have."""
        return frozenset(name for name in map(_page_of, self._texts[FALLBACK]) if name)

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
