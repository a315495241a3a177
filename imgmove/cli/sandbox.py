"""`imgmove sandbox`: the emulated clouds, for rehearsals."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from imgmove.cli.command import Command, stack, write_examples
from imgmove.core.errors import ImgmoveError, Kind, usage_error

if TYPE_CHECKING:
    from imgmove.sandbox import Fault, Sandbox

EXAMPLES = [
    ("One command inside the sandbox", "imgmove sandbox run -- imgmove images --provider tencent"),
    ("A sandbox for this shell", 'imgmove sandbox start > sandbox.env &\nsleep 1; . ./sandbox.env'),
    ("Rehearse a throttled export", "imgmove sandbox run --fault 'cvm:ExportImages throttle times=2' -- ./nightly.sh"),
]  # fmt: skip

#: What would lead a program past the sandbox, or mix its credentials with real ones.
STRAY_VARIABLES: Final = (
    "TENCENTCLOUD_TOKEN", "TENCENTCLOUD_SECURITY_TOKEN", "TENCENTCLOUD_ROLE_ARN", "TCCLI_PROFILE",
    "ALIBABA_CLOUD_SECURITY_TOKEN", "ALIBABA_CLOUD_PROFILE", "ALIBABA_CLOUD_ROLE_ARN", "IMGMOVE_PROFILE",
)  # fmt: skip


class SandboxGroup(click.Group):
    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_examples(EXAMPLES, formatter)
        super().format_help(ctx, formatter)


@click.group("sandbox", cls=SandboxGroup, context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Both clouds, emulated on loopback: CVM, ECM, CAM, STS and COS; ECS, RAM, STS and OSS.

    Signatures are verified, parameters validated, real bytes moved. Nothing leaves this machine.
    """


world_options = stack(
    click.option("--directory", type=click.Path(path_type=Path), metavar="DIR", help="Keep the state here, also over a crash."),
    click.option("--port", type=click.IntRange(1, 65000), metavar="BASE",
                 help="First of ten consecutive ports. Default: free ones."),
    click.option("--speed", type=click.FloatRange(min=0, min_open=True), metavar="N",
                 help="Sandbox seconds for each real second. Default: 60."),
    click.option("--fault", "faults", multiple=True, metavar="TEXT", help="What shall go wrong: SERVICE:ACTION EFFECT …"),
    click.option("--faults", "faults_file", type=click.Path(path_type=Path), metavar="FILE", help="A TOML file of faults."),
    click.option("--image", "images", multiple=True, metavar="FILE=NAME", help="A disk image of your own to begin with."),
    click.option("--seed", type=click.Path(path_type=Path), metavar="FILE", help="A TOML file that says what there is."),
    click.option("--empty", is_flag=True, help="Begin with nothing, not even accounts."),
)  # fmt: skip


@command.command("start", cls=Command, exit_codes=(0, 2), examples=EXAMPLES[1:2])
@world_options
@click.option("-o", "--output", "output_format", type=click.Choice(["shell", "json"]), default="shell", show_default=True,
              help="Form of the environment that is printed.")  # fmt: skip
def start(output_format: str, **options: Any) -> None:
    """Start a sandbox, print the environment to use, and serve until SIGINT or SIGTERM."""
    from imgmove.sandbox import serve

    def announce(sandbox: Sandbox) -> None:
        environment = _environment(sandbox)
        if output_format == "json":
            click.echo(json.dumps(environment, indent=2))
        else:
            click.echo("unset " + " ".join(STRAY_VARIABLES))
            click.echo("\n".join(f"export {name}={shlex.quote(value)}" for name, value in environment.items()))
        sys.stdout.flush()
        click.echo("the sandbox runs; Ctrl-C ends it", err=True)

    _guarded(lambda: serve(_sandbox(**options), announce))


@command.command(
    "run",
    cls=Command,
    exit_codes=(0, 2),
    examples=[EXAMPLES[0], EXAMPLES[2]],
    context_settings={"ignore_unknown_options": True},
)
@world_options
@click.argument("words", nargs=-1, required=True, metavar="-- COMMAND [ARG]...", type=click.UNPROCESSED)
def run(words: tuple[str, ...], **options: Any) -> None:
    """Run COMMAND inside a sandbox of its own, and exit with COMMAND's exit code.

    The environment of COMMAND leads to the sandbox and nowhere else; its journal is the sandbox's own unless
    IMGMOVE_HOME says otherwise.
    """

    def inside() -> int:
        with _sandbox(**options) as sandbox:
            return _run_inside(words, _environment(sandbox))

    sys.exit(_guarded(inside))


def _run_inside(words: tuple[str, ...], environment: dict[str, str]) -> int:
    """The exit code of the command; 127 as shells say it where there is no such command."""
    inherited = {name: value for name, value in os.environ.items() if name not in STRAY_VARIABLES}
    try:
        process = subprocess.Popen(words, env={**inherited, **environment})
    except OSError as error:
        raise usage_error(f"cannot run {words[0]!r}: {error.strerror}", "check the command behind --") from error
    # The terminal sends Ctrl-C to the command too: it decides what to do, we wait for it.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    passed_on = signal.signal(signal.SIGTERM, lambda number, _frame: process.send_signal(number))
    try:
        code = process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGTERM, passed_on)
    return code if code >= 0 else 128 - code


def _environment(sandbox: Sandbox) -> dict[str, str]:
    """The sandbox's environment, and a home of imgmove's own unless the caller has one."""
    home = os.environ.get("IMGMOVE_HOME") or str(sandbox.directory / "imgmove-home")
    return {**sandbox.environment(), "IMGMOVE_HOME": home}


