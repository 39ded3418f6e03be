"""How instances live: each state lasts its time, and the machine goes with it.

RunInstances, StartInstances    pending -> running   (then sshd)
StopInstances, shutdown         stopping -> stopped
TerminateInstances, shutdown    shutting-down -> terminated
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from moto.core.utils import utcnow
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.instances import InstanceState, StateReason

from .faults import Fault

if TYPE_CHECKING:
    from .world import World

CODES = {
    "pending": 0,
    "running": 16,
    "shutting-down": 32,
    "terminated": 48,
    "stopping": 64,
    "stopped": 80,
}
_BY_USER = ("Client.UserInitiatedShutdown", "User initiated shutdown")
_FROM_INSIDE = ("Client.InstanceInitiatedShutdown", "Instance initiated shutdown")
_SLEEP_FIRST = re.compile(r"\bsleep\s+(\d+);\s*shutdown\b")
_SHUTDOWN = re.compile(r"\bshutdown\s+(?:-[hP]\s+)?\+(\d+)")
# Between a first launch and the next one AWS takes half a minute; here they may be a moment apart,
# though their times, in whole seconds, are what tells the one from the other.
_UNTIL_NEXT = timedelta(seconds=2)

Transition = tuple[Any, InstanceState, InstanceState]


class Lives:
    """Moves instances from state to state. Everything here runs under the world's lock."""

    def __init__(self, world: World):
        self._world = world
        # For each instance its boots, each with the time of every change.
        self.power: dict[str, list[dict[str, Any]]] = {}

    # What the API asks for: the checks first, for all instances of a call, as
    # one that cannot be moved fails the call before it does anything.
    # Each move returns (instance, before, after).

    def launch(self, instance: Any) -> None:
        """moto just made it, and made it running with an address."""
        instance.turn = 0
        instance.shutdown_timer = 0  # how often shutdown's one timer was set or taken back
        _set_address(instance, None)
        self._boot(instance)
        instance.launch_time -= _UNTIL_NEXT
        for device in instance.block_device_mapping.values():
            attachment = instance.ec2_backend.volumes[device.volume_id].attachment
            attachment.attach_time = device.attach_time = instance.launch_time

    def check_start(self, instance: Any) -> None:
        allowed = ["stopped", "running"]
        if not self._world.settings.pending_start_fails:
            allowed.append("pending")
        _check(instance, allowed, "started")

    def check_stop(self, instance: Any) -> None:
        _check(instance, ["running", "stopping", "stopped"], "stopped")

    def start(self, instance: Any) -> Transition:
        before = instance.state
        if before != "stopped":
            return _unchanged(instance)
        self._boot(instance)
        return instance, _state(before), _state("pending")

    def stop(self, instance: Any, reason: tuple[str, str] = _BY_USER) -> Transition:
        before = instance.state
        if before != "running":
            return _unchanged(instance)
        self._power_off(instance, "stopping", reason)
        self._later(instance, self._world.settings.stop, self._stopped)
        return instance, _state(before), _state("stopping")

    def terminate(self, instance: Any, reason: tuple[str, str] = _BY_USER) -> Transition:
        before = instance.state
        if before in ("shutting-down", "terminated"):
            return _unchanged(instance)
        self._power_off(instance, "shutting-down", reason)
        self._later(instance, self._world.settings.stop, self._terminated)
        return instance, _state(before), _state("shutting-down")

    # What happens on the machine.

    def shutdown_in(self, instance: Any, seconds: float) -> None:
        """shutdown(8) on the machine: a later one takes the place of an earlier one.

        As with systemd, where one timer is all that there is. What sleeps
        first, and then says `shutdown now`, is none of it.
        """
        self.cancel_shutdown(instance)
        timer = instance.shutdown_timer

        def fire(instance: Any) -> None:
            if instance.shutdown_timer == timer:
                self._shut_down(instance)

        self._at_this_boot(instance, seconds, fire)

    def cancel_shutdown(self, instance: Any) -> None:
        """shutdown -c."""
        instance.shutdown_timer += 1

    def _at_this_boot(self, instance: Any, seconds: float, act: Callable[[Any], None]) -> None:
        """Nothing on a machine outlives the boot that it was begun in."""
        if seconds <= 0:
            return act(instance)
        return self._later(instance, seconds, act)

    def _shut_down(self, instance: Any) -> None:
        if instance.state != "running":
            return
        if instance.instance_initiated_shutdown_behavior == "terminate":
            self.terminate(instance, _FROM_INSIDE)
        else:
            self.stop(instance, _FROM_INSIDE)

    # The changes themselves.

    def _boot(self, instance: Any) -> None:
        settings = self._world.settings
        instance.launch_time = utcnow()
        instance.state_reason = None
        instance._reason = ""
        boots = self.power.setdefault(instance.id, [])
        boots.append({"region": instance.region_name, "type": instance.instance_type})
        self._enter(instance, "pending")
        failure = self._world.late_failure
        if failure:
            self._later(instance, settings.boot, lambda i: self._failed(i, failure))
            return
        # EC2 gives the address some time before the instance runs.
        self._later(instance, settings.boot / 2, self._addressed)
        self._later(instance, settings.boot, self._running)

    def _addressed(self, instance: Any) -> None:
        instance.machine_address = self._world.machines.new_address()
        _set_address(instance, instance.machine_address)

    def _running(self, instance: Any) -> None:
        settings = self._world.settings
        self._enter(instance, "running")
        self._later(instance, settings.ssh_delay, self._reachable)
        if settings.silent_boot:
            self._world.machines.hush(instance)
        self._carry_out_user_data(instance)

    def _carry_out_user_data(self, instance: Any) -> None:
        """What the user data says of shutting down; nothing else of it is heeded.

        EC2 runs a plain script at the first boot only; a fleet that means it
        for every boot says so in cloud-init's way. The cloud does not tell the
        two apart and honours it at each.
        """
        data, minute = instance.user_data, self._world.settings.minute
        # As text as far as it is some: it may be compressed.
        script = base64.b64decode(str(data)).decode(errors="replace") if data else ""
        if sleeper := _SLEEP_FIRST.search(script):
            seconds = int(sleeper.group(1)) / 60 * minute
            self._at_this_boot(instance, seconds, self._shut_down)
        elif timer := _SHUTDOWN.search(script):
            self.shutdown_in(instance, int(timer.group(1)) * minute)

    def _reachable(self, instance: Any) -> None:
        self._world.machines.start(instance)
        self._note(instance, "ssh_at")

    def _power_off(self, instance: Any, state: str, reason: tuple[str, str]) -> None:
        self._world.machines.stop(instance.id)
        _set_address(instance, None)
        code, text = reason
        instance.state_reason = StateReason(f"{code}: {text}", code)
        stamp = time.strftime("%Y-%m-%d %H:%M:%S GMT", time.gmtime())
        instance._reason = f"User initiated ({stamp})" if reason is _BY_USER else ""
        self._enter(instance, state)

    def _stopped(self, instance: Any) -> None:
        self._enter(instance, "stopped")

    def _terminated(self, instance: Any) -> None:
        reason, text = instance.state_reason, instance._reason
        instance.terminate()  # moto takes its volumes and interfaces away
        instance.state_reason, instance._reason = reason, text
        instance.security_groups = []
        self._enter(instance, "terminated")

    def _failed(self, instance: Any, fault: Fault) -> None:
        """EC2 had accepted the start, and then it came to nothing."""
        _set_address(instance, None)
        instance.state_reason = StateReason(f"{fault.code}: {fault.message}", fault.code)
        fresh = len(self.power[instance.id]) == 1
        if fresh:  # a first launch that fails leaves nothing behind
            self._terminated(instance)
        else:
            self._stopped(instance)

    def _enter(self, instance: Any, state: str) -> None:
        instance._state = _state(state)
        instance.turn += 1
        self._note(instance, state.replace("-", "_") + "_at")

    def _note(self, instance: Any, what: str) -> None:
        self.power[instance.id][-1][what] = time.time()

    def _later(self, instance: Any, seconds: float, change: Callable[[Any], None]) -> None:
        """Do it then, unless the instance has gone another way in the meantime."""
        turn = instance.turn

        def act() -> None:
            if instance.turn == turn:
                change(instance)

        self._world.agenda.after(seconds, act)


def _state(name: str) -> InstanceState:
    return InstanceState(name, CODES[name])


def _unchanged(instance: Any) -> Transition:
    return instance, _state(instance.state), _state(instance.state)


def _check(instance: Any, allowed: list[str], verb: str) -> None:
    if instance.state not in allowed:
        raise EC2ClientError(
            "IncorrectInstanceState",
            f"The instance '{instance.id}' is not in a state from which it can be {verb}.",
        )


def _set_address(instance: Any, address: str | None) -> None:
    primary = instance.nics[0]
    if str(primary.public_ip_auto_assign).lower() == "true":
        primary.public_ip = address
