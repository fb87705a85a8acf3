"""`FolderLookup`: look-up by insured number through the exchange folders of the 連携アプリケーション (docs/sources.md,
"exchange folders").

    req/OQSsiquc01req_<tail>.xml   ours, `.tmp` → fsync → rename
    res/OQSsiquc01res_<tail>.xml   the answer to it; read twice alike, judged, removed

Both are files of the official folder: other programs of the institution and everybody with rights to the share can read
them while they lie there. Only files of our own names are opened, and ours are removed: an answer when it was read, a
request when its time is over, what is left of both after `retention`.
"""

from __future__ import annotations

import errno
import hmac
import os
import re
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from devices.secret import SecretBytes
from kiosk.eligibility.exchange import Unusable, look, place, remove
from kiosk.eligibility.port import GatewayError
from kiosk.fullresult import FullResult
from kiosk.oqs.document import Encoding
from kiosk.oqs.markup import Unmappable, canonical
from kiosk.oqs.names import TEMPORARY, BadName, FileName, Kind, Role, file_identifier, parse, tail_of
from kiosk.oqs.reader import BYTES, DECLARATION, MAX_BYTES, SIZE, XML, BadDocument, read
from kiosk.oqs.requests import EligibilityRequest, write
from kiosk.qualification import JST, BadQualification, QualificationResult, SearchInfo
from kiosk.reception.failure import FailureCode
from kiosk.reception.insured import BadQuery, Query
from kiosk.reception.states import Validity

RETENTION = timedelta(hours=1)
_TRIES = 8  # polls in which an answer that does not change may still become whole, or a share come back
_REMEMBERED = 100
# What the beginning of a good file looks like, too.
_UNFINISHED = (DECLARATION.id, BYTES.id, XML.id)
_UPSTREAM = re.compile("[!-;=?-~]{1,64}")  # printable ASCII without < and >, which mark our own words


@dataclass(frozen=True, slots=True)
class FolderSettings:
    """`root` holds `req` and `res`. `institution`: 医療機関コード, ten digits. `encoding`: of our requests; answers are
    taken in either. `seconds`: how long an answer is waited for, asking every `poll` seconds."""

    root: Path
    institution: str
    encoding: Encoding
    seconds: float
    poll: float = 0.25


@dataclass(frozen=True, slots=True)
class _Asked:
    """`question`, `birth`: what was asked for, as digests under a key of this process."""

    name: FileName
    question: bytes
    birth: bytes


class _NotYet(Exception):
    """What lies there may still become an answer. `word`: what it is if it does not."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


class _Watch:
    """One file of somebody else's, looked at now and then."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._trouble: OSError | None = None
        self._failures = 0
        self.there = False
        self.seen: bytes | None = None
        self.same = 0  # looks in a row that saw what the look before had seen

    def look(self) -> bytes | None:
        """The content, when it is what the look before saw. Raises `GatewayError` for what is no such file at all,
        OSError when the trouble lasts."""
        before, self.seen = self.seen, None
        try:
            self.seen = look(self._path, MAX_BYTES)
            self.there = self.seen is not None
            self._trouble, self._failures = None, 0
        except Unusable as error:
            self.there = True
            raise GatewayError(FailureCode.FOLDER_NONSENSE, f"<{error.word}>") from None
        except OSError as error:
            # Somebody holds the file for a moment, or the share is away for one.
            self._trouble, self._failures = error, self._failures + 1
            if self._failures > _TRIES and not isinstance(error, PermissionError):
                raise
        self.same = self.same + 1 if self.seen is not None and self.seen == before else 0
        return self.seen if self.same else None

    def given_up(self) -> Exception:
        """What to raise when the time is over."""
        if self._trouble is not None:
            return self._trouble
        if self.seen is not None:
            return GatewayError(FailureCode.FOLDER_NONSENSE, "<unfinished>")
        return GatewayError(FailureCode.FOLDER_TIMEOUT, "<no answer>")


