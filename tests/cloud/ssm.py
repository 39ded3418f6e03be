"""Systems Manager: scripts that the agent on a machine runs, as root would.

moto calls every command a success at once. Here an agent comes up with each
boot of an instance that has a profile, some time after the instance runs; a
command waits for it, is run for real by the machine's init, and is told of in
GetCommandInvocation as it goes:

SendCommand      (not known for a moment)    Pending -> InProgress -> Success, Failed
                 not taken in TimeoutSeconds            TimedOut (DeliveryTimedOut)
                 longer than executionTimeout           TimedOut (ExecutionTimedOut)
CancelCommand    Cancelled, or Cancelling -> Cancelled

As with the real agent, what a script leaves running in the background goes on,
but holds up the command's end for as long as it holds its output; and at a
timeout it is the process group that is killed, not the session.
"""

from __future__ import annotations

import shlex
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.models import ec2_backends
from moto.ssm.exceptions import SSMException
from moto.ssm.models import SimpleSystemManagerBackend, ssm_backends
from moto.ssm.responses import SimpleSystemManagerResponse

if TYPE_CHECKING:
    from .world import World

_OUTPUT = 24000, "--output truncated--"
_ERRORS = 8000, "---Error truncated----"
_LARGEST_DOCUMENT = 64 << 10
_PARAMETERS = {"commands", "workingDirectory", "executionTimeout"}
_LONGEST_RUN = 172800
_STALE = 5  # minutes for which an agent counts as online that is not heard of any more

# What the agent does with a script: the two cats have its output, and end when
# nobody holds the other ends any more.
_START = """\
cd {folder} || exit 1
{{
    {{ env -i {environment} sh ./_script.sh 2>&3 3>&-; echo $? >exit; }} | cat >stdout 3>&-
}} 3>&1 | cat >stderr
mv exit status
"""


@dataclass
class Invocation:
    id: str
    instance: Any
    folder: Path
    comment: str
    asked: float
    delivery: float  # seconds
    execution: float
    begun: float = 0.0
    status: str = "Pending"
    details: str = "Pending"
    exit: int = -1

    def end(self, status: str, details: str = "") -> None:
        self.status, self.details = status, details or status

    def text(self, name: str, most: tuple[int, str], tail: str = "") -> str:
        """A stream as far as it is told; nothing before the end."""
        path = self.folder / name
        if self.begun == 0.0 or self.status == "InProgress" or not path.exists():
            return ""
        limit, mark = most
        told = path.read_bytes()[:limit].decode(errors="replace") + tail
        return told if len(told) < limit else told[: limit - len(mark)] + mark

    def described(self) -> dict[str, Any]:
        tail = f"\nfailed to run commands: exit status {self.exit}" if self.exit > 0 else ""
        return {
            "CommandId": self.id,
            "InstanceId": self.instance.id,
            "Comment": self.comment,
            "DocumentName": "AWS-RunShellScript",
            "DocumentVersion": "$DEFAULT",
            "PluginName": "aws:runShellScript",
            "ResponseCode": self.exit,
            "Status": self.status,
            "StatusDetails": self.details,
            "StandardOutputContent": self.text("stdout", _OUTPUT),
            "StandardOutputUrl": "",
            "StandardErrorContent": self.text("stderr", _ERRORS, tail),
            "StandardErrorUrl": "",
        }


