"""The vendors' signatures computed from their documents alone: nothing of the sandbox, nothing of an SDK."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from datetime import UTC, datetime
from email.utils import formatdate
from urllib.parse import quote

from tests.sandbox.stores.worlds import Credentials


def percent(text: str) -> str:
    """UrlEncode of both vendors' documents."""
    return quote(text, safe="-_.~")


def target(path: str, params: dict[str, str]) -> str:
    """Path and query for the wire."""
    query = "&".join(f"{percent(name)}={percent(value)}" if value else percent(name) for name, value in params.items())
    return quote(path, safe="/-_.~") + (f"?{query}" if query else "")


def cos_authorization(
    who: Credentials,
    method: str,
    path: str,
    params: dict[str, str],
    headers: dict[str, str],
    *,
    start: int | None = None,
    end: int | None = None,
    sign_window: str = "",
) -> str:
    """Steps 1 to 8 of COS's page "Request Signature": the fields joined by `&`."""
    start = int(time.time()) - 60 if start is None else start
    end = start + 3600 if end is None else end
    key_time = f"{start};{end}"
    sign_time = sign_window or key_time
    sign_key = _sha1_hmac(who.secret, key_time)
    param_list, http_parameters = _listed(params)
    header_list, http_headers = _listed(headers)
    http_string = f"{method.lower()}\n{path}\n{http_parameters}\n{http_headers}\n"
    string_to_sign = f"sha1\n{sign_time}\n{hashlib.sha1(http_string.encode()).hexdigest()}\n"
    return "&".join(
        (
            "q-sign-algorithm=sha1",
            f"q-ak={who.key_id}",
            f"q-sign-time={sign_time}",
            f"q-key-time={key_time}",
            f"q-header-list={header_list}",
            f"q-url-param-list={param_list}",
            f"q-signature={_sha1_hmac(sign_key, string_to_sign)}",
        )
    )


def _listed(values: dict[str, str]) -> tuple[str, str]:
    pairs = sorted((percent(name).lower(), percent(value)) for name, value in values.items())
    return ";".join(name for name, _ in pairs), "&".join(f"{name}={value}" for name, value in pairs)


def _sha1_hmac(key: str, message: str) -> str:
    return hmac.new(key.encode(), message.encode(), hashlib.sha1).hexdigest()


def oss_v1(
    who: Credentials, method: str, resource: str, headers: dict[str, str], date: str | None = None
) -> dict[str, str]:
    """The headers of a request signed with version 1. `resource` is `/bucket/key?subresource`, not encoded."""
    sent = {**headers, "Date": date or formatdate(usegmt=True)}
    if who.token:
        sent["x-oss-security-token"] = who.token
    signature = _v1_signature(who, method, resource, sent, sent["Date"])
    return {**sent, "Authorization": f"OSS {who.key_id}:{signature}"}


def oss_v1_query(who: Credentials, method: str, resource: str, expires: int) -> dict[str, str]:
    """The parameters of a URL signed with version 1, good until `expires`."""
    if who.token:
        resource += f"?security-token={who.token}"
    signature = _v1_signature(who, method, resource, {}, str(expires))
    signed = {"OSSAccessKeyId": who.key_id, "Expires": str(expires), "Signature": signature}
    return {**signed, "security-token": who.token} if who.token else signed


def _v1_signature(who: Credentials, method: str, resource: str, headers: dict[str, str], date: str) -> str:
    lower = {name.lower(): value for name, value in headers.items()}
    special = "".join(f"{name}:{lower[name]}\n" for name in sorted(lower) if name.startswith("x-oss-"))
    text = f"{method}\n{lower.get('content-md5', '')}\n{lower.get('content-type', '')}\n{date}\n{special}{resource}"
    return base64.b64encode(hmac.new(who.secret.encode(), text.encode(), hashlib.sha1).digest()).decode()


def oss_v4(
    who: Credentials,
    method: str,
    path: str,
    params: dict[str, str],
    headers: dict[str, str],
    *,
    region: str = "cn-hangzhou",
    at: float | None = None,
    additional: tuple[str, ...] = (),
    payload: str = "UNSIGNED-PAYLOAD",
) -> dict[str, str]:
    """The headers of a request signed with version 4. `path` is `/bucket/key`, not encoded."""
    stamp = _stamp(at)
    sent = {**headers, "x-oss-date": stamp, "x-oss-content-sha256": payload}
    if who.token:
        sent["x-oss-security-token"] = who.token
    signature = _v4_signature(who, method, path, params, sent, stamp, region, additional, payload)
    extra = f",AdditionalHeaders={';'.join(sorted(additional))}" if additional else ""
    scope = f"{stamp[:8]}/{region}/oss/aliyun_v4_request"
    credential = f"OSS4-HMAC-SHA256 Credential={who.key_id}/{scope}"
    return {**sent, "Authorization": f"{credential}{extra},Signature={signature}"}


def oss_v4_query(
    who: Credentials,
    method: str,
    path: str,
    params: dict[str, str],
    *,
    region: str = "cn-hangzhou",
    at: float | None = None,
    expires: int | str = 60,
) -> dict[str, str]:
    """The parameters of a URL signed with version 4, `params` among them."""
    stamp = _stamp(at)
    signed = {
        **params,
        "x-oss-signature-version": "OSS4-HMAC-SHA256",
        "x-oss-credential": f"{who.key_id}/{stamp[:8]}/{region}/oss/aliyun_v4_request",
        "x-oss-date": stamp,
        "x-oss-expires": str(expires),
    }
    if who.token:
        signed["x-oss-security-token"] = who.token
    payload = "UNSIGNED-PAYLOAD"
    signature = _v4_signature(who, method, path, signed, {}, stamp, region, (), payload)
    return {**signed, "x-oss-signature": signature}


def _v4_signature(
    who: Credentials,
    method: str,
    path: str,
    params: dict[str, str],
    headers: dict[str, str],
    stamp: str,
    region: str,
    additional: tuple[str, ...],
    payload: str,
) -> str:
    pairs = sorted((percent(name), percent(value)) for name, value in params.items())
    query = "&".join(f"{name}={value}" if value else name for name, value in pairs)
    lower = {name.lower(): value for name, value in headers.items()}
    signed = [n for n in lower if n.startswith("x-oss-") or n in ("content-type", "content-md5", *additional)]
    canonical_headers = "".join(f"{name}:{lower[name]}\n" for name in sorted(signed))
    canonical = "\n".join(
        (method, quote(path, safe="/-_.~"), query, canonical_headers, ";".join(sorted(additional)), payload)
    )
    scope = f"{stamp[:8]}/{region}/oss/aliyun_v4_request"
    text = f"OSS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = ("aliyun_v4" + who.secret).encode()
    for part in (stamp[:8], region, "oss", "aliyun_v4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _stamp(at: float | None) -> str:
    return datetime.fromtimestamp(time.time() if at is None else at, UTC).strftime("%Y%m%dT%H%M%SZ")
