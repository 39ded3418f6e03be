"""A fleet on the test cloud: the executables on one side, boto3 as the witness on the other."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from cloud.client import Cloud
from cloud.seed import hurried

BUILD = Path(os.environ.get("AWSQ_BUILD", Path(__file__).resolve().parents[2] / "build"))
HOME = "us-west-2"
REGIONS = [HOME, "us-east-1", "sa-east-1", "eu-west-3", "ap-northeast-1", "ap-southeast-2"]
NAME = "NAVO"
ROLE = "AmazonSSMRoleForInstancesQuickSetup"

CONFIG = """
fleet = {{
  name = "{name}";
  home = "{home}";
  instance_type = [ "t3.micro", "t3a.micro", "t2.micro" ];
  key = "{key}";
  role = "{role}";
  max_uptime = "2h";
}};
job = {{ user = "{user}"; port = {port}; command = "{command}"; timeout = "1m";
        connect_timeout = "{connect}"; }};
regions = [ {regions} ];
"""


class Fleet:
    def __init__(self, cloud: Cloud, key_kind: str = "ed25519"):
        self.cloud = cloud
        self.started: list[subprocess.Popen[bytes]] = []
        self.key = cloud.new_key(key_kind)
        self.seeded = cloud.seed(NAME, HOME, self.key, ROLE)
        self.config = cloud.dir / "regions.cfg"
        self.configure()
        self.env = {**cloud.env, "XDG_STATE_HOME": str(cloud.dir / "state")}

    def configure(self, **changes: str) -> None:
        values = {
            "name": NAME,
            "home": HOME,
            "key": str(self.key),
            "role": ROLE,
            "user": self.cloud.about["user"],
            "port": str(self.cloud.ssh_port),
            "connect": "3s",
            "command": "echo here is $AWS_REGION",
            "regions": ", ".join(f'"{r}"' for r in REGIONS),
            **changes,
        }
        self.config.write_text(CONFIG.format(**values))

    # The executables.

    def command(self, tool: str, *args: str) -> list[str]:
        return [str(BUILD / tool), "--config", str(self.config), *args]

    def run(
        self, tool: str, *args: str, check: bool = False, timeout: float = 300, **more: Any
    ) -> subprocess.CompletedProcess[str]:
        more.setdefault("env", self.env)
        more.setdefault("stdin", subprocess.DEVNULL)
        more.setdefault("stdout", subprocess.PIPE)
        done = subprocess.run(
            self.command(tool, *args), stderr=subprocess.PIPE, text=True, timeout=timeout, **more
        )
        if check:
            assert done.returncode == 0, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def start(self, tool: str, *args: str, **more: Any) -> subprocess.Popen[bytes]:
        more.setdefault("env", self.env)
        running = subprocess.Popen(
            self.command(tool, *args),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **more,
        )
        self.started.append(running)
        return running

    def set_up(self, *regions: str) -> None:
        """Where setting up is not what is tested: nothing takes the cloud any time meanwhile."""
        with hurried(self.cloud.about):
            self.run("config-region", *regions, check=True)

    def close(self) -> None:
        """Ends what a test that failed has left running."""
        for running in self.started:
            if running.poll() is None:
                running.kill()
                running.communicate()

    # What the cloud says.

    def ec2(self, region: str) -> Any:
        return self.cloud.boto("ec2", region)

    def instances(self, region: str, name: str = NAME) -> list[dict[str, Any]]:
        """The live ones."""
        answer = self.ec2(region).describe_instances(
            Filters=[
                {"Name": "tag:Name", "Values": [name]},
                {
                    "Name": "instance-state-name",
                    "Values": ["pending", "running", "stopping", "stopped"],
                },
            ]
        )
        return [i for r in answer["Reservations"] for i in r["Instances"]]

    def instance(self, region: str) -> dict[str, Any]:
        (only,) = self.instances(region)
        return only

    def state(self, region: str) -> str:
        return str(self.instance(region)["State"]["Name"])

    def images(self, region: str) -> list[dict[str, Any]]:
        """Of the fleet's name; a copy made while an older one had it has an id behind it."""
        return self.ec2(region).describe_images(
            Owners=["self"], Filters=[{"Name": "name", "Values": [NAME, f"{NAME} ami-*"]}]
        )["Images"]

    def snapshots(self, region: str) -> list[dict[str, Any]]:
        """All of the account: none of the tests makes any other."""
        return self.ec2(region).describe_snapshots(OwnerIds=["self"])["Snapshots"]

    def key_pairs(self, region: str) -> list[dict[str, Any]]:
        return self.ec2(region).describe_key_pairs(IncludePublicKey=True)["KeyPairs"]

    def groups(self, region: str) -> list[dict[str, Any]]:
        return [
            g
            for g in self.ec2(region).describe_security_groups()["SecurityGroups"]
            if g["GroupName"] == NAME
        ]

    def rules(self, region: str) -> set[tuple[Any, ...]]:
        """The rules of the fleet's group, as a set; itself stands as "self"."""
        (group,) = self.groups(region)
        return {
            (direction, *rule)
            for direction, key in (("in", "IpPermissions"), ("out", "IpPermissionsEgress"))
            for permission in group[key]
            for rule in _flatten(permission, group["GroupId"])
        }

    def changes(self, since: int = 0) -> list[dict[str, Any]]:
        """The mutating calls."""
        return [c for c in self.cloud.log(since) if c["mutating"]]

    def actions(self, since: int = 0) -> list[str]:
        return [c["action"] for c in self.changes(since)]


def _flatten(permission: dict[str, Any], self_id: str) -> list[tuple[Any, ...]]:
    ports = (
        permission["IpProtocol"],
        permission.get("FromPort"),
        permission.get("ToPort"),
    )
    targets = [
        *((r["CidrIp"], r) for r in permission["IpRanges"]),
        *((r["CidrIpv6"], r) for r in permission["Ipv6Ranges"]),
        *((r["PrefixListId"], r) for r in permission["PrefixListIds"]),
        *(
            ("self" if r["GroupId"] == self_id else r["GroupId"], r)
            for r in permission["UserIdGroupPairs"]
        ),
    ]
    return [(*ports, target, r.get("Description", "")) for target, r in targets]
