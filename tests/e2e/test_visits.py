"""The app as a person uses it, in Chromium."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import (
    PHONE,
    Served,
    browser,
    go,
    moving,
    open_sockets,
    phone,
    pictures_online,
    scratch,
    served,
    serving,
    settled,
    still,
    visiting,
    visitor,
)
from playwright.sync_api import Browser, Page, expect

from veriscope.app import examples
from veriscope.app.browser import WIDGETS
from veriscope.i18n import Catalogue, catalogue, languages

pytestmark = pytest.mark.e2e

WORDS = catalogue("en")
MARK = "holiday-secret-7f3a"  # stands in names and bytes, so that it can be looked for


def offer(page: Page, *files: tuple[str, bytes]) -> None:
    """Chooses files, as the button does."""
    settled(page)
    chosen = [{"name": name, "mimeType": "application/octet-stream", "buffer": data} for name, data in files]
    page.locator('[data-testid="stFileUploader"] input[type="file"]').set_input_files(chosen)  # type: ignore[arg-type]


def grade(page: Page) -> str:
    verdict = page.locator(".vs-verdict")
    verdict.wait_for()
    settled(page)
    return str(verdict.get_attribute("data-grade"))


def example(page: Page, name: str) -> None:
    page.locator(f".st-key-example-{name} button").click()
    page.locator(".vs-verdict").wait_for()
    settled(page)


def test_an_upload_gets_its_answer(visitor: Page) -> None:
    offer(visitor, ("altered.jpg", examples.data("altered")))
    assert grade(visitor) == "some_evidence"
    expect(visitor.locator(".vs-verdict")).to_contain_text("altered.jpg")
    expect(visitor.locator(".vs-box")).to_have_count(1)
    expect(visitor.get_by_text(WORDS.text("section.not_checked"))).to_be_visible()


def test_several_uploads_are_compared(visitor: Page) -> None:
    offer(visitor, *((f"{name}.jpg", examples.data(name)) for name in examples.NAMES))
    expect(visitor.locator(".vs-table tbody tr")).to_have_count(len(examples.NAMES))
    expect(visitor.locator(".vs-table")).to_contain_text(WORDS.text("grade.some_evidence"))


def test_the_answer_is_above_the_fold_of_a_phone(phone: Page) -> None:
    example(phone, "altered")
    still(phone)
    for part in (".vs-grade", ".vs-likelihood", ".vs-pair"):
        expect(phone.locator(f".vs-verdict {part}"), f"{part} is above the fold, whole").to_be_in_viewport(ratio=1)
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_a_link_is_fetched_and_examined(visitor: Page, pictures_online: str) -> None:
    visitor.get_by_label(WORDS.text("app.check.link")).fill(f"{pictures_online}/altered.jpg")
    visitor.get_by_role("button", name=WORDS.text("app.check.fetch")).click()
    assert grade(visitor) == "some_evidence"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        pytest.param("/missing.jpg", "remote", id="not there"),
        pytest.param("/page.html", "unsupported_media", id="a web page"),
        pytest.param(None, "remote", id="nobody answers"),
    ],
)
def test_a_link_that_leads_to_no_picture_is_explained(visitor: Page, pictures_online: str, path: str | None, code: str) -> None:
    address = "http://127.0.0.1:9/a.jpg" if path is None else pictures_online + path
    visitor.get_by_label(WORDS.text("app.check.link")).fill(address)
    visitor.get_by_role("button", name=WORDS.text("app.check.fetch")).click()
    assert grade(visitor) == "failed"
    expect(visitor.locator(".vs-verdict")).to_contain_text(WORDS.text(f"app.error.{code}"))


def paste_with_keyboard(page: Page, data: bytes) -> None:
    """A paste event as Chromium makes it when a picture lies in the clipboard."""
    page.evaluate(
        """(encoded) => {
            const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], "pasted.jpg", { type: "image/jpeg" }));
            document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true }));
        }""",
        base64.b64encode(data).decode(),
    )


def test_a_pasted_picture_is_examined(visitor: Page) -> None:
    paste_with_keyboard(visitor, examples.data("altered"))
    assert grade(visitor) == "some_evidence"
    expect(visitor.locator(".vs-verdict")).to_contain_text("pasted.jpg")


def test_the_paste_button_reads_the_clipboard(visitor: Page) -> None:
    button = visitor.get_by_role("button", name=WORDS.text("app.check.paste"))
    visitor.evaluate("navigator.clipboard.writeText('words')")
    button.click()
    expect(visitor.get_by_text(WORDS.text("app.check.paste_empty"))).to_be_visible()
    visitor.evaluate(
        """async () => {
            const canvas = new OffscreenCanvas(320, 240);
            canvas.getContext("2d").fillRect(40, 40, 90, 90);
            const blob = await canvas.convertToBlob({ type: "image/png" });
            await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
        }"""
    )
    button.click()
    assert grade(visitor) == "not_assessable"
    expect(visitor.locator(".vs-verdict")).to_contain_text("pasted.png")


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        pytest.param("notes.txt", b"words only", "unsupported_media", id="wrong file"),
        pytest.param("cut.jpg", examples.data("rocket")[:9000], "unsupported_media", id="damaged"),
    ],
)
def test_a_wrong_file_is_explained_and_the_next_one_works(visitor: Page, name: str, data: bytes, code: str) -> None:
    offer(visitor, (name, data))
    assert grade(visitor) == "failed"
    expect(visitor.locator(".vs-verdict")).to_contain_text(WORDS.text(f"app.error.{code}"))
    offer(visitor, ("rocket.jpg", examples.data("rocket")))
    expect(visitor.locator(".vs-table tbody tr")).to_have_count(2)


def test_a_picture_without_a_face_says_so(visitor: Page) -> None:
    example(visitor, "rocket")
    expect(visitor.locator(".vs-cards")).to_contain_text(WORDS.text("face.none"))
    expect(visitor.locator(".vs-box")).to_have_count(0)


def test_a_file_over_the_limit_is_refused(browser: Browser, tmp_path: Path) -> None:
    limit = {"VERISCOPE_LIMITS_MAX_BYTES": str(1024 * 1024)}
    with serving(tmp_path / "home", **limit) as small, visiting(browser, small, PHONE) as page:
        offer(page, ("large.jpg", b"\xff\xd8" + os.urandom(2 * 1024 * 1024)))
        expect(page.get_by_role("alert")).to_contain_text(WORDS.text("app.widget.too_large", {"value": "1.0MB"}))
        expect(page.locator(".vs-verdict")).to_have_count(0)


@pytest.mark.parametrize("language", languages())
def test_widgets_of_others_speak_the_language_too(visitor: Page, served: Served, language: str) -> None:
    words = catalogue(language)
    go(visitor, served, f"/?lang={language}")
    visitor.get_by_label(words.text("app.check.link")).fill("example.org")
    expect(visitor.get_by_test_id("InputInstructions")).to_have_text(words.text("app.widget.submit"))
    go(visitor, served, f"/law?lang={language}")
    visitor.get_by_role("combobox", name=words.text("app.law.countries")).fill("zzzz")
    expect(visitor.get_by_text(words.text("app.widget.none"), exact=True)).to_be_visible()
    assert untranslated(visitor, words) == set()


def untranslated(page: Page, words: Catalogue) -> set[str]:
    """Words of Streamlit's that the page still shows or reads out, of those that this language says otherwise."""
    said = page.evaluate(
        """() => [...document.querySelectorAll("body *")].flatMap((element) => [
            ...["aria-label", "title", "placeholder"].map((name) => element.getAttribute(name)),
            ...[...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.nodeValue.trim()),
        ])"""
    )
    foreign = {english for english, name in WIDGETS.items() if words.text(f"app.widget.{name}", {"value": ""}) != english}
    return foreign & set(said)


