"""What clips say about themselves: container fields, generators' graphs, and Content Credentials in MP4 and QuickTime."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from clips_made import clip, plain_clip, plain_frames
from provenance_pictures import Authority, authority, signed

from veriscope.domain import Finding, MediaKind, Signal, Status, Tendency, Views
from veriscope.explain import not_checked
from veriscope.i18n import catalogue, languages
from veriscope.ingest import open_media
from veriscope.provenance import aigc_label, clip_tags
from veriscope.provenance.content_credentials import ContentCredentials
from veriscope.provenance.generators import GeneratorTraces
from veriscope.provenance.metadata import Metadata
from veriscope.provenance.watermarks import Watermarks
from veriscope.settings import Settings

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
GRAPH = {
    "1": {"class_type": "KSampler", "inputs": {"seed": 1}},
    "2": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "example.safetensors"}},
}


def said(analyser: type[Metadata | GeneratorTraces | Watermarks], data: bytes) -> Signal:
    with contextlib.closing(open_media(data, Settings(threads=1))) as media:
        return analyser(Settings()).analyze(Views(media, media.frames))


def codes(found: tuple[Finding, ...]) -> list[str]:
    return [finding.code for finding in found]


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({"container:encoder": "Lavf61.1"}, ["metadata.software"], id="encoder"),
        pytest.param(
            {"container:com.apple.quicktime.make": "Example", "container:com.apple.quicktime.model": "Phone 1"},
            ["metadata.camera"],
            id="phone",
        ),
        pytest.param({"video:handler_name": "VideoHandler"}, [], id="a usual handler"),
        pytest.param({"video:handler_name": "Example Maker"}, ["metadata.handler"], id="a telling handler"),
        pytest.param({"container:creation_time": "2026-01-02T03:04:05.000000Z"}, ["metadata.date"], id="date"),
        pytest.param({"container:creation_time": "1904-01-01T00:00:00Z"}, [], id="the zero of a clock"),
        pytest.param({"container:location": "+50.1+008.6/"}, ["metadata.has_location"], id="place"),
        pytest.param({"container:comment": "made with AIGC Label 1, Sora, Veo"}, [], id="words in a comment"),
    ],
)
def test_container_fields_are_claims(tags: dict[str, str], found: list[str]) -> None:
    findings = tuple(clip_tags.findings(tags))
    assert codes(findings) == found
    assert {finding.tendency for finding in findings} <= {
        Tendency.NEUTRAL,
        Tendency.CAPTURE_CLAIMED,
        Tendency.SYNTHETIC_CLAIMED,
    }
    assert not any("50.1" in str(finding.params) for finding in findings)


def label(value: object) -> str:
    """All seven elements, in the order of the standard."""
    rest = ("ContentProducer", "ProduceID", "ReservedCode1", "ContentPropagator", "PropagateID", "ReservedCode2")
    return json.dumps({"Label": value, **dict.fromkeys(rest, "x")})


@pytest.mark.parametrize(
    ("field", "value", "code", "tendency"),
    [
        ("container:aigc", label("1"), "metadata.aigc_label", Tendency.SYNTHETIC_CLAIMED),
        ("container:aigc", '{"AIGC": ' + label("1") + "}", "metadata.aigc_label", Tendency.SYNTHETIC_CLAIMED),
        ("video:aigc", label(1), "metadata.aigc_label", Tendency.SYNTHETIC_CLAIMED),
        ("xmp:TC260:AIGC", label("1"), "metadata.aigc_label", Tendency.SYNTHETIC_CLAIMED),
        ("png:AIGC", label("1"), "metadata.aigc_label", Tendency.SYNTHETIC_CLAIMED),
        ("container:aigc", label("2"), "metadata.aigc_possible", Tendency.NEUTRAL),
        ("container:aigc", label("3"), "metadata.aigc_suspected", Tendency.NEUTRAL),
    ],
)
def test_the_chinese_label_says_is_may_be_or_is_suspected(field: str, value: str, code: str, tendency: Tendency) -> None:
    assert list(aigc_label.findings({field: value})) == [Finding(code, {"field": field}, tendency)]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"container:aigc": label("9")}, id="a value that the standard does not know"),
        pytest.param({"container:aigc": label(True)}, id="neither text nor number"),
        pytest.param({"container:aigc": label(["1"])}, id="a list"),
        pytest.param({"container:aigc": "AIGC"}, id="a word"),
        pytest.param({"container:aigc": "1"}, id="a number"),
        pytest.param({"container:aigc": '{"AIGC": "1"}'}, id="no object inside"),
        pytest.param({"container:aigc": "{" * 10_000}, id="not JSON"),
        pytest.param({"container:comment": label("1")}, id="a field of another name"),
    ],
)
def test_what_only_looks_like_the_chinese_label_is_none(values: dict[str, str]) -> None:
    assert list(aigc_label.findings(values)) == []


@pytest.mark.parametrize(("container", "codec"), [("mp4", "libx264"), ("matroska", "libx264"), ("webm", "libvpx")])
def test_metadata_of_a_clip_is_read_from_its_container(container: str, codec: str) -> None:
    found = said(Metadata, clip(plain_frames(3), container=container, codec=codec, tags={"AIGC": label("1")}))
    assert "metadata.aigc_label" in codes(found.findings)
    assert "metadata.software" in codes(found.findings)


@pytest.mark.parametrize(
    "tags",
    [
        pytest.param({"prompt": json.dumps(GRAPH)}, id="a field of its own"),
        pytest.param({"comment": json.dumps({"prompt": json.dumps(GRAPH)})}, id="in a comment, as text"),
        pytest.param({"comment": json.dumps({"prompt": GRAPH})}, id="in a comment, as an object"),
    ],
)
def test_the_graph_of_a_node_editor_is_a_trace(tags: dict[str, str]) -> None:
    [trace] = said(GeneratorTraces, clip(plain_frames(3), tags=tags)).findings
    assert (trace.code, trace.tendency) == ("generator.trace_model", Tendency.SYNTHETIC_CLAIMED)
    assert trace.params["generator"] == "ComfyUI"
    assert trace.params["model"] == "example.safetensors"


def test_a_caption_about_a_generator_is_no_trace() -> None:
    found = said(GeneratorTraces, clip(plain_frames(3), tags={"comment": "ComfyUI prompt workflow KSampler"}))
    assert codes(found.findings) == ["generator.none"]


def test_watermarks_are_not_looked_for_in_clips() -> None:
    assert said(Watermarks, plain_clip()).reason == Finding("watermark.clip")


@pytest.fixture(scope="module")
def signer() -> Authority:
    return authority()


@pytest.mark.parametrize(("container", "mime"), [("mp4", "video/mp4"), ("mov", "video/quicktime")])
@pytest.mark.parametrize("trusted", [True, False], ids=["trusted", "unknown signer"])
def test_a_credential_in_a_clip_is_verified(
    container: str, mime: str, trusted: bool, signer: Authority, tmp_path: Path
) -> None:
    action = {"action": "c2pa.created", "digitalSourceType": SOURCE_TYPE, "softwareAgent": {"name": "Example"}}
    data = signed(signer, action, data=clip(plain_frames(6), container=container), mime=mime)
    anchors = tmp_path / "anchors.pem"
    anchors.write_text(signer.anchor)
    path = tmp_path / f"clip.{container}"
    path.write_bytes(data)
    analyser = ContentCredentials(Settings(trust_anchors=anchors if trusted else None))
    for given in (data, path):
        with contextlib.closing(open_media(given, Settings(threads=1))) as media:
            found = analyser.analyze(Views(media, ()))
        assert found.status is Status.OK
        assert found.findings[0].code == ("c2pa.trusted" if trusted else "c2pa.unknown_signer")
        tendencies = {finding.tendency for finding in found.findings}
        assert (Tendency.SYNTHETIC_SIGNED if trusted else Tendency.SYNTHETIC_CLAIMED) in tendencies


def test_changed_frames_make_the_credential_invalid(signer: Authority) -> None:
    action = {"action": "c2pa.created", "digitalSourceType": SOURCE_TYPE}
    data = bytearray(signed(signer, action, data=plain_clip(), mime="video/mp4"))
    data[data.rindex(b"mdat") + 200] ^= 0xFF
    with contextlib.closing(open_media(bytes(data), Settings(threads=1))) as media:
        found = ContentCredentials(Settings()).analyze(Views(media, ()))
    assert codes(found.findings) == ["c2pa.invalid"]


def test_a_webm_cannot_be_checked_for_credentials() -> None:
    with contextlib.closing(open_media(clip(plain_frames(4), container="webm", codec="libvpx"), Settings(threads=1))) as media:
        found = ContentCredentials(Settings()).analyze(Views(media, ()))
    assert (found.status, found.reason) == (Status.SKIPPED, Finding("c2pa.not_read", {"format": "WEBM"}))
    gaps = not_checked(media.facts, (), [found])
    assert Finding("not_checked.credentials", {"format": "WEBM"}) in gaps


@pytest.mark.parametrize("language", languages())
def test_sentences_about_provenance_speak_of_a_video_in_a_report_on_one(language: str) -> None:
    words = catalogue(language)
    spoken_of = ("c2pa.none", "c2pa.invalid", "c2pa.states_ai", "c2pa.ingredient_ai", "metadata.states_ai", "generator.trace")
    of_clips = words.about(MediaKind.VIDEO)
    for code in spoken_of:
        assert of_clips.entries[code] == words.entries[f"video.{code}"]
        assert of_clips.entries[code] != words.entries[code]
