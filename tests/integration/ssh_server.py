"""A real sshd for a test, and the drive_job executable to run jobs on it; and fixtures of both."""

import base64
import fcntl
import getpass
import os
import pathlib
import random
import re
import resource
import signal
import socket
import subprocess
import time
import uuid

import pytest

KEYS = {
    "rsa-pem": "ssh-keygen -q -t rsa -b 2048 -N '' -m PEM -f {0}",
    "rsa-pkcs8": "ssh-keygen -q -t rsa -b 2048 -N '' -m PKCS8 -f {0}",
    "rsa-openssh": "ssh-keygen -q -t rsa -b 3072 -N '' -f {0}",
    "ed25519-openssh": "ssh-keygen -q -t ed25519 -N '' -f {0}",
    "p256-pem": "ssh-keygen -q -t ecdsa -b 256 -N '' -m PEM -f {0}",
    "p384-pkcs8": "ssh-keygen -q -t ecdsa -b 384 -N '' -m PKCS8 -f {0}",
    "p521-openssh": "ssh-keygen -q -t ecdsa -b 521 -N '' -f {0}",
}

DRIVER = pathlib.Path(os.environ.get("AWSQ_BUILD", "build")).resolve() / "unit" / "drive_job"


def free_port():
    """Below those that the kernel gives to clients: nobody takes it meanwhile by chance."""
    while True:
        port = random.randint(12000, 32000)
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                continue
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def wait_until(what, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = what()
        if result:
            return result
        time.sleep(0.02)
    return what()


def children(pid):
    """The process ids of all descendants of pid."""
    parents = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(errors="replace").rpartition(") ")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, todo = [], [pid]
    while todo:
        new = parents.get(todo.pop(), [])
        found += new
        todo += new
    return found


def running(token):
    """The ids of processes that have token in their arguments."""
    found = []
    for cmdline in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = cmdline.read_bytes().split(b"\0")
        except OSError:
            continue
        if str(token).encode() in words:
            found.append(int(cmdline.parent.name))
    return found


def comm(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().rstrip("\n")
    except OSError:
        return ""


def end(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


# What a job's supervisor may ask for is only written down.
SHUTDOWN = """\
#!/bin/sh
echo "$*" >>{}
"""
SUDO = """\
#!/bin/sh
[ "$1" = -n ] && shift
exec "$@"
"""


class Server:
    """An sshd of our own, in a folder of its own, for the user that the tests run as, who has a
    home of their own there.
    """

    def __init__(self, folder, host_keys, port=None):
        self.folder = folder
        self.port = port or free_port()
        self.authorized = folder / "authorized_keys"
        self.authorized.touch()
        self.config = folder / "sshd_config"
        lines = [f"Port {self.port}", "ListenAddress 127.0.0.1", "PidFile none", "UsePAM no",
                 "StrictModes no", f"AuthorizedKeysFile {self.authorized}"]
        lines += [f"HostKey {key}" for key in host_keys]
        self.home = folder / "home"
        self.bin = folder / "bin"
        self.shutdowns = folder / "shutdowns"
        for made in self.home, self.bin:
            made.mkdir(exist_ok=True)
        for name, script in ("sudo", SUDO), ("shutdown", SHUTDOWN.format(self.shutdowns)):
            (self.bin / name).write_text(script)
            (self.bin / name).chmod(0o755)
        lines.append(f'SetEnv "HOME={self.home}" "PATH={self.bin}:{os.environ["PATH"]}"')
        self.config.write_text("\n".join(lines) + "\n")
        self.limits = []  # of resources, for setrlimit
        self.process = None

    def start(self):
        if os.getuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)
        with open(self.folder / "sshd.log", "ab") as log:
            self.process = subprocess.Popen(
                ["/usr/sbin/sshd", "-D", "-e", "-f", self.config], stdin=subprocess.DEVNULL,
                stderr=log, preexec_fn=self.limit)

        def answers():
            assert self.process.poll() is None, (self.folder / "sshd.log").read_text()
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", self.port)) == 0
        assert wait_until(answers)
        return self

    def limit(self):
        for what, most in self.limits:
            resource.setrlimit(what, (most, most))

    def processes(self):
        """What goes on there outside of sshd, by the home in its environment."""
        home = b"HOME=" + bytes(self.home)
        found = {}
        for environ in pathlib.Path("/proc").glob("[0-9]*/environ"):
            try:
                if home in environ.read_bytes().split(b"\0"):
                    found[int(environ.parent.name)] = comm(environ.parent.name)
            except OSError:
                continue
        return found

    @property
    def runs(self):
        return self.home / ".awsq" / "runs"

    def sessions(self):
        """sshd's own processes, but for the one that listens."""
        return [pid for pid in children(self.process.pid) if comm(pid) == "sshd"]

    def drop(self):
        """Breaks all connections."""
        end(self.sessions())

    def send(self, number):
        """Sends a signal to all of sshd: SIGSTOP is a link that is dead but not broken."""
        for pid in [self.process.pid, *self.sessions()]:
            os.kill(pid, number)

    def down(self):
        """Ends sshd, and nothing else that goes on there."""
        end([*self.sessions(), self.process.pid])
        self.process.wait()
        self.process = None

    def stop(self):
        if self.process:
            self.send(signal.SIGCONT)
            # While sshd is there, it takes notice of the ends of its own.
            end(children(self.process.pid))
            wait_until(lambda: not children(self.process.pid), seconds=1)
            self.process.kill()
            self.process.wait()


class Result:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err
        last = err.rstrip(b"\n").rpartition(b"\n")[2].decode(errors="replace")
        self.said = dict(re.findall(r"(\w+)=(-?\w*)", last.partition("message=")[0]))
        self.message = last.partition("message=")[2]

    def __getattr__(self, name):
        return int(self.said[name])


class Driver:
    def __init__(self, folder, keys, server):
        self.known_hosts = folder / "known_hosts"
        self.keys, self.server = keys, server

    def arguments(self, command, key="ed25519-openssh", timeout=0, host_id="i-1", port=None):
        return [DRIVER, "127.0.0.1", str(port or self.server.port), getpass.getuser(),
                self.keys / key, self.known_hosts, host_id, str(timeout), command]

    def start(self, command, connect=30, env=None, **options):
        return subprocess.Popen(
            self.arguments(command, **options), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, bufsize=0,
            env={**os.environ, "AWSQ_CONNECT_TIMEOUT": str(connect), **(env or {})})

    def finish(self, process):
        try:
            out, err = process.communicate(timeout=300)
        finally:
            process.kill()
        return Result(process.returncode, out, err)

    def run(self, command, **options):
        return self.finish(self.start(command, **options))


# ---- Fixtures, for those who import them


def made_once(tmp_path_factory, name, make):
    """A folder that one of the test processes fills, for all of them: RSA keys take long to make."""
    parallel = "PYTEST_XDIST_WORKER" in os.environ
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if parallel else base) / name
    with open(folder.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            begun = folder.with_suffix(".begun")
            begun.mkdir()
            make(begun)
            begun.rename(folder)
    return folder


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    """The folder with the user keys of KEYS, and host-* of every type."""
    return made_once(tmp_path_factory, "keys-of-users", _make_keys)


def _make_keys(folder):
    for name, command in KEYS.items():
        subprocess.run(command.format(folder / name), shell=True, check=True)
    for kind in "ed25519", "ecdsa", "rsa":
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", folder / f"host-{kind}"],
                       check=True)
    # ssh-keygen has no PKCS#8 for ed25519, and does not read it either.
    pkcs8 = folder / "ed25519-pkcs8"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", pkcs8], check=True)
    pkcs8.chmod(0o600)
    der = subprocess.run(["openssl", "pkey", "-in", pkcs8, "-pubout", "-outform", "DER"],
                         check=True, capture_output=True).stdout
    blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + der[-32:]
    (folder / "ed25519-pkcs8.pub").write_text(
        "ssh-ed25519 " + base64.b64encode(blob).decode() + "\n")


@pytest.fixture(scope="module")
def server(keys, tmp_path_factory):
    """Takes every user key."""
    s = Server(tmp_path_factory.mktemp("sshd"),
               [keys / f"host-{kind}" for kind in ("ed25519", "ecdsa", "rsa")])
    s.authorized.write_text("".join((keys / f"{name}.pub").read_text()
                                    for name in [*KEYS, "ed25519-pkcs8"]))
    try:
        yield s.start()
    finally:
        s.stop()


@pytest.fixture
def own_server(keys, tmp_path):
    """Makes servers that only one test uses, and are not started yet."""
    made = []

    def make(host_keys=("ed25519",), port=None):
        folder = tmp_path / f"sshd{len(made)}"
        folder.mkdir()
        made.append(Server(folder, [keys / f"host-{kind}" for kind in host_keys], port))
        return made[-1]
    yield make
    for s in made:
        s.stop()


@pytest.fixture
def token():
    """A length of sleep that no other process has; whatever still sleeps so is ended."""
    name = f"3600.{uuid.uuid4().int % 10**12:012d}"
    yield name
    end(running(name))


@pytest.fixture
def driver(tmp_path, keys, server):
    return Driver(tmp_path, keys, server)


@pytest.fixture
def host(own_server, keys):
    """A server that only this test has, on which nothing may be left running."""
    s = own_server().start()
    s.authorized.write_text((keys / "ed25519-openssh.pub").read_text())
    yield s
    assert wait_until(lambda: not s.processes(), seconds=4), s.processes()


@pytest.fixture
def job(host, tmp_path, keys):
    """Runs jobs on it; each call is a process of its own."""
    return Driver(tmp_path, keys, host)


def ask(job, what, name="j.1", timeout=0):
    return job.run("", env={"AWSQ_DO": what, "AWSQ_JOB": name}, timeout=timeout)
