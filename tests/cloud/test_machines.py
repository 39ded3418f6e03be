"""Machines, seen with OpenSSH's client."""

from __future__ import annotations

import ctypes
import os
import select
import socket
import struct
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from .client import Cloud
from .conftest import Region

SSH = ["-F", "none", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5"]


class Machine:
    def __init__(self, region: Region, **more: Any):
        self.region = region
        self.cloud = region.cloud
        self.id = region.run(**more)
        self.known_hosts = self.cloud.dir / f"known-{self.id}"
        self.up()

    def up(self) -> None:
        self.region.until(self.id, "running")
        self.cloud.until(lambda: self.ssh("true").returncode == 0)

    def ssh(self, command: str, *options: str) -> subprocess.CompletedProcess[str]:
        address = self.region.instance(self.id).get("PublicIpAddress", "127.0.0.1")
        return subprocess.run(self.command(address, *options) + [command],
                              capture_output=True, text=True, timeout=120)  # fmt: skip

    def command(self, address: str, *options: str) -> list[str]:
        return [
            "ssh", *options, *SSH, "-i", str(self.region.key), "-p", str(self.cloud.ssh_port),
            "-o", f"UserKnownHostsFile={self.known_hosts}",
            "-o", "StrictHostKeyChecking=accept-new",
            "-o", f"HostKeyAlias={self.id}",
            f"{self.cloud.about['user']}@{address}",
        ]  # fmt: skip

    def start(self) -> None:
        self.region.ec2.start_instances(InstanceIds=[self.id])
        self.up()

    def stop(self) -> None:
        self.region.ec2.stop_instances(InstanceIds=[self.id])
        self.region.until(self.id, "stopped")

    def processes(self) -> list[str]:
        """What runs with this machine's name somewhere in its command line."""
        found = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if self.id in line and "cloud-marker" in line or f"{self.id}/sshd_config" in line:
                found.append(line)
        return found


@pytest.fixture
def machine(region: Region) -> Machine:
    return Machine(region)


def test_a_job_knows_where_it_runs(machine: Machine) -> None:
    out = machine.ssh('echo "$AWS_REGION $AWSQ_INSTANCE_ID $HOME $PWD"; exit 3')
    assert out.returncode == 3
    region, instance, home, where = out.stdout.split()
    assert (region, instance) == (machine.region.name, machine.id)
    assert home == where and machine.id in home


def test_it_has_been_up_since_its_own_boot(machine: Machine) -> None:
    assert machine.ssh("echo a.b | cut -d. -f2").stdout == "b\n"
    machine.ssh("sleep 3")
    assert is_its_own_uptime(machine) >= 3
    machine.stop()
    machine.start()
    is_its_own_uptime(machine)


def is_its_own_uptime(machine: Machine) -> int:
    """What it says, which is no more than the time since it was told to start."""
    uptime = int(machine.ssh("cut -d. -f1 /proc/uptime").stdout)
    begun = machine.cloud.power()[machine.id][-1]["pending_at"]
    assert uptime <= time.time() - begun + 1
    return uptime


def test_it_is_reached_only_while_it_runs(machine: Machine) -> None:
    address = machine.region.instance(machine.id)["PublicIpAddress"]
    machine.stop()
    out = subprocess.run(machine.command(address) + ["true"], capture_output=True, text=True)
    assert out.returncode == 255 and "refused" in out.stderr


def connect(address: str, port: int) -> socket.socket:
    """Between the silence and sshd there is a moment in which nobody listens at all."""
    end = time.monotonic() + 60
    while True:
        try:
            return socket.create_connection((address, port), timeout=60)
        except ConnectionRefusedError:
            assert time.monotonic() < end
            time.sleep(0.05)


def test_it_may_be_silent_until_it_is_there(region: Region) -> None:
    region.cloud.settings(silent_boot=1, ssh_delay=6)
    instance = region.run()
    address = region.until(instance, "running")["PublicIpAddress"]
    assert refuses_to_answer(address, region.cloud.ssh_port)
    probe = connect(address, region.cloud.ssh_port)
    assert probe.recv(4) == b"SSH-"
    probe.close()


def test_host_keys_and_files_outlive_a_stop(machine: Machine) -> None:
    machine.ssh("echo kept > file")
    before = machine.known_hosts.read_text()
    machine.stop()
    machine.start()
    strict = ("-o", "StrictHostKeyChecking=yes")
    assert machine.ssh("cat file", *strict).stdout == "kept\n"
    assert machine.known_hosts.read_text() == before
    assert len(machine.cloud.power()[machine.id]) == 2


def test_machines_differ_in_their_keys(machine: Machine) -> None:
    other = Machine(machine.region)
    other.known_hosts = machine.known_hosts
    alias = ("-o", f"HostKeyAlias={machine.id}")
    assert "HOST IDENTIFICATION HAS CHANGED" in other.ssh("true", *alias).stderr


def test_only_its_own_key_opens_it(machine: Machine) -> None:
    machine.region.key = machine.cloud.new_key("ed25519", "stranger")
    assert "Permission denied" in machine.ssh("true").stderr


def test_a_stopped_machine_runs_nothing(machine: Machine) -> None:
    quiet = ">/dev/null 2>&1 </dev/null"
    marker = f"sh -c 'sleep 300; : cloud-marker {machine.id}'"
    machine.ssh(f"{marker} {quiet} & setsid env -i PATH=$PATH {marker} {quiet} & sleep 0.2")
    machine.cloud.until(lambda: len(machine.processes()) >= 3)
    began = time.time()
    machine.stop()
    assert machine.processes() == []
    boot = machine.cloud.power()[machine.id][-1]
    order = ["pending_at", "running_at", "ssh_at", "stopping_at", "stopped_at"]
    assert [boot[k] for k in order] == sorted(boot[k] for k in order)
    assert boot["region"] == machine.region.name and boot["stopping_at"] >= began - 1


def test_shutting_down_from_inside(machine: Machine) -> None:
    machine.ssh("sudo -n shutdown -h now")
    stopped = machine.region.until(machine.id, "stopped")
    assert stopped["StateReason"]["Code"] == "Client.InstanceInitiatedShutdown"


def test_a_timer_shuts_down_and_may_terminate(region: Region) -> None:
    machine = Machine(region, InstanceInitiatedShutdownBehavior="terminate")
    region.cloud.settings(minute=4)  # so that the second word comes before the first is carried out
    machine.ssh("sudo -n shutdown -h +1; sudo -n shutdown -c; sleep 4.5")
    assert region.state(machine.id) == "running"
    machine.ssh("sudo -n shutdown -h +1")
    region.until(machine.id, "terminated")


def seconds_on(region: Region, instance: str) -> list[float]:
    return [b["stopping_at"] - b["running_at"] for b in region.cloud.power()[instance]]


def test_a_later_timer_takes_the_place_of_an_earlier_one(region: Region) -> None:
    machine = Machine(region)
    region.cloud.settings(minute=3)
    for times in ("+1 +2", "+60 +2"):
        began = time.time()
        done = machine.ssh(f"for time in {times}; do sudo -n shutdown -h $time; done")
        assert done.returncode == 0 and "Shutdown scheduled" in done.stderr
        region.until(machine.id, "stopped")
        assert region.cloud.power()[machine.id][-1]["stopping_at"] - began > 5.9
        machine.start()
    assert machine.ssh("shutdown -h soon").returncode == 1
    machine.ssh("sudo -n shutdown -h +60; sudo -n shutdown -h now")
    region.until(machine.id, "stopped")


def test_user_data_sets_the_timer_at_each_boot(region: Region) -> None:
    region.cloud.settings(minute=0.3)
    instance = region.run(UserData="#cloud-boothook\n#!/bin/sh\nshutdown -h +2\n")
    region.until(instance, "stopped")
    region.ec2.start_instances(InstanceIds=[instance])
    region.until(instance, "stopped")
    on = seconds_on(region, instance)
    assert len(on) == 2 and all(0.5 < seconds < 30 for seconds in on)


def test_what_sleeps_since_the_boot_is_no_timer_of_shutdown_s(region: Region) -> None:
    """Neither a cancellation nor a later timer takes away what will say `shutdown now`."""
    region.cloud.settings(minute=10)
    script = "#cloud-boothook\n#!/bin/sh\n(sleep 60; shutdown -h now || poweroff -f) &\n"
    machine = Machine(region, UserData=script)
    machine.ssh("sudo -n shutdown -h +60; sudo -n shutdown -c; sudo -n shutdown -h +60")
    region.until(machine.id, "stopped")
    assert 9.5 < seconds_on(region, machine.id)[0] < 60
    machine.start()
    machine.ssh("sudo -n shutdown -h now")
    region.until(machine.id, "stopped")
    assert seconds_on(region, machine.id)[1] < 9.5


def test_sshd_can_be_killed_frozen_and_cut_off(machine: Machine) -> None:
    cloud = machine.cloud
    cloud.machine(machine.id, "freeze-sshd")
    out = machine.ssh("true", "-o", "ConnectTimeout=1")
    assert out.returncode == 255
    cloud.machine(machine.id, "thaw-sshd")
    machine.up()
    address = machine.region.instance(machine.id)["PublicIpAddress"]
    job = subprocess.Popen(machine.command(address) + ["sleep 60"], stderr=subprocess.PIPE)
    cloud.until(lambda: "sleep 60" in machine.ssh("ps -ef | grep '[s]leep 60'").stdout)
    cloud.machine(machine.id, "drop-connections")
    assert job.wait(50) == 255
    assert machine.ssh("true").returncode == 0
    cloud.machine(machine.id, "kill-sshd")
    cloud.until(lambda: machine.ssh("true").returncode == 255)
    assert machine.region.state(machine.id) == "running"
    cloud.machine(machine.id, "start-sshd")
    machine.up()


def test_a_blackhole_loses_every_packet(machine: Machine) -> None:
    cloud = machine.cloud
    address = machine.region.instance(machine.id)["PublicIpAddress"]
    echoes = "while read line; do echo $line; done"
    shell = subprocess.Popen(
        machine.command(address, "-o", "TCPKeepAlive=no") + [echoes],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert shell.stdin and shell.stdout

    def echo(word: str, seconds: float) -> str:
        print(word, file=shell.stdin, flush=True)
        return shell.stdout.readline() if select.select([shell.stdout], [], [], seconds)[0] else ""

    assert echo("before", 60) == "before\n"
    cloud.machine(machine.id, "blackhole")
    cloud.until(lambda: refuses_to_answer(address, cloud.ssh_port))
    assert echo("meanwhile", 1) == ""
    # The kernel answers nothing for it either: what was sent is sent again and again.
    assert not may_filter() or unacknowledged(shell.pid) > 0
    cloud.machine(machine.id, "end-blackhole")
    assert select.select([shell.stdout], [], [], 120)[0] and shell.stdout.readline() == "meanwhile\n"
    assert echo("after", 60) == "after\n"
    shell.stdin.close()
    assert shell.wait(60) == 0
    assert machine.ssh("true").returncode == 0


def may_filter() -> bool:
    """Whether we may give a socket a filter; see machine_init.py."""
    program = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
    with socket.socket() as probe:
        try:
            probe.setsockopt(socket.SOL_SOCKET, 26, struct.pack("HP", 1, ctypes.addressof(program)))
        except PermissionError:
            return False
    return True


def refuses_to_answer(address: str, port: int) -> bool:
    """Neither a connection nor a refusal within a while."""
    with socket.socket() as probe:
        probe.settimeout(0.7)
        try:
            probe.connect((address, port))
            return False
        except TimeoutError:
            return True


def unacknowledged(pid: int) -> int:
    """Bytes in a process's TCP connection that the other side has not acknowledged."""
    sockets = {os.stat(f"/proc/{pid}/fd/{fd}").st_ino for fd in os.listdir(f"/proc/{pid}/fd")}
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[9]) in sockets:
            return int(fields[4].partition(":")[0], 16)
    raise AssertionError("no connection")


def test_nothing_is_left_when_the_cloud_ends(tmp_path: Path) -> None:
    with Cloud(tmp_path, boot=0.1, ssh_delay=0, late=0) as cloud:
        machine = Machine(Region(cloud, "us-east-1"))
        quiet = ">/dev/null 2>&1 </dev/null &"
        machine.ssh(f"sh -c 'sleep 300; : cloud-marker {machine.id}' {quiet}")
        cloud.until(lambda: len(machine.processes()) >= 2)
    assert machine.processes() == []


def test_nothing_is_left_when_the_cloud_is_killed(tmp_path: Path) -> None:
    with Cloud(tmp_path, boot=0.1, ssh_delay=0, late=0) as cloud:
        machine = Machine(Region(cloud, "us-east-1"))
        os.kill(cloud.about["pid"], 9)
        cloud.until(lambda: machine.processes() == [])
