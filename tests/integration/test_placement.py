"""Where instances go: VPCs, subnets, types on offer, regions that are off; and encryption."""

from __future__ import annotations

from typing import Any

import pytest
from fleet import HOME, NAME, Fleet

REGION = "eu-west-3"


def override(fleet: Fleet, settings: str, region: str = REGION) -> None:
    text = fleet.config.read_text().split("override")[0]
    fleet.config.write_text(text + f"override = {{ {region} = {{ {settings} }}; }};\n")


def delete_default_vpc(fleet: Fleet, region: str = REGION) -> None:
    ec2 = fleet.ec2(region)
    for vpc in ec2.describe_vpcs()["Vpcs"]:
        for subnet in ec2.describe_subnets()["Subnets"]:
            ec2.delete_subnet(SubnetId=subnet["SubnetId"])
        for gateway in ec2.describe_internet_gateways()["InternetGateways"]:
            ec2.detach_internet_gateway(
                InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc["VpcId"]
            )
        ec2.delete_vpc(VpcId=vpc["VpcId"])


def make_vpc(fleet: Fleet, name: str = "observatory", subnets: int = 2) -> dict[str, Any]:
    ec2 = fleet.ec2(REGION)
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "Name", "Value": name}])
    made = []
    for i, zone in zip(range(subnets), "abc", strict=False):
        subnet = ec2.create_subnet(
            VpcId=vpc, CidrBlock=f"10.7.{i}.0/24", AvailabilityZone=REGION + zone
        )["Subnet"]["SubnetId"]
        ec2.create_tags(Resources=[subnet], Tags=[{"Key": "Name", "Value": f"{name}-{zone}"}])
        made.append(subnet)
    return {"vpc": vpc, "subnets": made}


def test_no_default_vpc_is_explained(fleet: Fleet) -> None:
    delete_default_vpc(fleet)
    done = fleet.run("config-region", REGION)
    assert done.returncode == 1
    assert f"aws ec2 create-default-vpc --region {REGION}" in done.stderr
    assert {"CopyImage", "ImportKeyPair"} & set(fleet.actions()) == {"ImportKeyPair"}  # home's own


@pytest.mark.parametrize("by", ["subnet id", "subnet name", "vpc id", "vpc name"])
def test_a_named_network(fleet: Fleet, by: str) -> None:
    delete_default_vpc(fleet)
    made = make_vpc(fleet)
    settings = {
        "subnet id": f'subnet = "{made["subnets"][1]}";',
        "subnet name": 'subnet = "observatory-b";',
        "vpc id": f'vpc = "{made["vpc"]}";',
        "vpc name": 'vpc = "observatory";',
    }[by]
    override(fleet, settings)
    fleet.run("config-region", REGION, check=True)
    instance = fleet.instance(REGION)
    assert instance["VpcId"] == made["vpc"]
    assert instance["SubnetId"] == made["subnets"][1 if "subnet" in by else 0]
    assert fleet.groups(REGION)[0]["VpcId"] == made["vpc"]
    assert fleet.run("check-region", REGION).returncode == 0
    fleet.run("clear-region", "--yes", REGION, check=True)
    assert fleet.groups(REGION) == [] and fleet.instances(REGION) == []


def test_two_networks_of_one_name_are_not_guessed_at(fleet: Fleet) -> None:
    first, second = make_vpc(fleet), make_vpc(fleet)
    override(fleet, 'vpc = "observatory";')
    done = fleet.run("config-region", REGION)
    assert done.returncode == 1
    assert first["vpc"] in done.stderr and second["vpc"] in done.stderr
    override(fleet, 'subnet = "nowhere";')
    assert "there is no subnet 'nowhere' here" in fleet.run("config-region", REGION).stderr


def test_an_instance_in_another_subnet_is_replaced_when_told(fleet: Fleet) -> None:
    made = make_vpc(fleet)
    override(fleet, 'subnet = "observatory-a";')
    fleet.run("config-region", REGION, check=True)
    override(fleet, 'subnet = "observatory-b";')
    check = fleet.run("check-region", REGION)
    assert check.returncode == 3
    assert f"subnet: wanted {made['subnets'][1]}, found {made['subnets'][0]}" in check.stdout
    fleet.run("config-region", "--replace", REGION, check=True)
    assert fleet.instance(REGION)["SubnetId"] == made["subnets"][1]
    assert fleet.run("check-region", REGION).returncode == 0


