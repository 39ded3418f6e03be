"""The signer against botocore's, on requests that hypothesis makes up.

One driver process answers for all of them. The search is derandomized: a failure is the same on
every machine, and hypothesis prints the smallest request it could find.
"""

import datetime
import hashlib
import os
import pathlib
import struct
import subprocess
from unittest import mock

import botocore.auth
import botocore.credentials
import pytest
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BUILD = pathlib.Path(os.environ.get("AWSQ_BUILD", "build"))
EXAMPLES, MANY_EXAMPLES = 300, 2000
S3 = 1


class Driver:
    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def sign(self, flags, now, keys, request):
        fields = [
            flags, now, request["method"], request["path"], request["query"],
            request["region"], request["service"], *keys, request["body"],
            len(request["headers"]),
        ]  # fmt: skip
        for header in request["headers"]:
            fields += header
        out = bytearray()
        for field in fields:
            text = "" if field is None else field
            data = text if isinstance(text, bytes) else str(text).encode()
            out += struct.pack(">I", len(data)) + data
        self.process.stdin.write(out)
        self.process.stdin.flush()
        return [self.read() for _ in range(5)]

    def read(self):
        (length,) = struct.unpack(">I", self.process.stdout.read(4))
        return self.process.stdout.read(length).decode()


@pytest.fixture(scope="module")
def driver():
    path = BUILD / "unit" / "drive_sigv4"
    if not path.exists():
        pytest.fail(f"{path} is missing: 'make integration' builds it")
    it = Driver(path)
    yield it
    it.process.stdin.close()
    assert it.process.wait(timeout=60) == 0


def botocore_signs(flags, now, keys, request):
    """What botocore makes of the request: canonical request, string to sign, Authorization."""
    key_id, secret, token = keys
    url = "https://" + "example.com" + request["path"]
    if request["query"]:
        url += "?" + request["query"]
    aws = AWSRequest(method=request["method"], url=url, data=request["body"])
    aws.headers = HTTPHeaders()
    for name, value in request["headers"]:
        aws.headers[name] = value
    kind = botocore.auth.S3SigV4Auth if flags & S3 else botocore.auth.SigV4Auth
    credentials = botocore.credentials.Credentials(key_id, secret, token)
    signer = kind(credentials, request["service"], request["region"])
    seen = {}

    def keep(name):
        original = getattr(signer, name)

        def wrapper(*args):
            seen[name] = original(*args)
            return seen[name]

        setattr(signer, name, wrapper)

    keep("canonical_request")
    keep("string_to_sign")
    moment = datetime.datetime.fromtimestamp(now, datetime.timezone.utc)
    with mock.patch("botocore.auth.get_current_datetime", return_value=moment):
        signer.add_auth(aws)
    return [seen["canonical_request"], seen["string_to_sign"], aws.headers["Authorization"]]


# No '?' and '#', which end a path; no control characters, which urlsplit() drops.
PATH_ALPHABET = "abcXYZ019-._~%+&=;:@!$'()*, \"<>[]^`{|}\\äß中😀\u00a0"
SEGMENT = st.one_of(
    st.sampled_from(["", ".", "..", "...", "%2e", "%2F", "a%20b", "%", "~", "*", "foo"]),
    st.text(PATH_ALPHABET, max_size=8),
)
PATH = st.lists(SEGMENT, max_size=6).map(lambda segments: "/" + "/".join(segments))

QUERY_ALPHABET = "abAB01-._~%+;:@!$'()*,/?[]ä中"
WORD = st.one_of(
    st.sampled_from(["", "a", "A", "a-", "a1", "Action", "%20", "b"]),
    st.text(QUERY_ALPHABET, max_size=6),
)
PARAMETER = st.one_of(WORD, st.tuples(WORD, st.one_of(WORD, st.just("x=y"))).map("=".join))
QUERY = st.one_of(st.just(""), st.lists(PARAMETER, max_size=6).map("&".join))

