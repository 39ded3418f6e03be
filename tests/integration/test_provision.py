"""config-region: what the cloud has afterwards, and what was done to get there."""

from __future__ import annotations

import signal
import subprocess
import time

import pytest
from fleet import HOME, NAME, REGIONS, ROLE, Fleet


def public_key(fleet: Fleet) -> str:
    line = subprocess.run(
        ["ssh-keygen", "-y", "-f", str(fleet.key)], capture_output=True, text=True, check=True
    ).stdout
    return " ".join(line.split()[:2])


def assert_complete(fleet: Fleet, region: str) -> None:
    (image,) = fleet.images(region)
    assert image["State"] == "available"
    (key,) = fleet.key_pairs(region)
    assert key["KeyName"] == NAME
    assert " ".join(key["PublicKey"].split()[:2]) == public_key(fleet)
    assert fleet.rules(region) == fleet.rules(HOME)
    (group,) = fleet.groups(region)
    instance = fleet.instance(region)
    assert instance["State"]["Name"] == "stopped"
    assert {"Key": "Name", "Value": NAME} in instance["Tags"]
    assert instance["IamInstanceProfile"]["Arn"].endswith("/" + ROLE)
    assert [g["GroupId"] for g in instance["SecurityGroups"]] == [group["GroupId"]]
    assert instance["KeyName"] == NAME
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    assert instance["ImageId"] == image["ImageId"]
    shutdown = fleet.ec2(region).describe_instance_attribute(
        InstanceId=instance["InstanceId"], Attribute="instanceInitiatedShutdownBehavior"
    )
    assert shutdown["InstanceInitiatedShutdownBehavior"]["Value"] == "stop"


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_all_regions_are_set_up_and_a_second_time_changes_nothing(cloud, kind: str) -> None:
    fleet = Fleet(cloud, kind)
    # Home has its image, group and key; the instance there is to be made too.
    home_instance = fleet.instance(HOME)["InstanceId"]
    fleet.ec2(HOME).terminate_instances(InstanceIds=[home_instance])
    cloud.until(lambda: fleet.instances(HOME) == [])

    fleet.run("config-region", "--all", check=True)
    # Home's own image is not a copy, and its instance is made of it.
    for region in REGIONS:
        assert_complete(fleet, region)
    assert "CopyImage" not in [c["action"] for c in fleet.changes() if c["region"] == HOME]

    mark = cloud.mark()
    done = fleet.run("config-region", "--all", check=True)
    assert fleet.actions(mark) == []
    assert done.stdout.count("nothing to do") == len(REGIONS)


def test_everything_is_tagged_as_it_is_made(fleet: Fleet, region: str) -> None:
    image = fleet.images(region)[0]
    things = [image, *fleet.snapshots(region), *fleet.groups(region), *fleet.key_pairs(region)]
    volumes = fleet.ec2(region).describe_volumes()["Volumes"]
    for thing in [*things, *volumes, fleet.instance(region)]:
        assert {"Key": "awsq:fleet", "Value": NAME} in thing["Tags"], thing
    assert {"Key": "awsq:source-image", "Value": fleet.seeded["image"]} in image["Tags"]
    assert "CreateTags" not in fleet.actions()


def test_user_data_arms_the_shutdown(fleet: Fleet, region: str) -> None:
    (run,) = [c for c in fleet.changes() if c["action"] == "RunInstances" and c["region"] == region]
    import base64

    script = base64.b64decode(run["params"]["UserData"]).decode()
    assert script.startswith("#cloud-boothook\n#!/bin/sh\n")
    assert "(sleep 7200; shutdown -h now " in script


def test_dry_run_prints_and_changes_nothing(fleet: Fleet) -> None:
    mark = fleet.cloud.mark()
    done = fleet.run("config-region", "--dry-run", "eu-west-3")
    assert done.returncode == 3
    assert "+ copy image" in done.stdout and "+ run an instance" in done.stdout
    assert fleet.actions(mark) == []
    fleet.run("config-region", "eu-west-3", check=True)
    assert fleet.run("config-region", "--dry-run", "eu-west-3").returncode == 0


@pytest.mark.parametrize(
    "action",
    ["CopyImage", "ImportKeyPair", "CreateSecurityGroup", "AuthorizeSecurityGroupIngress",
     "RunInstances", "StopInstances"],
)
def test_an_answer_that_is_lost_doubles_nothing(fleet: Fleet, action: str) -> None:
    """The call is carried out, its answer is not seen, and the program is run again."""
    fleet.cloud.fault(action, region="us-east-1", times=1, kind="drop-after")
    fleet.run("config-region", "us-east-1")
    fleet.run("config-region", "us-east-1", check=True)
    assert_complete(fleet, "us-east-1")
    assert len(fleet.snapshots("us-east-1")) == 1


