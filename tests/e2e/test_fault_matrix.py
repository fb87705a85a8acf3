"""Fault x outcome over the whole kiosk: what staff read, and that nothing is lost and nothing doubled.

Every fault is met twice: by a patient who tries again when it is over, and by one who leaves. Gateway and folders are
held against each other after each.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from kiosk.eligibility.folder import FolderLookup, FolderSettings
from kiosk.eligibility.server import Fault, FaultKind, SimulatedGateway
from kiosk.eligibility.tls import SERVER, TERMINAL, TlsFolder, ensure_test_tls, make_test_tls
from kiosk.handoff.desk import Recovery
from kiosk.oqs.document import Encoding
from kiosk.qualification import JST
from kiosk.reception.failure import FailureCode
from kiosk.reception.states import Ending
from tests.conftest import Figures
from tests.helpers.gateway import Clock, clock
from tests.helpers.headless import INSTITUTION, Count, Headless, Site, Story, people

SECONDS = 1.0  # a gateway that says nothing for so long is given up


@dataclass
class Row:
    fault: str
    where: str
    again: str
    left: str
    count: Count

    def line(self) -> str:
        count = self.count
        return (
            f"{self.fault:25}{self.where:14}{self.again:26}{self.left:26}"
            f"{count.complete:8d}{count.files:6d}{count.sides:6d}{count.lost:5d}{count.doubled:8d}"
        )


_COLUMNS = f"{'gateway':>8}{'files':>6}{'side':>6}{'lost':>5}{'doubled':>8}"
HEAD = f"{'fault':25}{'at':14}{'tries again':26}{'leaves':26}{_COLUMNS}"


@dataclass
class Bench:
    """A kiosk, its gateway, and a clock for what takes minutes."""

    site: Site
    gateway: SimulatedGateway
    clock: Clock
    kiosk: Headless
    rows: list[Row] = field(default_factory=list)

    def meet(
        self,
        fault: str,
        where: str,
        start: Callable[[], AbstractContextManager[object]],
        failure: FailureCode | None,
        *,
        way: str = "pin",
        endings: tuple[Ending, ...] = (Ending.DONE,),
    ) -> None:
        """`start()` holds the fault; it is over when the patient tries again, or has left. `failure`: the code that
        is shown; None: the fault shows on no problem page. `endings`: those that trying again may lead to."""
        told = []
        for choice in ("again", "leave"):
            stack = ExitStack()
            stack.enter_context(start())

            def touched(choice: str = choice, stack: ExitStack = stack) -> str:
                if choice == "again":
                    stack.close()
                return choice

            story = self.kiosk.visit("child_pmh", way=way, on_problem=touched)
            stack.close()
            self.finish_late()
            assert [code for code, _ in story.failures] == ([] if failure is None else [failure]), (fault, where)
            if choice == "again" or failure is None:
                assert story.outcome is not None
                assert story.outcome.ending in endings, (fault, where, story.outcome)
            told.append(_said(story))
        row = Row(fault, where, told[0], told[1], self.count())
        self.rows.append(row)
        assert (row.count.lost, row.count.doubled, row.count.left) == (0, 0, 0), row.line()

    def count(self) -> Count:
        return Count.of(self.site, self.gateway, self.clock())

    def finish_late(self) -> None:
        """What the net thread does in the next minutes."""
        self.clock.forward(minutes=3)
        self.kiosk.tidy()
        self.kiosk.tidy()

    def __str__(self) -> str:
        return "\n".join(["", HEAD, *(row.line() for row in self.rows)])


def _said(story: Story) -> str:
    codes = " ".join(code.value for code, _ in story.failures)
    return f"{codes} -> {story.outcome.ending if story.outcome else 'idle'}".strip()


@contextmanager
def bench(root: Path, *, folder: Path | None = None) -> Iterator[Bench]:
    world, holders = people("child_pmh")
    tls = ensure_test_tls(root / "tls", (TERMINAL,))
    time = clock()
    lookup = None
    if folder is not None:
        for name in ("req", "res"):
            (folder / name).mkdir(parents=True)
        lookup = FolderLookup(FolderSettings(folder, INSTITUTION, Encoding.UTF8, 0.5, 0.05))
    with SimulatedGateway(world, tls) as gateway:
        site = Site(root, gateway.url, tls, holders, connect=SECONDS, read=SECONDS, overall=2 * SECONDS)
        with Headless(site, now=time, lookup=lookup) as kiosk:
            yield Bench(site, gateway, time, kiosk)


# --- the gateway ---------------------------------------------------------------------------------------------------

NONSENSE, DOWN, ERROR = FailureCode.GATEWAY_NONSENSE, FailureCode.GATEWAY_DOWN, FailureCode.GATEWAY_ERROR
SPOILT: dict[FaultKind, FailureCode | None] = {
    FaultKind.ERROR: ERROR,
    FaultKind.REFUSED: ERROR,
    FaultKind.NOTHING: DOWN,
    FaultKind.TRUNCATED: NONSENSE,
    FaultKind.HALF: NONSENSE,
    FaultKind.WRONG_BODY: NONSENSE,
    FaultKind.MISENCODED: NONSENSE,
    FaultKind.TOO_LARGE: NONSENSE,
    FaultKind.DOUBLED: NONSENSE,
    FaultKind.TWICE: None,  # the second answer is nobody's
    FaultKind.OTHER_RECEPTION: NONSENSE,
}
PATHS = {
    "confirmation": ("/v1/receptions", "pin"),
    "consents": ("/consents", "pin"),
    "look-up": ("/v1/lookups", "number"),
}
QUIET: dict[FaultKind, FailureCode | None] = {FaultKind.SLOW: DOWN, FaultKind.STALL: DOWN}


def spoilt(table: Bench, kinds: dict[FaultKind, FailureCode | None]) -> None:
    for kind, failure in kinds.items():
        for where, (path, way) in PATHS.items():

            @contextmanager
            def fault(kind: FaultKind = kind, path: str = path) -> Iterator[None]:
                table.gateway.fault = Fault(kind, path=path)
                yield
                table.gateway.fault = None

            table.meet(kind.name.lower(), where, fault, failure, way=way)


def test_answers_that_are_lost_or_spoilt(tmp_path: Path, figures: Figures) -> None:
    with bench(tmp_path) as table:
        spoilt(table, SPOILT)

        @contextmanager
        def year_ago() -> Iterator[None]:
            table.gateway.fault = Fault(FaultKind.CLOCK, path="/v1/challenges")
            yield
            table.gateway.fault = None

        table.meet("clock off by a year", "challenge", year_ago, FailureCode.GATEWAY_UNTRUSTED)
        figures(str(table))


@pytest.mark.long
def test_answers_that_do_not_come(tmp_path: Path, figures: Figures) -> None:
    with bench(tmp_path) as table:
        spoilt(table, QUIET)
        figures(str(table))


def test_connections_that_must_not_be(tmp_path: Path, figures: Figures) -> None:
    """Nothing is sent to whom the kiosk does not trust, and nothing arrives that the gateway does not trust."""
    world, holders = people("child_pmh")
    good = ensure_test_tls(tmp_path / "good", (TERMINAL,))
    other = make_test_tls(tmp_path / "other")
    theirs = TlsFolder(tmp_path / "mixed")
    shutil.copytree(other.folder, theirs.folder)
    shutil.copy(good.ca, theirs.ca)  # trusts the gateway, and shows a certificate that the gateway does not know
    late, client_late = (make_test_tls(tmp_path / name, ended=(name,)) for name in (SERVER, TERMINAL))
    elsewhere = make_test_tls(tmp_path / "elsewhere", host="gateway.example")
    untrusted = FailureCode.GATEWAY_UNTRUSTED
    rows = {
        "no such name": (good, good, "https://gateway.invalid", DOWN),
        "refused": (good, good, "https://127.0.0.1:9", DOWN),
        "wrong certificate": (other, good, "", untrusted),
        "another's name": (elsewhere, elsewhere, "", untrusted),
        "ended certificate": (late, late, "", untrusted),
        "TLS alert (our own)": (good, theirs, "", untrusted),
        "ended (our own)": (client_late, client_late, "", untrusted),
    }
    lines = ["", HEAD]
    for fault, (server, client, url, failure) in rows.items():
        with SimulatedGateway(world, server) as gateway:
            site = Site(tmp_path / "kiosk", url or gateway.url, client, holders, SECONDS, SECONDS, 2 * SECONDS)
            with Headless(site) as kiosk:
                stories = [kiosk.visit("child_pmh", way=way) for way in ("pin", "number")]
                kiosk.tidy()
            for story in stories:
                assert [code for code, _ in story.failures] == [failure], (fault, story.failures)
            assert gateway.desk.receptions() == []
            row = Row(fault, "connection", "", _said(stories[0]), Count.of(site, gateway))
            assert (row.count.files, row.count.left) == (0, 0)
            lines.append(row.line())
    with SimulatedGateway(world, good) as gateway:
        site = Site(tmp_path / "kiosk", gateway.url, good, holders)
        with Headless(site, now=lambda: datetime.now(JST) + timedelta(minutes=3)) as kiosk:
            kiosk.visit("child_pmh")
            kiosk.tidy()
        assert (count := Count.of(site, gateway)).files == count.complete == 1
    figures("\n".join(lines))


# --- folders of the hand-off ---------------------------------------------------------------------------------------


def renamed(path: Path) -> Callable[[], AbstractContextManager[None]]:
    """A share that is away and comes back."""

    @contextmanager
    def away() -> Iterator[None]:
        aside = path.with_name(f"{path.name}-away")
        os.replace(path, aside)
        yield
        os.replace(aside, path)

    return away


def bare(path: Path) -> Callable[[], AbstractContextManager[None]]:
    """The mount point without its share."""

    @contextmanager
    def unmounted() -> Iterator[None]:
        with renamed(path)():
            path.mkdir()
            path.chmod(0o555)
            yield
            shutil.rmtree(path)

    return unmounted


def failing(monkeypatch: pytest.MonkeyPatch, name: str, error: OSError) -> Callable[[], AbstractContextManager[None]]:
    """`os.<name>` of the hand-off's folders fails."""

    @contextmanager
    def fails() -> Iterator[None]:
        def fail(*_: object) -> None:
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(f"kiosk.handoff.folder.os.{name}", fail)
            yield

    return fails


