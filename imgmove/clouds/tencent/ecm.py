"""ECM: the image service of the edge (`imgmove.core.ports.ComputeProvider`). Its API takes no region."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from imgmove.clouds.tencent import abilities, answers, ecm_calls, ecm_images, ecm_watch, os_names, sdk
from imgmove.clouds.tencent.account import SHARE_SECONDS, Account
from imgmove.clouds.tencent.cvm_calls import Call
from imgmove.clouds.tencent.ecm_watch import EcmWatch
from imgmove.clouds.tencent.store import CosStore
from imgmove.core.abilities import Abilities
from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.ports import CheckResult
from imgmove.core.requests import CreateRequest, ImportRequest, Operation, ServiceRequest, TransferRequest, operation_of
from imgmove.core.settings import Settings
from imgmove.core.tasks import Handle, Image, OsChoice, TaskReport, TaskState


class Ecm:
    """ECM. Every call is sent once; the engine decides on retries. Safe to use from several threads."""

    abilities: Abilities = abilities.ECM

    def __init__(self, region: str, settings: Settings) -> None:
        self.region = region
        self._now = settings.now
        self._account = Account(settings)
        self._api = self._account.api(sdk.ECM, "")
        self._watch = EcmWatch(self._api, settings.now)

    # ------------------------------------------------------------------------------------------ check and submit

    def check(self, request: ServiceRequest, token: str) -> CheckResult:
        """ECM has no dry run: the rules that are known here, and what its list of systems offers."""
        call = self._call_for(request, token)
        return CheckResult(performed=False, notes=call.notes)

    def submit(self, request: ServiceRequest, token: str) -> Handle:
        """Start the operation. ECM honours no token: name and source of the image are ours to find."""
        call = self._call_for(request, token)
        submitted_at = self._now()
        response = self._api.call(call.action, call.parameters, changes=True)
        operation = operation_of(request)
        task_id = answers.text(response, "TaskId")
        image_id = answers.text(response, "ImageId")
        request_id = answers.text(response, "RequestId")
        if not (task_id or image_id or (operation is Operation.TRANSFER and request_id)):
            raise self._api.incomplete("TaskId", response, changes=True)
        return Handle(
            operation, self.region, task_id or None, image_id or None, request_id or None, submitted_at,
            dict(call.details),
        )  # fmt: skip

    def _call_for(self, request: ServiceRequest, token: str) -> Call:
        """The call for a request; INVALID or UNSUPPORTED where a rule that is known here refuses it."""
        if isinstance(request, ImportRequest):
            ecm_calls.check_import(request)
            systems = os_names.unless_closed(self._os_list)
            match = os_names.resolve(systems, request.os_type, request.os_version, force=True)
            urls = [self._store(disk.bucket).share_url(disk.key, SHARE_SECONDS) for disk in request.disks]
            return ecm_calls.import_call(request, match, urls)
        return self._call_without_objects(request, token)

    def _call_without_objects(self, request: ServiceRequest, token: str) -> Call:
        if isinstance(request, CreateRequest):
            return ecm_calls.create_call(request)
        if isinstance(request, TransferRequest):
            return ecm_calls.transfer_call(request, token)
        self.abilities.ability(operation_of(request))  # raises for an export, and says what to do instead
        raise AssertionError(f"ECM declares {operation_of(request)} and has no call for it")

    def _store(self, bucket: str) -> CosStore:
        """A bucket of whatever region it is in, which COS is asked for: ECM's regions are not those of COS.

        Where COS does not tell, a region of COS that the user has named is taken.
        """
        store = self._account.store(bucket, "")
        try:
            return self._account.store(bucket, store.region)
        except ImgmoveError as error:
            if error.code == "NoSuchBucket" or not self.region or self.region.endswith("-ecm"):
                raise
            return self._account.store(bucket, self.region)

    # --------------------------------------------------------------------------------------------- find and poll

    def find(self, request: ServiceRequest, token: str, since: float) -> Handle | None:
        details: Mapping[str, Any] = {}
        if isinstance(request, ImportRequest):
            details = {"name": request.name}
        else:
            details = self._call_without_objects(request, token).details
        return self._watch.find(Handle(operation_of(request), self.region, submitted_at=since, details=dict(details)))

    def poll(self, handle: Handle, memo: Mapping[str, Any]) -> TaskReport:
        return self._watch.poll(handle, memo)

    def look_up(self, identifier: str) -> TaskReport:
        """A task or an image that no journal knows: tasks are numbers, of CreateImage or of ImportCustomImage."""
        if not identifier.isdecimal():
            return ecm_watch.report_of_image(self._existing(identifier))
        task = ecm_images.creation_task(self._api, identifier) or ecm_images.import_task(self._api, identifier)
        if task is not None:
            return replace(self._report_of_task(task), task_id=identifier)
        raise ImgmoveError(
            Kind.NOT_FOUND, f"ECM knows no task {identifier}", code="InvalidParameterValue.TaskNotFound",
            hint="check the id and the account; ECM forgets tasks after a while",
        )  # fmt: skip

    def _report_of_task(self, task: ecm_images.EcmTask) -> TaskReport:
        report = ecm_watch.report_of_task(task)
        if report.state is not TaskState.SUCCEEDED:
            return report
        image = next(ecm_images.own(self._api, task.image_name), None) if task.image_name else None
        if image is not None:
            return ecm_watch.report_of_image(image)
        return replace(report, message="the task has finished; `imgmove images --provider ecm` shows the image")

    def cancel(self, handle: Handle) -> TaskReport:
        raise ImgmoveError(
            Kind.UNSUPPORTED, f"ECM has no call that cancels this {handle.operation.value}", code="CancelNotSupported",
            hint="wait for its end, then remove the image that it made: `imgmove jobs clean`",
        )  # fmt: skip

    # --------------------------------------------------------------------------------------------------- images

    def images(self) -> Iterator[Image]:
        return (image.as_image() for image in ecm_images.own(self._api))

    def image(self, image_id: str) -> Image:
        return self._existing(image_id).as_image()

    def delete_image(self, image_id: str) -> None:
        """Remove an image; CONFLICT while instances use it."""
        try:
            self._api.call("DeleteImage", {"ImageIDSet": [image_id]}, changes=True)
        except ImgmoveError as error:
            if error.kind is not Kind.NOT_FOUND:
                raise

    def os_choices(self) -> Sequence[OsChoice]:
        return os_names.choices(self._os_list())

    def _existing(self, image_id: str) -> ecm_images.EcmImage:
        image = ecm_images.by_id(self._api, image_id)
        if image is None:
            raise ImgmoveError(
                Kind.NOT_FOUND, f"ECM has no image {image_id}", code="InvalidParameterValue.InvalidImageID",
                hint="check id and account; `imgmove images --provider ecm` lists what is there",
            )  # fmt: skip
        return image

    def _os_list(self) -> tuple[os_names.OsEntry, ...]:
        response = self._api.call("DescribeImportImageOs", {})
        if not os_names.has_list(response):
            raise self._api.incomplete("ImportImageOsListSupported", response)
        return os_names.catalogue(response)
