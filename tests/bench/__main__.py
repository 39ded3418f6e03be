"""What the tools cost, beside boto3, in one run on one machine: ratios, with how they were taken.

make bench
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "integration")]

from audit import PLAIN, TLS, bench_audit  # noqa: E402
from cloud.client import Cloud  # noqa: E402
from cost import REGION  # noqa: E402
from fleet import REGIONS, Fleet  # noqa: E402
from on_time import bench_on_time  # noqa: E402
from refused import bench_refused  # noqa: E402
from rollout import bench_rollout  # noqa: E402
from throughput import bench_throughput  # noqa: E402


def new_cloud(*flags: str) -> Cloud:
    return Cloud(None, *flags, boot=0.5, ssh_delay=0.3, stop=0.3, copy=0.5, late=0)


def main() -> int:
    os.environ.pop("AWS_PROFILE", None)
    sys.stdout.reconfigure(line_buffering=True)  # it takes minutes: each figure when it is known
    kept = True
    for flags, promise in (((), PLAIN), (("--tls",), TLS)):
        with new_cloud(*flags) as cloud:
            fleet = Fleet(cloud)
            fleet.run("config-region", "--all", check=True)
            kept &= bench_audit(fleet, REGION, promise=promise, pairs=9)
            kept &= bench_audit(fleet, *REGIONS, promise=promise, pairs=5)
    with new_cloud() as cloud:
        fleet = Fleet(cloud)
        fleet.configure(connect="60s")
        fleet.run("config-region", REGION, check=True)
        kept &= bench_refused(fleet)
        kept &= bench_on_time(fleet)
        kept &= bench_throughput(fleet)
    with new_cloud() as cloud:
        kept &= bench_rollout(Fleet(cloud))
    return 0 if kept else 1


sys.exit(main())