class Agents:
    """The agents, and the commands that are or were with them. Under the world's lock."""

    def __init__(self, world: World):
        self._world = world
        self._commands: dict[tuple[str, str], Invocation] = {}
        self._dead: set[str] = set()

    def kill(self, instance_id: str) -> None:
        """It takes no more commands. What it began goes on, and is not told of."""
        self._dead.add(instance_id)

    def revive(self, instance_id: str) -> None:
        self._dead.discard(instance_id)

    def seen(self, instance: Any) -> tuple[str, float] | None:
        """What an agent is said to be, and when it last was heard of; None: never."""
        settings = self._world.settings
        for boot in reversed(self._world.lives.power.get(instance.id, [])):
            if not _has_profile(instance) or "ssh_at" not in boot:
                continue
            began = max(boot["running_at"] + settings.ssm_delay, boot["ssh_at"])
            over = boot.get("stopping_at", boot.get("shutting_down_at", time.time()))
            if began > over:
                continue
            stale = time.time() - over > _STALE * settings.minute
            return ("ConnectionLost" if stale else "Online"), began + settings.skew
        return None

    def listens(self, instance: Any) -> bool:
        """Whether it would take a command now."""
        boot = self._world.lives.power[instance.id][-1]
        if instance.state != "running" or instance.id in self._dead:
            return False
        up = boot["running_at"] + self._world.settings.ssm_delay
        return "ssh_at" in boot and _has_profile(instance) and time.time() >= up

    def send(self, instance: Any, script: str, comment: str, delivery: float,
             execution: float) -> Invocation:  # fmt: skip
        number = str(uuid.uuid4())
        folder = self._world.machines.folder / instance.id / "ssm" / number
        now = time.monotonic()
        found = Invocation(number, instance, folder, comment, now, delivery, execution)
        self._lay(found, script)
        self._commands[number, instance.id] = found
        self._world.agenda.after(self._world.settings.ssm_pending, lambda: self._deliver(found))
        return found

    def _lay(self, found: Invocation, script: str) -> None:
        """On the machine's disk; init runs it as the one whose folder it is."""
        environment = self._world.machines.environment(found.instance)
        del environment["HOME"]  # as it is for what systemd starts
        words = " ".join(shlex.quote(f"{name}={value}") for name, value in environment.items())
        start = _START.format(folder=shlex.quote(str(found.folder)), environment=words)
        found.folder.mkdir(parents=True, mode=0o700)
        (found.folder / "_script.sh").write_text(script)
        (found.folder / "start").write_text(start)
        self._world.machines.give(found.folder)

    def _deliver(self, found: Invocation) -> None:
        if found.status != "Pending":
            return
        if time.monotonic() > found.asked + found.delivery:
            return found.end("TimedOut", "DeliveryTimedOut")
        if not self.listens(found.instance):
            return self._world.agenda.after(0.1, lambda: self._deliver(found))
        found.begun = time.monotonic()
        found.end("InProgress")
        self._world.machines.order(found.instance.id, f"run {found.folder}")
        return None

    def find(self, command_id: str, instance_id: str) -> Invocation | None:
        found = self._commands.get((command_id, instance_id))
        if not found or time.monotonic() < found.asked + self._world.settings.ssm_late:
            return None
        self._look(found)
        return found

    def _look(self, found: Invocation) -> None:
        status = found.folder / "status"
        if found.status != "InProgress" or found.instance.id in self._dead:
            return
        if status.exists():
            found.exit = int(status.read_text())
            found.end("Failed" if found.exit else "Success")
        elif time.monotonic() > found.begun + found.execution:
            self._kill(found)
            found.end("TimedOut", "ExecutionTimedOut")

    def cancel(self, found: Invocation) -> None:
        if found.status == "Pending":
            found.end("Cancelled")
        elif found.status == "InProgress" and found.instance.id not in self._dead:
            self._kill(found)
            found.end("Cancelled")

    def _kill(self, found: Invocation) -> None:
        found.exit = 137
        if found.instance.state == "running":
            self._world.machines.order(found.instance.id, f"kill {found.folder}")


def _has_profile(instance: Any) -> bool:
    """Without a role the agent has no way to AWS."""
    return bool(instance.iam_instance_profile)


class SsmBackend(SimpleSystemManagerBackend):
    world: ClassVar[World]

    @property
    def _url_module(self) -> Any:
        return sys.modules[__name__]


