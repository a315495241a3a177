"""CVM: one region's image service (`imgmove.core.ports.ComputeProvider`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from imgmove.clouds.tencent import (
    abilities,
    answers,
    codes_cvm,
    cvm_calls,
    cvm_images,
    export_target,
    image_watch,
    os_names,
    sdk,
)
from imgmove.clouds.tencent.account import SHARE_SECONDS, Account
from imgmove.clouds.tencent.api import Api
from imgmove.clouds.tencent.cvm_calls import Call
from imgmove.clouds.tencent.export_watch import ExportWatch
from imgmove.clouds.tencent.image_watch import ImageWatch
from imgmove.core.abilities import Abilities
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.ports import CheckResult
from imgmove.core.requests import (
    CreateRequest,
    ExportRequest,
    ImportRequest,
    Operation,
    ServiceRequest,
    operation_of,
)
from imgmove.core.settings import Settings
from imgmove.core.tasks import Handle, Image, OsChoice, TaskReport, TaskState
from imgmove.core.units import parse_duration


class Cvm:
    """CVM in one region. Every call is sent once; the engine decides on retries. Safe to use from several threads."""

    abilities: Abilities = abilities.CVM

    def __init__(self, region: str, settings: Settings) -> None:
        self.region = region
        self._now = settings.now
        self._account = Account(settings)
        grace = settings.options.get("export_grace", "")
        self._exports = ExportWatch(
            self._api(), lambda bucket: self._account.store(bucket, region), settings.now,
            parse_duration(grace) if grace else None,
        )  # fmt: skip
        self._images = ImageWatch(self._api(), settings.now)

    # ------------------------------------------------------------------------------------------ check and submit

    def check(self, request: ServiceRequest, token: str) -> CheckResult:
        """CVM's own dry run. That it passed is said by an ordinary answer or by an error (tencent.md 2.1)."""
        call = self._call_for(request, token)
        try:
            response = self._api(call.region).call(call.action, {**call.parameters, "DryRun": True})
        except ImgmoveError as error:
            if error.code in codes_cvm.DRY_RUN_PASSED:
                return CheckResult(error.request_id, notes=call.notes)
            raise
        return CheckResult(answers.text(response, "RequestId") or None, notes=call.notes)

    def submit(self, request: ServiceRequest, token: str) -> Handle:
        """Start the operation. CVM honours no token: the objects' prefix and the image's name are ours to find."""
        call = self._call_for(request, token)
        if isinstance(request, ExportRequest):
            return self._submit_export(request, token, call)
        submitted_at = self._now()
        response = self._send(call)
        image_id = answers.text(response, "ImageId") or self._copied_id(response)
        operation = operation_of(request)
        if operation is Operation.CREATE and not image_id:
            raise self._api(call.region).incomplete("ImageId", response, changes=True)
        return Handle(
            operation, self.region, image_id=image_id or None,
            request_id=answers.text(response, "RequestId") or None, submitted_at=submitted_at,
            details=dict(call.details),
        )  # fmt: skip

    def _submit_export(self, request: ExportRequest, token: str, call: Call) -> Handle:
        target = cvm_calls.export_target(request, token)
        before = self._exports.marks_before(target)
        submitted_at = self._now()
        response = self._send(call)
        task_id = answers.text(response, "TaskId")
        keys = [path.lstrip("/") for path in answers.texts(response, "CosPaths")]
        if not task_id and not keys:
            raise self._api(call.region).incomplete("TaskId and no CosPaths", response, changes=True)
        return Handle(
            Operation.EXPORT, self.region, task_id=task_id or None,
            request_id=answers.text(response, "RequestId") or None, submitted_at=submitted_at,
            details=export_target.details_of(target, keys, before),
        )  # fmt: skip

    def _send(self, call: Call) -> dict[str, Any]:
        """The answer to a call that starts something; one without any id is none of CVM's."""
        response = self._api(call.region).call(call.action, call.parameters, changes=True)
        if not any(response.get(name) for name in ("RequestId", "ImageId", "TaskId", "CosPaths", "ImageSet")):
            raise self._api(call.region).incomplete("RequestId", response, changes=True)
        return response

    def _copied_id(self, response: Mapping[str, Any]) -> str:
        """The id that SyncImages gives the copy in this region."""
        copies = answers.objects(response, "ImageSet")
        here = [item for item in copies if answers.text(item, "Region") in {"", self.region}]
        return answers.text(here[0], "ImageId") if here else ""

    def _call_for(self, request: ServiceRequest, token: str) -> Call:
        """The call for a request; INVALID or UNSUPPORTED where a rule that is known here refuses it."""
        if isinstance(request, ExportRequest):
            return cvm_calls.export_call(request, cvm_calls.export_target(request, token), self.region)
        if isinstance(request, ImportRequest):
            cvm_calls.check_import(request)
            systems = os_names.unless_closed(self._os_list)
            match = os_names.resolve(systems, request.os_type, request.os_version, force=request.force)
            stores = [(self._account.store(disk.bucket, self.region), disk.key) for disk in request.disks]
            urls = [store.share_url(key, SHARE_SECONDS) for store, key in stores]
            return cvm_calls.import_call(request, match, urls, self.region)
        if isinstance(request, CreateRequest):
            return cvm_calls.create_call(request, self.region)
        return cvm_calls.transfer_call(request, self.region)

    # --------------------------------------------------------------------------------------------- find and poll

    def find(self, request: ServiceRequest, token: str, since: float) -> Handle | None:
        if isinstance(request, ExportRequest):
            return self._exports.find(cvm_calls.export_target(request, token), since)
        return self._images.find(operation_of(request), request.name, since)

    def poll(self, handle: Handle, memo: Mapping[str, Any]) -> TaskReport:
        if handle.operation is Operation.EXPORT:
            return self._exports.poll(handle, memo)
        report = self._images.poll(handle, memo)
        return replace(report, request_id=handle.request_id)

    def look_up(self, identifier: str) -> TaskReport:
        """An image that no journal knows. CVM has no call that takes the id of an export's task (1.1)."""
        if identifier.isdecimal():
            raise ImgmoveError(
                Kind.UNSUPPORTED, "CVM has no call that tells the state of an export by its task id",
                code="TaskLookupNotSupported",
                hint="use imgmove's job id (`imgmove jobs list` shows it beside the task id), or the image's id",
            )  # fmt: skip
        image = self._existing(identifier)
        report = image_watch.report_of(image)
        if image.word == cvm_images.EXPORTING:
            return replace(report, state=TaskState.RUNNING, progress=None, message="the image is being exported")
        return report

    def cancel(self, handle: Handle) -> TaskReport:
        made = "the objects that it wrote" if handle.operation is Operation.EXPORT else "the image that it made"
        raise ImgmoveError(
            Kind.UNSUPPORTED, f"CVM has no call that cancels an {handle.operation.value}", code="CancelNotSupported",
            hint=f"wait for its end, then remove {made}: `imgmove jobs clean`",
        )  # fmt: skip

    # --------------------------------------------------------------------------------------------------- images

    def images(self) -> Iterator[Image]:
        return (image.as_image() for image in cvm_images.own(self._api()))

    def image(self, image_id: str) -> Image:
        return self._existing(image_id).as_image()

    def delete_image(self, image_id: str) -> None:
        """Remove an image and its snapshots; CONFLICT while it is being made, copied or is shared."""
        try:
            self._api().call("DeleteImages", {"ImageIds": [image_id], "DeleteBindedSnap": True}, changes=True)
        except ImgmoveError as error:
            if error.kind is not Kind.NOT_FOUND:
                raise

    def os_choices(self) -> Sequence[OsChoice]:
        return os_names.choices(self._os_list())

    def _existing(self, image_id: str) -> cvm_images.CvmImage:
        image = cvm_images.by_id(self._api(), image_id)
        if image is None:
            raise ImgmoveError(
                Kind.NOT_FOUND, f"there is no image {image_id} in {self.region}", code="InvalidImageId.NotFound",
                hint="check id, region and account; `imgmove images` lists what is there",
            )  # fmt: skip
        return image

    def _os_list(self) -> tuple[os_names.OsEntry, ...]:
        response = self._api().call("DescribeImportImageOs", {})
        if not os_names.has_list(response):
            raise self._api().incomplete("ImportImageOsListSupported", response)
        return os_names.catalogue(response)

    def _api(self, region: str = "") -> Api:
        return self._account.api(sdk.CVM, region or self.region)
