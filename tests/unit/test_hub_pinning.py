"""Models of the Hub through its own library and a server on this machine: pinned once, verified ever after."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hub_server import TOKEN, HubServer, description, hub, hub_settings

from veriscope.detectors.hub.licences import Licence
from veriscope.detectors.hub.lock import NAME, Lock, LockedFile, LockedModel
from veriscope.detectors.hub.pinning import add_all_weights, newest, repair
from veriscope.detectors.hub.reference import Reference
from veriscope.detectors.hub.repository import Repository, open_repository
from veriscope.errors import (
    AccessRefused,
    ChecksumMismatch,
    DataError,
    LicenceRefused,
    RemoteError,
    UnsafeModel,
    VeriscopeError,
    WeightsUnavailable,
)
from veriscope.settings import Limits, Settings

MODEL = {
    "config.json": b'{"id2label": {"0": "real", "1": "fake"}}',
    "preprocessor_config.json": b"{}",
    "README.md": b"---\nlicense: mit\n---\n",
    "model.safetensors": bytes(range(256)) * 40,
    "pytorch_model.bin": b"a pickle",
    "modeling_evil.py": b"raise SystemExit",
    ".gitattributes": b"",
}
KEPT = {"config.json", "preprocessor_config.json", "README.md", "model.safetensors"}
NAMED = Reference.parse("hf:owner/name")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def opened(settings: Settings, reference: Reference = NAMED) -> Repository:
    return open_repository(reference, settings)


def within(settings: Settings, **limits: Any) -> Settings:
    return dataclasses.replace(settings, limits=dataclasses.replace(settings.limits, **limits))


def offline(settings: Settings) -> Settings:
    return dataclasses.replace(settings, offline=True)


def locked(settings: Settings) -> dict[str, Any]:
    assert settings.hub_folder is not None
    content: dict[str, Any] = json.loads((settings.hub_folder / NAME).read_text("utf-8"))
    return content


def lose(repository: Repository, name: str) -> None:
    """Takes a file out of the cache, whose names are links to it."""
    path = repository.files[name].path
    path.resolve().unlink()
    path.unlink()


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library waits a second before each new attempt."""
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)


def test_the_first_use_pins_a_commit_and_the_hash_of_every_file(hub: HubServer, hub_settings: Settings) -> None:
    commit = hub.add("owner/name", MODEL)
    repository = opened(hub_settings)
    assert (repository.commit, repository.id) == (commit, "hf:owner/name")
    assert set(repository) == KEPT
    assert repository.read("model.safetensors") == MODEL["model.safetensors"]
    assert repository.read_json("config.json")["id2label"] == {"0": "real", "1": "fake"}
    assert repository.version == f"{commit[:12]} sha256:{sha256(MODEL['model.safetensors'])[:16]}"
    entry = locked(hub_settings)["models"]["hf:owner/name"]
    assert entry["commit"] == commit
    assert entry["files"] == {name: {"sha256": sha256(MODEL[name]), "bytes": len(MODEL[name])} for name in KEPT}
    assert entry["licence"] == {"name": "mit", "commercial_use": "yes"}


def test_nothing_but_what_is_needed_is_fetched(hub: HubServer, hub_settings: Settings) -> None:
    hub.add("owner/name", MODEL)
    opened(hub_settings)
    fetched = {path.rpartition("/")[2] for path in hub.paths() if not path.startswith("/api/")}
    assert fetched == KEPT
    assert not any("evil" in asked.path or ".bin" in asked.path for asked in hub.asked)


def test_of_onnx_and_safetensors_only_onnx_is_fetched(hub: HubServer, hub_settings: Settings) -> None:
    hub.add("owner/name", MODEL | {"onnx/model.onnx": b"graph", "onnx/model_int8.onnx": b"small graph"})
    repository = opened(hub_settings)
    assert repository.weights == ("onnx/model.onnx",)
    assert repository.read("onnx/model.onnx") == b"graph"
    assert not any("safetensors" in asked.path or "int8" in asked.path for asked in hub.asked)


