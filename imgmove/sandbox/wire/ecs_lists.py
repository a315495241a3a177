"""What ECS's describing calls share: pages, tag filters and time filters."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from imgmove.sandbox.json_text import read_json
from imgmove.sandbox.wire.alibaba_errors import RpcError, invalid
from imgmove.sandbox.wire.alibaba_parameters import number, repeated, text
from imgmove.sandbox.wire.alibaba_rpc import Call
from imgmove.sandbox.wire.alibaba_time import from_text

Item = TypeVar("Item")

PAGES = number("PageNumber", "PageSize")
TOKENS = (*number("MaxResults"), *text("NextToken"))
TOKEN = re.compile(r"[0-9a-f]{32}")
FILTERS = repeated("Filter", *text("Key", "Value"))
DEFAULT_PAGE_SIZE = 10
MAX_PAGE_SIZE = 100


def page(call: Call, items: Sequence[Item]) -> tuple[Sequence[Item], dict[str, Any]]:
    """The page asked for, and the members that tell of it. Raises RpcError for a page that cannot be."""
    place = call.arguments.number("PageNumber", 1)
    size = call.arguments.number("PageSize", DEFAULT_PAGE_SIZE)
    if place < 1:
        raise invalid("PageNumber")
    if not 1 <= size <= MAX_PAGE_SIZE:
        raise invalid("PageSize")
    told = {"TotalCount": len(items), "PageNumber": place, "PageSize": size}
    return items[(place - 1) * size : place * size], told


def page_or_token(call: Call, items: Sequence[Item]) -> tuple[Sequence[Item], dict[str, Any]]:
    """As `page`, or what MaxResults and NextToken ask for where the call has one of them."""
    token, given = call.arguments.text("NextToken"), call.arguments
    if not token and "MaxResults" not in given:
        shown, told = page(call, items)
        return shown, {**told, "NextToken": ""}
    size = given.number("MaxResults", DEFAULT_PAGE_SIZE)
    if not 1 <= size <= MAX_PAGE_SIZE:
        raise invalid("MaxResults")
    if token and not TOKEN.fullmatch(token):
        raise invalid("NextToken")
    start = int(token, 16) if token else 0
    following = f"{start + size:032x}" if start + size < len(items) else ""
    return items[start : start + size], {"TotalCount": len(items), "NextToken": following}


def has_tags(call: Call, tags: Mapping[str, str]) -> bool:
    """Whether something has all the tags asked for; a key without a value asks for any value."""
    for wanted in call.arguments.each("Tag"):
        if "Key" not in wanted:
            raise RpcError("InvalidTag.Mismatch")
        key = wanted.text("Key")
        if key not in tags or ("Value" in wanted and tags[key] != wanted.text("Value")):
            return False
    return True


def created_within(call: Call, known: Iterable[str] = ()) -> Callable[[float], bool]:
    """What Filter.N with CreationStartTime and CreationEndTime asks for; keys in `known` are let pass.

    Raises RpcError InvalidFilterKey.NotFound for other keys and for what is no time.
    """
    begin, end = float("-inf"), float("inf")
    for condition in call.arguments.each("Filter"):
        key, value = condition.text("Key"), condition.text("Value")
        if key in known:
            continue
        try:
            moment = from_text(value)
        except ValueError:
            raise RpcError("InvalidFilterKey.NotFound") from None
        if key == "CreationStartTime":
            begin = moment
        elif key == "CreationEndTime":
            end = moment
        else:
            raise RpcError("InvalidFilterKey.NotFound")
    return lambda created: begin <= created <= end


def id_list(call: Call, name: str, code: str) -> list[str] | None:
    """A parameter that holds a JSON list of at most 100 ids; None when it was not sent."""
    if name not in call.arguments:
        return None
    try:
        ids = read_json(call.arguments.text(name))
    except ValueError:
        raise RpcError(code) from None
    if not isinstance(ids, list) or len(ids) > MAX_PAGE_SIZE or not all(isinstance(each, str) for each in ids):
        raise RpcError(code)
    return ids


def shown_tags(tags: Mapping[str, str]) -> dict[str, Any]:
    """Tags as answers hold them: `TagKey` and `TagValue`, unlike in requests (alibaba.md 1.5)."""
    return {"Tag": [{"TagKey": key, "TagValue": value} for key, value in tags.items()]}
