"""Refusals of the Alibaba RPC services: the exception that carries a code, and the codes all services share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Errors = Mapping[str, tuple[int, str]]
"""Code -> (HTTP status, message). A message may hold `{}` for what the caller adds."""


class RpcError(Exception):
    """A request is answered with an error. What is not given is taken from the service's table of errors."""

    def __init__(self, code: str, detail: str = "", *, status: int | None = None, message: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        """Fills the `{}` of the table's message."""
        self.status = status
        self.message = message
        """Instead of the table's message."""
        self.extra: dict[str, Any] = {}
        """Further members of the answer, AccessDeniedDetail for one."""

    def render(self, errors: Errors) -> tuple[int, str]:
        """The HTTP status and message to answer with."""
        status, message = errors.get(self.code, (400, "The specified parameter is not valid."))
        return self.status or status, self.message or message.replace("{}", self.detail)


def missing(name: str) -> RpcError:
    """The refusal for a parameter that was not sent."""
    return RpcError("MissingParameter", name)


def invalid(name: str) -> RpcError:
    """The refusal for a parameter whose value has the wrong type or form."""
    return RpcError("InvalidParameter", name)


GATEWAY_ERRORS: Errors = {
    "MissingParameter": (
        400,
        'The input parameter "{}" that is mandatory for processing this request is not supplied.',
    ),
    "InvalidParameter": (400, 'The specified parameter "{}" is not valid.'),
    "InvalidVersion": (400, "Specified parameter Version is not valid."),
    "InvalidAction.NotFound": (404, "Specified api is not found, please check your url and method."),
    "UnsupportedHTTPMethod": (403, "This HTTP method is not supported."),
    "IllegalTimestamp": (
        400,
        'The input parameter "Timestamp" that is mandatory for processing this request is not supplied.',
    ),
    "InvalidTimeStamp.Format": (400, "Specified time stamp or date value is not well formatted."),
    "InvalidTimeStamp.Expired": (400, "Specified time stamp or date value is expired."),
    "IncompleteSignature": (400, "The request signature does not conform to Aliyun standards."),
    "SignatureDoesNotMatch": (400, "Specified signature does not match our calculation."),
    "SignatureNonceUsed": (400, "Specified signature nonce was used already."),
    "InvalidAccessKeyId.NotFound": (404, "Specified access key is not found."),
    "Forbidden.AccessKeyDisabled": (403, "The Access Key is disabled."),
    "MissingSecurityToken": (400, "SecurityToken is mandatory for this action."),
    "InvalidSecurityToken.Expired": (400, "Specified SecurityToken is expired."),
    "InvalidSecurityToken.Malformed": (400, "Specified SecurityToken is malformed."),
    "InvalidSecurityToken.MismatchWithAccessKey": (
        400,
        "Specified SecurityToken mismatch with the AccessKey.",
    ),
    "Throttling": (400, "Request was denied due to request throttling."),
    "Throttling.User": (400, "Request was denied due to user flow control."),
    "Throttling.Api": (400, "Request was denied due to api flow control."),
    "Rejected.Throttling": (400, "Request was denied due to request throttling."),
    "InternalError": (500, "The request processing has failed due to some unknown error, exception or failure."),
    "ServiceUnavailable": (503, "The request has failed due to a temporary failure of the server."),
    "UnknownError": (400, "The request processing has failed due to some unknown error."),
}
"""What the gateway before every service answers. Statuses: alibaba.md 9.4, D21 "Response results"; NotFound of a
key is answered with 404 today."""