@pytest.mark.parametrize("pinned", [True, False], ids=["pinned before", "new"])
def test_safetensors_are_pinned_beside_onnx_when_asked_for(hub: HubServer, hub_settings: Settings, pinned: bool) -> None:
    files = MODEL | {"model.onnx": b"graph"}
    commit = hub.add("owner/name", files)
    if pinned:
        opened(hub_settings)
        hub.add("owner/name", files | {"model.onnx": b"newer"})
    add_all_weights(NAMED, hub_settings)
    repository = opened(hub_settings)
    assert (repository.commit, repository.weights) == (commit, ("model.onnx", "model.safetensors"))
    assert repository.read("model.safetensors") == MODEL["model.safetensors"]


def test_a_commit_that_has_other_files_now_is_not_widened(hub: HubServer, hub_settings: Settings) -> None:
    commit = hub.add("owner/name", MODEL | {"model.onnx": b"graph"})
    opened(hub_settings)
    hub.commits["owner/name"][commit]["model.onnx"] = b"other"
    with pytest.raises(ChecksumMismatch):
        add_all_weights(NAMED, hub_settings)
    assert opened(hub_settings).weights == ("model.onnx",)


def test_the_second_use_asks_nobody(hub: HubServer, hub_settings: Settings) -> None:
    hub.add("owner/name", MODEL)
    first = opened(hub_settings)
    hub.asked.clear()
    again = opened(hub_settings)
    assert hub.asked == []
    assert (again.commit, dict(again.files)) == (first.commit, dict(first.files))


def test_a_moved_revision_changes_nothing_until_it_is_pinned_anew(hub: HubServer, hub_settings: Settings) -> None:
    before = hub.add("owner/name", MODEL)
    opened(hub_settings)
    after = hub.add("owner/name", MODEL | {"model.safetensors": b"other tensors"})
    assert newest(NAMED, hub_settings) == after != before
    assert opened(hub_settings).commit == before
    assert opened(hub_settings).read("model.safetensors") == MODEL["model.safetensors"]
    assert Lock.of(hub_settings).remove(NAMED)
    assert opened(hub_settings).read("model.safetensors") == b"other tensors"


def test_each_revision_has_its_own_entry(hub: HubServer, hub_settings: Settings) -> None:
    first = hub.add("owner/name", MODEL)
    second = hub.add("owner/name", MODEL | {"config.json": b"{}"}, revision="v2")
    assert opened(hub_settings, Reference.parse("hf:owner/name@v2")).commit == second
    assert opened(hub_settings).commit == first
    assert opened(hub_settings, Reference.parse(f"hf:owner/name@{first}")).commit == first
    assert len(Lock.of(hub_settings).models()) == 3


def test_a_file_that_changed_in_the_cache_is_not_opened_and_can_be_repaired(hub: HubServer, hub_settings: Settings) -> None:
    hub.add("owner/name", MODEL)
    opened(hub_settings).files["model.safetensors"].path.write_bytes(b"changed")
    changed = opened(hub_settings)
    with pytest.raises(ChecksumMismatch, match=r"model\.safetensors is not the file that was pinned.*models add hf:owner/name"):
        changed.read("model.safetensors")
    assert repair(NAMED, hub_settings).read("model.safetensors") == MODEL["model.safetensors"]


def test_a_file_that_left_the_cache_is_fetched_again_at_the_pinned_commit(hub: HubServer, hub_settings: Settings) -> None:
    hub.add("owner/name", MODEL)
    lose(opened(hub_settings), "model.safetensors")
    hub.add("owner/name", MODEL | {"model.safetensors": b"other tensors"})
    assert opened(hub_settings).read("model.safetensors") == MODEL["model.safetensors"]


def test_a_pinned_commit_that_is_served_with_other_bytes_is_noticed(hub: HubServer, hub_settings: Settings) -> None:
    hub.add("owner/name", MODEL)
    lose(opened(hub_settings), "model.safetensors")
    hub.served["model.safetensors"] = MODEL["model.safetensors"][::-1]
    with pytest.raises(ChecksumMismatch):
        opened(hub_settings).read("model.safetensors")


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_bytes_that_are_not_the_announced_ones_are_refused_and_not_kept(
    hub: HubServer, hub_settings: Settings, name: str
) -> None:
    hub.add("owner/name", MODEL)
    hub.served[name] = MODEL[name][::-1]
    with pytest.raises(ChecksumMismatch, match="not the file that the Hub announces"):
        opened(hub_settings)
    assert not Lock.of(hub_settings).models()
    hub.served.clear()
    assert opened(hub_settings).read(name) == MODEL[name], "the wrong bytes left the cache"