def test_folders_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figures: Figures) -> None:
    """The patient is received all the same; the file follows."""
    with bench(tmp_path) as table:
        table.kiosk.visit("child_pmh")  # makes the side folder
        full, denied = OSError(errno.ENOSPC, "full"), PermissionError(errno.EACCES, "denied")
        faults = {
            "share gone": renamed(table.site.face),
            "side share gone": denying_side(table),
            "disk full": failing(monkeypatch, "write", full),
            "permission (write)": failing(monkeypatch, "open", denied),
            "permission (rename)": failing(monkeypatch, "rename", denied),
            "share goes before rename": unmounting(table, monkeypatch),
        }
        for where, way in (("by card", "pin"), ("by number", "number")):
            for fault, start in faults.items():
                # A look-up has no side file, and so nothing that a side folder could delay.
                in_time = fault == "side share gone" and way == "number"
                table.meet(fault, where, start, None, way=way, endings=(Ending.DONE,) if in_time else (Ending.DELAYED,))
        figures(str(table))


def denying_side(table: Bench) -> Callable[[], AbstractContextManager[None]]:
    """A file where the side folder should be."""

    @contextmanager
    def denied() -> Iterator[None]:
        with renamed(table.site.side)():
            table.site.side.touch()
            yield
            table.site.side.unlink()

    return denied


