"""`veriscope calibrate` from pictures to verdicts, over models in the layout of the Hub that the test makes."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import clips_made
import pytest
from cli_runs import Ended, Run
from halves_made import halved_picture, halved_set, hub_folder
from labelled_made import offer_detectors

from veriscope.detectors.hub.calibration import NEVER


@dataclasses.dataclass
class Made:
    """A hub folder, and how the run ended that filled it."""

    folder: Path
    ended: Ended | None = None


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders left, right and reverse."""
    folder = tmp_path_factory.mktemp("models")
    hub_folder(folder / "left", 6.0, 0.0)
    hub_folder(folder / "right", 0.0, 6.0)
    hub_folder(folder / "reverse", -6.0, 0.0)
    return folder


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return halved_set(tmp_path_factory.mktemp("labelled") / "set", 160, 130)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub folder, empty."""
    folder = tmp_path / "home"
    monkeypatch.setenv("VERISCOPE_HUB_FOLDER", str(folder))
    return folder


def calibrated(run: Run, models: Path, source: Path, *names: str, **options: Any) -> Ended:
    chosen = [word for name in names for word in ("--detector", str(models / name))]
    extra = [word for key, value in options.items() for word in (f"--{key}", str(value))]
    return run("calibrate", source, *chosen, "--no-cache", *extra)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory.mktemp("made") / "home")


@pytest.fixture
def mine(run: Run, models: Path, labelled: Path, home: Path, made: Made, monkeypatch: pytest.MonkeyPatch) -> Ended:
    """The ensemble `mine` of left and right in `home`; fitted by the first test that wants it, copied by the others."""
    if made.ended is None:
        monkeypatch.setenv("VERISCOPE_HUB_FOLDER", str(made.folder))
        made.ended = calibrated(run, models, labelled, "left", "right", ensemble="mine")
        monkeypatch.setenv("VERISCOPE_HUB_FOLDER", str(home))
    shutil.copytree(made.folder, home)
    return made.ended


def signals(run: Run, picture: Path, *arguments: str) -> dict[str, Any]:
    report = run("analyze", picture, "--format", "json", *arguments).data
    return {signal["source"]: signal for signal in report["signals"]} | {"verdict": report["verdict"]}


def test_an_ensemble_from_pictures_to_a_verdict(mine: Ended, run: Run, models: Path, home: Path, tmp_path: Path) -> None:
    assert mine.code == 0, mine.err
    assert "ensemble:mine – proved better than its best member" in mine.out
    assert "strict     nothing: 600 independent real pictures are needed for 0.5%" in mine.out
    assert sorted(path.relative_to(home).as_posix() for path in home.rglob("*.toml")) == [
        "calibration/local__left.toml",
        "calibration/local__right.toml",
        "ensembles/mine.toml",
    ]
    listed = run("detectors").out
    assert "ensemble:mine" in listed
    assert "difference +" in listed
    assert "local:left" in listed

    fake, real = tmp_path / "fake.png", tmp_path / "real.png"
    halved_picture(220, 220, 1).save(fake)
    halved_picture(40, 40, 2).save(real)
    high, low = (signals(run, picture, "--detector", "ensemble:mine") for picture in (fake, real))
    assert high["ensemble:mine"]["probability"] > 0.9
    assert low["ensemble:mine"]["probability"] < 0.1
    assert low["verdict"]["grade"] == "no_evidence_found"
    codes = [finding["code"] for finding in high["ensemble:mine"]["findings"]]
    assert codes == ["ensemble.unclear", "ensemble.member", "ensemble.member", "calibration.own", "calibration.few"]
    # The 64 real pictures put aside support no rate of 2 %, so nobody is accused, however high the likelihood.
    assert high["ensemble:mine"]["points"]["some"] == NEVER
    assert high["verdict"]["grade"] == "uncertain"
    versions = run("analyze", fake, "--detector", "ensemble:mine", "--format", "json").data["versions"]["detectors"]
    assert set(versions) == {"ensemble:mine", "local:left", "local:right"}
    text = run("analyze", fake, "--detector", "ensemble:mine").out
    assert "several detectors weighed together" in text
    assert "local:left: likelihood" in text


def test_a_damaged_file_costs_one_line_of_the_list(mine: Ended, run: Run, home: Path) -> None:
    (home / "ensembles" / "mine.toml").write_text("weights = everything")
    ended = run("detectors")
    assert ended.code == 0
    assert "The ensemble mine.toml cannot be read" in ended.out
    assert "local:left" in ended.out
    assert [row["id"] for row in run("detectors", "--format", "json").data] == [
        "face",
        "scene",
        "mine",
        "local:left",
        "local:right",
    ]


def test_a_member_named_beside_its_ensemble_is_asked_within_it_only(
    mine: Ended, run: Run, models: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "picture.png"
    halved_picture(120, 130, 1).save(picture)
    found = signals(run, picture, "--detector", str(models / "left"), "--detector", "ensemble:mine")
    assert {name for name in found if name.startswith(("local", "ensemble"))} == {"ensemble:mine"}


def test_a_calibrated_model_speaks_with_its_thresholds(mine: Ended, run: Run, models: Path, tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    halved_picture(230, 230, 1).save(picture)
    found = signals(run, picture, "--detector", str(models / "left"))
    assert found["local:left"]["points"]["some"] < NEVER  # 160 real pictures support 2 %
    assert found["local:left"]["points"]["strong"] == NEVER
    assert found["verdict"]["grade"] == "some_evidence"
    assert {"calibration.own", "scene.suspicious"} <= {finding["code"] for finding in found["local:left"]["findings"]}


def test_changed_weights_are_no_longer_those_that_were_fitted(mine: Ended, run: Run, models: Path, tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    halved_picture(230, 230, 1).save(picture)
    left = models / "left" / "model.onnx"
    kept = left.read_bytes()
    try:
        shutil.copy(models / "right" / "model.onnx", left)
        alone = signals(run, picture, "--detector", str(models / "left"))
        together = run("analyze", picture, "--detector", "ensemble:mine")
    finally:
        left.write_bytes(kept)
    assert alone["local:left"]["points"] is None
    assert (together.code, together.out) == (2, "")
    assert "Run `veriscope calibrate --ensemble mine` again" in together.err


def test_an_ensemble_leaves_clips_alone(mine: Ended, run: Run, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(clips_made.clip(clips_made.plain_frames(8)))
    found = signals(run, clip, "--detector", "ensemble:mine")
    assert found["ensemble:mine"]["status"] == "skipped"
    assert found["ensemble:mine"]["reason"]["code"] == "ensemble.clip"


def test_an_ensemble_can_be_compared_with_its_members(mine: Ended, run: Run, models: Path, tmp_path: Path) -> None:
    new = halved_set(tmp_path / "new", 60, 60, seed=5)
    names = ["--detector", "ensemble:mine", "--detector", str(models / "left"), "--detector", str(models / "right")]
    rows = run("compare", new, *names, "--no-cache", "--format", "json").data["contenders"]
    areas = {row["id"]: row["figures"]["auc"]["value"] for row in rows}
    assert areas["ensemble:mine"] > max(areas["local:left"], areas["local:right"])


def test_a_reversed_detector_is_refused_and_the_others_go_on(run: Run, models: Path, labelled: Path, home: Path) -> None:
    ended = calibrated(run, models, labelled, "reverse", "left", format="json")
    assert ended.code == 3
    first, second = ended.data["detectors"]
    assert "wrong way round" in first["problem"]
    assert second["calibration"]["n_real"] == 160
    assert [path.name for path in (home / "calibration").iterdir()] == ["local__left.toml"]


def test_an_ensemble_that_does_not_help_is_its_best_member(run: Run, models: Path, labelled: Path, home: Path) -> None:
    ended = calibrated(run, models, labelled, "left", "reverse", ensemble="mine")
    assert ended.code == 3
    assert "ensemble:mine – its best member alone" in ended.out
    assert "member     local:left, weight 1.00" in ended.out
    assert "not more than chance" in ended.out


def test_too_few_pictures_are_refused_with_numbers(run: Run, models: Path, home: Path, tmp_path: Path) -> None:
    few = halved_set(tmp_path / "few", 20, 60)
    ended = calibrated(run, models, few, "left")
    assert ended.code == 2
    assert "judged 20 real and 60 synthetic pictures" in ended.err
    assert "Add 30 real" in ended.err
    assert not home.exists()


def test_folders_can_be_groups(run: Run, models: Path, labelled: Path, home: Path) -> None:
    ended = run("calibrate", labelled, "--detector", str(models / "left"), "--no-cache", "--group-folders")
    assert ended.code == 2
    assert "The 160 real pictures are only 1 independent groups" in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--detector", "nobody"], 'There is no detector "nobody"'),
        (["--detector", "ensemble:nobody"], 'There is no ensemble "nobody"'),
        (["--detector", "face", "--ensemble", "No Name"], "no name of an ensemble"),
        ([], "Missing option"),
    ],
)
def test_wrong_usage(run: Run, labelled: Path, home: Path, arguments: list[str], said: str) -> None:
    ended = run("calibrate", labelled, *arguments)
    assert ended.code == 2
    assert said in " ".join(ended.err.split())


def test_an_own_calibration_of_an_installed_detector_is_used_only_when_asked_for(
    run: Run, labelled: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer_detectors(tmp_path / "packages", monkeypatch)
    monkeypatch.setenv("VERISCOPE_ALLOW_PLUGINS", "1")
    picture = tmp_path / "picture.png"
    halved_picture(150, 160, 1).save(picture)
    before = signals(run, picture, "--detector", "bright")["bright"]
    refused = run("analyze", picture, "--detector", "bright", "--use-calibration")
    assert (refused.code, refused.out) == (2, "")
    assert "There is no calibration of your own for bright 1.0.0" in refused.err
    assert run("calibrate", labelled, "--detector", "bright", "--no-cache").code == 0
    assert signals(run, picture, "--detector", "bright")["bright"] == before
    after = signals(run, picture, "--detector", "bright", "--use-calibration")["bright"]
    assert after["probability"] != before["probability"]
    assert after["raw"] == before["raw"]
    assert after["points"]["strong"] == NEVER
    assert "calibration.own" in [finding["code"] for finding in after["findings"]]
