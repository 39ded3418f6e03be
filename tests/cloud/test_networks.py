"""Networks that are not the default one."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import Region, refused


class Network:
    def __init__(self, region: Region, block: str = "10.1"):
        self.ec2 = region.ec2
        tags = [{"Key": "Name", "Value": f"net {block}"}]
        named = [{"ResourceType": "vpc", "Tags": tags}]
        self.vpc = self.ec2.create_vpc(CidrBlock=f"{block}.0.0/16", TagSpecifications=named)
        self.vpc = self.vpc["Vpc"]["VpcId"]
        named = [{"ResourceType": "subnet", "Tags": tags}]
        made = self.ec2.create_subnet(
            VpcId=self.vpc, CidrBlock=f"{block}.1.0/24", TagSpecifications=named
        )
        self.subnet = made["Subnet"]["SubnetId"]
        group = {"GroupName": "inside", "Description": "inside"}
        self.group = self.ec2.create_security_group(VpcId=self.vpc, **group)["GroupId"]


def test_an_instance_goes_into_a_network(region: Region) -> None:
    network = Network(region)
    place = {"SubnetId": network.subnet, "SecurityGroupIds": [network.group]}
    instance = region.run(**place)
    shown = region.until(instance, "running")
    assert (shown["VpcId"], shown["SubnetId"]) == (network.vpc, network.subnet)
    assert [g["GroupId"] for g in shown["SecurityGroups"]] == [network.group]
    assert shown["PrivateIpAddress"].startswith("10.1.1.")
    assert "PublicIpAddress" not in shown  # the subnet gives none away
    bare = region.run(shown["ImageId"], SubnetId=network.subnet)
    group = region.instance(bare)["SecurityGroups"][0]
    assert group["GroupName"] == "default" and group["GroupId"] != network.group
    own = region.ec2.describe_security_groups(GroupIds=[group["GroupId"]])["SecurityGroups"][0]
    assert own["VpcId"] == network.vpc


def test_subnet_and_group_are_of_one_network(region: Region) -> None:
    one, two = Network(region), Network(region, "10.2")
    for place in (
        {"SubnetId": one.subnet, "SecurityGroupIds": [two.group]},
        {"SecurityGroupIds": [one.group]},
        {"NetworkInterfaces": [{"DeviceIndex": 0, "SubnetId": one.subnet, "Groups": [two.group]}]},
    ):
        with pytest.raises(ClientError, match="belong to different networks"):
            region.run(**place)
    missing = {"SubnetId": "subnet-0123456789abcdef0"}
    assert refused(region.run, **missing) == "InvalidSubnetID.NotFound"
    missing = {"SubnetId": one.subnet, "SecurityGroupIds": ["sg-0123456789abcdef0"]}
    assert refused(region.run, **missing) == "InvalidGroup.NotFound"
    group = {"GroupName": "g", "Description": "g", "VpcId": "vpc-0123456789abcdef0"}
    assert refused(region.ec2.create_security_group, **group) == "InvalidVpcID.NotFound"


def test_a_region_without_a_default_network(region: Region) -> None:
    ec2, image = region.ec2, region.image()
    vpc = ec2.describe_vpcs(Filters=_by("isDefault", "true"))["Vpcs"][0]["VpcId"]
    assert ec2.describe_vpcs(Filters=_by("is-default", "true"))["Vpcs"][0]["VpcId"] == vpc
    for subnet in ec2.describe_subnets(Filters=_by("vpc-id", vpc))["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    with pytest.raises(ClientError, match="No subnets found for the default VPC") as caught:
        region.run(image)
    assert caught.value.response["Error"]["Code"] == "MissingInput"
    ec2.delete_vpc(VpcId=vpc)
    with pytest.raises(ClientError, match="No default VPC for this user") as caught:
        region.run(image)
    assert caught.value.response["Error"]["Code"] == "VPCIdNotSpecified"
    group = {"GroupName": "g", "Description": "g"}
    assert refused(ec2.create_security_group, **group) == "VPCIdNotSpecified"
    network = Network(region)
    assert ec2.describe_vpcs(Filters=_by("isDefault", "true"))["Vpcs"] == []
    assert region.run(image, SubnetId=network.subnet, SecurityGroupIds=[network.group])
    assert refused(ec2.delete_vpc, VpcId=network.vpc) == "DependencyViolation"


def test_networks_are_found(region: Region) -> None:
    ec2, one, two = region.ec2, Network(region), Network(region, "10.2")

    def vpcs(name: str, value: str) -> list[str]:
        return [v["VpcId"] for v in ec2.describe_vpcs(Filters=_by(name, value))["Vpcs"]]

    def subnets(name: str, value: str) -> list[str]:
        found = ec2.describe_subnets(Filters=_by(name, value))["Subnets"]
        return [subnet["SubnetId"] for subnet in found]

    assert vpcs("tag:Name", "net 10.1") == vpcs("vpc-id", one.vpc) == [one.vpc]
    assert vpcs("tag:Name", "net 10?1") == [one.vpc] and vpcs("tag:Name", "net 10") == []
    assert set(vpcs("isDefault", "false")) == {one.vpc, two.vpc}
    assert subnets("tag:Name", "net 10.2") == subnets("subnet-id", two.subnet) == [two.subnet]
    assert subnets("vpc-id", one.vpc) == [one.subnet]
    groups = ec2.describe_security_groups(Filters=_by("vpc-id", one.vpc))["SecurityGroups"]
    assert {group["GroupName"] for group in groups} == {"default", "inside"}
    region.cloud.settings(page=1)
    pages = list(ec2.get_paginator("describe_vpcs").paginate())
    assert [len(page["Vpcs"]) for page in pages] == [1, 1, 1]


def _by(name: str, value: str) -> list[dict[str, Any]]:
    return [{"Name": name, "Values": [value]}]
