"""Who did what, when: append-only, hash-chained, no personal data by construction."""

from kiosk.audit.chain import GENESIS, Head, Verdict, verify
from kiosk.audit.entry import Entry, NotAllowed, What
from kiosk.audit.store import Audit, Unavailable

__all__ = ["GENESIS", "Audit", "Entry", "Head", "NotAllowed", "Unavailable", "Verdict", "What", "verify"]