def _sandbox(
    directory: Path | None,
    port: int | None,
    speed: float | None,
    faults: tuple[str, ...],
    faults_file: Path | None,
    images: tuple[str, ...],
    seed: Path | None,
    empty: bool,
) -> Sandbox:
    from imgmove.sandbox import DEFAULT, Sandbox, load_faults, with_images

    if empty and (images or seed):
        raise usage_error("--empty goes with neither --seed nor --image", "leave one of them out")
    planned: list[Fault | str] = [*(load_faults(faults_file) if faults_file else []), *faults]
    chosen = seed or DEFAULT
    if images:
        chosen = with_images(chosen, [_image(text) for text in images])
    return Sandbox(directory, port=port, speed=speed, seed=None if empty else chosen, faults=planned)


def _image(text: str) -> tuple[Path, str]:
    file, sign, name = text.rpartition("=")
    if not sign or not file or not name:
        raise usage_error(f"{text!r} is not FILE=NAME", "write it like build/web.qcow2=web")
    return Path(file), name


def _guarded(call: Any) -> Any:
    """The sandbox's own errors (a directory in use, a fault that makes no sense) as usage errors."""
    try:
        return call()
    except (ValueError, OSError, RuntimeError) as error:
        raise usage_error(
            f"the sandbox cannot start: {error}", "`imgmove sandbox start --help` shows how it is used"
        ) from error


@command.command(
    "fault",
    cls=Command,
    exit_codes=(0, 1, 2),
    examples=[
        ("Let the next two exports be throttled, in a sandbox that runs",
         "imgmove sandbox fault 'cvm:ExportImages throttle times=2'"),
        ("Forget all faults", "imgmove sandbox fault --clear"),
    ],
)  # fmt: skip
@click.argument("texts", nargs=-1, metavar="[FAULT]...")
@click.option("--clear", is_flag=True, help="Forget all faults first.")
def fault(texts: tuple[str, ...], clear: bool) -> None:
    """Add FAULT to the running sandbox that the environment names, and list what is planned."""
    if clear:
        _control("DELETE", "/faults")
    for text in texts:
        _control("POST", "/faults", {"fault": text})
    click.echo(json.dumps(_control("GET", "/faults"), indent=2))


@command.command(
    "state",
    cls=Command,
    exit_codes=(0, 1, 2),
    examples=[("Images, tasks, objects and open uploads of both clouds", "imgmove sandbox state | jq .")],
)
def state() -> None:
    """Print what the running sandbox that the environment names holds, as JSON."""
    click.echo(json.dumps(_control("GET", "/state"), indent=2))


@command.command(
    "settings",
    cls=Command,
    exit_codes=(0, 1, 2),
    examples=[
        ("How both clouds behave", "imgmove sandbox settings"),
        ("A full quota, and grants that take a minute to spread",
         "imgmove sandbox settings tencent.image_quota=0 alibaba.role_delay_seconds=60"),
    ],
)  # fmt: skip
@click.argument("changes", nargs=-1, metavar="[PROVIDER.NAME=VALUE]...")
def settings(changes: tuple[str, ...]) -> None:
    """Change settings of the running sandbox that the environment names, and print all of them as JSON.

    VALUE is JSON (true, 60, ["cn-hangzhou"]); what is no JSON is taken as text.
    """
    wanted: dict[str, dict[str, Any]] = {}
    for text in changes:
        provider, name, value = _setting(text)
        wanted.setdefault(provider, {})[name] = value
    answer = _control("POST", "/settings", wanted) if wanted else _control("GET", "/settings")
    click.echo(json.dumps(answer, indent=2))


def _setting(text: str) -> tuple[str, str, Any]:
    name, sign, value = text.partition("=")
    provider, dot, own = name.partition(".")
    if not (sign and dot and own):
        raise usage_error(f"{text!r} is not PROVIDER.NAME=VALUE", "write it like tencent.image_quota=0")
    try:
        return provider, own, json.loads(value)
    except ValueError:
        return provider, own, value


@command.command(
    "seed",
    cls=Command,
    exit_codes=(0, 1, 2),
    examples=[
        ("Put buckets, roles, keys and images into the states of a file", "imgmove sandbox seed broken-roles.toml"),
    ],
)
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
def seed(file: Path) -> None:
    """Add what the TOML file FILE says to the running sandbox that the environment names, or change what is there.

    The tables are a seed file's, but they name no files of their own. What the sandbox holds is printed as JSON.
    """
    try:
        document = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise usage_error(f"{file} cannot be read: {error}", "it has to be TOML, as `--seed` takes it") from error
    document.pop("default", None)
    click.echo(json.dumps(_control("POST", "/seed", document), indent=2))


def _control(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    url = os.environ.get("IMGMOVE_SANDBOX_CONTROL", "")
    if not url.startswith("http://127.0.0.1:"):
        raise usage_error(
            "no sandbox is named by IMGMOVE_SANDBOX_CONTROL", "use the environment that `sandbox start` prints"
        )
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310 - loopback
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise usage_error(
            f"the sandbox refuses: {error.read(500).decode('utf-8', 'replace')}", "check the words"
        ) from error
    except (OSError, ValueError) as error:
        raise ImgmoveError(Kind.UNAVAILABLE, f"no sandbox answers at {url}: {error}", code="NoSandbox",
                           hint="start one: imgmove sandbox start") from error  # fmt: skip
