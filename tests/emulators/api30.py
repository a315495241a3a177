"""CVM and ECM once more, from the vendor's pages and definitions alone: the envelope and the tables of parameters.

`ways` are legal readings of the documents; each test says which one it wants. Nothing is signed or verified here
beyond the presence of what API 3.0 sends.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from tests.emulators.wire import Ask, Film, Say, Service, say_json

FILTERS: Final = [{"Name": str, "Values": [str]}]
TAGS: Final = [{"ResourceType": str, "Tags": [{"Key": str, "Value": str}]}]
#: Action to parameters: name to type, `!` for a required one. From the pages and the definitions (tencent.md 2.1).
CVM: Final[dict[str, dict[str, Any]]] = {
    "ExportImages": {"BucketName!": str, "ImageIds": [str], "ExportFormat": str, "FileNamePrefixList": [str],
                     "OnlyExportRootDisk": bool, "DryRun": bool, "RoleName": str},
    "ImportImage": {"Architecture!": str, "OsType!": str, "OsVersion!": str, "ImageUrl!": str, "ImageName!": str,
                    "ImageDescription": str, "DryRun": bool, "Force": bool, "TagSpecification": TAGS,
                    "LicenseType": str, "BootMode": str, "ImageFamily": str,
                    "ImportImageDataDiskList": [{"ImageUrl": str}]},
    "CreateImage": {"ImageName!": str, "InstanceId": str, "SnapshotIds": [str], "ImageDescription": str,
                    "ForcePoweroff": str, "Sysprep": str, "DataDiskIds": [str], "DryRun": bool,
                    "TagSpecification": TAGS, "ImageFamily": str},
    "DescribeImages": {"ImageIds": [str], "Filters": FILTERS, "Offset": int, "Limit": int, "InstanceType": str},
    "DescribeImportImageOs": {},
    "DescribeImageQuota": {},
    "DescribeAccountQuota": {"Filters": FILTERS},
    "DeleteImages": {"ImageIds!": [str], "DeleteBindedSnap": bool, "DryRun": bool},
    "SyncImages": {"ImageIds!": [str], "DestinationRegions!": [str], "DryRun": bool, "ImageName": str,
                   "ImageSetRequired": bool, "Encrypt": bool, "KmsKeyId": str},
}  # fmt: skip
ECM: Final[dict[str, dict[str, Any]]] = {
    "CreateImage": {"ImageName!": str, "InstanceId!": str, "ImageDescription": str, "ForcePoweroff": str},
    "ImportImage": {"ImageId!": str, "ImageDescription!": str, "SourceRegion!": str},
    "ImportCustomImage": {"ImageName!": str, "Architecture!": str, "OsType!": str, "OsVersion!": str,
                          "ImageDescription": str, "InitFlag": str, "ImageUrls": [{"ImageFile": str}]},
    "DescribeImage": {"Filters": FILTERS, "Offset": int, "Limit": int},
    "DescribeImportImageOs": {},
    "DescribeTaskStatus": {"TaskSet!": [{"Operation": str, "TaskId": str}]},
    "DescribeCustomImageTask": {"Filters!": FILTERS},
    "DeleteImage": {"ImageIDSet!": [str]},
}  # fmt: skip
SYSTEMS: Final = {"Windows": ["Windows Server 2012", "Windows Server 2016"],
                  "Linux": ["CentOS", "Ubuntu", "Debian", "Other Linux"]}  # fmt: skip
OS_LIST: Final[dict[str, Any]] = {
    "ImportImageOsListSupported": SYSTEMS,
    "ImportImageOsVersionSet": [
        {"OsName": "CentOS", "OsVersions": ["6", "7"], "Architecture": ["x86_64", "i386"]},
        {"OsName": "Ubuntu", "OsVersions": ["14", "16", "22"], "Architecture": ["x86_64"]},
        {"OsName": "Debian", "OsVersions": ["8", "9", "12"], "Architecture": ["x86_64"]},
        {"OsName": "Other Linux", "OsVersions": ["-"], "Architecture": ["x86_64", "i386"]},
        {"OsName": "Windows Server 2016", "OsVersions": ["-"], "Architecture": ["x86_64"]},
    ],
}  # fmt: skip


class RefusedError(Exception):
    def __init__(self, code: str, message: str = "refused by the emulation") -> None:
        super().__init__(code, message)
        self.code, self.message = code, message


def check(given: Any, wanted: Any, where: str) -> None:
    """The gateway's look at types and names, before the service sees anything."""
    kind = type(wanted) if isinstance(wanted, list | dict) else wanted
    if type(given) is not kind:
        raise RefusedError("InvalidParameter", f"{where} is not of the type {kind.__name__}")
    if isinstance(wanted, list):
        for number, item in enumerate(given):
            check(item, wanted[0], f"{where}.{number}")
    elif isinstance(wanted, dict) and isinstance(given, dict):
        check_names(given, wanted)


