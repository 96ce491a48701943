"""What decides whether new weights are shipped: splits, mixtures of weights, comparisons."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest


def scores(path: Path, logits: Iterable[tuple[int, str, str, float]]) -> Path:
    """A scores file as research.measure writes it, from label, source, kind and logit."""
    from research.measure import HEADER

    with path.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(HEADER)
        for number, (label, source, kind, logit) in enumerate(logits):
            writer.writerow(["clean", "calibrate", label, source, kind, "ok", logit, f"{number}.jpg"])
    return path


def test_failed_renders_are_left_out_and_a_source_can_be_moved(tmp_path: Path) -> None:
    from research.datasets import items

    columns = ("file", "class", "generator", "repo", "path")
    pictures = [("ai", "kandinsky-community_kandinsky-3", "vladmandic/sd-samples"), ("ai", "SDXL", "vladmandic/sd-samples")]
    pictures += [("real", "photograph", "a/photographer")] * 20
    with (tmp_path / "index.csv").open("w", newline="") as handle:
        csv.writer(handle).writerows(
            [columns, *((f"{number}.jpg", *row, f"{number}.jpg") for number, row in enumerate(pictures))]
        )
    found = items([tmp_path])
    assert [item.kind for item in found if item.label] == ["SDXL"]
    assert {item.split for item in found if not item.label} > {"train"}
    assert {item.split for item in items([tmp_path], all_train=["a/photographer"]) if not item.label} == {"train"}
    assert {item.split for item in items([tmp_path], held_out=["a/photographer"]) if not item.label} == {"heldout"}


def test_an_owner_is_in_one_split_and_a_held_out_generator_stays_held_out(tmp_path: Path) -> None:
    from research.datasets import items

    columns = ("file", "class", "generator", "repo", "path", "split_by")
    owners = [f"photographer{number}/pages" for number in range(40)]
    pictures = [("real", "photograph", owner) for owner in owners for _ in range(3)]
    pictures += [("ai", generator, owner) for owner in owners for generator in ("SDXL", "FLUX.1-dev")]
    with (tmp_path / "index.csv").open("w", newline="") as handle:
        csv.writer(handle).writerows(
            [columns, *((f"{number}.jpg", *row, f"{number}.jpg", "owner") for number, row in enumerate(pictures))]
        )
    found = items([tmp_path])
    assert {item.split for item in found if item.kind == "FLUX.1-dev"} == {"heldout"}
    others = [item for item in found if item.kind != "FLUX.1-dev"]
    assert len({(item.source, item.split) for item in others}) == len(owners)
    assert {item.split for item in others} == {"train", "calibrate", "heldout"}


def test_scores_of_failed_renders_measured_before_do_not_count(tmp_path: Path) -> None:
    from research.measure import read

    path = scores(tmp_path / "s.csv", [(1, "s", "kandinsky-community_kandinsky-3", 0.0), (1, "s", "SDXL", 1.0)])
    assert [row["kind"] for row in read(path)] == ["SDXL"]


def test_weights_are_compared_on_the_pictures_that_both_judged(tmp_path: Path) -> None:
    from research.compare_weights import flagged, paired

    known = [(0, "web", "web photograph", float(n)) for n in range(100)] + [(1, "gallery", "SDXL", 98.5)] * 4
    first = scores(tmp_path / "first.csv", known)
    second = scores(tmp_path / "second.csv", [*known, (1, "gallery", "SDXL", 0.0)])
    rows, (before, after) = paired(first, second, "calibrate", ())
    assert len(rows) == 104
    assert np.array_equal(before, after)
    share = flagged(rows, before)
    assert share["flagged: web photograph"] == (100, pytest.approx(0.02, abs=0.011))
    assert share["found: gallery"] == (4, 1.0)
    assert not paired(first, second, "calibrate", ("web", "gallery"))[0]


def test_an_export_can_mix_in_what_the_run_began_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch
    from research.network import Detector

    from research import export

    start, learnt = Detector(pretrained=False), Detector(pretrained=False)
    torch.nn.init.constant_(learnt.head.weight, 4.0)
    torch.save(learnt.state_dict(), tmp_path / "weights-00150.pt")
    monkeypatch.setattr(export, "begun", lambda _: start)
    mixed = export.trained({"step": 150, "start_share": 0.25}, tmp_path)
    assert torch.allclose(mixed.head.weight, torch.full_like(mixed.head.weight, 3.0))
    with pytest.raises(SystemExit, match="not judged at that step"):
        export.trained({"step": 300}, tmp_path)


def test_a_real_picture_may_name_its_kind_and_be_kept_from_training(tmp_path: Path) -> None:
    from research.datasets import items

    columns = ("file", "class", "generator", "repo", "path", "split_by")
    pictures = [("real", "screenshot", f"owner{number}/pages", "a.png", "owner, not for training") for number in range(40)]
    pictures += [("real", "artwork", f"owner{number}/pages", "a.png", "held out") for number in range(40)]
    pictures.append(("real", "photograph", "owner/pages", "b.jpg", ""))
    with (tmp_path / "index.csv").open("w", newline="") as handle:
        csv.writer(handle).writerows([columns, *((f"{number}.jpg", *row) for number, row in enumerate(pictures))])
    found = items([tmp_path])
    assert {item.split for item in found if item.kind == "screenshot"} == {"calibrate", "heldout"}
    assert {item.split for item in found if item.kind == "artwork"} == {"heldout"}
    assert [item.kind for item in found if item.source == "owner/pages"] == ["professional photograph"]
    with (tmp_path / "index.csv").open("a", newline="") as handle:
        csv.writer(handle).writerow(("x.jpg", "real", "photograph", "owner/pages", "c.jpg", "ownr"))
    with pytest.raises(KeyError, match="ownr"):  # a slip must not spread an owner over the splits
        items([tmp_path])


def test_what_the_gate_refuses_counts_as_a_grade_of_its_kind(tmp_path: Path) -> None:
    from research.evaluate import grades_by_kind
    from research.grades import refused
    from research.measure import HEADER

    path = tmp_path / "scores.csv"
    rows = [
        ("test", 0, "document", "scene.document"),
        ("heldout", 0, "photograph", "ok"),
        ("calibrate", 0, "document", "scene.document"),
    ]
    rows += [("test", 1, "SDXL", "scene.screenshot"), ("test", 0, "video frame", "face.none")]
    with path.open("w", newline="") as handle:
        lines = (
            ["clean", split, label, "s", kind, status, 0.0, f"{number}"]
            for number, (split, label, kind, status) in enumerate(rows)
        )
        csv.writer(handle).writerows([HEADER, *lines])
    assert [row["file"] for row in refused(path)] == ["0"]
    table = tmp_path / "grades.csv"
    grades = [(0, "document", "not_assessable"), (0, "document", "uncertain"), (1, "SDXL", "uncertain")]
    with table.open("w", newline="") as handle:
        csv.writer(handle).writerows([("label", "kind", "grade"), *grades])
    assert grades_by_kind(table) == [{"kind": "document", "n": 2, "not_assessable": 1, "uncertain": 1}]


def test_a_larger_network_goes_on_from_its_own_file_and_from_no_other(tmp_path: Path) -> None:
    import onnxruntime
    import torch
    from research.export import write
    from research.network import Detector, from_onnx

    torch.manual_seed(0)
    network = Detector(pretrained=False, backbone="lite2").eval()
    network.fold()
    for convolution in network.convolutions():
        torch.nn.init.normal_(convolution.bias, std=0.1)  # of equal tensors the exporter keeps one
    torch.nn.init.normal_(network.head.weight, std=0.1)
    path = tmp_path / "large.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's exporter warns of its own age
        write(network, 64, path)
    pixels = torch.rand(2, 3, 64, 64) * 2 - 1
    wanted = onnxruntime.InferenceSession(str(path)).run(["logit"], {"pixels": pixels.numpy()})[0]
    with torch.no_grad():
        assert np.allclose(from_onnx(path, backbone="lite2").eval()(pixels)[0], wanted, atol=1e-3)
    with pytest.raises(ValueError, match="64 convolutions, this network 49"):
        from_onnx(path)


def test_cost_is_counted_in_bare_passes() -> None:
    from research.cost import ratios

    now = 0.0

    def lasts(seconds: float) -> None:
        nonlocal now
        now += seconds

    assert ratios(lambda: lasts(6.0), lambda: lasts(2.0), 2, lambda: now) == [3.0, 3.0]
