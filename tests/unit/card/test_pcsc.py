"""PC/SC: what the service reports, in whatever order, becomes few typed events and errors."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from devices.card.driver import CardLost, CardSeen, ReaderLost, ReaderSeen, Seen
from devices.errors import (
    AccessDenied,
    CardBusy,
    CardMute,
    CardProgram,
    CardProtocol,
    CardRemoved,
    CardReset,
    DeviceError,
    DeviceFault,
    NoReader,
    ServiceDown,
)
from devices.pcsc import scard
from devices.pcsc.connection import CONNECT_ATTEMPTS, CONNECT_PAUSE, open_card
from devices.pcsc.driver import PcscDriver
from devices.pcsc.monitor import ReaderMonitor
from devices.pcsc.scard import PyscardApi
from tests.helpers.fake_scard import ATR, FakeScard

READER = "Example Reader 00 00"
PRESENT = scard.STATE_PRESENT


class Watch:
    def __init__(self, api: FakeScard, pattern: str = "", *, production: bool = False) -> None:
        self.api = api
        self._seen: queue.SimpleQueue[Seen] = queue.SimpleQueue()
        self.driver = PcscDriver(pattern, api=api, production=production)
        self.driver.start(self._seen.put)

    def next(self) -> Seen:
        return self._seen.get(timeout=20)

    def quiet(self) -> bool:
        return self._seen.empty()


@pytest.fixture
def api() -> FakeScard:
    return FakeScard()


@pytest.fixture
def watch(api: FakeScard) -> Iterator[Watch]:
    api.plug(READER)
    made = Watch(api)
    assert made.next() == ReaderSeen(READER)
    yield made
    made.driver.stop()
    assert api.open_contexts == 0


def test_card_comes_and_goes(api: FakeScard, watch: Watch) -> None:
    for _ in range(3):
        api.card(READER, PRESENT)
        assert watch.next() == CardSeen(READER)
        api.card(READER, 0)
        assert watch.next() == CardLost()


def test_other_flags_are_no_event(api: FakeScard, watch: Watch) -> None:
    api.card(READER, PRESENT)
    assert watch.next() == CardSeen(READER)
    api.card(READER, PRESENT | 0x0100, events=0)  # in use
    api.card(READER, PRESENT | 0x0080, events=0)  # exclusive
    api.card(READER, PRESENT, events=0)
    api.card(READER, 0)
    assert watch.next() == CardLost()
    assert watch.quiet()


def test_swap_that_nobody_saw(api: FakeScard, watch: Watch) -> None:
    api.card(READER, PRESENT)
    assert watch.next() == CardSeen(READER)
    api.card(READER, PRESENT, events=2)
    assert watch.next() == CardLost()
    assert watch.next() == CardSeen(READER)


def test_mute_card_is_seen(api: FakeScard, watch: Watch) -> None:
    api.card(READER, PRESENT | scard.STATE_MUTE)
    assert watch.next() == CardSeen(READER)


@pytest.mark.parametrize("code", sorted(scard.CONTEXT_LOST))
def test_service_restart(api: FakeScard, watch: Watch, code: int) -> None:
    api.card(READER, PRESENT)
    assert watch.next() == CardSeen(READER)
    api.lost_with = code
    api.service(False)
    assert watch.next() == CardLost()
    assert watch.next() == ReaderLost(DeviceFault.SERVICE_DOWN)
    api.service(True)
    assert watch.next() == ReaderSeen(READER)
    assert watch.next() == CardSeen(READER)


def test_reader_pulled_and_plugged_again(api: FakeScard, watch: Watch) -> None:
    api.card(READER, PRESENT)
    assert watch.next() == CardSeen(READER)
    api.unplug(READER)
    assert watch.next() == CardLost()
    assert watch.next() == ReaderLost(DeviceFault.NO_READER)
    api.plug(READER)
    assert watch.next() == ReaderSeen(READER)


def test_service_that_was_never_there(api: FakeScard) -> None:
    api.service(False)
    watch = Watch(api)
    assert watch.next() == ReaderLost(DeviceFault.SERVICE_DOWN)
    api.plug(READER)
    api.service(True)
    assert watch.next() == ReaderSeen(READER)
    watch.driver.stop()


def test_reader_is_chosen_by_part_of_its_name(api: FakeScard) -> None:
    api.plug("Other 00 00")
    api.plug(READER)
    watch = Watch(api, "Example")
    assert watch.next() == ReaderSeen(READER)
    api.card("Other 00 00", PRESENT)
    api.card(READER, PRESENT)
    assert watch.next() == CardSeen(READER)
    watch.driver.stop()


@contextmanager
def watching(api: FakeScard, pattern: str = "", *, production: bool = False) -> Iterator[Watch]:
    made = Watch(api, pattern, production=production)
    try:
        yield made
    finally:
        made.driver.stop()


@pytest.mark.parametrize("code", [scard.W_SECURITY_VIOLATION, scard.E_NO_ACCESS])
def test_a_user_who_may_not_use_pcsc(api: FakeScard, code: int) -> None:
    """polkit refuses the context (pcsc-lite 2), or the card when the context was given."""
    api.plug(READER)
    api.service(False)
    api.refused_with = code
    with watching(api) as watch:
        assert watch.next() == ReaderLost(DeviceFault.ACCESS_DENIED)
        api.service(True)
        assert watch.next() == ReaderSeen(READER)
    api.connect_results = [code]
    with pytest.raises(AccessDenied):
        open_card(api, READER)


def test_a_socket_that_may_not_be_opened_is_no_service_that_is_down(
    api: FakeScard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """libpcsclite says "no service" for both."""
    monkeypatch.setenv("PCSCLITE_CSOCK_NAME", str(tmp_path / "pcscd.comm"))
    api.plug(READER)
    api.service(False)
    with watching(api) as watch:
        assert watch.next() == ReaderLost(DeviceFault.SERVICE_DOWN)
        (tmp_path / "pcscd.comm").touch()
        monkeypatch.setattr("os.access", lambda path, mode: False)
        assert watch.next() == ReaderLost(DeviceFault.ACCESS_DENIED)
        api.service(True)
        assert watch.next() == ReaderSeen(READER)


@pytest.mark.parametrize("name", ["Virtual PCD 00 00", "Simulated reader 00 00", "vpcd slot"])
def test_a_virtual_reader_is_refused_in_production(api: FakeScard, name: str) -> None:
    """Also beside a real one, and while the kiosk runs: whoever reaches its port lays cards down."""
    api.plug(READER)
    with watching(api, production=True) as watch:
        assert watch.next() == ReaderSeen(READER)
        api.card(READER, PRESENT)
        assert watch.next() == CardSeen(READER)
        api.plug(name)
        assert watch.next() == CardLost()
        assert watch.next() == ReaderLost(DeviceFault.VIRTUAL_READER)
        api.unplug(name)
        assert watch.next() == ReaderSeen(READER)
        assert watch.next() == CardSeen(READER)
    api.plug(name)
    with watching(api, name) as watch:
        assert watch.next() == ReaderSeen(name)  # practice


OTHER = "Other 00 00"


def test_cards_on_two_readers_are_asked_about(api: FakeScard) -> None:
    """Told until one is left; which one, is the patient's choice."""
    api.plug(READER)
    api.plug(OTHER)
    with watching(api) as watch:
        assert watch.next() == ReaderSeen(READER)
        for stays, goes in ((READER, OTHER), (OTHER, READER)):
            api.card(stays, PRESENT)
            assert watch.next() == CardSeen(stays)
            api.card(goes, PRESENT)
            assert watch.next() == CardLost()
            assert watch.next() == ReaderLost(DeviceFault.SEVERAL_CARDS)
            api.card(goes, 0)
            assert watch.next() == ReaderSeen(READER)
            assert watch.next() == CardSeen(stays)
            api.card(stays, 0)
            assert watch.next() == CardLost()


