"""The steps of a migration: preflight, export, copy, import, cleanup. Each is a step function over the journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from typing import Any, Final

from imgmove.app.copying import CopyRequest, End, Stores, copy_one
from imgmove.app.guest import Guest
from imgmove.app.leftovers import Leftovers, staged_prefix
from imgmove.app.migrate_request import MigrateRequest, export_request
from imgmove.app.outcome import artifacts_of
from imgmove.app.preflight import Beforehand, Preflight, import_request, transfer_request
from imgmove.app.resolve import split_account
from imgmove.core.codec import decode
from imgmove.core.events import Noted
from imgmove.core.formats import DiskFormat
from imgmove.core.jobs import Step, StepState
from imgmove.core.requests import DiskSource, ImportRequest, TransferRequest
from imgmove.core.tasks import Artifact
from imgmove.engine.operation import run_operation
from imgmove.engine.steps import StepContext, StepFunction, decode_request

PREFLIGHT, EXPORT, COPY, IMPORT, CLEANUP = "preflight", "export", "copy", "import", "cleanup"
#: What `jobs resume --skip-check` leaves out (`RunOptions.skip`).
CHECK: Final = "check"
STEP_NAMES: Final = (PREFLIGHT, EXPORT, COPY, IMPORT, CLEANUP)

#: What a provider's own copy does not need. The steps are there all the same, so that scripts find them.
_NOT_OF_OWN_COPY: Final = frozenset({EXPORT, COPY, CLEANUP})
_SKIPPED: Final[Mapping[str, Any]] = {
    "state": StepState.SKIPPED, "outputs": {"message": "not needed: the provider copies the image by itself"},
}  # fmt: skip


def migration_steps(request: MigrateRequest) -> list[Step]:
    """The planned steps, each needing the one before it."""
    source, destination = (request.source_provider, request.source_region), (request.dest_provider, request.dest_region)
    places = {PREFLIGHT: source, EXPORT: source, COPY: destination, IMPORT: destination, CLEANUP: destination}
    steps: list[Step] = []
    for name in STEP_NAMES:
        needs = (steps[-1].name,) if steps else ()
        provider, region = places[name]
        step = Step(name, f"migrate-{name}", needs, provider, region)
        steps.append(replace(step, **_SKIPPED) if request.own_copy and name in _NOT_OF_OWN_COPY else step)
    return steps


def migration_functions(stores: Stores, beforehand: Beforehand) -> dict[str, StepFunction]:
    """Step functions by `Step.kind`."""
    return {
        f"migrate-{PREFLIGHT}": Preflight(beforehand),
        f"migrate-{EXPORT}": export,
        f"migrate-{COPY}": _Copy(stores),
        f"migrate-{IMPORT}": _Import(stores),
        f"migrate-{CLEANUP}": _Cleanup(stores),
    }


# ------------------------------------------------------------------------------------------------ export, import


def export(context: StepContext) -> Mapping[str, Any] | None:
    """The export into the source's store: staged, so that cleanup removes it."""
    request, found = MigrateRequest.of(context.job), context.outputs(PREFLIGHT)
    ready = context.planned_with(export_request(request, DiskFormat(found["exported"])))
    return run_operation(ready, decode_request(ready.step.request), keep=request.keep_staged)


