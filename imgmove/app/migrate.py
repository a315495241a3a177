"""The steps of a migration: preflight, export, copy, import, cleanup. Each is a step function over the journal."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final

from imgmove.app.copying import CopyRequest, End, Stores, copy_one
from imgmove.app.guest import guest_of
from imgmove.app.leftovers import Leftovers
from imgmove.app.outcome import artifacts_of
from imgmove.app.resolve import split_account
from imgmove.app.route import choose_route
from imgmove.core.codec import decode, encode
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.events import Noted
from imgmove.core.formats import DiskFormat
from imgmove.core.jobs import Job, Step
from imgmove.core.requests import Architecture, BootMode, DiskSource, ExportRequest, ImportRequest, Operation
from imgmove.core.tasks import Artifact
from imgmove.engine.operation import run_operation
from imgmove.engine.steps import StepContext, StepFailed, StepFunction, decode_request

PREFLIGHT, EXPORT, COPY, IMPORT, CLEANUP = "preflight", "export", "copy", "import", "cleanup"
STEP_NAMES: Final = (PREFLIGHT, EXPORT, COPY, IMPORT, CLEANUP)


@dataclass(frozen=True)
class MigrateRequest:
    """What `imgmove migrate` was asked for, as the job's plan keeps it. Empty and None: found out by preflight."""

    source_provider: str
    source_region: str
    image_id: str
    dest_provider: str
    dest_region: str
    source_bucket: str
    dest_bucket: str
    name: str = ""
    format: DiskFormat | None = None
    root_disk_only: bool = False
    export_role: str = ""
    import_role: str = ""
    description: str = ""
    os_type: str = ""
    os_version: str = ""
    architecture: Architecture | None = None
    boot_mode: BootMode | None = None
    license: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    force: bool = False
    keep_staged: bool = False
    workers: int = 8
    part_bytes: int | None = None
    bandwidth: str = "off"
    source_scheme: str = ""
    dest_scheme: str = ""


def migration_steps(request: MigrateRequest) -> list[Step]:
    """The planned steps, each needing the one before it."""
    source, destination = (request.source_provider, request.source_region), (request.dest_provider, request.dest_region)
    places = {PREFLIGHT: source, EXPORT: source, COPY: destination, IMPORT: destination, CLEANUP: destination}
    steps: list[Step] = []
    for name in STEP_NAMES:
        needs = (steps[-1].name,) if steps else ()
        provider, region = places[name]
        steps.append(Step(name, f"migrate-{name}", needs, provider, region))
    return steps


def migration_functions(stores: Stores) -> dict[str, StepFunction]:
    """Step functions by `Step.kind`."""
    return {
        f"migrate-{PREFLIGHT}": preflight,
        f"migrate-{EXPORT}": export,
        f"migrate-{COPY}": _Copy(stores),
        f"migrate-{IMPORT}": import_,
        f"migrate-{CLEANUP}": _Cleanup(stores),
    }


def request_of(job: Job) -> MigrateRequest:
    return decode(MigrateRequest, job.plan)


# ---------------------------------------------------------------------------------------------------- preflight


def preflight(context: StepContext) -> Mapping[str, Any]:
    """Everything that can be asked before the first side effect; the outputs are what the later steps are planned by."""
    request = request_of(context.job)
    context.begin({})
    try:
        return _preflight(context, request)
    except ImgmoveError as error:
        if error.is_passing or error.kind in {Kind.INTERRUPTED, Kind.TIMEOUT}:
            raise
        raise StepFailed(error) from error


def _preflight(context: StepContext, request: MigrateRequest) -> Mapping[str, Any]:
    source = context.resolve(request.source_provider, request.source_region)
    destination = context.resolve(request.dest_provider, request.dest_region)
    image = source.image(request.image_id)
    route = choose_route(
        source.abilities, request.source_region, destination.abilities, request.dest_region, request.format
    )
    name = request.name or image.name
    destination.abilities.image_name.check(name)
    if any(other.name == name for other in destination.images()):
        raise ImgmoveError(
            Kind.EXISTS, f"{destination.abilities.title} in {request.dest_region} has an image named {name!r} already",
            code="NameTaken", hint="give another --name",
        )  # fmt: skip
    disks = list(image.details.get("disks") or ())
    ability = destination.abilities.ability(Operation.IMPORT)
    if len(disks) > ability.max_disks and not request.root_disk_only:
        raise ImgmoveError(
            Kind.UNSUPPORTED,
            f"the image has {len(disks)} disks, {destination.abilities.title} imports at most {ability.max_disks} as one",
            code="TooManyDisks", hint="give --root-disk-only, and bring the data disks over as images of their own",
        )  # fmt: skip
    guest = guest_of(image, destination.os_choices(), ability.boot_modes)
    for note in (*guest.notes, f"format: {route.describe()}"):
        context.tell(Noted, text=note)
    source.check(_export_request(request, route.exported), "imgmovepreflight")
    return {
        "name": name,
        "exported": route.exported.value,
        "arrives": route.arrives.value,
        "imported": route.imported.value,
        "guest": encode(guest),
        "message": "; ".join((*guest.notes, route.describe())),
    }