def check_names(given: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    known = {name.rstrip("!"): kind for name, kind in wanted.items()}
    for name, value in given.items():
        if name not in known:
            raise RefusedError("UnknownParameter", f"The parameter `{name}` is not recognized.")
        check(value, known[name], name)
    for name in wanted:
        if name.endswith("!") and name.rstrip("!") not in given:
            raise RefusedError("MissingParameter", f"The request is missing `{name.rstrip('!')}`.")


class Api(Service):
    """What all services have in common: the envelope of API 3.0. `closed` names actions (or `*`) and the code for them."""

    version = ""
    table: Mapping[str, Mapping[str, Any]] = {}

    def __init__(self, now: Callable[[], float], ways: Mapping[str, Any]) -> None:
        super().__init__()
        self.now, self.ways = now, dict(ways)
        self.images: dict[str, dict[str, Any]] = {}
        self.tasks: dict[str, Film] = {}
        self.refusals: dict[str, list[str]] = {}
        self.numbers = itertools.count(1)
        self.name, self.answer = self._named, self._answered

    @staticmethod
    def _named(ask: Ask) -> Ask:
        values = json.loads(ask.body or b"{}") if ask.headers.get("x-tc-action") else {}
        action = ask.headers.get("x-tc-action", "")
        return Ask(ask.method, ask.path, ask.query, ask.headers, ask.body, action, values)

    def _answered(self, ask: Ask) -> Say:
        request_id = f"r-{next(self.numbers):04d}"
        try:
            self._look_at_envelope(ask)
            waiting = self.refusals.get(ask.what)
            if waiting:
                raise RefusedError(waiting.pop(0))
            found = getattr(self, f"do_{ask.what}")(ask.values, ask.headers.get("x-tc-region", ""))
            response = {**found, "RequestId": request_id}
        except RefusedError as refusal:
            response = {"Error": {"Code": refusal.code, "Message": refusal.message}, "RequestId": request_id}
        if "charset" in self.ways:
            return say_json({"Response": response}, content_type="application/json; charset=utf-8")
        return say_json({"Response": response} | self.ways.get("beside", {}))

    def _look_at_envelope(self, ask: Ask) -> None:
        for name in ("x-tc-action", "x-tc-version", "x-tc-timestamp", "authorization", "host", "content-type"):
            if not ask.headers.get(name):
                raise RefusedError("MissingParameter", f"no header {name}")
        if ask.method != "POST" or ask.path != "/" or ask.headers["content-type"] != "application/json":
            raise RefusedError("InvalidRequest")
        if not ask.headers["authorization"].startswith("TC3-HMAC-SHA256 Credential=AKIDemulator/"):
            raise RefusedError("AuthFailure.SignatureFailure")
        if ask.headers["x-tc-version"] != self.version:
            raise RefusedError("NoSuchVersion")
        if ask.what not in self.ways.get("only", self.table):
            raise RefusedError("InvalidAction")
        closed = self.ways.get("closed", {})
        if closed.get(ask.what) or closed.get("*"):
            raise RefusedError(closed.get(ask.what) or closed["*"], "you are not authorized to perform this operation")
        check(ask.values, self.table[ask.what], "")

    def dry(self, values: Mapping[str, Any]) -> bool:
        """True where it was only a dry run that passed, said in the way that was chosen."""
        if not values.get("DryRun"):
            return False
        if self.ways.get("dry run") == "error":
            raise RefusedError("DryRunOperation", "Request would have succeeded, but DryRun flag is set")
        return True

    def stamp(self, form: str = "%Y-%m-%dT%H:%M:%SZ", ago: float = 0.0) -> str:
        return datetime.fromtimestamp(self.now() - ago, UTC).strftime(form)

    def put(self, image_id: str, name: str, *looks: Any, **fields: Any) -> None:
        """An image that shows `looks` one after the other: a state, a dictionary of fields, or None (not there)."""
        self.images[image_id] = {"fields": {"ImageId": image_id, "ImageName": name, **fields}, "film": Film(*looks)}

    def shown(self, image_id: str) -> dict[str, Any] | None:
        image = self.images[image_id]
        look = image["film"].look()
        if look is None:
            return None
        fields = {**image["fields"], **(look if isinstance(look, dict) else {"ImageState": look})}
        if "few fields" in self.ways:
            kept = ("ImageId", "ImageName", "ImageState", *self.ways.get("also", ()))
            return {name: value for name, value in fields.items() if name in kept}
        if "numbers as text" in self.ways:
            return {name: str(value) if isinstance(value, int) else value for name, value in fields.items()}
        return fields

    def page(self, values: Mapping[str, Any], found: list[dict[str, Any]]) -> dict[str, Any]:
        offset, limit = values.get("Offset", 0), min(values.get("Limit", 20), self.ways.get("page", 100))
        if not found and "null sets" in self.ways:
            return {"TotalCount": 0, "ImageSet": None}
        total = str(len(found)) if "numbers as text" in self.ways else len(found)
        return {"TotalCount": total, "ImageSet": found[offset : offset + limit]}

    def check_url(self, url: str) -> tuple[str, str]:
        """Bucket and key of the object; it must be COS's own URL, signed (tencent.md 3.4)."""
        parts = urlsplit(url)
        bucket, _, rest = (parts.hostname or "").partition(".cos.")
        if not rest.endswith(".myqcloud.com") or "q-signature=" not in parts.query:
            raise RefusedError("InvalidParameter.InvalidParameterUrlError", url)
        return bucket, unquote(parts.path.lstrip("/"))

    def do_DescribeImportImageOs(self, _values: Mapping[str, Any], _region: str) -> dict[str, Any]:
        if "null os lists" in self.ways:
            return {"ImportImageOsListSupported": None, "ImportImageOsVersionSet": None}
        return dict(OS_LIST)


def matches(image: Mapping[str, Any], filters: list[dict[str, Any]], names: Mapping[str, str]) -> bool:
    """Filters: AND between them, OR between values; names of images are compared loosely."""
    for item in filters:
        field = names.get(item["Name"])
        if field is None:
            raise RefusedError("InvalidFilter", item["Name"])
        value = str(image.get(field, "PRIVATE_IMAGE" if field == "ImageType" else ""))
        loose = field in {"ImageName", "Platform", "ImageOsName"}
        if not any(wanted in value if loose else wanted == value for wanted in item["Values"]):
            return False
    return True
