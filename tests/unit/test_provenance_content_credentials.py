"""Content Credentials: five outcomes that are never mixed, and no socket."""

from __future__ import annotations

import io
import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from provenance_pictures import (
    IPTC,
    MICROSOFT,
    Authority,
    authority,
    codes,
    created,
    params,
    picture,
    signed,
    views,
    webp_with,
)

from veriscope.domain import Signal, Status, Tendency
from veriscope.errors import DataError
from veriscope.provenance import content_credentials
from veriscope.provenance.content_credentials import ContentCredentials
from veriscope.provenance.manifests import Store
from veriscope.settings import Settings


@pytest.fixture(scope="module")
def signer() -> Authority:
    return authority()


@pytest.fixture(scope="module")
def read(signer: Authority, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Signal]:
    anchors = tmp_path_factory.mktemp("trust") / "anchors.pem"
    anchors.write_text(signer.anchor)

    def run(data: bytes, container: str = "JPEG", *, trust: bool = True) -> Signal:
        settings = Settings(trust_anchors=anchors if trust else None)
        return ContentCredentials(settings).analyze(views(data, container))

    return run


@pytest.mark.parametrize("container", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "AVIF", "HEIF"])
def test_no_credential_is_a_neutral_answer(read: Callable[..., Signal], container: str) -> None:
    signal = read(picture(container), container)
    assert signal.status is Status.OK
    assert codes(signal) == {"c2pa.none": Tendency.NEUTRAL}


@pytest.mark.parametrize("container", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "AVIF", "HEIF"])
def test_trusted_signer_of_an_ai_picture_declares_it(read: Callable[..., Signal], signer: Authority, container: str) -> None:
    signal = read(signed(signer, created("trainedAlgorithmicMedia"), container=container), container)
    found = codes(signal)
    assert found["c2pa.states_ai"] is Tendency.SYNTHETIC_SIGNED
    assert params(signal, "c2pa.states_ai") == {
        "action": "c2pa.created",
        "type": "trainedAlgorithmicMedia",
        "software": "Test Generator 2",
    }
    assert params(signal, "c2pa.trusted") == {"signer": "Test Signer", "issuer": "Test Organisation"}
    assert params(signal, "c2pa.generator") == {"generator": "Test Editor 1.0"}
    assert not {"c2pa.unknown_signer", "c2pa.no_trust_list", "c2pa.invalid"} & found.keys()


def test_without_a_trust_list_every_signer_is_unknown(read: Callable[..., Signal], signer: Authority) -> None:
    found = codes(read(signed(signer, created("trainedAlgorithmicMedia")), trust=False))
    assert found["c2pa.states_ai"] is Tendency.SYNTHETIC_CLAIMED
    assert {"c2pa.unknown_signer", "c2pa.no_trust_list"} <= found.keys()
    assert "c2pa.trusted" not in found


def test_signer_outside_the_trust_list_is_unknown(read: Callable[..., Signal]) -> None:
    found = codes(read(signed(authority(), created("trainedAlgorithmicMedia"))))
    assert found["c2pa.states_ai"] is Tendency.SYNTHETIC_CLAIMED
    assert "c2pa.unknown_signer" in found
    assert "c2pa.no_trust_list" not in found


def test_changed_pixels_make_the_credential_invalid_and_silent(read: Callable[..., Signal], signer: Authority) -> None:
    data = bytearray(signed(signer, created("trainedAlgorithmicMedia")))
    data[-300] ^= 0x55
    signal = read(bytes(data))
    assert codes(signal) == {"c2pa.invalid": Tendency.NEUTRAL}
    assert params(signal, "c2pa.invalid") == {"codes": "assertion.dataHash.mismatch"}


def test_changed_statement_makes_the_credential_invalid(read: Callable[..., Signal], signer: Authority) -> None:
    data = signed(signer, created("digitalCapture")).replace(b"/digitalCapture", b"/digitalCaptura")
    assert codes(read(data)) == {"c2pa.invalid": Tendency.NEUTRAL}


