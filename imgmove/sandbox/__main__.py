"""`python -m imgmove.sandbox`: the emulated clouds in the foreground, without the imgmove command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from imgmove.sandbox import DEFAULT, DirectoryError, Fault, Sandbox, Seed, load_faults, parse_fault, with_images
from imgmove.sandbox.serving import export_lines, serve

EPILOG = """\
It prints the environment to use as `export` lines, then serves until SIGINT or SIGTERM.

examples:
  python -m imgmove.sandbox --port 9000
  python -m imgmove.sandbox --directory ~/clouds --fault 'cvm:ExportImages throttle times=3'
  python -m imgmove.sandbox --image build/web.qcow2=web --speed 600

exit codes: 0 stopped; 2 the command line, a file or the directory is wrong
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the sandbox; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        faults = [*(load_faults(options.faults) if options.faults else []), *options.fault]
        sandbox = Sandbox(options.directory, port=options.port, speed=options.speed, seed=_seed(options), faults=faults)
        serve(sandbox, _announce)
    except (DirectoryError, ValueError, OSError) as error:
        sys.stderr.write(f"imgmove sandbox: {error}\n")
        return 2
    return 0


def _announce(sandbox: Sandbox) -> None:
    sys.stdout.write(export_lines(sandbox))
    sys.stdout.flush()


def _seed(options: argparse.Namespace) -> Seed | None:
    if options.empty:
        if options.image:
            raise ValueError("--image needs the accounts of a seed; leave --empty out")
        return None
    base = options.seed or DEFAULT
    return with_images(base, options.image) if options.image else base


def _fault(text: str) -> Fault:
    try:
        return parse_fault(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _image(text: str) -> tuple[Path, str]:
    file, equals, name = text.rpartition("=")
    if not equals or not file or not name:
        raise argparse.ArgumentTypeError(f"{text!r}: write FILE=NAME, e.g. build/web.qcow2=web")
    return Path(file), name


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m imgmove.sandbox",
        description="Tencent Cloud and Alibaba Cloud, emulated on loopback.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--directory", type=Path, metavar="DIR", help="keep the state here, also over a crash")
    parser.add_argument(
        "--port", type=int, metavar="BASE", help="the first of ten consecutive ports (default: free ones)"
    )
    parser.add_argument("--speed", type=float, metavar="N", help="sandbox seconds for each real second (default: 60)")
    parser.add_argument(
        "--fault", type=_fault, action="append", default=[], metavar="TEXT", help="SERVICE:ACTION EFFECT …"
    )
    parser.add_argument("--faults", type=Path, metavar="FILE", help="a TOML file of [[fault]] tables")
    parser.add_argument(
        "--image",
        type=_image,
        action="append",
        default=[],
        metavar="FILE=NAME",
        help="a disk image that a new world has",
    )
    seeds = parser.add_mutually_exclusive_group()
    seeds.add_argument("--seed", type=Path, metavar="FILE", help="a TOML file that says what a new world holds")
    seeds.add_argument("--empty", action="store_true", help="begin with nothing, not even accounts")
    return parser


if __name__ == "__main__":
    sys.exit(main())
