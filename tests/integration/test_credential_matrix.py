"""A matrix of situations in which credentials are looked for: ours beside botocore's.

Both are started in the same environment, each with files and a server of its own. They have to
find the same keys, or to fail in the same way; and to ask the servers the same questions.
"""

from __future__ import annotations

import concurrent.futures
import itertools
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fleet import BUILD
from matrix import in_cloud, roles, services, sso, static, web
from matrix.case import Case, Moment, prepare
from matrix.site import Site, Town

from cloud.client import Cloud

HERE = Path(__file__).resolve().parent
DRIVER = BUILD / "unit" / "drive_credentials"
CASES: list[Case] = [
    case for part in (static, roles, web, services, sso) for case in part.CASES
]
AT_ONCE = 8
EPARSE = -4  # err.h

_LAST = "nothing comes after it, and the list of what was tried says it"
_OLD = "a file of tools that are long gone"

# What we do differently on purpose: what we find, and why.
DIFFERENT: dict[str, tuple[str, str]] = {
    "profile: AWS_PROFILE is empty": (
        "AKIAFILE",
        "an empty variable is no variable, whichever it is; there, it is a profile without a name",
    ),
    "profile: default, of no file": ("none", "who names what is used anyway makes no mistake"),
    "env: a line break in a key": ("refused", "it would begin a header of its own"),
    "file: an empty key": ("none", "an empty key is none; there, requests are signed with it"),
    "file: an empty token of the older name": ("ASIAF", "an empty setting is none"),
    "file: a folder instead": ("refused", "what cannot be read may hold what is meant"),
    "file: a comment in Latin-1": ("AKIAL", "what is not looked at need not be UTF-8"),
    "instance: version 1 is off": ("none", _LAST),
    "instance: version 1 is off in the profile": ("none", _LAST),
    "instance: a proxy": ("ASIAV2IMDS", "it could not reach the address of this very machine"),
    "web: a token with blanks at its ends": ("?", "a line break at its end is an editor's"),
    "legacy: AWS_CREDENTIAL_FILE": ("none", _OLD),
    "legacy: ~/.boto": ("none", _OLD),
    "form: a byte order mark": ("AKIAB", "editors of Windows leave one, and nobody sees it"),
}


@dataclass
class Run:
    """A case on one side."""

    case: Case
    site: Site
    env: dict[str, str]
    answer: dict[str, Any] = field(default_factory=dict)

    @property
    def outcome(self) -> str:
        return self.answer["key" if "key" in self.answer else "kind"]


def kind_of(answer: dict[str, Any]) -> str:
    """Our codes and texts as the kinds of failures that the cases speak of."""
    if answer["text"].startswith("no credentials found"):
        return "none"
    if answer["code"] == EPARSE and "line " in answer["text"]:
        return "file"
    return "profile" if answer["text"].startswith("there is no profile") else "refused"


def ask_ours(run: Run) -> None:
    argv = [str(DRIVER)] + ([run.case.profile] if run.case.profile else [])
    done = subprocess.run(argv, env=run.env, capture_output=True, text=True, timeout=200)
    if done.returncode != 0:
        run.answer = {"kind": f"exit status {done.returncode}", "text": done.stderr}
        return
    run.answer = json.loads(done.stdout)
    if "code" in run.answer:
        run.answer["kind"] = kind_of(run.answer)


