"""CVM of the second emulation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.emulators.api30 import CVM, SYSTEMS, Api, RefusedError, matches
from tests.emulators.wire import Film


class Cvm(Api):
    """CVM with the buckets that it can write to."""

    version, table = "2017-03-12", CVM

    def __init__(self, now: Callable[[], float], cos: Any, ways: Mapping[str, Any]) -> None:
        super().__init__(now, ways)
        self.cos = cos
        #: image id to its export: a film of (image state, objects by disk)
        self.exports: dict[str, Film] = {}
        self.names: dict[str, dict[str, str]] = {}
        self.script: list[tuple[Any, ...]] = [("EXPORTING", {}), ("NORMAL", {"system": b"disk " * 40})]

    def own(self, image_id: str = "img-web00001", name: str = "web", disks: int = 1, **fields: Any) -> str:
        kinds = ["SYSTEM_DISK", *["DATA_DISK"] * (disks - 1)]
        snapshots = [{"SnapshotId": f"snap-{kind[:3].lower()}{number}", "DiskUsage": kind, "DiskSize": 50}
                     for number, kind in enumerate(kinds)]  # fmt: skip
        self.put(image_id, name, "NORMAL", **{
            "OsName": "Debian 12.0 64bit", "ImageType": "PRIVATE_IMAGE", "CreatedTime": self.stamp(ago=86400),
            "ImageDescription": "", "ImageSize": 50, "Architecture": "x86_64", "Platform": "Debian",
            "ImageCreator": "100", "ImageSource": "CREATE_IMAGE", "SyncPercent": None, "IsSupportCloudinit": True,
            "SnapshotSet": snapshots, "Tags": [], "ImageFamily": "", "LicenseType": "TencentCloud",
            "ImageDeprecated": False, **fields,
        })  # fmt: skip
        return image_id

    def do_DescribeImages(self, values: Mapping[str, Any], region: str) -> dict[str, Any]:
        if not region:
            raise RefusedError("MissingParameter", "Region")
        if "ImageIds" in values and "Filters" in values:
            raise RefusedError("InvalidParameter.InvalidParameterCoexistImageIdsFilters")
        wanted = values.get("ImageIds", list(self.images))
        shown = [image for name in wanted if name in self.images and (image := self._look(name)) is not None]
        if "ImageIds" in values and len(shown) < len(wanted) and "unknown id is an error" in self.ways:
            raise RefusedError("InvalidImageId.NotFound")
        names = {"image-id": "ImageId", "image-type": "ImageType", "image-name": "ImageName", "platform": "Platform"}
        return self.page(values, [image for image in shown if matches(image, values.get("Filters", []), names)])

    def do_DescribeImageQuota(self, _values: Mapping[str, Any], _region: str) -> dict[str, Any]:
        limit = self.ways.get("quota", 500)
        return {"ImageNumQuota": str(limit) if "numbers as text" in self.ways else limit}

    def do_DescribeAccountQuota(self, _values: Mapping[str, Any], region: str) -> dict[str, Any]:
        if not region:
            raise RefusedError("MissingParameter", "Region")
        overview = None if "few fields" in self.ways else {"Region": region, "AccountQuota": {"ImageQuotaSet": None}}
        return {"AppId": self.ways.get("app id", 1250000000), "AccountQuotaOverview": overview}

    def _look(self, image_id: str) -> dict[str, Any] | None:
        image = self.shown(image_id)
        if image_id not in self.exports:
            return image
        look, objects = self.exports[image_id].look()
        for disk, body in objects.items():
            self.cos.write(self.names[image_id][disk], body)
        if look is None:
            return None
        return {**(image or {}), **(look if isinstance(look, dict) else {"ImageState": look})}

    def do_ExportImages(self, values: Mapping[str, Any], region: str) -> dict[str, Any]:
        image_ids = values.get("ImageIds", [])
        if not region or not image_ids:
            raise RefusedError("InvalidParameter.ImageIdsSnapshotIdsMustOne")
        if len(values.get("FileNamePrefixList", image_ids)) != len(image_ids):
            raise RefusedError("InvalidParameterValue.InvalidFileNamePrefixList")
        if values["BucketName"] not in self.cos.buckets:
            raise RefusedError("InvalidParameterValue.BucketNotFound")
        for image_id in image_ids:
            if image_id not in self.images:
                raise RefusedError("InvalidImageId.NotFound", image_id)
            if image_id in self.exports and not self.exports[image_id].is_over:
                raise RefusedError("InvalidParameterValue.InvalidImageState")
        if self.dry(values):
            return {}
        prefixes = values.get("FileNamePrefixList", [""] * len(image_ids))
        paths = [path for item in zip(image_ids, prefixes, strict=True) for path in self._begin(*item, values)]
        return self._export_answer(paths)

    def _begin(self, image_id: str, prefix: str, values: Mapping[str, Any]) -> list[str]:
        ending = self.ways.get("ending", values.get("ExportFormat", "RAW").lower())
        named = self.ways.get("named", image_id)
        start = f"{prefix}_{named}" if prefix else named
        snapshots = self.images[image_id]["fields"].get("SnapshotSet") or [{"SnapshotId": "snap-x"}]
        disks = ["system"] if values.get("OnlyExportRootDisk") else ["system", "data"][: len(snapshots)]
        names = {
            disk: f"{start}_{disk}_{item['SnapshotId']}.{ending}"
            for disk, item in zip(disks, snapshots, strict=False)
        }  # fmt: skip
        self.names[image_id] = {disk: f"{values['BucketName']}/{key}" for disk, key in names.items()}
        self.exports[image_id] = Film(*self.script)
        return list(names.values())

    def _export_answer(self, keys: list[str]) -> dict[str, Any]:
        paths: Any = {"slash": [f"/{key}" for key in keys], "bare": keys, "null": None, "empty": []}.get(
            self.ways.get("cos paths", "slash"), ...
        )
        task: Any = {"number": 105591590, "text": "105591590", "null": None}.get(
            self.ways.get("task id", "number"), ...
        )
        answer = {"TaskId": task, "CosPaths": paths}
        return {name: value for name, value in answer.items() if value is not ...}

    def do_ImportImage(self, values: Mapping[str, Any], _region: str) -> dict[str, Any]:
        if any(image["fields"]["ImageName"] == values["ImageName"] for image in self.images.values()):
            raise RefusedError("InvalidImageName.Duplicate")
        if values["OsType"] not in [name for names in SYSTEMS.values() for name in names]:
            raise RefusedError("InvalidImageOsType.Unsupported", values["OsType"])
        for url in [values["ImageUrl"], *(item["ImageUrl"] for item in values.get("ImportImageDataDiskList", ()))]:
            bucket, key = self.check_url(url)
            if not self.cos.has(bucket, key):
                raise RefusedError("InvalidParameter.InvalidParameterUrlError", url)
        if self.dry(values):
            return {}
        image_id = self._make(values, "EXTERNAL_IMPORT", self.ways.get("import looks", ["IMPORTING", "NORMAL"]))
        return {"ImageId": image_id} if self.ways.get("import id", True) else {}

    def do_CreateImage(self, values: Mapping[str, Any], _region: str) -> dict[str, Any]:
        if ("InstanceId" in values) == ("SnapshotIds" in values):
            raise RefusedError("InvalidParameter")
        if any(image["fields"]["ImageName"] == values["ImageName"] for image in self.images.values()):
            raise RefusedError("InvalidImageName.Duplicate")
        if values.get("InstanceId") == "ins-nothere0":
            raise RefusedError("InvalidInstanceId.NotFound")
        if self.dry(values):
            return {}
        looks = self.ways.get("create looks", ["CREATING", "NORMAL"])
        return {"ImageId": self._make(values, "CREATE_IMAGE", looks)}

    def _make(self, values: Mapping[str, Any], source: str, looks: list[Any]) -> str:
        image_id = f"img-new{next(self.numbers):05d}"
        snapshots = [{"SnapshotId": "snap-new", "DiskUsage": "SYSTEM_DISK", "DiskSize": 50}]
        self.own(image_id, values["ImageName"], ImageSource=source, CreatedTime=self.stamp(), SnapshotSet=snapshots)
        self.images[image_id]["film"] = Film(*looks)
        return image_id

    def do_SyncImages(self, values: Mapping[str, Any], _region: str) -> dict[str, Any]:
        image_id = self._make(values, "CREATE_IMAGE", self.ways.get("sync looks", ["SYNCING", "NORMAL"]))
        if not values.get("ImageSetRequired"):
            return {"ImageSet": []}
        return {"ImageSet": [{"ImageId": image_id, "Region": values["DestinationRegions"][0]}]}

    def do_DeleteImages(self, values: Mapping[str, Any], _region: str) -> dict[str, Any]:
        for image_id in values["ImageIds"]:
            self.images.pop(image_id, None)
        return {}
