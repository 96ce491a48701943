"""References, layouts and local folders: what a model from elsewhere may be before anything of it is opened."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from veriscope.detectors.hub.reference import Reference, is_reference
from veriscope.detectors.hub.repository import Repository, json_object, open_repository
from veriscope.errors import ChecksumMismatch, DataError, UnsafeModel, WeightsUnavailable
from veriscope.settings import Limits, Settings

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model in the layout of the Hub; its weights are no real ones."""
    model = tmp_path / "my-model"
    model.mkdir()
    (model / "config.json").write_text(json.dumps({"id2label": {"0": "real", "1": "fake"}}))
    (model / "preprocessor_config.json").write_text("{}")
    (model / "README.md").write_text("---\nlicense: mit\n---\n# Mine\n")
    (model / "model.safetensors").write_bytes(b"tensors")
    (model / "trainer_state.json").write_text("{}")
    return model


def opened(folder: Path, **limits: int) -> Repository:
    return open_repository(Reference(folder=folder), Settings(limits=Limits(**limits)))


@pytest.mark.parametrize(
    ("text", "repository", "revision", "name"),
    [
        pytest.param("hf:owner/name", "owner/name", None, "hf:owner/name", id="repository"),
        pytest.param("hf:owner/name@v1.0", "owner/name", "v1.0", "hf:owner/name", id="tag"),
        pytest.param("hf:o/n@refs/pr/1", "o/n", "refs/pr/1", "hf:o/n", id="pull request"),
        pytest.param(f"hf:o/n@{COMMIT}", "o/n", COMMIT, "hf:o/n", id="commit"),
        pytest.param("hf:A-b.c_d/E.f-2", "A-b.c_d/E.f-2", None, "hf:A-b.c_d/E.f-2", id="all allowed characters"),
    ],
)
def test_a_reference_to_the_hub(text: str, repository: str, revision: str | None, name: str) -> None:
    reference = Reference.parse(text)
    assert (reference.repository, reference.revision, reference.id) == (repository, revision, name)
    assert reference.is_commit == (revision == COMMIT)
    assert Reference.parse(str(reference)) == reference


@pytest.mark.parametrize("text", ["./my-model", "models/my-model", "../my-model", "/somewhere/my-model"])
def test_a_reference_to_a_folder(text: str) -> None:
    reference = Reference.parse(text)
    assert reference.folder == Path(text)
    assert reference.id == "local:my-model", "the folders above belong to the user"
    assert Reference.parse(str(reference)) == reference


@pytest.mark.parametrize(
    "text",
    [
        "hf:", "hf:name", "hf:/name", "hf:owner/", "hf:a/b/c", "hf:../name", "hf:owner/..", "hf:owner/a..b", "hf:a--b/c",
        "hf:-a/b", "hf:a/b.", "hf:a/b c", "hf:a/b\n", "hf:a/b\x00", "hf:ä/b", "hf:a/" + "b" * 120,
        "hf:a/b@", "hf:a/b@-x", "hf:a/b@a..b",
        "hf:a/b@c d", "hf:a/b@" + "c" * 300, "hf:a/b@c@d", "face", "",
    ],
)  # fmt: skip
def test_what_names_no_model_is_refused(text: str) -> None:
    with pytest.raises(DataError, match=r"Write hf:|Give a branch"):
        Reference.parse(text)


def test_an_id_of_ours_is_no_reference() -> None:
    assert not is_reference("face")
    assert is_reference("./face")


def test_a_reference_is_one_of_two() -> None:
    with pytest.raises(ValueError, match="either a repository or a folder"):
        Reference()
    with pytest.raises(ValueError, match="either a repository or a folder"):
        Reference("a/b", folder=Path("x"))


def test_a_folder_is_pinned_as_it_is(folder: Path) -> None:
    repository = opened(folder)
    assert sorted(repository) == ["README.md", "config.json", "model.safetensors", "preprocessor_config.json"]
    assert repository.weights == ("model.safetensors",)
    assert repository.files["model.safetensors"].sha256 == hashlib.sha256(b"tensors").hexdigest()
    assert repository.read("model.safetensors") == b"tensors"
    assert repository.read_json("config.json") == {"id2label": {"0": "real", "1": "fake"}}
    assert repository.verified_path("model.safetensors") == (folder / "model.safetensors").resolve()
    assert (repository.licence.name, repository.licence.commercial_use) == ("mit", "yes")
    assert repository.id == "local:my-model"
    digest = repository.commit.removeprefix("local:")
    assert len(digest) == 64
    assert repository.version == f"{digest[:12]} sha256:{hashlib.sha256(b'tensors').hexdigest()[:16]}"


def test_the_same_files_have_the_same_commit_and_others_another(folder: Path) -> None:
    before = opened(folder).commit
    (folder / "trainer_state.json").write_text("changed")
    assert opened(folder).commit == before, "what is not opened does not count"
    (folder / "config.json").write_text("{}")
    assert opened(folder).commit != before


def test_a_file_that_changes_after_it_was_pinned_is_not_opened(folder: Path) -> None:
    repository = opened(folder)
    (folder / "model.safetensors").write_bytes(b"TENSORS")
    for check in (repository.read, repository.verified_path):
        with pytest.raises(ChecksumMismatch, match=r"model\.safetensors is not the file that was pinned"):
            check("model.safetensors")
    with pytest.raises(ChecksumMismatch):
        repository.verify()


