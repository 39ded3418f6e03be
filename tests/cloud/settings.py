"""How long things take, in seconds; all of it can be changed while the cloud runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields


@dataclass
class Settings:
    boot: float = 1.0  # pending -> running
    ssh_delay: float = 0.5  # running -> sshd answers
    stop: float = 1.0  # stopping -> stopped, shutting-down -> terminated
    copy: float = 1.5  # a new image or snapshot: pending -> available
    late: float = 0.3  # how long a new id is unknown to other calls
    flicker: float = 0.0  # after that: seen for half of this, then gone for half
    profile: float = 0.0  # how long RunInstances calls a new instance profile invalid
    silent_boot: float = 0.0  # before sshd answers: 0 a refusal of connections, 1 nothing at all
    minute: float = 60.0  # what shutdown(8) on a machine takes for a minute
    skew: float = 0.0  # how far the cloud's clock is ahead of this machine's
    page: float = 0.0  # the most items a page ever has; 0: what MaxResults says
    copies: float = 0.0  # images being copied into a region at most; 0: any number
    cores: float = 64.0  # the quota of running cores, as Service Quotas tells it; not enforced
    console_delay: float = 1.0  # running -> the console has the host keys, at the first boot
    ssm_delay: float = 0.5  # running -> the agent of Systems Manager takes commands
    ssm_late: float = 0.1  # how long a new command is unknown to GetCommandInvocation
    ssm_pending: float = 0.2  # until the agent begins with a command
    pending_start_fails: float = 1.0  # StartInstances of a pending instance: an error or a no-op

    def change(self, values: dict[str, float]) -> None:
        known = {field.name for field in fields(self)}
        unknown = set(values) - known
        if unknown:
            raise ValueError(f"no such setting: {', '.join(sorted(unknown))}")
        for name, value in values.items():
            setattr(self, name, float(value))

    def as_dict(self) -> dict[str, float]:
        return asdict(self)