class _Import:
    """The import from the destination's store, made of what preflight found and the copy brought; or the provider's
    own copy."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def __call__(self, context: StepContext) -> Mapping[str, Any] | None:
        if context.step.state is StepState.PLANNED:
            self._remove_half_made(context)
        ready = context.planned_with(self._request(context))
        return run_operation(ready, decode_request(ready.step.request))

    def _request(self, context: StepContext) -> ImportRequest | TransferRequest:
        request, found = MigrateRequest.of(context.job), context.outputs(PREFLIGHT)
        if request.own_copy:
            return transfer_request(request, found["name"])
        disks = tuple(_disk_source(artifact) for artifact in artifacts_of(context.outputs(COPY)["artifacts"]))
        return import_request(request, found["name"], decode(Guest, found["guest"]), disks)

    def _remove_half_made(self, context: StepContext) -> None:
        """What an earlier try of this job that failed has left stands in the way of this one by its name."""
        leftovers = Leftovers(self._stores, context.resolve, context.journal, context.clock)
        for resource, error in leftovers.remove(context.job, {"image"}):
            context.tell(Noted, text=f"{resource.uri}, of an earlier try, could not be removed: {error}")


def _disk_source(artifact: Artifact) -> DiskSource:
    bucket, _, key = artifact.uri.partition("://")[2].partition("/")
    return DiskSource(bucket, key, artifact.format)


# --------------------------------------------------------------------------------------------------------- copy


class _Copy:
    """Every exported object, the system disk first, from the source's store to the destination's."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def __call__(self, context: StepContext) -> Mapping[str, Any]:
        request, found = MigrateRequest.of(context.job), context.outputs(PREFLIGHT)
        exported = artifacts_of(context.outputs(EXPORT)["artifacts"])
        ordered = sorted(exported, key=lambda artifact: (artifact.disk or "") != "system")
        context.begin({})
        checked = self._check(context, request, ordered)
        copied: list[dict[str, Any]] = []
        messages: list[str] = []
        with closing(_Pool(request.workers)) as pool:
            for artifact in ordered:
                step_request = self._request(request, found, artifact, context.job.id)
                outputs = copy_one(context, step_request, self._stores, pool.executor, artifact.uri)
                copied += outputs["artifacts"]
                messages.append(f"{artifact.disk or artifact.uri}: {outputs['message']}")
        messages = [str(checked["message"]), *messages] if checked else messages
        return {"artifacts": copied, "message": " | ".join(messages), "findings": checked.get("findings", [])}

    def _check(self, context: StepContext, request: MigrateRequest, exported: Sequence[Artifact]) -> Mapping[str, Any]:
        """What `--check` found; empty where it was not asked for, or not this time (`jobs resume --skip-check`)."""
        if not request.check or CHECK in context.options.skip:
            return {}
        from imgmove.app.staged_check import check_staged  # the rules and the readers are for those who check

        guest = decode(Guest, context.outputs(PREFLIGHT)["guest"])
        return check_staged(context, request, exported[0], request.boot_mode or guest.boot_mode, self._stores)

    def _request(
        self, request: MigrateRequest, found: Mapping[str, Any], artifact: Artifact, job_id: str
    ) -> CopyRequest:
        scheme, _, rest = artifact.uri.partition("://")
        bucket, _, key = rest.partition("/")
        imported = DiskFormat(found["imported"])
        disk = (artifact.disk or "disk").replace(":", "-")
        return CopyRequest(
            End(scheme, bucket, key, request.source_region, split_account(request.source_provider)[1]),
            End(
                request.dest_scheme, request.dest_bucket, f"{staged_prefix(job_id)}{disk}.{imported.value}",
                request.dest_region, split_account(request.dest_provider)[1],
            ),
            imported if found["arrives"] != found["imported"] else None,
            request.workers, request.part_bytes, request.bandwidth, staged=not request.keep_staged, disk=artifact.disk,
            guarded=True,
        )  # fmt: skip


class _Pool:
    def __init__(self, workers: int) -> None:
        self.executor = ThreadPoolExecutor(workers)

    def close(self) -> None:
        self.executor.shutdown(wait=True, cancel_futures=True)


# ------------------------------------------------------------------------------------------------------ cleanup


class _Cleanup:
    """Remove what was staged, in both stores. What cannot be removed is named, and does not make the job fail."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def __call__(self, context: StepContext) -> Mapping[str, Any]:
        context.begin({})
        request = MigrateRequest.of(context.job)
        if request.keep_staged:
            return {"message": "staged objects are kept, as asked (--keep-staged)"}
        leftovers = Leftovers(self._stores, context.resolve, context.journal, context.clock)
        left = leftovers.remove(context.journal.job(context.job.id))
        for resource, error in left:
            context.tell(Noted, text=f"{resource.uri} could not be removed: {error}")
        names = ", ".join(resource.uri for resource, _ in left)
        message = f"left behind, remove with `imgmove jobs clean {context.job.id}`: {names}" if left else ""
        return {"message": message, "image_id": context.outputs(IMPORT).get("image_id"), "artifacts": []}
