"""GetConsoleOutput: what a machine writes to its serial console as it boots.

At the first boot cloud-init has host keys made, and writes them there in the
form of its helper write-ssh-key-fingerprints, some time (console_delay) after
the instance runs. Later boots say nothing of keys.
"""

from __future__ import annotations

import base64
import hashlib
import time
from pathlib import Path
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.exceptions import EC2ClientError

# EC2 keeps as much, the newest.
_KEPT = 64 * 1024
# Instance types that are not built on Nitro, by the part before the dot.
_NOT_NITRO = ("t1", "t2", "m1", "m2", "m3", "m4", "c1", "c3", "c4", "r3", "r4", "i2", "d2")
_KINDS = {"ssh-rsa": ("2048", "RSA"), "ssh-ed25519": ("256", "ED25519")}

_KERNEL = """\
[    0.000000] Linux version 6.1.0-test (cloud@test) #1 SMP PREEMPT_DYNAMIC\r
[    0.000000] Command line: BOOT_IMAGE=/boot/vmlinuz console=tty0 console=ttyS0,115200n8\r
[    0.412345] ACPI: bus type PCI registered\r
[    2.718281] systemd[1]: Hostname set to <ip-172-31-20-7>.\r
"""
_CLOUD_INIT = """\
[    8.123456] cloud-init[812]: Cloud-init v. 22.4.2 running 'modules:final' at Sun, 22 Nov 2026\r
"""
_FINISHED = """\
[   13.370000] cloud-init[812]: Cloud-init v. 22.4.2 finished at Sun, 22 Nov 2026 05:16:02 +0000\r
"""


class ConsoleResponses:
    """Mixed into moto's responses."""

    def get_console_output(self: Any) -> ActionResult:
        instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
        latest = str(self._get_param("Latest")).lower() == "true"
        if latest and instance.instance_type.partition(".")[0] in _NOT_NITRO:
            text = "This instance type does not support retrieving the latest console logs."
            raise EC2ClientError("UnsupportedOperation", text)
        output = _shown(self.world, instance, latest)[-_KEPT:]
        result = {"InstanceId": instance.id, "Timestamp": utcnow()}
        if output:
            result["Output"] = base64.b64encode(output.encode()).decode()
        return ActionResult(result)


def _shown(world: Any, instance: Any, latest: bool) -> str:
    """The console as it is now; or as it was taken down last, which may be of an earlier boot."""
    boots = world.lives.power.get(instance.id, [])
    folder = world.machines.folder / instance.id
    for number in range(len(boots) - 1, -1, -1):
        since = time.time() - boots[number].get("running_at", time.time())
        complete = since >= world.settings.console_delay
        if latest or complete:
            return _boot(folder, number, complete) if since > 0 else ""
    return ""


def _boot(folder: Path, number: int, complete: bool) -> str:
    if not complete:
        return _KERNEL
    keys = _keys(folder) if number == 0 else ""
    # cloud-init makes the keys before it is done; here that may take as long as sshd does.
    return _KERNEL + _CLOUD_INIT + keys + (_FINISHED if keys or number else "")


def _keys(folder: Path) -> str:
    """Of the keys as they were made, whatever the machine shows by now."""
    lines = [path.read_text().split()[:2] for path in sorted(folder.glob("ssh_host_*_key.pub"))]
    if not lines:
        return ""
    host = "root@ip-172-31-20-7"
    stamp = "<14>Nov 22 05:15:58 cloud-init: "
    text = [stamp + "#" * 61, stamp + "-----BEGIN SSH HOST KEY FINGERPRINTS-----"]
    for kind, blob in lines:
        digest = hashlib.sha256(base64.b64decode(blob)).digest()
        print_ = base64.b64encode(digest).decode().rstrip("=")
        bits, name = _KINDS.get(kind, ("256", "ECDSA"))
        text.append(f"{stamp}{bits} SHA256:{print_} {host} ({name})")
    text += [stamp + "-----END SSH HOST KEY FINGERPRINTS-----", stamp + "#" * 61]
    text.append("-----BEGIN SSH HOST KEY KEYS-----")
    text += [f"{kind} {blob} {host}" for kind, blob in lines]
    text.append("-----END SSH HOST KEY KEYS-----")
    return "\r\n".join(text) + "\r\n"
