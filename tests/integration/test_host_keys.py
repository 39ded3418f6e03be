"""To which machine a job is given: host keys from the console, from first use, from the user.

The test cloud's machines write their host keys to the console at their first boot, as cloud-init
does. A man in the middle is a machine that shows other keys than those it was made with.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from fleet import NAME, Fleet

REGION = "us-east-1"


def policy(fleet: Fleet, host_key: str) -> None:
    text = fleet.config.read_text()
    fleet.config.write_text(text.replace("fleet = {", f'fleet = {{ host_key = "{host_key}";', 1))


def record(fleet: Fleet) -> Path:
    return fleet.cloud.dir / "state" / "awsq" / NAME / "known_hosts"


def lines(fleet: Fleet) -> set[str]:
    return set(record(fleet).read_text().splitlines()) if record(fleet).exists() else set()


def machine(fleet: Fleet, instance: str) -> Path:
    return fleet.cloud.dir / "machines" / instance


def true_keys(fleet: Fleet, instance: str) -> set[str]:
    """As lines of the record, of the keys that the machine was made with."""
    public = machine(fleet, instance).glob("ssh_host_*_key.pub")
    return {" ".join([instance, *path.read_text().split()[:2]]) for path in public}


def other_machine(fleet: Fleet, instance: str) -> None:
    """From its next boot on, one with other keys answers in its place, who lets ours in."""
    impostor = fleet.cloud.new_key(name="impostor")
    for path in machine(fleet, instance).glob("ssh_host_*_key"):
        path.unlink()
    shutil.copy(impostor, machine(fleet, instance) / "ssh_host_ed25519_key")


@pytest.fixture
def console(fleet: Fleet) -> Fleet:
    fleet.cloud.settings(console_delay=0.5)
    policy(fleet, "console")
    return fleet


def console_reads(fleet: Fleet, since: int = 0) -> int:
    return sum(c["action"] == "GetConsoleOutput" for c in fleet.cloud.log(since))


def was_reached(fleet: Fleet, instance: str) -> bool:
    return "Accepted publickey" in (machine(fleet, instance) / "sshd.log").read_text()


# As an instance is made


def test_the_keys_are_recorded_and_another_machine_is_refused_from_the_first(
    console: Fleet,
) -> None:
    done = console.run("config-region", REGION, check=True)
    instance = console.instance(REGION)["InstanceId"]
    assert f"the host keys of instance {instance} are taken from its console" in done.stderr
    assert lines(console) == true_keys(console, instance)
    assert console.state(REGION) == "stopped"
    true = machine(console, instance).with_name("true")
    shutil.copytree(machine(console, instance), true)

    # The first connection of all.
    other_machine(console, instance)
    kept = lines(console)
    done = console.run("run-region", REGION)
    assert (done.returncode, done.stdout) == (125, "")
    assert f"the host key of '{instance}' is not the one on record" in done.stderr
    assert f"ssh-keygen -R '{instance}'" in done.stderr
    assert not was_reached(console, instance)
    assert lines(console) == kept and console.state(REGION) == "stopped"

    # The machine itself is known at once, without the console.
    for key in true.glob("ssh_host_*_key"):
        shutil.copy(key, machine(console, instance))
    mark = console.cloud.mark()
    done = console.run("run-region", "--verbose", REGION, check=True)
    assert done.stdout == f"here is {REGION}\n"
    assert "is trusted from now on" not in done.stderr
    assert console_reads(console, mark) == 0 and lines(console) == kept


def test_an_old_type_of_instance_tells_its_console_late(console: Fleet) -> None:
    text = console.config.read_text()
    types = text[text.index("instance_type") : text.index(";", text.index("instance_type"))]
    console.config.write_text(text.replace(types, 'instance_type = "t2.micro"'))
    console.run("config-region", REGION, check=True)
    only = console.instance(REGION)
    assert only["InstanceType"] == "t2.micro"
    assert lines(console) == true_keys(console, only["InstanceId"])


def interrupted(fleet: Fleet) -> str:
    """Sets the region up, with a console that has no keys; the wait is cut short. Its stderr."""
    mark = fleet.cloud.mark()
    running = fleet.start("config-region", REGION)
    fleet.cloud.until(lambda: console_reads(fleet, mark) >= 2)
    running.send_signal(signal.SIGINT)
    stderr = running.communicate(timeout=60)[1].decode()
    assert fleet.state(REGION) == "stopped"
    return stderr


def test_a_console_without_keys_is_a_warning_and_the_instance_sleeps(console: Fleet) -> None:
    console.cloud.settings(console_delay=600)
    told = interrupted(console)
    instance = console.instance(REGION)["InstanceId"]
    assert "none of its host keys is on record" in told
    assert lines(console) == set()

    done = console.run("run-region", REGION)
    assert done.returncode == 125
    assert f"will not connect to '{instance}': none of its host keys is on record" in done.stderr
    assert f"config-region {REGION} --replace" in done.stderr
    assert not was_reached(console, instance) and console.state(REGION) == "stopped"


def test_killed_while_it_waits_it_goes_on(console: Fleet) -> None:
    console.cloud.settings(console_delay=600)
    mark = console.cloud.mark()
    running = console.start("config-region", REGION)
    console.cloud.until(lambda: console_reads(console, mark) >= 2)
    running.kill()
    running.communicate()
    assert console.state(REGION) == "running"
    console.cloud.settings(console_delay=0.5)
    console.run("config-region", REGION, check=True)
    instance = console.instance(REGION)["InstanceId"]
    assert lines(console) == true_keys(console, instance)
    assert console.state(REGION) == "stopped"


def test_without_the_permission_it_says_so_and_does_not_wait(console: Fleet) -> None:
    console.cloud.boto("iam").put_user_policy(
        UserName="operator", PolicyName="blind",
        PolicyDocument='{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", '
                       '"Action": "ec2:GetConsoleOutput", "Resource": "*"}]}',
    )  # fmt: skip
    before = time.monotonic()
    done = console.run("config-region", REGION)
    assert time.monotonic() - before < 90  # where keys are waited for, it is five minutes
    assert '"Action": "ec2:GetConsoleOutput"' in done.stderr
    assert console.state(REGION) == "stopped"


# As an instance is used


def made_by_hand(fleet: Fleet) -> str:
    """In place of the fleet's instance one that AWS was told to run by others: it runs, the first
    time, and nothing is on record of it.
    """
    ec2 = fleet.ec2(REGION)
    old = fleet.instance(REGION)
    ec2.terminate_instances(InstanceIds=[old["InstanceId"]])
    tags = [{"Key": "Name", "Value": NAME}, {"Key": "awsq:fleet", "Value": NAME}]
    made = ec2.run_instances(
        ImageId=old["ImageId"], InstanceType="t3.micro", KeyName=NAME, MinCount=1, MaxCount=1,
        SecurityGroupIds=[g["GroupId"] for g in old["SecurityGroups"]],
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
    )["Instances"][0]["InstanceId"]  # fmt: skip
    fleet.cloud.until(lambda: [i["State"]["Name"] for i in fleet.instances(REGION)] == ["running"])
    fleet.cloud.until(lambda: "finished at" in shown(fleet, made))
    return str(made)


def shown(fleet: Fleet, instance: str) -> str:
    answer = fleet.ec2(REGION).get_console_output(InstanceId=instance, Latest=True)
    return str(answer.get("Output", ""))


def test_at_first_use_the_console_is_asked_and_another_machine_refused(console: Fleet) -> None:
    console.run("config-region", REGION, check=True)
    instance = made_by_hand(console)
    mark = console.cloud.mark()
    done = console.run("run-job", REGION, "--verbose", check=True)
    assert done.stdout == f"here is {REGION}\n"
    assert "is trusted from now on" not in done.stderr
    assert console_reads(console, mark) == 1
    assert true_keys(console, instance) <= lines(console)

    instance = made_by_hand(console)
    other_machine(console, instance)
    for order in "kill-sshd", "start-sshd":
        console.cloud.machine(instance, order)
    done = console.run("run-job", REGION)
    assert (done.returncode, done.stdout) == (125, "")
    assert f"the host key of '{instance}' is not the one on record" in done.stderr
    assert not was_reached(console, instance)
    assert true_keys(console, instance) <= lines(console)


def test_with_first_use_the_other_machine_would_have_been_trusted(fleet: Fleet) -> None:
    """What the console guards against is real."""
    fleet.run("config-region", REGION, check=True)
    fleet.run("start-region", REGION, check=True)  # its keys are made once it has come so far
    fleet.cloud.until(lambda: true_keys(fleet, fleet.instance(REGION)["InstanceId"]))
    fleet.run("stop-region", REGION, check=True)
    instance = fleet.instance(REGION)["InstanceId"]
    other_machine(fleet, instance)
    done = fleet.run("run-region", "--verbose", REGION, check=True)
    assert f"first connection to '{instance}'" in done.stderr


def test_strict_takes_nothing_but_what_the_user_put_there(fleet: Fleet) -> None:
    policy(fleet, "strict")
    mark = fleet.cloud.mark()
    fleet.run("config-region", REGION, check=True)
    instance = fleet.instance(REGION)["InstanceId"]
    done = fleet.run("run-region", REGION)
    assert (done.returncode, done.stdout) == (125, "")
    assert 'host_key is "strict"' in done.stderr and "ssh-keyscan" in done.stderr
    assert not was_reached(fleet, instance) and fleet.state(REGION) == "stopped"
    assert lines(fleet) == set()

    record(fleet).write_text("\n".join(sorted(true_keys(fleet, instance))) + "\n")
    assert fleet.run("run-region", REGION, check=True).stdout == f"here is {REGION}\n"
    assert console_reads(fleet, mark) == 0


# Keys that others hold


@pytest.fixture
def locked(fleet: Fleet) -> Fleet:
    """The fleet's key has a passphrase."""
    command = ["ssh-keygen", "-q", "-p", "-P", "", "-N", "secret", "-f", fleet.key]
    shutil.copy(fleet.key, fleet.key.with_name("open"))
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return fleet