def test_a_download_that_breaks_off_is_resumed(
    hub: HubServer, hub_settings: Settings, no_waiting: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1000)  # it forgets the chunk that was not whole
    hub.add("owner/name", MODEL)
    hub.cuts["model.safetensors"] = [5000]
    assert opened(hub_settings).read("model.safetensors") == MODEL["model.safetensors"]
    ranges = [asked.headers["range"] for asked in hub.asked if "range" in asked.headers]
    assert ranges == ["bytes=5000-"]


def test_a_download_that_always_breaks_off_is_refused(hub: HubServer, hub_settings: Settings, no_waiting: None) -> None:
    hub.add("owner/name", MODEL)
    hub.cuts["model.safetensors"] = [0] * 20
    with pytest.raises(RemoteError, match="broke off"):
        opened(hub_settings)
    assert not Lock.of(hub_settings).models()
    assert not list(Path(os.environ["HF_HUB_CACHE"]).rglob("*.incomplete"))


def test_a_file_shorter_than_announced_is_refused(hub: HubServer, hub_settings: Settings) -> None:
    hub.add("owner/name", MODEL)
    hub.served["model.safetensors"] = b"short"
    with pytest.raises(RemoteError, match="arrived incomplete"):
        opened(hub_settings)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        pytest.param({"config.json": b"{}", "pytorch_model.bin": b"x"}, "stranger's code", id="pickle only"),
        pytest.param({"config.json": b"{}"}, "no weights", id="nothing"),
        pytest.param({"../model.safetensors": b"x", "/etc/model.onnx": b"x", "a\nb.onnx": b"x"}, "no weights", id="names"),
        pytest.param({f"f{number}": b"" for number in range(10_001)}, "more than 10000 files", id="too many files"),
    ],
)  # fmt: skip
def test_a_repository_without_safe_weights_is_refused(
    hub: HubServer, hub_settings: Settings, files: dict[str, bytes], says: str
) -> None:
    hub.add("owner/name", files)
    with pytest.raises(UnsafeModel, match=says):
        opened(hub_settings)
    assert all(path.startswith("/api/") for path in hub.paths()), "nothing was fetched"


def test_a_model_over_the_limit_is_refused_before_anything_is_fetched(hub: HubServer, hub_settings: Settings) -> None:
    hub.add("owner/name", MODEL)
    with pytest.raises(UnsafeModel, match="max_model_bytes"):
        opened(within(hub_settings, max_model_bytes=1000))
    assert all(path.startswith("/api/") for path in hub.paths())


@pytest.mark.parametrize("understated", [False, True], ids=["as HEAD says", "over what HEAD says"])
def test_a_file_over_the_limit_that_was_announced_without_a_size_is_refused(
    hub: HubServer, hub_settings: Settings, understated: bool
) -> None:
    files = {"config.json": b"{}", "model.safetensors": b"small"}
    commit = hub.add("owner/name", files)
    silent = description("owner/name", commit, files, {})
    for sibling in silent["siblings"]:
        for key in ("size", "lfs", "blobId"):
            sibling.pop(key, None)
    hub.answer = json.dumps(silent).encode()
    hub.served["config.json"] = b"{" + b" " * 100_000 + b"}"
    hub.understated = {"config.json"} if understated else set()
    with pytest.raises(UnsafeModel, match="more than the 50000 bytes"):
        opened(within(hub_settings, max_model_bytes=50_000))


def test_an_etag_that_would_write_elsewhere_is_refused(hub: HubServer, hub_settings: Settings, tmp_path: Path) -> None:
    hub.add("owner/name", MODEL)
    hub.etags["config.json"] = "../../../../escaped"
    with pytest.raises(UnsafeModel, match="not one of a Hub"):
        opened(hub_settings)
    assert not list(tmp_path.rglob("escaped*"))


@pytest.mark.parametrize(
    "answer",
    [
        b"[]",
        b"5",
        b"no json",
        b"{}",
        b'{"id": 5, "sha": 7, "siblings": 3}',
        b'{"id": "a/b", "sha": "../..", "siblings": []}',
        b"[" * 100_000,
        b'{"id": "a/b", "sha": null}',
        b'{"id": "a/b", "siblings": [{"rfilename": {}, "lfs": []}]}',
    ],
    ids=["list", "number", "text", "empty", "types", "commit", "deep", "no commit", "file types"],
)
def test_an_answer_that_is_none_of_a_hub(hub: HubServer, hub_settings: Settings, answer: bytes) -> None:
    hub.answer = answer
    with pytest.raises(RemoteError, match="no answer of a Hub"):
        opened(hub_settings)