def ask_botocore(runs: list[Run], library: Path) -> None:
    situations = [{"env": run.env, "profile": run.case.profile} for run in runs]
    env = {"PATH": os.environ["PATH"], "LD_PRELOAD": str(library)}
    done = subprocess.run(
        [sys.executable, str(HERE / "matrix/by_botocore.py")],
        input=json.dumps(situations),
        env=env,
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr
    for run, answer in zip(runs, json.loads(done.stdout), strict=True):
        run.answer = answer


def build_loopback(folder: Path) -> Path:
    """loopback.c as a library; see there."""
    library = folder / "loopback.so"
    command = [os.environ.get("CC", "cc"), "-std=c17", "-D_POSIX_C_SOURCE=200809L", "-O1"]
    command += ["-I", str(HERE.parents[1] / "libawsq"), "-shared", "-fPIC", "-o", str(library)]
    subprocess.run([*command, str(HERE / "matrix/loopback.c")], check=True)
    return library


def compare(ours: Run, theirs: Run) -> list[str]:
    """What is wrong with a case, in words."""
    case, wrong = ours.case, []
    want = DIFFERENT[case.name][0] if case.name in DIFFERENT else case.want
    for who, run, wanted in (("ours", ours, want), ("botocore", theirs, case.want)):
        found = "?" if wanted == "?" and "key" in run.answer else run.outcome
        if found != wanted:
            wrong.append(f"{who} is {found}, not {wanted}: {run.answer.get('text', '')}")
    if "text" in ours.answer and not re.search(case.says, ours.answer["text"], re.DOTALL):
        wrong.append(f"ours says {ours.answer['text']!r}, and nothing of {case.says!r}")
    if "error" in theirs.answer and not re.search(case.theirs, theirs.answer["error"]):
        wrong.append(f"botocore's error is {theirs.answer['error']}: {theirs.answer['text']}")
    if case.name in DIFFERENT:
        return wrong
    if "key" in ours.answer and "key" in theirs.answer:
        wrong += compare_keys(case, ours.answer, theirs.answer)
    left, left_there = tokens_left(ours), tokens_left(theirs)
    if left != left_there:
        wrong.append(f"ours left {left}, botocore {left_there}")
    asked, asked_there = questions(ours.site), questions(theirs.site)
    if asked != asked_there:
        wrong.append(f"ours asked {asked}, botocore {asked_there}")
    return wrong


def questions(site: Site) -> list[Any]:
    """What was asked, and each in a row once: how often depends on how busy the machine is, and
    botocore asks again at once for keys that live for minutes."""
    return [one for one, _ in itertools.groupby(site.log)]


def tokens_left(run: Run) -> dict[str, Any]:
    """The tokens of single sign-on that others find afterwards, without the moment of each."""
    left = {}
    for path in Path(run.env["HOME"]).glob(".aws/sso/cache/*"):
        try:
            left[path.name] = json.loads(path.read_text())
        except ValueError:
            left[path.name] = path.read_text()
        if "expiresAt" in left[path.name] and left[path.name]["accessToken"].startswith("ASIA"):
            del left[path.name]["expiresAt"]
            assert path.stat().st_mode & 0o777 == 0o600, path
    return left


def compare_keys(case: Case, ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    wrong = [
        f"{part}: ours is {ours.get(part)}, botocore's {theirs.get(part)}"
        for part in ("key", "secret", "token")
        if (ours.get(part) or None) != (theirs.get(part) or None)
    ]
    if abs(ours["expires"] - theirs["expires"]) > case.slack:
        wrong.append(f"expires: ours {ours['expires']}, botocore's {theirs['expires']}")
    if case.token is not None and theirs["token"] != case.token:
        wrong.append(f"token: {theirs['token']}, not {case.token}")
    return wrong


def prepared(side: str, folder: Path, moment: Moment, cases: list[Case]) -> list[Run]:
    runs = []
    for number, case in enumerate(cases):
        site = Site(case.site, moment.now)
        env = prepare(case, folder / side / str(number), site.port, moment)
        runs.append(Run(case, site, env))
    return runs


def chosen() -> list[Case]:
    """All of them, or those whose name has $MATRIX_ONLY in it."""
    return [case for case in CASES if os.environ.get("MATRIX_ONLY", "") in case.name]


def ask_both(tmp_path: Path, cases: list[Case]) -> tuple[list[Run], list[Run]]:
    if not DRIVER.exists():
        pytest.fail(f"{DRIVER} is missing: 'make integration' builds it")
    library, moment = build_loopback(tmp_path), Moment()
    ours = prepared("ours", tmp_path, moment, cases)
    theirs = prepared("botocore", tmp_path, moment, cases)
    for run in ours:
        run.env |= {"LD_PRELOAD": str(library)}
        # What is loaded before it is not the sanitizers' own library, and does not have to be.
        asan = run.env.get("ASAN_OPTIONS", "")
        run.env["ASAN_OPTIONS"] = ":".join(filter(None, (asan, "verify_asan_link_order=0")))
    with Town([run.site for run in ours + theirs]):
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE + 1) as pool:
            asked = [pool.submit(ask_botocore, theirs, library)]
            asked += [pool.submit(ask_ours, run) for run in ours]
            for one in asked:
                one.result()
    return ours, theirs


def test_the_matrix(tmp_path: Path) -> None:
    ours, theirs = ask_both(tmp_path, chosen())
    wrong = {run.case.name: compare(run, other) for run, other in zip(ours, theirs)}
    lines = [f"{name}: {text}" for name, texts in wrong.items() for text in texts]
    if lines:
        pytest.fail("\n".join(lines), pytrace=False)


def test_against_the_cloud(cloud: Cloud, tmp_path: Path) -> None:
    """It gives out other keys each time, verifies what is signed with them, and tells whose they
    are."""
    cases = in_cloud.cases(cloud)
    for run, other in zip(*ask_both(tmp_path, cases)):
        said = [re.sub(r"(botocore-session|awsq)-\d+", "made up", r.answer.get("arn", "none"))
                for r in (run, other)]  # fmt: skip
        assert said == [run.case.want] * 2, (run.case.name, run.answer, other.answer)
        if run.case.want == "none":
            assert re.search(run.case.says, run.answer["aws_code"] + run.answer["text"]), run.answer
            assert re.search(run.case.says, other.answer["text"]), other.answer


def test_it_has_enough_situations() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 60
    assert set(DIFFERENT) <= {case.name for case in CASES}
    # An outcome of every kind.
    assert {"none", "profile", "file", "refused", "?"} <= {case.want for case in CASES}
