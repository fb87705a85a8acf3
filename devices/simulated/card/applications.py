"""The applications of a simulated card with their elementary files and access rules.

Identifiers and rules after soltia48/myna-card, jpki/myna and OpenSC (facts only); what is marked unverified in
docs/sources.md is a guess of ours.
"""

from __future__ import annotations

from collections.abc import Mapping

from devices.simulated.card import experimental, terminal
from devices.simulated.card.apdu import NO_SESSION_KEY
from devices.simulated.card.files import (
    ANCHOR_KEY_ID,
    ATR_MY_NUMBER,
    ISSUER_KEY_ID,
    MUNICIPALITY,
    MY_NUMBER,
    SERIAL,
    WITHOUT_APPLICATIONS,
    CardKind,
    PersonCard,
    tlv,
    unpad_tlv,
)
from devices.simulated.card.filesystem import (
    FREE,
    Application,
    ClosedFile,
    DataFile,
    File,
    KeyFile,
    PinFile,
    RecordFile,
    Secret,
)
from devices.simulated.card.keys import load_key

JPKI = bytes.fromhex("D392F000260100000001")
VISUAL = bytes.fromhex("D3921000310001010402")  # 券面事項確認AP
TEXT = bytes.fromhex("D3921000310001010408")  # 券面事項入力補助AP
COMMON = bytes.fromhex("D3921000310001010100")  # 共通カードAP
JUKI = bytes.fromhex("D3921000310001010401")  # 住基AP
ISD = bytes.fromhex("A0000001510000")  # GlobalPlatform issuer security domain


_CHANGE_REFERENCE_DATA = (0x00, 0x24, 0x01)
_CHANGE_KEY = (0x80, 0x32, 0x00)  # JICSAP


def applications(
    card: PersonCard, tries: Mapping[str, int], *, terminal_authentication: bool = False
) -> dict[bytes, Application]:
    """By AID, in the order in which a part of a name finds them. `tries`: left, by "application/EF"; else full."""
    if card.kind in WITHOUT_APPLICATIONS:
        return {}
    if card.experimental:
        return {**experimental.applications(card, tries), ISD: Application("isd")}
    found = {JPKI: _jpki(card, tries)}
    if card.visual:
        found |= {
            VISUAL: _visual(card, tries),
            TEXT: _text(card, tries),
            COMMON: _common(card, tries),
            JUKI: _juki(card, tries),
        }
    if terminal_authentication:
        found[terminal.AID] = Application("terminal")
    found[ISD] = Application("isd", objects=_objects(card))
    return found


def _pin(name: str, secret: str, limit: int, tries: Mapping[str, int], kind: Secret = Secret.FIXED) -> PinFile:
    return PinFile(secret.encode(), limit, tries.get(name, limit), kind)


def _jpki(card: PersonCard, tries: Mapping[str, int]) -> Application:
    # 0016 holds what a PIN-less reader is authenticated against; the others nobody has explained.
    files: dict[int, File] = {fid: ClosedFile() for fid in (0x0005, 0x0010, 0x0016, 0x0019, 0x001C, 0x001E)}
    files[0x0009] = ClosedFile(transparent=True)
    readers = {0x0001: frozenset({0x001B})}
    if card.kind is CardKind.PHONE:  # where the certificate, too, is behind the PIN
        readers[0x000A] = frozenset({0x0018})
    files |= {fid: DataFile(content, readers.get(fid, FREE)) for fid, content in card.jpki.items()}
    files[0x0017] = KeyFile(load_key(card.auth_key), 0x0018)
    files[0x0018] = _pin("jpki/0018", card.pin, 3, tries, Secret.DIGITS)
    if card.sign_key:
        files[0x001A] = KeyFile(load_key(card.sign_key), 0x001B)
    files[0x001B] = _pin("jpki/001B", card.sign_pin, 5, tries, Secret.LETTERS)
    return Application("jpki", files, change=_CHANGE_REFERENCE_DATA)


