"""tools/dev/check-layers: quiet on the tree as it is, and not when an arrow is turned round."""

import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[2]
CHECK = ROOT / "tools/dev/check-layers"


def run(root):
    return subprocess.run([CHECK, root], capture_output=True, text=True, timeout=60)


@pytest.fixture
def tree(tmp_path):
    for top in ("include", "libawsq", "tools"):
        shutil.copytree(ROOT / top, tmp_path / top)
    return tmp_path


def add_include(tree, path, what):
    """Puts an #include after the file's first one; returns its line."""
    file = tree / path
    lines = file.read_text().splitlines(keepends=True)
    at = 1 + next(i for i, line in enumerate(lines) if line.startswith("#include"))
    lines.insert(at, f"#include {what}\n")
    file.write_text("".join(lines))
    return at + 1


def test_the_tree_obeys():
    done = run(ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"layers: \d+ includes in \d+ files obey the arrows\n", done.stdout)


@pytest.mark.parametrize(
    "path, what, rule",
    [
        # Up, in the library: by public and by private headers.
        ("libawsq/buf.c", "<awsq/sigv4.h>", "L0 may not include L1 (include/awsq/sigv4.h)"),
        ("libawsq/sigv4.c", "<awsq/client.h>", "L1 may not include L2 (include/awsq/client.h)"),
        ("libawsq/retry.c", '"http.h"', "L1 may not include L2 (libawsq/http.h)"),
        ("libawsq/call.c", "<awsq/ec2.h>", "L2 may not include L3 (include/awsq/ec2.h)"),
        ("libawsq/call.c", '"ec2.h"', "L2 may not include L3 (libawsq/ec2.h)"),
        ("include/awsq/err.h", "<awsq/client.h>", "L0 may not include L2"),
        ("include/awsq/settings.h", "<awsq/ec2.h>", "L1 may not include L3"),
        # Out of the library, and into it.
        ("include/awsq/client.h", '"client_private.h"', "a public header may not include a private"),
        ("libawsq/call.c", '"fleet/config.h"', "L2 may not include fleet (tools/fleet/config.h)"),
        ("tools/fleet/config.c", '"http.h"', "tools may not include a private header"),
        ("tools/fleet/config.c", '"../../libawsq/http.h"', "tools may not include a private header"),
        ("tools/run-job.c", "<xml.h>", "tools may not include a private header"),
        # Among the tools.
        ("tools/fleet/config.c", '"cli/options.h"', "fleet may not include cli"),
        # Third parties, each in its one place.
        ("libawsq/sigv4.c", "<openssl/evp.h>", "<openssl/evp.h> may only be included by libawsq/hash.c"),
        ("libawsq/call.c", "<curl/curl.h>", "may only be included by libawsq/http.c"),
        ("libawsq/xml_error.c", "<libxml/parser.h>", "may only be included by libawsq/xml.c"),
        ("tools/fleet/config_file.c", "<libconfig.h>", "may only be included by tools/fleet/config.c"),
        ("tools/ssh/ssh.c", '"runs/job.h"', "ssh may not include runs"),
        ("tools/runs/job.c", "<libssh2.h>", "may only be included by tools/ssh/ssh*.[ch]"),
        ("include/awsq/client.h", "<curl/curl.h>", "may only be included by libawsq/http.c"),
        ("libawsq/buf.c", "<zlib.h>", "<zlib.h> is neither ours nor"),
    ],
)
def test_an_arrow_turned_round(tree, path, what, rule):
    line = add_include(tree, path, what)
    done = run(tree)
    assert done.returncode == 1
    found, summary = done.stderr.splitlines()
    assert found.startswith(f"{path}:{line}: ")
    assert rule in found
    assert summary.startswith("layers: 1 wrong of ")


def test_a_file_without_a_layer(tree):
    (tree / "libawsq/novel.c").write_text('#include "banned.h"\n')
    done = run(tree)
    assert done.returncode == 1
    assert done.stderr.startswith("libawsq/novel.c:1: is in no layer")


def test_an_empty_tree(tmp_path):
    assert run(tmp_path).returncode == 1
