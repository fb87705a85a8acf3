"""What can go wrong with hardware, as few typed errors. Messages never carry personal data."""

from __future__ import annotations

from enum import StrEnum


class DeviceFault(StrEnum):
    """One name for each hardware failure; the same names travel between processes."""

    SERVICE_DOWN = "service_down"  # pcscd is not there
    NO_READER = "no_reader"
    ACCESS_DENIED = "access_denied"  # pcscd does not serve this user (polkit)
    VIRTUAL_READER = "virtual_reader"  # refused in production
    SEVERAL_CARDS = "several_cards"  # on several readers at once
    READER_HUNG = "reader_hung"  # it took a command and said nothing more
    NO_CARD = "no_card"
    CARD_REMOVED = "card_removed"
    CARD_MUTE = "card_mute"  # a card that does not answer (or lies the wrong way round)
    CARD_BUSY = "card_busy"  # another program holds the card
    CARD_RESET = "card_reset"  # by another program, in the middle of a step
    CARD_PROTOCOL = "card_protocol"  # an answer that makes no sense
    UNSUPPORTED_CARD = "unsupported_card"  # no JPKI application: not a My Number Card
    PHONE_ON_READER = "phone_on_reader"  # the certificate is in a phone: no photo, and another procedure
    FOREIGN_ISSUER = "foreign_issuer"  # certificate of an issuer that this kiosk does not accept
    CERTIFICATE_UNREADABLE = "certificate_unreadable"
    PIN_BLOCKED = "pin_blocked"
    PIN_WRONG = "pin_wrong"
    NUMBER_WRONG = "number_wrong"  # 照合番号B refused by the card
    NUMBER_GUARDED = "number_guarded"  # too few tries of 照合番号B left: not sent
    PHOTO_INVALID = "photo_invalid"
    CONNECTION_CHANGED = "connection_changed"
    CARD_WORKER_LOST = "card_worker_lost"
    CAMERA_LOST = "camera_lost"  # unplugged, or without a sign of life
    CAMERA_BUSY = "camera_busy"  # another program holds it
    CAMERA_DENIED = "camera_denied"  # this user may not open it
    CAMERA_VIRTUAL = "camera_virtual"  # no lens behind it: refused in production
    CAMERA_COVERED = "camera_covered"  # black pictures: the lens is covered
    CAMERA_FROZEN = "camera_frozen"  # the same picture again and again
    CAMERA_UNFIT = "camera_unfit"  # not a camera, or its pictures are too small
    FACE_WORKER_LOST = "face_worker_lost"
    FACE_MEMORY = "face_memory"  # the face process needed more memory than it may have
    MODEL_MISSING = "model_missing"  # a model file is not there, or damaged
    SCANNER_LOST = "scanner_lost"  # the camera above the card shows nothing
    SCANNER_WORKER_LOST = "scanner_worker_lost"
    SCAN_UNREADABLE = "scan_unreadable"  # the printed face could not be read in time


class DeviceError(Exception):
    """Base of all hardware errors; `fault` is what other processes and the kiosk see."""

    fault: DeviceFault = DeviceFault.CARD_PROTOCOL

    def __init__(self, detail: str = "") -> None:
        super().__init__(f"{self.fault}: {detail}" if detail else str(self.fault))


class ServiceDown(DeviceError):
    fault = DeviceFault.SERVICE_DOWN


class NoReader(DeviceError):
    fault = DeviceFault.NO_READER


class AccessDenied(DeviceError):
    fault = DeviceFault.ACCESS_DENIED


class NoCard(DeviceError):
    fault = DeviceFault.NO_CARD


class CardRemoved(DeviceError):
    fault = DeviceFault.CARD_REMOVED


class CardSwapped(CardRemoved):
    """The card of this connection was taken away, whatever lies there now."""


class CardMute(DeviceError):
    fault = DeviceFault.CARD_MUTE


class CardProgram(StrEnum):
    """Programs of other people that use cards: what may be said of who holds one."""

    SCDAEMON = "scdaemon"  # GnuPG
    BROWSER = "browser"
    OPENSC = "opensc"
    SMART_CARD_TOOL = "smart-card-tool"  # pcsc_scan, scriptor
    EID_CLIENT = "eid-client"  # of a state's identity card
    OTHER_KIOSK = "kiosk"  # a second kiosk on this machine
    OTHER = "other"


class CardBusy(DeviceError):
    """`program`: who probably holds the card; None when nothing on this machine looks like it."""

    fault = DeviceFault.CARD_BUSY

    def __init__(self, detail: str = "", program: CardProgram | None = None) -> None:
        super().__init__(detail)
        self.program = program


class CardReset(DeviceError):
    fault = DeviceFault.CARD_RESET


class CardProtocol(DeviceError):
    fault = DeviceFault.CARD_PROTOCOL


class UnsupportedCard(DeviceError):
    fault = DeviceFault.UNSUPPORTED_CARD


class PhoneOnReader(DeviceError):
    fault = DeviceFault.PHONE_ON_READER


class ForeignIssuer(DeviceError):
    fault = DeviceFault.FOREIGN_ISSUER


class CertificateUnreadable(DeviceError):
    fault = DeviceFault.CERTIFICATE_UNREADABLE


class PinBlocked(DeviceError):
    fault = DeviceFault.PIN_BLOCKED


class PinWrong(DeviceError):
    """The card refused the PIN; `tries_left` as the card said."""

    fault = DeviceFault.PIN_WRONG

    def __init__(self, tries_left: int) -> None:
        super().__init__(f"{tries_left} tries left")
        self.tries_left = tries_left


class NumberWrong(DeviceError):
    """The card refused 照合番号B; `tries_left` as the card said."""

    fault = DeviceFault.NUMBER_WRONG

    def __init__(self, tries_left: int) -> None:
        super().__init__(f"{tries_left} tries left")
        self.tries_left = tries_left


class NumberGuarded(DeviceError):
    """照合番号B was not sent because only `tries_left` remain (the guard keeps 3)."""

    fault = DeviceFault.NUMBER_GUARDED

    def __init__(self, tries_left: int) -> None:
        super().__init__(f"{tries_left} tries left")
        self.tries_left = tries_left


class PhotoInvalid(DeviceError):
    fault = DeviceFault.PHOTO_INVALID


class ConnectionChanged(DeviceError):
    fault = DeviceFault.CONNECTION_CHANGED


class CardWorkerLost(DeviceError):
    fault = DeviceFault.CARD_WORKER_LOST


class CameraLost(DeviceError):
    fault = DeviceFault.CAMERA_LOST


class CameraBusy(CameraLost):
    fault = DeviceFault.CAMERA_BUSY


class CameraDenied(CameraLost):
    fault = DeviceFault.CAMERA_DENIED


class CameraVirtual(CameraLost):
    fault = DeviceFault.CAMERA_VIRTUAL


class CameraUnfit(CameraLost):
    fault = DeviceFault.CAMERA_UNFIT


class FaceWorkerLost(DeviceError):
    fault = DeviceFault.FACE_WORKER_LOST


class ModelMissing(DeviceError):
    fault = DeviceFault.MODEL_MISSING