def test_a_commit_is_answered_with_itself(hub: HubServer, hub_settings: Settings) -> None:
    commit = hub.add("owner/name", MODEL)
    hub.answer = json.dumps(description("owner/name", "0" * 40, MODEL, {})).encode()
    with pytest.raises(UnsafeModel, match="another commit"):
        opened(hub_settings, Reference.parse(f"hf:owner/name@{commit}"))


def test_a_gated_model_says_how_to_get_it(hub: HubServer, hub_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add("owner/name", MODEL)
    hub.gated.add("owner/name")
    with pytest.raises(AccessRefused, match=r"https://huggingface\.co/owner/name.*hf auth login"):
        opened(hub_settings)
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(AccessRefused, match="wants terms to be accepted"):
        opened(hub_settings)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert opened(hub_settings).read("config.json") == MODEL["config.json"]


def test_the_token_goes_to_the_hub_and_to_nobody_else(
    hub: HubServer, hub_settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    caplog.set_level(logging.DEBUG, "veriscope")
    hub.add("owner/name", MODEL)
    opened(hub_settings)
    sent = [asked for asked in hub.asked if asked.headers.get("authorization") == f"Bearer {TOKEN}"]
    assert sent
    assert not any(asked.path.startswith("/blobs/") for asked in sent), "the other host gets no token"
    assert any(path.startswith("/blobs/") for path in hub.paths())
    assert TOKEN not in caplog.text
    assert hub_settings.hub_folder is not None
    kept = [*hub_settings.hub_folder.rglob("*"), *Path(os.environ["HF_HUB_CACHE"]).rglob("*")]
    assert not any(TOKEN.encode() in path.read_bytes() for path in kept if path.is_file())


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        pytest.param("/api/", 401, AccessRefused, id="401"),
        pytest.param("/api/", 403, AccessRefused, id="403"),
        pytest.param("/api/", 404, RemoteError, id="404 without a reason"),
        pytest.param("/api/", 429, RemoteError, id="429"),
        pytest.param("/api/", 500, RemoteError, id="500"),
        pytest.param("/api/", 503, RemoteError, id="503"),
        pytest.param("/resolve/", 500, RemoteError, id="500 for a file"),
        pytest.param("/resolve/", 404, RemoteError, id="404 for a file"),
        pytest.param("/blobs/", 403, AccessRefused, id="403 of the other host"),
        pytest.param("/blobs/", 500, RemoteError, id="500 of the other host"),
    ],
)
def test_a_server_that_refuses(
    hub: HubServer,
    hub_settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    path: str,
    status: int,
    error: type[VeriscopeError],
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.add("owner/name", MODEL)
    hub.status[path] = status
    with pytest.raises(error, match="hf:owner/name") as caught:
        opened(hub_settings)
    seen = str(caught.value) + "".join(capfd.readouterr())
    assert TOKEN not in seen
    assert hub.url not in seen
    assert caught.value.__suppress_context__, "the library's error quotes the request"
    assert not Lock.of(hub_settings).models()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("hf:owner/other", "has no model hf:owner/other, or hides it", id="repository"),
        pytest.param("hf:owner/name@v9", "no such revision or file", id="revision"),
    ],
)
def test_what_the_hub_does_not_have(hub: HubServer, hub_settings: Settings, text: str, says: str) -> None:
    hub.add("owner/name", MODEL)
    with pytest.raises(WeightsUnavailable, match=says):
        opened(hub_settings, Reference.parse(text))


def test_a_server_that_does_not_answer(hub: HubServer, hub_settings: Settings) -> None:
    hub.add("owner/name", MODEL)
    hub.silent.add("/api/")
    with pytest.raises(RemoteError, match=r"did not answer within 0\.2 seconds"):
        opened(within(hub_settings, hub_seconds=0.2))


def test_a_server_that_stops_answering_on_the_way(hub: HubServer, hub_settings: Settings) -> None:
    hub.add("owner/name", MODEL)
    lose(opened(hub_settings), "model.safetensors")
    hub.silent.add("/resolve/")
    with pytest.raises(RemoteError, match=r"did not answer within 0\.2 seconds"):
        opened(within(hub_settings, hub_seconds=0.2))


