"""What decides whether new weights are shipped: splits, mixtures of weights, comparisons."""

from __future__ import annotations

import csv
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
