"""Jobs over SSH, by the drive_job executable, against real sshd with its default algorithms."""

import hashlib
import os
import signal
import socket
import subprocess
import time

import pytest
from gate import Gate
from ssh_server import (  # noqa: F401, some are fixtures
    KEYS, driver, free_port, keys, own_server, running, server, token, wait_until)

ENET, ETIMEDOUT, ECREDENTIALS, EINVAL, ESERVICE = -6, -7, -10, -2, -9

# ---- Keys


@pytest.mark.parametrize("key", [*KEYS, "ed25519-pkcs8"])
def test_every_kind_of_key_is_let_in(driver, key):
    r = driver.run("echo in; echo aside >&2", key=key)
    assert (r.status, r.out) == (0, b"in\n"), r.err
    assert b"aside\n" in r.err


def test_a_key_that_others_can_read_is_not_used(driver, keys, tmp_path):
    open_key = tmp_path / "open"
    open_key.write_bytes((keys / "rsa-pem").read_bytes())
    open_key.chmod(0o644)
    r = driver.run("true", key=open_key)
    assert r.status == 2 and "chmod 600" in r.message


def test_a_refused_key_is_final_after_a_few_attempts(driver, own_server):
    s = own_server().start()
    before = time.monotonic()
    r = driver.run("true", port=s.port, connect=60)
    assert (r.status, r.rc) == (125, ECREDENTIALS)
    assert "does not let" in r.message
    assert 0.9 < time.monotonic() - before < 40  # it did not try for as long as it might
    assert not driver.known_hosts.exists() or driver.known_hosts.read_text() == ""


def test_a_key_that_cloud_init_writes_late_is_waited_for(driver, own_server, keys):
    s = own_server().start()
    process = driver.start("echo in", port=s.port)
    time.sleep(0.5)
    s.authorized.write_text((keys / "ed25519-openssh.pub").read_text())
    r = driver.finish(process)
    assert (r.status, r.out) == (0, b"in\n"), r.err


# ---- Connecting


def test_an_instance_that_boots_is_waited_for(driver, own_server, keys):
    s = own_server()
    s.authorized.write_text((keys / "ed25519-openssh.pub").read_text())
    process = driver.start("echo in", port=s.port, connect=60)
    time.sleep(1.2)
    s.start()
    r = driver.finish(process)
    assert (r.status, r.out) == (0, b"in\n"), r.err


def test_nothing_there(driver):
    r = driver.run("true", port=free_port(), connect=1)
    assert (r.status, r.rc, r.started) == (125, ENET, 0)
    assert "refused" in r.message


def test_a_port_that_says_nothing(driver):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = s.getsockname()[1]
        r = driver.run("true", port=port, connect=1)
        assert (r.status, r.rc) == (125, ETIMEDOUT)
        assert driver.run("?", port=port, timeout=0.5).status == -ETIMEDOUT


def test_whether_the_port_answers(driver):
    assert driver.run("?", timeout=30).status == 0
    assert driver.run("?", port=free_port(), timeout=2).status == -ENET


def test_canceled_while_connecting(driver):
    process = driver.start("true", port=free_port(), connect=200)
    while b"trying again" not in process.stderr.readline():
        pass
    process.terminate()
    before = time.monotonic()
    r = driver.finish(process)
    assert (r.status, r.canceled, r.started) == (125, 1, 0)
    assert time.monotonic() - before < 100


# ---- Known hosts


def public(keys, kind):
    return (keys / f"host-{kind}.pub").read_text().rsplit(" ", 1)[0]


def test_the_first_key_is_kept_and_the_second_refused(driver, own_server, keys):
    assert driver.run("true").status == 0
    kept = driver.known_hosts.read_text()
    assert kept == f"i-1 {public(keys, 'ed25519')}\n"
    assert driver.known_hosts.stat().st_mode & 0o777 == 0o600
    assert driver.run("true").status == 0

    s = own_server(host_keys=["ecdsa"]).start()
    s.authorized.write_text((keys / "ed25519-openssh.pub").read_text())
    r = driver.run("true", port=s.port)
    assert (r.status, r.rc) == (125, EINVAL)
    assert f"line 1 of '{driver.known_hosts}'" in r.message and "ssh-keygen -R 'i-1'" in r.message
    assert driver.known_hosts.read_text() == kept
    assert driver.run("true", port=s.port, host_id="i-2").status == 0
    subprocess.run(["ssh-keygen", "-R", "i-1", "-f", driver.known_hosts], check=True,
                   capture_output=True)
    assert driver.run("true", port=s.port).status == 0


