"""The elementary files of the simulated card, and everything a card holds (`PersonCard`).

Definitions that a client has to share (the public sources leave them open or say less; they are fixed here):

* TLV: two-byte tags `DF xx` / `FF xx`, one-byte tags `90`/`91`; lengths are DER (minimal), except that the container
  of the card face (`FF 20`) and the modulus (`91`) always use `82 LLLL`.
* EF 0002 (券面事項): `FF20{DF21 offsets, DF22 birth "YYYYMMDD", DF23 sex, DF24 card key, DF25 name PNG,
  DF26 address PNG, DF27 photo JP2, DF28 signature, DF29 expiry "YYYYMMDD", DF2A security code PNG}`, FF padding behind.
  DF21: nine big-endian u16, the offsets of the TLVs DF22 … DF2A (their tag bytes) from the start of the file.
* DF24 (and the key inside the CV certificate): `90 03 010001 ‖ 91 82 0100 <n>`.
* DF28: RSASSA-PKCS1-v1_5 with SHA-256 by the key of EF 0004; the message is the 96 bytes
  SHA256(DF22‖DF23‖DF24) ‖ SHA256(DF25‖DF26) ‖ SHA256(DF27), each hash over the complete TLVs (tag, length, value)
  exactly as stored in the file, in the order of the file.
* EF 0004 (CV certificate): `7F21{5F4E{issuer key id 16 ‖ subject key id 16 ‖ 90 03 … ‖ 91 82 …}, 5F37 signature}`;
  5F37: RSASSA-PKCS1-v1_5 with SHA-256 by the anchor key over the complete 5F4E TLV (tag, length, value).
* INTERNAL AUTHENTICATE (`80 2A 00 00`) in the visual application: RSA PKCS#1 v1.5 type-1 padding of the data verbatim
  under DF24's key, so a host that sends the SHA-256 DigestInfo gets an RSASSA-PKCS1-v1_5 signature.

Sources for the layout: soltia48/myna-card, jpki/myna, OpenSC `pkcs15-jpki.c` (facts only).
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import io
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from PIL import Image, ImageDraw, ImageFont

# No real number: the check digit of this one is wrong on purpose. It exists because other clients of the card read
# it; ours never does.
MY_NUMBER = "000000000001"

ANCHOR_KEY_ID = b"UKTK-TEST-ANCHOR"
ISSUER_KEY_ID = b"UKTK-TEST-ISSUER"
MUNICIPALITY = b"99999"  # no municipality has this code
SERIAL = b"000000000000001"

# ISO 7816-3; contact ATRs of My Number Cards: the one that OpenSC knows, without historical bytes, and two with: the
# card capabilities there (73 C6 01 xx, ISO/IEC 7816-4 §12.1.1.9) announce chaining and extended length, or neither.
# Contactless ones, also of what else people put down: a driving licence, the resident card before the My Number Card,
# a phone (pcsc-tools smartcard_list.txt).
ATR_MY_NUMBER = bytes.fromhex("3BE000FF8131FE4514")
ATR_MY_NUMBER_EXTENDED = bytes.fromhex("3BDA13FF8131FB468012392F31C173C601C03B")
ATR_MY_NUMBER_SHORT = bytes.fromhex("3BC5FF8131FB458073C6010000")
ATR_MY_NUMBER_CONTACTLESS = bytes.fromhex("3B888001000005E0B381A1007F")
ATR_DRIVING_LICENCE = bytes.fromhex("3B888001000000009181C100D8")
ATR_JUKI_CARD = bytes.fromhex("3B888001000014E0B38191005E")
ATR_PHONE = bytes.fromhex("3B80800101")


class CardKind(StrEnum):
    MY_NUMBER = "my_number"
    PINLESS = "pinless"  # 顔認証マイナンバーカード: the authentication PIN can never be verified
    DRIVING_LICENCE = "driving_licence"
    JUKI_CARD = "juki_card"  # 住基カード
    PHONE = "phone"
    MUTE = "mute"  # answers nothing
    PAPER = "paper"  # no chip: the reader sees nothing


# Chips in which neither of the applications is that a kiosk selects: SELECT is refused.
WITHOUT_APPLICATIONS = {
    CardKind.DRIVING_LICENCE: ATR_DRIVING_LICENCE,
    CardKind.JUKI_CARD: ATR_JUKI_CARD,
    CardKind.MUTE: b"",
    CardKind.PAPER: b"",
}


@dataclass(frozen=True, slots=True, repr=False)
class PersonCard:
    """Everything one simulated card holds; keys are PKCS#8 DER, files are the bytes a reader gets.

    `tries`: tries left at the start, by "application/EF" ("jpki/0018"); what is not named is full.
    """

    id: str
    kind: CardKind
    atr: bytes
    jpki: dict[int, bytes] = field(default_factory=dict)
    visual: dict[int, bytes] = field(default_factory=dict)
    text: dict[int, bytes] = field(default_factory=dict)
    common: bytes = b""
    auth_key: bytes = b""
    sign_key: bytes = b""
    card_key: bytes = b""
    pin: str = ""
    sign_pin: str = ""
    birth_pin: str = ""
    number_b: str = ""
    terminal_root: bytes = b""  # SubjectPublicKeyInfo, of `devices.simulated.card.terminal`
    experimental: bool = False  # made by `devices.simulated.card.experimental`
    tries: dict[str, int] = field(default_factory=dict)

    @property
    def auth_certificate(self) -> bytes:
        """The user-authentication certificate (DER), without the padding of the file."""
        return unpad(self.jpki[0x0004 if self.experimental else 0x000A])

    def to_json(self) -> dict[str, Any]:
        return {f.name: _to_json(getattr(self, f.name)) for f in dataclasses.fields(self)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        def files(name: str) -> dict[int, bytes]:
            return {int(fid, 16): base64.b64decode(data) for fid, data in value[name].items()}

        def raw(name: str) -> bytes:
            return base64.b64decode(value[name])

        return cls(
            id=value["id"],
            kind=CardKind(value["kind"]),
            atr=raw("atr"),
            jpki=files("jpki"),
            visual=files("visual"),
            text=files("text"),
            common=raw("common"),
            auth_key=raw("auth_key"),
            sign_key=raw("sign_key"),
            card_key=raw("card_key"),
            pin=value["pin"],
            sign_pin=value["sign_pin"],
            birth_pin=value["birth_pin"],
            number_b=value["number_b"],
            terminal_root=raw("terminal_root"),
            experimental=value["experimental"],
            tries=dict(value["tries"]),
        )

    def __repr__(self) -> str:
        return f"PersonCard({self.id!r})"


def _to_json(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {f"{key:04X}" if isinstance(key, int) else key: _to_json(entry) for key, entry in value.items()}
    return value


# --- TLV -----------------------------------------------------------------------------------------------------------


def tlv(tag: int, value: bytes, *, long: bool = False) -> bytes:
    """One BER-TLV; `long` forces the two-byte length `82 LLLL`."""
    head = tag.to_bytes(2 if tag > 0xFF else 1)
    size = len(value)
    if long or size > 0xFF:
        return head + b"\x82" + size.to_bytes(2) + value
    if size > 0x7F:
        return head + b"\x81" + size.to_bytes(1) + value
    return head + size.to_bytes(1) + value


def public_key(key: rsa.RSAPublicKey) -> bytes:
    """`90 03 010001 ‖ 91 82 0100 <n>` (RSA-2048)."""
    numbers = key.public_numbers()
    return tlv(0x90, numbers.e.to_bytes(3)) + tlv(0x91, numbers.n.to_bytes(256), long=True)


def pad(content: bytes, block: int = 512) -> bytes:
    """The physical file: FF behind the content, at least one byte of it."""
    return content + b"\xff" * (block - len(content) % block)


def unpad(content: bytes) -> bytes:
    """The DER object `30 82 LLLL …` at the start of a file."""
    return content[: 4 + int.from_bytes(content[2:4])]


def unpad_tlv(content: bytes) -> bytes:
    """The object with a two-byte tag at the start of a file, whatever form its length has."""
    size = content[2]
    if size <= 0x7F:
        return content[: 3 + size]
    head = 3 + (size & 0x7F)
    return content[: head + int.from_bytes(content[3:head])]


def sign(key: rsa.RSAPrivateKey, message: bytes) -> bytes:
    return key.sign(message, padding.PKCS1v15(), hashes.SHA256())


def with_offsets(tag: int, offsets_tag: int, parts: list[bytes], *, long: bool) -> bytes:
    """Container whose first element lists the offsets of `parts` from the start of the file."""
    size = sum(map(len, parts)) + 3 + 2 * len(parts)
    position = len(tlv(tag, bytes(size), long=long)) - size + 3 + 2 * len(parts)
    offsets = bytearray()
    for part in parts:
        offsets += position.to_bytes(2)
        position += len(part)
    return tlv(tag, tlv(offsets_tag, bytes(offsets)) + b"".join(parts), long=long)


# --- visual application (券面事項確認AP) ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Face:
    """What is printed on the front of the card."""

    birth: date
    sex: str  # "1" male, "2" female, "9" not stated
    expiry: date
    security_code: str
    photo: bytes  # JP2


def card_face(face: Face, card_key: rsa.RSAPublicKey, issuer: rsa.RSAPrivateKey) -> bytes:
    """EF 0002."""
    birth = tlv(0xDF22, f"{face.birth:%Y%m%d}".encode())
    sex = tlv(0xDF23, face.sex.encode())
    key = tlv(0xDF24, public_key(card_key))
    name = tlv(0xDF25, _png(240, 24, "MIHON  TEST  NAME"))
    address = tlv(0xDF26, _png(320, 48, "MIHON  TEST  ADDRESS"))
    photo = tlv(0xDF27, face.photo)
    message = b"".join(hashlib.sha256(part).digest() for part in (birth + sex + key, name + address, photo))
    signature = tlv(0xDF28, sign(issuer, message))
    expiry = tlv(0xDF29, f"{face.expiry:%Y%m%d}".encode())
    code = tlv(0xDF2A, _png(24, 12, face.security_code))
    parts = [birth, sex, key, name, address, photo, signature, expiry, code]
    return pad(with_offsets(0xFF20, 0xDF21, parts, long=True), 64)


def age_record(birth: date, card_key: rsa.RSAPublicKey, issuer: rsa.RSAPrivateKey) -> bytes:
    """EF 0001 of the visual application: what the six-digit birth-date PIN opens."""
    signed = tlv(0xDF11, f"{birth:%Y%m%d}".encode()) + tlv(0xDF12, public_key(card_key))
    return pad(tlv(0xFF10, signed + tlv(0xDF13, sign(issuer, signed)), long=True), 64)


def number_image(card_key: rsa.RSAPublicKey, issuer: rsa.RSAPrivateKey) -> bytes:
    """EF 0005 of the visual application. Holds a picture of the word MIHON, never a number."""
    signed = tlv(0xDF41, _png(72, 12, "MIHON")) + tlv(0xDF42, public_key(card_key))
    return pad(tlv(0xFF40, signed + tlv(0xDF43, sign(issuer, signed)), long=True), 64)


def basic_info(tag: int, first: int) -> bytes:
    """EF 0003 of the visual application (`FF30`, `DF31` …); the last part is a key reference and 256 unknown bytes."""
    return tlv(
        tag,
        tlv(first, b"\0\0\0\1")
        + tlv(first + 1, ISSUER_KEY_ID)
        + tlv(first + 2, b"\1")
        + tlv(first + 3, MUNICIPALITY)
        + tlv(first + 4, ISSUER_KEY_ID + bytes(256)),
        long=True,
    )


def cv_certificate(subject: rsa.RSAPublicKey, anchor: rsa.RSAPrivateKey, issuer_id: bytes, subject_id: bytes) -> bytes:
    """EF 0004: the issuer's key, certified by the anchor."""
    body = tlv(0x5F4E, issuer_id + subject_id + public_key(subject))
    return pad(tlv(0x7F21, body + tlv(0x5F37, sign(anchor, body))), 64)


