"""Who logs in, and to whom: keys that ssh-agent holds, and hosts that are known, new, or others.

By the drive_job executable against OpenSSH's sshd with its default algorithms; test_host_keys.py
has what the tools make of it.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ssh_server import Driver, Server, made_once

EINVAL = -2
FIRST, CONSOLE, STRICT = range(3)  # enum ssh_trust

# Each plain, and again with a passphrase in the same form.
KEYS = {
    "rsa.pem": ["-t", "rsa", "-b", "2048", "-m", "PEM"],
    "rsa-pkcs8": ["-t", "rsa", "-b", "2048", "-m", "PKCS8"],
    "rsa-openssh": ["-t", "rsa", "-b", "3072"],
    "ed25519": ["-t", "ed25519"],
    "p256.pem": ["-t", "ecdsa", "-b", "256", "-m", "PEM"],
    "p384-pkcs8": ["-t", "ecdsa", "-b", "384", "-m", "PKCS8"],
    "p521": ["-t", "ecdsa", "-b", "521"],
}
SECRET = "a passphrase"


def keygen(*args: str | Path) -> None:
    subprocess.run(["ssh-keygen", "-q", *map(str, args)], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Their folder: as they are, as "locked-" with a passphrase, and host keys."""
    return made_once(tmp_path_factory, "keys-of-identity", make_keys)


def make_keys(folder: Path) -> None:
    for name, how in KEYS.items():
        keygen(*how, "-N", "", "-f", folder / name)
        for end in "", ".pub":
            shutil.copy(folder / (name + end), folder / f"locked-{name}{end}")
        form = how[how.index("-m") :] if "-m" in how else []
        keygen("-p", "-P", "", "-N", SECRET, *form, "-f", folder / f"locked-{name}")
    for kind in "ed25519", "ecdsa", "rsa":
        keygen("-t", kind, "-N", "", "-f", folder / f"host-{kind}")
    keygen("-t", "ed25519", "-N", "", "-f", folder / "host-other")