def test_a_file_that_has_grown_or_gone_is_noticed(folder: Path) -> None:
    repository = opened(folder)
    (folder / "model.safetensors").write_bytes(b"tensors and more")
    with pytest.raises(ChecksumMismatch):
        repository.read("model.safetensors")
    (folder / "model.safetensors").unlink()
    with pytest.raises(WeightsUnavailable, match=r"model\.safetensors cannot be read"):
        repository.read("model.safetensors")


def test_a_file_that_the_model_lacks(folder: Path) -> None:
    with pytest.raises(WeightsUnavailable, match=r"has no file processor_config\.json"):
        opened(folder).read("processor_config.json")


@pytest.mark.parametrize(
    ("names", "weights"),
    [
        pytest.param(["model.onnx", "model.safetensors"], ("model.onnx", "model.safetensors"), id="onnx before safetensors"),
        pytest.param(["onnx/model.onnx", "onnx/model_quantized.onnx"], ("onnx/model.onnx",), id="full precision"),
        pytest.param(["detector_fp16.onnx"], ("detector_fp16.onnx",), id="the only onnx file"),
        pytest.param(["a.onnx", "b.onnx", "model.safetensors"], ("model.safetensors",), id="undecided onnx beside safetensors"),
        pytest.param(["model.safetensors", "pytorch_model.bin", "evil.py"], ("model.safetensors",), id="pickle left aside"),
    ],
)
def test_which_weights_are_opened(tmp_path: Path, names: list[str], weights: tuple[str, ...]) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"weights")
    repository = opened(tmp_path)
    assert repository.weights == weights
    assert not {"pytorch_model.bin", "evil.py"} & set(repository)


@pytest.mark.parametrize(
    ("names", "says"),
    [
        pytest.param(
            ["pytorch_model.bin"], r"run a stranger's code.*pytorch_model\.bin.*safetensors or ONNX", id="pickle only"
        ),
        pytest.param(["model.pt", "config.json"], "run a stranger's code", id="torch file"),
        pytest.param(["tf_model.h5"], "run a stranger's code", id="keras"),
        pytest.param(["a.onnx", "b.onnx"], r"2 ONNX files.*model\.onnx", id="undecided onnx"),
        pytest.param(["config.json"], "no weights that can be read", id="no weights"),
        pytest.param(["adapter_model.safetensors"], "no weights that can be read", id="part of a model"),
    ],
)
def test_a_folder_without_safe_weights_is_refused(tmp_path: Path, names: list[str], says: str) -> None:
    for name in names:
        (tmp_path / name).write_bytes(b"weights")
    with pytest.raises(UnsafeModel, match=says):
        opened(tmp_path)


def test_the_tensors_beside_an_onnx_file_belong_to_it(tmp_path: Path) -> None:
    (tmp_path / "onnx").mkdir()
    for name in ("model.onnx", "model.onnx_data", "other.onnx", "other.onnx.data"):
        (tmp_path / "onnx" / name).write_bytes(name.encode())
    repository = opened(tmp_path)
    assert set(repository) == {"onnx/model.onnx", "onnx/model.onnx_data"}
    assert repository.weights == ("onnx/model.onnx",)


def test_a_sharded_model(tmp_path: Path) -> None:
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    for number in (1, 2):
        (tmp_path / f"model-0000{number}-of-00002.safetensors").write_bytes(b"shard")
    names = ("model.safetensors.index.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
    assert opened(tmp_path).weights == names


@pytest.mark.parametrize("target", ["../../secret", "pytorch_model.bin", 5])
def test_an_index_that_points_elsewhere_is_refused(tmp_path: Path, target: object) -> None:
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": target}}))
    (tmp_path / "model-00001-of-00001.safetensors").write_bytes(b"shard")
    with pytest.raises(UnsafeModel, match="no part of the model"):
        opened(tmp_path)


def test_a_link_out_of_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").symlink_to(tmp_path / "secret")
    with pytest.raises(UnsafeModel, match="leads out of the model's folder"):
        opened(folder)


def test_a_snapshot_in_the_cache_of_the_hub_may_link_to_its_blobs(tmp_path: Path) -> None:
    blobs, snapshot = tmp_path / "models--o--n" / "blobs", tmp_path / "models--o--n" / "snapshots" / COMMIT
    blobs.mkdir(parents=True)
    snapshot.mkdir(parents=True)
    (blobs / "abc").write_bytes(b"tensors")
    (snapshot / "model.safetensors").symlink_to("../../blobs/abc")
    assert opened(snapshot).read("model.safetensors") == b"tensors"


def test_a_model_over_the_limit_is_refused(folder: Path) -> None:
    with pytest.raises(UnsafeModel, match="Raise max_model_bytes"):
        opened(folder, max_model_bytes=10)


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(WeightsUnavailable, match="The folder gone cannot be read") as caught:
        opened(tmp_path / "gone")
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"a":' * 100_000, "{", "[]", "5", '{"a": NaN}', '{"a": ' + "9" * 5000 + "}", "\udcff", ""],
    ids=["deep list", "deep object", "cut", "list", "number", "not a number", "long number", "no UTF-8", "empty"],
)
def test_hostile_json_is_refused(text: str) -> None:
    with pytest.raises(UnsafeModel, match=r"config\.json"):
        json_object(text.encode("utf-8", "surrogateescape"), "config.json")
