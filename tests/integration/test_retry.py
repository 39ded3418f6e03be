"""The judge of retries against botocore's standard mode.

Every code and status that botocore has an opinion on is put to both, and so are long series of
failures and successes, for what is left in the bucket. Where we differ, a row of DIFFERENCES says
why, and README.md says the same.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import botocore
import botocore.session
import pytest
from botocore import exceptions
from botocore.retries import quota, special, standard

BUILD = Path(os.environ.get("AWSQ_BUILD", "build"))
README = Path(__file__).resolve().parents[2] / "README.md"

SESSION = botocore.session.get_session()
MODELS = {
    name: SESSION.get_service_model(name)
    for name in ["ec2", "iam", "sts", "ssm", "kms", "service-quotas", "sso", "sso-oidc"]
}
OPERATION = MODELS["sts"].operation_model("AssumeRoleWithWebIdentity")

THROTTLES = standard.ThrottledRetryableChecker._THROTTLED_ERROR_CODES
TRANSIENT = standard.TransientRetryableChecker._TRANSIENT_ERROR_CODES
SKEW = [
    "AuthFailure", "InvalidSignatureException", "RequestExpired", "RequestInTheFuture",
    "RequestTimeTooSkewed", "SignatureDoesNotMatch",
]
CAPACITY = [
    "InsufficientAddressCapacity", "InsufficientCapacity", "InsufficientCapacityOnHost",
    "InsufficientHostCapacity", "InsufficientInstanceCapacity",
    "InsufficientReservedInstanceCapacity", "InsufficientVolumeCapacity",
    "ReservationCapacityExceeded", "Unsupported",
]
URL = "https://ec2.us-east-1.amazonaws.com"
# What a transport can end with, as botocore has it and as we do: kind, and if nothing was sent.
RAISED = {
    exceptions.EndpointConnectionError(endpoint_url=URL, error="x"): ("net", True),
    exceptions.ProxyConnectionError(proxy_url=URL, error="x"): ("net", True),
    exceptions.ConnectionClosedError(endpoint_url=URL, error="x"): ("net", False),
    exceptions.ResponseStreamingError(error="x"): ("net", False),
    exceptions.HTTPClientError(error="x"): ("net", False),
    exceptions.ConnectTimeoutError(endpoint_url=URL, error="x"): ("timeout", True),
    exceptions.ReadTimeoutError(endpoint_url=URL, error="x"): ("timeout", False),
    exceptions.SSLError(endpoint_url=URL, error="x"): ("tls", False),
    exceptions.InvalidProxiesConfigError(error="x"): ("invalid", False),
}


@dataclass(frozen=True)
class Failure:
    """An attempt that failed. Kind "service" has a status and maybe a code; others, raised."""

    kind: str = "service"
    status: int = 0
    code: str | None = None
    raised: Exception | None = field(default=None, compare=False)
    nothing_sent: bool = False
    repeatable: bool = True
    skew_ms: int = 0
    number: int = 1
    max_attempts: int = 3
    chance: float = 0.5

    def line(self) -> str:
        return (
            f"fail {self.number} {self.max_attempts} {self.chance} {self.repeatable:d} "
            f"{self.nothing_sent:d} {self.skew_ms} {self.kind} {self.status} {self.code or '-'}"
        )


@dataclass(frozen=True)
class Difference:
    """Where ours is meant to be another: of botocore's verdict, it makes ours."""

    readme: str  # what README.md says of it
    applies: Callable[[Failure, str], bool]
    verdict: str


DIFFERENCES = [
    Difference(
        "Errors of capacity are answers and never retried",
        lambda f, theirs: f.code in CAPACITY and theirs == "retry", "no",
    ),
    Difference(
        "a refused signature is tried once more, by the server's time",
        lambda f, theirs: f.code in SKEW and abs(f.skew_ms) >= 240_000
        and f.number < f.max_attempts, "skew",
    ),
    Difference(
        "A call that may not be repeated is tried again only when it is certain that nothing was "
        "carried out",
        lambda f, theirs: not f.repeatable and not f.nothing_sent and f.code not in THROTTLES
        and theirs == "retry", "no",
    ),
    Difference(
        "a certificate that is not trusted is final",
        lambda f, theirs: f.kind == "tls" and theirs == "retry", "no",
    ),
    Difference(
        "an answer that cannot be read is asked for again",
        lambda f, theirs: f.kind == "malformed" and f.repeatable and f.number < f.max_attempts,
        "retry",
    ),
]  # fmt: skip


