"""The serial console: what it has, when, and of which boot."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

from .conftest import Region, refused

BEGIN, END = "-----BEGIN SSH HOST KEY KEYS-----", "-----END SSH HOST KEY KEYS-----"


def output(region: Region, instance: str, **more: bool) -> str:
    """botocore decodes the text itself."""
    return region.ec2.get_console_output(InstanceId=instance, **more).get("Output", "")


def keys(text: str) -> set[str]:
    if BEGIN not in text:
        return set()
    lines = text[text.index(BEGIN) + len(BEGIN) : text.index(END)].splitlines()
    return {" ".join(line.split()[:2]) for line in lines if line}


def shown(region: Region, instance: str) -> set[str]:
    """What the machine's sshd shows."""
    address = region.instance(instance)["PublicIpAddress"]
    command = ["ssh-keyscan", "-p", str(region.cloud.ssh_port), address]
    scan = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {" ".join(line.split()[1:3]) for line in scan.splitlines() if line[0] != "#"}


def test_the_keys_are_there_some_time_after_the_first_boot(region: Region) -> None:
    region.cloud.settings(boot=2, console_delay=4)  # long enough to be met
    instance = region.run()
    assert output(region, instance, Latest=True) == ""
    region.until(instance, "running")
    early = output(region, instance, Latest=True)
    assert "Linux version" in early and BEGIN not in early
    assert output(region, instance) == ""
    region.cloud.until(lambda: BEGIN in output(region, instance, Latest=True))
    told = output(region, instance, Latest=True)
    assert keys(told) == shown(region, instance) and len(keys(told)) >= 2
    assert output(region, instance) == told


def test_later_boots_tell_none(region: Region) -> None:
    region.cloud.settings(console_delay=0.3)
    instance = region.run()
    region.cloud.until(lambda: BEGIN in output(region, instance))
    region.ec2.stop_instances(InstanceIds=[instance])
    region.until(instance, "stopped")
    assert BEGIN in output(region, instance)
    region.ec2.start_instances(InstanceIds=[instance])
    region.until(instance, "running")
    region.cloud.until(lambda: "finished at" in output(region, instance, Latest=True))
    assert BEGIN not in output(region, instance, Latest=True)
    region.cloud.until(lambda: BEGIN not in output(region, instance))


def test_they_are_those_that_were_made_whatever_the_machine_shows(region: Region) -> None:
    region.cloud.settings(console_delay=0.2)
    instance = region.run()
    region.cloud.until(lambda: BEGIN in output(region, instance))
    told = keys(output(region, instance))
    folder = Path(region.cloud.dir) / "machines" / instance
    for key in folder.glob("ssh_host_*_key"):
        key.write_bytes(region.cloud.new_key(name="impostor").read_bytes())
    assert keys(output(region, instance)) == told


def test_only_nitro_shows_it_as_it_is_now(region: Region) -> None:
    instance = region.run(InstanceType="t2.micro")
    code = refused(region.ec2.get_console_output, InstanceId=instance, Latest=True)
    assert code == "UnsupportedOperation"
    region.cloud.until(lambda: BEGIN in output(region, instance))


def test_what_is_not_there(region: Region) -> None:
    code = refused(region.ec2.get_console_output, InstanceId="i-0123456789abcdef0")
    assert code == "InvalidInstanceID.NotFound"
    instance = region.run()
    code = refused(region.ec2.get_console_output, InstanceId=instance, DryRun=True)
    assert code == "DryRunOperation"


def test_it_is_base64_on_the_wire(region: Region) -> None:
    """Not only to botocore's taste, which would pass over what it cannot decode."""
    instance = region.run()
    region.cloud.until(lambda: BEGIN in output(region, instance))
    raw: list[bytes] = []
    region.ec2.meta.events.register(
        "before-parse.ec2.GetConsoleOutput", lambda response_dict, **_: raw.append(
            response_dict["body"])
    )
    output(region, instance)
    text = raw[0].partition(b"<output>")[2].partition(b"</output>")[0]
    assert BEGIN.encode() in base64.b64decode(text, validate=True)
