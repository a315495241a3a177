"""Every case of every rule is broken by a guest here, and kept by others; the catalogue is whole, and its words are filled."""

from __future__ import annotations

import re
from dataclasses import replace

import msgspec
import pytest

from imgmove.core.findings import Finding, Severity
from imgmove.images.guest.facts import FstabEntry, GuestFacts, NotLooked
from imgmove.images.guest.rules import RULES, State, Target, judge, refusal_finding, refused, words_for
from imgmove.images.guest.rules.catalogue import Case, Rule
from imgmove.images.reading.inspection import Trouble, TroubleKind
from tests.images.guest.broken import REFUSALS, SCENES, refusal, uefi
from tests.images.guest.scenes import DEBIAN, LAYOUT, VERSION, windows
from tests.images.guest.sound import SOUND
from tests.images.guest.trees import Content

PROVIDERS = ("tencent", "ecm", "alibaba", "another")
CATALOGUE = {(rule.id, case.name): (rule, case) for rule in RULES for case in rule.cases}


def test_the_rules_are_g01_to_g14() -> None:
    assert [rule.id for rule in RULES] == [f"G{number:02}" for number in range(1, 15)]
    assert len(CATALOGUE) == sum(len(rule.cases) for rule in RULES)


def test_every_case_of_the_catalogue_is_broken_here() -> None:
    assert {*SCENES, *(("G01", name) for name in REFUSALS)} == set(CATALOGUE)


def check_words(item: Finding, rule: Rule, case: Case, provider: str) -> None:
    """A finding is whole, and what the catalogue says of it."""
    assert item.severity is case.severity_for(provider)
    for text in (item.what, item.why, item.fix):
        assert text
        assert "{" not in text.replace("{ driver", "").replace("match: {driver", "")
        assert "\n" not in text
        assert "None" not in text.replace(", None ]", "")
    assert item.about
    is_block = item.severity is Severity.BLOCK
    assert item.exit_code == (None if not is_block else 7 if rule.id == "G01" else 4)
    assert item.waivable == (is_block and case.waivable)


@pytest.mark.parametrize("key", SCENES, ids="-".join)
def test_each_case_is_found_where_it_is_broken(key: tuple[str, str]) -> None:
    provider, make = SCENES[key]
    rule, case = CATALOGUE[key]
    scene = make()
    found = scene.findings(provider, *key)
    assert found, [f"{item.id} {item.case}: {item.what}" for item in scene.judged(provider).findings]
    for item in found:
        check_words(item, rule, case, provider)
    state = next(item for item in scene.judged(provider).rules if item.id == rule.id)
    if found[0].severity is Severity.BLOCK:
        assert state.state is State.BROKEN
    for other in PROVIDERS:
        expected = case.severity_for(other)
        severities = {item.severity for item in scene.findings(other, *key)}
        assert severities <= ({expected} if expected else set())


@pytest.mark.parametrize(("name", "code"), REFUSALS.items())
def test_the_guards_refusals_are_findings(name: str, code: str) -> None:
    found = refusal(code)
    check_words(found, *CATALOGUE["G01", name], "")
    assert (found.id, found.case, found.exit_code, found.waivable) == ("G01", name, 7, False)
    assert found.what == "disk.qcow2 is not what it says"


def test_damage_of_an_archive_is_damage() -> None:
    assert refusal("TruncatedTar").case == "truncated-image"
    assert refusal("DamagedGzip").case == "damaged-image"


@pytest.mark.parametrize("name", SOUND)
def test_sound_guests_break_nothing(name: str) -> None:
    provider, make = SOUND[name]
    verdict = make().judged(provider)
    known = {("G02", "gpt-unconfirmed"), ("G02", "uefi-unconfirmed")}
    assert [item for item in verdict.findings if (item.id, item.case) not in known] == []
    assert {item.state for item in verdict.rules} <= {State.KEPT, State.NOT_APPLICABLE}
    assert verdict.will_start is True


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_sound_debian_keeps_all_rules_everywhere(provider: str) -> None:
    assert DEBIAN.judged(provider).findings == ()


def test_every_case_is_kept_by_a_sound_guest() -> None:
    """Whatever can be found is not found in the sound guests of its kind."""
    for rule in RULES:
        sound = windows("alibaba") if rule.systems == {"windows"} else DEBIAN
        assert not sound.findings("alibaba", rule.id)
        state = next(item.state for item in sound.judged("alibaba").rules if item.id == rule.id)
        assert state is State.KEPT


def test_what_vendors_publish_for_one_side_applies_to_that_side() -> None:
    def sides(rule: str, case: str) -> list[str]:
        return [str(CATALOGUE[rule, case][1].severity_for(name) or "") for name in PROVIDERS]

    assert sides("G05", "cloud-init-missing") == ["block", "block", "warn", "warn"]
    assert sides("G13", "ext4-64bit") == ["", "", "warn", ""]
    assert sides("G13", "root-file-system") == ["warn", "warn", "block", "warn"]
    assert sides("G02", "gpt-unconfirmed") == ["warn", "warn", "", ""]
    assert sides("G09", "qemu-guest-agent") == ["", "", "warn", ""]
    assert sides("G05", "source-pinned") == ["block"] * 4
    assert sides("G04", "nvme") == ["", "", "warn", ""]