def _export_request(request: MigrateRequest, exported: DiskFormat) -> ExportRequest:
    return ExportRequest(
        (request.image_id,), request.source_bucket, exported,
        root_disk_only=request.root_disk_only, role_name=request.export_role,
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------ export, import


def export(context: StepContext) -> Mapping[str, Any] | None:
    """The export into the source's store: staged, so that cleanup removes it."""
    request, found = request_of(context.job), context.outputs(PREFLIGHT)
    ready = context.planned_with(_export_request(request, DiskFormat(found["exported"])))
    return run_operation(ready, decode_request(ready.step.request), keep=request.keep_staged)


def import_(context: StepContext) -> Mapping[str, Any] | None:
    """The import from the destination's store, made of what preflight found and the copy brought."""
    request, found = request_of(context.job), context.outputs(PREFLIGHT)
    guest = found["guest"]
    disks = tuple(_disk_source(artifact) for artifact in artifacts_of(context.outputs(COPY)["artifacts"]))
    wanted = ImportRequest(
        name=found["name"],
        disks=disks,
        description=request.description,
        architecture=request.architecture
        or (Architecture(guest["architecture"]) if guest.get("architecture") else None),
        os_type=request.os_type or guest.get("os_type", ""),
        os_version=request.os_version or ("" if request.os_type else guest.get("os_version", "")),
        boot_mode=request.boot_mode or (BootMode(guest["boot_mode"]) if guest.get("boot_mode") else None),
        license=request.license or guest.get("license", ""),
        tags=request.tags,
        role_name=request.import_role,
        force=request.force,
    )
    ready = context.planned_with(wanted)
    return run_operation(ready, decode_request(ready.step.request))


def _disk_source(artifact: Artifact) -> DiskSource:
    bucket, _, key = artifact.uri.partition("://")[2].partition("/")
    return DiskSource(bucket, key, artifact.format)


# --------------------------------------------------------------------------------------------------------- copy


class _Copy:
    """Every exported object, the system disk first, from the source's store to the destination's."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def __call__(self, context: StepContext) -> Mapping[str, Any]:
        request, found = request_of(context.job), context.outputs(PREFLIGHT)
        exported = artifacts_of(context.outputs(EXPORT)["artifacts"])
        ordered = sorted(exported, key=lambda artifact: (artifact.disk or "") != "system")
        context.begin({})
        copied: list[dict[str, Any]] = []
        messages: list[str] = []
        with closing(_Pool(request.workers)) as pool:
            for artifact in ordered:
                step_request = self._request(request, found, artifact, context.job.id)
                outputs = copy_one(context, step_request, self._stores, pool.executor, artifact.uri)
                copied += outputs["artifacts"]
                messages.append(f"{artifact.disk or artifact.uri}: {outputs['message']}")
        return {"artifacts": copied, "message": " | ".join(messages)}

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
                request.dest_scheme, request.dest_bucket, f"imgmove-{job_id}-{disk}.{imported.value}",
                request.dest_region, split_account(request.dest_provider)[1],
            ),
            imported if found["arrives"] != found["imported"] else None,
            request.workers, request.part_bytes, request.bandwidth, staged=not request.keep_staged, disk=artifact.disk,
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
        request = request_of(context.job)
        if request.keep_staged:
            return {"message": "staged objects are kept, as asked (--keep-staged)"}
        leftovers = Leftovers(self._stores, context.resolve, context.journal, context.clock)
        left = leftovers.remove(context.journal.job(context.job.id))
        for resource, error in left:
            context.tell(Noted, text=f"{resource.uri} could not be removed: {error}")
        names = ", ".join(resource.uri for resource, _ in left)
        message = f"left behind, remove with `imgmove jobs clean {context.job.id}`: {names}" if left else ""
        return {"message": message, "image_id": context.outputs(IMPORT).get("image_id"), "artifacts": []}
