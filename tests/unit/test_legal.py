"""Loading, choosing and ageing of legal records."""

from __future__ import annotations

import subprocess
import sys
from datetime import date

import pytest

from veriscope import legal
from veriscope.errors import DataError
from veriscope.legal import schema
from veriscope.legal.records import Purpose, Status, Topic

TODAY = date(2026, 11, 23)

LINK = 'link = { url = "https://example.gov/act", basis = "official", reach = "page", address = "known" }'
LAW = f"""
[[laws]]
id = "ZZ-ACT"
title_en = "Act on examples"
citation = "s. 1"
topics = ["ncii"]
status = "in_force"
in_force = "2020-05-01"
checked = 2026-11-30
review_months = 3
evidence = "seen"
summary = "Sharing an example can be an offence."
{LINK}
"""
HEAD = 'code = "zz"\nname = "Nowhere"\n'


def a_law(*changes: tuple[str, str]) -> str:
    text = HEAD + LAW
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def status_on(day: date, *changes: tuple[str, str]) -> Status:
    return schema.parse("zz", a_law(*changes)).laws[0].status_on(day)


def test_listing_is_sorted_and_has_the_union_and_the_world() -> None:
    codes = legal.jurisdictions()
    assert list(codes) == sorted(set(codes))
    assert {"de", "us-ca", "eu", "global"} <= set(codes)


def test_listing_imports_no_pydantic() -> None:
    program = "import sys; from veriscope import legal; legal.jurisdictions(); sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_one_country_reads_its_file_and_inherited_ones_only(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    original = schema.parse
    legal._read.cache_clear()

    def recording_parse(code: str, text: str) -> legal.Jurisdiction:
        read.append(code)
        return original(code, text)

    monkeypatch.setattr(schema, "parse", recording_parse)
    legal.select(["de"], on=TODAY)
    legal._read.cache_clear()
    assert read == ["de", "eu", "global"]


@pytest.mark.parametrize("code", ["US-CA", "us_ca", " us-ca "])
def test_spelling_of_a_code_does_not_matter(code: str) -> None:
    assert legal.load(code).name == "California"


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        pytest.param("uk", "Did you mean gb (United Kingdom)?", id="alias"),
        pytest.param("Germany", "Did you mean de (Germany)?", id="name"),
        pytest.param("germny", "Did you mean de (Germany)?", id="typing error"),
        pytest.param("us-oh", "Did you mean us (United States)?", id="state without a file"),
        pytest.param("qq", "Choose from ae, ar,", id="nothing near"),
        pytest.param("../de", "Choose from ae, ar,", id="path"),
        pytest.param("", "Choose from ae, ar,", id="empty"),
    ],
)
def test_unknown_country_suggests_a_known_one(code: str, hint: str) -> None:
    with pytest.raises(DataError) as caught:
        legal.select([code])
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("topic", "hint"),
    [("label", "Did you mean labelling?"), ("election", "Did you mean elections?"), ("zzz", "Choose from ncii, impersonation")],
)
def test_unknown_topic_suggests_a_known_one(topic: str, hint: str) -> None:
    with pytest.raises(DataError) as caught:
        legal.select(["de"], [topic])
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        pytest.param([], [("global", False)], id="no country"),
        pytest.param(["de"], [("de", True), ("eu", False), ("global", False)], id="member state"),
        pytest.param(["fr", "de", "fr"], [("fr", True), ("de", True), ("eu", False), ("global", False)], id="two, one twice"),
        pytest.param(["eu", "de"], [("eu", True), ("de", True), ("global", False)], id="inherited and asked"),
        pytest.param(
            ["us-ca", "ch"], [("us-ca", True), ("ch", True), ("us", False), ("global", False)], id="state and country"
        ),
        pytest.param(["hr"], [("hr", True), ("eu", False), ("global", False)], id="member state without own records"),
        pytest.param(["global"], [("global", True)], id="international"),
    ],
)
def test_sections_come_in_the_order_asked_then_inherited_then_international(
    asked: list[str], shown: list[tuple[str, bool]]
) -> None:
    assert [(section.code, section.asked) for section in legal.select(asked, on=TODAY)] == shown