def test_a_hub_that_cannot_be_reached(hub: HubServer, hub_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(RemoteError, match="cannot be reached"):
        opened(hub_settings)


def test_a_full_disk(hub: HubServer, hub_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("huggingface_hub.file_download.http_get", full)
    hub.add("owner/name", MODEL)
    with pytest.raises(WeightsUnavailable, match=r"disk is full.*HF_HUB_CACHE"):
        opened(hub_settings)
    assert not Lock.of(hub_settings).models()
    assert not list(Path(os.environ["HF_HUB_CACHE"]).rglob("*.incomplete"))


@pytest.mark.parametrize("how", ["setting", "variable"])
def test_offline_from_the_cache_and_without(
    hub: HubServer, hub_settings: Settings, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    hub.add("owner/name", MODEL)
    hub.add("owner/other", MODEL)
    opened(hub_settings)
    settings = offline(hub_settings) if how == "setting" else hub_settings
    if how == "variable":
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    hub.asked.clear()
    assert opened(settings).read("model.safetensors") == MODEL["model.safetensors"]
    with pytest.raises(WeightsUnavailable, match=r"not on this machine.*veriscope models add hf:owner/other"):
        opened(settings, Reference.parse("hf:owner/other"))
    with pytest.raises(WeightsUnavailable, match="offline"):
        newest(NAMED, settings)
    assert hub.asked == []


def test_offline_with_a_file_missing_from_the_cache(hub: HubServer, hub_settings: Settings) -> None:
    hub.add("owner/name", MODEL)
    lose(opened(hub_settings), "model.safetensors")
    with pytest.raises(WeightsUnavailable, match="not on this machine"):
        opened(offline(hub_settings))


def test_a_cache_that_was_copied_here_is_pinned_offline(hub: HubServer, hub_settings: Settings) -> None:
    import huggingface_hub

    commit = hub.add("owner/name", MODEL)
    for name in KEPT:
        huggingface_hub.hf_hub_download("owner/name", name, cache_dir=os.environ["HF_HUB_CACHE"], endpoint=hub.url)
    hub.asked.clear()
    repository = opened(offline(hub_settings))
    assert hub.asked == []
    assert (repository.commit, repository.licence.name) == (commit, "mit")
    assert repository.read("model.safetensors") == MODEL["model.safetensors"]
    assert locked(hub_settings)["models"]["hf:owner/name"]["commit"] == commit


def test_a_cache_that_names_no_commit_is_not_pinned(hub: HubServer, hub_settings: Settings) -> None:
    cache = Path(os.environ["HF_HUB_CACHE"], "models--owner--name")
    (cache / "refs").mkdir(parents=True)
    (cache / "refs" / "main").write_text("latest")
    (cache / "snapshots" / "latest").mkdir(parents=True)
    for name in KEPT:
        (cache / "snapshots" / "latest" / name).write_bytes(MODEL[name])
    with pytest.raises(WeightsUnavailable, match="not on this machine"):
        opened(offline(hub_settings))


def test_a_licence_that_forbids_commercial_use_waits_for_the_user(hub: HubServer, hub_settings: Settings) -> None:
    hub.add("owner/name", MODEL, {"license": "cc-by-nc-4.0"})
    with pytest.raises(LicenceRefused, match=r"cc-by-nc-4\.0.*models add hf:owner/name --accept-licence"):
        opened(hub_settings)
    assert all(path.startswith("/api/") for path in hub.paths()), "nothing was fetched"
    opened(dataclasses.replace(hub_settings, accept_licences=True))
    assert locked(hub_settings)["models"]["hf:owner/name"]["accepted"] is True
    assert opened(hub_settings).licence.commercial_use == "no", "accepted once is accepted"


@pytest.mark.parametrize("card", [{}, {"license": "unknown"}, {"license": 5}], ids=["none", "unknown", "no text"])
def test_an_unknown_licence_is_shown_as_unknown(hub: HubServer, hub_settings: Settings, card: dict[str, object]) -> None:
    hub.add("owner/name", MODEL, card)
    assert str(opened(hub_settings).licence) == "unknown: the model's card names none"


def test_progress_is_told_in_bytes(hub: HubServer, hub_settings: Settings) -> None:
    hub.add("owner/name", MODEL)
    arrived: list[int] = []
    repair(NAMED, hub_settings, arrived.append)
    assert sum(arrived) == sum(len(MODEL[name]) for name in KEPT)


def test_the_library_is_used_without_telemetry_and_says_who_asks(hub: HubServer, hub_settings: Settings) -> None:
    hub.add("owner/name", MODEL)
    opened(hub_settings)
    agents = {asked.headers["user-agent"] for asked in hub.asked}
    assert all(agent.startswith("veriscope/") for agent in agents)
    assert os.environ["HF_HUB_DISABLE_TELEMETRY"] == "1"


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"schema": 2, "models": {}}', '{"schema": 1, "models": {"hf:a/b": {}}}', "[" * 100_000],
    ids=["empty", "list", "cut", "newer", "incomplete", "deep"],
)
def test_a_damaged_lock_is_never_replaced(hub: HubServer, hub_settings: Settings, text: str) -> None:
    hub.add("owner/name", MODEL)
    lock = Lock.of(hub_settings)
    lock.path.parent.mkdir(parents=True)
    lock.path.write_text(text)
    with pytest.raises(DataError, match="damaged, or of a newer Veriscope"):
        opened(hub_settings)
    assert lock.path.read_text() == text


def test_a_lock_that_names_files_outside_the_model_is_refused(hub: HubServer, hub_settings: Settings) -> None:
    hub.add("owner/name", MODEL)
    opened(hub_settings)
    lock = Lock.of(hub_settings)
    lock.path.write_text(lock.path.read_text().replace('"config.json"', '"../config.json"'))
    with pytest.raises(DataError, match="damaged"):
        opened(hub_settings)


def test_a_selftest_belongs_to_exactly_these_files(hub: HubServer, hub_settings: Settings) -> None:
    hub.add("owner/name", MODEL)
    repository, lock = opened(hub_settings), Lock.of(hub_settings)
    assert lock.selftest(repository) is None
    lock.record_selftest(repository, {"passed": True, "real": 0.1, "runtime": "onnx"})
    assert lock.selftest(repository) == {"passed": True, "real": 0.1, "runtime": "onnx"}
    assert lock.selftest(dataclasses.replace(repository, commit="0" * 40)) is None
    lock.remove(NAMED)
    assert lock.selftest(repository) is None


def test_the_lock_is_sorted_and_whole(hub: HubServer, hub_settings: Settings) -> None:
    for name in ("owner/b", "owner/a"):
        hub.add(name, MODEL)
        opened(hub_settings, Reference.parse(f"hf:{name}"))
    content = locked(hub_settings)
    assert content["schema"] == 1
    assert list(content["models"]) == ["hf:owner/a", "hf:owner/b"]
    assert hub_settings.hub_folder is not None
    assert not list(hub_settings.hub_folder.glob("*.part"))


def test_without_the_extra_the_message_names_it(hub_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from veriscope.errors import MissingExtra

    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"veriscope\[hf\]"):
        opened(hub_settings)


def test_limits_come_from_the_environment() -> None:
    settings = Settings.from_environment(
        {
            "VERISCOPE_LIMITS_MAX_MODEL_BYTES": "5",
            "VERISCOPE_LIMITS_HUB_SECONDS": "1.5",
            "VERISCOPE_HUB_FOLDER": "x",
            "VERISCOPE_ACCEPT_LICENCES": "1",
        }
    )
    assert (settings.limits.max_model_bytes, settings.limits.hub_seconds) == (5, 1.5)
    assert (settings.hub_folder, settings.accept_licences) == (Path("x"), True)
    assert Limits().max_model_bytes == 4 * 1024**3


def test_many_writers_of_one_lock_lose_nothing(tmp_path: Path) -> None:
    references = [Reference(f"owner/name{number}") for number in range(8)]
    model = LockedModel(
        commit="0" * 40, files={"model.onnx": LockedFile(sha256="0" * 64, bytes=1)}, licence=Licence(), added="2026-11-24"
    )
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda reference: Lock(tmp_path).pin(reference, model), references))
    assert set(Lock(tmp_path).models()) == set(map(str, references))


def test_a_lock_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="cannot be written"):
        Lock(tmp_path / "file").remove(NAMED)
