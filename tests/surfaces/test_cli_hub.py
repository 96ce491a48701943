"""`veriscope models` against a server on this machine that speaks the Hub's API."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import onnx
import pytest
from cli_runs import Run
from hub_server import TOKEN, HubServer, hub
from onnx import TensorProto, helper

from veriscope import Engine, Settings
from veriscope.cli.elsewhere import arriving

FILES = {"config.json": b"{}", "model.safetensors": b"tensors" * 100, "pytorch_model.bin": b"pickle"}


def classifier() -> dict[str, bytes]:
    """A model that runs: the brighter the picture, the likelier "fake"."""
    nodes = [
        helper.make_node("ReduceMean", ["pixel_values"], ["grey"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Unsqueeze", ["grey", "column"], ["one"]),
        helper.make_node("Mul", ["one", "signs"], ["logits"]),
    ]
    constants = [
        helper.make_tensor("column", TensorProto.INT64, [1], [1]),
        helper.make_tensor("signs", TensorProto.FLOAT, [1, 2], [-1.0, 1.0]),
    ]
    pixels = helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["n", 3, 32, 32])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 2])
    graph = helper.make_graph(nodes, "brightness", [pixels], [logits], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    processor = {"image_processor_type": "ViTImageProcessor", "size": {"height": 32, "width": 32}, "do_resize": True}
    processor |= {"do_rescale": True, "do_normalize": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "resample": 2}
    return {
        "config.json": json.dumps({"model_type": "vit", "id2label": {"0": "real", "1": "fake"}}).encode(),
        "preprocessor_config.json": json.dumps(processor).encode(),
        "onnx/model.onnx": bytes(model.SerializeToString()),
    }


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


def test_all_weights_are_pinned_when_asked_for(run: Run, hub: HubServer) -> None:
    hub.add("owner/name", FILES | {"model.onnx": b"graph"})
    assert "model.safetensors" not in run("models", "add", "hf:owner/name").out
    assert "model.safetensors" in run("models", "add", "hf:owner/name", "--all-weights").out
    assert run("models", "verify").out == "hf:owner/name  3 files are the pinned ones\n"


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


def test_a_terminal_sees_the_bytes_arrive(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with arriving("hf:owner/name") as tell:
        assert tell is None, "nothing when piped"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with arriving("hf:owner/name") as tell:
        assert tell is not None
        tell(2_000_000)
    out, err = capsys.readouterr()
    assert "Fetching hf:owner/name" in err
    assert "2.0" in err
    assert out == ""


def test_the_token_is_never_printed(run: Run, hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.add("owner/name", FILES)
    hub.gated.add("owner/name")
    ended = [run("models", *arguments) for arguments in (("add", "hf:owner/name"), ("list",), ("check",), ("verify",))]
    hub.status["owner/name"] = 403
    ended.append(run("models", "check"))
    assert [end.code for end in ended] == [0, 0, 0, 0, 3]
    assert not any(TOKEN in end.out + end.err for end in ended)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        pytest.param("hf:owner/gone", "has no model hf:owner/gone", id="not on the Hub"),
        pytest.param("hf:owner/pickle", "stranger's code", id="pickle"),
        pytest.param("hf:owner/gated", "wants terms to be accepted", id="gated"),
        pytest.param("hf:owner/nc", "forbids commercial use", id="licence"),
        pytest.param("hf:owner/down", "HTTP 500", id="server"),
        pytest.param("hf:owner", "names no repository", id="misspelt"),
    ],
)
def test_an_analysis_whose_model_cannot_be_had_ends_before_any_picture(
    run: Run, hub: HubServer, photo: Path, name: str, says: str
) -> None:
    hub.add("owner/pickle", {"config.json": b"{}", "pytorch_model.bin": b"pickle"})
    hub.add("owner/gated", FILES)
    hub.gated.add("owner/gated")
    hub.add("owner/nc", FILES, {"license": "cc-by-nc-4.0"})
    hub.status["owner/down"] = 500
    ended = run("analyze", photo, photo, "--detector", "face", "--detector", name)
    assert (ended.code, ended.out) == (2, "")
    assert says in ended.err
    assert ended.err.count("\n") == 1


def test_offline_an_analysis_asks_no_hub(run: Run, hub: HubServer, photo: Path) -> None:
    hub.add("owner/name", FILES)
    ended = run("analyze", photo, "--offline", "--detector", "hf:owner/name")
    assert (ended.code, ended.out, hub.asked) == (2, "", [])
    assert "veriscope models add hf:owner/name" in ended.err


def test_a_model_of_the_hub_answers_and_is_asked_for_once(run: Run, hub: HubServer, photo: Path) -> None:
    commit = hub.add("owner/name", classifier())
    ended = run("analyze", photo, "--detector", "hf:owner/name", "--format", "json")
    assert ended.code == 0
    (signal,) = [signal for signal in ended.data["signals"] if signal["source"] == "hf:owner/name"]
    assert (signal["status"], signal["points"]) == ("ok", None)
    assert ended.data["versions"]["detectors"]["hf:owner/name"].startswith(f"{commit[:12]} sha256:")
    assert ended.data["verdict"]["grade"] == "uncertain"
    hub.asked.clear()
    assert run("analyze", photo, "--detector", "hf:owner/name", "--format", "json").data["signals"] == ended.data["signals"]
    assert run("analyze", photo, "--detector", "hf:owner/name", "--offline").code == 0
    assert hub.asked == []


def test_a_folder_that_cannot_be_run_ends_before_any_picture(run: Run, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "model.onnx").write_bytes(b"no graph")
    for name in ("mine", "gone"):
        ended = run("analyze", photo, "--detector", tmp_path / name)
        assert (ended.code, ended.out) == (2, "")
        assert f"local:{name} cannot be used" in ended.err


def test_two_models_of_one_name_are_refused(run: Run, photo: Path) -> None:
    ended = run("analyze", photo, "--detector", "hf:owner/name", "--detector", "hf:owner/name@v2")
    assert ended.code == 2
    assert 'would both be "hf:owner/name"' in ended.err


def test_in_the_library_a_model_that_cannot_be_had_is_one_signal(hub: HubServer, folder: Path, photo: Path) -> None:
    hub.status["owner/down"] = 500
    engine = Engine(Settings(detectors=("scene", "hf:owner/down"), hub_folder=folder))
    statuses = {signal.source: signal.status for signal in engine.analyze(photo).signals}
    assert statuses["hf:owner/down"] == "unavailable"
    assert statuses["scene"] == "ok"
