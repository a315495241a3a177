"""G05: the guest asks the new cloud for its name, keys and network: cloud-init is there, runs, and looks in the right place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from imgmove.core.findings import Severity
from imgmove.images.guest.facts import CloudInit
from imgmove.images.guest.rules.catalogue import ALIBABA, ANY, ECM, TENCENT, Case, Hit, Rule, Unseen, Words
from imgmove.images.guest.rules.guest import Guest

_B, _W, _I = Severity.BLOCK, Severity.WARN, Severity.INFO
#: Data sources that work on each cloud, lower case.
SOURCES: Final = {"tencent": frozenset({"tencentcloud", "configdrive"}), "alibaba": frozenset({"aliyun"})}
_NAMES: Final = {"tencent": "ConfigDrive, TencentCloud", "alibaba": "AliYun"}
_NO_KEY: Final = "no key, no password and no host name are set: a login prompt, and nobody can log in"
_REQUIRED: Final[Words] = {
    TENCENT: "CVM refuses it (CloudInitNotInstalled, told by mail only), unless imported with --force; then " + _NO_KEY,
    ECM: "ECM sets machines up by cloud-init unless it is told otherwise; without it " + _NO_KEY,
    ANY: _NO_KEY + "; the accounts that the image has stay as they are",
}
_SEVERE: Final = {TENCENT: _B, ECM: _B, ANY: _W}
_DROP_IN: Final = (
    "on the source: `echo 'datasource_list: [ {sources} ]' > /etc/cloud/cloud.cfg.d/99-imgmove.cfg` "
    "(it names the old and the new cloud's; never replace cloud.cfg)"
)
#: Of a cloud that is not known here.
_NAME_YOURSELF: Final = "let datasource_list in /etc/cloud/cloud.cfg.d/ name the new cloud's source"
#: The oldest cloud-init that ECS takes on arm64 and on newer distributions.
_OLDEST: Final = (19, 1, 3)
_OLDEST_PATCHED: Final = "0.7.6a15"

_CASES: Final = (
    Case(
        "cloud-init-missing", _SEVERE, "cloud-init is not installed", _REQUIRED,
        "on the source: {install}, then {drop_in}", "tencent.md 3.3, 7.3; alibaba.md 3.2",
    ),
    Case(
        "cloudbase-init-missing", _SEVERE, "Cloudbase-Init is not installed", _REQUIRED,
        "on the source: install Cloudbase-Init (cloudbase.it), leave its sysprep box unchecked for a single machine",
        "tencent.md 3.3",
    ),
    Case(
        "source-pinned", _B, "{about} lets cloud-init look for {list} only, and not for {wanted}",
        "cloud-init finds no metadata there: " + _NO_KEY, _DROP_IN, "field.md 4.2, 4.4",
    ),
    Case(
        "source-not-shipped", _B, "{about} names {list}, of which the installed cloud-init {version} has no code that fits",
        "cloud-init finds no metadata there: " + _NO_KEY,
        "on the source: install a current cloud-init, then " + _DROP_IN.removeprefix("on the source: "),
        "field.md 4.2",
    ),
    Case(
        "identify-pinned", _B, "{about} pins cloud-init's data source: `{setting}`",
        "ds-identify decides before cloud-init starts, and does not look for {wanted}: " + _NO_KEY,
        "on the source: remove that line from /etc/cloud/ds-identify.cfg", "field.md 4.2",
    ),
    Case(
        "disabled", _SEVERE, "cloud-init is switched off by {about}",
        {ANY: _NO_KEY + "; the accounts that the image has stay as they are",
         TENCENT: "CVM sees it installed and takes the image, then " + _NO_KEY, ECM: _NO_KEY},
        "on the source: {enable}", "field.md 4.2",
    ),
    Case(
        "not-enabled", _W, "nothing starts cloud-init at boot", _NO_KEY,
        "on the source: `systemctl enable cloud-init-local cloud-init cloud-config cloud-final`", "field.md 4.2",
    ),
    Case(
        "cache-kept", _B, "{about} says `manual_cache_clean: true`, and the state of the old instance is still there",
        "cloud-init takes the new machine for the old one and does nothing: " + _NO_KEY,
        "on the source, as the last thing before the image is made: `cloud-init clean --logs`", "field.md 4.2",
    ),
    Case(
        "old-version", {ALIBABA: _W}, "cloud-init {version} is older than 19.1.3",
        "ECS demands 19.1.3 (or its own 0.7.6a15) on arm64 and on newer distributions: passwords may not be set",
        "on the source: {install} for a newer one", "alibaba.md 3.2",
    ),
)  # fmt: skip


def _look(guest: Guest) -> Iterator[Hit | Unseen]:
    if guest.os.kind == "windows":
        windows = guest.facts.windows
        if windows is None:
            yield Unseen("the registry could not be read")
        elif not windows.has_cloudbase_init:
            yield Hit("cloudbase-init-missing", "Windows")
        return
    found = guest.facts.cloud_init
    if found is None:
        yield Unseen("/etc/cloud could not be read")
        return
    if not found.is_installed:
        yield Hit("cloud-init-missing", "/usr/bin/cloud-init", _words(guest, found))
        return
    yield from _running(guest, found)
    yield from _looking_at(guest, found)


def _running(guest: Guest, found: CloudInit) -> Iterator[Hit]:
    """Does it run, and as a new machine?"""
    words = _words(guest, found)
    if found.disabled_at:
        yield Hit("disabled", found.disabled_at, {**words, "enable": _enable(found.disabled_at, guest)})
    elif found.is_enabled is False:
        yield Hit("not-enabled", "cloud-init.service", words)
    if found.manual_cache_clean_at and found.has_instance:
        yield Hit("cache-kept", found.manual_cache_clean_at, words)
    if _is_old(found.version) and (guest.is_arm or guest.os.id in {"anolis", "almalinux", "rocky", "kylin", "uos"}):
        yield Hit("old-version", "cloud-init", words)


def _enable(disabled_at: str, guest: Guest) -> str:
    """How cloud-init is switched on again, by what switches it off."""
    if disabled_at.startswith("/etc/cloud/"):
        return f"`rm {disabled_at}`"
    if disabled_at.endswith(".service"):
        return f"`systemctl unmask {disabled_at.rsplit('/', 1)[1]}`"
    return (
        f"remove cloud-init=disabled from /etc/default/grub, then `{guest.update_grub()}`; or from {disabled_at} itself"
    )


def _looking_at(guest: Guest, found: CloudInit) -> Iterator[Hit]:
    """Does it look where the new cloud's metadata are?"""
    wanted = SOURCES.get(guest.target_cloud)
    if not wanted:
        return
    words = _words(guest, found)
    named = {name.lower() for name in found.datasources or ()}
    fitting = named & wanted
    if found.datasources and not fitting:
        yield Hit("source-pinned", found.datasources_at, words)
    elif fitting and found.shipped and not fitting & set(found.shipped):
        yield Hit("source-not-shipped", found.datasources_at, words)
    elif found.datasources is None and found.shipped and not wanted & set(found.shipped):
        yield Hit("source-not-shipped", "/etc/cloud/cloud.cfg", {**words, "list": "every source it knows"})
    for mention in found.identify:
        name, _, value = (part.strip() for part in mention.value.lower().partition(":"))
        pinned = name.startswith("datasource") and not any(source in value for source in wanted)
        if pinned or (name == "policy" and value.startswith("disabled")):
            yield Hit("identify-pinned", mention.at, {**words, "setting": mention.value})