class FolderLookup:
    """`kiosk.eligibility.port.Lookup`. Blocking; one thread's."""

    def __init__(
        self,
        settings: FolderSettings,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(JST),
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
        retention: timedelta = RETENTION,
    ) -> None:
        self._settings = settings
        self._now = now
        self._clock = clock
        self._wait = wait
        self._retention = retention
        self._key = secrets.token_bytes(32)
        self._asked: dict[str, _Asked] = {}

    def look_up(self, reception: str, query: SecretBytes, limit: bool | None) -> tuple[Validity, SecretBytes | None]:
        """Ask and wait. None: the answer names nobody. The same question of the same reception again takes the answer
        that came too late.

        Raises `GatewayError`: FOLDER_DOWN, FOLDER_TIMEOUT, FOLDER_NONSENSE; GATEWAY_ERROR with the upstream code when
        the other side could not process the question.
        """
        search = self._search(query, limit)
        with _translated():
            self.check()
            self.tidy()
            known = self._asked.get(reception)
            if known is not None and known.question == self._question(search):
                with suppress(GatewayError, OSError):
                    return self._answer(reception, known, 0)
            return self._answer(reception, self._ask(reception, search), self._settings.seconds)

    def fetch(self, reception: str) -> SecretBytes | None:
        """An answer that came after its time. Only what this process asked is known: after a restart nobody can say
        which of several questions a file would answer. Raises `GatewayError`."""
        known = self._asked.get(reception)
        if known is None:
            return None
        with _translated():
            self.check()
            try:
                return self._answer(reception, known, 0)[1]
            except GatewayError as error:
                if error.failure is FailureCode.FOLDER_TIMEOUT:
                    return None
                raise

    def check(self) -> None:
        """Maintenance: the folders are there and can be written. Raises `GatewayError`."""
        with _translated():
            for folder in (self._requests, self._answers):
                if not stat.S_ISDIR(os.stat(folder).st_mode):
                    raise NotADirectoryError("not a folder")
                if not os.access(folder, os.R_OK | os.W_OK | os.X_OK, effective_ids=True):
                    raise PermissionError("the exchange folder is closed to this program")

    def tidy(self) -> None:
        """Remove requests and answers of kiosks of this institution that lie for longer than `retention`. Never
        raises: what cannot be removed is tried again."""
        with suppress(OSError):
            limit = self._now() - self._retention
            for folder in (self._requests, self._answers):
                for name in os.listdir(folder):
                    written = _written(name, self._settings.institution)
                    if written is not None and written < limit:
                        remove(folder / name)

    def close(self) -> None:
        self._asked.clear()

    # --- the question ----------------------------------------------------------------------------------------------

    @property
    def _requests(self) -> Path:
        return self._settings.root / "req"

    @property
    def _answers(self) -> Path:
        return self._settings.root / "res"

    def _search(self, query: SecretBytes, limit: bool | None) -> SearchInfo:
        try:
            asked = Query.from_json(query.view(), self._now().date())
        except BadQuery:
            raise GatewayError(FailureCode.FOLDER_NONSENSE, "<query>") from None
        return SearchInfo(
            insurer_number=asked.insurer,
            symbol=asked.symbol or None,
            number=asked.number,
            branch=asked.branch or None,
            birth=asked.birth,
            limit_consent="1" if limit else "0",
        )

    def _ask(self, reception: str, search: SearchInfo) -> _Asked:
        settings = self._settings
        at = self._now().astimezone(JST)
        request = EligibilityRequest(
            confirmed_on=f"{at:%Y%m%d}",
            institution=settings.institution,
            file_identifier=file_identifier(reception),
            search=search,
        )
        try:
            content = write(request, settings.encoding)
        except Unmappable:
            # With a substitute in it, the number would be another one.
            raise GatewayError(FailureCode.FOLDER_NONSENSE, "<character>") from None
        asked = _Asked(self._free_name(reception, at), self._question(search), self._digest(search.birth))
        try:
            place(self._requests / str(asked.name), content)
        finally:
            content[:] = bytes(len(content))
        self._asked[reception] = asked
        while len(self._asked) > _REMEMBERED:
            del self._asked[next(iter(self._asked))]
        return asked

    def _free_name(self, reception: str, at: datetime) -> FileName:
        """A name is never used twice, also not within one second."""
        while True:
            name = FileName(Kind.ELIGIBILITY, Role.REQUEST, tail_of(self._settings.institution, reception, at))
            known = self._asked.get(reception)
            if (
                (known is None or known.name != name)
                and not os.path.lexists(self._requests / str(name))
                and not os.path.lexists(self._answers / str(name.answer))
            ):
                return name
            at += timedelta(seconds=1)

    def _question(self, search: SearchInfo) -> bytes:
        names = ("insurer_number", "symbol", "number", "branch", "birth")
        return self._digest("\0".join(canonical(getattr(search, name) or "") for name in names))

    def _digest(self, words: str) -> bytes:
        return hmac.digest(self._key, words.encode(), "sha256")

    # --- the answer ------------------------------------------------------------------------------------------------

    def _answer(self, reception: str, asked: _Asked, seconds: float) -> tuple[Validity, SecretBytes | None]:
        try:
            result = self._await(reception, asked, seconds)
        except GatewayError as error:
            if error.failure is not FailureCode.FOLDER_TIMEOUT:
                self._asked.pop(reception, None)  # no better one will come under this name
            raise
        self._asked.pop(reception, None)
        validity = Validity(result.body.validity or "")
        if not result.body.results:
            return validity, None
        full = FullResult(reception, result).to_json()
        try:
            FullResult.parse(full)  # whoever gets it must be able to read it
        except BadQualification:
            raise GatewayError(FailureCode.FOLDER_NONSENSE, f"<{SIZE.id}>") from None
        return validity, SecretBytes(full)

    def _await(self, reception: str, asked: _Asked, seconds: float) -> QualificationResult:
        path = self._answers / str(asked.name.answer)
        watch = _Watch(path)
        deadline, over = self._clock() + seconds, 0
        try:
            while True:
                content = watch.look()
                if content is not None:
                    try:
                        return self._judge(reception, asked, content)
                    except _NotYet as not_yet:
                        if watch.same >= _TRIES:
                            raise GatewayError(FailureCode.FOLDER_NONSENSE, not_yet.word) from None
                if self._clock() >= deadline:
                    over += 1
                    # What came in the last moment is still read.
                    if watch.seen is None or over > _TRIES:
                        raise watch.given_up()
                self._wait(self._settings.poll)
        finally:
            remove(self._requests / str(asked.name))  # nobody waits for it any more
            if watch.there:
                remove(path)

    def _judge(self, reception: str, asked: _Asked, content: bytes) -> QualificationResult:
        try:
            result = read(content)
        except BadDocument as error:
            if error.rule in _UNFINISHED:
                raise _NotYet(f"<{error.rule}>") from None
            raise GatewayError(FailureCode.FOLDER_NONSENSE, f"<{error.rule}>") from None
        header, body = result.header, result.body
        if header.file_identifier != file_identifier(reception):
            raise GatewayError(FailureCode.FOLDER_NONSENSE, "<other reception>")
        if header.institution != self._settings.institution:
            raise GatewayError(FailureCode.FOLDER_NONSENSE, "<other institution>")
        if header.reference != "2":
            raise GatewayError(FailureCode.FOLDER_NONSENSE, "<not by number>")
        told = body.search
        if (told is not None and self._question(told) != asked.question) or any(
            self._digest(person.birth) != asked.birth for person in body.results
        ):
            raise GatewayError(FailureCode.FOLDER_NONSENSE, "<other question>")
        if header.segment == "2":
            raise _NotYet("<processing>")
        if header.segment != "1" or body.status != "1":
            code = body.code if header.segment == "1" else header.error_code
            fine = code is not None and _UPSTREAM.fullmatch(code)
            raise GatewayError(FailureCode.GATEWAY_ERROR, code if code is not None and fine else "<error>")
        return result


def _written(name: str, institution: str) -> datetime | None:
    """When, if it is the name of a request or answer of a kiosk of this institution, also of an unfinished one."""
    try:
        found = parse(f"{name.removesuffix(TEMPORARY)}.xml" if name.endswith(TEMPORARY) else name)
    except BadName:
        return None
    ours = found.kind is Kind.ELIGIBILITY and re.fullmatch(rf"{institution}[0-9a-f]{{20}}_[0-9]{{14}}", found.tail)
    return found.time if ours else None


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except PermissionError:
        raise GatewayError(FailureCode.FOLDER_DOWN, "<permission denied>") from None
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise GatewayError(FailureCode.FOLDER_DOWN, "<disk full>" if full else "<share gone>") from None
