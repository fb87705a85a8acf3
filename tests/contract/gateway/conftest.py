"""The HTTPS client against the real server, both with certificates of this run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from kiosk.eligibility.gateway import GatewaySettings, HttpsGateway
from kiosk.eligibility.server import SimulatedGateway
from kiosk.eligibility.tls import TERMINAL, TlsFolder, make_test_tls
from tests.helpers import gateway as helper
from tests.helpers.gateway import Clock

OTHER = "practice-terminal-2"


@dataclass
class Lane:
    server: SimulatedGateway
    tls: TlsFolder
    clock: Clock
    settings: GatewaySettings
    connect: Callable[..., HttpsGateway]


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> TlsFolder:
    return make_test_tls(tmp_path_factory.mktemp("tls"), (TERMINAL, OTHER))


@pytest.fixture
def lane(tls: TlsFolder) -> Iterator[Lane]:
    clock = helper.clock()
    clients: list[HttpsGateway] = []
    with SimulatedGateway(helper.known(), tls, now=clock) as server:
        settings = GatewaySettings(server.url, TERMINAL, tls.certificate(), tls.key(), tls.ca)

        def connect(**changes: Any) -> HttpsGateway:
            clients.append(HttpsGateway(replace(settings, **changes), lambda: clock().timestamp()))
            return clients[-1]

        yield Lane(server, tls, clock, settings, connect)
        for client in clients:
            client.close()


@pytest.fixture
def client(lane: Lane) -> HttpsGateway:
    return lane.connect()
