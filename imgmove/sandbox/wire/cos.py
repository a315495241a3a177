"""COS's XML API (XML version of COS 5): who calls, from where, for what; and errors in the vendor's shape."""

from __future__ import annotations

import base64
import secrets

from imgmove.sandbox.clock import Clock
from imgmove.sandbox.http import Request, Response
from imgmove.sandbox.wire.aws_dialect import COS, answered, translated
from imgmove.sandbox.wire.cos_call import VENDOR, Call, authorise
from imgmove.sandbox.wire.cos_errors import CosError, of_store
from imgmove.sandbox.wire.cos_hosts import Place, place_of
from imgmove.sandbox.wire.cos_properties import MAX_BODY_BYTES
from imgmove.sandbox.wire.cos_routes import find_route, unknown
from imgmove.sandbox.wire.cos_signature import authenticate
from imgmove.sandbox.wire.store_xml import document, tag
from imgmove.sandbox.world import World
from imgmove.sandbox.world.object_records import Bucket
from imgmove.sandbox.world.store_errors import StoreError

WITHOUT_BUCKET = ("ListBuckets", "PutBucket")
"""Operations that need no bucket to be there."""


class Cos:
    """The wire of COS. Safe to use from several threads."""

    max_body_bytes = MAX_BODY_BYTES

    def __init__(self, world: World, clock: Clock) -> None:
        self._world = world
        self._clock = clock

    def describe(self, request: Request) -> str:
        """The operation's name (`cos_routes.ROUTES`), "Unknown" for what is none."""
        route = find_route(translated(request, COS), _place(request))
        return route.action if route else "Unknown"

    def handle(self, request: Request) -> Response:
        """Carries the operation out."""
        request = translated(request, COS)
        return answered(request, self._answer(request), COS)

    def refuse(self, request: Request, code: str, message: str, status: int | None) -> Response:
        """An error answer, for any code."""
        return self._refusal(request, CosError(code, message, status=status))

    def throttle(self, request: Request) -> Response:
        """503 SlowDown."""
        return self._refusal(request, CosError("SlowDown"))

    def too_large(self, request: Request) -> Response:
        """400 EntityTooLarge."""
        return self._refusal(request, CosError("EntityTooLarge"))

    def _answer(self, request: Request) -> Response:
        try:
            response = self._act(request, _place(request))
        except StoreError as error:
            return self._refusal(request, of_store(error))
        except CosError as error:
            return self._refusal(request, error)
        response.headers.append(("x-cos-request-id", self._request_id()))
        response.headers += self._region(request)
        return response

    def _act(self, request: Request, place: Place) -> Response:
        route = find_route(request, place)
        caller = authenticate(self._world, request, place)
        if route is None:
            raise unknown(request)
        self._world.tencent.settle()  # an export that is due is there for those who look into the bucket only
        self._world.objects.settle()
        bucket = self._world.objects.bucket(VENDOR, place.bucket) if place.bucket else None
        call = Call(self._world, request, place, caller, bucket)
        if route.action not in WITHOUT_BUCKET:
            _check_address(call)
        authorise(call, route)
        return route.handle(call)

    def _refusal(self, request: Request, error: CosError) -> Response:
        """The error's answer: without a body to a HEAD request."""
        request_id, trace_id = self._request_id(), base64.b64encode(secrets.token_bytes(48)).decode()
        stamps = [("x-cos-request-id", request_id), ("x-cos-trace-id", trace_id)]
        headers = [*error.headers, *stamps, *self._region(request)]
        if request.method == "HEAD":
            return Response(error.status, headers)
        body = tag(
            "Error",
            tag("Code", error.code),
            tag("Message", error.message),
            *(tag(name, value) for name, value in error.details.items()),
            tag("Resource", f"{request.headers.get('Host', '')}{request.raw_path}"),
            tag("RequestId", request_id),
            tag("TraceId", trace_id),
        )
        return Response(error.status, [("Content-Type", "application/xml"), *headers], document(body))

    def _request_id(self) -> str:
        """`NWNlN2RjYjdfOGFiMjM1MGFfNTVjMl8zMmI1…`: time and place in the vendor's manner."""
        pieces = (secrets.token_hex(4), secrets.token_hex(2), secrets.token_hex(3))
        return base64.b64encode("_".join((f"{int(self._clock.wall()):x}", *pieces)).encode()).decode()

    def _region(self, request: Request) -> list[tuple[str, str]]:
        """The header that tells the region of the bucket, on all answers about a bucket itself."""
        place = _place(request)
        bucket = self._world.objects.bucket(VENDOR, place.bucket) if place.bucket and not place.key else None
        if _elsewhere(place, bucket) and self._world.tencent.settings.wrong_region_code == "NoSuchBucket":
            return []
        return [("x-cos-bucket-region", bucket.region)] if bucket else []


def _place(request: Request) -> Place:
    return place_of(request.headers.get("Host", ""), request.raw_path)


def _elsewhere(place: Place, bucket: Bucket | None) -> bool:
    return bucket is not None and bool(place.region) and place.region != bucket.region


def _check_address(call: Call) -> None:
    """Raises CosError for a bucket that is elsewhere, or not to be had by the acceleration endpoint."""
    if _elsewhere(call.place, call.bucket):
        if call.world.tencent.settings.wrong_region_code == "NoSuchBucket":
            raise CosError("NoSuchBucket")
        raise CosError("PermanentRedirect", Endpoint=f"cos.{call.bucket.region}.myqcloud.com")
    if call.place.accelerated and not call.bucket.accelerated:
        raise CosError("BucketAccelerateNotEnabled")
