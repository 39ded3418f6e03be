"""The files that people write, broken in thousands of ways: each is read, or refused with its name
and line, and never is memory touched that is not there.

The reader has the sanitizers built in. What it makes of the AWS files is compared with botocore's
own parser. The files are the same on every machine: a failure says which number it was.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import botocore.configloader
import botocore.exceptions
import pytest
from fleet import BUILD

READER = BUILD / "asan" / "read_files"
TOP = Path(__file__).resolve().parents[2]
EACH = 1000
PROFILES = ("default", "work")
KEYS = ("aws_access_key_id", "aws_secret_access_key", "region", "output")
EPARSE, EINVAL = "-4", "-2"

REGIONS = """# The whole of it.
fleet = {
  name = "NAVO"; image = "NAVO-*"; home = "us-west-2";
  instance_type = [ "t3.micro", "t3a.micro" ];
  key = "/k/NAVO.pem"; role = "navo-role"; max_uptime = "2h";
  count = 2; host_key = "console"; keep_images = 3; encrypt = true;
  log_max = "1M"; keep_logs = 30;
};
job = {
  user = "ec2-user"; port = 22; command = "cd x && ./run \\"a\\" 'b'";
  timeout = "30m"; connect_timeout = "90s"; retries = 2; retry_on = [ 1, 75 ];
  retry_backoff = "10s"; env = { LEVEL = "debug"; N = "1"; };
  retrieve = [ "results/*.csv" ]; overlap = "queue"; max_wait = "5m";
  ping_url = "https://hc-ping.com/your-uuid"; before = "/bin/true";
};
regions = [ "us-west-2", "us-east-1", "sa-east-1" ]; // in this order
accounts = ( { name = "prod"; role_arn = "arn:aws:iam::123456789012:role/r";
               external_id = "e/1"; } );
/* where it differs */
override = {
  sa-east-1 = { instance_type = [ "t3.micro" ]; vpc = "main"; count = 1; };
};
"""
CONFIG = """# mine
[default]
region = us-west-2
output=json
s3 =
    max = 10
    style = path

[profile work]
aws_access_key_id = AKIAWORK
aws_secret_access_key = a/b+c=
  ; a comment
region: eu-west-3

[services one]
ec2 =
  endpoint_url = http://127.0.0.1:9
[sso-session corp]
sso_region = us-east-1
"""
CREDENTIALS = """[default]
aws_access_key_id = AKIADEFAULT
aws_secret_access_key = secret/of+it=
aws_session_token = a
 b
 c