@pytest.mark.parametrize("seconds", [0.1, 0.4, 0.9, 1.4, 2.0])
def test_killed_and_run_again_it_finishes(fleet: Fleet, seconds: float) -> None:
    running = fleet.start("config-region", "us-east-1")
    time.sleep(seconds)
    running.kill()
    running.communicate()
    fleet.run("config-region", "us-east-1", check=True)
    assert_complete(fleet, "us-east-1")
    assert len(fleet.snapshots("us-east-1")) == 1
    everything = fleet.ec2("us-east-1").describe_instances()["Reservations"]
    assert sum(len(r["Instances"]) for r in everything) == 1


def test_interrupted_it_says_what_goes_on(fleet: Fleet) -> None:
    fleet.cloud.settings(copy=600)
    mark = fleet.cloud.mark()
    running = fleet.start("config-region", "us-east-1")
    fleet.cloud.until(lambda: "AuthorizeSecurityGroupEgress" in fleet.actions(mark))
    waiting = len(fleet.cloud.log(mark))
    fleet.cloud.until(lambda: "DescribeImages" in [
        c["action"] for c in fleet.cloud.log(mark)[waiting:]])
    running.send_signal(signal.SIGINT)
    _, stderr = running.communicate(timeout=60)
    assert running.returncode == 128 + signal.SIGINT
    assert b"waits for it" in stderr


def test_interrupted_while_the_instance_boots_it_still_stops_it(fleet: Fleet) -> None:
    fleet.cloud.settings(boot=3)
    mark = fleet.cloud.mark()
    running = fleet.start("config-region", "us-east-1")
    fleet.cloud.until(lambda: "RunInstances" in fleet.actions(mark))
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=60)
    assert fleet.state("us-east-1") == "stopped"


def test_an_instance_known_late_is_stopped_all_the_same(fleet: Fleet) -> None:
    fleet.cloud.settings(late=14)
    fleet.run("config-region", "us-east-1", check=True)
    assert_complete(fleet, "us-east-1")


def test_a_copy_that_fails_is_made_again_by_the_next(fleet: Fleet) -> None:
    fleet.cloud.fault("CopyImage", kind="late", times=1)
    done = fleet.run("config-region", "us-east-1")
    assert done.returncode == 1 and "is failed" in done.stderr
    fleet.run("config-region", "us-east-1", check=True)
    assert_complete(fleet, "us-east-1")


def test_killed_as_it_removes_a_copy_that_failed(fleet: Fleet) -> None:
    """Nothing tells the next one of that copy: it must not ask for it by its token."""
    fleet.cloud.settings(copy=2)
    mark = fleet.cloud.mark()
    fleet.cloud.fault("CopyImage", kind="late", times=1)
    fleet.cloud.fault("DeregisterImage", kind="hold", times=1, seconds=30)
    for begun in ("CopyImage", "DeregisterImage"):
        running = fleet.start("config-region", "us-east-1")
        fleet.cloud.until(lambda begun=begun: begun in fleet.actions(mark))
        time.sleep(0.3)  # so that it has the answer, and an image is known
        running.kill()
        running.communicate()
        fleet.cloud.until(lambda: "pending" not in [i["State"] for i in fleet.images("us-east-1")])
    assert fleet.images("us-east-1") == []
    fleet.run("config-region", "us-east-1", check=True)
    assert_complete(fleet, "us-east-1")


def test_a_disturbance_does_not_end_the_wait_for_a_copy(fleet: Fleet) -> None:
    fleet.cloud.settings(copy=10)
    mark = fleet.cloud.mark()
    running = fleet.start("config-region", "us-east-1")
    fleet.cloud.until(lambda: "CopyImage" in fleet.actions(mark))
    fleet.cloud.fault("DescribeImages", region="us-east-1", preset="unavailable", times=3)
    _, stderr = running.communicate(timeout=120)
    assert running.returncode == 0, stderr
    assert stderr.count(b"cannot look at image") == 1 and b"; trying again" in stderr
    assert stderr.count(b"waiting for the copy") == 1
    assert_complete(fleet, "us-east-1")


@pytest.mark.long
def test_a_copy_that_someone_deregisters_is_told_from_one_not_known_yet(fleet: Fleet) -> None:
    region = "us-east-1"
    fleet.cloud.settings(copy=300)
    mark = fleet.cloud.mark()
    running = fleet.start("config-region", region)
    fleet.cloud.until(lambda: fleet.images(region))
    (image,) = fleet.images(region)

    def looks() -> int:
        calls = [c for c in fleet.cloud.log(mark) if c["action"] == "DescribeImages"]
        return [c["params"].get("ImageId.1") for c in calls].count(image["ImageId"])

    fleet.cloud.until(lambda: looks() >= 5)
    fleet.ec2(region).deregister_image(ImageId=image["ImageId"])
    before = looks()
    _, stderr = running.communicate(timeout=150)
    assert running.returncode == 1
    assert f"image '{image['ImageId']}', the copy that was under way, is gone" in stderr.decode()
    # Not by what went before it: they have to be so many in a row.
    assert looks() - before >= 59
    fleet.cloud.settings(copy=0.8)
    fleet.run("config-region", region, check=True)
    assert fleet.state(region) == "stopped"


