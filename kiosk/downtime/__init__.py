"""Work that waits for the line, encrypted, for a day at most. Opt-in; paper comes first (docs/downtime.md)."""

from kiosk.downtime.errors import DowntimeError, EntryDamaged, KeyRefused, NotNow, QueueFull, QueueHeld
from kiosk.downtime.key import load_key, make_key
from kiosk.downtime.queue import FOLDER, Finished, Outcome, Queue, Waiting, look
from kiosk.downtime.work import ConsentWork, Kind, LookupWork, StaffWork, Work

__all__ = [
    "FOLDER",
    "ConsentWork",
    "DowntimeError",
    "EntryDamaged",
    "Finished",
    "KeyRefused",
    "Kind",
    "LookupWork",
    "NotNow",
    "Outcome",
    "Queue",
    "QueueFull",
    "QueueHeld",
    "StaffWork",
    "Waiting",
    "Work",
    "load_key",
    "look",
    "make_key",
]
