"""The Python API: a session does what the commands do. `from imgmove import Session`.

A session reads its profile and the environment once. Its methods raise `ImgmoveError` where nothing was begun (wrong
words, no credentials, a refusal before the first side effect); once a job exists they return a `Result`, whose `error`
says what went wrong.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgmove.app.attendance import Attendance
from imgmove.app.copy_plan import parse_end, plan_copy
from imgmove.app.copying import End
from imgmove.app.ending import Canceller
from imgmove.app.importing import disk_sources, import_place, look_at_disks
from imgmove.app.job_starter import JobStarter
from imgmove.app.leftovers import Leftovers, leftovers_of
from imgmove.app.migration_plan import asked_for, export_steps, for_report, transfer_steps
from imgmove.app.objects import StoredImage
from imgmove.app.outcome import result_of_job
from imgmove.app.preflight import Beforehand, DoctorReport
from imgmove.app.preflight.history import history_of
from imgmove.app.requests import bucket_name, check_create, check_import, export_requests
from imgmove.app.resolve import Place, Resolver
from imgmove.app.results import Result, image_row
from imgmove.app.roles import Roles
from imgmove.app.status import StatusReader
from imgmove.clouds.registry import Registry
from imgmove.config import Configuration, directories, process_environment
from imgmove.core.abilities import Abilities
from imgmove.core.address import ImageAddress, Uri, parse_address
from imgmove.core.codec import encode
from imgmove.core.errors import ImgmoveError, Kind, usage_error
from imgmove.core.findings import Finding
from imgmove.core.formats import DiskFormat
from imgmove.core.jobs import Job, Resource
from imgmove.core.ports import Journal, ObjectStore
from imgmove.core.requests import (
    Architecture,
    BootMode,
    CreateRequest,
    ImportRequest,
    Operation,
    TransferRequest,
)
from imgmove.core.tasks import OsChoice
from imgmove.engine.clock import Clock, SystemClock

if TYPE_CHECKING:
    from imgmove.app.check import CheckReport


class Session:
    """One profile, one environment, one journal. Safe to use from several threads, one operation each."""

    def __init__(
        self,
        profile: str = "",
        *,
        environment: Mapping[str, str] | None = None,
        home: Path | None = None,
        registry: Registry | None = None,
        journal: Journal | None = None,
        clock: Clock | None = None,
        chance: random.Random | None = None,
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        self.configuration = Configuration.load(
            profile, process_environment() if environment is None else environment, home or Path.home(), self.clock.now
        )
        self.resolver = Resolver(
            registry or Registry.installed(),
            self.configuration,
            lambda name: Configuration.load(
                name, self.configuration.environment, self.configuration.home, self.clock.now
            ),
        )
        self._journal = journal
        self._stores: dict[tuple[str, str, str, str], ObjectStore] = {}
        self._jobs = JobStarter(
            self.resolver,
            self._end_store,
            lambda: self.journal,
            self._beforehand,
            self.clock,
            chance or random.SystemRandom(),
        )

    @property
    def journal(self) -> Journal:
        """The journal, opened when it is first needed."""
        if self._journal is None:
            from imgmove.journal.sqlite import SqliteJournal

            state = directories(self.configuration.environment).state
            self._journal = SqliteJournal(state / "journal.sqlite3")
        return self._journal

    # ---------------------------------------------------------------------------------------------- operations

    def export(
        self,
        images: Sequence[str],
        bucket: str,
        *,
        provider: str | None = None,
        region: str | None = None,
        disk_format: str | None = None,
        prefixes: Sequence[str] = (),
        root_disk_only: bool = False,
        role_name: str = "",
        force: bool = False,
        dry_run: bool = False,
        attendance: Attendance | None = None,
    ) -> Result:
        """Export images (ids or addresses) of one region to `bucket`. Not idempotent: each call exports.

        `force` goes on past findings that are our own judgement.
        """
        place, ids = self.resolver.things(images, provider, region)
        requests = export_requests(
            place,
            ids,
            bucket_name(place, bucket),
            DiskFormat(disk_format) if disk_format else None,
            prefixes,
            root_disk_only,
            role_name,
        )
        return self._jobs.operate(
            place, requests, dry_run, attendance, lambda look: look.before_export(place, requests, force=force)
        )

    def import_image(
        self,
        source: str,
        name: str,
        *,
        provider: str | None = None,
        region: str | None = None,
        bucket: str | None = None,
        data_disks: Sequence[str] = (),
        disk_sizes: Sequence[int] = (),
        disk_format: str | None = None,
        os_type: str = "",
        os_version: str = "",
        architecture: str | None = None,
        boot_mode: str | None = None,
        license_: str = "",
        description: str = "",
        family: str = "",
        tags: Mapping[str, str] | None = None,
        role_name: str = "",
        detect: bool = False,
        nvme: bool | None = None,
        init: str = "",
        force: bool = False,
        dry_run: bool = False,
        attendance: Attendance | None = None,
    ) -> Result:
        """Register an image from an object of the provider's own store, or (ECM) from an image of CVM."""
        parsed = parse_address(source)
        if isinstance(parsed, Uri) and self.resolver.registry.is_provider(parsed.scheme):
            return self._import_of_image(
                source, name, provider, region, description, dict(tags or {}), dry_run, attendance
            )
        place = import_place(self.resolver, parsed.scheme if isinstance(parsed, Uri) else None, provider, region)
        disks = disk_sources(self.resolver, place, [source, *data_disks], bucket, disk_format, disk_sizes)
        request = ImportRequest(
            name=name,
            disks=disks,
            description=description,
            architecture=Architecture(architecture) if architecture else None,
            os_type=os_type,
            os_version=os_version,
            boot_mode=BootMode(boot_mode) if boot_mode else None,
            license=license_,
            family=family,
            tags=dict(tags or {}),
            role_name=role_name,
            force=force,
            detect=detect,
            nvme=nvme,
            init=init,
        )
        check_import(place, request)
        return self._jobs.operate(
            place, [request], dry_run, attendance, lambda look: self._before_import(look, place, request)
        )

    def _before_import(self, look: Beforehand, place: Place, request: ImportRequest) -> Sequence[Finding]:
        findings = look.before_import(place, request)
        if not request.force:
            look.reads().ask(lambda: look_at_disks(self.resolver, place, request))
        return findings

    def _import_of_image(
        self,
        source: str,
        name: str,
        provider: str | None,
        region: str | None,
        description: str,
        tags: dict[str, str],
        dry_run: bool,
        attendance: Attendance | None,
    ) -> Result:
        address = self.resolver.image(source)
        if not isinstance(address, ImageAddress) or not provider:
            raise usage_error(
                f"{source} is an image; which service should fetch it?",
                "give --provider (and --region) of the destination",
            )
        place = self.resolver.place(provider, region)
        abilities = place.abilities
        if address.provider not in abilities.transfer_from:
            raise ImgmoveError(
                Kind.UNSUPPORTED, f"{abilities.title} cannot fetch an image of {address.provider} by itself",
                code="UnsupportedOperation", hint="export it, and import the object",
            )  # fmt: skip
        abilities.image_name.check(name)
        request = TransferRequest(name, address.provider, address.region, address.id, description, tags)
        return self._jobs.operate(place, [request], dry_run, attendance)

    def create(
        self,
        instance: str,
        name: str,
        *,
        provider: str | None = None,
        region: str | None = None,
        description: str = "",
        force_poweroff: bool = False,
        disk_ids: Sequence[str] = (),
        snapshot_ids: Sequence[str] = (),
        sysprep: bool = False,
        tags: Mapping[str, str] | None = None,
        family: str = "",
        boot_mode: str | None = None,
        dry_run: bool = False,
        attendance: Attendance | None = None,
    ) -> Result:
        """Make an image of an instance (an id or an address)."""
        place, ids = self.resolver.things([instance], provider, region)
        request = CreateRequest(
            name=name,
            instance_id=ids[0],
            description=description,
            force_poweroff=force_poweroff,
            disk_ids=tuple(disk_ids),
            snapshot_ids=tuple(snapshot_ids),
            sysprep=sysprep,
            tags=dict(tags or {}),
            family=family,
            boot_mode=BootMode(boot_mode) if boot_mode else None,
        )
        check_create(place, request)
        return self._jobs.operate(place, [request], dry_run, attendance)

    def migrate(
        self,
        source: str,
        destination: str,
        *,
        source_bucket: str = "",
        dest_bucket: str = "",
        source_region: str = "",
        dest_region: str = "",
        source_profile: str = "",
        dest_profile: str = "",
        name: str = "",
        disk_format: str | None = None,
        root_disk_only: bool = False,
        description: str = "",
        os_type: str = "",
        os_version: str = "",
        architecture: str | None = None,
        boot_mode: str | None = None,
        license_: str = "",
        tags: Mapping[str, str] | None = None,
        export_role: str = "",
        import_role: str = "",
        force: bool = False,
        keep_staged: bool = False,
        check: bool = False,
        workers: int = 8,
        part_bytes: float | None = None,
        bandwidth: str = "off",
        attendance: Attendance | None = None,
    ) -> Result:
        """Move an image the whole way: export, copy, import, verify, clean up; or by the provider's own copy."""
        asked = asked_for(
            self.resolver, source, destination, source_bucket=source_bucket, dest_bucket=dest_bucket,
            source_region=source_region, dest_region=dest_region, source_profile=source_profile,
            dest_profile=dest_profile, name=name, disk_format=disk_format, root_disk_only=root_disk_only,
            export_role=export_role, import_role=import_role, description=description, os_type=os_type,
            os_version=os_version, architecture=architecture, boot_mode=boot_mode, license_=license_, tags=tags,
            force=force, keep_staged=keep_staged, check=check, workers=workers, part_bytes=part_bytes,
            bandwidth=bandwidth,
        )  # fmt: skip
        if check:
            _need_readers()
        from_, to = asked.source, asked.destination
        planned = transfer_steps(from_, to, asked.request) if asked.same_account else None
        steps, request = planned or export_steps(from_, to, asked.request)
        self.resolver.of_profile(source_profile).compute(from_)
        self.resolver.of_profile(dest_profile).compute(to)
        return self._jobs.start(Operation.MIGRATE, encode(request), steps, attendance)

    def doctor(
        self, source: str, destination: str, *, stop: threading.Event | None = None, **options: Any
    ) -> DoctorReport:
        """Every check of a migration, with no side effect. `options` are those of `migrate`; buckets may be left out.

        Raises only for words that make no sense, and INTERRUPTED once `stop` is set: whatever else is wrong is found.
        """
        wanted = for_report(asked_for(self.resolver, source, destination, **options))
        return DoctorReport.of(source, destination, self._beforehand(stop).report(wanted))

    def roles(
        self, provider: str, *, export_role: str = "", import_role: str = "", stop: threading.Event | None = None
    ) -> Roles:
        """The service roles that the provider's exports and imports need: `show()` and `create()`."""
        return Roles(self.resolver, provider, self._beforehand(stop).reads(), (export_role, import_role))

    def copy(
        self,
        source: str,
        destination: str,
        *,
        disk_format: str | None = None,
        source_region: str = "",
        dest_region: str = "",
        source_profile: str = "",
        dest_profile: str = "",
        workers: int = 8,
        part_bytes: float | None = None,
        bandwidth: str = "off",
        attendance: Attendance | None = None,
    ) -> Result:
        """Copy an object or file, or all below a prefix, between any two stores. Safe to repeat: what is there is kept."""
        steps = plan_copy(
            parse_end(self.resolver, source, source_region, source_profile),
            parse_end(self.resolver, destination, dest_region, dest_profile),
            self._end_store,
            disk_format=DiskFormat(disk_format) if disk_format else None,
            workers=workers,
            part_bytes=int(part_bytes) if part_bytes else None,
            bandwidth=bandwidth,
        )
        return self._jobs.start(Operation.COPY, {"source": source, "destination": destination}, steps, attendance)

    def check(
        self,
        what: str,
        provider: str,
        *,
        origin: str | None = None,
        region: str = "",
        disk_format: str | None = None,
        boot_mode: str | None = None,
        max_read_bytes: float | None = None,
        progress: Callable[[int, int], None] | None = None,
        stop: threading.Event | None = None,
    ) -> CheckReport:
        """Would the disk image `what` (a file or an object) start on `provider`? Reads a few MB of it, changes nothing.

        What is wrong with the image is in the report; raises for what is wrong with the look.
        """
        from imgmove.app.check import check_image, limits_of, target_of  # the rules and readers are for those who check

        _need_readers()
        named = self.resolver.registry.provider
        name, cloud = named(provider)
        target = target_of(name, named(origin)[0] if origin else "", BootMode(boot_mode) if boot_mode else None)
        end, is_prefix = parse_end(self.resolver, what, region)
        if is_prefix:
            raise usage_error(f"{what!r} is a prefix or a directory, not an image", "name one object or file")
        reads = self._beforehand(stop).reads()
        image = reads.ask(lambda: StoredImage.of(self._end_store(end), end.key)).patiently(reads.ask)
        return check_image(
            image, DiskFormat(disk_format) if disk_format else None, target, cloud.services[name].title,
            limits=limits_of(max_read_bytes), progress=progress, stop=stop, monotonic=self.clock.monotonic,
        )  # fmt: skip

    def status(
        self,
        identifier: str,
        provider: str | None = None,
        region: str | None = None,
        *,
        attendance: Attendance | None = None,
    ) -> Result:
        """The state of a job, or of a vendor's task or image; with `attendance.wait` once it ended. Submits nothing."""
        return StatusReader(self.resolver, self.journal, self.clock).read(
            identifier, provider, region, attendance or Attendance(wait=False)
        )

    def resume(self, job_id: str, *, attendance: Attendance | None = None) -> Result:
        """Take a job up where it stopped; failed steps are tried again, with new tokens. Nothing is done twice."""
        return self._jobs.run(job_id, attendance or Attendance(), again=True)

    def cancel(self, job_id: str) -> tuple[Result, list[str]]:
        """Cancel a job, at the provider where the provider can, and remove what it left; what could not be, in words."""
        notes = Canceller(self.journal, self.resolver.compute_at, self._leftovers(), self.clock).cancel(job_id)
        return result_of_job(self.journal.job(job_id)), notes

    def leftovers(self, job_ids: Sequence[str] = ()) -> list[tuple[Job, Sequence[Resource]]]:
        """What finished jobs (or those named) left behind, by job. Looks at what went on after a job was cancelled."""
        chosen = list(job_ids) or [job.id for job in self.jobs() if job.ended_at is not None]
        for job_id in chosen:
            if self.journal.holder(job_id) is None:
                self._leftovers().look_again(self.journal.job(job_id))
        jobs = [self.journal.job(job_id) for job_id in chosen]
        return [(job, leftovers_of(job)) for job in jobs if leftovers_of(job)]

    def clean(self, job_id: str) -> list[tuple[Resource, ImgmoveError]]:
        """Remove what a job left behind; what could not be, with why. HELD where another process runs the job."""
        with self.journal.hold(job_id):
            return self._leftovers().remove(self.journal.job(job_id))

    def _leftovers(self) -> Leftovers:
        return Leftovers(self._end_store, self.resolver.compute_at, self.journal, self.clock)

    # --------------------------------------------------------------------------------------------------- reading

    def images(self, provider: str | None = None, region: str | None = None) -> list[dict[str, Any]]:
        """The account's own images in every state, as the contract's rows."""
        place = self.resolver.place(provider, region)
        service = self.resolver.compute(place)
        images = self._beforehand().reads().ask(lambda: list(service.images()))
        return [image_row(place.provider, place.region, image) for image in images]

    def os_choices(self, provider: str | None = None, region: str | None = None) -> Sequence[OsChoice]:
        """The operating systems that an import may name."""
        return self.resolver.compute(self.resolver.place(provider, region)).os_choices()

    def providers(self) -> list[Abilities]:
        """What each service can and cannot do."""
        return list(self.resolver.registry.abilities())

    def jobs(self) -> Sequence[Job]:
        """All jobs of the journal, newest first."""
        return self.journal.jobs()

    # ---------------------------------------------------------------------------------------------------- inside

    def _beforehand(self, stop: threading.Event | None = None) -> Beforehand:
        return Beforehand(
            self.resolver,
            self._end_store,
            self.clock,
            lambda: history_of(self.journal.jobs()),
            stop or threading.Event(),
        )

    def _end_store(self, end: End) -> ObjectStore:
        """The bucket of an end: the same store for all of its objects, so that it is asked for its region once."""
        place = (end.profile, end.scheme, end.bucket, end.region)
        if place not in self._stores:
            self._stores[place] = self.resolver.of_profile(end.profile).store(end.scheme, end.bucket, end.region)
        return self._stores[place]


def _need_readers() -> None:
    """A usage error where the extra `check` is not installed: said before anything is begun."""
    from imgmove.images.reading.process import require_libraries

    require_libraries()
