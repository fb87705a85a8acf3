"""Show or withdraw the consents of today's reception number N (受付番号).

For staff, at the patient's wish, beside a running kiosk: its journal says which reception has the number, the gateway
has the record and withdraws it. Information that was released already stays where it is.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from kiosk.audit import Audit, Unavailable
from kiosk.cli.options import add_config, add_json, settings
from kiosk.cli.report import verdict
from kiosk.cli.stage import test_tls_folder
from kiosk.config import GatewayDriver, Settings
from kiosk.eligibility.gateway import GatewaySettings, HttpsGateway
from kiosk.eligibility.model import ConsentRecord
from kiosk.eligibility.port import GatewayError
from kiosk.eligibility.tls import TlsFolder
from kiosk.handoff.errors import JournalDamaged
from kiosk.handoff.journal import read
from kiosk.qualification import JST


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("consent", help=(__doc__ or "").partition("\n")[0], description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    show = actions.add_parser("show", help="what the gateway's record says")
    withdraw = actions.add_parser("withdraw", help="from now on nothing is released by it")
    for action in (show, withdraw):
        action.add_argument("--number", type=int, required=True, metavar="N", help="受付番号 of the day")
        action.add_argument("--yesterday", action="store_true", help="of the day before: a consent lasts 24 hours")
        action.add_argument("--gateway", default="", metavar="URL", help="the simulated gateway of a running kiosk")
        add_config(action)
        add_json(action)


def run(args: argparse.Namespace) -> int:
    config = settings(args)
    data: dict[str, Any] = {"number": args.number}
    try:
        day = datetime.now(JST) - timedelta(days=args.yesterday)
        reception = find(config.journal_file, args.number, day)
    except (OSError, JournalDamaged) as error:
        return verdict(f"the journal cannot be read ({type(error).__name__})", False, args.json, data)
    if reception is None:
        of = "yesterday" if args.yesterday else "today"
        return verdict(f"there was no number {args.number} {of}", False, args.json, data)
    if config.gateway.driver is GatewayDriver.SIMULATED and not args.gateway:
        return verdict("the gateway is simulated: --gateway URL, as `kiosk run` prints it", False, args.json, data)
    try:
        with _gateway(config, args.gateway) as gateway:
            return (_show if args.action == "show" else _withdraw)(gateway, reception, config, args, data)
    except GatewayError as error:
        line = f"the gateway could not be asked: {error.failure.value} {error.upstream}"
        return verdict(line, False, args.json, data)


def find(journal: Path, number: int, at: datetime) -> str | None:
    """The reception that had `number` on the day of `at`. Raises `JournalDamaged`, OSError."""
    day = int(f"{at.astimezone(JST):%Y%m%d}")
    found = [entry.reception for entry in read(journal) if (entry.number, entry.day) == (number, day)]
    return found[0] if found else None


def _show(
    gateway: HttpsGateway, reception: str, config: Settings, args: argparse.Namespace, data: dict[str, Any]
) -> int:
    record = gateway.consents(reception)
    if record is None:
        return verdict(f"number {args.number}: the gateway has no consents", False, args.json, data)
    for line in _lines(record):
        print(line)
    data["record"] = record.model_dump(mode="json", exclude={"reception"})
    state = "in force" if record.withdrawn_at is None else "withdrawn"
    return verdict(f"number {args.number}: {len(record.answers)} answers, {state}", True, args.json, data)


def _lines(record: ConsentRecord) -> Iterator[str]:
    yield f"wording {record.text_version}, language {record.language}"
    yield f"given {_time(record.given_at)}, until {_time(record.available_until)}"
    if record.withdrawn_at is not None:
        yield f"withdrawn {_time(record.withdrawn_at)}"
    for answer in record.answers:
        yield f"{answer.item.name.lower():14}{'yes' if answer.given else 'no'}"


def _time(at: datetime) -> str:
    return f"{at.astimezone(JST):%Y-%m-%d %H:%M:%S}"


def _withdraw(
    gateway: HttpsGateway, reception: str, config: Settings, args: argparse.Namespace, data: dict[str, Any]
) -> int:
    data["withdrawn"] = gateway.withdraw(reception)
    if not data["withdrawn"]:
        return verdict(f"number {args.number}: there was no consent in force", False, args.json, data)
    try:
        audit = Audit(config.audit_file, simulated=config.simulated)
        audit.record("consent_withdrawn", reception)
        audit.close()
    except Unavailable:
        return verdict(f"number {args.number}: withdrawn, but the audit could not be written", False, args.json, data)
    return verdict(f"number {args.number}: withdrawn", True, args.json, data)


@contextmanager
def _gateway(config: Settings, url: str) -> Iterator[HttpsGateway]:
    """As the kiosk itself shows who it is."""
    terminal = config.gateway.terminal_id
    if config.gateway.driver is GatewayDriver.SIMULATED:
        tls = TlsFolder(test_tls_folder(config))
        access = GatewaySettings(url, terminal, tls.certificate(terminal), tls.key(terminal), tls.ca)
    else:
        real = config.gateway
        assert real.client_cert is not None
        assert real.client_key is not None
        assert real.ca_file is not None
        access = GatewaySettings(real.url, terminal, real.client_cert, real.client_key, real.ca_file)
    gateway = HttpsGateway(access)
    try:
        yield gateway
    finally:
        gateway.close()
