"""What a failed part, or a failed question to a store, means: whether it is tried again, and what is said in the end."""

from __future__ import annotations

import random
from typing import Final

from imgmove.core.errors import ImgmoveError, Kind
from imgmove.core.ports import ObjectStore
from imgmove.engine.backoff import Backoff
from imgmove.engine.transfer.faults import AnswerFault, ChangedFault, ForeignFault, PartFault

MAX_TRIES: Final = 10
#: A part whose bytes keep arriving wrong is not going to mend.
MAX_CORRUPT_TRIES: Final = 4
#: A try is signed anew, with credentials asked for anew: where that does not help at once it will not help later.
MAX_STALE_TRIES: Final = 3
_BACKOFF: Final = Backoff(base_seconds=0.5, cap_seconds=60.0)
_STALE_TOKEN_CODES: Final = frozenset(
    {"ExpiredToken", "SecurityTokenExpired", "InvalidSecurityToken", "InvalidToken", "RequestExpired", "TokenExpired"}
)


def store_error(fault: PartFault, source: ObjectStore, source_key: str, destination: ObjectStore) -> ImgmoveError:
    """The fault in the words of the store that it came from."""
    store = source if fault.leg == "read" else destination
    if isinstance(fault, AnswerFault):
        return _explained(store.failure(fault.status, fault.headers, fault.body), fault.leg, source, source_key)
    if isinstance(fault, ChangedFault):
        return source_changed(source, source_key, fault.text)
    if isinstance(fault, ForeignFault):
        return ImgmoveError(
            Kind.UNAVAILABLE, f"{name_of(store)} did not answer like a store: {fault.text}", code="NotTheStore",
            hint="a proxy or a gateway may have answered instead",
        )  # fmt: skip
    return ImgmoveError(Kind.UNAVAILABLE, f"{name_of(store)}: {fault.text}", code="ConnectionLost")


def _explained(error: ImgmoveError, leg: str, source: ObjectStore, source_key: str) -> ImgmoveError:
    """A store's refusal, where the copy knows better what it means."""
    if leg == "read" and error.kind is Kind.CONFLICT and error.code == "PreconditionFailed":
        return source_changed(source, source_key, "its ETag is another one")
    if leg == "read" and error.kind is Kind.NOT_FOUND:
        return ImgmoveError(
            Kind.NOT_FOUND, f"{name_of(source, source_key)} vanished during the copy: {error.message}",
            code=error.code, hint="put it back and run the same command again: what was sent is kept",
            request_id=error.request_id,
        )  # fmt: skip
    return error


def name_of(store: ObjectStore, key: str = "") -> str:
    """A bucket or an object as people write it."""
    place = store.bucket if store.scheme == "file" else f"{store.scheme}://{store.bucket}"
    return f"{place}/{key}" if key else place


def source_changed(source: ObjectStore, key: str, why: str) -> ImgmoveError:
    return ImgmoveError(
        Kind.CONFLICT, f"{name_of(source, key)} changed during the copy: {why}", code="SourceChanged",
        hint="run the same command again when nobody writes it: it begins anew",
    )  # fmt: skip


def delay_or_raise(error: ImgmoveError, tries: int, chance: random.Random) -> float:
    """Seconds until the next try, after `tries` of them. Raises `error` where none is due."""
    if tries >= _most_tries(error):
        raise error
    return _BACKOFF.seconds(tries, chance, error.retry_after_seconds)


def _most_tries(error: ImgmoveError) -> int:
    if error.code in _STALE_TOKEN_CODES:
        return MAX_STALE_TRIES
    if error.kind is Kind.CORRUPT:
        return MAX_CORRUPT_TRIES
    return MAX_TRIES if error.is_passing else 0


def corrupt(name: str, text: str, code: str = "ChecksumMismatch") -> ImgmoveError:
    return ImgmoveError(
        Kind.CORRUPT, f"{name}: {text}", code=code,
        hint="nothing was completed; check the network between here and the store, then run the same command again",
    )  # fmt: skip


def lost_upload(name: str) -> ImgmoveError:
    return ImgmoveError(
        Kind.CONFLICT, f"the upload to {name} is gone: somebody aborted it", code="NoSuchUpload",
        hint="run the same command again: it begins a new upload",
    )  # fmt: skip


def no_source(source: ObjectStore, key: str) -> ImgmoveError:
    return ImgmoveError(
        Kind.NOT_FOUND, f"there is no object {name_of(source, key)}", code="NoSuchKey", hint="check bucket and key"
    )
