"""What --dry-run prints, and what is carried out afterwards, are the same list.

A region is made to differ at random (the seed is printed), again and again; each time the plan is
asked for as JSON, carried out, and compared with the mutating calls that the cloud has logged.
"""

from __future__ import annotations

import json
import random
import signal
from collections.abc import Callable
from typing import Any

import pytest
import test_drift
from botocore.exceptions import ClientError
from fleet import Fleet

REGION = test_drift.REGION

# Where a call names what it acts on; calls that make something name nothing.
ID_PARAMETER = {
    "CreateTags": "ResourceId.1",
    "DeleteKeyPair": "KeyName",
    "RevokeSecurityGroupIngress": "GroupId",
    "RevokeSecurityGroupEgress": "GroupId",
    "AuthorizeSecurityGroupIngress": "GroupId",
    "AuthorizeSecurityGroupEgress": "GroupId",
    "DeleteSecurityGroup": "GroupId",
    "DeregisterImage": "ImageId",
    "DeleteSnapshot": "SnapshotId",
    "DeleteVolume": "VolumeId",
    "StopInstances": "InstanceId.1",
    "TerminateInstances": "InstanceId.1",
    "ModifyInstanceAttribute": "InstanceId",
    "ModifyInstanceMetadataOptions": "InstanceId",
    "AssociateIamInstanceProfile": "InstanceId",
}


def image_gone(fleet: Fleet) -> str:
    fleet.ec2(REGION).deregister_image(ImageId=fleet.images(REGION)[0]["ImageId"])
    return ""


def instance_gone(fleet: Fleet) -> str:
    fleet.ec2(REGION).terminate_instances(InstanceIds=[test_drift.instance_id(fleet)])
    fleet.cloud.until(lambda: fleet.instances(REGION) == [])
    return ""


def group_gone(fleet: Fleet) -> str:
    instance_gone(fleet)
    fleet.ec2(REGION).delete_security_group(GroupId=test_drift.group_id(fleet))
    return ""


def tags_gone(fleet: Fleet) -> str:
    things = [
        test_drift.instance_id(fleet), test_drift.group_id(fleet),
        fleet.key_pairs(REGION)[0]["KeyPairId"], *[s["SnapshotId"] for s in fleet.snapshots(REGION)],
    ]  # fmt: skip
    fleet.ec2(REGION).delete_tags(
        Resources=random.sample(things, k=random.randint(1, len(things))),
        Tags=[{"Key": "awsq:fleet"}],
    )
    return ""


DRIFTS: list[Callable[[Fleet], str]] = [
    *test_drift.IN_PLACE, *test_drift.BY_REPLACING, test_drift.stop_protected,
    image_gone, instance_gone, group_gone, tags_gone,
]  # fmt: skip


def differ_at_random(fleet: Fleet) -> list[str]:
    done = []
    for drift in random.sample(DRIFTS, k=random.randint(1, 6)):
        try:
            drift(fleet)
            done.append(drift.__name__)
        except (ClientError, AssertionError, IndexError, ValueError):
            pass  # what it would change is gone already
    return done


def planned(stdout: str) -> list[tuple[str, str]]:
    (region,) = json.loads(stdout)["regions"]
    assert region["error"] is None and region["blocked"] is None, region
    return [(a["api"], a["id"]) for a in region["actions"] if a["api"]]


