"""Jobs whose link breaks, by the drive_job executable: followed to the end, taken up, ended."""

import hashlib
import os
import pathlib
import random
import resource
import signal
import subprocess
import time

import pytest
from gate import Gate
from ssh_server import (  # noqa: F401, some are fixtures
    Driver, ask, children, comm, end, host, job, keys, own_server, running, token, wait_until)

EIO, ENET, ETIMEDOUT, ESERVICE, ENOTFOUND = -5, -6, -7, -9, -12
NEVER, AT_WORK, ENDED, GONE = range(4)

LINES = "i=0; while [ $i -lt {0} ]; do i=$((i+1)); echo line $i; sleep 0.1; done; exit 7"


def lines(count):
    return b"".join(b"line %d\n" % n for n in range(1, count + 1))


def until_told(process, what):
    """Its stderr as far as there."""
    said = b""
    while what not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    return said


def cpu(host):
    """Seconds that sshd, and all that descends from it, have used."""
    ticks = 0
    for pid in [host.process.pid, *children(host.process.pid)]:
        try:
            stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            continue
        ticks += sum(int(n) for n in stat.rpartition(") ")[2].split()[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


# ---- Links that break


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_all_of_the_output_arrives_once_though_the_link_is_cut_three_times(job, host, shell, tmp_path):
    (host.bin / "sh").symlink_to(f"/bin/{shell}")
    gate = Gate(tmp_path / "gate")
    process = job.start(LINES.format(60).replace("exit", f"{gate}; exit"))
    seen = []
    for cut in range(3):
        seen.append(process.stdout.readline())
        time.sleep(1)
        host.drop()
        assert b"event lost" in until_told(process, b"event back")
    gate.open()
    r = job.finish(process)
    assert (r.status, r.rc, r.reconnects) == (7, 0, 3), r.err
    assert b"".join(seen) + r.out == lines(60)
    assert not list(host.runs.glob("*/"))


def test_a_controller_that_is_killed_is_followed_by_another(job, tmp_path):
    gate = Gate(tmp_path / "gate")
    process = job.start(LINES.format(40).replace("exit", f"{gate}; echo line 41; exit"),
                        env={"AWSQ_JOB": "r-1.1"})
    first = b"".join(process.stdout.readline() for _ in range(12))
    process.kill()
    first += process.stdout.read()
    gate.open()
    r = job.run("", env={"AWSQ_JOB": "r-1.1", "AWSQ_DO": "attach",
                         "AWSQ_OFFSET": f"{len(first)} 0"})
    assert first == lines(41)[:len(first)] and len(first) < len(lines(41))
    assert (r.status, r.rc) == (7, 0) and first + r.out == lines(41)


def test_megabytes_arrive_whole_while_the_link_keeps_breaking(job, host, tmp_path):
    data = os.urandom(60_000_000)
    (tmp_path / "data").write_bytes(data)
    # Slow enough to be cut, and in pieces that are no lines.
    process = job.start(f"i=0; while [ $i -lt 30 ]; do tail -c +$((i*2000000+1)) {tmp_path}/data |"
                        " head -c 2000000; sleep 0.1; i=$((i+1)); done")
    received = hashlib.sha256()
    cut_at = [5_000_000, 20_000_000, 30_000_000, 31_000_000, 45_000_000]
    count = 0
    while chunk := process.stdout.read(100_000):
        received.update(chunk)
        count += len(chunk)
        if cut_at and count > cut_at[0]:
            cut_at.pop(0)
            host.drop()
    r = job.finish(process)
    assert (r.status, count) == (0, len(data)) and r.reconnects >= 4
    assert received.digest() == hashlib.sha256(data).digest()


def test_a_link_that_is_dead_but_not_broken_is_noticed(job, host):
    process = job.start("echo one; sleep 3; echo two; exit 4")
    assert process.stdout.readline() == b"one\n"
    before = time.monotonic()
    host.send(signal.SIGSTOP)
    log = until_told(process, b"event lost")
    assert 12 < time.monotonic() - before < 90
    assert b"nothing was heard from" in log
    time.sleep(2)
    host.send(signal.SIGCONT)
    r = job.finish(process)
    assert (r.status, r.rc, r.out, r.reconnects) == (4, 0, b"two\n", 1)


def test_the_timeout_holds_while_the_link_is_dead(job, host, token):
    """Over the connection that does not answer it cannot be stopped: over another one it can."""
    process = job.start(f"echo on; sleep {token}; true", timeout=2)
    assert process.stdout.readline() == b"on\n"
    for pid in host.sessions():
        os.kill(pid, signal.SIGSTOP)
    r = job.finish(process)
    assert (r.status, r.rc, r.timed_out, r.left_over) == (124, ETIMEDOUT, 1, 0)
    assert r.ms < 18000 and not running(token)
    for pid in host.sessions():
        os.kill(pid, signal.SIGCONT)


def test_what_cannot_be_stopped_any_more_is_told(job, host, token):
    process = job.start(f"echo on; sleep {token}; true", timeout=8, env={"AWSQ_JOB": "j.1"})
    assert process.stdout.readline() == b"on\n"
    host.down()
    r = job.finish(process)
    assert (r.status, r.timed_out, r.left_over) == (124, 1, 1)
    assert "could not be stopped" in r.message and running(token)
    host.start()
    assert ask(job, "stop").rc == 0
    assert not running(token)


def test_a_job_that_ended_in_time_while_the_link_was_down_did_not_time_out(job, host, tmp_path):
    gate = Gate(tmp_path / "gate")
    process = job.start(f"echo on; {gate}; echo off; exit 3", timeout=6, env={"AWSQ_JOB": "j.1"})
    assert process.stdout.readline() == b"on\n"
    host.send(signal.SIGSTOP)
    gate.open()
    assert wait_until((host.runs / "j.1" / "status").exists)
    time.sleep(6.5)
    host.send(signal.SIGCONT)
    r = job.finish(process)
    assert (r.status, r.rc, r.timed_out, r.out) == (3, 0, 0, b"off\n")


def test_an_instance_that_is_off_is_waited_for_no_longer(job, host, token, tmp_path):
    (tmp_path / "on").touch()
    process = job.start(f"echo on; sleep {token}; true",
                        env={"AWSQ_STILL_ON": str(tmp_path / "on")})
    assert process.stdout.readline() == b"on\n"
    host.down()
    (tmp_path / "on").unlink()
    before = time.monotonic()
    r = job.finish(process)
    assert (r.status, r.rc, r.unknown) == (125, ENOTFOUND, 1)
    assert "the instance is off" in r.message and "is not known" in r.message
    assert time.monotonic() - before < 60  # otherwise it is ten minutes
    end(running(token))


def test_a_cancellation_during_an_outage_does_not_wait_for_its_end(job, host, token):
    process = job.start(f"echo on; sleep {token}; true")
    assert process.stdout.readline() == b"on\n"
    host.down()
    until_told(process, b"event lost")
    process.terminate()
    before = time.monotonic()
    r = job.finish(process)
    assert (r.status, r.canceled, r.left_over) == (143, 1, 1)
    assert time.monotonic() - before < 40  # where there is a link, it may take 45
    end(running(token))


@pytest.mark.parametrize("command", ["exec sleep {0}", "while echo x; do sleep 1; done"])
def test_following_costs_the_instance_little(job, host, token, command):
    """Less than 1% of a core by hand; what the tests run beside is counted in a little."""
    process = job.start(command.format(token))
    until_told(process, b"event started")
    time.sleep(4)
    before = cpu(host)
    time.sleep(8)
    spent = (cpu(host) - before) / 8
    process.terminate()
    assert job.finish(process).status == 143
    assert 0 < spent < 0.05


# ---- Once, and by whom


def test_a_launch_killed_at_any_moment_starts_the_job_once_or_not_at_all(job, host, tmp_path):
    command = f"echo x >>{tmp_path}/starts; sleep 0.2; echo done " + "#" * 100000
    times = []
    began = time.monotonic()
    process = job.start(command, env={"AWSQ_JOB": "pace"})
    until_told(process, b"event started")
    pace = time.monotonic() - began
    assert job.finish(process).status == 0
    for attempt in range(16):
        (tmp_path / "starts").unlink(missing_ok=True)
        name = {"AWSQ_JOB": f"j.{attempt}"}
        process = job.start(command, env=name)
        time.sleep(random.uniform(0.1, 1.2) * pace)
        process.kill()
        process.wait()
        r = job.run(command, env=name)
        times.append((tmp_path / "starts").read_text())
        assert (r.status, r.out) == (0, b"done\n")
    assert times == ["x\n"] * 16


def test_a_launch_that_arrives_after_the_end_starts_nothing(job, tmp_path):
    """Of a controller that was killed: another has seen the job through by then."""
    command, env = f"echo x >>{tmp_path}/starts", {"AWSQ_JOB": "j.1"}
    assert job.run(command, env=env).status == 0
    late = job.run(command, env=env)
    assert late.rc != 0 and "was started before" in late.message
    assert (tmp_path / "starts").read_text() == "x\n"
    assert ask(job, "probe").state == NEVER


def test_two_that_launch_the_same_job_at_once_start_it_once(job, tmp_path):
    command = f"echo x >>{tmp_path}/starts; sleep 1; echo done; exit 5"
    env = {"AWSQ_JOB": "j.1", "AWSQ_FLAGS": "keep"}
    # The one whose following was taken over keeps reaching for it.
    both = [job.start(command, env=env) for _ in range(2)]
    results = [job.finish(process) for process in both]
    assert (tmp_path / "starts").read_text() == "x\n"
    assert {r.status for r in results} == {5} and {r.out for r in results} == {b"done\n"}
    assert ask(job, "forget").rc == 0


def test_how_a_job_stands(job, host, token):
    assert ask(job, "probe").state == NEVER
    process = job.start(f"echo on; sleep {token} & wait", env={"AWSQ_JOB": "j.1"})
    assert process.stdout.readline() == b"on\n"
    time.sleep(1.2)
    r = ask(job, "probe")
    assert r.state == AT_WORK and 1000 <= r.age <= 60000 and r.uptime > 0
    assert ask(job, "forget").rc == ESERVICE
    end(running(token))
    assert job.finish(process).status == 0
    assert ask(job, "probe").state == NEVER
    job.run("exit 9", env={"AWSQ_JOB": "j.2", "AWSQ_FLAGS": "keep"})
    r = ask(job, "probe", "j.2")
    assert (r.state, r.said["status"]) == (ENDED, "9")
    assert ask(job, "forget", "j.2").rc == 0
    assert ask(job, "probe", "j.2").state == NEVER


def test_a_job_is_stopped_from_outside(job, token):
    process = job.start(f"trap 'echo bye; exit 6' TERM; echo on; sleep {token} & wait",
                        env={"AWSQ_JOB": "j.1"})
    assert process.stdout.readline() == b"on\n"
    assert ask(job, "stop").rc == 0
    assert not running(token)
    r = job.finish(process)
    assert (r.status, r.rc, r.out) == (6, 0, b"bye\n")


def test_a_job_that_was_stopped_before_it_came_does_not_start(job, tmp_path):
    assert ask(job, "stop").rc == 0
    r = job.run(f"touch {tmp_path}/started", env={"AWSQ_JOB": "j.1"})
    assert r.status == 143 and not (tmp_path / "started").exists()


def test_a_job_that_is_not_there_cannot_be_taken_up(job):
    r = job.run("", env={"AWSQ_JOB": "j.1", "AWSQ_DO": "attach"})
    assert (r.status, r.rc, r.started) == (125, ENOTFOUND, 0)
    assert "knows of no job 'j.1'" in r.message


def test_a_job_killed_with_all_around_it_is_not_taken_for_done(job, host, token):
    """As after a restart of the instance: nobody wrote down how it ended."""
    process = job.start(f"echo on; sleep {token}; true", env={"AWSQ_JOB": "j.1"})
    assert process.stdout.readline() == b"on\n"
    end(int(pid) for pid in (host.runs / "j.1" / "pid").read_text().split()[:1])
    r = job.finish(process)
    assert (r.status, r.rc, r.unknown, r.left_over) == (125, ESERVICE, 1, 0)
    assert "is not known" in r.message and not running(token)
    assert ask(job, "probe").state in (ENDED, GONE)


def test_a_job_that_is_slow_to_begin_is_not_taken_for_gone(job, host):
    (host.bin / "mv").write_text('#!/bin/sh\n[ "$1" != pid.new ] || sleep 8\nexec /bin/mv "$@"\n')
    (host.bin / "mv").chmod(0o755)
    r = job.run("echo hello; exit 3")
    assert (r.status, r.rc, r.out) == (3, 0, b"hello\n"), r.message


def test_a_job_of_an_earlier_boot_is_gone_and_nobody_is_killed_for_it(job, host):
    """Its ids belong to others by now."""
    bystander = subprocess.Popen(["sleep", "60"], start_new_session=True)
    folder = host.runs / "j.1"
    folder.mkdir(parents=True)
    for name in "out", "err":
        (folder / name).touch()
    begun = pathlib.Path(f"/proc/{bystander.pid}/stat").read_text().rpartition(") ")[2].split()[19]
    boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    for start, of in (begun, "another-boot"), (int(begun) - 1, boot):
        (folder / "pid").write_text(f"{bystander.pid} {start} {of} 5 {bystander.pid} 1 1\n")
        assert ask(job, "probe").state == GONE
        assert ask(job, "stop").rc == 0
        for made in folder.glob("[ks]*"):
            made.unlink()
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


def test_old_folders_are_removed_by_a_launch(job, host):
    old = time.time() - 8 * 86400
    boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    for name, state, of in (("ended", "status", boot), ("gone", "", "another-boot"),
                            ("works", "", boot), ("young", "status", boot)):
        (host.runs / name).mkdir(parents=True)
        for file in "pid", state:
            if file:
                (host.runs / name / file).write_text(f"1 1 {of} 1 1 1 1\n")
                if name != "young":
                    os.utime(host.runs / name / file, (old, old))
    for name, when in ("old.over", old), ("new.over", time.time()):
        (host.runs / name).touch()
        os.utime(host.runs / name, (when, when))
    assert job.run("sleep 0.5", env={"AWSQ_JOB": "j.1"}).status == 0
    assert sorted(p.name for p in host.runs.glob("*/")) == ["works", "young"]
    assert sorted(p.name for p in host.runs.glob("*.over")) == ["j.1.over", "new.over"]


# ---- What a job meets


def test_a_job_that_writes_to_dev_stderr_loses_nothing(job):
    r = job.run("echo a; echo b >/dev/stdout; echo c; echo 1 >&2; echo 2 >/dev/stderr; echo 3 >&2")
    assert (r.status, r.out) == (0, b"a\nb\nc\n")
    assert b"1\n2\n3\n" in r.err


def test_a_job_has_its_signals_its_umask_and_its_home(job, host):
    r = job.run("trap 'echo caught' INT; kill -INT $$; umask; pwd; cat; python3 -c '"
                "import signal as s; print(s.getsignal(s.SIGINT) is s.default_int_handler, "
                "s.getsignal(s.SIGQUIT) is s.SIG_DFL, s.getsignal(s.SIGTERM) is s.SIG_DFL)'")
    mask = subprocess.run(["sh", "-c", "umask"], check=True, capture_output=True).stdout
    assert r.out == b"caught\n" + mask + bytes(host.home) + b"\nTrue True True\n", r.err


def test_every_byte_may_be_in_a_command(job):
    every = bytes(n for n in range(1, 256) if n not in b"'")
    r = job.run(os.fsdecode(b"printf %s '" + every + b"'"))
    assert (r.status, r.out) == (0, every)


def test_last_words_are_kept_though_the_disk_is_slow(job, host, tmp_path):
    gate = Gate(tmp_path / "gate")
    process = job.start(f"echo on; {gate}; echo last words; echo of it >&2; exit 3")
    assert process.stdout.readline() == b"on\n"
    one, other = [pid for pid in host.processes() if comm(pid) == "cat"]
    for number in (signal.SIGSTOP, signal.SIGCONT):
        os.kill(one, number)
        os.kill(other, number)
        gate.open()
        time.sleep(4 if number == signal.SIGSTOP else 0)
    r = job.finish(process)
    assert (r.status, r.out, r.cut) == (3, b"last words\n", 0) and b"of it\n" in r.err


def test_a_full_disk_ends_neither_the_job_nor_its_end(keys, tmp_path, own_server):
    """A limit on files is as good: what is written past it is lost."""
    s = own_server()
    s.limits = [(resource.RLIMIT_FSIZE, 1 << 20)]
    s.start()
    s.authorized.write_text((keys / "ed25519-openssh.pub").read_text())
    r = Driver(tmp_path, keys, s).run("head -c 3000000 /dev/zero; exit 3")
    assert (r.status, r.rc, r.cut) == (3, 0, 1)
    assert len(r.out) == 1 << 20 and b"disk was full" in r.err


def test_a_home_that_cannot_be_written_is_told(job, host):
    host.home.rmdir()
    host.home.write_text("")
    r = job.run("true")
    assert (r.status, r.rc, r.started) == (125, EIO, 0)
    assert "could not be set up" in r.message


# ---- Watching


@pytest.mark.parametrize("has_ps", [True, False])
def test_the_job_lasts_until_nothing_matches_any_more(job, host, has_ps):
    if not has_ps:
        (host.bin / "ps").write_text("#!/bin/sh\nexit 1\n")
        (host.bin / "ps").chmod(0o755)
    # Another session, as a service would be; the pattern is anchored to the command line.
    r = job.run("setsid sleep 3.0625 >/dev/null 2>&1 </dev/null & echo begun; exit 0",
                env={"AWSQ_WATCH": "^sleep 3\\.06(25|99)$", "AWSQ_GRACE": "5"})
    assert (r.status, r.out) == (0, b"begun\n")
    assert 3000 < r.ms


def test_a_watch_without_a_command_waits_for_the_first_match(job, host):
    process = job.start("", env={"AWSQ_WATCH": "^sleep 6\\.0625", "AWSQ_GRACE": "90"})
    assert wait_until(lambda: list(host.runs.glob("*/pid")))
    time.sleep(2)
    assert process.poll() is None
    before = time.monotonic()
    subprocess.run(["sleep", "6.0625"], check=True)
    r = job.finish(process)
    assert r.status == 0 and 6000 < r.ms
    assert time.monotonic() - before < 80  # it was seen: nothing was waited for to the end


def test_grace_ends_a_watch_that_nothing_matches(job):
    r = job.run("exit 0", env={"AWSQ_WATCH": "^no such process$", "AWSQ_GRACE": "2"})
    assert r.status == 0 and 1000 < r.ms < 45000
    r = job.run("exit 5", env={"AWSQ_WATCH": "^no such process$", "AWSQ_GRACE": "60"})
    assert r.status == 5 and r.ms < 50000


def test_a_watch_is_ended_by_the_timeout(job, token):
    sleeper = subprocess.Popen(["sleep", token])
    r = job.run("", env={"AWSQ_WATCH": token, "AWSQ_GRACE": "5"}, timeout=2)
    assert (r.status, r.timed_out, r.left_over) == (124, 1, 0) and r.ms < 60000
    sleeper.kill()
    sleeper.wait()