class SsmResponse(SimpleSystemManagerResponse):
    @property
    def _agents(self) -> Agents:
        return SsmBackend.world.agents

    def _instances(self) -> dict[str, Any]:
        backend = ec2_backends[self.current_account][self.region]
        return {instance.id: instance for instance in backend.all_instances()}

    def send_command(self) -> ActionResult:
        if self._get_param("DocumentName") != "AWS-RunShellScript":
            raise SSMException("InvalidDocument", "Document not found")
        parameters = self._get_param("Parameters", {})
        unknown = set(parameters) - _PARAMETERS
        if unknown or not parameters.get("commands"):
            raise SSMException("InvalidParameters", f"document does not support {unknown}")
        if len(self.body) > _LARGEST_DOCUMENT:
            raise SSMException("MaxDocumentSizeExceeded", "The document is over 64 KB")
        seconds = int(parameters.get("executionTimeout", ["3600"])[0])
        delivery = int(self._get_param("TimeoutSeconds", 3600))
        comment = self._get_param("Comment", "")
        if delivery < 30 or len(comment) > 100:
            raise SSMException("ValidationException", "a member failed to satisfy constraint")
        if not 5 <= seconds <= _LONGEST_RUN:
            seconds = 3600  # which is what the agent makes of it
        instances = self._instances()
        ids = self._get_param("InstanceIds", [])
        valid = [i for i in ids if i in instances and instances[i].state == "running"]
        if not ids or any(i not in valid or not self._agents.seen(instances[i]) for i in ids):
            text = f"Instances [[{', '.join(ids)}]] not in a valid state for account"
            raise SSMException("InvalidInstanceId", text)
        script = "\n".join(parameters["commands"]) + "\n"
        if len(ids) > 1:
            raise NotImplementedError("a command on several instances")
        found = self._agents.send(instances[ids[0]], script, comment, delivery, seconds)
        command = {
            "CommandId": found.id,
            "DocumentName": "AWS-RunShellScript",
            "Comment": comment,
            "Parameters": parameters,
            "InstanceIds": ids,
            "RequestedDateTime": SsmBackend.world.now(),
            "ExpiresAfter": SsmBackend.world.now() + delivery,
            "Status": "Pending",
            "StatusDetails": "Pending",
            "TimeoutSeconds": delivery,
        }
        return ActionResult({"Command": command})

    def _invocation(self, instance_id: str) -> Invocation:
        found = self._agents.find(self._get_param("CommandId"), instance_id)
        if not found:
            raise SSMException("InvocationDoesNotExist", "")
        return found

    def get_command_invocation(self) -> ActionResult:
        return ActionResult(self._invocation(self._get_param("InstanceId")).described())

    def cancel_command(self) -> ActionResult:
        for instance_id in self._get_param("InstanceIds", []):
            self._agents.cancel(self._invocation(instance_id))
        return EmptyResult()

    def describe_instance_information(self) -> ActionResult:
        wanted: list[str] | None = None
        for by in self._get_param("Filters", []):
            if by["Key"] != "InstanceIds":
                raise SSMException("InvalidFilterKey", by["Key"])
            wanted = by["Values"]
        nodes = []
        for instance in self._instances().values():
            if wanted is not None and instance.id not in wanted:
                continue
            seen = self._agents.seen(instance)
            if seen:
                nodes.append(
                    {
                        "InstanceId": instance.id,
                        "PingStatus": seen[0],
                        "LastPingDateTime": seen[1],
                        "AgentVersion": "3.3.1611.0",
                        "PlatformType": "Linux",
                        "ResourceType": "EC2Instance",
                    }
                )
        return ActionResult({"InstanceInformationList": nodes})


# Read by moto through _url_module.
url_bases = [r"https?://ssm\.(.+)\.amazonaws\.com(|\.cn)"]
url_paths = {"{0}/$": SsmResponse.dispatch}


def install(world: World) -> None:
    SsmBackend.world = world
    ssm_backends.backend = SsmBackend  # type: ignore[assignment]