def _png(width: int, height: int, text: str) -> bytes:
    """A one-bit PNG with `text` in Pillow's built-in bitmap letters (no font file is needed)."""
    image = Image.new("1", (width, height), 1)
    ImageDraw.Draw(image).text((0, 0), text, fill=0, font=ImageFont.load_default_imagefont())
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


# --- text application (券面事項入力補助AP) ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TextKeys:
    """`issuer` signs the records and is certified by `certificate` (EF 0004); `card` signs challenges (EF 0013, its
    public half in 0007); `session` would take a session key (EF 0006)."""

    issuer: rsa.RSAPrivateKey
    certificate: bytes
    card: rsa.RSAPublicKey
    session: rsa.RSAPublicKey


def text_files(name: str, address: str, face: Face, keys: TextKeys) -> dict[int, bytes]:
    """EF 0001-0007; our own client never selects this application."""
    number = tlv(0xFF10, MY_NUMBER.encode()) + b"\xff\xff"
    parts = [
        tlv(0xDF22, name.encode()),
        tlv(0xDF23, address.encode()),
        tlv(0xDF24, f"{face.birth:%Y%m%d}".encode()),
        tlv(0xDF25, face.sex.encode()),
    ]
    four = with_offsets(0xFF20, 0xDF21, parts, long=False)
    signed_key = tlv(0xDF51, public_key(keys.card))
    hashed = tlv(0xDF31, hashlib.sha256(number).digest()) + tlv(0xDF32, hashlib.sha256(b"".join(parts)).digest())
    return {
        0x0001: number,
        0x0002: pad(four, 64),
        0x0003: tlv(0xFF30, hashed + tlv(0xDF33, sign(keys.issuer, hashed)), long=True),
        0x0004: keys.certificate,
        0x0005: tlv(0xFF40, tlv(0xDF41, b"\1\0\0\1") + tlv(0xDF42, ISSUER_KEY_ID) + tlv(0xDF43, b"\xff" * 128)),
        0x0006: tlv(0xA1, public_key(keys.session), long=True),
        0x0007: tlv(0xFF50, signed_key + tlv(0xDF52, sign(keys.issuer, signed_key)), long=True),
    }


