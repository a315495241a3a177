"""What a migration was asked for, as its job's plan keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field

from imgmove.core.codec import decode
from imgmove.core.formats import DiskFormat
from imgmove.core.jobs import Job
from imgmove.core.requests import Architecture, BootMode, ExportRequest


@dataclass(frozen=True)
class MigrateRequest:
    """What `imgmove migrate` was asked for. Empty and None: found out by preflight."""

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
    check: bool = False
    """Look into the exported image before it is copied."""
    own_copy: bool = False
    """The destination's provider fetches the image by itself: nothing is exported or copied by us."""

    @classmethod
    def of(cls, job: Job) -> MigrateRequest:
        return decode(cls, job.plan)


def export_request(request: MigrateRequest, exported: DiskFormat) -> ExportRequest:
    """The export of a migration, in the format that its route chose."""
    return ExportRequest(
        (request.image_id,), request.source_bucket, exported,
        root_disk_only=request.root_disk_only, role_name=request.export_role,
    )  # fmt: skip
