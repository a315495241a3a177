"""`migrate --check`: the exported system disk is looked into where it lies, before a byte of it is copied."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from imgmove.app.check import CheckReport, check_image, target_of
from imgmove.app.copying import End, Stores
from imgmove.app.migrate_request import MigrateRequest
from imgmove.app.objects import StoredImage
from imgmove.app.preflight import said
from imgmove.app.resolve import split_account
from imgmove.core.codec import encode
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.events import Found, Noted
from imgmove.core.requests import BootMode
from imgmove.core.tasks import Artifact
from imgmove.core.units import format_size
from imgmove.engine.reads import Reads
from imgmove.engine.steps import StepContext, StepFailed

#: A look into a large archive takes minutes: so often it says how far it is.
_TELL_SECONDS: Final = 15.0


def check_staged(
    context: StepContext, request: MigrateRequest, system_disk: Artifact, boot_mode: BootMode | None, stores: Stores
) -> Mapping[str, Any]:
    """What the copy step notes of the check: `findings`, and what it took.

    Raises StepFailed where the machine would not start at the destination (with `--force`: for what nobody may waive).
    """
    report = _look(context, request, system_disk, boot_mode, stores)
    error = report.error(force=request.force)
    if error is not None:
        raise StepFailed(_with_ways_on(error, context.job.id))
    return {"findings": [encode(item) for item in report.findings], "read_bytes": report.read_bytes,
            "requests": report.requests, "message": f"checked: {report.verdict_word}"}  # fmt: skip


def _look(
    context: StepContext, request: MigrateRequest, system: Artifact, boot_mode: BootMode | None, stores: Stores
) -> CheckReport:
    scheme, _, rest = system.uri.partition("://")
    bucket, _, key = rest.partition("/")
    end = End(scheme, bucket, key, request.source_region, split_account(request.source_provider)[1])
    context.tell(Noted, text=f"looking into {system.uri}")
    target = target_of(
        split_account(request.dest_provider)[0],
        split_account(request.source_provider)[0],
        boot_mode,
    )
    ask = Reads(context.waiter).ask
    try:
        report = check_image(
            ask(lambda: StoredImage.of(stores(end), key)).patiently(ask),
            system.format,
            target,
            context.resolve(request.dest_provider, request.dest_region).abilities.title,
            progress=_teller(context, system.uri),
            stop=context.waiter.stop,
            monotonic=context.clock.monotonic,
        )
    except ImgmoveError as error:
        if error.kind is Kind.INTERRUPTED:
            context.waiter.check_stop()  # says how the job is taken up
        raise
    for finding in report.findings:
        context.tell(Found, text=said(finding))
    return report


def _teller(context: StepContext, uri: str) -> Callable[[int, int], None]:
    """Tells now and then how much was read."""
    told_at = context.clock.monotonic()

    def tell(read_bytes: int, requests: int) -> None:
        nonlocal told_at
        if context.clock.monotonic() - told_at >= _TELL_SECONDS:
            told_at = context.clock.monotonic()
            context.tell(Noted, text=f"looking into {uri}: {format_size(read_bytes)} read in {requests} requests")

    return tell


def _with_ways_on(error: ImgmoveError, job_id: str) -> ImgmoveError:
    """The error with what may be done now: nothing was copied, and the export is there."""
    ways = (
        f"mend the machine and migrate a new image of it (`imgmove jobs clean {job_id}` removes this export), "
        f"or go on with it as it is: imgmove jobs resume {job_id} --skip-check"
    )
    return error.with_hint(f"{error.hint}; {ways}" if error.hint else ways)