class Botocore:
    """The standard mode as one of botocore's clients has it."""

    def __init__(self, tokens: int = 500) -> None:
        self.quota = quota.RetryQuota()
        self.quota.acquire(500 - tokens)
        self.checker = standard.RetryQuotaChecker(self.quota)
        self.context: dict = {}
        self.chance = 0.0
        self.adapter = standard.RetryEventAdapter()
        self.backoff = standard.ExponentialBackoff(random=lambda: self.chance)

    def judge(self, f: Failure) -> tuple[str, int]:
        if f.kind == "malformed":  # its parser raises past the judge
            return "no", 0
        response = None
        if f.raised is None:
            parsed = {"Error": {"Code": f.code}} if f.code else {"Error": {}}
            response = (SimpleNamespace(status_code=f.status, headers={}), parsed)
        self.chance = f.chance
        policy = standard.RetryPolicy(
            standard.StandardRetryConditions(max_attempts=f.max_attempts), self.backoff
        )
        delay = standard.RetryHandler(policy, self.adapter, self.checker).needs_retry(
            response=response, attempts=f.number, operation=OPERATION,
            caught_exception=f.raised, request_dict={"context": self.context},
        )  # fmt: skip
        return ("no", 0) if delay is None else ("retry", int(delay * 1000))

    def success(self) -> None:
        self.checker.release_retry_quota(self.context, SimpleNamespace(status_code=200))


def ask(lines: list[str]) -> list[list[str]]:
    path = BUILD / "unit" / "drive_retry"
    if not path.exists():
        pytest.fail(f"{path} is missing: 'make integration' builds it")
    text = "".join(f"{line}\n" for line in lines)
    done = subprocess.run([path], input=text, capture_output=True, text=True, check=True)
    answers = [line.split() for line in done.stdout.splitlines()]
    assert len(answers) == len(lines)
    return answers


def expected(f: Failure, used: set[str]) -> tuple[str, int]:
    """What ours is to say, and what it is to take out of a full bucket."""
    judge = Botocore()
    verdict, delay = judge.judge(f)
    cost = 500 - judge.quota.available_capacity
    for difference in DIFFERENCES:
        if difference.applies(f, verdict):
            used.add(difference.readme)
            verdict = difference.verdict
            cost = {"no": 0, "skew": 5, "retry": 5}[verdict]
            break
    return verdict, cost


def check(failures: list[Failure]) -> set[str]:
    """Puts each failure, as a call's first, to both; the differences that were met."""
    used: set[str] = set()
    answers = ask([line for f in failures for line in ("bucket 500", "call", f.line())])[2::3]
    for f, (verdict, _, tokens) in zip(failures, answers):
        assert (verdict, 500 - int(tokens)) == expected(f, used), f
    return used


def codes_of_models() -> set[str]:
    """What the services we call say themselves that they answer."""
    codes = set()
    for model in MODELS.values():
        for shape in model.error_shapes:
            codes.add(shape.metadata.get("error", {}).get("code") or shape.name)
    return codes


def codes_in(tree: object) -> Iterator[str]:
    """The codes of the legacy mode's file, whatever mode and service they are for."""
    for key, value in tree.items() if isinstance(tree, dict) else ():
        if key == "service_error_code":
            yield value
        yield from codes_in(value)


def variants(codes: list[str | None], statuses: list[int]) -> list[Failure]:
    hour = 3_600_000
    return [
        Failure(status=status, code=code, repeatable=repeatable, skew_ms=skew)
        for code, status, repeatable in itertools.product(codes, statuses, [True, False])
        for skew in ([0, -hour] if code in SKEW else [-hour])
    ]


