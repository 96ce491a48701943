"""`veriscope models` against a server on this machine that speaks the Hub's API."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cli_runs import Run
from hub_server import TOKEN, HubServer, hub

FILES = {"config.json": b"{}", "model.safetensors": b"tensors" * 100, "pytorch_model.bin": b"pickle"}


@pytest.fixture(autouse=True)
def folder(hub: HubServer, bare_environment: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("VERISCOPE_HUB_FOLDER", str(tmp_path / "folder"))
    monkeypatch.setenv("VERISCOPE_LIMITS_HUB_SECONDS", "60")
    return tmp_path / "folder"


def test_a_model_is_added_listed_verified_checked_and_removed(run: Run, hub: HubServer, folder: Path) -> None:
    commit = hub.add("owner/name", FILES)
    added = run("models", "add", "hf:owner/name")
    assert added.code == 0
    for said in ("hf:owner/name", commit, "mit (allows commercial use)", "model.safetensors", str(folder), "not made"):
        assert said in added.out
    assert "pytorch_model.bin" not in added.out
    assert commit in run("models", "list").out
    row = run("models", "list", "--format", "json").data[0]
    assert (row["reference"], row["commit"], row["selftest"]) == ("hf:owner/name", commit, None)
    assert run("models", "list", "--format", "jsonl").lines == [row]
    assert run("models", "verify").out == "hf:owner/name  2 files are the pinned ones\n"
    assert run("models", "check").out == f"hf:owner/name  unchanged ({commit[:12]})\n"
    assert "no longer pinned" in run("models", "remove", "hf:owner/name").out
    assert "No model is pinned" in run("models", "list").out


def test_upstream_that_moved_is_said_and_changes_nothing(run: Run, hub: HubServer) -> None:
    before = hub.add("owner/name", FILES)
    run("models", "add", "hf:owner/name")
    run("models", "add", f"hf:owner/name@{before}")
    after = hub.add("owner/name", FILES | {"config.json": b'{"a": 1}'})
    checked = run("models", "check")
    assert checked.code == 0
    assert f"hf:owner/name  moved: pinned {before[:12]}, now {after[:12]}" in checked.out
    assert f"hf:owner/name@{before}  named by its commit" in checked.out
    assert run("models", "list", "--format", "json").data[0]["commit"] == before


def test_a_changed_file_is_named_and_adding_again_repairs_it(run: Run, hub: HubServer) -> None:
    for name in ("owner/bad", "owner/good"):
        hub.add(name, FILES | {"config.json": name.encode()})
        run("models", "add", f"hf:{name}")
    cache = Path(os.environ["HF_HUB_CACHE"], "models--owner--bad")
    next(cache.rglob("model.safetensors")).resolve().write_bytes(b"changed")
    verified = run("models", "verify")
    assert verified.code == 3
    assert "hf:owner/bad  model.safetensors is not the file that was pinned" in verified.err
    assert "hf:owner/good  2 files are the pinned ones" in verified.out
    assert run("models", "add", "hf:owner/bad").code == 0
    assert run("models", "verify").code == 0


def test_a_licence_that_forbids_commercial_use_needs_a_word(run: Run, hub: HubServer) -> None:
    hub.add("owner/name", FILES, {"license": "cc-by-nc-4.0"})
    refused = run("models", "add", "hf:owner/name")
    assert refused.code == 2
    assert "cc-by-nc-4.0" in refused.err
    assert "--accept-licence" in refused.err
    accepted = run("models", "add", "hf:owner/name", "--accept-licence")
    assert accepted.code == 0
    assert "cc-by-nc-4.0 (forbids commercial use); accepted" in accepted.out


def test_what_cannot_be_checked_is_told_and_the_others_go_on(run: Run, hub: HubServer) -> None:
    for name in ("owner/a", "owner/b"):
        hub.add(name, FILES)
        run("models", "add", f"hf:{name}")
    hub.status["owner/a"] = 500
    checked = run("models", "check")
    assert checked.code == 3
    assert "hf:owner/a  The Hub answered HTTP 500" in checked.err
    assert "hf:owner/b  unchanged" in checked.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(("add", "./folder"), "is a folder, which is used as it is", id="folder"),
        pytest.param(("add", "nothing"), "names no model", id="no reference"),
        pytest.param(("add", "hf:owner/gone"), "has no model hf:owner/gone", id="not on the Hub"),
        pytest.param(("remove", "hf:owner/gone"), "is not pinned", id="remove"),
        pytest.param(("verify", "hf:owner/nane"), 'Did you mean "hf:owner/name"?', id="misspelt"),
    ],
)
def test_wrong_usage(run: Run, hub: HubServer, arguments: tuple[str, str], says: str) -> None:
    hub.add("owner/name", FILES)
    run("models", "add", "hf:owner/name")
    ended = run("models", *arguments)
    assert ended.code == 2
    assert says in ended.err


def test_the_token_is_never_printed(run: Run, hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.add("owner/name", FILES)
    hub.gated.add("owner/name")
    ended = [run("models", *arguments) for arguments in (("add", "hf:owner/name"), ("list",), ("check",), ("verify",))]
    hub.status["owner/name"] = 403
    ended.append(run("models", "check"))
    assert [end.code for end in ended] == [0, 0, 0, 0, 3]
    assert not any(TOKEN in end.out + end.err for end in ended)
