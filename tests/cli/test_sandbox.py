"""`imgmove sandbox settings`, `seed` and `state`: a running sandbox put into another state from the command line."""

from __future__ import annotations

from pathlib import Path

from imgmove.sandbox import Sandbox
from tests.cli.conftest import Cli


def test_settings_are_changed_and_shown(cli: Cli, sandbox: Sandbox) -> None:
    words = ("tencent.image_quota=0", 'alibaba.closed_regions=["cn-beijing"]', "tencent.dry_run_code=DryRunOperation")
    shown = cli("sandbox", "settings", *words).json
    assert (shown["tencent"]["image_quota"], shown["tencent"]["dry_run_code"]) == (0, "DryRunOperation")
    assert sandbox.world.alibaba.settings.closed_regions == ["cn-beijing"]
    assert cli("sandbox", "settings").json == shown
    cli("sandbox", "settings", "tencent.image_quota=500", "alibaba.closed_regions=[]", "tencent.dry_run_code=")


def test_what_is_no_setting_is_refused(cli: Cli, sandbox: Sandbox) -> None:
    for words, says in (
        (["image_quota=0"], "PROVIDER.NAME=VALUE"),
        (["tencent.nothing=0"], "there is no setting"),
        (["aws.image_quota=0"], "there is no provider"),
    ):
        done = cli("sandbox", "settings", *words)
        assert (done.code, says in done.err) == (2, True), done


def test_a_seed_file_changes_what_is_there(cli: Cli, sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "states.toml"
    file.write_text('[[image]]\nid = "img-seed0001"\nstate = "EXPORTING"\n')
    state = cli("sandbox", "seed", str(file)).json
    assert [i["state"] for i in state["tencent"]["images"] if i["id"] == "img-seed0001"] == ["EXPORTING"]
    assert cli("sandbox", "state").json["tencent"]["images"] == state["tencent"]["images"]


def test_seed_files_that_are_none_are_refused(cli: Cli, sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "states.toml"
    for text, says in (
        ("[[image", "cannot be read"),
        ("[[image]]\nsize = 1\n", "takes no"),
        ("x = 1\n", "allowed are"),
    ):
        file.write_text(text)
        done = cli("sandbox", "seed", str(file))
        assert (done.code, says in done.err) == (2, True), done
    assert cli("sandbox", "seed", str(tmp_path / "none.toml")).code == 2
