"""make install: the library as other programs find it; and make uninstall."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from fleet import BUILD

REPO = Path(__file__).resolve().parents[2]

PROGRAM = r"""
#include <awsq/ec2.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
	struct awsq_ec2_instances list;
	struct awsq_call call;

	memset(&list, 0, sizeof(list));
	awsq_ec2_describe_instances(&call, &list, NULL);
	puts(awsq_buf_str(&call.body));
	awsq_call_free(&call);
	awsq_ec2_free_instances(&list);
	return 0;
}
"""


def make(target: str, stage: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    subprocess.run(
        ["make", "-s", target, f"BUILD={BUILD}", f"DESTDIR={stage}", "PREFIX=/usr"],
        cwd=REPO, env=environment, check=True, capture_output=True,
    )


def files(stage: Path) -> list[str]:
    return sorted(str(p.relative_to(stage)) for p in stage.rglob("*") if not p.is_dir())


def test_install_build_against_it_and_uninstall(tmp_path: Path) -> None:
    stage = tmp_path / "stage"
    make("install", stage)
    for tool in ("config-region", "run-region"):
        done = subprocess.run([stage / "usr/bin" / tool, "--version"], capture_output=True)
        assert done.returncode == 0
    (tmp_path / "p.c").write_text(PROGRAM)
    flags = subprocess.run(
        ["pkg-config", f"--define-variable=prefix={stage}/usr", "--cflags", "--libs", "awsq"],
        env={**os.environ, "PKG_CONFIG_PATH": str(stage / "usr/lib/pkgconfig")},
        check=True, capture_output=True, text=True,
    ).stdout.split()
    sanitize = ["-fsanitize=address,undefined"] if "asan" in str(BUILD) else []
    for compiler in (["cc", "-std=c17"], ["c++", "-x", "c++", "-std=c++17"]):
        program = tmp_path / "p"
        subprocess.run(
            [*compiler, *sanitize, "-Wall", "-Werror", "-o", program, tmp_path / "p.c",
             *["-x", "none"][: 2 * ("c++" in compiler)], *flags],
            check=True,
        )
        done = subprocess.run(
            [program], env={"LD_LIBRARY_PATH": str(stage / "usr/lib")}, check=True,
            capture_output=True, text=True,
        )
        assert done.stdout == "Action=DescribeInstances&Version=2016-11-15\n"
    make("uninstall", stage)
    assert files(stage) == []
