"""A report as text: one screen, grade first, nothing that steers a terminal."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import pytest
from domain_made import CAPTURED, CLAIMED, declared, face, facts, model, report, silent
from rich.cells import cell_len

from veriscope import legal
from veriscope.domain import Failure, Finding, Grade, Report, SignalKind, Source, SourceKind, Status, Verdict
from veriscope.i18n import catalogue, languages
from veriscope.report.as_text import render, render_failures, render_law

WORDS = catalogue("en")
SHAPES = {
    Grade.DECLARED_SYNTHETIC: "◆",
    Grade.STRONG_EVIDENCE: "▲",
    Grade.SOME_EVIDENCE: "△",
    Grade.UNCERTAIN: "◐",
    Grade.NO_EVIDENCE_FOUND: "○",
    Grade.NOT_ASSESSABLE: "–",
}
HOSTILE = "a\x1b[31mred\x1b]0;title\x07\x08\x00\x7f\x9b2J\u202egpj.txt\u200b\nb\rc\td.jpg"


def section(text: str, title: str) -> list[str]:
    """The lines under a title, up to the next title."""
    lines = text.splitlines()
    start = lines.index(title) + 1
    return list(itertools.takewhile(bool, lines[start:]))


def full() -> Report:
    """A report with everything in it."""
    sections = legal.select(["de"])
    signals = (
        model(0.93, rechecks=(0.8, 0.8)),
        silent(Status.FAILED),
        silent(Status.UNAVAILABLE, "c2pa", SignalKind.PROVENANCE),
        declared(CLAIMED, CAPTURED),
    )
    return replace(
        report(Grade.STRONG_EVIDENCE),
        media=facts(notes=(Finding("media.oriented", {"orientation": 6}), Finding("media.alpha_flattened"))),
        signals=signals,
        faces=(face(), face(2, reason="face.blurred")),
        not_checked=(
            Finding("not_checked.failed", {"source": "face"}),
            Finding("not_checked.faces", {"count": 1}),
            Finding("not_checked.context"),
        ),
        law=legal.law_references(sections),
        help=legal.help_references(sections),
    )


@pytest.mark.parametrize("grade", list(Grade))
def test_the_grade_comes_first_as_shape_and_words(grade: Grade) -> None:
    lines = render(report(grade), WORDS).splitlines()
    assert lines[0].startswith("picture.jpg ─")
    assert lines[1].startswith("JPEG · 640 × 480 · 123 kB · SHA-256 ")
    assert lines[3] == f" {SHAPES[grade]} {WORDS.text(f'grade.{grade}')}"
    text = " ".join(render(report(grade), WORDS, width=400).split())
    assert WORDS.text(f"meaning.{grade}") in text
    assert WORDS.text(f"action.{grade}") in text


def test_shapes_differ() -> None:
    assert len(set(SHAPES.values())) == len(Grade)


def test_the_score_has_its_interval() -> None:
    assert "Likelihood of AI generation or manipulation: 70% (90% interval 60% to 80%)" in render(report(), WORDS)


@pytest.mark.parametrize("grade", [Grade.DECLARED_SYNTHETIC, Grade.NOT_ASSESSABLE])
def test_without_a_score_the_report_says_so(grade: Grade) -> None:
    text = render(replace(report(grade), signals=()), WORDS)
    assert WORDS.text("score.none") in text
    assert "%" not in text


def test_a_report_fits_on_one_screen() -> None:
    assert len(render(report(), WORDS).splitlines()) <= 32


def test_evidence_is_one_line_an_analyser() -> None:
    signals = (model(0.1), silent(Status.SKIPPED), declared(Finding("metadata.none")), declared(source="foreign"))
    lines = section(render(replace(report(), signals=signals), WORDS, width=120), "Evidence")
    assert lines == [
        "  • Whole picture looks like pictures made by AI generators (10%)",
        "  • Faces         not applicable: no face found",
        "  • Metadata      nothing about the picture's origin; messengers and web sites remove it",
    ]


def test_further_findings_stand_below_their_analyser() -> None:
    lines = section(render(replace(report(), signals=(declared(CLAIMED, CAPTURED),)), WORDS, width=200), "Evidence")
    assert len(lines) == 2
    assert lines[0].strip().startswith("• Metadata")
    assert not lines[1].strip().startswith("•")


@pytest.mark.parametrize(
    ("probability", "rate"), [(0.5, None), (0.7, "about 5% of real pictures"), (0.95, "about 1% of real pictures")]
)
def test_a_suspicious_answer_says_how_often_it_is_wrong(probability: float, rate: str | None) -> None:
    text = render(replace(report(), signals=(model(probability),)), WORDS)
    assert ("of real pictures are flagged" in text) == (rate is not None)
    assert (rate or "") in text


@pytest.mark.parametrize(("probability", "shown"), [(0.0, "(1%)"), (1.0, "(99%)"), (0.9999, "(99%)")])
def test_no_detector_is_shown_as_certain(probability: float, shown: str) -> None:
    assert shown in render(replace(report(), signals=(model(probability),)), WORDS)


def test_an_analyser_without_words_is_named_by_its_id() -> None:
    assert "somebody-elses" in render(replace(report(), signals=(silent(Status.SKIPPED, "somebody-elses"),)), WORDS)


def test_gaps_are_listed_with_names_for_people() -> None:
    lines = section(render(full(), WORDS), "Not checked")
    assert lines == [
        "  • Faces: failed on this file (our defect)",
        "  • one face that is too small or too blurred",
        "  • whether caption, place and date are true",
    ]


def test_a_defect_is_shown_where_the_analyser_speaks() -> None:
    text = render(full(), WORDS, width=200)
    assert "Faces               failed on this file: broken" in text
    assert "Content Credentials cannot run: broken" in text


def test_notes_about_the_file_are_listed() -> None:
    text = render(full(), WORDS)
    assert "About the file" in text
    assert "(EXIF orientation 6)" in text
    assert "About the file" not in render(report(), WORDS)


def test_law_stands_apart_and_is_never_derived() -> None:
    text = render(full(), WORDS)
    assert text.index("Not checked") < text.index("Where to report and get help") < text.index("\nLaw\n")
    assert "General information, not legal advice" in text
    assert "A detection result is not proof" in text
    assert "[DE] " in text
    assert "Law" not in render(report(), WORDS).splitlines()


def test_law_without_entries_says_so() -> None:
    assert WORDS.text("cli.law.none") in render_law((), (), WORDS)


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120])
@pytest.mark.parametrize("language", languages())
def test_no_line_is_wider_than_asked(width: int, language: str) -> None:
    hostile = facts(source=Source(SourceKind.FILE, "写真" * 60 + "x" * 200))
    for line in render(replace(full(), media=hostile), catalogue(language), width).splitlines():
        assert cell_len(line) <= width, line
        assert line == line.rstrip()


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("grade", list(Grade))
def test_every_grade_has_a_report_in_every_language(language: str, grade: Grade) -> None:
    assert catalogue(language).text(f"grade.{grade}") in render(report(grade), catalogue(language))


def harmless(text: str) -> bool:
    return all(character.isprintable() or character == "\n" for character in text)


def test_a_hostile_file_name_steers_nothing() -> None:
    text = render(replace(report(), media=facts(source=Source(SourceKind.FILE, HOSTILE))), WORDS)
    assert harmless(text)
    assert text.splitlines()[0].startswith("a�[31mred�]0;title")
    assert "b�c�d.jpg" in text.splitlines()[0], "a name cannot begin a line of its own"


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"signals": (declared(Finding("metadata.camera", {"camera": HOSTILE})),)}, id="metadata"),
        pytest.param({"signals": (silent(Status.SKIPPED, HOSTILE),)}, id="name of a foreign detector"),
        pytest.param({"not_checked": (Finding("not_checked.failed", {"source": HOSTILE}),)}, id="gap"),
        pytest.param({"media": facts(notes=(Finding("media.oriented", {"orientation": HOSTILE}),))}, id="note"),
        pytest.param(
            {
                "verdict": Verdict(
                    Grade.SOME_EVIDENCE,
                    None,
                    None,
                    (Finding("verdict.claim_only"), Finding("generator.trace", {"field": HOSTILE, "generator": HOSTILE})),
                    Grade.NOT_ASSESSABLE,
                    None,
                )
            },
            id="reason",
        ),
    ],
)
def test_hostile_content_steers_nothing(changed: dict[str, object]) -> None:
    text = render(replace(report(), **changed), WORDS)  # type: ignore[arg-type]
    assert harmless(text)
    assert "red" in text


def test_brackets_are_text_and_not_markup() -> None:
    name = "[bold red]x[/bold red] [link=http://x]y[/link].jpg"
    assert name in render(replace(report(), media=facts(source=Source(SourceKind.FILE, name))), WORDS)


def test_failures_are_listed_with_their_reason() -> None:
    failures = [
        Failure(Source(SourceKind.FILE, "gone.jpg"), "unreadable_source", "There is no file gone.jpg. Check the name."),
        Failure(Source(SourceKind.FILE, HOSTILE), "unsupported_media", "Not a picture.\n▲ Strong evidence"),
    ]
    text = render_failures(failures, WORDS, width=200)
    assert text.splitlines()[0] == "2 inputs could not be analysed:"
    assert len(text.splitlines()) == 3
    assert harmless(text)
    assert render_failures(failures[:1], WORDS).startswith("One input could not be analysed:")


def test_colour_is_added_only_when_asked_for() -> None:
    plain, colourful = render(full(), WORDS), render(full(), WORDS, colour=True)
    assert "\x1b" not in plain
    assert "\x1b[" in colourful
    bare = [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in colourful.splitlines()]
    assert bare == plain.splitlines()


def test_an_enacted_law_shows_when_it_begins_and_others_when_they_were_checked() -> None:
    (enacted, *_) = legal.law_references(legal.select(["de"]))
    begun = replace(enacted, status="enacted", starts="2031-05-06", checked="2026-01-02")
    assert "2031-05-06" in render_law([begun], [], WORDS)
    assert "2026-01-02" not in render_law([begun], [], WORDS)
    in_force = render_law([replace(begun, status="in_force")], [], WORDS)
    assert "2026-01-02" in in_force
    assert "2031-05-06" not in in_force


def test_the_copy_on_which_an_answer_falls_is_named_in_words() -> None:
    reason = Finding("verdict.unstable", {"detector": "scene", "variant": "half"})
    assert WORDS.finding(reason) != WORDS.text(reason.code, reason.params)
    assert "half the size" in WORDS.finding(reason)


@pytest.mark.parametrize("language", ["de", "fr", "es"])
def test_no_break_spaces_of_a_language_are_kept(language: str) -> None:
    text = render(full(), catalogue(language))
    assert "\N{REPLACEMENT CHARACTER}" not in text
    assert "\N{NO-BREAK SPACE}%" in text


@pytest.mark.parametrize("language", languages())
def test_a_report_is_readable_in_every_language(language: str) -> None:
    words = catalogue(language)
    text = render(full(), words)
    assert "\N{REPLACEMENT CHARACTER}" not in text
    assert words.text("grade.strong_evidence") in text
    assert max(cell_len(line) for line in text.splitlines()) <= 100


def test_arabic_keeps_per_cents_in_order_and_shows_marks_that_would_turn_text_around() -> None:
    claim = replace(CLAIMED, params={**CLAIMED.params, "generator": "gpj.\u202ejpg"})
    text = render(replace(full(), signals=(model(0.93), declared(claim))), catalogue("ar"))
    assert "gpj.\N{REPLACEMENT CHARACTER}jpg" in text
    assert "(\u206893%\u2069)" in text
    assert "\u202e" not in text
