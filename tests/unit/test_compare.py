"""Several detectors on the same files: figures, what is withheld, and which differences count."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from labelled_made import PLUGINS, made_set, offer_detectors, write_pictures
from models_made import offer_package, write_card
from rich.cells import cell_len

from veriscope import detectors
from veriscope.domain import Status
from veriscope.errors import DataError
from veriscope.evaluation import as_data, as_html, as_text, figures, sentences
from veriscope.evaluation.asking import Answer
from veriscope.evaluation.compare import Comparison, Options, _differences, compare
from veriscope.evaluation.figures import Answers, Figure
from veriscope.evaluation.labelled import Example, Labelled, read_labelled
from veriscope.evaluation.scoring import Scored
from veriscope.evaluation.variants import VARIANTS
from veriscope.evaluation.worst import thumbnails
from veriscope.i18n import catalogue, languages
from veriscope.report import as_html as report_page

WORDS = catalogue("en")
FEW_ROUNDS = Options(rounds=40)


class Judge:
    """Takes a logit as it is: flags from 0 on."""

    calibrated = True

    def probability(self, answer: Answer) -> float:
        assert answer.logit is not None
        return float(1 / (1 + np.exp(-answer.logit)))

    def flags(self, answer: Answer) -> bool:
        return self.probability(answer) >= 0.5


def scored(real: Sequence[float | None], fake: Sequence[float | None], **known: Any) -> Answers:
    """Answers with these logits; None = refused."""
    rows = []
    for label, logits in enumerate((real, fake)):
        for number, logit in enumerate(logits):
            example = Example(Path("x"), f"{label}/{number}", label, f"{label}-{number}", **known)
            answer = Answer(Status.SKIPPED, "face.none") if logit is None else Answer(Status.OK, logit=logit)
            rows.append(Scored(example, answer))
    return Answers(Judge(), rows)  # type: ignore[arg-type]


def normal(mean: float, count: int, seed: int) -> list[float]:
    return [float(value) for value in np.random.default_rng(seed).normal(mean, 1, count)]


@pytest.fixture
def labelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Labelled:
    offer_detectors(tmp_path / "packages", monkeypatch)
    return read_labelled(made_set(tmp_path / "set"))


@pytest.fixture
def comparison(labelled: Labelled) -> Comparison:
    return compare("set", labelled, ["bright", "dark"], PLUGINS, FEW_ROUNDS)[0]


# Figures


def test_a_refused_picture_is_in_no_figure_and_in_the_coverage() -> None:
    answers = scored([-2, -1, None], [1, 2, None, None])
    found = figures.figures(answers, rounds=20)
    assert (found.real, found.synthetic) == (2, 2)
    assert found.auc is not None
    assert found.auc.value == 1.0
    covered = figures.coverage(answers)
    assert (covered.real, covered.real_judged, covered.synthetic, covered.synthetic_judged) == (3, 2, 4, 2)
    assert covered.share == pytest.approx(4 / 7)
    assert covered.refused == {"face.none": 3}


@pytest.mark.parametrize(
    ("count", "shown"), [(19, (False, False)), (20, (False, True)), (99, (False, True)), (100, (True, True))]
)
def test_a_rate_of_one_per_cent_needs_a_hundred_real_pictures(count: int, shown: tuple[bool, bool]) -> None:
    found = figures.figures(scored(normal(-1, count, 0), normal(1, 30, 1)), rounds=20)
    assert (found.tpr_at_fpr_1 is not None, found.tpr_at_fpr_5 is not None) == shown
    assert found.auc is not None


def test_pictures_of_one_person_are_not_a_hundred() -> None:
    found = figures.figures(scored(normal(-1, 200, 0), normal(1, 200, 1), group="anna"), rounds=20)
    assert found.tpr_at_fpr_1 is None
    assert found.auc is not None
    assert found.auc.high - found.auc.low > 0.5, "one person of each class says nearly nothing"


def test_ten_right_answers_are_not_certainty() -> None:
    found = figures.figures(scored([-1.0] * 5, [1.0] * 5), rounds=50)
    for name in ("auc", "balanced_accuracy", "found"):
        figure: Figure = getattr(found, name)
        assert figure.value == 1.0
        assert figure.low < 0.85
    assert found.false_alarms is not None
    assert (found.false_alarms.value, found.false_alarms.high > 0.2) == (0.0, True)
    assert found.few


def test_more_pictures_narrow_the_interval() -> None:
    widths = []
    for count in (20, 400):
        auc = figures.figures(scored(normal(-0.5, count, 0), normal(0.5, count, 1)), rounds=100).auc
        assert auc is not None
        assert auc.low <= auc.value <= auc.high
        widths.append(auc.high - auc.low)
    assert widths[1] < widths[0] / 2


@pytest.mark.parametrize(("real", "fake"), [([-1.0, 1.0], []), ([], [1.0])])
def test_of_one_class_there_is_only_the_share_flagged(real: list[float], fake: list[float]) -> None:
    answers = scored(real, fake)
    found = figures.figures(answers, rounds=10)
    assert found.auc is found.eer is found.balanced_accuracy is found.ece is None
    assert (found.false_alarms is not None, found.found is not None) == (bool(real), bool(fake))
    assert (figures.curve_points(answers), figures.reliability(answers)) == ((), ())


def test_nothing_judged_is_no_figure() -> None:
    answers = scored([None], [None])
    found = figures.figures(answers)
    assert (found.real, found.synthetic, found.auc, found.found) == (0, 0, None, None)
    assert figures.coverage(answers).share == 0
    assert figures.worst(answers, 0) == ()


def test_generators_and_kinds_are_counted_apart() -> None:
    rows = [
        Scored(Example(Path("x"), str(number), label, str(number), generator, kind), Answer(Status.OK, logit=logit))
        for number, (label, generator, kind, logit) in enumerate(
            [(1, "sdxl", "", 2.0), (1, "sdxl", "", -1.0), (1, "", "", 1.0), (0, "", "film", -2.0), (0, "", "film", 3.0)]
        )
    ]
    answers = Answers(Judge(), rows)  # type: ignore[arg-type]
    sdxl, unnamed = figures.groups(answers, 1)
    assert (sdxl.name, sdxl.count, sdxl.judged) == ("sdxl", 2, 2)
    assert sdxl.flagged is not None
    assert sdxl.flagged.value == 0.5
    assert sdxl.auc is not None
    assert sdxl.auc.value == 0.5
    assert unnamed.name == ""
    (film,) = figures.groups(answers, 0)
    assert film.auc is None
    assert film.flagged is not None
    assert film.flagged.value == 0.5


def test_the_worst_errors_come_first_and_are_never_certain() -> None:
    answers = scored([-3, 9, 0.5], [8, -9, 0.1])
    accused, missed = figures.worst(answers, 0), figures.worst(answers, 1)
    assert (accused[0].name, accused[0].probability) == ("0/1", 0.99)
    assert (missed[0].name, missed[0].probability) == ("1/1", 0.01)
    assert len(figures.worst(scored(normal(0, 30, 0), [1.0]), 0)) == 10


def test_a_curve_of_many_pictures_stays_small_and_whole() -> None:
    points = figures.curve_points(scored(normal(-1, 3000, 0), normal(1, 3000, 1)))
    assert len(points) <= 201
    assert points[0][0] == 0
    assert points[-1] == (1.0, 1.0)
    assert list(points) == sorted(points)


# Differences


def test_equal_detectors_differ_by_chance_only() -> None:
    answers = {name: scored(normal(-1, 100, seed), normal(1, 100, seed + 1)) for name, seed in (("a", 100), ("b", 110))}
    (difference,) = _differences(answers, rounds=100)
    assert difference.within_chance
    assert difference.auc.value >= 0


def test_a_much_better_detector_is_better() -> None:
    answers = {
        "poor": scored(normal(0, 100, 0), normal(0.2, 100, 1)),
        "good": scored(normal(-2, 100, 2), normal(2, 100, 3)),
    }
    (difference,) = _differences(answers, rounds=100)
    assert (difference.first, difference.second) == ("good", "poor")
    assert not difference.within_chance
    assert 0 < difference.auc.low <= difference.auc.value <= difference.auc.high
    assert "good ranks better than poor" in sentences.difference(difference, WORDS)


def test_two_copies_of_one_detector_do_not_differ() -> None:
    answers = {name: scored(normal(-1, 50, 0), normal(1, 50, 1)) for name in "ab"}
    (difference,) = _differences(answers, rounds=50)
    assert difference.within_chance
    assert difference.auc == Figure(0, 0, 0)


def test_only_pictures_that_both_judged_are_compared() -> None:
    answers = {"a": scored([-1, -2, None] * 10, [1, 2, 3] * 10), "b": scored([-1, None, -3] * 10, [None, 2, 3] * 10)}
    (difference,) = _differences(answers, rounds=20)
    assert (difference.real, difference.synthetic) == (10, 20)


def test_too_few_pictures_tell_no_detectors_apart() -> None:
    answers = {"a": scored([-1.0] * 9, [1.0] * 50), "b": scored([1.0] * 9, [-1.0] * 50)}
    (difference,) = _differences(answers, rounds=20)
    assert difference.few
    assert difference.within_chance


def test_of_one_class_in_common_nothing_is_said() -> None:
    assert _differences({"a": scored([-1], [None]), "b": scored([-1], [1])}, rounds=10) == ()
    assert _differences({"a": scored([-1], [1])}, rounds=10) == ()


def test_the_more_pairs_the_wider_the_intervals() -> None:
    answers = {str(seed): scored(normal(-1, 60, seed), normal(1, 60, seed + 50)) for seed in range(5)}
    pair = {name: answers[name] for name in ("0", "1")}
    alone, among = _differences(pair, 100)[0], _differences(answers, 100)[0]
    assert among.auc.high - among.auc.low > alone.auc.high - alone.auc.low


# The whole


def test_a_comparison_of_a_good_and_a_reversed_detector(comparison: Comparison) -> None:
    bright, dark = comparison.contenders
    assert (comparison.real, comparison.synthetic) == (3, 3)
    assert bright.figures is not None
    assert dark.figures is not None
    assert bright.figures.auc is not None
    assert dark.figures.auc is not None
    assert (bright.figures.auc.value, dark.figures.auc.value) == (1.0, 0.0)
    assert bright.calibrated
    assert [group.name for group in bright.generators] == ["gan"]
    assert [group.name for group in bright.kinds] == ["camera"]
    assert bright.work is not None
    assert bright.work.pictures == 6
    assert comparison.differences[0].few


def test_a_detector_that_cannot_run_is_named_and_the_others_go_on(
    labelled: Labelled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = write_card(offer_package(tmp_path / "more", monkeypatch, "more_cards"), id="broken")
    card.with_suffix(".onnx").write_bytes(b"no model")
    found, answers = compare("set", labelled, ["broken", "bright"], PLUGINS, FEW_ROUNDS)
    broken, bright = found.contenders
    assert "not the ones that were measured" in broken.problem
    assert broken.figures is None
    assert bright.figures is not None
    assert {one.detector for one in answers} == {"bright"}
    assert "broken could not run" in as_text.render(found, WORDS)
    assert as_data.as_csv(found).splitlines()[1].startswith("broken,,False,")
    assert "broken could not run" in as_html.render(found, WORDS)


def test_an_unknown_detector_is_refused(labelled: Labelled) -> None:
    with pytest.raises(DataError, match="brigth"):
        compare("set", labelled, ["brigth"], PLUGINS, FEW_ROUNDS)


def test_a_name_given_twice_is_asked_once(labelled: Labelled) -> None:
    assert len(compare("set", labelled, ["bright", "bright"], PLUGINS, FEW_ROUNDS)[0].contenders) == 1


def test_a_detector_without_thresholds_is_marked(labelled: Labelled, monkeypatch: pytest.MonkeyPatch) -> None:
    (inner,) = detectors.load(detectors.catalogue(PLUGINS)[-2:-1], PLUGINS)
    monkeypatch.setattr(type(inner), "operating_points", lambda *_: None)
    found = compare("set", labelled, ["bright"], PLUGINS, FEW_ROUNDS)[0]
    assert not found.contenders[0].calibrated
    for text in (as_text.render(found, WORDS, width=300), as_html.render(found, WORDS)):
        assert "bright is not calibrated" in text


def test_altered_copies_get_figures_of_their_own(labelled: Labelled) -> None:
    variants = {name: VARIANTS[name] for name in ("half", "noise")}
    found = compare("set", labelled, ["bright"], PLUGINS, Options(rounds=20, variants=variants))[0]
    assert [(one.variant, one.count, one.judged) for one in found.contenders[0].altered] == [
        ("clean", 6, 6),
        ("half", 6, 0),  # too small for the detector: no figure, and no score of one half
        ("noise", 6, 6),
    ]
    assert found.contenders[0].altered[1].auc is None
    assert "noise" in as_text.render(found, WORDS)
    assert "noise" in as_html.render(found, WORDS)


# Shown and written


def test_the_data_holds_everything(comparison: Comparison) -> None:
    found = json.loads(as_data.as_json(comparison))
    assert next(iter(found)) == "schema"
    assert found["schema"] == "veriscope.comparison/1"
    assert found["contenders"][0]["figures"]["auc"] == {"value": 1.0, "low": pytest.approx(0.65, abs=0.2), "high": 1.0}
    assert found["contenders"][0]["figures"]["tpr_at_fpr_1"] is None


def test_a_line_for_each_detector(comparison: Comparison) -> None:
    bright, dark = csv.DictReader(io.StringIO(as_data.as_csv(comparison)))
    assert (bright["detector"], bright["auc"], bright["tpr_at_fpr_1"], bright["coverage"]) == ("bright", "1", "", "1")
    assert dark["auc"] == "0"
    assert float(bright["files_per_second"]) > 0


def test_every_answer_as_a_table(labelled: Labelled) -> None:
    _, answers = compare("set", labelled, ["bright"], PLUGINS, FEW_ROUNDS)
    rows = list(csv.DictReader(io.StringIO(as_data.answers_csv(answers))))
    assert [row["label"] for row in rows] == ["fake"] * 3 + ["real"] * 3
    assert [row["flagged"] for row in rows] == ["0", "1", "1", "0", "0", "0"]
    assert all(row["sha256"] and row["logit"] for row in rows)


@pytest.mark.parametrize("name", ["=cmd()", "+1", "-1", "@x"])
def test_a_name_is_no_formula(name: str) -> None:
    assert as_data._name(name) == f"./{name}"
    assert as_data._name("fake/a.png") == "fake/a.png"


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("width", [60, 110])
def test_text_in_every_language_fits(comparison: Comparison, language: str, width: int) -> None:
    words = catalogue(language)
    text = as_text.render(comparison, words, width)
    assert words.text("compare.title") in text
    assert max(map(cell_len, text.splitlines())) <= width
    assert "\x1b" not in text
    assert "gan" in text


@pytest.mark.parametrize("language", languages())
def test_the_page_in_every_language(comparison: Comparison, language: str) -> None:
    words = catalogue(language)
    page = as_html.render(comparison, words)
    assert f'<html lang="{language}" dir="{words.direction}">' in page
    assert page.count("<polyline") == 2
    assert page.count("<circle") >= 4


def test_an_interval_keeps_its_order_from_right_to_left() -> None:
    assert sentences.value("auc", Figure(0.6, 0.42, 0.76), catalogue("ar"))[1] == "\u20680.42–0.76\u2069"
    assert sentences.value("found", Figure(0.6, 0.42, 0.76), WORDS) == ("60%", "42%–76%")


def test_the_page_loads_nothing_and_runs_nothing(comparison: Comparison) -> None:
    page = as_html.render(comparison, WORDS)
    assert "default-src 'none'" in page
    assert not re.search(r"<script|<link|<iframe|javascript:|@import|\son\w+=", page)
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!data:)""", page)
    assert set(re.findall(r"https?://[^\s\"')]+", page)) <= {"http://www.w3.org/2000/svg"}
    assert report_page.style() in page, "a style is no text: its quotes and arrows must stay what they are"