@pytest.fixture(scope="module")
def server(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    host_keys = [keys / f"host-{kind}" for kind in ("ed25519", "ecdsa", "rsa")]
    s = Server(tmp_path_factory.mktemp("sshd"), host_keys)
    s.authorized.write_text("".join((keys / f"{name}.pub").read_text() for name in KEYS))
    try:
        yield s.start()
    finally:
        s.stop()


@pytest.fixture
def driver(tmp_path: Path, keys: Path, server: Server) -> Driver:
    return Driver(tmp_path, keys, server)


class Agent:
    def __init__(self, folder: Path):
        self.path = folder / "agent"
        self.process = subprocess.Popen(
            ["ssh-agent", "-D", "-a", self.path], stdout=subprocess.DEVNULL
        )
        self.env = {"SSH_AUTH_SOCK": str(self.path)}
        unreachable = 2
        while self._list() == unreachable:
            time.sleep(0.01)

    def _list(self) -> int:
        out = subprocess.DEVNULL
        env = {**os.environ, **self.env}
        return subprocess.run(["ssh-add", "-l"], env=env, stdout=out, stderr=out).returncode

    def add(self, key: Path, *options: str, secret: str | None = None) -> None:
        """As a person would, who types the passphrase."""
        env = {**os.environ, **self.env}
        if secret is not None:
            ask = self.path.with_name("ask")
            ask.write_text(f"#!/bin/sh\necho '{secret}'\n")
            ask.chmod(0o700)
            env |= {"SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force"}
        subprocess.run(["ssh-add", "-q", *options, key], env=env, check=True,
                       stdin=subprocess.DEVNULL)  # fmt: skip

    def close(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        self.process.wait()


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    one = Agent(tmp_path)
    yield one
    one.close()


# Keys


@pytest.mark.parametrize("key", KEYS)
def test_a_plain_key(driver: Driver, key: str) -> None:
    r = driver.run("echo in", key=key, env={"SSH_AUTH_SOCK": "/nowhere"})
    assert (r.status, r.out) == (0, b"in\n"), r.err


@pytest.mark.parametrize("key", KEYS)
def test_a_key_with_a_passphrase_that_the_agent_holds(
    driver: Driver, keys: Path, agent: Agent, key: str
) -> None:
    agent.add(keys / f"locked-{key}", secret=SECRET)
    r = driver.run("echo in", key=f"locked-{key}", env=agent.env)
    assert (r.status, r.out) == (0, b"in\n"), r.err


@pytest.mark.parametrize("key", ["rsa.pem", "ed25519", "p256.pem"])
def test_a_public_half_alone(driver: Driver, keys: Path, agent: Agent, key: str) -> None:
    agent.add(keys / key)
    shutil.copy(keys / f"{key}.pub", agent.path.with_name("alone.pub"))
    for name in "alone", "alone.pub":
        r = driver.run("echo in", key=agent.path.with_name(name), env=agent.env)
        assert (r.status, r.out) == (0, b"in\n"), r.err


def test_several_connections_at_once(driver: Driver, keys: Path, agent: Agent) -> None:
    agent.add(keys / "rsa.pem")
    jobs = [driver.start("echo in", key="locked-rsa.pem", env=agent.env, connect=20,
                         host_id=f"i-{n}") for n in range(8)]  # fmt: skip
    assert [driver.finish(job).out for job in jobs] == [b"in\n"] * 8


def test_no_agent(driver: Driver) -> None:
    r = driver.run("true", key="locked-ed25519", env={"SSH_AUTH_SOCK": ""})
    assert (r.status, r.rc) == (125, EINVAL)
    assert "it has a passphrase, and there is no ssh-agent" in r.message
    assert f"run ssh-add '{driver.keys / 'locked-ed25519'}'" in r.message
    r = driver.run("true", key="locked-ed25519", env={"SSH_AUTH_SOCK": "/nowhere"})
    assert "the ssh-agent at '/nowhere' cannot be reached: No such file" in r.message


def test_an_agent_that_has_other_keys(driver: Driver, keys: Path, agent: Agent) -> None:
    agent.add(keys / "p521")
    r = driver.run("true", key="locked-ed25519", env=agent.env)
    assert (r.status, r.rc) == (125, EINVAL)
    assert f"the ssh-agent at '{agent.path}'" in r.message and "ssh-add" in r.message


def test_an_agent_that_hangs(driver: Driver, keys: Path, agent: Agent) -> None:
    agent.add(keys / "ed25519")
    agent.process.send_signal(signal.SIGSTOP)
    before = time.monotonic()
    r = driver.run("true", key="locked-ed25519", env=agent.env, connect=3)
    assert r.status == 125 and "does not answer" in r.message
    assert time.monotonic() - before < 30


class FakeAgent:
    """Answers each request, whatever it is, with the same bytes, and hangs up; or, without any, not
    at all."""

    def __init__(self, path: Path, answer: bytes | None):
        self.asked = threading.Event()
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(path))
        self.socket.listen()
        self.answer = answer
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                client = self.socket.accept()[0]
            except OSError:
                return
            with client:
                client.recv(65536)
                self.asked.set()
                if self.answer is None:
                    client.recv(1)  # until it has gone
                else:
                    client.sendall(self.answer)


def test_cancelling_while_the_agent_hangs(driver: Driver, tmp_path: Path) -> None:
    fake = FakeAgent(tmp_path / "fake", None)
    env = {"SSH_AUTH_SOCK": str(tmp_path / "fake")}
    process = driver.start("true", key="locked-ed25519", env=env, connect=100)
    assert fake.asked.wait(60)
    process.terminate()
    before = time.monotonic()
    r = driver.finish(process)
    fake.socket.close()
    assert (r.status, r.canceled) == (125, 1)
    assert time.monotonic() - before < 50


def message(kind: int, body: bytes = b"") -> bytes:
    return struct.pack(">IB", 1 + len(body), kind) + body


def text(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


SIGNED_WITH_SHA1 = message(14, text(text(b"ssh-rsa") + text(b"x" * 256)))


@pytest.mark.parametrize(("answer", "words"), [
    (b"", "hung up"),
    (b"\0\0", "hung up"),
    (b"\0\0\0\0\5", "is not an ssh-agent"),
    (b"\xff\xff\xff\xff\5", "is not an ssh-agent"),
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", "is not an ssh-agent"),
    (message(99), "is not an ssh-agent"),
    (message(14), "is not an ssh-agent"),
    (message(14, b"\0\0\0\xff"), "is not an ssh-agent"),
    (message(5), "refuses"),
    (SIGNED_WITH_SHA1, "cannot sign by rsa-sha2-512"),
])  # fmt: skip
def test_agents_of_no_use(driver: Driver, tmp_path: Path, answer: bytes, words: str) -> None:
    fake = FakeAgent(tmp_path / "fake", answer)
    env = {"SSH_AUTH_SOCK": str(tmp_path / "fake")}
    r = driver.run("true", key="locked-rsa.pem", env=env)
    fake.socket.close()
    assert (r.status, r.rc) == (125, EINVAL)
    assert words in r.message


def test_a_signature_that_is_wrong(driver: Driver, tmp_path: Path) -> None:
    """Then it is sshd that refuses."""
    answer = message(14, text(text(b"ssh-ed25519") + text(b"x" * 64)))
    fake = FakeAgent(tmp_path / "fake", answer)
    r = driver.run("true", key="locked-ed25519", env={"SSH_AUTH_SOCK": str(tmp_path / "fake")},
                   connect=20)  # fmt: skip
    fake.socket.close()
    assert r.status == 125 and "does not let" in r.message


# Hosts


def public(keys: Path, kind: str) -> str:
    return (keys / f"host-{kind}.pub").read_text().rsplit(" ", 1)[0]


def fingerprint(keys: Path, kind: str) -> str:
    command = ["ssh-keygen", "-lf", keys / f"host-{kind}.pub"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[1]


def test_a_stranger_is_refused_when_told_so(driver: Driver, keys: Path) -> None:
    for trust, words in (STRICT, 'host_key is "strict"'), (CONSOLE, "from its console"):
        r = driver.run("echo in", env={"AWSQ_TRUST": str(trust)}, key="ed25519")
        assert (r.status, r.rc, r.out) == (125, EINVAL, b"")
        assert words in r.message and fingerprint(keys, "ed25519") in r.message
        assert not driver.known_hosts.exists()


def test_the_way_that_the_message_names_leads_in(driver: Driver, server: Server) -> None:
    """A line as ssh-keyscan has it, with the instance's id as the host's name."""
    scan = ["ssh-keyscan", "-p", str(server.port), "127.0.0.1"]
    lines = subprocess.run(scan, check=True, capture_output=True, text=True).stdout
    lines = lines.replace(f"[127.0.0.1]:{server.port}", "i-1")
    driver.known_hosts.write_text(lines)
    r = driver.run("echo in", env={"AWSQ_TRUST": str(STRICT)}, key="ed25519")
    assert (r.status, r.out) == (0, b"in\n"), r.err
    assert driver.known_hosts.read_text() == lines


@pytest.mark.parametrize("trust", [FIRST, CONSOLE, STRICT])
def test_a_changed_key_is_refused_and_explained(
    driver: Driver, keys: Path, trust: int
) -> None:
    kept = f"i-9 {public(keys, 'ed25519')}\ni-1 {public(keys, 'other')}\n"
    driver.known_hosts.write_text(kept)
    r = driver.run("echo in", env={"AWSQ_TRUST": str(trust)}, key="ed25519")
    assert (r.status, r.rc, r.out) == (125, EINVAL, b"")
    assert f"it shows ssh-ed25519 {fingerprint(keys, 'ed25519')}" in r.message
    assert f"line 2 of '{driver.known_hosts}' has ssh-ed25519" in r.message
    assert fingerprint(keys, "other") in r.message
    assert "another machine may be answering in its place" in r.message
    assert f"ssh-keygen -R 'i-1' -f '{driver.known_hosts}'" in r.message
    assert driver.known_hosts.read_text() == kept


def test_one_of_several_keys_on_record_is_enough(driver: Driver, keys: Path) -> None:
    """Of the types on record the host is asked for one, though it has another that we like more."""
    kept = "".join(f"i-1 {public(keys, kind)}\n" for kind in ("rsa", "ecdsa"))
    driver.known_hosts.write_text(kept)
    r = driver.run("echo in", env={"AWSQ_TRUST": str(STRICT)}, key="ed25519")
    assert (r.status, r.out) == (0, b"in\n"), r.err
    assert driver.known_hosts.read_text() == kept