def test_every_case_has_its_words_and_its_source() -> None:
    for rule, case in CATALOGUE.values():
        assert re.fullmatch(r"[a-z0-9_]+(-[a-z0-9_]+)*", case.name), case.name
        assert case.source, (rule.id, case.name)
        for provider in PROVIDERS:
            if case.severity_for(provider):
                assert words_for(case.why, provider), (rule.id, case.name, provider)
                assert words_for(case.fix, provider), (rule.id, case.name, provider)
        assert case.exit_code == (7 if rule.id == "G01" else 4)
        assert case.waivable or rule.id == "G01"


def test_only_what_the_guard_refuses_cannot_be_waived() -> None:
    fixed = {name for (rule, name), (_, case) in CATALOGUE.items() if not case.waivable and rule == "G01"}
    assert fixed == {*REFUSALS, "reader-taken-over"}


def test_every_trouble_of_the_reader_has_its_words() -> None:
    for kind in TroubleKind:
        verdict = judge(Target("alibaba"), None, None, (Trouble(kind, "it went wrong"),))
        (found,) = verdict.findings
        assert found.case.startswith("reader-")
        assert "it went wrong" in found.what
        assert {item.state for item in verdict.rules[1:]} == {State.NOT_LOOKED}


def test_what_was_not_read_is_never_said_to_be_kept() -> None:
    verdict = judge(Target("tencent"), LAYOUT, None)
    states = {item.id: item.state for item in verdict.rules}
    assert states["G03"] is State.NOT_LOOKED
    assert verdict.will_start is not True


def test_a_damaged_file_costs_the_rules_that_look_at_it() -> None:
    assert DEBIAN.tree is not None
    scene = replace(DEBIAN, tree=replace(DEBIAN.tree, damaged=frozenset({"/etc/fstab", "/etc/ssh"})))
    verdict = scene.judged("alibaba")
    states = {item.id: item for item in verdict.rules}
    assert states["G03"].state is State.NOT_LOOKED
    assert "/etc/fstab: a block is damaged" in states["G03"].note
    assert states["G10"].state is State.NOT_LOOKED
    assert states["G04"].state is State.KEPT
    assert verdict.will_start is None


def test_a_finding_that_blocks_outweighs_what_was_not_seen() -> None:
    boot = DEBIAN.gathered.boot
    assert boot
    entry = replace(boot.entries[0], arguments="root=/dev/sda1")
    not_looked = (NotLooked("/etc/fstab", "damaged", "fstab"),)
    broken = replace(DEBIAN.gathered, boot=replace(boot, entries=(entry,)), not_looked=not_looked)
    state = next(item for item in judge(Target("alibaba"), LAYOUT, broken).rules if item.id == "G03")
    assert state.state is State.BROKEN


def test_rules_of_linux_do_not_apply_to_windows() -> None:
    states = {item.id: item.state for item in windows("alibaba").judged("alibaba").rules}
    assert states["G04"] is State.NOT_APPLICABLE
    assert states["G12"] is State.KEPT
    assert {item.id for item in DEBIAN.judged("alibaba").rules if item.state is State.NOT_APPLICABLE} == {"G12"}


def test_the_worst_comes_first() -> None:
    severities = [item.severity for item in uefi(loader=False).judged("tencent").findings]
    assert severities == sorted(severities, key=list(Severity).index)
    assert len(set(severities)) > 1


def test_a_refused_image_has_a_verdict_of_one_finding() -> None:
    from imgmove.core.errors import ImgmoveError, Kind

    error = ImgmoveError(Kind.CORRUPT, "x has a backing file", code="BackingFile")
    verdict = refused(error, "x")
    assert verdict.findings == (refusal_finding(error, "x"),)
    assert [item.state for item in verdict.rules] == [State.BROKEN] + [State.NOT_LOOKED] * 13


def test_facts_survive_their_way_through_the_pipe() -> None:
    facts = DEBIAN.gathered
    assert msgspec.json.decode(msgspec.json.encode(facts), type=GuestFacts) == facts
    assert len(msgspec.json.encode(facts)) < 10_000


def test_a_unified_kernel_is_not_said_to_be_kept() -> None:
    files: dict[str, Content | None] = {
        "/boot/efi/EFI/Linux/one.efi": b"MZ",
        "/boot/grub": None,
        f"/boot/vmlinuz-{VERSION}": None,
    }
    state = next(item for item in uefi().files(files).judged("alibaba").rules if item.id == "G04")
    assert (state.state, "unified" in state.note) == (State.NOT_LOOKED, True)


def test_a_rule_says_a_hundred_things_at_most() -> None:
    entry = FstabEntry(1, "/dev/vdb1", "/data", "ext4")
    facts = replace(DEBIAN.gathered, fstab=(entry,) * 5000)
    assert len(judge(Target("alibaba"), LAYOUT, facts).findings) == 100


def test_names_from_the_image_are_quoted_in_commands() -> None:
    """Somebody will paste them into a shell."""
    evil = "6.1; rm -rf ~ #"
    kernel = DEBIAN.gathered.kernels
    assert kernel
    facts = replace(DEBIAN.gathered, kernels=(replace(kernel[0], version=evil, drivers={"virtio_blk": "module"}),))
    (found,) = judge(Target("alibaba"), LAYOUT, facts).findings
    assert f"update-initramfs -u -k '{evil}'`" in found.fix


def test_a_cloud_that_is_not_known_gets_no_commands_with_gaps_in_them() -> None:
    """Somebody will paste them, too."""
    _, broken = SCENES["G05", "cloud-init-missing"]
    (found,) = broken().findings("example", "G05")
    assert "name the new cloud's source" in found.fix
    assert "datasource_list:" not in found.fix
    (known,) = broken().findings("alibaba", "G05")
    assert "`datasource_list: [ AliYun, None ]`" in known.fix
