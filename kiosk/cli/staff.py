"""Set the PIN of the staff or of maintenance."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import Any

from devices.secret import SecretBytes
from kiosk.cli.options import add_config, settings
from kiosk.cli.report import verdict
from kiosk.maintenance.credentials import Role, WeakPin, set_pin


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("staff", help=__doc__, description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    action = actions.add_parser("set-pin", help="ask for a PIN (or read it from standard input) and store its hash")
    action.add_argument("--role", type=Role, choices=list(Role), default=Role.STAFF, help="default: %(default)s")
    add_config(action)


def run(args: argparse.Namespace) -> int:
    chosen = settings(args)
    path = chosen.staff_hash_file if args.role is Role.STAFF else chosen.maintenance_hash_file
    if sys.stdin.isatty():
        typed = getpass.getpass("PIN: ")
        if getpass.getpass("The same PIN again: ") != typed:
            return verdict("the two PINs differ, nothing was changed", False)
    else:
        typed = sys.stdin.readline().rstrip("\r\n")
    with SecretBytes(typed.encode()) as pin:
        try:
            set_pin(path, pin)
        except WeakPin as error:
            return verdict(f"the PIN was not taken: {error}", False)
        except OSError as error:
            return verdict(f"{path} cannot be written ({type(error).__name__})", False)
    return verdict(f"PIN of {args.role} set", True)
