"""OSS's API: who calls, from where, for what; and errors in the vendor's shape."""

from __future__ import annotations

import base64
import secrets

from imgmove.sandbox.clock import Clock
from imgmove.sandbox.http import Request, Response
from imgmove.sandbox.wire.aws_dialect import OSS, answered, translated
from imgmove.sandbox.wire.oss_call import VENDOR, Call, Route, authorise
from imgmove.sandbox.wire.oss_errors import OssError, of_store
from imgmove.sandbox.wire.oss_hosts import Place, place_of
from imgmove.sandbox.wire.oss_properties import MAX_BODY_BYTES
from imgmove.sandbox.wire.oss_routes import find_route, unknown
from imgmove.sandbox.wire.oss_signature import Identity, authenticate
from imgmove.sandbox.wire.oss_signature_v4 import wrong_region
from imgmove.sandbox.wire.store_xml import document, tag
from imgmove.sandbox.world import World
from imgmove.sandbox.world.object_records import Bucket
from imgmove.sandbox.world.store_errors import StoreError

WITHOUT_BUCKET = ("ListBuckets", "PutBucket")
"""Operations that need no bucket to be there."""
ANYWHERE = ("GetBucketInfo", "GetBucketLocation")
"""Operations that every region answers for every bucket."""
HELD_MILLISECONDS = "120"
"""How long a throttled request is said to have been held (alibaba.md 7.4)."""


class Oss:
    """The wire of OSS. Safe to use from several threads."""

    max_body_bytes = MAX_BODY_BYTES

    def __init__(self, world: World, _clock: Clock) -> None:
        self._world = world

    def describe(self, request: Request) -> str:
        """The operation's name (`oss_routes.ROUTES`), "Unknown" for what is none."""
        route = find_route(translated(request, OSS), _place(request))
        return route.action if route else "Unknown"

    def handle(self, request: Request) -> Response:
        """Carries the operation out."""
        request = translated(request, OSS)
        return answered(request, self._answer(request), OSS)

    def refuse(self, request: Request, code: str, message: str, status: int | None) -> Response:
        """An error answer, for any code."""
        return self._refusal(request, OssError(code, message, status=status))

    def throttle(self, request: Request) -> Response:
        """503 with the code for what the request wanted to do, and the time that it was held."""
        codes = {"GET": "DownloadTrafficRateLimitExceeded", "PUT": "UploadTrafficRateLimitExceeded"}
        data = request.method in codes and self.describe(request) in ("GetObject", "PutObject", "UploadPart")
        error = OssError(codes[request.method] if data else "TotalQpsLimitExceeded")
        error.headers.append(("x-oss-qos-delay-time", HELD_MILLISECONDS))
        return self._refusal(request, error)

    def too_large(self, request: Request) -> Response:
        """400 EntityTooLarge."""
        return self._refusal(request, OssError("EntityTooLarge"))

    def _answer(self, request: Request) -> Response:
        try:
            response = self._act(request, _place(request))
        except StoreError as error:
            return self._refusal(request, of_store(error))
        except OssError as error:
            return self._refusal(request, error)
        response.headers += _stamps(_request_id())
        return response

    def _act(self, request: Request, place: Place) -> Response:
        if place.second_level:
            raise OssError("SecondLevelDomainForbidden")
        route = find_route(request, place)
        identity = authenticate(self._world, request, place)
        if route is None:
            raise unknown(request)
        self._world.alibaba.settle()  # an export that is due is there for those who look into the bucket only
        self._world.objects.settle()
        bucket = self._world.objects.bucket(VENDOR, place.bucket) if place.bucket else None
        call = Call(self._world, request, place, identity, bucket)
        self._check_version(call)
        _check_signing_region(identity, place.region)
        if route.action not in WITHOUT_BUCKET:
            self._check_address(call, route, call.bucket)
        authorise(call, route)
        return route.handle(call)

    def _check_version(self, call: Call) -> None:
        """Raises OssError for a version 1 signature where that is closed (alibaba.md 5.2)."""
        if call.identity.version != 1:
            return
        everybody = self._world.alibaba.settings.signature_v1_closed
        closed = set(self._world.objects.state.accounts_refusing_v1)
        bucket = call.found_bucket
        if everybody or call.account in closed or (bucket and (bucket.refuses_v1 or bucket.owner in closed)):
            message = "Signature version 1 is not allowed for this account or bucket; use version 4."
            raise OssError("AccessDenied", message, ec="0002-00000080")

    def _check_address(self, call: Call, route: Route, bucket: Bucket) -> None:
        """Raises OssError for a bucket that has to be addressed in another way."""
        place = call.place
        if place.accelerated and not bucket.accelerated:
            raise OssError("AccessDenied", "The bucket has not enabled transfer acceleration.")
        if route.action not in ANYWHERE:
            if place.region and place.region != bucket.region:
                raise _other_endpoint(bucket)
            if not place.region and not place.accelerated:
                _check_signing_region(call.identity, bucket.region)
        closed = bucket.public_endpoint_forbidden or self._world.alibaba.settings.public_endpoint_forbidden
        closed = closed or bucket.owner in self._world.objects.state.accounts_without_public_endpoint
        if route.data and place.public and closed and _in_mainland(bucket.region):
            raise OssError("PublicEndpointForbidden")

    def _refusal(self, request: Request, error: OssError) -> Response:
        """The error's answer; to a HEAD request its document comes in the header x-oss-err (alibaba.md 5.8)."""
        request_id = _request_id()
        body = document(
            tag(
                "Error",
                tag("Code", error.code),
                tag("Message", error.message),
                tag("RequestId", request_id),
                tag("HostId", request.headers.get("Host", "")),
                *(tag(name, value) for name, value in error.details.items()),
                tag("EC", error.ec),
                tag("RecommendDoc", f"https://api.aliyun.com/troubleshoot?q={error.ec}"),
            )
        )
        headers = [*error.headers, *_stamps(request_id), ("x-oss-ec", error.ec)]
        if request.method == "HEAD":
            return Response(error.status, [*headers, ("x-oss-err", base64.b64encode(body).decode())])
        return Response(error.status, [("Content-Type", "application/xml"), *headers], body)


def _place(request: Request) -> Place:
    return place_of(request.headers.get("Host", ""), request.raw_path)


def _request_id() -> str:
    """`5C3D9778CC1C2AEDF85B587A`."""
    return secrets.token_hex(12).upper()


def _stamps(request_id: str) -> list[tuple[str, str]]:
    return [("x-oss-request-id", request_id), ("x-oss-server-time", "1")]


def _check_signing_region(identity: Identity, region: str) -> None:
    if identity.version == 4 and region and identity.region != region:
        raise wrong_region(in_url=identity.in_url)


def _other_endpoint(bucket: Bucket) -> OssError:
    return OssError(
        "AccessDenied",
        "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all "
        "future requests to this endpoint.",
        ec="0003-00001403",
        Bucket=bucket.name,
        Endpoint=f"oss-{bucket.region}.aliyuncs.com",
    )


def _in_mainland(region: str) -> bool:
    return region.startswith("cn-") and region != "cn-hongkong"
