"""/_cloud: how a test looks behind the cloud, and moves things there. Not signed.

GET    /_cloud/log?since=N     the calls after the N-th
GET    /_cloud/born?since=N    what was ever made, after the first N: region, id, kind
GET    /_cloud/power           for each instance its boots, with the time of every change
GET    /_cloud/fault           the faults that still wait
POST   /_cloud/fault           one more (faults.py)
DELETE /_cloud/fault?region=R  none from here on, or none of those for one region
GET    /_cloud/settings        how long things take
POST   /_cloud/settings        change some of it (settings.py)
POST   /_cloud/offering        {"region": name, "type": instance type, "offered": true or false}
POST   /_cloud/region          {"region": name, "do": open, close, plug or unplug}
POST   /_cloud/key             {"access_key": id, "do": expire or restore, "seconds": for so long}
POST   /_cloud/account         {"number": of a new account, "role": a role to assume in it}
POST   /_cloud/machine         {"instance": id, "do": ...}
           kill-sshd, start-sshd, freeze-sshd, thaw-sshd, drop-connections
           blackhole, end-blackhole (its packets are lost: what is open falls
           silent, what is new is never answered)
           shutdown ("in": seconds, or "minutes"), cancel-shutdown
           kill-agent, start-agent (of Systems Manager)
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from .account import make_account
from .wire import Answer, Request

if TYPE_CHECKING:
    from .world import World

_ORDERS = (
    "kill-sshd",
    "start-sshd",
    "freeze-sshd",
    "thaw-sshd",
    "drop-connections",
    "blackhole",
    "end-blackhole",
)


def handle(world: World, request: Request) -> Answer:
    url = urlsplit(request.path)
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    action = f"{request.method} {url.path.removeprefix('/_cloud/')}"
    try:
        body = json.loads(request.body or b"{}")
        result = _act(world, action, query, body)
    except (ValueError, TypeError, KeyError) as error:
        return _json(400, {"error": str(error)})
    return _json(200, result)


def _act(world: World, action: str, query: dict[str, str], body: dict[str, Any]) -> Any:
    if action == "GET log":
        return world.log.since(int(query.get("since", 0)))
    if action == "GET born":
        with world.lock:
            return world.births.since(int(query.get("since", 0)))
    if action == "GET power":
        with world.lock:
            world.agenda.advance()
            return dict(world.lives.power)
    if action == "GET fault":
        return world.faults.as_list()
    if action == "POST fault":
        world.faults.add(body)
        return {}
    if action == "DELETE fault":
        world.faults.clear(query.get("region"))
        return {}
    if action == "GET settings":
        return world.settings.as_dict()
    if action == "POST settings":
        world.settings.change(body)
        return world.settings.as_dict()
    if action == "POST offering":
        offerings = world.offerings
        change = offerings.give_back if body["offered"] else offerings.take_away
        change(str(body["region"]), str(body["type"]))
        return {}
    if action == "POST region":
        world.regions.change(str(body["region"]), str(body["do"]))
        return {}
    if action == "POST key":
        world.expired_keys.change(**body)
        return {}
    if action == "POST account":
        return {"role_arn": make_account(**body)}
    if action == "POST machine":
        with world.lock:
            world.agenda.advance()
            _machine(world, body)
        return {}
    raise ValueError(f"no such thing here: {action}")


def _machine(world: World, body: dict[str, Any]) -> None:
    instance = world.instance(str(body["instance"]))
    do = body["do"]
    if do in _ORDERS:
        world.machines.order(instance.id, do)
    elif do == "shutdown":
        seconds = (
            float(body["minutes"]) * world.settings.minute if "minutes" in body else body["in"]
        )
        world.lives.shutdown_in(instance, float(seconds))
    elif do == "cancel-shutdown":
        world.lives.cancel_shutdown(instance)
    elif do == "kill-agent":
        world.agents.kill(instance.id)
    elif do == "start-agent":
        world.agents.revive(instance.id)
    else:
        raise ValueError(f"a machine cannot do this: {do}")


def _json(status: int, value: Any) -> Answer:
    return Answer(status, {"Content-Type": "application/json"}, json.dumps(value).encode())