@pytest.mark.parametrize("container", ["JPEG", "PNG", "WEBP"])
def test_garbage_in_place_of_the_manifest_is_invalid(read: Callable[..., Signal], signer: Authority, container: str) -> None:
    data = bytearray(signed(signer, created("digitalCapture"), container=container))
    start = data.index(b"jumb") + 60
    data[start : start + 300] = b"\xff" * 300
    assert codes(read(bytes(data), container)) == {"c2pa.invalid": Tendency.NEUTRAL}


def test_expired_certificate_is_told_apart_from_a_changed_file(read: Callable[..., Signal]) -> None:
    brief = authority(seconds=2.0)
    data = signed(brief, created("trainedAlgorithmicMedia"))
    time.sleep(3.0)
    found = codes(read(data, trust=False))
    assert found["c2pa.states_ai"] is Tendency.SYNTHETIC_CLAIMED
    assert "c2pa.expired_signer" in found
    assert "c2pa.invalid" not in found


@pytest.mark.parametrize(
    ("actions", "trust", "expected"),
    [
        pytest.param(
            [created("digitalCapture")], True, {"c2pa.states_captured": Tendency.CAPTURE_SIGNED}, id="capture trusted"
        ),
        pytest.param(
            [created("digitalCapture")], False, {"c2pa.states_captured": Tendency.CAPTURE_CLAIMED}, id="capture unknown"
        ),
        pytest.param(
            [created("compositeSynthetic")], True, {"c2pa.states_synthetic": Tendency.SYNTHETIC_SIGNED}, id="synthetic"
        ),
        pytest.param([created("composite")], True, {"c2pa.states_edited": Tendency.NEUTRAL}, id="composite"),
        pytest.param([created("digitalCreation")], True, {"c2pa.states_other": Tendency.NEUTRAL}, id="drawing"),
        pytest.param([created("nonsense")], True, {}, id="not a term"),
        pytest.param(
            [
                created("digitalCapture"),
                {"action": "c2pa.edited", "digitalSourceType": IPTC + "compositeWithTrainedAlgorithmicMedia"},
            ],
            True,
            {
                "c2pa.states_captured": Tendency.NEUTRAL,
                "c2pa.states_ai": Tendency.SYNTHETIC_SIGNED,
                "c2pa.edited": Tendency.NEUTRAL,
            },
            id="captured, then edited with AI",
        ),
        pytest.param(
            [created("digitalCapture"), {"action": "c2pa.color_adjustments"}],
            True,
            {"c2pa.states_captured": Tendency.NEUTRAL, "c2pa.edited": Tendency.NEUTRAL},
            id="captured, then edited",
        ),
    ],
)
def test_statement_points_where_its_source_type_says(
    read: Callable[..., Signal], signer: Authority, actions: list[Any], trust: bool, expected: dict[str, Tendency]
) -> None:
    found = codes(read(signed(signer, *actions), trust=trust))
    said = {code: tendency for code, tendency in found.items() if code.startswith("c2pa.states_") or code == "c2pa.edited"}
    assert said == expected


@pytest.mark.parametrize(
    ("maker", "expected"),
    [
        pytest.param("signer", Tendency.SYNTHETIC_SIGNED, id="trusted"),
        pytest.param("stranger", Tendency.SYNTHETIC_CLAIMED, id="unknown"),
    ],
)
def test_ai_ingredient_is_as_trusted_as_its_own_signer(
    read: Callable[..., Signal], signer: Authority, maker: str, expected: Tendency
) -> None:
    original = signed(signer if maker == "signer" else authority(), created("trainedAlgorithmicMedia"))
    signal = read(signed(signer, {"action": "c2pa.color_adjustments"}, data=original, intent="Edit"))
    assert codes(signal)["c2pa.ingredient_ai"] is expected
    assert params(signal, "c2pa.ingredient_ai")["relationship"] == "parentOf"


def test_hostile_names_are_clipped(read: Callable[..., Signal], signer: Authority) -> None:
    action = created("trainedAlgorithmicMedia") | {"softwareAgent": {"name": "\x1b[31m\u202eevil " + "x" * 5_000}}
    shown = params(read(signed(signer, action)), "c2pa.states_ai")["software"]
    assert len(shown) <= 120
    assert shown.startswith("[31mevil xxx")


