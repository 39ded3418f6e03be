"""Machines: an sshd for every running instance.

Each has an address of its own in 127.0.0.0/8, a folder with its host keys and
its home, and its own init (machine_init.py). The host keys and the home are
the machine's disk: they stay when it stops.
"""

from __future__ import annotations

import os
import pwd
import random
import shlex
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

_CONFIG = """\
ListenAddress {address}
Port {port}
{host_keys}
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
UsePAM no
PidFile none
LogLevel VERBOSE
Subsystem sftp {sftp}
ForceCommand {folder}/bin/login
SetEnv {environment}
"""

# Every machine has a home of its own, which sshd would not go to by itself.
_LOGIN = """\
#!/bin/sh
cd "$HOME" || exit 1
if [ -n "$SSH_ORIGINAL_COMMAND" ]; then exec "$SHELL" -c "$SSH_ORIGINAL_COMMAND"; fi
exec "$SHELL" -l
"""

# The login user can do as a real image's can: anything, and without a password.
_SUDO = """\
#!/bin/sh
while [ "${1#-}" != "$1" ]; do
    case $1 in
    --) shift; break ;;
    -u | -g) shift 2 ;;
    -H) HOME=${0%/bin/sudo}/home; export HOME; shift ;;
    *) shift ;;
    esac
done
exec "$@"
"""

# What asks for the machine's uptime so is told its own; all else in /proc is that of the computer
# beneath. {booted} has the time of the boot.
_CUT = """\
#!/bin/sh
case " $* " in
*" /proc/uptime "*) read -r booted <{booted} && exec echo $(($(date +%s) - booted)) ;;
esac
exec {cut} "$@"
"""

# systemd's, as far as it can be told from inside: the first word that is no option is the time, a
# minute where there is none; the rest is for those who are logged in.
_SHUTDOWN = """\
#!{python} -I
import json, ssl, sys, urllib.request
order = {{"instance": "{instance}", "do": "shutdown", "minutes": 1}}
options = [word for word in sys.argv[1:] if word.startswith("-")]
times = [word for word in sys.argv[1:] if not word.startswith("-")]
if "-r" in options:
    sys.exit("shutdown: the test cloud's machines cannot reboot")
if "-c" in options:
    order["do"] = "cancel-shutdown"
elif times and times[0] == "now":
    order["minutes"] = 0
elif times and times[0].removeprefix("+").isdigit():
    order["minutes"] = int(times[0].removeprefix("+"))
elif times:
    sys.exit("Failed to parse time specification: " + times[0])
if order.get("minutes") and order["do"] == "shutdown":
    minutes = order["minutes"]
    print(f"Shutdown scheduled in {{minutes}} min, use 'shutdown -c' to cancel.", file=sys.stderr)
request = urllib.request.Request("{endpoint}/_cloud/machine", json.dumps(order).encode())
urllib.request.urlopen(request, context=ssl._create_unverified_context())
"""


class Silence:
    """A port at which nothing is ever answered: its queue is short, full, and never emptied."""

    def __init__(self, address: str, port: int):
        self._sockets = [socket.socket()]
        listener = self._sockets[0]
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(0)
        for _ in range(2):  # a queue of none has room for one; the next is not answered
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex((address, port))
            self._sockets.append(filler)

    def end(self) -> None:
        for each in self._sockets:
            # With a reset: nothing lingers at the port, which sshd wants next.
            each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            each.close()


