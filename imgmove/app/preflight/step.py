"""Everything that can be asked before a migration's first side effect: what is wrong is found together, and said at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, TypeVar

from imgmove.app.copying import End, Stores
from imgmove.app.guest import Guest, guest_of
from imgmove.app.leftovers import staged_prefix
from imgmove.app.migrate_request import MigrateRequest, export_request
from imgmove.app.resolve import split_account
from imgmove.app.route import Route, choose_route
from imgmove.core.codec import encode
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.events import Noted
from imgmove.core.ports import ComputeProvider
from imgmove.core.requests import DiskSource, ImportRequest, Operation, TransferRequest
from imgmove.core.tasks import Image
from imgmove.engine.steps import StepContext, StepFailed

T = TypeVar("T")

#: What ends a look, and says nothing about the migration: a later run asks again.
_NO_VERDICT: Final = frozenset(
    {Kind.THROTTLED, Kind.UNAVAILABLE, Kind.INTERRUPTED, Kind.TIMEOUT, Kind.UNKNOWN, Kind.HELD}
)
#: What a dry run of the import can tell although the object is not there yet; all else may be about the object.
_ABOUT_THE_DESTINATION: Final = frozenset({Kind.DENIED, Kind.QUOTA, Kind.EXISTS})
DRY_RUN_NAME: Final = "imgmovepreflight"


@dataclass
class Findings:
    """Collects what stands in the way, so that all of it is said in one error."""

    errors: list[ImgmoveError] = field(default_factory=list)

    def look(self, question: Callable[[], T], about: str = "") -> T | None:
        """The answer to a question `about` something; None where it failed. Failures that are no verdict are raised."""
        try:
            return question()
        except ImgmoveError as error:
            if error.kind in _NO_VERDICT:
                raise
            self.errors.append(_named(error, about))
            return None

    def settle(self) -> None:
        """Raise what was found: one error as it is; of several the first with all messages and hints."""
        if not self.errors:
            return
        first = self.errors[0]
        if len(self.errors) == 1:
            raise first
        texts = dict.fromkeys(str(error) for error in self.errors[1:])
        hints = dict.fromkeys(error.hint for error in self.errors if error.hint)
        raise ImgmoveError(
            first.kind, "; ".join([first.message, *texts]), code=first.code, hint="; ".join(hints),
            request_id=first.request_id,
        )  # fmt: skip


class Preflight:
    """The step function of a migration's `preflight`. Its outputs are what the later steps are planned by."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def __call__(self, context: StepContext) -> Mapping[str, Any]:
        request = MigrateRequest.of(context.job)
        context.begin({})
        look = _Look(context, request, self._stores)
        try:
            return look.of_transfer() if request.own_copy else look.of_export()
        except ImgmoveError as error:
            if error.kind in _NO_VERDICT:
                raise
            raise StepFailed(error) from error


