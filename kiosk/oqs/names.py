"""Names of the files in the exchange folders (docs/sources.md, "exchange folders").

    req/   OQSsiquc01req_<tail>.xml                  a request, by whoever asks
    res/   OQSsiquc01res_<tail>.xml                  its answer: the same name with `res` for `req`
    face/  OQSsiquc01res_face_<30 characters>_<yyyyMMddHHmmss>.xml

Of a request's tail nothing is laid down. Ours is the face file's: institution (10 digits), 20 hexadecimal digits of the
reception, time; so no two requests have one name and none tells who is asked about.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kiosk.qualification import JST

TEMPORARY = ".tmp"  # nobody takes such a file: consumers look for .xml


class BadName(ValueError):
    """Not the name of a file of these folders. Never says which."""


class Kind(StrEnum):
    """What a file is about. Value: the interface's name, and the beginning of the file's."""

    ELIGIBILITY = "OQSsiquc01"  # 資格確認, one person
    MEDICATION = "YZKsiquc01"  # 薬剤・診療情報
    CHECKUP = "TKKsiquc01"  # 特定健診情報


class Role(StrEnum):
    """Value: what follows the kind in the name, and `FACE` also its folder."""

    REQUEST = "req"
    ANSWER = "res"
    FACE = "face"


@dataclass(frozen=True, slots=True)
class FileName:
    """`tail`: between the underscore and `.xml`."""

    kind: Kind
    role: Role
    tail: str

    def __str__(self) -> str:
        middle = "res_face" if self.role is Role.FACE else self.role
        return f"{self.kind}{middle}_{self.tail}.xml"

    @property
    def answer(self) -> FileName:
        """Of a request. Raises `BadName`."""
        if self.role is not Role.REQUEST:
            raise BadName("not a request")
        return FileName(self.kind, Role.ANSWER, self.tail)

    @property
    def time(self) -> datetime | None:
        """At the end of our names and of all face file names; None: there is none."""
        try:
            return datetime.strptime(self.tail.rpartition("_")[2], "%Y%m%d%H%M%S").replace(tzinfo=JST)
        except ValueError:
            return None


# A request `req_face_…` would have an answer that looks like a face file.
_NAME = re.compile(
    rf"(?P<kind>{'|'.join(Kind)})(?P<role>res_face|req|res)_(?P<tail>(?!face_)[0-9a-z](?:[0-9a-z_.-]{{0,98}}[0-9a-z])?)\.xml",
    re.IGNORECASE | re.ASCII,
)
_KINDS = {kind.lower(): kind for kind in Kind}
_ROLES = {"req": Role.REQUEST, "res": Role.ANSWER, "res_face": Role.FACE}


def parse(name: str) -> FileName:
    """Raises `BadName`, also for the bulk interfaces, which this project does not have."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise BadName("not the name of an exchange file")
    kind, role = _KINDS[found["kind"].lower()], _ROLES[found["role"].lower()]
    if role is Role.FACE and kind is not Kind.ELIGIBILITY:
        raise BadName("only eligibility has face files")
    return FileName(kind, role, found["tail"])


def tail_of(institution: str, reception: str, at: datetime) -> str:
    """`institution`: ten digits; `at`: zone-aware. Raises `BadName`."""
    if re.fullmatch("[0-9]{10}", institution) is None:
        raise BadName("institution code: 10 digits")
    return f"{institution}{_digest(reception)}_{at.astimezone(JST):%Y%m%d%H%M%S}"


def file_identifier(reception: str) -> str:
    """ArbitraryFileIdentifier of all that concerns this reception: 16 characters of the URL-safe base64 alphabet."""
    return base64.urlsafe_b64encode(hashlib.sha256(reception.encode()).digest())[:16].decode()


def _digest(reception: str) -> str:
    return hashlib.sha256(reception.encode()).hexdigest()[:20]