@pytest.mark.parametrize("language", languages())
def test_every_language_keeps_the_answer(visitor: Page, language: str) -> None:
    words = catalogue(language)
    example(visitor, "altered")
    chooser = visitor.get_by_role("combobox", name=WORDS.text("app.language"))
    chooser.click()
    visitor.get_by_role("option", name=words.name, exact=True).click()
    expect(visitor.locator(".vs-grade", has_text=words.text("grade.some_evidence"))).to_have_count(1)
    expect(visitor.locator(".vs-grade")).to_have_count(1)  # the old words stand beside the new ones for a moment
    expect(visitor.locator("html")).to_have_attribute("lang", language)
    expect(visitor.locator("html")).to_have_attribute("dir", words.direction)
    scale, mark = (visitor.locator(f".vs-{part}").bounding_box() for part in ("scale", "mark"))
    assert scale is not None
    assert mark is not None
    on_the_right = mark["x"] > scale["x"] + scale["width"] / 2
    assert on_the_right == (words.direction == "ltr"), "a high likelihood stands at the end of the scale"
    expect(visitor.locator('[data-testid="stFileUploader"] button')).to_have_text(re.compile(words.text("app.check.browse")))
    if language != "en":
        expect(visitor).to_have_url(re.compile(f"lang={language}"))


