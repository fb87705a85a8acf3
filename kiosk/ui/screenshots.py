"""Pictures of what is on screen. For simulations, tests and the gallery only: a real patient's page is never saved."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication, QWidget


class NotSaved(Exception):
    """The picture could not be written."""


def settle() -> None:
    """Let layouts that were asked for happen."""
    for _ in range(3):
        QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
        QApplication.processEvents()


def save(widget: QWidget, path: Path) -> None:
    """Write a PNG of `widget` as it is now. Raises `NotSaved`."""
    settle()
    path.parent.mkdir(parents=True, exist_ok=True)
    if not widget.grab().save(str(path), "PNG"):
        raise NotSaved(path.name)
