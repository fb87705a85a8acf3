"""Commands as a host would send them, written out by hand: an oracle that shares no code with the client."""

from __future__ import annotations

from devices.simulated.card import VirtualCard
from tests.helpers.picture import picture

PHOTO = picture(bytes(range(256)) * 40)

JPKI = "D392F000260100000001"
VISUAL = "D3921000310001010402"
TEXT = "D3921000310001010408"
COMMON = "D3921000310001010100"
JUKI = "D3921000310001010401"
ISD = "A0000001510000"

MY_NUMBER = "000000000001"


class Talk:
    """A powered card; `send` takes hexadecimal and gives data and status word."""

    def __init__(self, card: VirtualCard) -> None:
        self.card = card
        card.power_on()

    def send(self, apdu: str) -> tuple[bytes, int]:
        answer = self.card.process(bytes.fromhex(apdu))
        return answer[:-2], int.from_bytes(answer[-2:])

    def status(self, apdu: str) -> int:
        data, status = self.send(apdu)
        assert data == b""
        return status

    def select(self, aid: str) -> int:
        return self.status(f"00A4040C{len(aid) // 2:02X}{aid}")

    def file(self, fid: str) -> int:
        return self.status(f"00A4020C02{fid}")

    def verify(self, fid: str, secret: str) -> int:
        assert self.file(fid) == 0x9000
        data = secret.encode().hex()
        return self.status(f"00200080{len(secret):02X}{data}")

    def tries(self, fid: str) -> int:
        assert self.file(fid) == 0x9000
        return self.status("00200080")

    def read(self, fid: str) -> bytes:
        """The whole file in pieces of 256 bytes, until the end is reported."""
        assert self.file(fid) == 0x9000
        content = b""
        while True:
            data, status = self.send(f"00B0{len(content):04X}00")
            if status == 0x6B00:
                return content
            assert status == 0x9000
            content += data