def test_the_public_half_is_enough_to_set_up_and_nothing_is_started_without_an_agent(
    locked: Fleet,
) -> None:
    locked.run("config-region", "--preflight", REGION, check=True)
    locked.run("config-region", REGION, check=True)
    locked.run("check-region", REGION, check=True)
    mark = locked.cloud.mark()
    for tool in "run-region", "run-job":
        done = locked.run(tool, REGION)
        assert done.returncode == 2, done.stderr
        assert f"run ssh-add '{locked.key}'" in done.stderr
        assert "SSH_AUTH_SOCK is not set" in done.stderr
    assert locked.actions(mark) == []
    locked.run("start-region", REGION, check=True)
    locked.run("stop-region", REGION, check=True)


def test_with_an_agent_the_job_runs(locked: Fleet) -> None:
    locked.run("config-region", REGION, check=True)
    sock = locked.cloud.dir / "agent"
    agent: Any = subprocess.Popen(["ssh-agent", "-D", "-a", sock], stdout=subprocess.DEVNULL)
    try:
        locked.cloud.until(sock.exists)
        env: dict[str, str] = {**locked.env, "SSH_AUTH_SOCK": str(sock)}
        subprocess.run(["ssh-add", "-q", locked.key.with_name("open")], env=env, check=True)
        done = locked.run("run-region", REGION, env=env, check=True)
        assert done.stdout == f"here is {REGION}\n"
    finally:
        agent.terminate()
        agent.wait()