def _visual(card: PersonCard, tries: Mapping[str, int]) -> Application:
    readers: dict[int, frozenset[int] | None] = {
        0x0001: frozenset({0x0011}),
        0x0002: frozenset({0x0012, 0x0013}),
        0x0005: frozenset({0x0013}),
        0x0006: frozenset({0x0012, 0x0013}),
    }
    files: dict[int, File] = {fid: DataFile(content, readers.get(fid, FREE)) for fid, content in card.visual.items()}
    files[0x0006] = DataFile(bytes(16), readers[0x0006])  # exists; its content is not known
    files[0x0011] = _pin("visual/0011", card.birth_pin, 10, tries)
    files[0x0012] = _pin("visual/0012", card.number_b, 10, tries)
    files[0x0013] = _pin("visual/0013", MY_NUMBER, 10, tries)
    return Application("visual", files, load_key(card.card_key), session=NO_SESSION_KEY)


def _text(card: PersonCard, tries: Mapping[str, int]) -> Application:
    anyone = frozenset({0x0011, 0x0014, 0x0015})
    readers: dict[int, frozenset[int] | None] = {
        0x0001: frozenset({0x0011, 0x0014}),
        0x0002: frozenset({0x0011, 0x0015}),
        0x0003: anyone,
        0x0006: anyone,
        0x0007: anyone,
    }
    key = load_key(card.card_key)
    files: dict[int, File] = {fid: DataFile(content, readers.get(fid, FREE)) for fid, content in card.text.items()}
    files[0x0008] = DataFile(b"\xff" * 16)
    files[0x0011] = _pin("text/0011", card.pin, 3, tries, Secret.DIGITS)
    files[0x0012] = PinFile(b"", 0, 0)  # always blocked on real cards too
    files[0x0013] = KeyFile(key, None)
    files[0x0014] = _pin("text/0014", MY_NUMBER, 10, tries)
    files[0x0015] = _pin("text/0015", card.number_b, 10, tries)
    return Application("text", files, key, change=_CHANGE_REFERENCE_DATA, session=None)


def _common(card: PersonCard, tries: Mapping[str, int]) -> Application:
    files: dict[int, File] = {
        0x0001: RecordFile(card.common),
        0x0002: RecordFile(ISSUER_KEY_ID),
        # The public half of a real card's key is nowhere on it, and whose it is nobody knows. Here it is the card's.
        0x0019: KeyFile(load_key(card.card_key), None, answers=True),
        0x001C: _pin("common/001C", card.pin, 3, tries, Secret.DIGITS),
    }
    return Application("common", files, change=_CHANGE_KEY, session=NO_SESSION_KEY)


def _juki(card: PersonCard, tries: Mapping[str, int]) -> Application:
    files: dict[int, File] = {
        0x0002: RecordFile(ISSUER_KEY_ID),
        0x001C: _pin("juki/001C", card.pin, 3, tries, Secret.DIGITS),
    }
    return Application("juki", files, change=_CHANGE_KEY)


def _objects(card: PersonCard) -> dict[int, bytes]:
    """What GET DATA gives at the level of the card. Tags after myna-card `src/mf.rs`; the contents are ours."""
    if not card.visual:
        return {}
    certificate = unpad_tlv(card.visual[0x0004])
    return {
        0x0042: ISSUER_KEY_ID,
        0x0045: SERIAL,
        0x0066: tlv(0x73, tlv(0x06, bytes.fromhex("2A864886FC6B01"))),  # GlobalPlatform card recognition data
        0x00F0: MUNICIPALITY,
        0x00F2: card.common[-8:],
        0x00F7: ANCHOR_KEY_ID,
        0x00F8: certificate,
        0x7F21: certificate,
        0x5F51: ATR_MY_NUMBER[1:],  # of the contacts, without TS
    }