def test_country_offers_its_parts() -> None:
    united_kingdom, international = legal.select(["gb"], on=TODAY)
    assert united_kingdom.parts == ("gb-eaw", "gb-nir", "gb-sct")
    assert international.parts == ()


def test_topics_choose_laws_and_leave_help_alone() -> None:
    everything, labels = legal.select(["de"], on=TODAY)[0], legal.select(["de"], ["labelling"], TODAY)[0]
    assert [shown.law.id for shown in labels.laws] == ["DE-KI-MIG"]
    assert len(everything.laws) == 5
    assert labels.channels == everything.channels


def test_topic_may_be_an_enum_or_spelt_with_a_hyphen() -> None:
    assert legal.select(["de"], ["Data-Protection"], TODAY) == legal.select(["de"], [Topic.DATA_PROTECTION], TODAY)


@pytest.mark.parametrize("topics", [[], ["elections"]], ids=["all", "elections"])
def test_help_for_minors_is_always_there(topics: list[str]) -> None:
    for section in legal.select(["br"], topics, TODAY):
        assert section.minors is not None
        assert section.minors.channels
        assert all(Purpose.MINORS in channel.purposes for channel in section.minors.channels)
    assert {"BR-ECA-DIGITAL", "BR-CP-218C"} <= {shown.law.id for shown in brazil_minors(topics)}


def brazil_minors(topics: list[str]) -> tuple[legal.ShownLaw, ...]:
    minors = legal.select(["br"], topics, TODAY)[0].minors
    assert minors is not None
    return minors.laws


def test_place_without_records_on_minors_has_no_entry() -> None:
    assert legal.select(["hr"], on=TODAY)[0].minors is None


@pytest.mark.parametrize(
    ("day", "status", "is_stale"),
    [
        (TODAY, Status.IN_FORCE, False),
        (date(2027, 1, 22), Status.IN_FORCE, False),
        (date(2027, 1, 23), Status.NOT_CONFIRMED, True),
    ],
    ids=["fresh", "last day", "day after"],
)
def test_badge_becomes_not_confirmed_by_itself(day: date, status: Status, is_stale: bool) -> None:
    shown = next(shown for shown in legal.select(["eu"], on=day)[0].laws if shown.law.id == "EU-AIA-50")
    assert (shown.status, shown.stale, shown.law.status) == (status, is_stale, Status.IN_FORCE)


def test_ban_that_applies_later_is_enacted_until_then() -> None:
    def status(day: date) -> Status:
        return next(shown.status for shown in legal.select(["eu"], on=day)[0].laws if shown.law.id == "EU-AIOMNIBUS-2026")

    assert [status(date(2026, 12, 1)), status(date(2026, 12, 2))] == [Status.ENACTED, Status.IN_FORCE]


@pytest.mark.parametrize(
    ("starts", "day", "status"),
    [
        ("2027-01", date(2027, 1, 31), Status.ENACTED),
        ("2027-01", date(2027, 2, 1), Status.IN_FORCE),
        ("2026", date(2026, 12, 31), Status.ENACTED),
        ("2026", date(2027, 1, 1), Status.IN_FORCE),
        ("2027-01-15", date(2027, 1, 15), Status.IN_FORCE),
    ],
)
def test_partial_start_counts_from_its_end(starts: str, day: date, status: Status) -> None:
    assert status_on(day, ('in_force = "2020-05-01"', f'in_force = "2020"\napplies_from = "{starts}"')) is status