def _words(guest: Guest, found: CloudInit) -> dict[str, str]:
    wanted = _NAMES.get(guest.target_cloud, "the new cloud's source")
    named = [name for name in (found.datasources or ())[:8] if name.lower() != "none"]
    old = [name for name in named if name.lower() not in SOURCES.get(guest.target_cloud, ())]
    sources = ", ".join([*dict.fromkeys([*wanted.split(", "), *old]), "None"])
    return {
        "install": guest.install("cloud-init"), "version": found.version or "(of unknown version)", "wanted": wanted,
        "list": ", ".join(named) or "nothing", "sources": sources,
        "drop_in": _drop_in(sources) if guest.target_cloud in _NAMES else _NAME_YOURSELF,
    }  # fmt: skip


def _drop_in(sources: str) -> str:
    return f"write `datasource_list: [ {sources} ]` into /etc/cloud/cloud.cfg.d/99-imgmove.cfg"


def _is_old(version: str) -> bool:
    """Older than ECS demands; a version that cannot be read is not."""
    parts = re.findall(r"\d+", version)[:3]
    if not parts or _OLDEST_PATCHED in version:
        return False
    return tuple(int(part[:9]) for part in parts) < _OLDEST


G05: Final = Rule(
    id="G05",
    title="cloud-init runs and finds the new cloud's metadata",
    looks_at="the cloud-init package, /etc/cloud (merged), ds-identify.cfg, what switches it off, /var/lib/cloud; Cloudbase-Init",
    cases=_CASES,
    look=_look,
    systems=frozenset({"linux", "windows"}),
)