class _Look:
    """One run of the preflight of one migration."""

    def __init__(self, context: StepContext, request: MigrateRequest, stores: Stores) -> None:
        self._context, self._request, self._stores = context, request, stores
        self._found = Findings()
        self._source = context.resolve(request.source_provider, request.source_region)
        self._destination = context.resolve(request.dest_provider, request.dest_region)

    def of_transfer(self) -> Mapping[str, Any]:
        """Before the provider's own copy: the image, the name, and the provider's dry run where it has one."""
        image = self._found.look(self._image, self._request.image_id)
        name = self._request.name or (image.name if image else "")
        if name:
            self._found.look(lambda: self._check_name(name))
        self._found.settle()
        wanted = transfer_request(self._request, name)
        self._found.look(lambda: self._destination.check(wanted, DRY_RUN_NAME), f"copy of {self._request.image_id}")
        self._found.settle()
        return {"name": name, "message": "the provider copies it by itself"}

    def of_export(self) -> Mapping[str, Any]:
        """Before an export: image, disks, both buckets, the name, the route, the guest, and both providers' dry runs."""
        request, found = self._request, self._found
        image = found.look(self._image, request.image_id)
        route = found.look(self._route)
        in_place = [found.look(partial(self._check_bucket, *end), _bucket_of(end[0])) for end in self._ends()]
        name = request.name or (image.name if image else "")
        guest = self._guest(image, name) if image else None
        if route and image and in_place[0]:
            found.look(lambda: self._check_export(route), f"export of {request.image_id}")
        if guest and name and in_place[1]:
            found.look(lambda: self._check_import(name, guest), f"import on {self._destination.abilities.title}")
        found.settle()
        assert route is not None and guest is not None  # noqa: PT018, S101 - settled: nothing failed
        found.look(self._check_writable, _bucket_of(self._ends()[1][0]))
        found.settle()
        return self._outputs(name, route, guest)

    def _outputs(self, name: str, route: Route, guest: Guest) -> Mapping[str, Any]:
        notes = () if self._request.os_type else guest.notes
        for note in (*notes, f"format: {route.describe()}"):
            self._context.tell(Noted, text=note)
        return {
            "name": name,
            "exported": route.exported.value,
            "arrives": route.arrives.value,
            "imported": route.imported.value,
            "guest": encode(guest),
            "message": "; ".join((*notes, route.describe())),
        }

    # --------------------------------------------------------------------------------------------- the source

    def _image(self) -> Image:
        return self._source.image(self._request.image_id)

    def _route(self) -> Route:
        request = self._request
        source, destination = self._source.abilities, self._destination.abilities
        return choose_route(source, request.source_region, destination, request.dest_region, request.format)

    def _check_export(self, route: Route) -> None:
        self._source.check(export_request(self._request, route.exported), DRY_RUN_NAME)

    # ---------------------------------------------------------------------------------------- the destination

    def _guest(self, image: Image, name: str) -> Guest | None:
        self._found.look(lambda: self._check_name(name))
        self._found.look(lambda: self._check_disks(image))
        boot_modes = self._destination.abilities.ability(Operation.IMPORT).boot_modes
        return self._found.look(lambda: guest_of(image, self._destination.os_choices(), boot_modes))

    def _check_name(self, name: str) -> None:
        abilities = self._destination.abilities
        abilities.image_name.check(name)
        if any(other.name == name for other in self._destination.images()):
            raise ImgmoveError(
                Kind.EXISTS, f"{abilities.title} in {self._request.dest_region} has an image named {name!r} already",
                code="NameTaken", hint="give another --name",
            )  # fmt: skip

    def _check_disks(self, image: Image) -> None:
        disks = list(image.details.get("disks") or ())
        abilities = self._destination.abilities
        most = abilities.ability(Operation.IMPORT).max_disks
        if len(disks) > most and not self._request.root_disk_only:
            raise ImgmoveError(
                Kind.UNSUPPORTED, f"the image has {len(disks)} disks, {abilities.title} imports at most {most} as one",
                code="TooManyDisks", hint="give --root-disk-only, and bring the data disks over as images of their own",
            )  # fmt: skip

    def _check_import(self, name: str, guest: Guest) -> None:
        """The destination's dry run, as far as it can speak before the object is there."""
        bucket, region = self._request.dest_bucket, self._request.dest_region
        formats = self._destination.abilities.formats(Operation.IMPORT, region)
        disk = DiskSource(bucket, f"{staged_prefix(self._context.job.id)}preflight", formats[0])
        try:
            self._destination.check(import_request(self._request, name, guest, (disk,)), DRY_RUN_NAME)
        except ImgmoveError as error:
            if error.kind in _ABOUT_THE_DESTINATION or error.kind in _NO_VERDICT:
                raise

    # --------------------------------------------------------------------------------------------- the buckets

    def _ends(self) -> Sequence[tuple[End, ComputeProvider, str]]:
        """Both buckets, their regions to be asked of the stores, each with the service that has to reach it."""
        request = self._request
        there, here = split_account(request.source_provider)[1], split_account(request.dest_provider)[1]
        return (
            (End(request.source_scheme, request.source_bucket, "", "", there), self._source, request.source_region),
            (End(request.dest_scheme, request.dest_bucket, "", "", here), self._destination, request.dest_region),
        )

    def _check_bucket(self, end: End, service: ComputeProvider, region: str) -> bool:
        """NOT_FOUND, DENIED, or INVALID for a bucket in another region than the image service that uses it."""
        info = self._stores(end).bucket_info()
        if info.region and region and info.region != region and not service.abilities.region_optional:
            raise ImgmoveError(
                Kind.INVALID, f"{end.scheme}://{end.bucket} is in {info.region}, {service.abilities.title} works in {region}",
                code="BucketInAnotherRegion", hint=f"use a bucket in {region}",
            )  # fmt: skip
        return True

    def _check_writable(self) -> None:
        """May we write the destination's bucket? An upload is begun and given up at once; the last of all checks.

        One that an earlier run had no time to give up is found by its name.
        """
        end = self._ends()[1][0]
        store = self._stores(End(end.scheme, end.bucket, "", self._request.dest_region, end.profile))
        key = f"{staged_prefix(self._context.job.id)}preflight"
        for upload in store.uploads(key):
            store.abort(upload.key, upload.upload_id)
        store.abort(key, store.begin(key))


def _named(error: ImgmoveError, about: str) -> ImgmoveError:
    """The error, saying what it is about: vendors' messages often do not."""
    return error if not about or about in error.message else replace(error, message=f"{about}: {error.message}")


def _bucket_of(end: End) -> str:
    return f"{end.scheme}://{end.bucket}"


def import_request(request: MigrateRequest, name: str, guest: Guest, disks: tuple[DiskSource, ...]) -> ImportRequest:
    """The import of a migration: what the operator said, else what the source's image says of its guest."""
    return ImportRequest(
        name=name,
        disks=disks,
        description=request.description,
        architecture=request.architecture or guest.architecture,
        os_type=request.os_type or guest.os_type,
        os_version=request.os_version or ("" if request.os_type else guest.os_version),
        boot_mode=request.boot_mode or guest.boot_mode,
        license=request.license or guest.license,
        tags=request.tags,
        role_name=request.import_role,
        force=request.force,
    )


def transfer_request(request: MigrateRequest, name: str) -> TransferRequest:
    """The provider's own copy, as a migration asks for it."""
    provider = split_account(request.source_provider)[0]
    return TransferRequest(name, provider, request.source_region, request.image_id, request.description, request.tags)