[work]
AWS_ACCESS_KEY_ID : AKIAWORK
aws_secret_access_key : x
region =
"""
SEEDS = {
    "regions": [REGIONS, (TOP / "regions.cfg").read_text()],
    "config": [CONFIG, CREDENTIALS.replace("[work]", "[profile work]")],
    "credentials": [CREDENTIALS, CONFIG.replace("[profile work]", "[work]")],
}
PIECES = {
    "regions": ["{", "}", "(", ")", "[", "]", ";", ",", "=", ":", '"', "\\", "\\x", "#", "/*", "*/",
                "//", "@include \"/etc/passwd\"", "true", "-1", "1e999", "0x7fffffffffffffff",
                "99999999999999999999", "1L", "fleet = { };", "accounts = ( { name = \"a\"; } );",
                "name = \"\";", "\"\"", "[ ]", "( )", "\"us-east-1\"", "\"2h\"", "\"-2h\""],
    "config": ["[", "]", "[default]", "[profile ]", "[profile work]", "[profile 'a b']", "[work]",
               "=", ":", "#", ";", " ", "\t", "\r", "\n ", "region", "s3 =\n x", "=\n", "a=b",
               "[services s]\nec2 =\n  endpoint_url = x", "aws_access_key_id = "],
}  # fmt: skip
PIECES["credentials"] = PIECES["config"]
ANY = [b"\0", b"\xff", b"\xc3\xa9", b"\xef\xbb\xbf", b"\n", b"\r\n", b"\x0b", b"\x1c", b"\x7f"]


def mutated(kind: str, chance: random.Random) -> bytes:
    text = chance.choice(SEEDS[kind]).encode()
    for _ in range(chance.choice((1, 1, 2, 3, 5))):
        text = change(text, kind, chance)
    return text


def change(text: bytes, kind: str, chance: random.Random) -> bytes:
    at = chance.randrange(len(text) + 1)
    to = min(len(text), at + chance.choice((1, 1, 2, 5, 20, 200)))
    lines = text.splitlines(keepends=True) or [b""]
    match chance.randrange(8):
        case 0:
            return text[:at] + text[to:]
        case 1:
            return text[:to] + text[at:]
        case 2:
            return text[:at] + chance.choice(PIECES[kind]).encode() + text[at:]
        case 3:
            return text[:at] + chance.choice(PIECES[kind]).encode() + text[to:]
        case 4:
            return text[:at] + chance.choice(ANY) + text[at:]
        case 5:
            return text[:at] + bytes([chance.randrange(256)]) + text[at + 1 :]
        case 6:
            return text[:at]
        case _:
            chance.shuffle(lines)
            return b"".join(lines)


@dataclass
class Reading:
    code: str
    message: str
    values: list[str | None]


class Output:
    def __init__(self, data: bytes):
        self._data, self._at = data, 0

    def field(self) -> str | None:
        end = self._data.index(b" ", self._at)
        length = int(self._data[self._at : end])
        value = self._data[end + 1 : end + 1 + max(length, 0)].decode(errors="surrogateescape")
        self._at = end + 2 + max(length, 0)
        return None if length < 0 else value

    def reading(self, values: int) -> Reading:
        code, message = self.field() or "", self.field() or ""
        return Reading(code, message, [self.field() for _ in range(values)])


def read_all(kind: str, paths: list[Path]) -> list[Reading]:
    """What the reader makes of them. What the settings of AWS files come to is checked here."""
    if not READER.exists():
        pytest.fail(f"{READER} is missing: 'make integration' builds it")
    lines = "".join(f"{kind} {path}\n" for path in paths)
    # libconfig's reader does not free the string that it is within when it gives up.
    known = paths[0].with_name("known")
    known.write_text("leak:libconfig.so\n")
    env = {
        "PATH": os.environ["PATH"],
        "HOME": "/home/nobody",
        "ASAN_OPTIONS": "detect_leaks=1",
        "LSAN_OPTIONS": f"print_suppressions=0:suppressions={known}",
    }
    done = subprocess.run([READER], input=lines.encode(), capture_output=True, env=env, timeout=600)
    assert done.returncode == 0 and not done.stderr, done.stderr.decode()[:4000]
    output, found = Output(done.stdout), []
    for _ in paths:
        found.append(output.reading(0 if kind == "regions" else len(PROFILES) * (len(KEYS) + 2)))
        if kind != "regions":
            settings = output.reading(0)
            assert settings.code == found[-1].code or settings.code == EINVAL, settings
    return found


def written(kind: str, folder: Path) -> list[Path]:
    chance = random.Random(f"{kind} 5")
    paths = []
    for number in range(EACH):
        paths.append(folder / f"{kind}-{number}")
        paths[-1].write_bytes(mutated(kind, chance))
    return paths


@pytest.mark.parametrize("kind", SEEDS)
def test_what_they_were_is_read(kind: str, tmp_path: Path) -> None:
    paths = [tmp_path / f"{kind}-{number}" for number, _ in enumerate(SEEDS[kind])]
    for path, text in zip(paths, SEEDS[kind]):
        path.write_text(text)
    assert [found.code for found in read_all(kind, paths)] == ["0"] * len(paths)


def test_regions_cfg(tmp_path: Path) -> None:
    paths = written("regions", tmp_path)
    outcomes = dict.fromkeys(("read", "line", "whole"), 0)
    for path, found in zip(paths, read_all("regions", paths)):
        if found.code == "0":
            outcomes["read"] += 1
            continue
        assert found.code in (EPARSE, EINVAL), (path.name, found)
        place = re.match(rf"{re.escape(str(path))}:(?:(\d+):)? \S", found.message)
        assert place, (path.name, found)
        if place[1]:
            # A file that ends too early is wrong on the line behind its last.
            assert 1 <= int(place[1]) <= path.read_bytes().count(b"\n") + 2, (path.name, found)
            outcomes["line"] += 1
        else:
            # Of what is not there, there is no line.
            assert found.code == EINVAL and "missing" in found.message, (path.name, found)
            outcomes["whole"] += 1
    assert outcomes["read"] > 50 and outcomes["line"] > 500, outcomes


def botocore_reads(kind: str, path: Path) -> list[str | None] | None:
    """The same values as the reader's; None when it refuses the file."""
    try:
        sections = botocore.configloader.raw_config_parse(str(path))
    except (botocore.exceptions.ConfigParseError, ValueError):
        return None
    if kind == "config":
        sections = botocore.configloader.build_profile_map(sections)["profiles"]
    values: list[str | None] = []
    for name in PROFILES:
        section = sections.get(name, {})
        values.append("there" if name in sections else None)
        values += ["" if isinstance(v, dict) else v for v in map(section.get, KEYS)]
        nested = section.get("s3")
        values.append(nested.get("max") if isinstance(nested, dict) else None)
    return values


def is_read_differently(text: bytes) -> bool:
    """Where we are more lenient than Python's parser, or bytes mean something else to it."""
    try:
        text.decode()
    except UnicodeDecodeError:
        return True
    # There, [profiles work] is the profile of that name, too.
    if re.search(rb"\[[ \t]*profile[^ \t\]]", text):
        return True
    blanks = rb"[\0\x0b\x0c\x1c-\x1f\x85\xa0]|\r(?!\n)"
    return bool(re.search(rb"\[DEFAULT\]|^\xef\xbb\xbf|" + blanks, text))


@pytest.mark.parametrize("kind", ["config", "credentials"])
def test_aws_files(kind: str, tmp_path: Path) -> None:
    paths = written(kind, tmp_path)
    compared = {"read": 0, "refused": 0}
    for path, found in zip(paths, read_all(kind, paths)):
        text = path.read_bytes()
        if found.code != "0":
            assert found.code == EPARSE, (path.name, found)
            place = re.match(rf"'{re.escape(str(path))}': line (\d+): \S", found.message)
            assert place, (path.name, found)
            lines = len(re.findall(rb"[\r\n]", text)) + 1
            assert 1 <= int(place[1]) <= lines, (path.name, found)
        if is_read_differently(text):
            continue
        theirs = botocore_reads(kind, path)
        assert (found.code == "0") == (theirs is not None), (path.name, found, theirs)
        if theirs is not None:
            assert found.values == theirs, (path.name, found, theirs)
        compared["read" if theirs is not None else "refused"] += 1
    assert min(compared.values()) > 100 and sum(compared.values()) > EACH * 0.6, compared
