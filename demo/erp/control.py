"""The demo ERP's control API, for tests and demonstrations.

POST   /demo/faults          {"fault": "error-banner", "list": "customers", "times": 1}; no times: until cleared
DELETE /demo/faults          clears all, /demo/faults/<fault> one
POST   /demo/life/<what>     lets something happen, such as new-order; without <what>, anything
GET    /demo/state
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from demo.erp.erp import DemoErp
from demo.erp.faults import Fault
from demo.erp.front_end import FrontEnd, PlannedFault
from demo.erp.life import HAPPENINGS, NothingLeft


def answer(
    erp: DemoErp, front_end: FrontEnd, method: str, what: list[str], body: bytes
) -> tuple[HTTPStatus, dict[str, Any]]:
    try:
        match method, what:
            case "GET", ["state"]:
                pass
            case "POST", ["faults"]:
                front_end.plan_fault(PlannedFault.from_json(json.loads(body)))
            case "DELETE", ["faults"]:
                front_end.clear(None)
            case "DELETE", ["faults", fault]:
                front_end.clear(Fault.called(fault))
            case "POST", ["life", *kind] if not kind or kind[0] in HAPPENINGS:
                return HTTPStatus.OK, {"changed": erp.happen(*kind)}
            case _:
                raise ValueError(f"{method} /demo/{'/'.join(what)}")
    except (KeyError, ValueError, TypeError) as error:
        return HTTPStatus.BAD_REQUEST, {"error": f"not understood: {error}"}
    except NothingLeft as nothing:
        return HTTPStatus.CONFLICT, {"error": str(nothing)}
    return HTTPStatus.OK, erp.as_json() | front_end.as_json()
