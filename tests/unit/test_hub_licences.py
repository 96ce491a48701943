"""Which licences forbid commercial use: what is free is listed, what is not known is not guessed."""

from __future__ import annotations

from typing import Any

import pytest

from veriscope.detectors.hub.licences import MAX_NAME, front_matter, read_licence


@pytest.mark.parametrize(
    ("metadata", "use"),
    [
        pytest.param({"license": "mit"}, "yes", id="mit"),
        pytest.param({"license": "Apache-2.0"}, "yes", id="capitals"),
        pytest.param({"license": "cc-by-4.0"}, "yes", id="attribution"),
        pytest.param({"license": "cc-by-sa-4.0"}, "yes", id="share alike"),
        pytest.param({"license": "creativeml-openrail-m"}, "yes", id="rail"),
        pytest.param({"license": "ncsa"}, "yes", id="letters nc inside a word"),
        pytest.param({"license": "cc-by-nc-4.0"}, "no", id="nc"),
        pytest.param({"license": "cc-by-nc-sa-3.0"}, "no", id="nc sa"),
        pytest.param({"license": "h-research"}, "no", id="research"),
        pytest.param({"license": "intel-research"}, "no", id="research of a maker"),
        pytest.param({"license": "apple-amlr"}, "no", id="research by its text"),
        pytest.param({"license": "fair-noncommercial-research-license"}, "no", id="in words"),
        pytest.param({"license": "other", "license_name": "my-non-commercial-licence"}, "no", id="other by its name"),
        pytest.param({"license": "other", "license_name": "Academic use only"}, "no", id="academic"),
        pytest.param({"license": "other", "license_link": "https://example.org/by-nc/4.0"}, "no", id="other by its link"),
        pytest.param({"license": "mit", "license_name": "cc-by-nc"}, "no", id="contradiction"),
        pytest.param({"license": ["mit", "cc-by-nc-4.0"]}, "no", id="strictest of several"),
        pytest.param({"license": ["mit", "apache-2.0"]}, "yes", id="several free ones"),
        pytest.param(
            {"license": "other", "license_link": "https://github.com/facebookresearch/x"}, "unclear", id="address only"
        ),
        pytest.param({"license": "other"}, "unclear", id="other"),
        pytest.param({"license": "gemma"}, "unclear", id="terms of a maker"),
        pytest.param({"license": "mitigated"}, "unclear", id="not quite mit"),
        pytest.param({}, "unknown", id="none"),
        pytest.param({"license": "unknown"}, "unknown", id="unknown"),
        pytest.param({"license": ""}, "unknown", id="empty"),
        pytest.param({"license": None}, "unknown", id="null"),
        pytest.param({"license": {"a": 1}}, "unknown", id="wrong type"),
        pytest.param({"license": [1, None]}, "unknown", id="list of wrong types"),
    ],
)
def test_commercial_use(metadata: dict[str, Any], use: str) -> None:
    assert read_licence(metadata).commercial_use == use


def test_a_licences_name_is_a_strangers_text() -> None:
    name = read_licence({"license": "other\x1b[31m\n" + "x" * 1000}).name
    assert len(name) == MAX_NAME
    assert name.isprintable()


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        pytest.param("---\nlicense: mit\n---\n", "mit", id="plain"),
        pytest.param("---\r\nlicense: 'mit'  # really\r\n---\r\n", "mit", id="quotes, comment, line ends"),
        pytest.param("\ufeff---\nlanguage: en\nlicense: mit\n---\n", "mit", id="byte order mark"),
        pytest.param("---\nlicense:\n- mit\n- cc-by-nc-4.0\ntags:\n- x\n---\n", "mit, cc-by-nc-4.0", id="list"),
        pytest.param("---\nlicense: other\nlicense_name: my-own\n---\n", "other: my-own", id="name of its own"),
        pytest.param("# Model\nlicense: mit\n", "", id="no metadata"),
        pytest.param("---\nlicense: mit\n", "", id="never closed"),
        pytest.param("---\ntags:\n  license: mit\n---\n", "", id="of something else"),
        pytest.param("", "", id="empty"),
    ],
)
def test_the_metadata_of_a_model_card(text: str, licence: str) -> None:
    assert read_licence(front_matter(text)).name == licence
