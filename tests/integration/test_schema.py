"""JSON as the schema says: every document of every executable, and nothing that it does not name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from fleet import Fleet

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "tools/schema/awsq-1.json").read_text())


def closed(part: Any) -> Any:
    """The same, without room for members that it does not name."""
    if isinstance(part, list):
        return [closed(item) for item in part]
    if not isinstance(part, dict):
        return part
    part = {name: closed(item) for name, item in part.items()}
    if part.get("type") == "object":
        part["additionalProperties"] = False
    return part


CLOSED = closed(SCHEMA)


def check(kind: str, text: str) -> Any:
    """The document, if it is one of that kind and of no other member."""
    document = json.loads(text)
    jsonschema.Draft202012Validator({**CLOSED, "anyOf": [{"$ref": f"#/$defs/{kind}"}]}).validate(
        document)
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    return document


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert "JSON_SCHEMA 1 " in (ROOT / "tools/cli/json.h").read_text()
    for part in json.dumps(SCHEMA).split('"$ref": "')[1:]:
        assert part.split('"')[0].removeprefix("#/$defs/") in SCHEMA["$defs"]


def test_what_is_wrong_is_found() -> None:
    bill = {"month": "2026-11", "region": "us-east-1", "runs": 1, "billed_seconds": 60}
    whole = {"schema": 1, "fleet": "NAVO", "billing": [bill]}
    assert check("list-runs.billing", json.dumps(whole)) == whole
    for wrong in ({**whole, "more": 1}, {**whole, "schema": 2}, {"schema": 1, "fleet": "NAVO"},
                  {**whole, "billing": [{**bill, "runs": "1"}]},
                  {**whole, "billing": [{**bill, "month": "November"}]}):
        with pytest.raises(jsonschema.ValidationError):
            check("list-runs.billing", json.dumps(wrong))


def look_at_runs(fleet: Fleet, region: str) -> None:
    """Of three runs, of which the last is at work then."""
    fleet.run("run-region", region, check=True)
    assert fleet.run("run-region", region, "--timeout=1s", "--", "sleep 30").returncode == 124
    fleet.start("run-region", region, "--timeout=1h", "--", "sleep 3000")
    fleet.cloud.until(lambda: "job at work" in fleet.run("list-runs").stdout)
    runs = check("list-runs", fleet.run("list-runs", "--output=json").stdout)["runs"]
    assert [run["state"] for run in runs] == ["open", "timed-out", "done"]
    done = fleet.run("list-runs", runs[2]["id"], "--output=json")
    assert check("list-runs", done.stdout)["runs"] == runs[2:]
    done = fleet.run("list-runs", "--billing", "--output=json")
    assert check("list-runs.billing", done.stdout)["billing"]


def look_at_the_identity(fleet: Fleet) -> None:
    done = fleet.run("check-region", "--identity", "--output=json")
    (found,) = check("check-region.identity", done.stdout)["identities"]
    assert found["arn"].startswith("arn:aws:") and found["provider"] == "environment"


def look_at_plans(fleet: Fleet, region: str, empty: str, away: str) -> None:
    done = fleet.run("config-region", empty, away, "--dry-run", "--output=json")
    made, error = check("config-region.dry-run", done.stdout)["regions"]
    assert any(action["rules"] for action in made["actions"]) and made["differences"]
    assert {action["sign"] for action in made["actions"]} == {"+", "~", "="} and error["error"]
    done = fleet.run("clear-region", region, away, "--dry-run", "--output=json")
    gone, error = check("config-region.dry-run", done.stdout)["regions"]
    assert {action["sign"] for action in gone["actions"]} == {"-"} and error["error"]
    done = fleet.run("config-region", region, "--preflight", "--output=json")
    preflight = check("config-region.preflight", done.stdout)
    assert preflight["checks"] and preflight["regions"][0]["checks"]


def test_what_the_executables_print(fleet: Fleet, region: str) -> None:
    empty, away = "sa-east-1", "eu-west-3"
    look_at_runs(fleet, region)
    fleet.cloud.fault("*", region=away, times=99, kind="reset")
    done = fleet.run("check-region", region, empty, away, "--output=json")
    found, missing, error = check("check-region", done.stdout)["regions"]
    for name in ("images", "snapshots", "key_pairs", "security_groups", "instances"):
        assert found[name] and not missing[name], name
    assert found["security_groups"][0]["rules"] and found["instances"][0]["uptime_seconds"] >= 0
    assert missing["differences"] and set(error) == {"region", "error"}
    look_at_plans(fleet, region, empty, away)
    look_at_the_identity(fleet)
    fleet.cloud.clear_faults(away)
    done = fleet.run("check-region", "--everywhere", "--output=json")
    everywhere = check("check-region.everywhere", done.stdout)["regions"]
    assert {found["place"] for found in everywhere} == {"home", "listed"}
    done = fleet.run("clear-region", "--everywhere", "--dry-run", "--output=json")
    plans = check("config-region.dry-run", done.stdout)["regions"]
    assert [plan["region"] for plan in plans if plan["actions"]] == [region]