def test_cards_that_lie_on_two_readers_when_the_kiosk_starts(api: FakeScard) -> None:
    for reader in (READER, OTHER):
        api.plug(reader)
        api.card(reader, PRESENT)
    with watching(api) as watch:
        assert watch.next() == ReaderLost(DeviceFault.SEVERAL_CARDS)
        api.unplug(OTHER)
        assert watch.next() == ReaderSeen(READER)
        assert watch.next() == CardSeen(READER)
    with watching(api, "Example") as watch:
        assert watch.next() == ReaderSeen(READER)  # a name decides


def test_a_reader_that_comes_back_under_another_name(api: FakeScard, watch: Watch) -> None:
    api.card(READER, PRESENT)
    assert watch.next() == CardSeen(READER)
    again = READER.replace("00 00", "01 00")
    api.rename(READER, again)
    assert watch.next() == CardLost()
    assert watch.next() == ReaderSeen(again)
    assert watch.next() == CardSeen(again)


@pytest.mark.parametrize("name", ["カードリーダー 00 00", "Lecteur à puce 00 00", "\udc83\udc4a reader"])
def test_names_of_readers_in_any_script(api: FakeScard, name: str) -> None:
    api.plug(name)
    with watching(api, name[:3]) as watch:
        assert watch.next() == ReaderSeen(name)
        api.card(name, PRESENT)
        assert watch.next() == CardSeen(name)
    open_card(api, name).close()


