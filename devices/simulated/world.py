"""The simulated world: the test PKI and one card per persona, built once at set-up and handed on as bytes."""

from __future__ import annotations

import base64
import dataclasses
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric import rsa

from devices.simulated import pki
from devices.simulated.card import VirtualCard, files, terminal
from devices.simulated.card.files import CardKind, Face, PersonCard
from devices.simulated.personas import Persona, load_persona, load_personas
from devices.simulated.pki import Authority

__all__ = ["Persona", "World", "load_persona", "load_personas", "personas_folder"]

_FORMAT = 3
_CARD_KEYS = 4


def personas_folder() -> Path:
    """assets/personas beside the packages."""
    return Path(__file__).resolve().parents[2] / "assets" / "personas"


@dataclass(frozen=True, slots=True, repr=False)
class World:
    """Certificates are DER; `cv_anchor` is a SubjectPublicKeyInfo (DER) and is what a kiosk configures as trust
    anchor of EF 0004. The private keys (PKCS#8 DER) are there so that a test can issue more."""

    built: date
    auth_ca: bytes
    sign_ca: bytes
    foreign_ca: bytes
    cv_anchor: bytes
    auth_ca_key: bytes
    cv_anchor_key: bytes
    cv_issuer_key: bytes
    terminal_root_key: bytes
    cards: Mapping[str, PersonCard]

    @classmethod
    def build(
        cls,
        personas: Sequence[Persona],
        photo: Callable[[Persona], bytes],
        progress: Callable[[str], None] | None = None,
        *,
        today: date | None = None,
    ) -> Self:
        """Make every key and card. `photo` renders a persona's card photo as JP2; `progress` gets ids as they are
        done. `photo` is not asked for a card without one. A persona takes about 0.1 s and its photo."""
        day = today or datetime.now(pki.JST).date()
        workshop = _Workshop(day)
        cards: dict[str, PersonCard] = {}
        # A copy needs its original first.
        for persona in sorted(personas, key=lambda person: person.certificate == "copy"):
            cards[persona.id] = workshop.card(persona, photo, cards.get(persona.copy_of))
            if progress is not None:
                progress(persona.id)
        return cls(
            built=day,
            auth_ca=workshop.auth.certificate,
            sign_ca=workshop.sign.certificate,
            foreign_ca=workshop.foreign.certificate,
            cv_anchor=pki.public_bytes(workshop.anchor.public_key()),
            auth_ca_key=pki.key_bytes(workshop.auth.key),
            cv_anchor_key=pki.key_bytes(workshop.anchor),
            cv_issuer_key=pki.key_bytes(workshop.issuer),
            terminal_root_key=terminal.key_bytes(workshop.terminal_root),
            cards={persona.id: cards[persona.id] for persona in personas},
        )

    def card(self, persona_id: str, **options: Any) -> VirtualCard:
        """A new card of this persona; `options` as of `VirtualCard`. Raises KeyError."""
        return VirtualCard(self.cards[persona_id], **options)

    def subset(self, *persona_ids: str) -> World:
        """The same world with these cards only."""
        return dataclasses.replace(self, cards={name: self.cards[name] for name in persona_ids})

    def to_bytes(self) -> bytes:
        """JSON; holds private test keys."""
        value: dict[str, Any] = {"format": _FORMAT, "built": self.built.isoformat()}
        for name in _BYTES:
            value[name] = base64.b64encode(getattr(self, name)).decode()
        value["cards"] = [card.to_json() for card in self.cards.values()]
        return json.dumps(value).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Raises ValueError when `data` is not a world of this version."""
        try:
            value = json.loads(data)
            if value["format"] != _FORMAT:
                raise ValueError("another format")
            cards = [PersonCard.from_json(entry) for entry in value["cards"]]
            raw = {name: base64.b64decode(value[name]) for name in _BYTES}
            return cls(built=date.fromisoformat(value["built"]), cards={card.id: card for card in cards}, **raw)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not a simulated world: {type(error).__name__}") from None

    def __repr__(self) -> str:
        return f"World({', '.join(self.cards)})"


_BYTES = (
    "auth_ca",
    "sign_ca",
    "foreign_ca",
    "cv_anchor",
    "auth_ca_key",
    "cv_anchor_key",
    "cv_issuer_key",
    "terminal_root_key",
)


class _Workshop:
    """Where cards are made: the authorities, the CV anchor and issuer, and the forger's own issuer."""

    def __init__(self, today: date) -> None:
        self._today = today
        self.auth = Authority.create(today, "user authentication")
        self.sign = Authority.create(today, "digital signature")
        self.foreign = Authority.create(today, "user authentication", pki.FOREIGN_ORGANISATION)
        self.anchor, self.issuer = pki.new_key(), pki.new_key()
        self._cv_certificate = self._certify(self.issuer, self.anchor)
        self.terminal_root = terminal.new_key()
        self._session_key = pki.new_key()
        # One signing key (署名用) for everybody: no part of the kiosk uses it, only other clients of the card do.
        self._sign_key = pki.new_key()
        # Keys of the chips themselves: a few in turn are enough, and 0.1 s each. The forger has his own.
        self._card_keys = itertools.cycle([pki.new_key() for _ in range(_CARD_KEYS)])

    def card(self, persona: Persona, photo: Callable[[Persona], bytes], original: PersonCard | None) -> PersonCard:
        if persona.kind in files.WITHOUT_APPLICATIONS:
            return PersonCard(persona.id, persona.kind, files.WITHOUT_APPLICATIONS[persona.kind])
        if persona.kind is CardKind.PHONE:
            return self._phone(persona)
        auth_key, card_key = pki.new_key(), next(self._card_keys)
        issuer, cv_certificate = self.issuer, self._cv_certificate
        if persona.certificate == "copy":
            # The forger has no access to the anchor: an issuer of his own, under the names of the true one.
            issuer, card_key = pki.new_key(), pki.new_key()
            cv_certificate = self._certify(issuer, pki.new_key())
        picture = photo(persona) if persona.has_photo else b""
        face = Face(persona.birth, persona.sex_code, persona.card_expiry, persona.security_code, picture)
        pinless = persona.kind is CardKind.PINLESS
        return PersonCard(
            id=persona.id,
            kind=persona.kind,
            atr=files.ATR_MY_NUMBER,
            jpki=self._jpki(persona, auth_key.public_key(), original),
            visual={
                0x0001: files.age_record(persona.birth, card_key.public_key(), issuer),
                0x0002: files.card_face(face, card_key.public_key(), issuer),
                0x0003: files.basic_info(0xFF30, 0xDF31),
                0x0004: cv_certificate,
                0x0005: files.number_image(card_key.public_key(), issuer),
            },
            text=files.text_files(
                persona.name,
                persona.address,
                face,
                files.TextKeys(issuer, cv_certificate, card_key.public_key(), self._session_key.public_key()),
            ),
            common=files.common_record(persona.card_expiry),
            auth_key=pki.key_bytes(auth_key),
            sign_key=b"" if pinless else pki.key_bytes(self._sign_key),
            card_key=pki.key_bytes(card_key),
            pin=persona.pin,
            sign_pin=persona.sign_pin,
            birth_pin=persona.birth_pin,
            number_b=persona.number_b,
            terminal_root=terminal.public_bytes(self.terminal_root),
            tries={
                "jpki/0018": 0 if pinless else persona.pin_tries,
                "jpki/001B": 0 if pinless else persona.sign_tries,
                "visual/0012": persona.number_tries,
            },
        )

    def _phone(self, persona: Persona) -> PersonCard:
        """A certificate in a phone: the JPKI application alone, under a label of its own."""
        key = pki.new_key()
        content = self._jpki(persona, key.public_key(), None)
        content[0x0006] = files.token_info(files.LABEL_PHONE)
        del content[0x0001]
        return PersonCard(
            persona.id, persona.kind, files.ATR_PHONE, jpki=content, auth_key=pki.key_bytes(key), pin=persona.pin
        )

    def _jpki(self, persona: Persona, key: rsa.RSAPublicKey, original: PersonCard | None) -> dict[int, bytes]:
        end = pki.add_months(self._today, persona.certificate_months)
        begin = pki.add_months(end, -pki.LIFETIME_MONTHS)
        authority = self.foreign if persona.certificate == "foreign" else self.auth
        if persona.certificate == "copy":
            if original is None:
                raise ValueError(f"{persona.id}: the card to copy, {persona.copy_of!r}, is not in this world")
            certificate = original.auth_certificate
        else:
            certificate = authority.user_authentication(key, begin, end)
        content = {
            0x0002: files.pad(self.sign.certificate),
            0x0006: files.token_info(),
            0x0008: b"\x8f\x8f\x00",  # there is a certificate for signing, one for authentication
            0x000A: files.pad(certificate),
            0x000B: files.pad(authority.certificate),
        }
        if persona.kind is CardKind.PINLESS:
            content[0x0008] = b"\x00\x8f\x00"
        else:
            signer = self._sign_key.public_key()
            content[0x0001] = files.pad(self.sign.digital_signature(signer, f"TEST {persona.id}", begin, end))
        return content

    @staticmethod
    def _certify(issuer: rsa.RSAPrivateKey, anchor: rsa.RSAPrivateKey) -> bytes:
        return files.cv_certificate(issuer.public_key(), anchor, files.ANCHOR_KEY_ID, files.ISSUER_KEY_ID)