def unmounting(table: Bench, monkeypatch: pytest.MonkeyPatch) -> Callable[[], AbstractContextManager[None]]:
    """The share goes between the last write and the rename; its bare mount point looks as if all were done."""

    @contextmanager
    def between() -> Iterator[None]:
        rename = os.rename
        with ExitStack() as stack, monkeypatch.context() as patch:

            def goes(source: Path, target: Path) -> None:
                stack.enter_context(bare(table.site.face)())
                patch.setattr("kiosk.handoff.folder.os.rename", rename)
                rename(source, target)

            patch.setattr("kiosk.handoff.folder.os.rename", goes)
            yield

    return between


def test_a_foreign_folder_stops_before_anything_is_sent(tmp_path: Path, figures: Figures) -> None:
    with bench(tmp_path) as table:

        @contextmanager
        def foreign() -> Iterator[None]:
            file = table.site.face / f"OQSsiquc01res_face_1312345678{'0' * 20}_20260401120000.xml"
            file.touch()
            yield
            file.unlink()

        for where, way in (("by card", "pin"), ("by number", "number")):
            before = len(table.gateway.desk.receptions())
            story = None
            with foreign():
                story = table.kiosk.visit("child_pmh", way=way)
            assert [code for code, _ in story.failures] == [FailureCode.HANDOFF_FOREIGN]
            assert len(table.gateway.desk.receptions()) - before == (way == "pin")  # confirmed, no consents
            table.rows.append(Row("foreign folder", where, _said(story), "", table.count()))
            assert table.rows[-1].count.complete == table.rows[-1].count.files == 0
        figures(str(table))


