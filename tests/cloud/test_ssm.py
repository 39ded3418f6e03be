"""Systems Manager: what an agent runs, and when it is told of."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from .client import Cloud
from .conftest import Region, refused

SEEN = ("Success", "Failed", "TimedOut", "Cancelled")


class Node:
    """An instance that an agent runs on."""

    def __init__(self, region: Region, **more: Any):
        self.region = region
        self.cloud = region.cloud
        self.ssm = region.cloud.boto("ssm", region.name)
        iam = region.cloud.boto("iam")
        if not iam.list_instance_profiles()["InstanceProfiles"]:
            iam.create_instance_profile(InstanceProfileName="node")
        self.id = region.run(**({"IamInstanceProfile": {"Name": "node"}} | more))
        region.until(self.id, "running")

    def pings(self) -> list[dict[str, Any]]:
        by = [{"Key": "InstanceIds", "Values": [self.id]}]
        return self.ssm.describe_instance_information(Filters=by)["InstanceInformationList"]

    def online(self) -> Node:
        self.cloud.until(self.pings)
        return self

    def send(self, *lines: str, **more: Any) -> str:
        seconds = more.pop("executionTimeout", "60")
        parameters = {"commands": list(lines), "executionTimeout": [seconds]}
        return self.ssm.send_command(
            InstanceIds=[self.id], DocumentName="AWS-RunShellScript", Parameters=parameters, **more
        )["Command"]["CommandId"]

    def look(self, command: str) -> dict[str, Any]:
        return self.ssm.get_command_invocation(CommandId=command, InstanceId=self.id)

    def status(self, command: str) -> str:
        try:
            return self.look(command)["Status"]
        except self.ssm.exceptions.InvocationDoesNotExist:
            return ""

    def wait(self, command: str) -> dict[str, Any]:
        self.cloud.until(lambda: self.status(command) in SEEN)
        return self.look(command)

    def run(self, *lines: str, **more: Any) -> tuple[str, int, str, str]:
        found = self.wait(self.send(*lines, **more))
        out, errors = found["StandardOutputContent"], found["StandardErrorContent"]
        return found["StatusDetails"], found["ResponseCode"], out, errors


@pytest.fixture
def node(region: Region) -> Node:
    return Node(region).online()


def test_a_script_is_run_and_told_of_in_order(node: Node) -> None:
    node.cloud.settings(ssm_late=2, ssm_pending=4)
    command = node.send("sleep 2; echo out; echo err >&2", "exit 7")
    gone = {"CommandId": command, "InstanceId": node.id}
    assert refused(node.ssm.get_command_invocation, **gone) == "InvocationDoesNotExist"
    seen: list[str] = []

    while "Failed" not in seen:
        status = node.status(command)
        if status and status not in seen:
            seen.append(status)
    assert seen == ["Pending", "InProgress", "Failed"]
    found = node.look(command)
    assert found["ResponseCode"] == 7
    assert found["StandardOutputContent"] == "out\n"
    assert found["StandardErrorContent"] == "err\n\nfailed to run commands: exit status 7"
    assert node.run("true") == ("Success", 0, "", "")


def test_it_is_run_on_the_machine_as_root_would(node: Node) -> None:
    text = 'echo "$AWSQ_INSTANCE_ID ${HOME-none} $(sudo -n -H -u me sh -c \'echo $HOME\') $$"'
    _, _, out, _ = node.run(text, "cat /proc/$$/stat")
    first, stat = out.splitlines()
    instance, home, user_home, pid = first.split()
    assert (instance, home) == (node.id, "none") and node.id in user_home
    group, session = stat.rpartition(")")[2].split()[2:4]
    assert session not in (pid, group)  # a group of its own, in the agent's session
    node.send("sudo shutdown -h now")
    stopped = node.region.until(node.id, "stopped")
    assert stopped["StateReason"]["Code"] == "Client.InstanceInitiatedShutdown"


def test_output_is_cut_off(node: Node) -> None:
    many = "i=0; while [ $i -lt 1000 ]; do echo 12345678901234567890123; i=$((i+1)); done"
    told = node.run(many)[2]
    assert len(told) == 24000 and told.endswith("3\n1234--output truncated--"[-20:])
    assert "--output truncated--" not in node.run("head -c 23999 /dev/zero | tr '\\0' x")[2]
    assert len(node.run(f"{{ {many}; }} >&2")[3]) == 8000


def test_what_is_left_running(node: Node) -> None:
    """It holds the end up while it has the output, and lives on in any case."""
    assert node.run("(sleep 1; echo late) & echo now")[2] == "now\nlate\n"
    wait = "until [ -e $TMPDIR/go ]; do sleep 0.1; done"
    node.run(f"({wait}; echo more >$TMPDIR/late) </dev/null >/dev/null 2>&1 &")
    node.run("touch $TMPDIR/go")
    node.cloud.until(lambda: node.run("cat $TMPDIR/late")[2] == "more\n")


def test_times(node: Node) -> None:
    # A shell that TERM ends has been given no reason to ignore it.
    assert node.run("sh -c 'kill -TERM $$; echo ignored'")[1:3] == (143, "")
    marker = f"sleep 3070 & setsid sleep 3071 & : cloud-marker {node.id}; wait"
    assert node.run(marker, executionTimeout="8")[0] == "ExecutionTimedOut"
    left = node.run("ps -eo args | grep '[s]leep 307' | sort -u")[2].split("\n")
    assert "sleep 3071" in left and "sleep 3070" not in left
    node.cloud.machine(node.id, "kill-agent")
    command = node.send("echo never", TimeoutSeconds=30)
    time.sleep(0.5)
    assert (node.status(command), node.look(command)["ResponseCode"]) == ("Pending", -1)
    node.ssm.cancel_command(CommandId=command, InstanceIds=[node.id])
    node.cloud.machine(node.id, "start-agent")
    found = node.wait(command)
    assert (found["Status"], found["ResponseCode"]) == ("Cancelled", -1)
    assert node.run("echo on")[2] == "on\n"
    command = node.send("sleep 100")
    node.cloud.until(lambda: node.status(command) == "InProgress")
    node.ssm.cancel_command(CommandId=command, InstanceIds=[node.id])
    assert node.wait(command)["Status"] == "Cancelled"


def test_agents_come_up_after_the_boot(region: Region) -> None:
    region.cloud.settings(ssm_delay=3)
    node = Node(region)
    assert node.pings() == []
    call = {"InstanceIds": [node.id], "DocumentName": "AWS-RunShellScript"}
    call["Parameters"] = {"commands": ["true"]}
    assert refused(node.ssm.send_command, **call) == "InvalidInstanceId"
    node.online()
    first = node.pings()[0]
    assert first["PingStatus"] == "Online" and node.run("true")[0] == "Success"
    region.ec2.stop_instances(InstanceIds=[node.id])
    region.until(node.id, "stopped")
    assert refused(node.ssm.send_command, **call) == "InvalidInstanceId"
    # It is still called online: only the time tells.
    assert node.pings() == [first]
    time.sleep(1)  # launch times are told in whole seconds
    region.ec2.start_instances(InstanceIds=[node.id])
    launched = region.until(node.id, "running")["LaunchTime"]
    assert node.pings() == [first] and first["LastPingDateTime"] < launched
    region.cloud.until(lambda: node.pings()[0]["LastPingDateTime"] > launched)
    assert node.run("true")[0] == "Success"
    region.ec2.stop_instances(InstanceIds=[node.id])
    region.cloud.settings(minute=0.01)
    region.cloud.until(lambda: node.pings()[0]["PingStatus"] == "ConnectionLost")


def test_without_a_role_there_is_no_agent(region: Region) -> None:
    node = Node(region, IamInstanceProfile={})
    time.sleep(1)
    assert node.pings() == []


def test_what_is_refused(node: Node) -> None:
    call: dict[str, Any] = {"InstanceIds": [node.id], "DocumentName": "AWS-RunShellScript"}
    call["Parameters"] = {"commands": ["true"]}
    wrong = {"Parameters": {"command": ["true"]}}
    assert refused(node.ssm.send_command, **call | wrong) == "InvalidParameters"
    large = {"Parameters": {"commands": ["x" * 65536]}}
    assert refused(node.ssm.send_command, **call | large) == "MaxDocumentSizeExceeded"
    nobody = {"InstanceIds": ["i-01234567890123456"]}
    assert refused(node.ssm.send_command, **call | nobody) == "InvalidInstanceId"
    unknown = {"DocumentName": "AWS-RunNothing"}
    assert refused(node.ssm.send_command, **call | unknown) == "InvalidDocument"


def test_it_asks_for_permission(tmp_path: Path) -> None:
    policy = {"Effect": "Allow", "Action": "ssm:DescribeInstanceInformation", "Resource": "*"}
    path = tmp_path / "policy.json"
    path.write_text(json.dumps({"Version": "2012-10-17", "Statement": [policy]}))
    with Cloud(tmp_path / "cloud", policy=path, boot=0.1, ssh_delay=0, late=0) as cloud:
        node = Node(Region(cloud, "us-east-1")).online()
        node.ssm = cloud.boto("ssm", "us-east-1", "operator")
        assert len(node.pings()) == 1
        call = {"InstanceIds": [node.id], "DocumentName": "AWS-RunShellScript"}
        assert refused(node.ssm.send_command, **call) == "AccessDeniedException"
