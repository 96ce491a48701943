"""A report as a page: self-contained, escaped, equal in every language, law apart from the verdict."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from domain_made import CLAIMED, declared, face, facts, model, report, silent
from PIL import Image

from veriscope import legal
from veriscope.domain import (
    Box,
    Clip,
    DenseMap,
    Failure,
    Finding,
    Grade,
    MediaKind,
    Report,
    Sample,
    Score,
    Source,
    SourceKind,
    Status,
    Strategy,
    TellingFrame,
    Track,
)
from veriscope.i18n import Catalogue, catalogue, languages
from veriscope.report import as_html
from veriscope.report.sentences import SHAPES, safe

WORDS = catalogue("en")
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>\u202egpj.exe\x00'
VOID = {"meta", "img", "br", "link", "hr", "input"}


class Page(HTMLParser):
    """What a page holds: every tag with its attributes, and that tags are closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.text += data

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


def jpeg() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(out, "JPEG")
    return out.getvalue()


def full(grade: Grade = Grade.STRONG_EVIDENCE, name: str = "picture.jpg", **changes: object) -> Report:
    """A report with everything in it."""
    sections = legal.select(["de", "us-ca"])
    grid = DenseMap("scene.map", 2, 2, (0.1, 0.9, 0.2, 0.0), Box(0, 0, 320, 480))
    signals = (
        replace(model(0.93), maps=(grid,)),
        replace(model(0.4, "face"), scores=(Score("face", 0.4, 0.4, face=1),)),
        silent(Status.SKIPPED, "watermarks"),
        declared(CLAIMED),
    )
    values = {
        "media": facts(source=Source(SourceKind.BYTES, name), notes=(Finding("media.alpha_flattened"),)),
        "signals": signals,
        "faces": (face(), face(2, Box(320, 240, 64, 48), reason="face.blurred"), face(3)),
        "law": legal.law_references(sections),
        "help": legal.help_references(sections),
    }
    return replace(report(grade), **(values | changes))  # type: ignore[arg-type]


def page(made: Report, words: Catalogue = WORDS, picture: bytes | None = None) -> Page:
    return Page(as_html.render(made, words, picture))


def addresses(found: Page) -> Iterator[str]:
    for _, attributes in found.tags:
        yield from (
            str(attributes[name]) for name in ("src", "href", "action", "data", "poster", "srcset") if name in attributes
        )


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("grade", list(Grade))
def test_every_grade_is_told_in_every_language(language: str, grade: Grade) -> None:
    words = catalogue(language)
    found = page(report(grade), words)
    for section in ("grade", "meaning", "action"):
        assert words.text(f"{section}.{grade}") in found.text
    (html,) = found.all("html")
    assert html == {"lang": language, "dir": words.direction}


