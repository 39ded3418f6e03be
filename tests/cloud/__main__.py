"""python3 tests/cloud --dir DIR: start a cloud, and keep it until it is told to stop."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import select
import signal
import sys
import threading
from pathlib import Path

# Run by the folder's name, this is not yet part of a package.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from cloud import strict  # noqa: E402,F401  (before moto)
from cloud.account import EVERYTHING, Credentials, enforce, enforceable, make_user  # noqa: E402
from cloud.layer import Layer  # noqa: E402
from cloud.machines import Machines  # noqa: E402
from cloud.server import Server  # noqa: E402
from cloud.settings import Settings  # noqa: E402
from cloud.world import World  # noqa: E402


def options() -> argparse.Namespace:
    default = Settings()
    parser = argparse.ArgumentParser(prog="tests/cloud", description=__doc__)
    parser.add_argument("--dir", type=Path, required=True, help="where everything goes")
    parser.add_argument("--port", type=int, default=0, help="of the API (0: any)")
    parser.add_argument("--ssh-port", type=int, default=0, help="of every machine (0: any)")
    for name in ("boot", "ssh-delay", "stop", "copy", "late"):
        value = getattr(default, name.replace("-", "_"))
        parser.add_argument(f"--{name}", type=float, default=value, metavar="SECONDS")
    parser.add_argument(
        "--user",
        default=getpass.getuser(),
        help="who logs in on the machines; another than yourself only as root, and then"
        " one whose account is not locked and who can get at DIR",
    )
    parser.add_argument("--policy", type=Path, help="what the operator may do (default: all)")
    parser.add_argument("--regions", nargs="*", default=[], help="opted in to (default: all)")
    parser.add_argument("--tls", action="store_true", help="https, with a CA in cloud.json")
    parser.add_argument("--seed", action="store_true", help="with a home region (seed.py)")
    parser.add_argument("--outlive", action="store_true", help="do not end with the parent process")
    return parser.parse_args()


def build(args: argparse.Namespace) -> tuple[World, Server]:
    settings = Settings(args.boot, args.ssh_delay, args.stop, args.copy, args.late)
    machines = Machines(args.dir / "machines", args.user, args.ssh_port)
    world = World(args.dir, settings, machines, args.regions)
    server = Server(args.port, Layer(world).handle, world.now)
    return world, server


def describe(args: argparse.Namespace, world: World, server: Server) -> dict[str, object]:
    """What cloud.json says."""
    policy = enforceable(json.loads(args.policy.read_text())) if args.policy else EVERYTHING
    admin, operator = make_user("admin", EVERYTHING), make_user("operator", policy)
    about: dict[str, object] = {
        "pid": os.getpid(),
        "ssh_port": world.machines.port,
        "user": world.machines.user,
        "admin": _credentials(admin),
        "operator": _credentials(operator),
    }
    scheme = "http"
    if args.tls:
        from cloud import tls

        server.tls, bundle = tls.make(args.dir)
        about["ca_bundle"] = str(bundle)
        scheme = "https"
    about["endpoint"] = f"{scheme}://127.0.0.1:{server.server_port}"
    return about


def _credentials(user: Credentials) -> dict[str, str]:
    return {"access_key_id": user.access_key_id, "secret_access_key": user.secret_access_key}


def end_with_parent(parent: int) -> None:
    """A signal to ourselves when the parent ends.

    PR_SET_PDEATHSIG would fire when the thread that started us ends, which
    under a test runner is not the same.
    """

    def watch() -> None:
        try:
            handle = os.pidfd_open(parent)
            select.select([handle], [], [])
        except ProcessLookupError:
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def main() -> int:
    args = options()
    args.dir = args.dir.resolve()
    args.dir.mkdir(parents=True, exist_ok=True)
    (args.dir / "cloud.json").unlink(missing_ok=True)
    if not args.outlive:
        end_with_parent(os.getppid())
    # A pipe, not an Event: two signals at once (ours, and the parent's end) would
    # run one handler inside the other, which would wait for the Event's own lock.
    over, ending = os.pipe()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os.write(ending, b"."))

    world, server = build(args)
    about = describe(args, world, server)
    world.machines.endpoint = str(about["endpoint"])
    enforce()
    for body in (world.agenda.run, server.serve_forever):
        threading.Thread(target=body, daemon=True).start()
    try:
        if args.seed:
            from cloud.seed import seed_defaults

            about["seed"] = seed_defaults(about, args.dir)
        announce(args.dir / "cloud.json", about)
        os.read(over, 1)
    finally:
        with world.lock:  # nothing is started after this
            world.agenda.close()
            world.machines.close()
    return 0


def announce(path: Path, about: dict[str, object]) -> None:
    """Written whole or not at all: whoever waits for the file can read it at once."""
    draft = path.with_suffix(".tmp")
    draft.write_text(json.dumps(about, indent=2) + "\n")
    draft.chmod(0o600)
    draft.rename(path)
    print(f"the test cloud is at {about['endpoint']} ({path})", flush=True)


if __name__ == "__main__":
    # moto leaves so many objects behind that Python takes a third of a second
    # to take them apart, one by one.
    status = main()
    sys.stdout.flush()
    os._exit(status)