# Names in any case, repeated, of every kind that is never signed; values with odd blanks.
NAME = st.sampled_from(
    "Content-Type content-type CONTENT-TYPE X-Amz-Target X-A x-a X-a-b X-Amz-Meta-A Expect "
    "Transfer-Encoding User-Agent X-Amzn-Trace-Id Connection TE Keep-Alive Upgrade Trailer "
    "Proxy-Authorization Accept My_Header1 a z x.y !odd~".split()
)
VALUE = st.text("ab \t\x0b\x0c\x1c\x1f,;=\"'äé中0", max_size=16)
HOST = st.sampled_from(["example.com", "EXAMPLE.com:8443", "ec2.us-east-1.amazonaws.com", "[::1]"])

BODY = st.one_of(
    st.sampled_from([b"", b"Action=ListUsers&Version=2010-05-08", bytes(range(256)), b"x" * 70000]),
    st.binary(max_size=64),
)
PLAIN = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=20)
KEY_ID = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", min_size=1, max_size=20)
SECRET = st.one_of(
    st.just("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
    st.text("abcXYZ019+/=ä%", min_size=1, max_size=200),
)
TOKEN = st.one_of(
    st.none(), st.just(""), st.text("abcXYZ019+/= %", min_size=1), st.just("t/+=" * 3000)
)
# From 1970 to 9999.
NOW = st.one_of(st.just(1440938160), st.integers(0, 253402300799))


@st.composite
def requests(draw):
    headers = draw(st.lists(st.tuples(NAME, VALUE), max_size=6))
    host = (draw(st.sampled_from(["Host", "host", "HOST"])), draw(HOST))
    headers.insert(draw(st.integers(0, len(headers))), host)
    return {
        "method": draw(st.sampled_from(["GET", "POST", "PUT", "HEAD", "DELETE", "get", "Patch"])),
        "path": draw(PATH),
        "query": draw(QUERY),
        "headers": headers,
        "body": draw(BODY),
        "region": draw(st.one_of(st.sampled_from(["us-east-1", "eu-west-3"]), PLAIN)),
        "service": draw(st.one_of(st.sampled_from(["ec2", "iam", "sts"]), PLAIN)),
    }


def compare(driver, flags, now, keys, request):
    code, date, *ours = driver.sign(flags, now, keys, request)
    assert code == "0"
    if flags & S3:
        # botocore adds this header by itself.
        request = dict(request)
        request["headers"] = [h for h in request["headers"] if h[0] != "X-Amz-Content-SHA256"]
    theirs = botocore_signs(flags, now, keys, request)
    for mine, yours in zip(ours, theirs):
        assert mine == yours
    assert theirs[1].split("\n")[1] == date


MANY = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@MANY
@given(requests(), st.tuples(KEY_ID, SECRET, TOKEN), NOW)
def test_signs_as_botocore_does(driver, request_, keys, now):
    compare(driver, 0, now, keys, request_)


@pytest.mark.long
@settings(MANY, max_examples=MANY_EXAMPLES)
@given(requests(), st.tuples(KEY_ID, SECRET, TOKEN), NOW)
def test_signs_as_botocore_does_each_time(driver, request_, keys, now):
    compare(driver, 0, now, keys, request_)


@settings(MANY, max_examples=EXAMPLES // 2)
@given(requests(), st.tuples(KEY_ID, SECRET, TOKEN), NOW)
def test_signs_as_botocore_does_for_s3(driver, request_, keys, now):
    digest = hashlib.sha256(request_["body"]).hexdigest()
    request_["headers"].append(("X-Amz-Content-SHA256", digest))
    compare(driver, S3, now, keys, request_)


def test_an_unsigned_payload_is_signed_as_the_header_says(driver):
    request_ = {
        "method": "POST", "path": "/", "query": "", "body": b"ignored",
        "headers": [("Host", "example.com"), ("X-Amz-Content-SHA256", "UNSIGNED-PAYLOAD")],
        "region": "us-east-1", "service": "ec2",
    }  # fmt: skip
    compare(driver, 0, 1440938160, ("AKID", "secret", None), request_)