@pytest.fixture
def listener() -> Iterator[tuple[str, list[Any]]]:
    """An HTTP address of this machine and the connections that it received."""
    received: list[Any] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        stop = threading.Event()

        def accept() -> None:
            while not stop.is_set():
                try:
                    connection, peer = server.accept()
                except TimeoutError:
                    continue
                received.append(peer)
                connection.close()

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/manifest.c2pa", received
        stop.set()
        thread.join()


def test_remote_manifest_is_named_and_never_fetched(
    read: Callable[..., Signal], signer: Authority, listener: tuple[str, list[Any]]
) -> None:
    address, received = listener
    signal = read(signed(signer, created("trainedAlgorithmicMedia"), remote=address))
    assert params(signal, "c2pa.remote_not_fetched") == {"host": "127.0.0.1"}
    assert codes(signal) == {"c2pa.remote_not_fetched": Tendency.NEUTRAL}
    assert received == []


def test_blocked_hosts_alone_would_keep_the_library_offline(
    read: Callable[..., Signal], signer: Authority, listener: tuple[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, received = listener
    data = signed(signer, created("trainedAlgorithmicMedia"), remote=address)
    locks = {"core": content_credentials._OFFLINE["core"], "verify": {"remote_manifest_fetch": True}}
    monkeypatch.setattr(content_credentials, "_OFFLINE", locks)
    read(data)
    assert received == []
    monkeypatch.setattr(content_credentials, "_OFFLINE", {"verify": {"remote_manifest_fetch": True}})
    read(data)
    assert len(received) > 0  # or the listener would prove nothing


def test_revocation_of_a_certificate_is_not_asked_for(tmp_path: Path, listener: tuple[str, list[Any]]) -> None:
    address, received = listener
    maker = authority(responder=address)
    (tmp_path / "anchors.pem").write_text(maker.anchor)
    data = signed(maker, created("trainedAlgorithmicMedia"))
    signal = ContentCredentials(Settings(trust_anchors=tmp_path / "anchors.pem")).analyze(views(data, "JPEG"))
    assert "c2pa.trusted" in codes(signal)
    assert received == []


def test_missing_library_is_unavailable_and_not_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "c2pa", None)
    signal = ContentCredentials(Settings()).analyze(views(picture("JPEG"), "JPEG"))
    assert signal.status is Status.UNAVAILABLE
    assert signal.reason is not None
    assert signal.reason.code == "c2pa.missing_library"


def test_native_part_that_does_not_load_is_unavailable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "c2pa.py").write_text("raise RuntimeError('no native library for this machine')")
    monkeypatch.delitem(sys.modules, "c2pa")
    monkeypatch.syspath_prepend(tmp_path)
    assert ContentCredentials(Settings()).analyze(views(picture("JPEG"), "JPEG")).status is Status.UNAVAILABLE


@pytest.mark.parametrize(
    ("data", "container", "code"),
    [
        pytest.param(b"BM" + b"\0" * 60, "BMP", "provenance.unsupported_format", id="format without credentials"),
        pytest.param(picture("PNG")[:200], "PNG", "c2pa.cannot_check", id="truncated file"),
    ],
)
def test_file_that_cannot_be_checked_is_skipped(read: Callable[..., Signal], data: bytes, container: str, code: str) -> None:
    signal = read(data, container)
    assert signal.status is Status.SKIPPED
    assert signal.reason is not None
    assert signal.reason.code == code


def test_name_of_the_standard_in_the_file_is_no_credential(read: Callable[..., Signal]) -> None:
    assert codes(read(webp_with((b"NOTE", b"c2pa jumb c2pa.claim")), "WEBP")) == {"c2pa.none": Tendency.NEUTRAL}
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64)).save(buffer, "JPEG", comment=b"c2pa jumb")
    assert codes(read(buffer.getvalue())) == {"c2pa.none": Tendency.NEUTRAL}


INTACT = ("claimSignature.validated", "assertion.dataHash.match")


