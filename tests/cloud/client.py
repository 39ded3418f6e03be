"""The cloud as a context manager, for pytest.

with Cloud(boot=0.2, late=0) as cloud:
    cloud.seed()
    subprocess.run(["build/check-region", "--all"], env=cloud.env)
    assert [c for c in cloud.log() if c["mutating"]] == []
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from .nursery import Child, Nursery

_nursery = Nursery()
# What of the caller's environment a tool gets: nothing of AWS's.
_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS")


class Cloud:
    def __init__(self, directory: Path | str | None = None, *flags: str, **options: Any):
        """Options are the command's: boot=0.2, ssh_delay=0, policy=path, regions=[...].

        Flags are given as they are: "--tls". Without a directory there is a
        temporary one, removed at the end.
        """
        self._temporary = directory is None
        self.dir = Path(directory or tempfile.mkdtemp(prefix="cloud-")).resolve()
        self._argv = ["--dir", str(self.dir), *flags]
        for name, value in options.items():
            values = [str(v) for v in value] if isinstance(value, (list, tuple)) else [str(value)]
            self._argv += ["--" + name.replace("_", "-"), *values]
        self._process: Child | None = None
        self.about: dict[str, Any] = {}

    def __enter__(self) -> Cloud:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self, timeout: float = 120) -> None:
        self.dir.mkdir(parents=True, exist_ok=True)
        ready = self.dir / "cloud.json"
        ready.unlink(missing_ok=True)
        self._process = _nursery.cloud(self._argv, self.dir / "cloud.log")
        end = time.monotonic() + timeout
        while not ready.exists():
            if self._process.ended() or time.monotonic() > end:
                self._end()
                raise RuntimeError(f"no cloud: {(self.dir / 'cloud.log').read_text()}")
            time.sleep(0.02)
        self.about = json.loads(ready.read_text())

    def stop(self) -> None:
        self._end()
        if self._temporary:
            shutil.rmtree(self.dir, ignore_errors=True)

    def _end(self) -> None:
        if self._process:
            self._process.end()
        self._process = None

    # For the tools under test.

    @property
    def endpoint(self) -> str:
        return str(self.about["endpoint"])

    @property
    def ssh_port(self) -> int:
        return int(self.about["ssh_port"])

    @property
    def env(self) -> dict[str, str]:
        """The environment for a tool: the operator's credentials, and a home of its own."""
        return self.env_of("operator")

    def env_of(self, user: str) -> dict[str, str]:
        home = self.dir / "home"
        home.mkdir(exist_ok=True)
        env = {name: os.environ[name] for name in _KEPT if name in os.environ}
        env.update(
            HOME=str(home),
            AWS_ACCESS_KEY_ID=self.about[user]["access_key_id"],
            AWS_SECRET_ACCESS_KEY=self.about[user]["secret_access_key"],
            AWS_ENDPOINT_URL=self.endpoint,
            AWS_EC2_METADATA_DISABLED="true",
        )
        if "ca_bundle" in self.about:
            env["AWS_CA_BUNDLE"] = self.about["ca_bundle"]
        return env

    def new_account(self, number: str, role: str = "awsq") -> str:
        """Another account; the ARN of its role. `user=number` is who has assumed that."""
        arn = str(self._admin("POST", "account", {"number": number, "role": role})["role_arn"])
        made = self.boto("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        self.about[number] = {
            "access_key_id": made["AccessKeyId"],
            "secret_access_key": made["SecretAccessKey"],
            "session_token": made["SessionToken"],
        }
        return arn

    def boto(self, service: str, region: str = "us-east-1", user: str = "admin") -> Any:
        from .seed import clients

        return clients(self.about, user)(service, region)

    # Behind the cloud.

    def seed(
        self,
        name: str = "NAVO",
        home: str = "us-west-2",
        key: Path | str | None = None,
        role: str = "navo-role",
        user: str = "admin",
    ) -> dict[str, str]:
        """A home region; without a key, with a new one in the cloud's folder."""
        from .seed import seed

        return seed(self.about, name, home, key or self.new_key(), role, user)

    def new_key(self, kind: str = "ed25519", name: str = "key") -> Path:
        path = self.dir / name
        if not path.exists():
            command = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", str(path)]
            subprocess.run(command, check=True)
        return path

    def log(self, since: int = 0) -> list[dict[str, Any]]:
        return self._admin("GET", f"log?since={since}")

    def mark(self) -> int:
        """The number of the last call, for log(since)."""
        calls = self.log()
        return calls[-1]["n"] if calls else 0

    def born(self, since: int = 0) -> list[dict[str, str]]:
        """Whatever was made through the API: {"region", "id", "kind"}, in order.

        Kinds are image, instance, key-pair, security-group, snapshot and
        volume. `since` leaves out the first so many.
        """
        return self._admin("GET", f"born?since={since}")

    def fault(self, action: str = "*", **values: Any) -> None:
        self._admin("POST", "fault", {"action": action, **values})

    def clear_faults(self, region: str | None = None) -> None:
        """None from here on; or none of those that were for one region. What they hold is let go."""
        self._admin("DELETE", "fault" + (f"?region={region}" if region else ""))

    def power(self) -> dict[str, list[dict[str, Any]]]:
        return self._admin("GET", "power")

    def settings(self, **values: float) -> dict[str, float]:
        return self._admin("POST", "settings", values)

    def close_region(self, region: str) -> None:
        """Let it not be opted in to: it refuses whoever calls."""
        self._admin("POST", "region", {"region": region, "do": "close"})

    def open_region(self, region: str) -> None:
        self._admin("POST", "region", {"region": region, "do": "open"})

    def unplug(self, region: str) -> None:
        """Let its calls have no answer, until the client gives up. Nothing is carried out."""
        self._admin("POST", "region", {"region": region, "do": "unplug"})

    def plug(self, region: str) -> None:
        self._admin("POST", "region", {"region": region, "do": "plug"})

    def unoffer(self, region: str, kind: str) -> None:
        """Let a region not have an instance type."""
        self._admin("POST", "offering", {"region": region, "type": kind, "offered": False})

    def offer(self, region: str, kind: str) -> None:
        self._admin("POST", "offering", {"region": region, "type": kind, "offered": True})

    def expire_key(self, access_key: str, seconds: float | None = None) -> None:
        """Let calls with it be refused, for so long or until restore_key()."""
        self._admin(
            "POST", "key", {"access_key": access_key, "do": "expire", "seconds": seconds}
        )

    def restore_key(self, access_key: str) -> None:
        self._admin("POST", "key", {"access_key": access_key, "do": "restore"})

    def new_access_key(self, user: str = "operator") -> dict[str, str]:
        """One more for a user, as a renewed role gets: what its environment is to say."""
        made = self.boto("iam").create_access_key(UserName=user)["AccessKey"]
        return {
            "AWS_ACCESS_KEY_ID": made["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"],
        }

    def machine(self, instance: str, do: str, **values: Any) -> None:
        self._admin("POST", "machine", {"instance": instance, "do": do, **values})

    def _admin(self, method: str, what: str, values: dict[str, Any] | None = None) -> Any:
        import ssl

        context = ssl._create_unverified_context() if "ca_bundle" in self.about else None
        data = None if values is None else json.dumps(values).encode()
        request = urllib.request.Request(f"{self.endpoint}/_cloud/{what}", data, method=method)
        try:
            with urllib.request.urlopen(request, context=context, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise ValueError(json.load(error)["error"]) from None

    # Waiting, for the tests' own needs.

    def until(self, what: Callable[[], Any], timeout: float = 60) -> Any:
        """The first true value of what(). It costs nothing to be generous: a machine may be busy."""
        end = time.monotonic() + timeout
        while not (value := what()):
            if time.monotonic() > end:
                raise TimeoutError("it did not come to pass")
            time.sleep(0.02)
        return value
