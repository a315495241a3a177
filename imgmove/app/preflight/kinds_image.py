"""Kinds of findings about the image, and about the way that it will take."""

from __future__ import annotations

from typing import Final

from imgmove.app.preflight.kinds import FindingKind, Section
from imgmove.core.errors import Kind
from imgmove.core.findings import Severity

_BLOCK, _WARN, _INFO = Severity.BLOCK, Severity.WARN, Severity.INFO
_IMAGE = Section.IMAGE

IMAGE_KINDS: Final = (
    FindingKind(
        "image-missing", _IMAGE, _BLOCK, Kind.NOT_FOUND, "An image that does not exist",
        "{error}",
        "there is nothing to move",
        "check id, region and account: `imgmove images --provider {provider} --region {region}` lists what is there",
    ),
    FindingKind(
        "image-denied", _IMAGE, _BLOCK, Kind.DENIED, "An image that we may not look at",
        "{about} may not be looked at: {error}",
        "its disks and its system decide the way, and without them nothing can be planned",
        "allow the key to describe images in {region}",
    ),
    FindingKind(
        "image-busy", _IMAGE, _BLOCK, Kind.CONFLICT, "An image that is not ready",
        "{about} is {state}",
        "{title} works only with images at rest",
        "wait until `imgmove status {about}` says that it is usable; an image that failed has to be made anew",
        waivable=True,
    ),
    FindingKind(
        "image-owner", _IMAGE, _BLOCK, Kind.UNSUPPORTED, "An image of somebody else",
        "{about} is a {owner} image; {title} lets {owners} images {operation}",
        "the {operation} is refused",
        "start an instance from it, make an image of that (`imgmove create`), and move that one",
        waivable=True,
    ),
    FindingKind(
        "image-encrypted", _IMAGE, _BLOCK, Kind.UNSUPPORTED, "An encrypted image",
        "{about} has encrypted disks",
        "{title} does not {operation} encrypted images",
        "copy the data to unencrypted disks of an instance, and make an image of that",
        waivable=True,
    ),
    FindingKind(
        "image-platform", _IMAGE, _BLOCK, Kind.UNSUPPORTED, "A system whose licence may not leave",
        "{about} is {platform}",
        "{title} does not {operation} {word} images: the licence is the vendor's",
        "move it from inside the machine with a tool of the guest (disk2vhd, dd), and `imgmove copy` the file",
        waivable=True,
    ),
    FindingKind(
        "image-from-market", _IMAGE, _BLOCK, Kind.UNSUPPORTED, "An image that came from the marketplace",
        "{about} derives from a marketplace image ({product})",
        "{title} does not {operation} it",
        "build it anew on a public or an own base image",
        waivable=True,
    ),
    FindingKind(
        "disk-too-large", _IMAGE, _BLOCK, Kind.UNSUPPORTED, "A disk that is too large for the export",
        "the {disk} disk of {about} has {size} GiB; {title} exports disks of at most {limit} GiB",
        "the export is refused",
        "leave data disks out with --root-disk-only, or move the data to a smaller disk first",
        waivable=True,
    ),
    FindingKind(
        "too-many-disks", _IMAGE, _BLOCK, Kind.UNSUPPORTED, "More disks than one image may have",
        "{about} has {count} disks; {title} {operation}s at most {limit} as one image",
        "the {operation} is refused",
        "give --root-disk-only, and bring the data disks over as images of their own",
        waivable=True,
    ),
    FindingKind(
        "no-route", _IMAGE, _BLOCK, Kind.UNSUPPORTED, "No format that both sides know",
        "{error}",
        "there is no way from the one to the other that imgmove could take by itself",
    ),
    FindingKind(
        "way", _IMAGE, _INFO, None, "The format that the way takes",
        "format: {route}; {travels}",
        "the smallest that works is chosen by itself; --format asks for another",
        noted=True,
    ),
    FindingKind(
        "own-copy", _IMAGE, _INFO, None, "A copy that the vendor makes by itself",
        "{title} fetches the image by itself: nothing is exported, and no byte passes through here",
    ),
    FindingKind(
        "export-refused", _IMAGE, _BLOCK, None, "An export that the vendor would refuse",
        "{title} would refuse the export of {about}: {error}",
        "this is the vendor's own dry run",
    ),
)  # fmt: skip