def test_stale_lists_nothing_today_and_everything_later() -> None:
    assert legal.stale(TODAY) == ()
    later = legal.stale(date(2028, 1, 1))
    assert len(later) == 138 + 130
    assert ("de", "DE-KUG", date(2027, 11, 22)) in {(entry.jurisdiction, entry.record, entry.review_by) for entry in later}


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 11, 22), 12, date(2027, 11, 22)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2026, 12, 31), 1, date(2027, 1, 31)),
        (date(2027, 11, 30), 3, date(2028, 2, 29)),
    ],
)
def test_months_later_stays_in_the_calendar(day: date, months: int, later: date) -> None:
    assert schema.months_later(day, months) == later


def test_review_date_is_computed() -> None:
    assert schema.parse("zz", a_law()).laws[0].review_by == date(2027, 2, 28)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        pytest.param(('topics = ["ncii"]', 'topics = ["ncii", "tax"]'), "laws.0.topics.1", id="unknown topic"),
        pytest.param(('topics = ["ncii"]', "topics = []"), "laws.0.topics", id="no topic"),
        pytest.param(('topics = ["ncii"]', 'topics = ["ncii", "ncii"]'), "a topic is named twice", id="topic twice"),
        pytest.param(("checked = 2026-11-30", 'checked = "2026-11-30"'), "laws.0.checked", id="date as text"),
        pytest.param(("checked = 2026-11-30", ""), "laws.0.checked", id="no date of checking"),
        pytest.param(
            ("checked = 2026-11-30", "checked = 2026-11-30\nreview_by = 2030-01-01"),
            "laws.0.review_by",
            id="review date by hand",
        ),
        pytest.param(("review_months = 3", "review_months = 24"), "laws.0.review_months", id="review too late"),
        pytest.param(('"2020-05-01"', '"May 2020"'), "laws.0.in_force", id="date in words"),
        pytest.param(('status = "in_force"', 'status = "enacted"'), "enacted is computed", id="enacted by hand"),
        pytest.param(('status = "in_force"', 'status = "planned"'), "a planned law has no date", id="plan with date in force"),
        pytest.param(('status = "in_force"', 'status = "not_confirmed"'), "last_seen is given exactly", id="what was it"),
        pytest.param(('status = "in_force"', 'status = "in_force"\nlast_seen = "planned"'), "last_seen is given", id="both"),
        pytest.param(("https://example", "http://example"), "a link is https", id="plain http"),
        pytest.param(("example.gov/act", "user@example.gov/act"), "a link is https", id="user in link"),
        pytest.param(("example.gov/act", "example.gov:8443/act"), "a link is https", id="port in link"),
        pytest.param(("example.gov/act", "example.gov/法"), "a link is https", id="not ASCII"),
        pytest.param(('basis = "official"', 'basis = "blog"'), "laws.0.link.basis", id="unknown basis"),
        pytest.param(("an offence.", "an offence"), "laws.0.summary", id="no full stop"),
        pytest.param(('name = "Nowhere"', 'name = "Nowhere"\npopulation = 3'), "population", id="unknown key"),
        pytest.param(('name = "Nowhere"', "name ="), "Invalid", id="no TOML"),
        pytest.param(
            (LAW, '[[channels]]\nname = "Help"\npurposes = ["support"]\nchecked = 2026-11-30'),
            "link or a phone",
            id="unreachable",
        ),
    ],
)
def test_broken_file_is_refused_with_the_place_of_the_fault(change: tuple[str, str], fault: str) -> None:
    with pytest.raises(DataError) as caught:
        schema.parse("zz", a_law(change))
    assert "zz.toml is invalid" in str(caught.value)
    assert fault in str(caught.value)


def test_file_under_a_wrong_name_is_refused() -> None:
    with pytest.raises(DataError, match="Rename the file"):
        schema.parse("yy", a_law())


def test_law_knows_no_score() -> None:
    program = (
        "import sys; from veriscope import legal; legal.select(['de']);"
        "sys.exit(bool({'veriscope.detectors', 'veriscope.fusion', 'veriscope.report'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
