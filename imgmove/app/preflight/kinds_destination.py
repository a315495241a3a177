"""Kinds of findings about the other side, and about time and money."""

from __future__ import annotations

from typing import Final

from imgmove.app.preflight.kinds import FindingKind, Section
from imgmove.core.errors import Kind
from imgmove.core.findings import Severity

_BLOCK, _WARN, _INFO = Severity.BLOCK, Severity.WARN, Severity.INFO
_THERE, _COST = Section.DESTINATION, Section.ESTIMATE

DESTINATION_KINDS: Final = (
    FindingKind(
        "name-taken", _THERE, _BLOCK, Kind.EXISTS, "A name that is taken",
        "{title} in {region} has an image named {name!r} already",
        "names of images are unique there, and the import is refused when export and copy are done",
        "give another --name, or delete the old one if it is a leftover",
    ),
    FindingKind(
        "name-illegal", _THERE, _BLOCK, Kind.INVALID, "A name that is not allowed there",
        "{error}",
        "the import is refused when export and copy are done",
        "choose another with --name",
    ),
    FindingKind(
        "quota-full", _THERE, _BLOCK, Kind.QUOTA, "No room for another image",
        "{title} in {region} holds {used} of {limit} images",
        "the import is refused when export and copy are done",
        "delete images that nobody needs (`imgmove images --provider {provider} --region {region}`), or ask for more",
        waivable=True,
    ),
    FindingKind(
        "disk-too-large-there", _THERE, _BLOCK, Kind.UNSUPPORTED, "A disk that is too large for the import",
        "the {disk} disk of {about} has {size} GiB; {title} imports disks of at most {limit} GiB",
        "the import is refused when export and copy are done",
        "leave data disks out with --root-disk-only, or shrink the disk first",
        waivable=True,
    ),
    FindingKind(
        "disk-too-small-there", _THERE, _WARN, Kind.UNSUPPORTED, "A system disk smaller than the import likes",
        "the system disk of {about} has {size} GiB; {title} wants at least {limit} GiB",
        "the import may be refused when export and copy are done",
        "enlarge the disk at the source, or give the import a larger --disk-size",
    ),
    FindingKind(
        "object-too-large", _THERE, _WARN, Kind.UNSUPPORTED, "An object that may be too large for the import",
        "{about} may come to {size}; {title} takes at most {limit} in qcow2",
        "how much of the disk is really used only shows when it is exported; the import is refused if it is more",
        "free space inside the machine and run fstrim -av, or move the data separately",
    ),
    FindingKind(
        "os-mapped", _THERE, _INFO, None, "The system in the destination's words",
        "the system is imported as {system}",
        "the vendor sets the guest up by it; --os-type and --os-version say otherwise",
    ),
    FindingKind(
        "os-inexact", _THERE, _INFO, None, "A version that the destination does not list",
        "{note}",
        "the vendor sets the guest up by it; --os-type and --os-version say otherwise",
        noted=True,
    ),
    FindingKind(
        "os-unmapped", _THERE, _WARN, Kind.FAILED, "A system that the destination does not know",
        "{note}",
        "the vendor may not set up network, host name and password, and an import that has to know the system fails",
        "say the nearest one with --os-type (`imgmove import --list-os --provider {provider} --region {region}`)",
    ),
    FindingKind(
        "architecture-refused", _THERE, _BLOCK, Kind.UNSUPPORTED, "An architecture that the destination has not",
        "{about} is for {architecture}; {title} imports {known}",
        "the import is refused, or the machine does not start",
        "choose a destination that has such machines; --arch says otherwise if the image's own word is wrong",
        waivable=True,
    ),
    FindingKind(
        "boot-mode-lost", _THERE, _WARN, Kind.FAILED, "A way to start that cannot be said there",
        "{about} starts by {mode}, and {title} cannot be told so",
        "if the destination starts its machines in another way, this one does not start",
        "check that the disk starts in both ways (`imgmove check`), or choose another destination",
    ),
    FindingKind(
        "licence-own", _THERE, _WARN, None, "A licence that has to be your own",
        "Windows is imported with the licence {licence}",
        "the machine starts, and asks to be activated with a licence that you bring",
        "have the licence at hand, or say another with --license",
    ),
    FindingKind(
        "import-refused", _THERE, _BLOCK, None, "An import that the vendor would refuse",
        "{title} would refuse the import: {error}",
        "this is the vendor's own dry run",
    ),
    FindingKind(
        "copy-refused", _THERE, _BLOCK, None, "A copy that the vendor would refuse",
        "{title} would refuse to copy {about}: {error}",
        "this is the vendor's own dry run",
    ),
    FindingKind(
        "not-looked-at", _THERE, _INFO, None, "Something else that could not be asked",
        "not looked at: {question} of {title} ({error})",
        "what is wrong with it shows only when it counts",
    ),
    FindingKind(
        "time", _COST, _INFO, None, "How long it will take",
        "{estimate}",
        "{basis}",
    ),
    FindingKind(
        "cost", _COST, _INFO, None, "What it will cost",
        "{estimate}",
        "{basis}",
        "{fix}",
    ),
)  # fmt: skip
