"""The demo ERP's control API, for tests and demonstrations.

POST   /demo/faults          {"fault": "error-banner", "list": "customers", "times": 1}; no times: until cleared
DELETE /demo/faults          clears all, /demo/faults/<fault> one
POST   /demo/life/<what>     lets something happen, such as new-order; without <what>, anything
POST   /demo/orders          {"account": "1002239", "amount": "122.00"}: an order that somebody enters, in euro
POST   /demo/clock           {"now": "2026-03-29T23:30:00"}: local Italian time; the clock goes on from there
POST   /demo/update          an update over night: menu numbers, filters' values, a tab and a column are others
DELETE /demo/sessions        ends all sessions
POST   /demo/down            answers nothing but this API, until DELETE /demo/down
POST   /demo/mute            takes every request but this API's, and answers none, until DELETE /demo/mute
POST   /demo/password        {"password": "..."}: the user's new one
POST   /demo/delays          {"page": [0.6, 1.2], "export": 5}: seconds, or the least and the most
GET    /demo/state
"""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from demo.erp.faults import Fault
from demo.erp.front_end import PlannedFault
from demo.erp.life import HAPPENINGS, NothingLeft

if TYPE_CHECKING:
    from demo.erp.server import DemoServer


def answer(demo: DemoServer, method: str, what: list[str], body: bytes) -> tuple[HTTPStatus, dict[str, Any]]:
    erp, front_end = demo.erp, demo.front_end
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
            case "POST", ["orders"]:
                order = json.loads(body)
                return HTTPStatus.OK, {"changed": erp.enter_order(str(order["account"]), Decimal(order["amount"]))}
            case "POST", ["clock"]:
                erp.clock.set(datetime.fromisoformat(json.loads(body)["now"]))
            case "POST", ["update"]:
                front_end.update()
            case "DELETE", ["sessions"]:
                front_end.end_sessions()
            case (("POST" | "DELETE"), ["down"]):
                front_end.is_down = method == "POST"
            case (("POST" | "DELETE"), ["mute"]):
                front_end.is_mute = method == "POST"
            case "POST", ["password"]:
                front_end.password = str(json.loads(body)["password"])
            case "POST", ["delays"]:
                demo.set_delays(json.loads(body))
            case _:
                raise ValueError(f"{method} /demo/{'/'.join(what)}")
    except (KeyError, ValueError, TypeError, InvalidOperation) as error:
        return HTTPStatus.BAD_REQUEST, {"error": f"not understood: {error}"}
    except NothingLeft as nothing:
        return HTTPStatus.CONFLICT, {"error": str(nothing)}
    return HTTPStatus.OK, erp.as_json() | front_end.as_json()