def carried_out(fleet: Fleet, since: int, plan: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """As (action, id); what the plan could not name yet has no id in it, and none here."""
    calls = [c for c in fleet.changes(since) if c["status"] == 200]
    assert all(c["region"] == REGION for c in calls)
    named = []
    for i, call in enumerate(calls):
        thing = call["params"].get(ID_PARAMETER.get(call["action"], ""), "")
        is_new = i < len(plan) and plan[i][1] == ""
        if call["action"] == "ReplaceIamInstanceProfileAssociation" and i < len(plan):
            thing = plan[i][1]  # the call names the association, the plan its instance
        named.append((call["action"], "" if is_new else thing))
    return named


def random_options() -> list[str]:
    options = [o for o in ("--replace", "--lift-protection") if random.random() < 0.6]
    return [*options, *random.choice([[], ["--keep-images=1"]])]


@pytest.mark.parametrize("seed", [11, 12, *(pytest.param(seed, marks=pytest.mark.long) for seed in (13, 14))])
def test_the_plan_is_what_is_done(fleet: Fleet, seed: int) -> None:
    random.seed(seed)
    fleet.cloud.settings(boot=0.2, stop=0.1, copy=0.3, late=0)
    total = 0
    for turn in range(5):
        drifts = differ_at_random(fleet) if turn else ["empty"]
        options = random_options()
        about = f"seed {seed}, turn {turn}: {drifts} {options}"
        dry = fleet.run("config-region", "--dry-run", "--output=json", *options, REGION)
        assert dry.returncode in (0, 3), f"{about}\n{dry.stdout}{dry.stderr}"
        plan = planned(dry.stdout)
        assert dry.returncode == (3 if plan else 0), about
        mark = fleet.cloud.mark()
        done = fleet.run("config-region", *options, REGION)
        # What is protected is not replaced, which is no success.
        assert done.returncode == ("not replaced" in done.stdout), f"{about}\n{done.stderr}"
        assert carried_out(fleet, mark, plan) == plan, about
        again = fleet.run("config-region", "--dry-run", *options, REGION)
        assert again.returncode == 0, f"{about}\n{again.stdout}"
        total += len(plan)
    assert total > 15

    dry = fleet.run("clear-region", "--dry-run", "--output=json", "--lift-protection", REGION)
    assert dry.returncode == 3
    mark = fleet.cloud.mark()
    fleet.run("clear-region", "--yes", "--lift-protection", REGION, check=True)
    assert carried_out(fleet, mark, planned(dry.stdout)) == planned(dry.stdout)


def test_the_plan_as_text(fleet: Fleet, region: str) -> None:
    test_drift.rule_too_many(fleet)
    test_drift.newer_home_image(fleet)
    test_drift.terminates_on_shutdown(fleet)
    done = fleet.run("config-region", "--dry-run", region)
    lines = done.stdout.splitlines()
    new = fleet.images("us-west-2")[0]["ImageId"]
    assert f"{region}: + copy image {new} from us-west-2 (home image is newer)" in lines
    assert any(
        line.startswith(f"{region}: ~ revoke 1 ingress rule in security group ")
        and line.endswith(" (not in the home group)")
        for line in lines
    )
    assert f"{region}:     ingress tcp/8080 0.0.0.0/0" in lines
    assert any("! instance" in line and "--replace makes a new instance" in line for line in lines)


def test_a_plan_as_json_leaves_out_nothing(fleet: Fleet, region: str) -> None:
    """Names longer than the room for them are cut between characters: JSON takes no part of one."""
    name = "x" + "é" * 149
    instance = fleet.instance(region)["InstanceId"]
    tags = [{"Key": "Name", "Value": name}]
    fleet.ec2(region).create_tags(Resources=[instance], Tags=tags)
    done = fleet.run("config-region", "--dry-run", "--output=json", region)
    assert done.returncode == 3
    (report,) = json.loads(done.stdout)["regions"]
    assert planned(done.stdout) == [("CreateTags", instance)]
    (difference,) = report["differences"]
    assert difference["found"] == name[:128]
    done = fleet.run("check-region", "--output=json", region)
    assert done.returncode == 3
    assert json.loads(done.stdout)["regions"][0]["differences"] == [difference]


def test_what_is_not_repaired_stays_in_the_summary(fleet: Fleet, region: str) -> None:
    test_drift.newer_home_image(fleet)
    dry = fleet.run("config-region", "--dry-run", region)
    assert dry.returncode == 3 and "actions to do; differences stay" in dry.stdout
    done = fleet.run("config-region", region, check=True)
    assert "done; differences stay" in done.stdout
    again = fleet.run("config-region", region, check=True)
    assert "nothing to do; differences stay" in again.stdout
    assert "--replace makes a new instance" in again.stderr
    replaced = fleet.run("config-region", "--replace", region, check=True)
    assert "done" in replaced.stdout and "differences stay" not in replaced.stdout


def test_a_plan_is_shown_while_a_run_has_the_region(fleet: Fleet) -> None:
    fleet.cloud.settings(copy=600)
    running = fleet.start("config-region", REGION)
    fleet.cloud.until(lambda: "CopyImage" in fleet.actions())
    assert fleet.run("config-region", REGION).returncode == 75
    done = fleet.run("config-region", "--dry-run", REGION)
    assert done.returncode == 3 and "= wait until image" in done.stdout
    running.kill()


def test_an_instance_that_a_run_has_on_is_no_difference(fleet: Fleet, region: str) -> None:
    running = fleet.start("run-region", region, "--timeout=10m", "--", "sleep 300")
    fleet.cloud.until(lambda: fleet.state(region) == "running")
    done = fleet.run("config-region", "--dry-run", region)
    assert done.returncode == 0 and "0 actions to do\n" in done.stdout
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=60)


def test_interrupted_between_two_looks(fleet: Fleet) -> None:
    """What was made is known long after, and looked for till then."""
    fleet.cloud.settings(late=600)
    fleet.cloud.fault(
        "ImportKeyPair", region=REGION, times=-1, kind="error", code="InvalidKeyPair.Duplicate",
        status=400, message="The keypair already exists.",
    )  # fmt: skip
    mark = fleet.cloud.mark()
    running = fleet.start("config-region", REGION)
    fleet.cloud.until(lambda: fleet.actions(mark).count("ImportKeyPair") >= 3)
    running.send_signal(signal.SIGINT)
    _, stderr = running.communicate(timeout=60)
    assert running.returncode == 128 + signal.SIGINT
    assert f"{REGION}: canceled; the same command goes on\n".encode() in stderr


STALE = [
    (test_drift.rule_too_many, "RevokeSecurityGroupIngress", "InvalidPermission.NotFound"),
    (test_drift.no_profile, "AssociateIamInstanceProfile", "IncorrectState"),
    (test_drift.other_profile, "ReplaceIamInstanceProfileAssociation", "InvalidAssociationID.NotFound"),
]  # fmt: skip


@pytest.mark.parametrize("drift, action, code", STALE)
def test_what_a_stale_look_shows_is_looked_at_again(
    fleet: Fleet, region: str, drift: Callable[[Fleet], str], action: str, code: str
) -> None:
    drift(fleet)
    mark = fleet.cloud.mark()
    fleet.cloud.fault(action, region=region, times=1, kind="error", code=code, status=400)
    fleet.run("config-region", region, check=True)
    assert fleet.actions(mark).count(action) == 2
    assert fleet.run("check-region", region).returncode == 0


def test_what_stays_stale_is_an_error(fleet: Fleet, region: str) -> None:
    test_drift.rule_too_many(fleet)
    fleet.cloud.fault(
        "RevokeSecurityGroupIngress", times=-1, kind="error", code="InvalidPermission.NotFound",
        status=400,
    )  # fmt: skip
    done = fleet.run("config-region", region)
    assert done.returncode == 1 and "InvalidPermission.NotFound" in done.stderr
