"""config-region --preflight: it changes nothing, and tells of each thing that is missing alone."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from cloud.client import Cloud
from fleet import HOME, NAME, REGIONS, ROLE, Fleet

REGION = "us-east-1"
ACCOUNT = ["identity", "key file", "home image", "home group", "instance profile"]
# What there is a check of in a region, beside permissions.
PLACE = ["region", "network", "instance type", "vCPU quota"]
# AWS has no dry run of these.
ASSOCIATIONS = {
    "ec2:AssociateIamInstanceProfile",
    "ec2:DisassociateIamInstanceProfile",
    "ec2:ReplaceIamInstanceProfileAssociation",
}
# What cannot be told without a permission, as it is asked for with it; and the permissions without
# which it is not known what there is to ask about.
ASKED_WITH = {
    "ec2:RunInstances": {"iam:PassRole"},
    "ec2:DeleteSnapshot": {"ec2:DeregisterImage"},
}
NEEDED_TO_ASK = ("ec2:DescribeImages", "ec2:DescribeInstances", "ec2:DescribeSecurityGroups",
                 "ec2:DescribeVpcs")


class Checks:
    """What a preflight has printed as JSON."""

    def __init__(self, done: subprocess.CompletedProcess[str]):
        assert done.stdout, done.stderr
        self.document = json.loads(done.stdout)
        self.all: list[dict[str, Any]] = [{"region": None, **c} for c in self.document["checks"]]
        for region in self.document["regions"]:
            assert region["error"] is None
            self.all += [{"region": region["region"], **c} for c in region["checks"]]

    def names(
        self, region: str | None, result: str = "pass", permission: bool = False
    ) -> list[str]:
        return [
            c["check"]
            for c in self.all
            if (c["region"], c["result"], c["permission"]) == (region, result, permission)
        ]

    def failed(self) -> list[tuple[str | None, str]]:
        return [(c["region"], c["check"]) for c in self.all if c["result"] == "fail"]

    def detail(self, region: str | None, name: str) -> str:
        (only,) = (c for c in self.all if (c["region"], c["check"]) == (region, name))
        return str(only["detail"])


def preflight(fleet: Fleet, *args: str, status: int = 0, **more: Any) -> Checks:
    """Whatever it finds, nothing has been changed."""
    mark = fleet.cloud.mark()
    done = fleet.run("config-region", "--preflight", "--output=json", *(args or [REGION]), **more)
    assert done.returncode == status, done.stdout + done.stderr
    assert done.stderr == ""
    assert fleet.changes(mark) == []
    return Checks(done)


def only_failure(fleet: Fleet, region: str | None, name: str, *args: str, **more: Any) -> str:
    """All but this one passes: what its row says."""
    checks = preflight(fleet, *args, status=1, **more)
    assert checks.failed() == [(region, name)]
    expected = ACCOUNT if region else [n for n in ACCOUNT if n != name]
    assert [n for n in checks.names(None)] == expected
    return checks.detail(region, name)


def configure(fleet: Fleet, more: str) -> None:
    """regions.cfg with settings for one region."""
    fleet.configure()
    with fleet.config.open("a") as file:
        file.write(f"override = {{ {REGION} = {{ {more} }}; }};\n")


# ---- All is well


def test_a_seeded_cloud_passes(fleet: Fleet) -> None:
    checks = preflight(fleet, "--all")
    assert (checks.document["schema"], checks.document["fleet"]) == (1, NAME)
    assert checks.document["account"] == "123456789012"
    assert [r["region"] for r in checks.document["regions"]] == REGIONS
    assert checks.names(None) == ACCOUNT
    assert ":user/operator" in checks.detail(None, "identity")
    fingerprint = subprocess.run(
        ["ssh-keygen", "-lf", fleet.key], capture_output=True, text=True, check=True
    ).stdout.split()[1]
    assert fingerprint in checks.detail(None, "key file")
    assert fleet.seeded["image"] in checks.detail(None, "home image")
    assert fleet.seeded["group"] in checks.detail(None, "home group")
    assert checks.detail(None, "instance profile") == ROLE
    for region in REGIONS:
        assert checks.names(region) == PLACE
        assert checks.names(region, "unknown") == []
        vpcs = fleet.ec2(region).describe_vpcs()["Vpcs"]
        assert vpcs[0]["VpcId"] in checks.detail(region, "network")
        assert checks.detail(region, "instance type") == "t3.micro"
        assert checks.detail(region, "vCPU quota").startswith("64 vCPUs")
    # At home there is all to ask about.
    assert set(checks.names(HOME, "unknown", permission=True)) == ASSOCIATIONS
    assert "ec2:RunInstances" in checks.names(HOME, permission=True)
    assert {"ec2:CopyImage", "ec2:CreateTags"} <= set(checks.names(REGION, permission=True))
    assert "ec2:StartInstances" in checks.names(REGION, "unknown", permission=True)
    assert "ec2:CopyImage" not in checks.names(HOME, permission=True)


def test_every_permission_is_told_once_all_is_there(fleet: Fleet, region: str) -> None:
    checks = preflight(fleet, region)
    assert set(checks.names(region, "unknown", permission=True)) == ASSOCIATIONS
    permitted = checks.names(region, permission=True)
    assert len(set(permitted)) == len(permitted)
    for word in ("StartInstances", "TerminateInstances", "DeleteSnapshot", "DeleteSecurityGroup"):
        assert f"ec2:{word}" in permitted
    assert "iam:PassRole" in permitted
    assert fleet.state(region) == "stopped"


def test_the_table(fleet: Fleet) -> None:
    done = fleet.run("config-region", "--preflight", REGION, HOME, check=True)
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["REGION", "CHECK", "RESULT", "DETAIL"]
    rows = [line.split(None, 1) for line in lines[1:]]
    assert [r for r, _ in rows] == ["-"] * 5 + [REGION] * 6 + [HOME] * 6
    assert rows[0][1].startswith("identity          pass")
    permissions = [rest for region, rest in rows if rest.startswith("permissions")]
    assert [p.split()[1] for p in permissions] == ["pass", "unknown", "pass", "unknown"]
    assert "ec2:StopInstances" in permissions[1] and "ec2:StopInstances" not in permissions[3]
    assert done.stderr == ""


# ---- One thing is not


def test_no_default_vpc(fleet: Fleet) -> None:
    ec2 = fleet.ec2(REGION)
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    for subnet in ec2.describe_subnets()["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    ec2.delete_vpc(VpcId=vpc["VpcId"])
    told = only_failure(fleet, REGION, "network", "--all")
    assert f"aws ec2 create-default-vpc --region {REGION}" in told
    configure(fleet, 'subnet = "nowhere";')
    assert "there is no subnet 'nowhere' here" in only_failure(fleet, REGION, "network")


def test_a_region_that_is_not_enabled(fleet: Fleet) -> None:
    fleet.cloud.close_region(REGION)
    told = only_failure(fleet, REGION, "region", "--all")
    assert told.endswith(f"aws account enable-region --region-name {REGION}")


def test_types_that_are_not_offered(fleet: Fleet) -> None:
    fleet.cloud.unoffer(REGION, "t3.micro")
    checks = preflight(fleet)
    assert checks.detail(REGION, "instance type") == "t3a.micro (not offered: t3.micro)"
    fleet.cloud.unoffer(REGION, "t3a.micro")
    fleet.cloud.unoffer(REGION, "t2.micro")
    told = only_failure(fleet, REGION, "instance type", "--all")
    assert "does not offer t3.micro, t3a.micro, t2.micro" in told and "regions.cfg" in told


def test_a_key_of_no_use(fleet: Fleet) -> None:
    fleet.key.chmod(0o644)
    assert str(fleet.key) in only_failure(fleet, None, "key file")
    fleet.key.chmod(0o600)
    fleet.key.write_text("no key\n")
    assert str(fleet.key) in only_failure(fleet, None, "key file")
    ecdsa = fleet.cloud.new_key("ecdsa", "other")
    fleet.configure(key=str(ecdsa))
    assert "use an RSA or ed25519 key" in only_failure(fleet, None, "key file")
    ecdsa.unlink()
    assert str(ecdsa) in only_failure(fleet, None, "key file")


def test_kms_keys(fleet: Fleet) -> None:
    kms = fleet.cloud.boto("kms", REGION)
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/mine", TargetKeyId=arn)
    for name in (arn, "alias/mine"):
        configure(fleet, f'kms_key = "{name}";')
        assert preflight(fleet).detail(REGION, "KMS key") == arn
    key = arn.rpartition("/")[2]
    kms.disable_key(KeyId=key)
    told = only_failure(fleet, REGION, "KMS key")
    assert told.endswith(f"aws kms enable-key --region {REGION} --key-id {key}")
    kms.schedule_key_deletion(KeyId=key)
    assert "aws kms cancel-key-deletion" in only_failure(fleet, REGION, "KMS key")
    signing = kms.create_key(KeyUsage="SIGN_VERIFY", KeySpec="RSA_2048")["KeyMetadata"]["Arn"]
    configure(fleet, f'kms_key = "{signing}";')
    assert "SYMMETRIC_DEFAULT" in only_failure(fleet, REGION, "KMS key")
    elsewhere = fleet.cloud.boto("kms", HOME).create_key()["KeyMetadata"]["KeyId"]
    for name in ("alias/nobody", elsewhere):
        configure(fleet, f'kms_key = "{name}";')
        told = only_failure(fleet, REGION, "KMS key", "--all")
        assert f"there is no key '{name}' in this region" in told


def test_a_quota_too_small(fleet: Fleet) -> None:
    fleet.cloud.settings(cores=1)
    told = only_failure(fleet, REGION, "vCPU quota")
    assert told.startswith("the account may run 1 vCPUs here")
    assert "aws service-quotas request-service-quota-increase" in told
    fleet.cloud.settings(cores=4)
    configure(fleet, "count = 5;")
    told = only_failure(fleet, REGION, "vCPU quota")
    assert told.startswith("the account may run 4 vCPUs here, and 5 instances take 5 at least")


def test_an_instance_profile_that_is_missing(fleet: Fleet) -> None:
    fleet.configure(role="nobody")
    told = only_failure(fleet, None, "instance profile")
    assert "there is no instance profile 'nobody'" in told
    assert "create-instance-profile" in told


def test_no_home_image(fleet: Fleet) -> None:
    fleet.ec2(HOME).deregister_image(ImageId=fleet.seeded["image"])
    assert "aws ec2 create-image" in only_failure(fleet, None, "home image")


def test_no_home_group(fleet: Fleet) -> None:
    ec2 = fleet.ec2(HOME)
    ec2.terminate_instances(InstanceIds=[fleet.seeded["instance"]])
    waiter = ec2.get_waiter("instance_terminated")
    waiter.wait(InstanceIds=[fleet.seeded["instance"]], WaiterConfig={"Delay": 1})
    ec2.delete_security_group(GroupId=fleet.seeded["group"])
    assert "aws ec2 create-security-group" in only_failure(fleet, None, "home group")


# ---- Permissions


@pytest.fixture
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A fleet whose operator may do what allow() says."""
    file = tmp_path_factory.mktemp("policy") / "policy.json"
    statement = {"Effect": "Allow", "Action": ["ec2:*", "iam:*", "servicequotas:*", "kms:*"],
                 "Resource": "*"}
    file.write_text(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    with Cloud(policy=file, boot=0.3, ssh_delay=0.1, stop=0.2, copy=0.5, late=0.1) as cloud:
        yield Fleet(cloud)


def deny(fleet: Fleet, *actions: str) -> None:
    """Everything but these is allowed."""
    statement = {"Effect": "Allow", "NotAction": list(actions), "Resource": "*"}
    fleet.cloud.boto("iam").put_user_policy(
        UserName="operator",
        PolicyName="policy",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )


def policy_line(action: str) -> str:
    return f'{{ "Effect": "Allow", "Action": "{action}", "Resource": "*" }}'


def test_permissions(limited: Fleet) -> None:
    """Each that is missing is one failure in the region, with its line of the policy."""
    fleet = limited
    fleet.run("config-region", REGION, check=True)
    allowed = preflight(fleet)
    for action in allowed.names(REGION, permission=True):
        deny(fleet, action)
        checks = preflight(fleet, status=1)
        failed = [name for place, name in checks.failed() if place == REGION]
        assert failed == [action]
        assert checks.detail(REGION, action).endswith("the policy lacks " + policy_line(action))
        # All others are told all the same, but one that is asked for with this one; without a
        # read it is not known what there is to ask about.
        others = set(checks.names(REGION, permission=True))
        lost = set(allowed.names(REGION, permission=True)) - others - {action}
        assert lost <= ASKED_WITH.get(action, set()) or action in NEEDED_TO_ASK, action


def test_the_table_shows_the_policy_line(limited: Fleet) -> None:
    deny(limited, "ec2:CopyImage")
    done = limited.run("config-region", "--preflight", REGION)
    assert done.returncode == 1 and done.stderr == ""
    (row,) = (line for line in done.stdout.splitlines() if " fail " in line)
    assert row.startswith(f"{REGION}  ec2:CopyImage") and row.endswith(policy_line("ec2:CopyImage"))


def test_a_denied_read_hides_nothing(limited: Fleet) -> None:
    """Not even what else is wrong."""
    deny(limited, "ec2:DescribeSnapshots", "ec2:DescribeManagedPrefixLists")
    limited.cloud.settings(cores=1)
    checks = preflight(limited, status=1)
    assert checks.names(None) == ACCOUNT
    assert checks.failed() == [
        (REGION, "vCPU quota"),
        (REGION, "ec2:DescribeManagedPrefixLists"),
        (REGION, "ec2:DescribeSnapshots"),
    ]


def test_denied_beside_ec2(limited: Fleet) -> None:
    configure(limited, 'kms_key = "alias/aws/ebs";')
    for action, place, name in (
        ("servicequotas:GetServiceQuota", REGION, "vCPU quota"),
        ("kms:DescribeKey", REGION, "KMS key"),
        ("iam:GetInstanceProfile", None, "instance profile"),
    ):
        deny(limited, action)
        told = only_failure(limited, place, name)
        assert told.endswith(policy_line(action))
    deny(limited, "ec2:DescribeRegions")
    checks = preflight(limited, status=1)
    assert checks.failed() == [(None, "list of regions")]


# ---- No answer


def test_a_region_without_an_answer(fleet: Fleet) -> None:
    fleet.cloud.fault("*", region="sa-east-1", kind="reset", times=-1)
    checks = preflight(fleet, REGION, "sa-east-1", status=1)
    assert checks.failed() == [("sa-east-1", "region")]
    assert checks.names(REGION) == PLACE
    fleet.cloud.clear_faults()
    fleet.cloud.fault("*", region=HOME, kind="reset", times=-1)
    checks = preflight(fleet, status=1)
    assert checks.failed() == [(None, "identity"), (None, "home region")]
    assert checks.names(REGION) == PLACE


def test_wrong_credentials(limited: Fleet) -> None:
    env = {**limited.env, "AWS_SECRET_ACCESS_KEY": "x" * 40}
    checks = preflight(limited, status=1, env=env)
    assert (None, "identity") in checks.failed()
    assert (REGION, "region") in checks.failed()
    assert "check the secret access key" in checks.detail(None, "identity")


def test_it_can_be_ended(fleet: Fleet) -> None:
    fleet.cloud.fault("*", region=REGION, kind="slow", seconds=600, times=-1)
    mark = fleet.cloud.mark()
    running = fleet.start("config-region", "--preflight", REGION)
    fleet.cloud.until(lambda: len(fleet.cloud.log(mark)) > 5)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=30)
    assert running.returncode == 128 + signal.SIGINT