@pytest.mark.parametrize("picture", [None, jpeg()], ids=["without picture", "with picture"])
def test_a_page_loads_nothing_and_runs_nothing(picture: bytes | None) -> None:
    found = page(full(), picture=picture)
    loaded = [address for address in addresses(found) if not address.startswith("data:image/")]
    assert all(address.startswith("https://") for address in loaded)
    assert set(loaded) <= {law.url for law in full().law} | {str(entry.url) for entry in full().help}
    assert not found.all("script")
    assert not [name for _, attributes in found.tags for name in attributes if name.startswith("on")]
    assert not re.search(r"@import|url\((?!\"data:)", as_html.style())
    policy = [meta["content"] for meta in found.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy
    assert str(policy[0]).startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:;")


def test_hostile_texts_stay_text() -> None:
    finding = Finding("metadata.camera", {"camera": HOSTILE})
    made = full(name=HOSTILE, signals=(declared(finding), silent(Status.SKIPPED, HOSTILE)), not_checked=(finding,))
    found = page(made, picture=jpeg())
    assert not found.all("script")
    assert all("onerror" not in attributes for attributes in found.all("img"))
    assert "<script>alert(1)</script>" in found.text
    assert "\u202e" not in found.text
    assert "\x00" not in found.text


def test_only_https_addresses_become_links() -> None:
    law, help_ = full().law[0], full().help[0]
    made = full(law=(replace(law, url="javascript:alert(1)"),), help=(replace(help_, url="data:text/html,x"),))
    assert {link["href"] for link in page(made).all("a")} == {""}


def test_the_likelihood_has_its_interval() -> None:
    text = page(full()).text
    assert "70% (90% interval 60% to 80%)" in text
    (mark,) = [tag for _, tag in page(full()).tags if tag.get("class") == "vs-mark"]
    assert mark["style"] == "inset-inline-start: 70.0%"


def test_the_date_is_read_from_left_to_right_in_every_language() -> None:
    (date,) = [tag for kind, tag in page(full()).tags if kind == "time"]
    assert date["dir"] == "ltr"
    assert date["datetime"] == full().created


@pytest.mark.parametrize("grade", [Grade.DECLARED_SYNTHETIC, Grade.NOT_ASSESSABLE])
def test_without_a_score_there_is_no_scale(grade: Grade) -> None:
    found = page(replace(report(grade), signals=()))
    assert WORDS.text("score.none") in found.text
    assert "%" not in found.text
    assert not [tag for _, tag in found.tags if tag.get("class") == "vs-scale"]


def test_faces_are_boxes_at_their_place_and_sentences() -> None:
    found = page(full(), picture=jpeg())
    boxes = [tag for _, tag in found.tags if tag.get("class") == "vs-box"]
    assert boxes[1] == {
        "class": "vs-box",
        "data-assessable": "no",
        "style": "left: 50.00%; top: 50.00%; width: 10.00%; height: 10.00%",
    }
    for sentence in (
        "Face 1: likelihood of a swap or a generator 40%",
        "Face 2: too blurred to judge",
        "Face 3: found, not judged",
    ):
        assert sentence in found.text


def test_without_a_picture_there_are_no_boxes() -> None:
    found = page(full())
    assert not [tag for _, tag in found.tags if tag.get("class") == "vs-box"]
    assert not found.all("img")
    assert "Face 1" in found.text


@pytest.mark.parametrize(("probability", "shown"), [(0.2, False), (0.3, True), (0.93, True)])
def test_a_map_is_shown_only_of_a_detector_that_is_not_clear(probability: float, shown: bool) -> None:
    grid = DenseMap("scene.map", 1, 1, (probability,), Box(0, 0, 640, 480))
    made = full(signals=(replace(model(probability), maps=(grid,)),))
    html = as_html.pieces(made, WORDS, jpeg())["maps"]
    assert bool(html) is shown
    assert (WORDS.text("html.map") in html) is shown


def test_law_stands_apart_and_after_everything() -> None:
    html = as_html.render(full(), WORDS)
    assert html.index("</main>") < html.index('<aside class="vs-apart">') < html.index(WORDS.text("section.law"))
    main = html[: html.index("</main>")]
    assert not any(entry.citation in main for entry in full().law if len(entry.citation) > 12)
    assert "<aside" not in as_html.render(report(), WORDS)


def test_help_comes_before_law_and_minors_before_both() -> None:
    text = page(full()).text
    places = [
        text.index(WORDS.text(code))
        for code in ("legal.minors.notice", "section.help", "section.law", "legal.note.information")
    ]
    assert places == sorted(places)


@pytest.mark.parametrize("status", ["in_force", "enacted", "planned", "struck_down", "not_confirmed"])
def test_every_law_has_its_badge(status: str) -> None:
    law = replace(full().law[0], status=status, starts="2031-05-06", checked="2026-01-02")
    found = page(full(law=(law,), help=()))
    date = "2031-05-06" if status == "enacted" else "2026-01-02"
    assert WORDS.text(f"legal.status.{status}", {"date": date}) in found.text
    assert {link["rel"] for link in found.all("a")} == {"noopener noreferrer"}


def test_what_repeats_the_analysis_is_there() -> None:
    made = full()
    text = page(made).text
    for value in (made.media.sha256, made.created, made.versions.veriscope, *made.versions.detectors.values(), made.schema):
        assert value in text


def test_no_detector_is_shown_as_certain() -> None:
    text = page(full(signals=(model(1.0),))).text
    assert "99%" in text
    assert "100%" not in text


def test_several_results_are_one_table_with_failures() -> None:
    failure = Failure(Source(SourceKind.BYTES, HOSTILE), "unsupported_media", "no picture")
    found = Page(as_html.comparison([("a.jpg", full()), (HOSTILE, failure), ("c.jpg", report(Grade.NOT_ASSESSABLE))], WORDS))
    assert [row.get("data-grade") for row in found.all("tr")][1:] == ["strong_evidence", "failed", "not_assessable"]
    assert "70%" in found.text
    assert not found.all("script")


def test_law_without_countries_asks_for_none() -> None:
    sections = legal.select([])
    text = Page(as_html.law(legal.law_references(sections), legal.help_references(sections), WORDS, {})).text
    assert WORDS.text("legal.section.global") in text
    assert WORDS.text("legal.section.empty") not in text


def test_a_place_has_its_name_in_the_language() -> None:
    german = catalogue("de")
    sections = legal.select(["fr"])
    html = as_html.law(legal.law_references(sections), legal.help_references(sections), german, {"eu": "die Union"})
    assert "Frankreich" in html
    assert "die Union" in html


def test_the_style_reaches_the_page_unchanged() -> None:
    """Escaped quotes and arrows are no style: shapes and spaces of the page would be gone."""
    assert f"<style>{as_html.style()}</style>" in as_html.render(report(), WORDS)


def test_every_grade_has_a_shape_in_the_style() -> None:
    style = as_html.style()
    shapes = [re.search(rf'\[data-grade="{grade}"\][^{{]*{{ --shape: (url\(.*?\));', style) for grade in Grade]
    assert len({match.group(1) for match in shapes if match}) == len(Grade) == len(set(SHAPES.values()))


def test_joiners_of_a_script_are_kept_and_direction_marks_are_not() -> None:
    assert safe("क्\u200dष \u202e\u200b") == "क्\u200dष ��"


def moving() -> Report:
    """A report on a clip with one person and two telling frames, one of them pictured."""
    scores = (
        Score("track", 0.9, 0.9, track=1, interval=(0.8, 0.95)),
        Score("face", 0.2, 0.2, face=1, frame=0, time=0.0, track=1),
        Score("face", 1.0, 1.0, face=2, frame=1, time=3.0, track=1),
    )
    thumbnail = base64.b64encode(jpeg()).decode()
    clip = Clip(
        samples=(Sample(0, 0.0, faces=1, assessable=1), Sample(1, 3.0, faces=1, assessable=1)),
        tracks=(Track(1, 0.0, 3.0, 2, 2, 1, supported=True),),
        telling=(TellingFrame(1, 3.0, "face", 1.0, track=1, thumbnail=thumbnail), TellingFrame(0, 0.0, "scene", 0.1)),
        wanted=2,
        lost=0,
        damaged=0,
        decoded=90,
        strategy=Strategy.THROUGH,
        face_seconds=4.0,
    )
    video = facts(kind=MediaKind.VIDEO, format="MP4", duration=6.0, frames=90)
    return full(media=video, clip=clip, signals=(replace(model(0.9, "face"), scores=scores),), faces=(face(), face(2, frame=1)))


@pytest.mark.parametrize("language", languages())
def test_a_clip_is_told_with_its_timeline_and_frames(language: str) -> None:
    words = catalogue(language)
    found = page(moving(), words)
    for code in ("section.coverage", "section.timeline", "section.telling", "timeline.legend"):
        assert words.text(code) in found.text
    assert words.about(MediaKind.VIDEO).text("meaning.strong_evidence") in found.text
    assert "█" in found.text
    (image,) = found.all("img")
    assert str(image["src"]).startswith("data:image/jpeg;base64,/9j/")


def test_faces_of_a_clip_are_not_drawn_on_one_picture() -> None:
    found = page(moving(), picture=jpeg())
    assert not [tag for _, tag in found.tags if tag.get("class") == "vs-box"]
    assert "100%" not in found.text, "one frame is not certain either"


def test_a_picture_has_no_timeline() -> None:
    pieces = as_html.pieces(full(), WORDS)
    assert pieces["clip"] == pieces["blocks"] == ""
