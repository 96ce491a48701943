"""The app as Streamlit runs it: every page, every language, and what happens to what a visitor hands in."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from veriscope import app, legal
from veriscope.app import examples
from veriscope.app.desk import Desk
from veriscope.app.visit import MAX_FILES, MAX_RESULTS, Visit
from veriscope.domain import Failure, Report
from veriscope.errors import Busy
from veriscope.i18n import catalogue, languages

SCRIPT = Path(app.__file__).with_name("main.py")
PAGES = ("law", "learn", "about")
SECONDS = 200  # the first analysis opens the models

every_language = pytest.mark.parametrize("language", languages())


def opened(language: str = "en") -> AppTest:
    """The check page as a visitor finds it."""
    test = AppTest.from_file(str(SCRIPT), default_timeout=SECONDS)
    test.query_params["lang"] = language
    return sound(test.run())


def page(name: str, language: str = "en") -> AppTest:
    """Another page by itself: a test cannot follow links."""
    script = f"from veriscope.app.{name}_page import show\nshow()"
    test = AppTest.from_string(script, default_timeout=SECONDS)
    test.session_state["language"] = language
    return sound(test.run())


def sound(test: AppTest) -> AppTest:
    assert [error.message for error in test.exception] == []
    return test


def html(test: AppTest) -> str:
    return "\n".join(element.proto.body for element in test.html if not element.proto.body.startswith("<style"))


def said(test: AppTest) -> str:
    """All that the page says, widgets included."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "info", "button", "selectbox", "multiselect", "expander")
    texts: list[str] = [html(test)]
    for kind in kinds:
        texts += [f"{getattr(element, 'value', '')} {getattr(element, 'label', '')}" for element in test.get(kind)]
    return "\n".join(texts)


def uploaded(test: AppTest, *files: tuple[str, bytes]) -> AppTest:
    test.file_uploader[0].set_value([(name, data, "application/octet-stream") for name, data in files])
    return sound(test.run())


def visit(test: AppTest) -> Visit:
    found: Visit = test.session_state["visit"]
    return found


def grade(result: Report | Failure) -> str:
    return result.code if isinstance(result, Failure) else result.verdict.grade.value


@every_language
def test_the_first_page_speaks_the_language(language: str) -> None:
    test, words = opened(language), catalogue(language)
    assert [title.value for title in test.title] == [words.text("app.check.title")]
    assert words.text("app.check.examples") in said(test)
    assert words.text("app.tip.minors") in said(test)
    assert f'lang="{language}"' in html(test)


@every_language
@pytest.mark.parametrize("name", PAGES)
def test_every_page_speaks_every_language(name: str, language: str) -> None:
    test, words = page(name, language), catalogue(language)
    assert [title.value for title in test.title] == [words.text(f"app.{name}.title")]


@every_language
@pytest.mark.parametrize("name", examples.NAMES)
def test_every_example_has_a_report_in_every_language(name: str, language: str) -> None:
    test, words = opened(language), catalogue(language)
    sound(test.button(key=f"example-{name}").click().run())
    (checked,) = visit(test).results
    assert isinstance(checked.result, Report)
    shown = html(test)
    for section in ("grade", "meaning", "action"):
        assert words.text(f"{section}.{checked.result.verdict.grade}") in shown
    for code in ("section.evidence", "section.not_checked", "section.reasons"):
        assert words.text(code) in shown


def test_examples_show_different_answers() -> None:
    test = opened()
    for name in examples.NAMES:
        sound(test.button(key=f"example-{name}").click().run())
    assert [grade(checked.result) for checked in visit(test).results] == [
        "no_evidence_found",
        "some_evidence",
        "no_evidence_found",
        "some_evidence",
    ]


def test_the_answer_comes_first_on_the_page() -> None:
    test = opened()
    sound(test.button(key="example-altered").click().run())
    bodies = [element.proto.body for element in test.html if "vs" in element.proto.body]
    order = [
        next(n for n, body in enumerate(bodies) if part in body)
        for part in ("vs-wordmark", "vs-verdict", "vs-picture", "vs-cards")
    ]
    assert order == sorted(order)
    assert not test.title, "the welcome gives its place to the answer"


def test_a_change_of_language_keeps_the_result() -> None:
    test = opened()
    sound(test.button(key="example-altered").click().run())
    before = visit(test).results[0].result
    sound(test.selectbox(key="language").set_value("de").run())
    assert visit(test).results[0].result is before, "it is read again, not examined again"
    assert catalogue("de").text("grade.some_evidence") in html(test)
    assert catalogue("en").text("grade.some_evidence") not in html(test)


