"""libawsq for other programs: what README.md and awsq(3) show builds and works, once installed."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cloud.client import Cloud
from fleet import BUILD
from installed import CXX, ROOT, C, Installed

REGIONS = ["us-east-1", "eu-west-3"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(tmp_path_factory.mktemp("installed"))


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with Cloud(late=0) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def instances(cloud: Cloud) -> dict[str, str]:
    """One in each region; their ids."""
    return {region: run_instance(cloud, region) for region in REGIONS}


def run_instance(cloud: Cloud, region: str) -> str:
    ec2 = cloud.boto("ec2", region)
    volume = ec2.create_volume(Size=1, AvailabilityZone=f"{region}a")["VolumeId"]
    snapshot = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    devices = [{"DeviceName": "/dev/sda1", "Ebs": {"SnapshotId": snapshot}}]
    image = ec2.register_image(
        Name="base", RootDeviceName="/dev/sda1", BlockDeviceMappings=devices
    )["ImageId"]
    made = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType="t3.micro")
    return str(made["Instances"][0]["InstanceId"])


def program_of_the_readme() -> str:
    (text,) = re.findall(r"^```c\n(.*?)^```$", (ROOT / "README.md").read_text(), re.DOTALL | re.M)
    return text


def test_its_length() -> None:
    lines = [line for line in program_of_the_readme().splitlines() if line.strip()]
    assert 30 <= len(lines) <= 40


def links_to(program: Path) -> bool:
    """Whether it needs the shared library, by its name and with its symbols' version."""
    command = ["readelf", "-dV", program]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert ("[libawsq.so.0]" in said) == ("Name: AWSQ_0.1" in said)
    return "[libawsq.so.0]" in said


def test_the_program_of_the_readme(
    tmp_path: Path, installed: Installed, cloud: Cloud, instances: dict[str, str]
) -> None:
    for compiler, static in ((C, False), (CXX, False), (C, True)):
        program = installed.build(tmp_path / "p", program_of_the_readme(), compiler, static)
        assert links_to(program) != static
        mark = cloud.mark()
        for region in REGIONS:
            cloud.fault("DescribeInstances", region=region, kind="slow", seconds=0.5)
        done = installed.run(program, *REGIONS, env=cloud.env)
        assert (done.returncode, done.stderr) == (0, "")
        said = [line.split() for line in done.stdout.splitlines()]
        assert sorted(words[:2] for words in said) == sorted([*pair] for pair in instances.items())
        assert {words[2] for words in said} <= {"pending", "running"}
        # Both calls were there at the same time.
        calls = cloud.log(mark)
        assert {call["region"] for call in calls} == set(REGIONS) and len(calls) == 2
        assert max(c["time"] for c in calls) < min(c["time"] + c["seconds"] for c in calls)


def test_what_it_says_of_errors(tmp_path: Path, installed: Installed) -> None:
    program = installed.build(tmp_path / "p", program_of_the_readme(), C)
    env = {"HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    done = installed.run(program, "a_b", "c_d", env=env)
    assert (done.returncode, done.stdout) == (1, "")
    said = sorted(done.stderr.splitlines())
    assert said == ["a_b: 'a_b' is not a region", "c_d: 'c_d' is not a region"]
    done = installed.run(program, *REGIONS, env=env)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(re.findall(r"^\S+: .*'AWS_ACCESS_KEY_ID' is not set", done.stderr, re.M)) == 2
    done = installed.run(program, *REGIONS, env={**env, "AWS_PROFILE": "absent"})
    assert (done.returncode, done.stdout) == (1, "") and "'absent'" in done.stderr
    assert installed.run(program, "us-east-1", env=env).returncode == 2


# awsq(3)

PAGE = (ROOT / "tools/man/awsq.3").read_text()


def test_the_program_of_the_page(
    tmp_path: Path, installed: Installed, cloud: Cloud, instances: dict[str, str]
) -> None:
    (example,) = re.findall(r"^\.Bd -literal\n(.*?)^\.Ed$", PAGE, re.DOTALL | re.M)
    program = installed.build(tmp_path / "p", example.replace(r"\e", "\\"), C)
    mark = cloud.mark()
    done = installed.run(program, "eu-west-3", env=cloud.env)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "123456789012 has 1 instances in eu-west-3\n"
    asked = {"GetCallerIdentity", "DescribeInstances"}
    assert {call["action"] for call in cloud.log(mark)} == asked
    cloud.fault("DescribeInstances", kind="error", code="Broken", status=400, message="no luck")
    done = installed.run(program, "eu-west-3", env=cloud.env)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "eu-west-3: no luck\n")


def test_the_page_names_what_is_there() -> None:
    headers = {path.name: path.read_text() for path in (ROOT / "include/awsq").iterdir()}
    assert set(re.findall(r"^(?:\.It |\.)In awsq/(\S+)$", PAGE, re.M)) == headers.keys()
    functions = set(re.findall(r"^\.Fn (\w+)", PAGE, re.M))
    assert len(functions) > 10
    for function in functions:
        assert any(re.search(rf"\b{function}\(", text) for text in headers.values()), function
    codes = dict(re.findall(r"^\t(AWSQ_E\w+) = -\d+, +/\* (.*?) \*/$", headers["err.h"], re.M))
    codes |= dict(re.findall(r"^\t(AWSQ_E\w+) = -\d+ +/\* (.*?) \*/$", headers["err.h"], re.M))
    said = dict(re.findall(r"^\.It Dv (AWSQ_E\w+)\n(.*)$", PAGE, re.M))
    assert len(said) == 12 and said.keys() == codes.keys()
    for code, text in said.items():
        assert codes[code].startswith(text), code


# What is built


def test_names_of_its_own(tmp_path: Path, installed: Installed) -> None:
    """What is inside the library is no name that a program, linked to the archive, cannot have."""
    inner = subprocess.run(
        ["nm", "--defined-only", BUILD / "libawsq.a"], check=True, capture_output=True, text=True
    ).stdout
    assert re.search(r" t http_new$", inner, re.M)
    text = """
        #include <awsq/client.h>
        int http_new(void) { return 7; }
        int main(void) { return awsq_global_init() ? 1 : http_new(); }
    """
    program = installed.build(tmp_path / "p", text, C, static=True)
    assert installed.run(program, env={}).returncode == 7


def test_headers_and_symbols() -> None:
    """Each header alone, in C and C++; and libawsq.so exports exactly what they declare."""
    done = subprocess.run(
        [sys.executable, ROOT / "tools/dev/check-headers", BUILD], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    counted = re.fullmatch(r"headers: (\d+) stand alone, (\d+) symbols match\n", done.stdout)
    assert counted and int(counted[1]) > 100 and int(counted[2]) > 150