# --- the exchange folder -------------------------------------------------------------------------------------------


@contextmanager
def answering(folder: Path, content: bytes) -> Iterator[None]:
    """Somebody answers every request with this."""
    over = threading.Event()

    def answer() -> None:
        while not over.wait(0.02):
            for request in (folder / "req").glob("*.xml"):
                name = request.name.replace("req_", "res_")
                with suppress(OSError):
                    (folder / "res" / name).write_bytes(content)

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        for file in (*(folder / "res").glob("*"), *(folder / "req").glob("*")):
            file.unlink(missing_ok=True)


ATTACK = b'<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><XmlMsg>&e;</XmlMsg>'
ANSWERS = {
    "half written": b'<?xml version="1.0" encoding="UTF-8" standalone="no"?><XmlMsg><Mess',
    "wrong encoding": '<?xml version="1.0" encoding="Shift_JIS"?><XmlMsg/>'.encode("utf-16"),
    "entity attack": ATTACK,
    "not an answer": b'<?xml version="1.0" encoding="UTF-8" standalone="no"?><html/>',
    "huge": b"<" * 5_000_000,
}


def test_an_exchange_folder_in_trouble(tmp_path: Path, figures: Figures) -> None:
    """Staff read why, and type again or take paper; nothing is ever written from an answer that is none."""
    folder = tmp_path / "exchange"
    with bench(tmp_path / "kiosk", folder=folder) as table:
        faults: list[tuple[str, Callable[[], AbstractContextManager[object]], FailureCode]] = [
            ("share gone", renamed(folder), FailureCode.FOLDER_DOWN),
            ("silence", ExitStack, FailureCode.FOLDER_TIMEOUT),
        ]
        for name, content in ANSWERS.items():

            @contextmanager
            def wrong(content: bytes = content) -> Iterator[None]:
                with answering(folder, content):
                    yield

            faults.append((name, wrong, FailureCode.FOLDER_NONSENSE))
        for name, start, failure in faults:
            with start():
                story = table.kiosk.visit("child_pmh", way="number")
            table.finish_late()
            assert [code for code, _ in story.failures] == [failure], name
            table.rows.append(Row(name, "exchange", "", _said(story), table.count()))
            assert table.rows[-1].count == replace(table.rows[-1].count, files=0, sides=0, lost=0, doubled=0, left=0)
        figures(str(table))


def test_a_number_that_was_mistyped_is_typed_again(tmp_path: Path) -> None:
    with bench(tmp_path) as table:
        tries = iter((True, True, False))

        def typing(query: bytes) -> bytes:
            wrong = {**json.loads(query), "number": "mistyped"}
            return json.dumps(wrong).encode() if next(tries) else query

        table.kiosk.typing = typing
        story = table.kiosk.visit("child_pmh", way="number", on_problem=lambda: "type again")
        assert [code for code, _ in story.failures] == [FailureCode.QUALIFICATION_NONE] * 2
        assert story.outcome is not None
        assert story.outcome.ending is Ending.DONE
        table.finish_late()
        count = table.count()
        assert (count.files, count.lost, count.doubled) == (1, 0, 0)


def test_a_number_that_names_nobody_leaves_nothing_behind(tmp_path: Path) -> None:
    with bench(tmp_path) as table:
        table.kiosk.typing = lambda query: json.dumps({**json.loads(query), "number": "nobody"}).encode()
        table.kiosk.visit("child_pmh", way="number")
        table.finish_late()
        assert [each.outcome for each in table.kiosk.recovered][-1] is Recovery.DROPPED
        assert table.count().files == 0