def test_several_files_are_compared_and_one_is_shown() -> None:
    test = uploaded(opened(), ("a.jpg", examples.data("rocket")), ("b.txt", b"no picture"), ("c.jpg", examples.data("altered")))
    assert [checked.name for checked in visit(test).results] == ["a.jpg", "b.txt", "c.jpg"]
    assert "vs-table" in html(test)
    assert catalogue("en").text("grade.no_evidence_found") in html(test)
    sound(test.selectbox(key="chosen").set_value(1).run())
    assert catalogue("en").text("app.error.unsupported_media") in html(test)
    sound(test.selectbox(key="chosen").set_value(2).run())
    assert 'data-grade="some_evidence" lang="en"' in html(test)


@every_language
@pytest.mark.parametrize("code", ["unsupported_media", "too_large", "unreadable_source", "unsafe_url", "remote", "defect"])
def test_every_failure_has_words(code: str, language: str) -> None:
    assert catalogue(language).has(f"app.error.{code}")


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        pytest.param("notes.txt", b"hello", "unsupported_media", id="text"),
        pytest.param("empty.jpg", b"", "unreadable_source", id="empty"),
        pytest.param("cut.jpg", examples.data("rocket")[:5000], "unsupported_media", id="cut off"),
    ],
)
def test_a_wrong_file_is_explained(name: str, data: bytes, code: str) -> None:
    test = uploaded(opened(), (name, data))
    assert grade(visit(test).results[0].result) == code
    assert catalogue("en").text(f"app.error.{code}") in html(test)
    assert "Traceback" not in said(test)


def test_a_hostile_name_is_text() -> None:
    test = uploaded(opened(), ("<script>alert(1)</script>.jpg", examples.data("rocket")))
    assert "<script>" not in html(test)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;.jpg" in html(test)


def test_a_file_is_forgotten_by_the_chooser_once_it_is_examined() -> None:
    test = opened()
    before = visit(test).upload
    uploaded(test, ("a.jpg", examples.data("rocket")))
    assert visit(test).upload != before
    assert not test.file_uploader[0].value


def test_more_files_than_allowed_are_left_out_with_a_word() -> None:
    test = uploaded(opened(), *((f"{number}.txt", b"x") for number in range(MAX_FILES + 2)))
    assert len(visit(test).results) == MAX_FILES
    assert [notice.value for notice in test.info] == [catalogue("en").text("app.limit.files", {"count": MAX_FILES})]


def test_old_results_give_their_place() -> None:
    test = opened()
    for turn in range(3):
        uploaded(test, *((f"{turn}-{number}.txt", b"x") for number in range(MAX_FILES)))
    assert len(visit(test).results) == MAX_RESULTS
    assert visit(test).results[-1].name == f"2-{MAX_FILES - 1}.txt"


def test_a_full_queue_is_told_and_nothing_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise Busy("full")

    test = opened()
    monkeypatch.setattr(Desk, "hand_in", full)
    uploaded(test, ("a.jpg", examples.data("rocket")))
    assert [notice.value for notice in test.info] == [catalogue("en").text("app.busy")]
    assert visit(test).results == []


