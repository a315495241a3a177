"""The importers of CVM and ECM as a client of COS: they see an object as anybody with its URL does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from multidict import CIMultiDict, CIMultiDictProxy

from imgmove.sandbox.clock import Clock
from imgmove.sandbox.http import Body, FileSlice, Request, Response
from imgmove.sandbox.wire.cos import Cos
from imgmove.sandbox.world import World
from imgmove.sandbox.world.tencent_policy import cos_resource, role_allows, service_role
from imgmove.sandbox.world.tencent_records import FetchError, Image
from imgmove.sandbox.world.tencent_urls import ObjectUrl, parse


class CosFetcher:
    """Reads objects through COS's own wire, so that signatures, ACLs and expiry count (tencent.md 3.4)."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world = world
        self._clock = clock
        self._cos = Cos(world, clock)

    def __call__(self, url: str, path: Path, image: Image) -> Path:
        """A file with the object's bytes, `path`. Raises FetchError for every answer but 200."""
        target = parse(url)
        request = self._request(target)
        if self._world.tencent.settings.import_heads_first:
            self._check(self._cos.handle(replace(request, method="HEAD")))
        response = self._cos.handle(request)
        if response.status == 403 and self._role_reads(target, image):
            return self._directly(target, path)
        self._check(response)
        return _into_file(response, path)

    def _request(self, target: ObjectUrl) -> Request:
        headers = CIMultiDictProxy(CIMultiDict({"Host": target.host}))
        return Request(
            "cos", "GET", target.raw_path, target.raw_query, headers, Body.of(b""), received_at=self._clock.wall()
        )

    def _check(self, response: Response) -> None:
        if response.status != 200:
            raise FetchError(f"COS answered {response.status}")

    def _role_reads(self, target: ObjectUrl, image: Image) -> bool:
        world = self._world
        if image.service != "cvm" or not world.tencent.settings.import_reads_with_role:
            return False
        role = service_role(world, image.account_id)
        account = world.accounts.account("tencent", image.account_id)
        bucket = world.objects.bucket("tencent", target.bucket)
        if role is None or account is None or bucket is None or bucket.owner != image.account_id:
            return False
        resource = cos_resource(bucket.region, account.app_id, bucket.name, target.key)
        return role_allows(world, role, "cos:GetObject", resource)

    def _directly(self, target: ObjectUrl, path: Path) -> Path:
        with self._world.lock:
            bucket = self._world.objects.bucket("tencent", target.bucket)
            found = self._world.objects.head(bucket, target.key) if bucket else None
            if found is None:
                raise FetchError("there is no such object")
            path.hardlink_to(self._world.objects.path(found))
        return path


def _into_file(response: Response, path: Path) -> Path:
    body = response.body
    if isinstance(body, FileSlice):
        path.hardlink_to(body.path)  # which stays for a while although the object be replaced, as for any answer
    else:
        path.write_bytes(body)
    return path