def test_types_that_are_not_offered_are_passed_over(fleet: Fleet) -> None:
    fleet.cloud.unoffer(REGION, "t3.micro")
    fleet.run("config-region", REGION, check=True)
    assert fleet.instance(REGION)["InstanceType"] == "t3a.micro"
    refused = [c for c in fleet.changes() if c["action"] == "RunInstances" and c["status"] != 200]
    assert [c for c in refused if c["region"] == REGION and c["error"] == "Unsupported"] == []
    for kind in ("t3a.micro", "t2.micro"):
        fleet.cloud.unoffer("us-east-1", kind)
    fleet.cloud.unoffer("us-east-1", "t3.micro")
    done = fleet.run("config-region", "us-east-1")
    assert done.returncode == 1
    assert "no type of instance_type is offered in us-east-1" in done.stderr
    assert fleet.images("us-east-1") == []  # nothing is made where nothing could run


def test_a_region_that_is_off_is_reported_as_such(fleet: Fleet) -> None:
    fleet.cloud.close_region("ap-southeast-2")
    done = fleet.run("config-region", "us-east-1", "ap-southeast-2")
    assert done.returncode == 1
    told = "aws account enable-region --region-name ap-southeast-2"
    assert f"ap-southeast-2: the region is not enabled for this account: {told}" in done.stderr
    assert fleet.state("us-east-1") == "stopped"
    check = fleet.run("check-region", "us-east-1", "ap-southeast-2")
    assert check.returncode == 1 and told in check.stdout + check.stderr


# ---- Encryption


def encryption(fleet: Fleet, region: str) -> set[tuple[bool, str | None]]:
    volumes = fleet.ec2(region).describe_volumes()["Volumes"]
    things = [*volumes, *fleet.snapshots(region)]
    return {(t["Encrypted"], t.get("KmsKeyId")) for t in things}


def test_copies_are_encrypted_with_the_region_s_key(fleet: Fleet) -> None:
    key = fleet.cloud.boto("kms", REGION).create_key()["KeyMetadata"]
    override(fleet, f'kms_key = "{key["KeyId"]}";')
    fleet.run("config-region", REGION, "us-east-1", check=True)
    assert encryption(fleet, REGION) == {(True, key["Arn"])}
    assert {e for e, _ in encryption(fleet, "us-east-1")} == {False}
    assert fleet.run("check-region", REGION, "us-east-1").returncode == 0

    other = fleet.cloud.boto("kms", REGION).create_key()["KeyMetadata"]
    override(fleet, f'kms_key = "{other["Arn"]}";')
    assert fleet.run("check-region", REGION).returncode == 3
    fleet.run("config-region", "--replace", REGION, check=True)
    assert encryption(fleet, REGION) == {(True, other["Arn"])}
    assert fleet.run("check-region", REGION).returncode == 0


def test_an_encrypted_home_image_makes_encrypted_copies(fleet: Fleet) -> None:
    home = fleet.ec2(HOME)
    plain = fleet.seeded["image"]
    encrypted = home.copy_image(
        SourceRegion=HOME, SourceImageId=plain, Name="encrypted", Encrypted=True
    )["ImageId"]
    fleet.config.write_text(fleet.config.read_text().replace("home =", 'image = "encrypted"; home =', 1))
    fleet.cloud.until(
        lambda: [
            i["State"]
            for i in home.describe_images(Owners=["self"])["Images"]
            if i["ImageId"] == encrypted
        ]
        == ["available"]
    )
    dry = fleet.run("config-region", "--dry-run", REGION)
    assert "encrypted with this region's default key, aws/ebs" in dry.stdout
    fleet.run("config-region", REGION, check=True)
    assert {e for e, _ in encryption(fleet, REGION)} == {True}
    assert fleet.run("check-region", REGION).returncode == 0
    assert NAME in {g["GroupName"] for g in fleet.groups(REGION)}


def test_encryption_that_is_turned_on_and_off_again(fleet: Fleet) -> None:
    """Both copies are the fleet's own: the one that the instance is made of stays."""
    fleet.run("config-region", REGION, check=True)
    before = fleet.instance(REGION)
    plain = fleet.config.read_text()
    fleet.config.write_text(plain.replace("max_uptime", "encrypt = true; max_uptime", 1))
    fleet.run("config-region", REGION)
    assert len(fleet.images(REGION)) == 2
    fleet.config.write_text(plain)
    fleet.run("config-region", REGION, check=True)
    (image,) = fleet.images(REGION)
    assert before["ImageId"] == image["ImageId"]
    assert fleet.instance(REGION)["InstanceId"] == before["InstanceId"]
    assert fleet.run("check-region", REGION).returncode == 0
