"""Answers that are withheld: what a program killed in the middle of its work leaves behind."""

from __future__ import annotations

import pytest
from botocore.exceptions import ConnectionError, HTTPClientError

from .client import Cloud
from .conftest import Aside, Region, refused


def test_a_held_call_is_carried_out_and_logged_before_its_answer_is_lost(region: Region) -> None:
    cloud, ec2 = region.cloud, region.ec2
    cloud.fault("mutating", kind="hold", after=2, seconds=600)
    mark = cloud.mark()
    for name in ("one", "two"):
        ec2.create_security_group(GroupName=name, Description=name)
    ec2.describe_security_groups()  # reads are not counted
    client = Aside(ec2.create_security_group, GroupName="three", Description="three")
    held = cloud.until(lambda: [c for c in cloud.log(mark) if c["fault"] == "hold"])[0]
    assert (held["action"], held["status"]) == ("CreateSecurityGroup", 200)
    assert held["params"]["GroupName"] == "three"
    names = {g["GroupName"] for g in ec2.describe_security_groups()["SecurityGroups"]}
    assert names == {"default", "one", "two", "three"}
    # All of that while the held call still waits.
    assert client.lives()
    cloud.clear_faults()  # lets go of it
    assert isinstance(client.error(), (ConnectionError, HTTPClientError))
    ec2.create_security_group(GroupName="four", Description="four")


def test_a_call_held_before_is_not_carried_out(region: Region) -> None:
    cloud, ec2 = region.cloud, region.ec2
    cloud.fault("CreateSecurityGroup", kind="hold-before", seconds=4)
    mark = cloud.mark()
    client = Aside(ec2.create_security_group, GroupName="never", Description="never")
    held = cloud.until(lambda: cloud.log(mark))[0]
    assert (held["fault"], held["status"], held["mutating"]) == ("hold-before", 0, True)
    assert len(ec2.describe_security_groups()["SecurityGroups"]) == 1
    assert client.lives()
    # By itself, when its time is over.
    assert isinstance(client.error(), (ConnectionError, HTTPClientError))
    assert len(ec2.describe_security_groups()["SecurityGroups"]) == 1


def test_a_dry_run_is_not_a_mutating_call(shared: Cloud) -> None:
    ec2 = shared.boto("ec2", "us-east-2")
    group = {"GroupName": "dry", "Description": "dry"}
    shared.fault("mutating", preset="internal")
    assert refused(ec2.create_security_group, DryRun=True, **group) == "DryRunOperation"
    assert refused(ec2.create_security_group, **group) == "InternalError"
    with pytest.raises(ValueError, match="no such kind"):
        shared.fault("mutating", kind="held")