@pytest.mark.parametrize(
    "typed", ["http://127.0.0.1:9/a.jpg", "/etc/passwd", "file:///etc/passwd", "localhost", "-", "../secret", "C:\\x.jpg"]
)
def test_a_link_never_reads_this_machine(typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("veriscope.ingest._read_file", lambda *_: pytest.fail("a file was read"))
    test = opened()
    test.text_input(key="address").set_value(typed)
    sound(test.button(key="fetch").click().run())
    (checked,) = visit(test).results
    assert isinstance(checked.result, Failure)
    assert checked.result.code in ("unsafe_url", "remote")


def test_a_link_is_fetched_and_examined(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def fetched(_: Desk, address: str) -> bytes:
        asked.append(address)
        return examples.data("altered")

    monkeypatch.setattr(Desk, "fetched", fetched)
    test = opened()
    test.text_input(key="address").set_value(" example.org/a.jpg ")
    sound(test.button(key="fetch").click().run())
    assert asked == ["https://example.org/a.jpg"]
    assert grade(visit(test).results[0].result) == "some_evidence"


def test_everything_is_deleted_on_demand() -> None:
    test = uploaded(opened("de"), ("secret.jpg", examples.data("rocket")))
    chosen(unfolded(test), "de")
    assert visit(test).countries == ["de"]
    sound(test.button(key="delete").click().run())
    assert visit(test).results == []
    assert visit(test).countries == []
    assert "secret" not in said(test)
    assert catalogue("de").text("app.result.deleted") in said(test), "the language stays"


def unfolded(test: AppTest) -> AppTest:
    """With the law beside a result opened."""
    test.session_state["law-fold"] = True
    return sound(test.run())


def chosen(test: AppTest, *countries: str) -> AppTest:
    test.multiselect(key="countries").set_value(list(countries))
    return sound(test.run())


@every_language
def test_a_defect_of_a_page_is_a_sentence_and_no_trace(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret.jpg")

    monkeypatch.setattr("veriscope.app.check_page._welcome", broken)
    test = opened(language)
    assert [error.value for error in test.error] == [catalogue(language).text("app.error.page")]
    assert "secret" not in said(test)
    assert f'lang="{language}"' in html(test), "header and footer stand"


def test_no_country_is_guessed() -> None:
    test = page("law")
    assert test.multiselect(key="countries").value == []
    assert catalogue("en").text("app.law.none_chosen") in said(test)
    assert "vs-badge" not in html(test)
    assert catalogue("en").text("legal.minors.notice") in html(test)


@every_language
def test_every_country_has_a_page_in_every_language(language: str) -> None:
    words = catalogue(language)
    test = chosen(page("law", language), *(code for code in legal.jurisdictions() if code != legal.INTERNATIONAL))
    shown = html(test)
    assert shown.count('class="vs-badge"') == sum(len(legal.load(code).laws) for code in legal.jurisdictions())
    assert words.text("section.help") in shown
    assert words.text("legal.note.information") in shown


def test_topics_narrow_the_law_and_never_the_help() -> None:
    every = chosen(page("law"), "de")
    few = page("law")
    few.button_group(key="topics").set_value(["elections"])
    few = chosen(few, "de")
    assert html(few).count("vs-badge") < html(every).count("vs-badge")
    assert html(few).count("vs-phone") == html(every).count("vs-phone") > 0
    assert catalogue("en").text("legal.minors.notice") in html(few)


def test_a_law_that_was_not_checked_in_time_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    late = legal.select(["de"], on=date(2100, 1, 1))
    monkeypatch.setattr("veriscope.legal.select", lambda *_: late)
    shown = html(chosen(page("law"), "de"))
    due = max(law.law.review_by for section in late for law in section.laws)
    assert catalogue("en").text("legal.stale", {"date": due.isoformat()}) in shown
    assert 'data-status="in_force"' not in shown


def test_parts_of_a_country_are_offered() -> None:
    assert "California (United States)" in said(chosen(page("law"), "us"))


def test_law_beside_a_result_is_the_same_whatever_the_result() -> None:
    def law_beside(name: str) -> str:
        test = opened()
        sound(test.button(key=f"example-{name}").click().run())
        chosen(unfolded(test), "de")
        return next(element.proto.body for element in test.html if "vs-law" in element.proto.body)

    assert law_beside("altered") == law_beside("rocket")
    assert "%" not in law_beside("altered")


def downloads(test: AppTest) -> list[Any]:
    return [element.proto for element in test.get("download_button")]


def test_both_downloads_are_offered() -> None:
    test = opened()
    sound(test.button(key="example-altered").click().run())
    words = catalogue("en")
    assert [proto.label for proto in downloads(test)] == [words.text("app.result.html"), words.text("app.result.json")]


def test_published_rates_are_those_of_the_cards() -> None:
    from veriscope.detectors import catalogue as cards
    from veriscope.settings import Settings

    words = catalogue("en")
    shown = html(page("learn"))
    for card in cards(Settings()):
        row = next(line for line in shown.split("<tr>") if f"{words.text(f'source.{card.id}')} {card.version}" in line)
        for rate in (card.evidence.tpr_at_fpr_1, card.evidence.fpr_some, card.evidence.fpr_strong):
            assert f"<td>{words.percent(rate)}</td>" in row


def test_every_detector_is_described_with_its_licence() -> None:
    from veriscope.detectors import catalogue as cards
    from veriscope.settings import Settings

    shown = said(page("about"))
    for card in cards(Settings()):
        assert card.weights.sha256 in shown
        assert card.licence in shown
        assert card.evidence.known_failures[0] in shown
