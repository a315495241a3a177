"""What becomes of a part that did not get across: which faults are tried again, when, and what is said in the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.ports import ObjectStore
from imgmove.engine.transfer.faults import AnswerFault, PartFault, RangeFault

MAX_TRIES: Final = 8
MAX_CRC_TRIES: Final = 4
_FIRST_BACKOFF_SECONDS: Final = 0.5
_LONGEST_BACKOFF_SECONDS: Final = 60.0
#: A try is signed anew, with credentials asked for anew, so these mend themselves where the credentials can be renewed.
_STALE_TOKEN_CODES: Final = frozenset(
    {"ExpiredToken", "SecurityTokenExpired", "InvalidSecurityToken", "RequestExpired", "TokenExpired"}
)


def store_error(fault: PartFault, source: ObjectStore, source_key: str, destination: ObjectStore) -> ImgmoveError:
    """The fault in the words of the store that it came from."""
    store = source if fault.leg == "read" else destination
    if isinstance(fault, AnswerFault):
        return store.failure(fault.status, fault.headers, fault.body)
    if isinstance(fault, RangeFault):
        return ImgmoveError(
            Kind.CONFLICT, f"{source.scheme}://{source.bucket}/{source_key} changed during the copy: {fault.text}",
            code="SourceChanged", hint="copy it again from the beginning, when nobody writes it",
        )  # fmt: skip
    return ImgmoveError(Kind.UNAVAILABLE, f"{store.scheme}://{store.bucket}: {fault.text}", code="ConnectionLost")


def delay_or_raise(error: ImgmoveError, tries: int, chance: Callable[[], float]) -> float:
    """Seconds until the next try: the store's wish, else exponential with jitter. Raises `error` where none is due."""
    mendable = error.is_passing or error.kind is Kind.CORRUPT or error.code in _STALE_TOKEN_CODES
    if not mendable or tries >= MAX_TRIES:
        raise error
    longest = min(_LONGEST_BACKOFF_SECONDS, _FIRST_BACKOFF_SECONDS * 2 ** (tries - 1))
    return float(error.retry_after_seconds or longest * (0.5 + chance() / 2))


def corrupt(name: str, text: str) -> ImgmoveError:
    return ImgmoveError(
        Kind.CORRUPT, f"{name}: {text}", code="ChecksumMismatch",
        hint="nothing was completed; check the network between here and the store, then run the same command again",
    )  # fmt: skip


def lost_upload(name: str) -> ImgmoveError:
    return ImgmoveError(
        Kind.CONFLICT, f"the upload to {name} is gone: somebody aborted it", code="NoSuchUpload",
        hint="run the same command again: it begins a new upload",
    )  # fmt: skip
