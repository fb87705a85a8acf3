"""Measure the face check on consenting volunteers, at the very device; only distances are kept.

Everybody is compared with their own card's photo and with those of the other volunteers of the session. What a camera
or a card shows is in memory until the session ends and is overwritten then. The file gets rows
`kind,distance,frames,age_band` in an order that tells nothing: no picture, no name, no origin.
"""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from devices.child import harden
from devices.secret import SecretBytes
from kiosk.app import is_staged
from kiosk.cli.calibrate_booth import Booth, Declined, RealBooth, SimulatedBooth, Volunteer
from kiosk.cli.calibrate_rows import AGE_BANDS, NOT_TOLD, Row, RowsWrong, append, read, report, rows_of
from kiosk.cli.options import add_config, add_json, settings
from kiosk.cli.report import verdict

CONSENT = """\
この測定に参加されるかたへ / For whoever takes part

  カメラの映像とカードの写真を、この機械の中でくらべて、「似ている度合い」の数だけを記録します。
  写真、映像、氏名、カードの内容、出身や性別は、記録しません。写真と映像から計算した値は、
  この回の終わりに消します。年齢は、よろしければ区分だけお答えください。
  参加は自由です。途中でやめても、終わってから取り消しても（この回のあいだ）、何も不利になりません。

  The camera's picture and the photo on your card are compared inside this machine, and only numbers that
  say how alike they are get recorded: no picture, no name, nothing of your card, no origin, no sex.
  What was computed from the pictures is erased when this session ends. Your age band is your choice.
  Taking part is voluntary. You may stop at any time, or withdraw until the session ends.
"""


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "calibrate", help=(__doc__ or "").partition("\n")[0], description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="See docs/face.md. Choose volunteers as your patients are: old, with old photos, with glasses.",
    )  # fmt: skip
    add_config(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="CSV", help="rows are appended")
    parser.add_argument("--report", action="store_true", help="only tell what the rows of --out say")
    parser.add_argument("--simulated", action="store_true", help="drawn people instead of volunteers, to try it out")
    parser.add_argument(
        "--personas", default="employee,pinless,forged", metavar="IDS", help="with --simulated (%(default)s)"
    )
    add_json(parser)
    parser.set_defaults(run=run)


class Operator(Protocol):
    """Whoever leads the session."""

    def another(self, number: int) -> bool: ...

    def agrees(self) -> bool: ...

    def age_band(self) -> str: ...

    def number(self) -> SecretBytes | None:
        """照合番号B of the card that lies there; None: this volunteer is left out."""

    def stays(self) -> bool:
        """Asked when a volunteer has been measured: may the distances be kept?"""


def run(args: argparse.Namespace) -> int:
    """0 when there are rows and they do not speak against the thresholds, 1 otherwise, 2 for a wrong file or call."""
    harden()
    try:
        before = read(args.out) if args.out.exists() else []
    except RowsWrong as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        print(f"calibrate: {args.out} is not a file of distances; nothing was done", file=sys.stderr)
        return 2
    rows: list[Row] = []
    if not args.report:
        config = settings(args)
        if not args.simulated and is_staged(config):
            print("calibrate: this configuration is simulated; allowed: --simulated, or real devices", file=sys.stderr)
            return 2
        operator: Operator
        booth: Booth
        if args.simulated:
            booth = SimulatedBooth(config, args.personas.split(","))
            operator = Script(booth)
        else:
            booth, operator = RealBooth(config), Terminal()
        try:
            rows = session(booth, operator)
        finally:
            booth.stop()
        append(args.out, rows)
        print(f"{args.out}: {len(rows)} rows appended")
    text, figures, missed = report([*before, *rows])
    print(text)
    line = f"{len(before) + len(rows)} distances, {len(rows)} of them new"
    return verdict("; ".join((line, *missed)), not missed, args.json, figures)


def session(booth: Booth, operator: Operator) -> list[Row]:
    """Volunteers one after another, then everybody with everybody; every descriptor is overwritten at the end."""
    volunteers: list[Volunteer] = []
    try:
        number = 1
        while operator.another(number):
            number += 1
            print(CONSENT)
            if not operator.agrees():
                print("Nothing was looked at.\n")
                continue
            band = operator.age_band()
            try:
                volunteer = booth.measure(band, operator.number, print)
            except Declined as error:
                print(f"{error}; this volunteer is left out.\n")
                continue
            if operator.stays():
                volunteers.append(volunteer)
                print(f"{len(volunteer.frames)} pictures compared; they may leave.\n")
            else:
                volunteer.wipe()
                print("Erased.\n")
        return rows_of(volunteers, booth.distance)
    finally:
        for volunteer in volunteers:
            volunteer.wipe()


class Terminal:
    """A person at the keyboard."""

    def another(self, number: int) -> bool:
        return _asked(f"Volunteer {number}: Enter to begin, q to end the session: ", ("", "q")) == ""

    def agrees(self) -> bool:
        return _asked("同意しますか / Do you agree? yes or no: ", ("yes", "no", "はい", "いいえ")) in ("yes", "はい")

    def age_band(self) -> str:
        print("年齢（任意） / Age, if you like:")
        for number, band in enumerate(AGE_BANDS, start=1):
            print(f"  {number}  {band}")
        allowed = ("", *(str(number) for number in range(1, len(AGE_BANDS) + 1)))
        chosen = _asked("1 to 4, or Enter to say nothing: ", allowed)
        return AGE_BANDS[int(chosen) - 1] if chosen else NOT_TOLD

    def number(self) -> SecretBytes | None:
        """The digits are typed unseen; the card counts wrong ones, so they are never sent twice by the program."""
        typed = getpass.getpass("照合番号B (14 digits), or Enter to leave this volunteer out: ").strip()
        if len(typed) == 14 and typed.isascii() and typed.isdigit():
            return SecretBytes(typed.encode())
        if typed:
            print("allowed: birth date YYMMDD, year of expiry YYYY, security code NNNN")
        return None

    def stays(self) -> bool:
        return _asked("Enter to keep the distances, w to withdraw: ", ("", "w")) == ""


def _asked(prompt: str, allowed: Sequence[str]) -> str:
    while True:
        answer = input(prompt).strip().lower()
        if answer in allowed:
            return answer
        print("allowed: " + ", ".join(word or "Enter" for word in allowed))


class Script:
    """Drawn people, who agree and tell their age band in turn."""

    def __init__(self, booth: SimulatedBooth) -> None:
        self._booth = booth
        self._turn = 0

    def another(self, number: int) -> bool:
        self._turn = number
        return self._booth.invite(number)

    def agrees(self) -> bool:
        return True

    def age_band(self) -> str:
        return (*AGE_BANDS, NOT_TOLD)[self._turn % (len(AGE_BANDS) + 1)]

    def number(self) -> SecretBytes | None:
        return self._booth.number()

    def stays(self) -> bool:
        return True
