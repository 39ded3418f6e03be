"""A lane: a region of a cloud with a user, a state folder and a clock of its own.

Lanes share a cloud, and nothing else: what is done to one does not touch the others.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sqlite3
import struct
import subprocess
from pathlib import Path
from typing import Any

from fleet import Fleet

HERE = Path(__file__).resolve().parent
DISK = 4 << 20
EVERYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}


def build_wallclock(folder: Path) -> Path:
    """wallclock.c as a library; see there."""
    library = folder / "wallclock.so"
    command = [os.environ.get("CC", "cc"), "-std=c17", "-D_POSIX_C_SOURCE=200809L", "-O1"]
    command += ["-I", str(HERE.parents[1] / "libawsq"), "-shared", "-fPIC", "-o", str(library)]
    subprocess.run([*command, str(HERE / "wallclock.c")], check=True)
    return library


def clock_env(wallclock: Path, clock: Path) -> dict[str, str]:
    """For a tool whose clock is wrong by what the file says."""
    return {
        "LD_PRELOAD": str(wallclock),
        "WALLCLOCK": str(clock),
        # The sanitizers want to be first themselves.
        "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0",
    }


class Lane:
    def __init__(self, fleet: Fleet, region: str, wallclock: Path):
        self.fleet, self.cloud, self.region = fleet, fleet.cloud, region
        self.folder = fleet.cloud.dir / f"lane-{region}"
        self.disk = self.folder / "disk"
        self.disk.mkdir(parents=True)
        self.mounted = self._mount()
        self.clock = self.folder / "clock"
        self.clock.write_bytes(bytes(8))
        self.credentials = self.folder / "credentials"
        self.user = f"user-{region}"
        self.access_key = ""
        self.expired: str | None = None
        self.made_keys: list[str] = []
        self.iam = self.cloud.boto("iam")
        self.ec2 = self.cloud.boto("ec2", region)
        self.iam.create_user(UserName=self.user)
        self.iam.put_user_policy(
            UserName=self.user, PolicyName="all", PolicyDocument=json.dumps(EVERYTHING)
        )
        self.renew()
        self.instance: str = fleet.instance(region)["InstanceId"]
        kept = {k: v for k, v in fleet.env.items() if not k.startswith("AWS_ACCESS_KEY")}
        kept.pop("AWS_SECRET_ACCESS_KEY")
        self.env = {
            **kept,
            "AWS_SHARED_CREDENTIALS_FILE": str(self.credentials),
            "XDG_STATE_HOME": str(self.disk),
        }
        self.clock_env = clock_env(wallclock, self.clock)

    def close(self) -> None:
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.disk)], check=False)

    # The executables.

    def start(self, tool: str, *args: str, **env: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.fleet.command(tool, *args),
            env={**self.env, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # SIGXFSZ stays ignored, as Python has it: a write past the limit is an error (fill).
            restore_signals=self.mounted,
        )

    def run(self, tool: str, *args: str, timeout: float, **env: str) -> tuple[int, str]:
        """The exit status, and all that it said."""
        process = self.start(tool, *args, **env)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            err += b"(it did not end)"
        return process.returncode, (out + err).decode(errors="replace")

    # Access keys.

    def renew(self) -> None:
        """New access keys where credentials are read, as a role's are renewed; old ones stay."""
        for key in self.made_keys[:-1]:  # two is all that a user can have
            self.iam.delete_access_key(UserName=self.user, AccessKeyId=key)
            self.made_keys.remove(key)
        made = self.iam.create_access_key(UserName=self.user)["AccessKey"]
        draft = self.credentials.with_suffix(".new")
        draft.write_text(
            f"[default]\naws_access_key_id = {made['AccessKeyId']}\n"
            f"aws_secret_access_key = {made['SecretAccessKey']}\n"
        )
        draft.rename(self.credentials)
        self.access_key = made["AccessKeyId"]
        self.made_keys.append(self.access_key)

    def expire(self) -> None:
        self.expired = self.access_key
        self.cloud.expire_key(self.access_key)

    def renew_if_expired(self) -> None:
        if self.expired == self.access_key:
            self.renew()

    # The disk that the state is on.

    def _mount(self) -> bool:
        """A file system of its own, where that is allowed."""
        command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", str(self.disk)]
        return subprocess.run(command, capture_output=True).returncode == 0

    def fill(self, process: subprocess.Popen[bytes]) -> None:
        """Let the disk be full; or, where we have none of our own, no file grow any more."""
        if not self.mounted:
            with contextlib.suppress(ProcessLookupError):
                hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)[1]
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, hard))
            return
        size = DISK
        with open(self.disk / "filler", "ab", buffering=0) as filler:
            while size:
                try:
                    filler.write(bytes(size))
                except OSError:
                    size //= 2

    def free(self) -> None:
        (self.disk / "filler").unlink(missing_ok=True)

    # The time of day.

    def jump(self, seconds: int) -> None:
        (before,) = struct.unpack("q", self.clock.read_bytes())
        with open(self.clock, "r+b") as clock:
            clock.write(struct.pack("q", before + seconds))

    def right_the_clock(self) -> None:
        with open(self.clock, "r+b") as clock:
            clock.write(bytes(8))

    # The instance.

    def order(self, do: str) -> bool:
        """Whether its machine could be told."""
        try:
            self.cloud.machine(self.instance, do)
        except ValueError:
            return False  # it is not on
        return True

    def boots(self) -> list[dict[str, Any]]:
        return self.cloud.power()[self.instance]

    def state(self) -> str:
        """As boto3 sees it."""
        found = self.ec2.describe_instances(InstanceIds=[self.instance])
        return str(found["Reservations"][0]["Instances"][0]["State"]["Name"])

    # The ledger.

    def rows(self) -> list[dict[str, Any]]:
        """Its runs in this region, in order."""
        path = self.disk / "awsq" / "NAVO" / "ledger.sqlite"
        if not path.exists():
            return []
        book = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
        book.row_factory = sqlite3.Row
        try:
            asked = "SELECT * FROM runs WHERE region = ? ORDER BY asked_ms, id"
            return [dict(row) for row in book.execute(asked, (self.region,))]
        finally:
            book.close()


def heal(lane: Lane) -> None:
    """Whatever was wrong is over."""
    lane.cloud.clear_faults(lane.region)
    lane.free()
    lane.right_the_clock()
    lane.renew_if_expired()
    for do in ("end-blackhole", "thaw-sshd"):
        lane.order(do)


def end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
        process.wait()