def test_a_chosen_country_shows_its_law_and_goes_into_the_report(visitor: Page, scratch: Path) -> None:
    example(visitor, "altered")
    visitor.get_by_text(WORDS.text("app.result.law")).click()
    expect(visitor.get_by_text(WORDS.text("app.law.none_chosen"))).to_be_visible()
    settled(visitor)
    visitor.get_by_role("combobox", name=WORDS.text("app.law.countries")).fill("Germany")
    visitor.get_by_role("option", name="Germany", exact=True).click()
    expect(visitor.locator(".vs-badge").first).to_be_visible()
    settled(visitor)
    visitor.keyboard.press("Escape")  # an open list hides the rest of the page from assistive technology
    with visitor.expect_download() as event:
        visitor.get_by_role("button", name=WORDS.text("app.result.html")).click()
    event.value.save_as(scratch / "report.html")
    page = (scratch / "report.html").read_text("utf-8")
    assert event.value.suggested_filename == "veriscope-altered.html"
    assert '<aside class="vs-apart">' in page
    assert WORDS.text("grade.some_evidence") in page
    assert "<script" not in page


def test_the_data_can_be_taken_along(visitor: Page, scratch: Path) -> None:
    example(visitor, "altered")
    with visitor.expect_download() as event:
        visitor.get_by_role("button", name=WORDS.text("app.result.json")).click()
    event.value.save_as(scratch / "report.json")
    report = json.loads((scratch / "report.json").read_text("utf-8"))
    assert report["verdict"]["grade"] == "some_evidence"
    assert report["media"]["source"]["name"] == "altered.jpg"


def test_a_downloaded_page_shows_itself_without_the_app(visitor: Page, browser: Browser, scratch: Path) -> None:
    example(visitor, "altered")
    visitor.get_by_text(WORDS.text("app.result.with_picture")).click()
    expect(visitor.get_by_text(WORDS.text("app.result.picture_note"))).to_be_visible()
    settled(visitor)
    with visitor.expect_download() as event:
        visitor.get_by_role("button", name=WORDS.text("app.result.html")).click()
    event.value.save_as(scratch / "report.html")
    page = browser.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("request", lambda request: problems.append(request.url) if request.url.startswith("http") else None)
    page.goto((scratch / "report.html").as_uri())
    expect(page.locator(".vs-grade")).to_be_visible()
    assert page.locator(".vs-frame img").first.evaluate("image => image.naturalWidth") > 0
    assert problems == []
    assert serious(page) == []
    page.close()


def test_everything_can_be_deleted(visitor: Page) -> None:
    offer(visitor, (f"{MARK}.jpg", examples.data("rocket")))
    grade(visitor)
    visitor.get_by_role("button", name=WORDS.text("app.result.delete")).click()
    expect(visitor.get_by_text(WORDS.text("app.result.deleted"))).to_be_visible()
    expect(visitor.locator(".vs-verdict")).to_have_count(0)
    settled(visitor)
    assert MARK not in visitor.content()