def test_a_key_of_another_type_than_the_favourite(driver, keys):
    driver.known_hosts.write_text(f"i-1 {public(keys, 'ecdsa')} a comment\n")
    assert driver.run("true").status == 0
    assert driver.known_hosts.read_text().count("\n") == 1


def test_lines_that_are_garbage_lose_nothing(driver, keys):
    garbage = (b"\x00\xff garbage\n\n# remark\ni-1\ni-1 ssh-ed25519\ni-1 ssh-ed25519 %%%%\n"
               b"i-1 ssh-rsa AAAA\n|1|abc=|def= ssh-ed25519 AAAA\n@cert-authority * ssh-rsa A\n"
               + b"x" * 100000 + b"\ni-9," + f"i-1 {public(keys, 'ed25519')}\n".encode()
               + b"a last line without its end")
    driver.known_hosts.write_bytes(garbage)
    assert driver.run("true").status == 0
    assert driver.known_hosts.read_bytes() == garbage
    assert driver.run("true", host_id="i-2").status == 0
    assert driver.known_hosts.read_bytes() == (
        garbage + f"\ni-2 {public(keys, 'ed25519')}\n".encode())


def test_a_revoked_key_is_refused(driver, keys):
    driver.known_hosts.write_text(f"@revoked i-1 {public(keys, 'ed25519')}\n")
    r = driver.run("true")
    assert (r.status, r.rc) == (125, EINVAL) and "revoked" in r.message


def test_eight_at_once_keep_one_line_for_each_instance(driver):
    processes = [driver.start("true", host_id=f"i-{n % 4}", connect=20) for n in range(8)]
    assert [driver.finish(p).status for p in processes] == [0] * 8
    lines = driver.known_hosts.read_text().splitlines()
    assert sorted(line.split()[0] for line in lines) == ["i-0", "i-1", "i-2", "i-3"]


# ---- Output


def test_output_arrives_as_it_is_written(driver, tmp_path):
    gates = [Gate(tmp_path / str(i)) for i in range(3)]
    process = driver.start(f"echo 1; {gates[0]}; echo 2; {gates[1]}; echo 3; {gates[2]}")
    for i, gate in enumerate(gates):
        assert process.stdout.readline() == b"%d\n" % (i + 1)
        gate.open()
    assert driver.finish(process).status == 0


def test_a_hundred_megabytes_on_both_streams(driver, tmp_path):
    data = [os.urandom(100_000_000), os.urandom(100_000_000)]
    for name, content in zip("ab", data):
        (tmp_path / name).write_bytes(content)
    r = driver.run(f"cd {tmp_path}; cat a & cat b >&2; wait")
    assert r.status == 0
    assert (int(r.said["out"]), int(r.said["err"])) == (len(data[0]), len(data[1]))
    # Around it stand the driver's own remarks: one line before, one after.
    err = r.err[:r.err.rstrip(b"\n").rindex(b"drive_job: rc=")]
    assert hashlib.sha256(r.out).digest() == hashlib.sha256(data[0]).digest()
    assert hashlib.sha256(err[-len(data[1]):]).digest() == hashlib.sha256(data[1]).digest()


def test_bytes_that_look_like_ours_are_passed_on(driver, tmp_path):
    data = b"awsq-0123456789abcdef\no 5\nt\nend 0 0\nawsq-\ngone\n\0\x1e\xff\r\n"
    (tmp_path / "data").write_bytes(data * 1000)
    r = driver.run(f"cat {tmp_path}/data")
    assert (r.status, r.out) == (0, data * 1000)


def test_what_the_login_shell_prints_first_is_passed_over(driver, own_server, keys):
    s = own_server().start()
    s.authorized.write_text('command="echo noise; printf half; eval \\"$SSH_ORIGINAL_COMMAND\\"" '
                            + (keys / "ed25519-openssh.pub").read_text())
    r = driver.run("echo job; exit 4", port=s.port)
    assert (r.status, r.out) == (4, b"job\n")


def test_a_login_shell_that_does_not_run_it(driver, own_server, keys):
    s = own_server().start()
    s.authorized.write_text('command="echo log in as somebody else; exit 0" '
                            + (keys / "ed25519-openssh.pub").read_text())
    r = driver.run("echo job", port=s.port)
    assert (r.status, r.rc, r.out, r.started) == (125, EINVAL, b"", 0)
    assert "without running" in r.message


@pytest.mark.parametrize("command", [
    "echo 'a  b' \"c'd\" \\\\ $((1+1)) `echo x` \\$HOME; # '",
    "cat <<'END'\nit's $HOME \\ \\n\nEND\nfor i in a b\ndo printf '%s\\n' $i\ndone",
    "printf %s '\x01\t\x1e\xff'",
])
def test_the_command_arrives_as_it_was_given(driver, command):
    local = subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, check=True)
    r = driver.run(command)
    assert (r.status, r.out) == (0, local.stdout)


