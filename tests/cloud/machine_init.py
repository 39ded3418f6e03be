"""The first process of a machine: its init.

Started by machines.py with a machine's folder and the sshd to run. Everything
that runs on the machine descends from this process, or comes back to it when
its own parent ends (it is a child subreaper), so that switching the machine
off can leave nothing behind. Orders come on standard input, one a line; its
end means that the cloud is gone, and is an order to switch off.

Standard library only, and little of that: one of these starts for every
running instance.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator

_PR_SET_CHILD_SUBREAPER = 36
_PIDFD_GETFD = 438
_SO_ATTACH_FILTER, _SO_DETACH_FILTER = 26, 27
_BACKLOG = 128  # as sshd has it
# A program of BPF: "return 0", which is to keep no byte of any packet.
_DROP_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)

_libc = ctypes.CDLL(None, use_errno=True)


def descendants() -> dict[int, str]:
    """The machine's processes, by id, with their names."""
    parents: dict[int, int] = {}
    names: dict[int, str] = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as stat:
                line = stat.read()
        except OSError:
            continue  # it has just ended
        head, _, tail = line.rpartition(")")
        state, parent = tail.split()[:2]
        if state != "Z":
            parents[int(entry)] = int(parent)
            names[int(entry)] = head.partition("(")[2]
    ours = {os.getpid()}
    size = 0
    while size != len(ours):
        size = len(ours)
        ours |= {pid for pid, parent in parents.items() if parent in ours}
    ours.discard(os.getpid())
    return {pid: names[pid] for pid in ours}


def send(number: int, pids: list[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def begin_script() -> None:
    os.setpgrp()
    # We heed neither, which a child would inherit.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


class Blackhole:
    """The network sockets of processes, which lend us theirs, losing what comes in.

    A filter on a socket works before TCP does: what it drops is never
    acknowledged, and a connection asked for never answered. Some kernels let
    only root have one. There the queue of who wants to connect is made short
    and full, which also leaves the next one without any answer; and what is
    sent to a connection that is open is acknowledged, but goes no further.
    """

    def __init__(self) -> None:
        self._fillers: list[socket.socket] = []

    def open(self, pids: list[int]) -> bool:
        """Whether any of them listens: until then there is nothing to be lost."""
        program = ctypes.create_string_buffer(_DROP_ALL)
        filters = struct.pack("HP", 1, ctypes.addressof(program))
        listens = False
        for sock in _lent(pids):
            listening = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            listens |= bool(listening)
            try:
                sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, filters)
            except PermissionError:
                if listening:
                    self._fill(sock)
        return listens

    def close(self, pids: list[int]) -> None:
        for sock in _lent(pids):
            try:
                sock.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)
            except OSError:  # it has none
                if self._fillers and sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    sock.listen(_BACKLOG)
        for filler in self._fillers:
            filler.close()
        self._fillers = []

    def _fill(self, listener: socket.socket) -> None:
        listener.listen(0)
        for _ in range(_BACKLOG):
            filler = socket.socket(listener.family)
            self._fillers.append(filler)
            filler.settimeout(0.1)
            try:
                filler.connect(listener.getsockname())
            except TimeoutError:
                return


def _lent(pids: list[int]) -> Iterator[socket.socket]:
    """The network sockets of processes, each open here while it is looked at."""
    for pid in pids:
        try:
            fds = os.listdir(f"/proc/{pid}/fd")
            fds = [fd for fd in fds if os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:")]
            handle = os.pidfd_open(pid)
        except OSError:
            continue  # it has just ended
        for fd in fds:
            ours = _libc.syscall(_PIDFD_GETFD, handle, int(fd), 0)
            if ours < 0:
                continue
            with socket.socket(fileno=ours) as sock:
                if sock.family in (socket.AF_INET, socket.AF_INET6):
                    yield sock
        os.close(handle)


class Machine:
    def __init__(self, command: list[str], log: str):
        self.command = command
        self.log = log
        self.sshd: subprocess.Popen[bytes] | None = None
        self.hole = Blackhole()
        self.scripts: dict[str, subprocess.Popen[bytes]] = {}

    def start_sshd(self) -> None:
        with open(self.log, "ab") as log:
            self.sshd = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def sshds(self, listener: bool) -> list[int]:
        """sshd's own processes: all, or all but the one that listens."""
        first = self.sshd.pid if self.sshd else 0
        found = [pid for pid, name in descendants().items() if name.startswith("sshd")]
        return found if listener else [pid for pid in found if pid != first]

    def blackhole(self) -> None:
        """Lose all packets, either way: nothing comes in, and sshd has nothing more to say."""
        while self.sshd and self.sshd.poll() is None:
            pids = self.sshds(listener=True)
            send(signal.SIGSTOP, pids)
            # Once more: one may have been forking as we looked.
            pids = self.sshds(listener=True)
            send(signal.SIGSTOP, pids)
            if self.hole.open(pids):
                return
            send(signal.SIGCONT, pids)
            time.sleep(0.01)  # it does not listen yet

    def end_blackhole(self) -> None:
        pids = self.sshds(listener=True)
        self.hole.close(pids)
        send(signal.SIGCONT, pids)

    def run(self, folder: str) -> None:
        """What an agent was told to: folder/start, in a process group of its own (ssm.py)."""
        owner = os.stat(folder)
        other = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
        self.scripts[folder] = subprocess.Popen(
            ["/bin/sh", f"{folder}/start"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=begin_script,
            **(other if owner.st_uid != os.geteuid() else {}),
        )

    def kill(self, folder: str) -> None:
        script = self.scripts.pop(folder, None)
        try:
            if script:
                os.killpg(script.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def off(self) -> None:
        while True:
            left = list(descendants())
            if not left:
                return self.bury()
            # Until none is left: one may have been forking as we looked.
            send(signal.SIGKILL, left)
            self.reap()

    def bury(self) -> None:
        """Wait for the dead: not every system has an init that would do it for us."""
        try:
            while os.waitpid(-1, 0):
                pass
        except ChildProcessError:
            pass

    def reap(self) -> None:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass

    def obey(self, order: str) -> bool:
        """Carry out one order; False where it was the last."""
        if order == "start-sshd":
            self.start_sshd()
        elif order == "kill-sshd":
            send(signal.SIGKILL, self.sshds(listener=True))
        elif order == "drop-connections":
            send(signal.SIGKILL, self.sshds(listener=False))
        elif order == "freeze-sshd":
            send(signal.SIGSTOP, self.sshds(listener=True))
        elif order == "thaw-sshd":
            send(signal.SIGCONT, self.sshds(listener=True))
        elif order == "blackhole":
            self.blackhole()
        elif order == "end-blackhole":
            self.end_blackhole()
        elif order.startswith("run "):
            self.run(order.partition(" ")[2])
        elif order.startswith("kill "):
            self.kill(order.partition(" ")[2])
        else:
            return False
        return True


def main() -> int:
    log, *command = sys.argv[1:]
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    # The cloud decides when a machine ends, not the terminal it was started from.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    machine = Machine(command, log)
    machine.start_sshd()
    rest = b""
    while True:
        if select.select([0], [], [], 0.5)[0]:
            data = os.read(0, 4096)
            *orders, rest = (rest + data).split(b"\n")
            if not data or not all(machine.obey(order.decode()) for order in orders):
                break
        machine.reap()
    machine.off()
    return 0


if __name__ == "__main__":
    sys.exit(main())