class Machines:
    def __init__(self, folder: Path, user: str, port: int):
        self.folder = folder
        self.user = user
        self.endpoint = ""  # known once the server listens
        self._base = f"127.{random.randint(1, 254)}.{random.randint(0, 255)}"
        self._next = 0
        self.port = port or self._free_port()
        self._inits: dict[str, subprocess.Popen[bytes]] = {}
        self._hushed: dict[str, Silence] = {}
        self._sshd = _find("sshd")
        self._sftp = _find("sftp-server")
        folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)

    def _free_port(self) -> int:
        """A port below those that the kernel gives to clients."""
        while True:
            port = random.randint(12000, 32000)
            with socket.socket() as probe:
                try:
                    probe.bind((f"{self._base}.1", port))
                    return port
                except OSError:
                    continue

    def new_address(self) -> str:
        """Another one at each boot, as with EC2."""
        self._next = self._next % 254 + 1
        return f"{self._base}.{self._next}"

    def hush(self, instance: Any) -> None:
        """Let its address answer nothing until sshd does: EC2's network is up before it is."""
        self._hushed[instance.id] = Silence(instance.machine_address, self.port)

    def _unhush(self, instance_id: str) -> None:
        silence = self._hushed.pop(instance_id, None)
        if silence:
            silence.end()

    def start(self, instance: Any) -> None:
        self._unhush(instance.id)
        folder = self.folder / instance.id
        if not folder.exists():
            self._install(instance, folder)
        self._write_config(instance, folder)
        _write(folder / "booted", b"%d\n" % time.time(), 0o644)
        command = [self._sshd, "-D", "-e", "-f", str(folder / "sshd_config")]
        init = Path(__file__).with_name("machine_init.py")
        self._inits[instance.id] = subprocess.Popen(
            [sys.executable, "-I", "-S", str(init), str(folder / "sshd.log"), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def stop(self, instance_id: str) -> None:
        """Switch a machine off. All of it ends within some milliseconds."""
        self._unhush(instance_id)
        init = self._inits.pop(instance_id, None)
        if init:
            init.stdin.close()  # type: ignore[union-attr]
            threading.Thread(target=init.wait, daemon=True).start()

    def order(self, instance_id: str, order: str) -> None:
        init = self._inits.get(instance_id)
        if not init or not init.stdin:
            raise ValueError(f"{instance_id} is not running")
        init.stdin.write(order.encode() + b"\n")
        init.stdin.flush()

    def close(self) -> None:
        inits = list(self._inits.values())
        for instance_id in list(self._inits):
            self.stop(instance_id)
        for init in inits:
            init.wait()

    def _install(self, instance: Any, folder: Path) -> None:
        """A machine's disk, at its first boot."""
        for name in ("bin", "home", "tmp"):
            (folder / name).mkdir(parents=True)
        _write_pair(folder / "ssh_host_ed25519_key", ed25519.Ed25519PrivateKey.generate())
        _write_pair(folder / "ssh_host_ecdsa_key", ec.generate_private_key(ec.SECP256R1()))
        _write_pair(folder / "ssh_host_rsa_key", rsa_key())
        _write(folder / "authorized_keys", instance.authorized_key.strip().encode() + b"\n", 0o644)
        shutdown = _SHUTDOWN.format(
            python=sys.executable, instance=instance.id, endpoint=self.endpoint
        )
        for name, script in (
            ("login", _LOGIN),
            ("sudo", _SUDO),
            ("cut", _CUT.format(booted=shlex.quote(str(folder / "booted")), cut=_find("cut"))),
            ("shutdown", shutdown),
            ("poweroff", shutdown.replace('"minutes": 1', '"minutes": 0')),
        ):
            _write(folder / "bin" / name, script.encode(), 0o755)
        for name in ("home", "tmp"):
            self.give(folder / name)

    def give(self, folder: Path) -> None:
        """Let a folder be the login user's."""
        if os.geteuid() == 0:
            owner = pwd.getpwnam(self.user)
            os.chown(folder, owner.pw_uid, owner.pw_gid)

    def environment(self, instance: Any) -> dict[str, str]:
        folder = self.folder / instance.id
        return {
            "AWS_REGION": instance.region_name,
            "AWSQ_INSTANCE_ID": instance.id,
            "HOME": str(folder / "home"),
            "TMPDIR": str(folder / "tmp"),
            "PATH": f"{folder / 'bin'}:{os.environ.get('PATH', os.defpath)}",
        }

    def _write_config(self, instance: Any, folder: Path) -> None:
        keys = sorted(folder.glob("ssh_host_*_key"))
        environment = self.environment(instance)
        config = _CONFIG.format(
            address=instance.machine_address,
            port=self.port,
            folder=folder,
            host_keys="\n".join(f"HostKey {key}" for key in keys),
            sftp=self._sftp,
            environment=" ".join(f'"{name}={value}"' for name, value in environment.items()),
        )
        _write(folder / "sshd_config", config.encode(), 0o644)


def _find(program: str) -> str:
    places = "/usr/sbin:/sbin:/usr/local/sbin:/usr/lib/openssh:/usr/libexec:/usr/libexec/openssh"
    found = shutil.which(program) or shutil.which(program, path=places)
    if not found:
        raise SystemExit(f"the test cloud needs {shlex.quote(program)} (Debian: openssh-server)")
    return found


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    """One for all machines, as it takes long to make; their other keys are their own."""
    return rsa.generate_private_key(65537, 2048)


def _write_pair(path: Path, key: Any) -> None:
    private = key.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.OpenSSH, ser.NoEncryption())
    public = key.public_key().public_bytes(ser.Encoding.OpenSSH, ser.PublicFormat.OpenSSH)
    _write(path, private, 0o600)
    _write(path.with_suffix(".pub"), public + b"\n", 0o644)


def _write(path: Path, data: bytes, mode: int) -> None:
    path.write_bytes(data)
    path.chmod(mode)
