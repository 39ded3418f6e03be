"""The first process of a machine: its init.

Started by machines.py with a machine's folder and the sshd to run. Everything
that runs on the machine descends from this process, or comes back to it when
its own parent ends (it is a child subreaper), so that switching the machine
off can leave nothing behind. Orders come on standard input, one a line; its
end means that the cloud is gone, and is an order to switch off.

Standard library only, and little of that: one of these starts for every
running instance.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys

_PR_SET_CHILD_SUBREAPER = 36


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


class Machine:
    def __init__(self, command: list[str], log: str):
        self.command = command
        self.log = log
        self.sshd: subprocess.Popen[bytes] | None = None

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
        else:
            return False
        return True


def main() -> int:
    log, *command = sys.argv[1:]
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
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
