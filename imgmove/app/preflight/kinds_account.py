"""Kinds of findings about who we are: identity, clocks, endpoints, and the roles that the vendors' services take on."""

from __future__ import annotations

from typing import Final

from imgmove.app.preflight.kinds import FindingKind, Section
from imgmove.core.errors import Kind
from imgmove.core.findings import Severity

_BLOCK, _WARN, _INFO = Severity.BLOCK, Severity.WARN, Severity.INFO
_WHO, _WHERE, _ROLES = Section.IDENTITY, Section.ENDPOINT, Section.ROLES

ACCOUNT_KINDS: Final = (
    FindingKind(
        "identity", _WHO, _INFO, None, "Who we are",
        "{side}: account {account} of {title}, as {principal}{key}",
        "everything is asked, made and billed as this account",
    ),
    FindingKind(
        "credentials-missing", _WHO, _BLOCK, Kind.DENIED, "No credentials",
        "no credentials for the {side} ({title}): {error}",
        "nothing can be asked there",
    ),
    FindingKind(
        "credentials-refused", _WHO, _BLOCK, Kind.DENIED, "Credentials that the vendor refuses",
        "{title} refuses the key of the {side}: {error}",
        "every call would end like this one",
    ),
    FindingKind(
        "token-expired", _WHO, _BLOCK, Kind.DENIED, "A token that has run out",
        "the temporary key of the {side} has run out: {error}",
        "every call is refused from then on",
        "get a new one from where this one came, and run this again in the same shell",
    ),
    FindingKind(
        "token-expires-early", _WHO, _WARN, Kind.DENIED, "A token that runs out before the end",
        "the temporary key of the {side} runs out in {left}, at {end}; the work {needs}",
        "what runs at the vendor then goes on, but the next call of ours fails, perhaps after the export was paid for",
        "use a key that lasts longer, or one that renews itself (a profile of the vendor's tool, a role of the instance); "
        "a job that stops over it is taken up with `imgmove jobs resume`",
    ),
    FindingKind(
        "token-end-unknown", _WHO, _INFO, None, "A token whose end nobody told us",
        "the key of the {side} is temporary, and nobody says until when",
        "if it runs out in the middle the job stops, and is taken up with `imgmove jobs resume` under a new key",
    ),
    FindingKind(
        "identity-unknown", _WHO, _INFO, None, "Who we are could not be asked",
        "not looked at: who we are at {title} ({error})",
        "account, APPID and the end of a temporary key stay unchecked",
    ),
    FindingKind(
        "clock-skew", _WHO, _WARN, Kind.DENIED, "A clock that goes wrong",
        "this machine's clock is {seconds} s {direction} of {title}'s",
        "signatures carry the time: from 300 s Tencent Cloud's API refuses them, from 900 s the object stores and "
        "Alibaba Cloud do, and then in the middle of a job",
        "$ sudo chronyc makestep   (or: sudo timedatectl set-ntp true)",
    ),
    FindingKind(
        "endpoints", _WHERE, _INFO, None, "Where the services are asked",
        "{side}: {listed}",
    ),
    FindingKind(
        "endpoint-note", _WHERE, _INFO, None, "An endpoint that not everybody may use",
        "{side}: {service} is asked at {host} ({reach})",
        "{note}",
    ),
    FindingKind(
        "endpoint-unreachable", _WHERE, _BLOCK, None, "A service that does not answer",
        "{title} cannot be asked about {question}: {error}",
        "what has to be asked of it stays unknown, and the command itself would end here",
        "try again in a minute; if it stays so, check network, proxy and the IMGMOVE_ENDPOINT_URL_… variables "
        "(`imgmove doctor … -v` shows what was asked)",
    ),
    FindingKind(
        "endpoint-forbidden", _WHERE, _BLOCK, Kind.DENIED, "A store that may not be reached by its public name",
        "{about} may not be reached by this endpoint: {error}",
        "objects can be neither read nor written through it, so the copy would fail after the export was done",
    ),
    FindingKind(
        "role-missing", _ROLES, _BLOCK, Kind.DENIED, "A service role that does not exist",
        "{title} has no role {role}, which its {operation} takes on to reach the bucket",
        "the {operation} is refused; found by the vendor, that is after everything before it was done",
        "$ imgmove roles create --provider {provider}{names}\nby hand: {console}",
        waivable=True,
    ),
    FindingKind(
        "role-trust", _ROLES, _BLOCK, Kind.DENIED, "A service role that trusts somebody else",
        "the role {role} trusts {trusted}, and not {service}",
        "the service may not take it on, and the {operation} is refused",
        "$ imgmove roles create --provider {provider}{names}\nby hand: {console}",
        waivable=True,
    ),
    FindingKind(
        "role-rights", _ROLES, _BLOCK, Kind.DENIED, "A service role without the rights that it needs",
        "the role {role} may not {actions}{where}",
        "the {operation} would start, and fail when it touches the bucket",
        "$ imgmove roles create --provider {provider}{names}\nby hand: {console}",
        waivable=True,
    ),
    FindingKind(
        "role-unknown", _ROLES, _INFO, None, "A service role that we may not look at",
        "not looked at: the role {role} of {title} ({error})",
        "whether the {operation} may reach the bucket shows when it begins",
        "nothing, if exports and imports worked before; else ask whoever may read roles to run "
        "`imgmove roles show --provider {provider}`",
    ),
)  # fmt: skip