def test_a_launch_that_ends_by_itself_is_a_failure(fleet: Fleet) -> None:
    fleet.cloud.fault("RunInstances", kind="late", times=1)
    done = fleet.run("config-region", "us-east-1")
    assert done.returncode == 1 and "not stopped" in done.stderr
    fleet.run("config-region", "us-east-1", check=True)
    assert_complete(fleet, "us-east-1")


def test_a_pending_image_is_waited_for_not_copied_again(fleet: Fleet) -> None:
    fleet.cloud.settings(copy=3)
    running = fleet.start("config-region", "us-east-1")
    fleet.cloud.until(lambda: "CopyImage" in fleet.actions())
    time.sleep(0.5)
    running.kill()
    running.communicate()
    fleet.run("config-region", "us-east-1", check=True)
    assert fleet.actions().count("CopyImage") == 1
    assert_complete(fleet, "us-east-1")


def test_rules_are_brought_back_to_home_s(fleet: Fleet, region: str) -> None:
    ec2 = fleet.ec2(region)
    group = fleet.groups(region)[0]["GroupId"]
    world = [{"CidrIp": "0.0.0.0/0", "Description": "left open"}]
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[{"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "IpRanges": world}],
    )
    permission = next(
        p for p in fleet.groups(region)[0]["IpPermissions"] if p.get("FromPort") == 22
    )
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[permission])
    assert fleet.rules(region) != fleet.rules(HOME)

    check = fleet.run("check-region", region)
    assert check.returncode == 3
    rule = 'ingress tcp/8080 0.0.0.0/0 "left open": wanted absent, found present'
    assert f"security group {group}: {rule}" in check.stdout
    fleet.run("config-region", region, check=True)
    assert fleet.rules(region) == fleet.rules(HOME)
    assert fleet.run("check-region", region).returncode == 0


def test_another_key_of_the_name_is_replaced(fleet: Fleet) -> None:
    other = fleet.cloud.new_key("ed25519", "other")
    line = (other.parent / "other.pub").read_bytes()
    fleet.ec2("us-east-1").import_key_pair(KeyName=NAME, PublicKeyMaterial=line)
    fleet.run("config-region", "us-east-1", check=True)
    assert_complete(fleet, "us-east-1")


def test_a_type_without_capacity_is_passed_over(fleet: Fleet) -> None:
    fleet.cloud.fault(
        "RunInstances", times=1, kind="error", code="InsufficientInstanceCapacity", status=500
    )
    fleet.run("config-region", "us-east-1", check=True)
    assert fleet.instance("us-east-1")["InstanceType"] == "t3a.micro"


def test_a_throttled_read_is_not_taken_for_absence(fleet: Fleet, region: str) -> None:
    mark = fleet.cloud.mark()
    fleet.cloud.fault(
        "DescribeImages", region=region, times=50, kind="error",
        code="RequestLimitExceeded", status=503,
    )
    done = fleet.run("config-region", region)
    assert done.returncode == 1
    assert "cannot read the images: RequestLimitExceeded" in done.stderr
    assert fleet.actions(mark) == []


def test_home_without_image_or_with_two(fleet: Fleet) -> None:
    ec2 = fleet.ec2(HOME)
    second = ec2.copy_image(SourceRegion=HOME, SourceImageId=fleet.seeded["image"], Name=NAME)
    fleet.cloud.until(lambda: len(fleet.images(HOME)) == 2)
    done = fleet.run("config-region", "us-east-1")
    assert done.returncode == 1
    for image in (second["ImageId"], fleet.seeded["image"]):
        assert image in done.stderr
    for image in fleet.images(HOME):
        ec2.deregister_image(ImageId=image["ImageId"])
    done = fleet.run("config-region", "us-east-1")
    assert done.returncode == 1 and "there is no image named 'NAVO'" in done.stderr
    assert fleet.instances("us-east-1") == []


def test_a_missing_role_is_explained(fleet: Fleet) -> None:
    fleet.configure(role="NoSuchRole")
    done = fleet.run("config-region", "us-east-1")
    assert done.returncode == 1
    assert "there is no instance profile 'NoSuchRole'" in done.stderr


def test_one_region_s_failure_leaves_the_others_alone(fleet: Fleet) -> None:
    fleet.cloud.fault(
        "*", region="eu-west-3", times=500, kind="error", code="OptInRequired", status=401,
        message="You are not subscribed to this service.",
    )
    done = fleet.run("config-region", "us-east-1", "eu-west-3")
    assert done.returncode == 1
    assert "eu-west-3: cannot read" in done.stderr and "OptInRequired" in done.stderr
    assert_complete(fleet, "us-east-1")
