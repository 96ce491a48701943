"""Catalogues: complete, equal in what they are given, and honest; every code has words and all words have a code."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel import Locale

from veriscope.domain import Finding, Grade, MediaKind
from veriscope.engine import RECHECKS
from veriscope.errors import DataError
from veriscope.i18n import Catalogue, Entry, catalogue, direction, languages
from veriscope.legal import jurisdictions
from veriscope.legal.records import Address, Basis, Evidence, Purpose, Reach, Topic
from veriscope.legal.records import Status as LawStatus

SOURCE = Path(__file__).parents[2] / "src" / "veriscope"
LANGUAGES_PAGE = Path(__file__).parents[2] / "docs" / "languages.md"
ENGLISH = catalogue("en")

# Words of `veriscope.legal`'s values, shown beside a record: they belong to an enumeration, not to a line of code.
LEGAL_VALUES = {
    f"legal.{name}.{value}"
    for name, values in (
        ("topic", Topic),
        ("purpose", Purpose),
        ("status", LawStatus),
        ("basis", Basis),
        ("reach", Reach),
        ("address", Address),
        ("evidence", Evidence),
        ("last_seen", [status for status in LawStatus if status is not LawStatus.NOT_CONFIRMED]),
    )
    for value in values
}
# Words that no code asks for yet: those of a page that shows law in full.
# What is used must leave this list.
UNUSED = {
    "legal.country.unknown",
    "legal.hint.keep_evidence",
    "legal.in_force_since",
    "legal.minors.title",
    "legal.review_by",
    "legal.section.asked",
    "legal.section.inherited",
    "legal.section.parts",
}

every_language = pytest.mark.parametrize("language", languages())
every_other_language = pytest.mark.parametrize("language", [language for language in languages() if language != "en"])


def texts(entry: Entry) -> dict[str, str]:
    return {"other": entry} if isinstance(entry, str) else dict(entry)


def sentences(words: Catalogue) -> Iterator[tuple[str, str]]:
    for code, entry in words.entries.items():
        for text in texts(entry).values():
            yield code, text


def placeholders(text: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}


def spelled_out(language: str) -> set[str]:
    """Plural categories that may write the number as a word, because they stand for one number (0 is never given)."""
    numbers: dict[str, set[int]] = {}
    for number in range(1, 1000):
        numbers.setdefault(Locale.parse(language).plural_form(number), set()).add(number)
    return {"zero", *(category for category, found in numbers.items() if len(found) == 1)} - {"other"}


# Catalogues among themselves


@every_other_language
def test_a_catalogue_has_the_keys_of_the_english_one(language: str) -> None:
    assert sorted(catalogue(language).entries) == sorted(ENGLISH.entries)


@every_other_language
def test_a_catalogue_has_plurals_where_the_english_one_has(language: str) -> None:
    found = {code for code, entry in catalogue(language).entries.items() if not isinstance(entry, str)}
    assert found == {code for code, entry in ENGLISH.entries.items() if not isinstance(entry, str)}


@every_other_language
def test_placeholders_are_those_of_the_english_sentence(language: str) -> None:
    for code, entry in catalogue(language).entries.items():
        wanted = placeholders(texts(ENGLISH.entries[code])["other"])
        for category, text in texts(entry).items():
            found = placeholders(text)
            assert found <= wanted if category in spelled_out(language) else found == wanted, (code, category)


@every_language
def test_plural_categories_are_those_of_the_language(language: str) -> None:
    wanted = {*Locale.parse(language).plural_form.tags, "other"}
    for code, entry in catalogue(language).entries.items():
        if not isinstance(entry, str):
            assert set(entry) == wanted, code


@every_language
def test_sentences_are_text_and_nothing_else(language: str) -> None:
    for code, text in sentences(catalogue(language)):
        assert text.strip() == text != "", code
        assert re.sub("[\u00a0\u202f]", " ", text).isprintable(), f"{code}: marks of direction are added to values by code"
        assert all(name.isidentifier() for name in placeholders(text)), f"{code}: attributes and indexes are code"
        assert "[" not in text, f"{code}: no markup"


@every_other_language
def test_a_translation_is_not_a_copy(language: str) -> None:
    same = [code for code, text in sentences(catalogue(language)) if text in texts(ENGLISH.entries[code]).values()]
    assert len(same) < 0.05 * len(ENGLISH.entries), same


# Catalogues and code


@cache
def trees() -> list[ast.Module]:
    return [ast.parse(path.read_text("utf-8")) for path in sorted(SOURCE.rglob("*.py"))]


def _parts(node: ast.expr) -> Iterator[ast.expr]:
    """The branches of `a if x else b`, else the expression itself."""
    if isinstance(node, ast.IfExp):
        yield from _parts(node.body)
        yield from _parts(node.orelse)
    else:
        yield node


def _pattern(node: ast.JoinedStr) -> str:
    """An f-string as a pattern; a choice between texts counts as the texts, anything else as one word."""
    pieces = []
    for value in node.values:
        if isinstance(value, ast.Constant):
            pieces.append(re.escape(str(value.value)))
        elif isinstance(value, ast.FormattedValue) and isinstance(value.value, ast.IfExp):
            options = [str(part.value) for part in _parts(value.value) if isinstance(part, ast.Constant)]
            pieces.append("(" + "|".join(map(re.escape, options)) + ")")
        else:
            pieces.append(r"[a-z0-9_-]+")
    return "".join(pieces)


def lookups() -> tuple[set[str], set[str]]:
    """What code asks the catalogue for, or puts into a `Finding`: whole codes, and patterns of composed ones."""
    whole, composed = set[str](), set[str]()
    for tree in trees():
        for node in ast.walk(tree):
            asked = isinstance(node, ast.Call) and _name(node.func) in {"Finding", "text", "has", "_section", "DenseMap"}
            for argument in node.args if isinstance(node, ast.Call) and asked else ():
                for part in _parts(argument):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str) and _is_code(part.value):
                        whole.add(part.value)
                    elif isinstance(part, ast.JoinedStr) and _is_code_pattern(part):
                        composed.add(_pattern(part))
    return whole, composed


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""


def _is_code(text: str) -> bool:
    return re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9_-]+)+", text) is not None


def _is_code_pattern(node: ast.JoinedStr) -> bool:
    return any(isinstance(part, ast.Constant) and "." in str(part.value) for part in node.values) and " " not in ast.unparse(
        ast.JoinedStr([part for part in node.values if isinstance(part, ast.Constant)])
    )


def all_composed() -> set[str]:
    """Patterns of every f-string with a point and a word: some are named before they become findings."""
    found = {_pattern(node) for tree in trees() for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)}
    return {pattern for pattern in found if r"\." in pattern and re.search("[a-z]{3}", pattern.replace("[a-z0-9_-]+", ""))}


@cache
def drawn() -> frozenset[str]:
    """Codes that the templates of HTML reports ask for."""
    asked = re.compile(r'words\.text\("([a-z0-9_.-]+)"')
    return frozenset(code for path in SOURCE.rglob("*.j2") for code in asked.findall(path.read_text("utf-8")))


def constants() -> set[str]:
    """Every text in the code that looks like a code: some are kept in tables before they become findings."""
    found = {node.value for tree in trees() for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return {text for text in found if isinstance(text, str) and _is_code(text)} | drawn()


def test_every_code_that_is_used_has_words() -> None:
    whole, composed = lookups()
    missing = {code for code in whole | drawn() if not ENGLISH.has(code)}
    assert drawn()
    assert not missing
    for pattern in composed - {r"[a-z0-9_-]+\.map"}:  # codes of maps are for programs, no sentence is shown for them
        assert any(re.fullmatch(pattern, code) for code in ENGLISH.entries), pattern


def test_every_sentence_is_used() -> None:
    known, composed = constants() | LEGAL_VALUES | {f"variant.{name}" for name, *_ in RECHECKS}, all_composed()
    codes = {
        code: code.removeprefix("video.") for code in ENGLISH.entries
    }  # words for a clip are used where those of a picture are
    unused = {
        code
        for code, base in codes.items()
        if base not in known and not any(re.fullmatch(pattern, base) for pattern in composed)
    }
    assert unused == UNUSED


@pytest.mark.parametrize("prefix", ["grade", "meaning", "action"])
def test_every_grade_has_its_words(prefix: str) -> None:
    found = {code for code in ENGLISH.entries if code.startswith(f"{prefix}.")}
    assert found == {f"{prefix}.{grade}" for grade in Grade}


@pytest.mark.parametrize(
    "code",
    [
        *(f"{task}.{answer}" for task in ("face", "scene") for answer in ("suspicious", "unclear", "unsuspicious")),
        *(f"{name}.{status}" for name in ("not_checked", "analyser") for status in ("failed", "unavailable")),
        *("face.too_small", "face.blurred", "face.none", "face.none_assessable"),
        *(f"{task}.clip_{answer}" for task in ("face", "scene") for answer in ("suspicious", "unclear", "unsuspicious")),
        *("scene.clip_partly", "temporal.repeated", "temporal.blended"),
        *(f"source.{name}" for name in ("scene", "face", "temporal", "c2pa", "metadata", "generator-traces", "watermarks")),
        *sorted(LEGAL_VALUES),
    ],
)
def test_composed_codes_have_words(code: str) -> None:
    assert ENGLISH.has(code)


def given_params() -> Iterator[tuple[str, set[str]]]:
    """Code and parameter names of every `Finding` and `text` that names both outright."""
    for tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _name(node.func) in {"Finding", "text"} and node.args:
                params = node.args[1] if len(node.args) > 1 else ast.Dict([], [])
                if isinstance(params, ast.Dict) and all(isinstance(key, ast.Constant) for key in params.keys):
                    names = {str(key.value) for key in params.keys if isinstance(key, ast.Constant)}
                    for code in _parts(node.args[0]):
                        if isinstance(code, ast.Constant) and ENGLISH.has(str(code.value)):
                            yield str(code.value), names


@pytest.mark.parametrize(("code", "names"), sorted((code, tuple(sorted(names))) for code, names in given_params()))
def test_a_sentence_asks_for_nothing_that_is_not_given(code: str, names: tuple[str, ...]) -> None:
    for text in texts(ENGLISH.entries[code]).values():
        assert placeholders(text) <= set(names)


# Wording

FORBIDDEN = {
    "en": r"fakes?|faked|forger\w*|forged|proof|proves that|proven|certainly|definitely|clearly|obviously|guilty|liar|"
    r"genuine|100 ?%|guarantee\w*",
    "de": r"fakes?|gefälscht\w*|fälschung\w*|beweis|erwiesen|sicherlich|zweifellos|eindeutig|offensichtlich|schuldig\w*|lüg\w*",
    "fr": r"fakes?|falsifi\w*|faussaire\w*|preuves?|prouvée?s?|certainement|sans aucun doute|évidemment|coupables?|mensonge\w*",
    "es": r"fakes?|falsific\w*|pruebas?|probad[oa]s?|ciertamente|sin duda|evidentemente|culpables?|mentir\w*",
    "pt": r"fakes?|fals\w*|forja\w*|(?<!não )provas?|(com)?provad[oa]s?|certamente|com certeza|sem dúvida|claramente|"
    r"evidentemente|culpad[oa]s?|mentir\w*|garant\w*",
    "hi": r"नकली|फ़र्ज़ी|जाली|झूठ\w*|सबूत|प्रमाण\w*|साक्ष्य|सिद्ध(?! नहीं)|साबित|निश्चित|ज़रूर|स्पष्ट|बेशक|दोषी|अपराधी|गारंटी",
    "ar": r"مزيف\w*|مزور\w*|تزوير|تزييف|مفبرك\w*|دليل\w*|أدلة|إثبات\w*|برهان|(?<!لا )يثبت|(?<!غير )مؤكد\w*|حتمًا|قطعًا|تأكيد|شك|"
    r"واضح\w*|مذنب\w*|كذب|كاذب\w*|يقين\w*",
    "zh": r"假|伪|证据|(?<!不能)证明|证实|(?<!无法)确定|肯定|必然|显然|明显|清楚|毫无疑问|有罪|谎|保证",
}
# "Authentic" stands only beside a denial, an alternative, or the admission that authentic pictures are flagged too.
AUTHENTIC = {
    "en": r"authentic",
    "de": r"authentisch\w*|echt",
    "fr": r"authentiques?",
    "es": r"auténtic[oa]s?",
    "pt": r"autêntic[oa]s?",
    "hi": r"असली",
    "ar": r"أصلية",  # feminine, of the picture; masculine is the original file
    "zh": r"真实(?!图片)",  # "real pictures" in rates of error
}
BALANCED = {
    "en": r"not|nothing|or|too",
    "de": r"nicht|nichts|oder|auch",
    "fr": r"ne|ou|aussi",
    "es": r"no|nada|o|también",
    "pt": r"não|nada|ou|também",
    "hi": r"नहीं|न|या|भी",
    "ar": r"لا|لم|ليس\w*|أو|قد|أيضًا",
    "zh": r"不|没|未|或|也",
}
_SPOKEN = ("grade.", "meaning.", "action.", "score.", "verdict.", "scene.", "face.", "temporal.", "telling.")
SPOKEN = (*_SPOKEN, *(f"video.{prefix}" for prefix in _SPOKEN))


# Vowel signs of Devanagari and Arabic belong to words, which `\w` does not know; Arabic writes some small words onto the next.
_LETTER = r"[\w\u0900-\u0963\u064b-\u0652]"
_PREFIXES = {"ar": r"[وف]?[بكل]?(?:ال|ل)?"}


def _words(pattern: str, language: str) -> re.Pattern[str]:
    if language == "zh":  # written without spaces
        return re.compile(pattern)
    return re.compile(rf"(?<!{_LETTER}){_PREFIXES.get(language, '')}({pattern})(?!{_LETTER})", re.IGNORECASE)


def parted(text: str) -> list[str]:
    return re.split(r"(?<=[.!?।؟])\s+|(?<=[。！？])", text)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "This picture is a fake."),
        ("de", "Das ist der Beweis."),
        ("pt", "Isto é uma prova."),
        ("hi", "यह तस्वीर नकली है।"),
        ("ar", "وهذه الصورة مزيفة."),
        ("ar", "هذا هو الدليل."),
        ("zh", "这张图片是伪造的。"),
    ],
)
def test_an_accusation_would_be_noticed(language: str, said: str) -> None:
    assert _words(FORBIDDEN[language], language).search(said)


@pytest.mark.parametrize(
    ("language", "said"),
    [("pt", "A imagem é autêntica."), ("hi", "तस्वीर असली है।"), ("ar", "هذه الصورة أصلية."), ("zh", "这张图片是真实的。")],
)
def test_an_acquittal_would_be_noticed(language: str, said: str) -> None:
    assert _words(AUTHENTIC[language], language).search(said)
    assert not _words(BALANCED[language], language).search(said)


@every_language
def test_no_sentence_accuses_or_promises(language: str) -> None:
    assert language in FORBIDDEN, "a language needs its list of words that must not be said"
    for code, text in sentences(catalogue(language)):
        if code.startswith(SPOKEN):
            assert not _words(FORBIDDEN[language], language).search(text), (code, text)


@every_language
def test_nothing_is_called_authentic(language: str) -> None:
    for code, text in sentences(catalogue(language)):
        for sentence in parted(text) if code.startswith(SPOKEN) else ():
            if _words(AUTHENTIC[language], language).search(sentence):
                assert _words(BALANCED[language], language).search(sentence), (code, sentence)


@every_language
@pytest.mark.parametrize("grade", list(Grade))
def test_a_grade_is_one_short_line(language: str, grade: Grade) -> None:
    assert len(catalogue(language).text(f"grade.{grade}")) <= 60
    assert len(catalogue(language).text(f"meaning.{grade}")) <= 200
    assert len(catalogue(language).text(f"action.{grade}")) <= 200
    of_clips = catalogue(language).about(MediaKind.VIDEO)
    assert len(of_clips.text(f"meaning.{grade}")) <= 200
    assert len(of_clips.text(f"action.{grade}")) <= 200


@every_language
def test_words_for_a_clip_stand_for_words_of_a_picture(language: str) -> None:
    words = catalogue(language)
    own = {code.removeprefix("video.") for code in words.entries if code.startswith("video.")}
    assert own <= set(words.entries)
    for code in own:
        assert placeholders(texts(words.entries[code])["other"]) == placeholders(texts(words.entries[f"video.{code}"])["other"])
    assert words.about(MediaKind.IMAGE).entries == words.entries


@every_language
def test_grades_differ_in_words(language: str) -> None:
    assert len({catalogue(language).text(f"grade.{grade}") for grade in Grade}) == len(Grade)


def documented() -> dict[tuple[str, str], str]:
    """Grade and language → wording, as the table in docs/languages.md shows it for review."""
    rows, grade = {}, ""
    for line in LANGUAGES_PAGE.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 6 and cells[2] in languages():
            grade = cells[1].strip("`") or grade
            rows[grade, cells[2]] = cells[3]
            assert cells[4] or cells[2] == "en", f"{line}: no back-translation"
    return rows


def test_the_table_of_grades_is_what_readers_see() -> None:
    assert documented() == {
        (grade, language): catalogue(language).text(f"grade.{grade}") for grade in Grade for language in languages()
    }


# Looking up


@pytest.mark.parametrize(("name", "wanted"), [("en", "en"), ("EN", "en"), ("en-GB", "en"), ("de_AT", "de"), ("fr-CA", "fr")])
def test_a_region_gets_its_language(name: str, wanted: str) -> None:
    assert catalogue(name).language == wanted


@pytest.mark.parametrize("name", ["tlh", "", "../en", "en.toml"])
def test_an_unknown_language_is_refused_with_those_that_exist(name: str) -> None:
    with pytest.raises(DataError, match=r"Choose one of: .*en"):
        catalogue(name)


def made(**entries: Entry) -> Catalogue:
    return Catalogue("en", entries)


def test_a_code_without_words_is_refused_by_name() -> None:
    with pytest.raises(DataError, match=r'no words for "a\.b".*catalogs/en\.toml'):
        made().text("a.b")


def test_a_missing_parameter_is_refused_by_name() -> None:
    with pytest.raises(DataError, match=r"want 'who'"):
        made(greeting="Hello {who}").text("greeting")


@pytest.mark.parametrize(("count", "wanted"), [(0, "0 faces"), (1, "one face"), (2, "2 faces"), (21, "21 faces")])
def test_plurals_are_chosen_by_count(count: int, wanted: str) -> None:
    words = made(faces={"one": "one face", "other": "{count} faces"})
    assert words.finding(Finding("faces", {"count": count})) == wanted


def test_a_value_with_braces_stays_text() -> None:
    assert made(name="named {name}").text("name", {"name": "{count} {0.__class__}"}) == "named {count} {0.__class__}"


# Direction


@every_language
def test_arabic_alone_runs_from_right_to_left(language: str) -> None:
    assert direction(language) == catalogue(language).direction == ("rtl" if language == "ar" else "ltr")


def test_values_keep_their_order_in_a_language_from_right_to_left() -> None:
    words = Catalogue("ar", {"checked": "تاريخ التحقق: {date} ({count})"})
    assert words.text("checked", {"date": "2026-11-24", "count": 3}) == "تاريخ التحقق: \u20682026-11-24\u2069 (3)"
    assert made(checked="Checked on {date}").text("checked", {"date": "2026-11-24"}) == "Checked on 2026-11-24"


@every_language
def test_a_value_cannot_turn_the_rest_of_a_sentence_around(language: str) -> None:
    hostile = "Adobe\u202e\u2069\u2067\u200f"
    text = Catalogue(language, {"signed": "{signer}!"}).text("signed", {"signer": hostile})
    assert text.strip("\u2068\u2069!").rstrip("\u2069") == "Adobe" + 4 * "\N{REPLACEMENT CHARACTER}"


# Names that babel brings


def test_every_language_calls_itself_by_its_own_name() -> None:
    names = [catalogue(language).name for language in ("ar", "de", "en", "es", "fr", "hi", "pt", "zh")]
    assert names == ["العربية", "Deutsch", "English", "Español", "Français", "हिन्दी", "Português", "中文"]


@every_language
def test_countries_have_names_in_every_language(language: str) -> None:
    words = catalogue(language)
    codes = [code for code in jurisdictions() if "-" not in code and code != "global"]
    names = {words.territory(code, "?") for code in codes}
    assert "?" not in names
    assert len(names) == len(codes)


def test_parts_of_countries_keep_the_name_of_their_record() -> None:
    assert catalogue("zh").territory("us-ca", "California") == "California"
    assert catalogue("zh").territory("us-ca") == "US-CA"
    assert (catalogue("zh").territory("de"), catalogue("ar").territory("eu")) == ("德国", "الاتحاد الأوروبي")


# Numbers


@pytest.mark.parametrize(
    ("language", "share", "wanted"),
    [
        ("en", 0.07, "7%"),
        ("en", 0.999, "100%"),
        ("en", 0.004, "0.4%"),
        ("de", 0.07, "7 %"),
        ("de", 0.004, "0,4 %"),
        ("fr", 0.5, "50 %"),
        ("pt", 0.004, "0,4%"),
        ("ar", 0.07, "7%"),  # digits as in the rest of the report, where formats, sizes and dates have them
        ("hi", 0.07, "7%"),
        ("zh", 0.07, "7%"),
    ],
)
def test_per_cents_are_written_as_the_language_does(language: str, share: float, wanted: str) -> None:
    assert re.sub(r"\s", " ", catalogue(language).percent(share)) == wanted


def test_numbers_are_written_as_the_language_does() -> None:
    assert (catalogue("en").number(1234.5), catalogue("de").number(1234.5)) == ("1,234.5", "1.234,5")
