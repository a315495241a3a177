"""The requests that a migration will make, from what was asked for and what the source's image says of itself."""

from __future__ import annotations

from imgmove.app.guest import Guest
from imgmove.app.migrate_request import MigrateRequest
from imgmove.app.resolve import split_account
from imgmove.core.requests import DiskSource, ImportRequest, TransferRequest


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