def test_a_service_that_was_away_for_long_is_found_within_a_second(api: FakeScard) -> None:
    """The pause between two looks stays short: a restarted service is on the screen again within 3 s."""
    pauses: list[float] = []
    api.service(False)
    api.plug(READER)

    def wait(timeout: float) -> bool:
        pauses.append(timeout)
        if len(pauses) == 20:
            api.service(True)
        return False

    seen: queue.SimpleQueue[Seen] = queue.SimpleQueue()
    monitor = ReaderMonitor(api, "", seen.put)
    monitor._stop.wait = wait  # type: ignore[method-assign]  # time itself cannot be had
    monitor.start()
    assert seen.get(timeout=20) == ReaderLost(DeviceFault.SERVICE_DOWN)
    assert seen.get(timeout=20) == ReaderSeen(READER)
    monitor.stop()
    assert max(pauses) <= 1.0


def test_connection_is_exclusive_and_powers_off(api: FakeScard) -> None:
    api.plug(READER)
    connection = open_card(api, READER)
    with connection.transaction():
        assert connection.transmit(b"\x00\xa4\x04\x0c") == b"\x90\x00"
    connection.close()
    connection.close()
    assert api.calls == [
        f"connect {READER} share={scard.SHARE_EXCLUSIVE}",
        "begin", "transmit", f"end {scard.LEAVE_CARD}", f"disconnect {scard.UNPOWER_CARD}", "release",
    ]  # fmt: skip
    assert api.open_contexts == 0


def test_a_connection_knows_its_reader_atr_and_count(api: FakeScard) -> None:
    api.plug(READER)
    api.card(READER, PRESENT, events=3)
    connection = open_card(api, READER)
    assert (connection.reader, connection.atr, connection.count()) == (READER, ATR, 3)
    api.card(READER, PRESENT, events=2)  # swapped
    assert connection.count() == 5
    api.service(False)
    assert connection.count() is None
    connection.close()


def test_a_card_reset_by_another_program_is_taken_over_again(api: FakeScard) -> None:
    connection = open_card(api, READER)
    api.begin_results = [scard.W_RESET_CARD]
    with pytest.raises(CardReset), connection.transaction():
        pass
    api.transmit_results = [(scard.W_RESET_CARD, b"")]
    with pytest.raises(CardReset), connection.transaction():
        connection.transmit(b"\x00\xa4\x04\x0c")
    connection.reconnect()
    assert api.calls[-1] == f"reconnect share={scard.SHARE_EXCLUSIVE} {scard.LEAVE_CARD}"
    connection.close()


