"""What PC/SC says on this machine, as one line of JSON on standard output: for the doctor, which does not load the
library itself."""

from __future__ import annotations

import json
import sys

from devices.pcsc import scard
from devices.pcsc.scard import PyscardApi, ScardApi


def survey(api: ScardApi) -> dict[str, object]:
    """`result`: the PC/SC code, 0 for success; `readers`: their names."""
    result, context = api.establish()
    if result != scard.SUCCESS:
        return {"result": result, "readers": []}
    result, readers = api.list_readers(context)
    api.release(context)
    none = result == scard.E_NO_READERS_AVAILABLE
    return {"result": 0 if none else result, "readers": readers}


def main() -> None:
    sys.stdout.write(json.dumps(survey(PyscardApi())) + "\n")
