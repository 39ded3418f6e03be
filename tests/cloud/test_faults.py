"""Who is let in, and what can be made to go wrong."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from .client import Cloud
from .conftest import Region, refused
from .seed import clients


def test_signatures_are_verified(shared: Cloud) -> None:
    wrong = {**shared.about, "admin": {**shared.about["admin"], "secret_access_key": "x" * 40}}
    make = clients(wrong)
    assert refused(make("ec2", "us-east-1").describe_instances) == "AuthFailure"
    assert refused(make("sts", "us-east-1").get_caller_identity) == "SignatureDoesNotMatch"
    unknown = {**shared.about, "admin": {**wrong["admin"], "access_key_id": "AKIA" + "Q" * 16}}
    assert refused(clients(unknown)("ec2", "us-east-1").describe_instances) == "AuthFailure"
    address = shared.endpoint.removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=60)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/", "Action=DescribeInstances&Version=2016-11-15", form)
    assert connection.getresponse().status == 403


def test_a_role_must_be_there_to_be_assumed(shared: Cloud) -> None:
    sts = shared.boto("sts")
    who = {"RoleArn": "arn:aws:iam::123456789012:role/visitor", "RoleSessionName": "test"}
    assert refused(sts.assume_role, **who) == "AccessDenied"
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    shared.boto("iam").create_role(RoleName="visitor", AssumeRolePolicyDocument=document)
    assert sts.assume_role(**who)["Credentials"]["AccessKeyId"].startswith("ASIA")


def test_a_stale_signature_is_refused(region: Region) -> None:
    region.cloud.settings(skew=3600)
    assert refused(region.ec2.describe_instances) == "RequestExpired"


def test_the_policy_of_the_operator_is_enforced(tmp_path: Path) -> None:
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": ["ec2:Describe*"], "Resource": "*"},
            {
                "Effect": "Allow",
                "Action": ["ec2:RunInstances", "ec2:StartInstances"],
                "Resource": "arn:aws:ec2:*:*:instance/*",
                "Condition": {"StringEquals": {"aws:ResourceTag/fleet": "NAVO"}},
            },
        ],
    }
    (tmp_path / "policy.json").write_text(json.dumps(policy))
    with Cloud(tmp_path / "cloud", policy=tmp_path / "policy.json", late=0) as cloud:
        region, ec2 = Region(cloud, "us-east-1"), cloud.boto("ec2", "us-east-1", "operator")
        image = region.image()
        assert ec2.describe_images(Owners=["self"])["Images"]
        run = {"ImageId": image, "MinCount": 1, "MaxCount": 1, "InstanceType": "t3.micro"}
        instance = ec2.run_instances(**run)["Instances"][0]["InstanceId"]
        with pytest.raises(ClientError, match="ec2:StopInstances") as caught:
            ec2.stop_instances(InstanceIds=[instance])
        assert caught.value.response["Error"]["Code"] == "UnauthorizedOperation"
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
        tags = [{"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "b"}]}]
        with pytest.raises(ClientError, match="ec2:CreateTags"):
            ec2.run_instances(TagSpecifications=tags, **run)
        with pytest.raises(ClientError, match="iam:PassRole"):
            ec2.run_instances(IamInstanceProfile={"Name": "x"}, **run)


def test_regions_not_opted_in(tmp_path: Path) -> None:
    with Cloud(tmp_path, regions=["us-east-1", "eu-west-1"]) as cloud:
        ec2 = cloud.boto("ec2", "us-east-1")
        assert len(ec2.describe_regions()["Regions"]) == 2
        every = ec2.describe_regions(AllRegions=True)["Regions"]
        off = [r for r in every if r["OptInStatus"] == "not-opted-in"]
        assert len(off) == len(every) - 2
        assert refused(cloud.boto("ec2", "eu-west-3").describe_instances) == "AuthFailure"


def test_errors_strike_the_calls_they_are_meant_for(region: Region) -> None:
    cloud, ec2 = region.cloud, region.ec2
    cloud.fault("DescribeImages", preset="throttle", region=region.name, times=2)
    assert ec2.describe_instances()["Reservations"] == []
    cloud.boto("ec2", "us-west-2").describe_images(Owners=["self"])
    for _ in range(2):
        assert refused(ec2.describe_images, Owners=["self"]) == "RequestLimitExceeded"
    ec2.describe_images(Owners=["self"])
    cloud.fault("DescribeInstances", preset="capacity", after=1)
    ec2.describe_instances()
    with pytest.raises(ClientError) as caught:
        ec2.describe_instances()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    cloud.fault("*", code="Odd", status=418, message="a <teapot>", times=-1)
    with pytest.raises(ClientError, match="a <teapot>"):
        ec2.describe_instances()
    cloud.clear_faults("eu-west-9")
    with pytest.raises(ClientError, match="a <teapot>"):
        ec2.describe_instances()
    cloud.clear_faults()
    cloud.fault("*", preset="internal", region=region.name, times=-1)
    cloud.clear_faults(region.name)
    ec2.describe_instances()
    with pytest.raises(ValueError, match="no such kind"):
        cloud.fault("*", kind="odd")


def test_a_fault_can_last_for_a_time(region: Region) -> None:
    began = time.monotonic()
    region.cloud.fault("*", preset="throttle", region=region.name, times=-1, until=0.8)
    while refused_or_not(region.ec2.describe_instances) == "RequestLimitExceeded":
        time.sleep(0.05)
    assert time.monotonic() - began >= 0.8


def refused_or_not(call: Any) -> str | None:
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return None


def test_capacity_is_a_matter_of_the_instance_type(region: Region) -> None:
    cloud, ec2 = region.cloud, region.ec2
    cloud.fault("*", preset="capacity", region=region.name, types=["t3.micro"], times=-1)
    image = region.image()
    code = refused(region.run, image)
    assert code == "InsufficientInstanceCapacity"
    instance = region.run(image, InstanceType="t3a.micro")
    region.until(instance, "running")
    ec2.stop_instances(InstanceIds=[instance])
    region.until(instance, "stopped")
    ec2.modify_instance_attribute(InstanceId=instance, InstanceType={"Value": "t3.micro"})
    assert refused(ec2.start_instances, InstanceIds=[instance]) == "InsufficientInstanceCapacity"
    ec2.modify_instance_attribute(InstanceId=instance, InstanceType={"Value": "t2.micro"})
    ec2.start_instances(InstanceIds=[instance])
    region.until(instance, "running")


def test_keys_expire_and_new_ones_work(shared: Cloud) -> None:
    old = shared.about["operator"]["access_key_id"]
    fresh = shared.new_access_key()
    shared.expire_key(old)
    for service, action, code in (
        ("ec2", "describe_instances", "RequestExpired"),
        ("sts", "get_caller_identity", "ExpiredToken"),
        ("ssm", "describe_parameters", "ExpiredTokenException"),
    ):
        assert refused(getattr(shared.boto(service, user="operator"), action)) == code
    renewed = {**shared.about, "operator": {
        "access_key_id": fresh["AWS_ACCESS_KEY_ID"],
        "secret_access_key": fresh["AWS_SECRET_ACCESS_KEY"],
    }}  # fmt: skip
    clients(renewed, "operator")("ec2", "us-east-1").describe_instances()
    shared.restore_key(old)
    shared.boto("ec2", user="operator").describe_instances()
    ec2 = shared.boto("ec2", user="operator")
    shared.expire_key(old, seconds=2)
    assert refused(ec2.describe_instances) == "RequestExpired"
    shared.until(lambda: refused_or_not(ec2.describe_instances) != "RequestExpired")
    ec2.describe_instances()


def test_a_reset_leaves_nothing_and_a_lost_answer_everything(region: Region) -> None:
    cloud, ec2 = region.cloud, region.ec2
    group = {"Description": "lost"}
    cloud.fault("CreateSecurityGroup", kind="reset")
    with pytest.raises((ConnectionError, HTTPClientError)):
        ec2.create_security_group(GroupName="reset", **group)
    cloud.fault("CreateSecurityGroup", kind="drop-after")
    with pytest.raises((ConnectionError, HTTPClientError)):
        ec2.create_security_group(GroupName="dropped", **group)
    names = {g["GroupName"] for g in ec2.describe_security_groups()["SecurityGroups"]}
    assert names == {"default", "dropped"}


def test_a_reset_is_one_on_the_wire(shared: Cloud) -> None:
    shared.fault("DescribeRegions", kind="reset")
    host, port = shared.endpoint.removeprefix("http://").split(":")
    body = b"Action=DescribeRegions"
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_truncated_and_slow_answers(region: Region) -> None:
    cloud = region.cloud
    cloud.fault("DescribeRegions", kind="truncate")
    with pytest.raises(Exception, match="(?i)incomplete|broken|terminated|closed"):
        region.ec2.describe_regions()
    cloud.fault("DescribeRegions", kind="slow", seconds=0.4)
    began = time.monotonic()
    region.ec2.describe_regions()
    assert time.monotonic() - began >= 0.4


def test_what_was_accepted_can_fail_later(region: Region) -> None:
    cloud, ec2 = region.cloud, region.ec2
    image = region.image()
    cloud.fault("CopyImage", kind="late", code="Client.InvalidKey", message="the key is gone")
    source = {"SourceImageId": image, "SourceRegion": region.name}
    copy = ec2.copy_image(Name="copy", **source)["ImageId"]

    def state() -> dict:
        return ec2.describe_images(ImageIds=[copy])["Images"][0]

    cloud.until(lambda: state()["State"] == "failed")
    assert state()["StateReason"]["Message"] == "the key is gone"

    instance = region.run(image)
    region.until(instance, "running")
    ec2.stop_instances(InstanceIds=[instance])
    region.until(instance, "stopped")
    cloud.fault("StartInstances", kind="late", code="Client.InternalError", message="no volume")
    cloud.settings(boot=3)  # long enough to be met, on a busy machine too
    ec2.start_instances(InstanceIds=[instance])
    assert region.state(instance) == "pending"
    assert "no volume" in region.until(instance, "stopped")["StateReason"]["Message"]


def test_calls_are_logged(region: Region) -> None:
    mark = region.cloud.mark()
    region.ec2.describe_instances(Filters=[{"Name": "tag:a", "Values": ["b", "c"]}])
    refused(region.ec2.stop_instances, InstanceIds=["i-0123456789abcdef0"])
    refused(region.ec2.create_security_group, GroupName="g", Description="d", DryRun=True)
    read, write, dry = region.cloud.log(mark)
    assert (read["action"], read["mutating"], read["status"]) == ("DescribeInstances", False, 200)
    assert read["params"]["Filter.1.Value.2"] == "c"
    assert read["region"] == region.name and read["service"] == "ec2"
    assert read["access_key"] == region.cloud.about["admin"]["access_key_id"]
    assert write["mutating"] and write["error"] == "InvalidInstanceID.NotFound"
    assert not dry["mutating"] and dry["error"] == "DryRunOperation" and dry["status"] == 412


def test_ssm_speaks_json(shared: Cloud) -> None:
    ssm = shared.boto("ssm", "us-east-1")
    mark = shared.mark()
    assert refused(ssm.get_parameter, Name="/none") == "ParameterNotFound"
    call = shared.log(mark)[0]
    assert (call["action"], call["params"]["Name"]) == ("GetParameter", "/none")
    shared.fault("GetParameter", code="ThrottlingException", status=400, message="slow down")
    assert refused(ssm.get_parameter, Name="/none") == "ThrottlingException"


def test_connections_are_kept(shared: Cloud) -> None:
    connection = http.client.HTTPConnection(shared.endpoint.removeprefix("http://"), timeout=60)
    for _ in range(2):
        connection.request("GET", "/_cloud/settings")
        answer = connection.getresponse()
        assert answer.status == 200 and json.load(answer)
        sock = connection.sock
    assert sock is connection.sock and sock is not None


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    here = str(Path(__file__).parent)
    script = f"{sys.executable} {here} --dir {tmp_path} & wait"
    parent = subprocess.Popen(["sh", "-c", script], stdout=subprocess.DEVNULL)
    ready = tmp_path / "cloud.json"
    end = time.monotonic() + 120
    while not ready.exists() and time.monotonic() < end:
        time.sleep(0.05)
    pid = json.loads(ready.read_text())["pid"]
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    while _lives(pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert not _lives(pid)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