def test_a_long_command_is_in_no_process_list(driver, token):
    long = "x" * 100000
    process = driver.start(f": {long}; echo on; sleep {token} & wait")
    assert process.stdout.readline() == b"on\n"
    shown = subprocess.run(["ps", "-A", "-ww", "-o", "args="], check=True, capture_output=True)
    assert f"sleep {token}".encode() in shown.stdout
    # The driver itself was given it so.
    assert sum(long.encode() in line and b"drive_job" not in line
               for line in shown.stdout.splitlines()) == 0
    process.terminate()
    assert driver.finish(process).status == 143


def test_stdin_is_empty(driver):
    r = driver.run("cat; echo done")
    assert (r.status, r.out) == (0, b"done\n")


# ---- Endings


@pytest.mark.parametrize("command, status, number", [
    ("true", 0, 0),
    ("exit 7", 7, 0),
    ("exit 255", 255, 0),
    ("no-such-command", 127, 0),
    ("kill -TERM $$", 143, 15),
    ("kill -KILL $$", 137, 9),
    ("kill -INT 0", 130, 2),
    ("exec >&- 2>&-; sleep 0.5; exit 3", 3, 0),
])
def test_the_job_ends_with_its_own_status(driver, command, status, number):
    r = driver.run(command)
    assert (r.rc, r.status, r.signal, r.unknown) == (0, status, number, 0)


@pytest.mark.parametrize("command, ending, status, name", [
    ("true", "1", "0", ""), ("exit 7", "1", "7", ""), ("kill -KILL $$", "2", "0", "KILL"),
])
def test_a_plain_command_ends_with_its_own_status(driver, command, ending, status, name):
    r = driver.run("!" + command)
    assert r.rc == 0
    assert (r.said["ending"], r.said["status"], r.said["signal"]) == (ending, status, name)


@pytest.mark.parametrize("status", [0, 3])
def test_a_job_that_leaves_something_behind_ends_with_it_running(driver, token, status):
    before = time.monotonic()
    r = driver.run(f"echo x; sleep {token} & exit {status}")
    assert (r.status, r.out) == (status, b"x\n")
    assert time.monotonic() - before < 120
    assert running(token)


# timeout(1) makes a process group of its own; the session is the same.
@pytest.mark.parametrize("command", [
    "sleep {0}", "sleep {0} & sleep {0}; true", "timeout 1000 sleep {0}; true",
    "(sleep {0} | sleep {0}) & wait",
])
def test_at_its_timeout_all_of_a_job_is_stopped(driver, token, command):
    r = driver.run(command.format(token), timeout=0.5)
    assert (r.status, r.rc, r.timed_out, r.left_over) == (124, ETIMEDOUT, 1, 0)
    assert 500 <= r.ms < 40000
    assert not running(token)


def test_last_words_are_passed_on(driver, token):
    r = driver.run(f"trap 'echo bye; exit 0' TERM; echo hello; sleep {token} & wait", timeout=3)
    assert (r.status, r.out) == (124, b"hello\nbye\n")


def test_a_job_that_does_not_heed_term_is_killed(driver, token):
    r = driver.run(f"trap '' TERM; sleep {token}; sleep {token}", timeout=3)
    assert (r.status, r.timed_out, r.left_over) == (124, 1, 0)
    assert 7500 < r.ms < 45000
    assert not running(token)


def test_steady_output_does_not_put_the_timeout_off(driver, token):
    with open(os.devnull, "wb") as null:
        process = subprocess.Popen(driver.arguments(f"yes {token}", timeout=1), stdout=null,
                                   stderr=subprocess.PIPE)
        r = driver.finish(process)
    assert (r.status, r.timed_out) == (124, 1)
    assert not running(token)


def test_a_canceled_job_is_stopped(driver, token):
    process = driver.start(f"echo on; sleep {token}; true")
    assert process.stdout.readline() == b"on\n"
    assert wait_until(lambda: running(token))
    process.send_signal(signal.SIGINT)
    r = driver.finish(process)
    assert (r.status, r.canceled, r.signal, r.left_over) == (143, 1, 15, 0)
    assert not running(token)


def test_a_job_whose_output_nobody_takes_is_stopped(driver, token):
    with open("/dev/full", "wb") as full:
        process = subprocess.Popen(driver.arguments(f"echo x; sleep {token}"), stdout=full,
                                   stderr=subprocess.PIPE)
        r = driver.finish(process)
    assert (r.status, r.rc) == (125, -5)
    assert "output could not be passed on" in r.message
    assert not running(token)