def test_hostile_names_stay_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offer_detectors(tmp_path / "packages", monkeypatch)
    folder = made_set(tmp_path / "set")
    write_pictures(folder / "fake" / "<script>alert(1)<", [90], seed=400)
    write_pictures(folder / "fake" / "a\u202egnp", [91], seed=401)
    found, _ = compare("<b>set</b>", read_labelled(folder), ["bright"], PLUGINS, FEW_ROUNDS)
    page = as_html.render(found, WORDS)
    assert "<script" not in page
    assert "<b>set" not in page
    assert "&lt;script&gt;alert(1)&lt;" in page
    for text in (page, as_text.render(found, WORDS)):
        assert "\u202e" not in text


def test_pictures_enter_the_page_only_when_asked_for(comparison: Comparison, labelled: Labelled) -> None:
    assert "data:image/jpeg" not in as_html.render(comparison, WORDS)
    small = thumbnails(comparison, labelled.examples, PLUGINS)
    assert set(small) == {example.sha256 for example in labelled.examples}
    assert as_html.render(comparison, WORDS, small).count("data:image/jpeg") == 12


def test_problems_and_copies_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offer_detectors(tmp_path / "packages", monkeypatch)
    folder = made_set(tmp_path / "set")
    (folder / "real" / "copy.png").write_bytes((folder / "real" / "camera" / "000.png").read_bytes())
    write_pictures(folder / "elsewhere", [float(level) for level in range(100, 125)], seed=600)
    found, _ = compare("set", read_labelled(folder), ["bright"], PLUGINS, FEW_ROUNDS)
    text = as_text.render(found, WORDS, width=200)
    assert "1 further copy of a file was not counted again" in text
    assert "25 entries could not be used:" in text
    assert "elsewhere/000.png" in text
    assert "… + 5" in text
    assert "elsewhere/024.png" in as_html.render(found, WORDS)