def open_files(process: int) -> list[str]:
    """What a process holds open; some of it may be closed while one looks."""
    names: list[str] = []
    for entry in Path(f"/proc/{process}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            names.append(str(entry.readlink()))
    return names


def test_nothing_is_stored_or_logged(browser: Browser, tmp_path: Path) -> None:
    """A file of more than a megabyte, which servers like to put on disk, leaves no trace there nor in the log."""
    picture = examples.data("altered") + MARK.encode() * 100_000
    with serving(tmp_path / "home") as private, visiting(browser, private, PHONE) as page:
        offer(page, (f"{MARK}.jpg", picture))
        assert grade(page) == "some_evidence"
        opened = open_files(private.process)
        assert not [name for name in opened if f"{private.folder}/" in name], "no open file, not even an unlinked one"
    written = [path for path in private.folder.rglob("*") if path.is_file()]
    assert not [path for path in written if MARK in path.name or MARK.encode() in path.read_bytes()]
    log = private.log.read_text("utf-8")
    for secret in (MARK, "altered", "some_evidence", "127.0.0.1 -"):
        assert secret not in log


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{entry['id']}: {entry['nodes'][0]['html'][:120]}" for entry in found if entry["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/law", "/learn", "/about"])
def test_no_page_keeps_anybody_out(browser: Browser, served: Served, path: str, scheme: str) -> None:
    with visiting(browser, served, PHONE, scheme) as page:
        go(page, served, path)
        still(page)
        assert serious(page) == []


FOLDS = ("app.result.look", "html.details", "app.result.law", "app.check.tips")


@pytest.mark.parametrize("name", examples.NAMES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_answer_keeps_anybody_out(browser: Browser, served: Served, name: str, scheme: str) -> None:
    with visiting(browser, served, PHONE, scheme) as page:
        example(page, name)
        for code in FOLDS:
            fold = page.locator("details").filter(has=page.locator("summary").filter(has_text=WORDS.text(code)))
            for shown in fold.all():  # not every answer has a hint where the detector looked
                shown.locator("summary").click()
                expect(shown).to_have_attribute("open", "")
        expect(page.get_by_text(WORDS.text("app.law.none_chosen"))).to_be_visible()
        still(page)
        assert serious(page) == []


def focused(page: Page) -> str:
    """The words of what has the focus; nothing for a region that holds half the page."""
    words = str(page.evaluate("(document.activeElement.innerText || document.activeElement.ariaLabel || '').trim()"))
    return words if len(words) < 80 else ""


def tab_to(page: Page, name: str) -> None:
    for _ in range(60):
        page.keyboard.press("Tab")
        if name in focused(page):
            return
    pytest.fail(f"the keyboard does not reach {name!r}")


def test_the_keyboard_is_enough(visitor: Page) -> None:
    # Listening switches Chromium's own dialog off, in its own time: with the key at once the dialog would win.
    visitor.on("filechooser", lambda _: None)
    tab_to(visitor, WORDS.text("app.check.browse"))
    with visitor.expect_file_chooser():
        visitor.keyboard.press("Enter")
    tab_to(visitor, WORDS.text("app.example.altered"))
    visitor.keyboard.press("Enter")
    assert grade(visitor) == "some_evidence"
    visitor.evaluate("document.activeElement.blur()")
    tab_to(visitor, WORDS.text("html.details"))
    visitor.keyboard.press("Enter")
    expect(visitor.get_by_text(WORDS.text("html.fact.sha256"))).to_be_visible()
    tab_to(visitor, WORDS.text("app.result.delete"))
    visitor.keyboard.press("Enter")
    expect(visitor.get_by_text(WORDS.text("app.result.deleted"))).to_be_visible()


def test_a_video_is_played_from_the_moment_that_is_chosen(visitor: Page, moving: bytes) -> None:
    offer(visitor, ("clip.mp4", moving))
    assert grade(visitor) != "failed"
    bars = visitor.get_by_role("group", name=re.compile("Person 1")).get_by_role("button")
    expect(bars.first).to_be_visible()
    bars.last.click()
    visitor.wait_for_function("document.querySelector('video')?.currentTime >= 4")
    expect(visitor.locator(".vs-telling li").first).to_be_visible()
    expect(visitor.get_by_text(WORDS.text("section.coverage"))).to_be_visible()
    assert serious(visitor) == []


def test_the_timeline_is_walked_with_arrows(visitor: Page, moving: bytes) -> None:
    offer(visitor, ("clip.mp4", moving))
    assert grade(visitor) != "failed"
    bars = visitor.get_by_role("group", name=re.compile("Person 1")).get_by_role("button")
    bars.first.focus()
    for _ in range(40):
        visitor.keyboard.press("ArrowRight")
    visitor.keyboard.press("Enter")
    visitor.wait_for_function("document.querySelector('video')?.currentTime >= 3")


def test_a_damaged_video_is_explained(visitor: Page, moving: bytes) -> None:
    offer(visitor, ("cut.mp4", moving[:3000]))
    assert grade(visitor) == "failed"
    expect(visitor.locator(".vs-verdict")).to_contain_text(WORDS.text("app.error.unsupported_media"))


def test_two_visitors_see_only_their_own(browser: Browser, served: Served) -> None:
    with visiting(browser, served, PHONE) as first:
        offer(first, (f"{MARK}.jpg", examples.data("rocket")))
        grade(first)
        with visiting(browser, served, PHONE) as second:
            expect(second.locator(".vs-verdict")).to_have_count(0)
            assert MARK not in second.content()