def common_record(expiry: date) -> bytes:
    """Record 1 of EF 0001 in the common application: `01 1C serial15 municipality5 expiry8`."""
    value = SERIAL + MUNICIPALITY + f"{expiry:%Y%m%d}".encode()
    return b"\x01" + len(value).to_bytes(1) + value


# --- JPKI application ----------------------------------------------------------------------------------------------


LABEL_CARD = b"JPKIAPICCTOKEN2"
LABEL_PHONE = b"JPKIAPGPSETOKEN"  # an Android phone


def token_info(label: bytes = LABEL_CARD) -> bytes:
    """EF 0006: CK_TOKEN_INFO (PKCS #11 v2.20 §9.2), 160 bytes, blank-padded texts, big-endian ulongs."""
    maker, model, serial = b"TEST - NOT J-LIS", b"SIMULATED", b"0"
    texts = label.ljust(32) + maker.ljust(32) + model.ljust(16) + serial.ljust(16)
    # flags, max/open session count, max/open rw session count, max/min PIN length, four memory sizes
    numbers = [0x040D, 0, 0, 0, 0, 16, 6, 0, 0, 0, 0]
    rest = b"".join(number.to_bytes(4) for number in numbers) + b"\1\0\1\0"  # hardware, firmware version
    return (texts + rest).ljust(160, b" ")
