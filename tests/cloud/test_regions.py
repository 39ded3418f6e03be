"""Regions that are closed, and regions that do not answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionError, HTTPClientError, ReadTimeoutError

from .client import Cloud
from .conftest import Aside, refused


@pytest.fixture
def cloud(shared: Cloud) -> Iterator[Cloud]:
    yield shared
    for region in ("me-south-1", "eu-west-1"):
        shared.open_region(region)
        shared.plug(region)


def status(cloud: Cloud, **how: Any) -> dict[str, str]:
    regions = cloud.boto("ec2").describe_regions(**how)["Regions"]
    return {region["RegionName"]: region["OptInStatus"] for region in regions}


def test_a_region_is_closed_and_opened(cloud: Cloud) -> None:
    before = status(cloud)
    assert before["me-south-1"] == before["af-south-1"] == "opted-in"
    assert before["us-east-1"] == "opt-in-not-required"
    ec2 = cloud.boto("ec2", "me-south-1")
    cloud.close_region("me-south-1")
    assert status(cloud) == {n: s for n, s in before.items() if n != "me-south-1"}
    assert status(cloud, AllRegions=True)["me-south-1"] == "not-opted-in"
    only = [{"Name": "opt-in-status", "Values": ["not-opted-in"]}]
    assert set(status(cloud, AllRegions=True, Filters=only)) == {"me-south-1"}
    assert refused(ec2.describe_instances) == "AuthFailure"
    cloud.open_region("me-south-1")
    assert status(cloud) == before
    assert ec2.describe_instances()["Reservations"] == []
    with pytest.raises(ValueError, match="no such region: mars-1"):
        cloud.close_region("mars-1")


def test_an_unplugged_region_hangs_and_holds_up_nobody(cloud: Cloud) -> None:
    who = cloud.about["admin"]
    hasty = boto3.session.Session().client(
        "ec2",
        region_name="eu-west-1",
        endpoint_url=cloud.endpoint,
        aws_access_key_id=who["access_key_id"],
        aws_secret_access_key=who["secret_access_key"],
        config=Config(retries={"total_max_attempts": 1}, read_timeout=1),
    )
    cloud.unplug("eu-west-1")
    mark, began = cloud.mark(), time.monotonic()
    with pytest.raises(ReadTimeoutError):
        hasty.create_security_group(GroupName="never", Description="never")
    assert time.monotonic() - began >= 1
    call = cloud.log(mark)[0]
    assert (call["action"], call["fault"], call["status"]) == (
        "CreateSecurityGroup",
        "unplugged",
        0,
    )
    assert cloud.boto("ec2", "us-east-1").describe_instances()["Reservations"] == []
    cloud.plug("eu-west-1")
    groups = hasty.describe_security_groups()["SecurityGroups"]
    assert [group["GroupName"] for group in groups] == ["default"]


def test_a_call_that_hangs_is_reset_when_its_region_is_back(cloud: Cloud) -> None:
    ec2 = cloud.boto("ec2", "eu-west-1")
    cloud.unplug("eu-west-1")
    mark = cloud.mark()
    client = Aside(ec2.describe_instances)
    cloud.until(lambda: cloud.log(mark))
    assert client.lives()
    cloud.plug("eu-west-1")
    assert isinstance(client.error(), (ConnectionError, HTTPClientError))