def test_who_holds_the_card_is_told(api: FakeScard) -> None:
    api.connect_results = [scard.E_SHARING_VIOLATION] * CONNECT_ATTEMPTS
    with pytest.raises(CardBusy) as caught:
        open_card(api, READER, lambda seconds: None, lambda: CardProgram.SCDAEMON)
    assert caught.value.program is CardProgram.SCDAEMON


def test_transaction_ends_also_after_an_error(api: FakeScard) -> None:
    connection = open_card(api, READER)
    api.transmit_results = [(scard.E_NOT_TRANSACTED, b"")]
    with pytest.raises(CardRemoved), connection.transaction():
        connection.transmit(b"\x00\xa4\x04\x0c")
    assert api.calls[-1] == f"end {scard.LEAVE_CARD}"
    connection.close()


@pytest.mark.parametrize(
    ("code", "error"), [(scard.E_SHARING_VIOLATION, CardBusy), (scard.W_UNRESPONSIVE_CARD, CardMute)]
)
def test_connection_is_tried_three_times(api: FakeScard, code: int, error: type[DeviceError]) -> None:
    pauses: list[float] = []
    api.connect_results = [code] * CONNECT_ATTEMPTS
    with pytest.raises(error):
        open_card(api, READER, pauses.append)
    assert pauses == [CONNECT_PAUSE] * (CONNECT_ATTEMPTS - 1)
    assert api.open_contexts == 0

    api.connect_results = [code] * (CONNECT_ATTEMPTS - 1)
    open_card(api, READER, pauses.append).close()


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (scard.E_NO_SMARTCARD, CardRemoved),
        (scard.W_REMOVED_CARD, CardRemoved),
        (scard.E_UNKNOWN_READER, NoReader),
        (scard.E_NO_SERVICE, ServiceDown),
        (scard.F_COMM_ERROR, ServiceDown),
        (0x80100001, CardProtocol),
    ],
)
def test_other_failures_are_not_tried_again(api: FakeScard, code: int, error: type[DeviceError]) -> None:
    api.connect_results = [code]
    with pytest.raises(error) as caught:
        open_card(api, READER)
    assert f"0x{code:08X}" in str(caught.value) or error is CardRemoved
    assert len([call for call in api.calls if call.startswith("connect")]) == 1
    assert api.open_contexts == 0


def test_no_service_at_connection(api: FakeScard) -> None:
    api.service(False)
    with pytest.raises(ServiceDown):
        open_card(api, READER)


def test_signed_result_codes() -> None:
    with pytest.raises(CardRemoved):
        scard.check(scard.W_REMOVED_CARD - (1 << 32))
    scard.check(0)


def test_numbers_are_those_of_the_library() -> None:
    """The table is written out so that only this module's class needs pyscard; here they are compared."""
    from smartcard import scard as library

    names = [name for name in vars(scard) if name.startswith(("E_", "W_", "F_"))]
    assert names
    for name in names:
        assert getattr(scard, name) == getattr(library, f"SCARD_{name}") & 0xFFFFFFFF, name
    for name in ("STATE_CHANGED", "STATE_PRESENT", "STATE_MUTE", "SHARE_EXCLUSIVE", "PROTOCOL_T0", "PROTOCOL_T1"):
        assert getattr(scard, name) == getattr(library, f"SCARD_{name}"), name
    assert library.SCARD_LEAVE_CARD == scard.LEAVE_CARD
    assert library.SCARD_UNPOWER_CARD == scard.UNPOWER_CARD


def test_context_that_the_service_does_not_know() -> None:
    """The true pyscard raises SystemError here instead of giving a code; it becomes one that drops the context."""
    result, readers = PyscardApi().list_readers(0)
    assert result in scard.CONTEXT_LOST
    assert readers == []
    assert PyscardApi().reconnect(0, 1, 3, 0)[0] in scard.CONTEXT_LOST
