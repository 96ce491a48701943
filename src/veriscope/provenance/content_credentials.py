"""Content Credentials (C2PA): a signed record of how a picture was made, verified offline.

Five outcomes, never mixed: no credential; valid and its signer trusted; valid and its signer unknown; invalid; and
"cannot be checked here". A valid signature says who stated something and that the file has not changed since; it does
not make the statement true.

Reference: C2PA Technical Specification 2.4, chapters 14 (trust model) and 15 (validation).
"""

from __future__ import annotations

import json
import re
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from veriscope.domain import Finding, Media, Signal, SignalKind, Status, Views
from veriscope.errors import DataError
from veriscope.provenance import containers
from veriscope.provenance.clipping import clipped
from veriscope.provenance.manifests import EXPIRED, UNTRUSTED, Manifest, Store, statements
from veriscope.settings import Settings

_MIME = {
    "AVI": "video/avi",
    "AVIF": "image/avif",
    "GIF": "image/gif",
    "HEIF": "image/heif",
    "JPEG": "image/jpeg",
    "MOV": "video/quicktime",
    "MP4": "video/mp4",
    "PNG": "image/png",
    "TIFF": "image/tiff",
    "WEBP": "image/webp",
}

_OFFLINE: Mapping[str, Any] = {
    # An empty list of hosts blocks all traffic of the library, except that of identity assertions, which ignores the
    # list (c2pa-rs issue 1645) and is therefore not decoded.
    "core": {"allowed_network_hosts": [], "decode_identity_assertions": False},
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
}

# Microsoft signs with a key purpose of its own, which the interim trust list of C2PA allows and the library does not know.
_KEY_PURPOSES = "1.3.6.1.4.1.311.76.59.1.9\n"
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\s+M[A-Za-z0-9+/=\s]{100,}-----END CERTIFICATE-----")
_REMOTE = re.compile(r"^Remote(?:Manifest)?:.*?(https?://\S+)?$", re.DOTALL)
_MAX_CODES = 5

_Outcome: TypeAlias = tuple[Finding, ...] | Finding
"""Findings of a credential that was read, or the reason why it could not be."""


class ContentCredentials:
    """Verifies the Content Credential of a picture or clip and reports what it says and who vouches for it."""

    id = "c2pa"
    kind = SignalKind.PROVENANCE

    def __init__(self, settings: Settings) -> None:
        """Reads the trust list.

        Raises:
            DataError: `settings.trust_anchors` is not a readable PEM file with certificates.
        """
        self._anchors = _anchors(settings.trust_anchors) if settings.trust_anchors else ""

    def analyze(self, views: Views) -> Signal:
        """What the credential says; "c2pa.none" when there is none, which is normal and neutral. Never opens a socket."""
        container = views.media.facts.format
        if container not in _MIME:
            # Other formats of pictures carry no credential; other containers of video may, and the library cannot read them.
            code = "c2pa.not_read" if views.media.facts.video else "provenance.unsupported_format"
            return self._without(Status.SKIPPED, Finding(code, {"format": clipped(container)}))
        library = _library()
        if library is None:
            return self._without(Status.UNAVAILABLE, Finding("c2pa.missing_library"))
        outcome = self._read(library, views.media, container)
        if isinstance(outcome, Finding):
            return self._without(Status.SKIPPED, outcome)
        return Signal(self.id, self.kind, Status.OK, findings=outcome)

    def _without(self, status: Status, reason: Finding) -> Signal:
        return Signal(self.id, self.kind, status, reason=reason)

    def _read(self, library: types.ModuleType, media: Media, container: str) -> _Outcome:
        anchors = {"trust_anchors": self._anchors} if self._anchors else {}
        config = {**_OFFLINE, "trust": {"trust_config": _KEY_PURPOSES, **anchors}}
        try:
            with library.Context.from_json(json.dumps(config)) as context, media.open() as file:
                reader = library.Reader.try_create(_MIME[container], file, None, context)
                if reader is None:
                    return (Finding("c2pa.none"),)
                with reader:
                    store = Store.from_json(reader.json())
        except library.C2paError as error:
            return _unread(str(error), media.data, container)
        except (ValueError, RecursionError):  # not the JSON that the library promises
            return (_invalid(("json",)),)
        return tuple(_findings(store, has_list=bool(self._anchors)))


def _library() -> types.ModuleType | None:
    """The C2PA library; None when it is not installed or its native part does not load on this machine."""
    try:
        import c2pa
    except (ImportError, OSError, RuntimeError):
        return None
    library: types.ModuleType = c2pa
    return library


def _anchors(path: Path) -> str:
    try:
        text = path.read_text("ascii")
    except (OSError, UnicodeDecodeError):
        text = ""
    if not _CERTIFICATE.search(text):
        raise DataError(f"The trust list {path} is not a readable PEM file with certificates. Correct or unset trust_anchors.")
    return text


def _unread(message: str, data: bytes, container: str) -> _Outcome:
    """The outcome for a file that the library refused, told apart by what the container really holds."""
    remote = _REMOTE.match(message)
    if remote:
        return (Finding("c2pa.remote_not_fetched", {"host": clipped(_host(remote[1] or "")) or "?"}),)
    kind = clipped(message.split(":", 1)[0], 40)
    if _has_credential(data, container):
        return (_invalid((kind,)),)
    return Finding("c2pa.cannot_check", {"error": kind})


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _has_credential(data: bytes, container: str) -> bool:
    """Whether a JPEG, PNG or WebP holds the part that C2PA defines for it (specification, appendix A)."""
    for part in containers.segments(data, container):
        if part.name in ("caBX", "C2PA") or (
            part.name == "APP11" and part.data.startswith(b"JP") and b"c2pa" in part.data[:96]
        ):
            return True
    return False


def _invalid(codes: tuple[str, ...]) -> Finding:
    # Neutral: a credential breaks whenever a signed file is saved again, which says nothing about how it was made.
    return Finding("c2pa.invalid", {"codes": _listed(codes)})


def _listed(codes: tuple[str, ...]) -> str:
    return clipped(", ".join(codes[:_MAX_CODES]))


def _findings(store: Store, *, has_list: bool) -> Iterator[Finding]:
    manifest = store.active
    if manifest is None or not (store.state in ("Trusted", "Valid") or store.is_intact):
        yield _invalid(store.failures or ("manifest",))
        return
    is_trusted = store.state == "Trusted"
    yield _signer(manifest, store)
    if not is_trusted and not has_list:
        yield Finding("c2pa.no_trust_list")
    if manifest.signed_at and store.is_time_trusted:  # anybody can run a time stamp server
        yield Finding("c2pa.signed_at", {"when": clipped(manifest.signed_at)})
    if manifest.generator:
        yield Finding("c2pa.generator", {"generator": clipped(manifest.generator)})
    yield from statements(store, manifest, signed=is_trusted)


def _signer(manifest: Manifest, store: Store) -> Finding:
    params = {"signer": clipped(manifest.common_name) or "?", "issuer": clipped(manifest.issuer) or "?"}
    if store.state == "Trusted":
        return Finding("c2pa.trusted", params)
    if store.state == "Valid":
        return Finding("c2pa.unknown_signer", params)
    if set(store.failures) <= {UNTRUSTED, EXPIRED}:
        return Finding("c2pa.expired_signer", params)
    return Finding("c2pa.irregular", params | {"codes": _listed(store.failures)})