def test_every_code_with_every_status() -> None:
    legacy = json.loads((Path(botocore.__file__).parent / "data/_retry.json").read_text())
    codes = {*THROTTLES, *TRANSIENT, *SKEW, *CAPACITY, *codes_in(legacy), "IDPCommunicationError"}
    assert len(codes) > 30 and special.RetryIDPCommunicationError._SERVICE_NAME == "sts"
    used = check(variants([None, *sorted(codes)], list(range(300, 600))))
    assert used == {difference.readme for difference in DIFFERENCES[:3]}


def test_every_error_that_a_service_names() -> None:
    codes = codes_of_models()
    assert len(codes) > 200
    statuses = [400, 401, 403, 404, 409, 412, 413, 429, 500, 502, 503, 504, 509]
    check(variants(sorted(codes), statuses))
    # A model may say itself that an error is to be retried. None of these does.
    for model in MODELS.values():
        for shape in model.error_shapes:
            assert shape.metadata.get("retryable") is None, shape.name


def test_everything_that_a_transport_ends_with() -> None:
    failures = [
        Failure(kind=kind, raised=raised, nothing_sent=nothing_sent, repeatable=repeatable)
        for raised, (kind, nothing_sent) in RAISED.items()
        for repeatable in (True, False)
    ]
    failures += [Failure(kind="malformed", status=200, repeatable=r) for r in (True, False)]
    used = check(failures)
    assert used == {difference.readme for difference in DIFFERENCES[2:]}


def test_attempts_and_delays() -> None:
    failures = [
        Failure(status=503, number=number, max_attempts=most, chance=chance, repeatable=True)
        for most in (1, 2, 3, 5, 10, 1000)
        for number in (1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 31, 64, 999, 1000)
        for chance in (0.0, 0.001, 0.25, 0.5, 0.999999)
    ]
    assert standard.DEFAULT_MAX_ATTEMPTS == Failure().max_attempts == 3
    answers = ask([line for f in failures for line in ("bucket 500", "call", f.line())])[2::3]
    for f, (verdict, delay, _) in zip(failures, answers):
        assert (verdict, int(delay)) == Botocore().judge(f), f


def calls(seed: int) -> Iterator[Failure | str]:
    """Calls as they might follow each other, some of which fail for good."""
    dice = random.Random(seed)
    raised = [(e, *how) for e, how in RAISED.items() if how[0] in ("net", "timeout")]
    trouble = 0.2
    for _ in range(400):
        if dice.random() < 0.02:
            trouble = dice.choice([0.05, 0.3, 0.8])
        yield "call"
        most = dice.choice([1, 3, 3, 3, 8])
        for number in range(1, most + 2):
            if dice.random() > trouble:
                yield "success"
                break
            f = Failure(number=number, max_attempts=most, chance=round(dice.random(), 6))
            if dice.random() < 0.5:
                error, kind, nothing_sent = dice.choice(raised)
                yield replace(f, kind=kind, raised=error, nothing_sent=nothing_sent)
            else:
                status = dice.choice([400, 500, 502, 503, 504])
                yield replace(f, status=status, code=dice.choice([None, *THROTTLES, *TRANSIENT]))


@pytest.mark.parametrize("seed", range(5))
def test_the_bucket(seed: int) -> None:
    """Both go through the same calls. A call ends where it is given up, the same place in both."""
    theirs, lines, wanted = Botocore(tokens=60), ["bucket 60"], [["60"]]
    given_up, empty = False, 0
    for event in calls(seed):
        if event == "call":
            theirs.context, given_up = {}, False
        elif given_up:
            continue
        if isinstance(event, Failure):
            before = theirs.quota.available_capacity
            verdict, delay = theirs.judge(event)
            given_up = verdict == "no"
            empty += given_up and before < 10 and event.number < event.max_attempts
            answer = [verdict, str(delay), str(theirs.quota.available_capacity)]
        else:
            if event == "success":
                theirs.success()
            answer = [str(theirs.quota.available_capacity)]
        lines.append(event.line() if isinstance(event, Failure) else event)
        wanted.append(answer)
    assert ask(lines) == wanted
    assert len(lines) > 500 and empty > 0  # it did run dry


def test_the_differences_are_in_the_readme() -> None:
    text = re.sub(r"\s+", " ", README.read_text())
    for difference in DIFFERENCES:
        assert difference.readme in text, difference.readme