@pytest.mark.parametrize(
    ("passed", "failed", "expected"),
    [
        pytest.param(INTACT, ("signingCredential.invalid",), "c2pa.irregular", id="certificate"),
        pytest.param(INTACT, ("assertion.action.malformed", "signingCredential.expired"), "c2pa.irregular", id="record"),
        pytest.param(INTACT, ("signingCredential.expired",), "c2pa.expired_signer", id="expired"),
        pytest.param(INTACT, ("signingCredential.ocsp.revoked",), "c2pa.invalid", id="revoked"),
        pytest.param(INTACT, ("assertion.hashedURI.mismatch",), "c2pa.invalid", id="statement changed"),
        pytest.param(INTACT[:1], ("signingCredential.invalid",), "c2pa.invalid", id="content not bound"),
        pytest.param(INTACT[1:], ("signingCredential.invalid",), "c2pa.invalid", id="signature not verified"),
    ],
)
def test_broken_rule_is_told_apart_from_broken_content(passed: tuple[str, ...], failed: tuple[str, ...], expected: str) -> None:
    actions = {"label": "c2pa.actions", "data": {"actions": [created("trainedAlgorithmicMedia")]}}
    results = {"success": [{"code": code} for code in passed], "failure": [{"code": code} for code in failed]}
    store = {
        "active_manifest": "a",
        "manifests": {"a": {"assertions": [actions]}},
        "validation_state": "Invalid",
        "validation_results": {"activeManifest": results},
    }
    found = {
        item.code: item.tendency for item in content_credentials._findings(Store.from_json(json.dumps(store)), has_list=True)
    }
    assert expected in found
    assert found.get("c2pa.states_ai") is (None if expected == "c2pa.invalid" else Tendency.SYNTHETIC_CLAIMED)


def test_key_purpose_of_a_large_signer_is_known(tmp_path: Path) -> None:
    maker = authority(purpose=MICROSOFT)
    data = signed(maker, created("trainedAlgorithmicMedia"))
    assert "c2pa.unknown_signer" in codes(ContentCredentials(Settings()).analyze(views(data, "JPEG")))


@pytest.mark.parametrize(("code", "shown"), [("timeStamp.trusted", True), ("timeStamp.validated", False)])
def test_only_a_trusted_time_stamp_is_shown(code: str, shown: bool) -> None:
    manifest = {"signature_info": {"time": "2026-01-02T03:04:05+00:00"}}
    results = {"activeManifest": {"success": [{"code": code}], "failure": []}}
    store = {"active_manifest": "a", "manifests": {"a": manifest}, "validation_state": "Trusted", "validation_results": results}
    found = content_credentials._findings(Store.from_json(json.dumps(store)), has_list=True)
    assert ("c2pa.signed_at" in [finding.code for finding in found]) is shown


@pytest.mark.parametrize(
    "store",
    [
        pytest.param("{}", id="empty"),
        pytest.param('{"manifests": [], "validation_state": 7, "validation_results": []}', id="wrong types"),
        pytest.param(
            '{"active_manifest": "a", "manifests": {"a": 3}, "validation_state": "Trusted", "x": null}', id="no manifest"
        ),
        pytest.param(
            '{"active_manifest": "a", "manifests": {"a": {"assertions": [{"label": "c2pa.actions", "data": {"actions": '
            '[{"action": [], "digitalSourceType": {}, "softwareAgent": 1}, 4]}}], "ingredients": [{"title": 1}, 2], '
            '"claim_generator_info": "x"}}, "validation_state": "Valid"}',
            id="wrong types inside",
        ),
    ],
)
def test_no_manifest_content_breaks_the_reading(store: str) -> None:
    found = list(content_credentials._findings(Store.from_json(store), has_list=True))
    assert all(finding.tendency is Tendency.NEUTRAL for finding in found)


@pytest.mark.parametrize("text", [None, "", "hello", "-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----"])
def test_unreadable_trust_list_is_an_error_when_it_is_configured(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "anchors.pem"
    if text is not None:
        path.write_text(text)
    with pytest.raises(DataError, match="not a readable PEM file"):
        ContentCredentials(Settings(trust_anchors=path))
