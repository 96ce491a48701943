"""What the manifests of a Content Credential say, read from the library's JSON.

The library checks signatures and hashes; the contents of an assertion are whatever the signer wrote, so every value is
checked for its type here.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

from veriscope.domain import Finding, Tendency
from veriscope.provenance import source_types
from veriscope.provenance.clipping import clipped
from veriscope.provenance.source_types import Origin

MAX_STATEMENTS = 20
MAX_INGREDIENTS = 20

UNTRUSTED, EXPIRED = "signingCredential.untrusted", "signingCredential.expired"

# Failures that leave the content as it was signed: something is wrong with the certificate or with the form of the record.
# The first pictures of ChatGPT and Sora, for example, start with another action than the standard demands.
_FORMAL = frozenset({UNTRUSTED, EXPIRED, "signingCredential.invalid", "assertion.action.malformed"})
_BINDINGS = frozenset({"assertion.dataHash.match", "assertion.boxesHash.match", "assertion.bmffHash.match"})

_Json = Mapping[str, Any]

# Actions after which a captured picture still shows what the camera saw (C2PA 2.4, table "Actions"; the rest edit).
_KEEPING = frozenset(
    {
        "c2pa.created",
        "c2pa.opened",
        "c2pa.published",
        "c2pa.converted",
        "c2pa.transcoded",
        "c2pa.repackaged",
        "c2pa.resized.proportional",
        "c2pa.edited.metadata",
    }
)


def _items(value: object) -> list[_Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _object(value: object) -> _Json:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _software(value: object) -> str:
    """A name with version, given as text or as an object (claim generator, software agent)."""
    parts = (_text(_object(value).get("name")), _text(_object(value).get("version")))
    return _text(value) or " ".join(filter(None, parts))


@dataclasses.dataclass(frozen=True, slots=True)
class Action:
    """One step that the signer recorded. `source_type` as written, "" when not told."""

    name: str
    source_type: str
    software: str


@dataclasses.dataclass(frozen=True, slots=True)
class Ingredient:
    """Another picture that went into this one. `manifest` is the label of its own manifest, "" when it has none."""

    title: str
    relationship: str  # "parentOf", "componentOf", "inputTo"
    manifest: str
    is_trusted: bool
    is_invalid: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Manifest:
    """One signed record."""

    label: str
    issuer: str
    common_name: str
    signed_at: str
    generator: str
    actions: tuple[Action, ...]
    ingredients: tuple[Ingredient, ...]

    @classmethod
    def from_json(cls, label: str, data: _Json) -> Manifest:
        signature = _object(data.get("signature_info"))
        generators = _items(data.get("claim_generator_info"))
        return cls(
            label,
            issuer=_text(signature.get("issuer")),
            common_name=_text(signature.get("common_name")),
            signed_at=_text(signature.get("time")),
            generator=_software(generators[0]) if generators else _text(data.get("claim_generator")),
            actions=tuple(_actions(data)),
            ingredients=tuple(_ingredient(item) for item in _items(data.get("ingredients"))[:MAX_INGREDIENTS]),
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Store:
    """All manifests of a file, and the validation of the active one.

    `state` is the library's: "Trusted", "Valid" or "Invalid". `is_intact`: signature and content hash match, and only
    formal rules are broken, if any.
    """

    active: Manifest | None
    manifests: Mapping[str, Manifest]
    state: str
    failures: tuple[str, ...]
    is_intact: bool
    is_time_trusted: bool  # a time stamp authority of the trust list confirms when the active manifest was signed

    @classmethod
    def from_json(cls, text: str) -> Store:
        """Raises `ValueError` when the text is not a JSON object."""
        data = json.loads(text)
        if not isinstance(data, dict):
            raise ValueError("the manifest store is not an object")
        found = {label: Manifest.from_json(label, _object(item)) for label, item in _object(data.get("manifests")).items()}
        active = found.get(_text(data.get("active_manifest")))
        results = _object(data.get("validation_results"))
        passed = set(_codes(_object(results.get("activeManifest")).get("success")))
        failures = _failures(results)
        return cls(
            active,
            found,
            _text(data.get("validation_state")),
            failures,
            is_intact="claimSignature.validated" in passed and bool(passed & _BINDINGS) and set(failures) <= _FORMAL,
            is_time_trusted="timeStamp.trusted" in passed,
        )


def _failures(results: _Json) -> tuple[str, ...]:
    deltas = [_object(item.get("validationDeltas")) for item in _items(results.get("ingredientDeltas"))]
    parts = [_object(results.get("activeManifest")), *deltas]
    return tuple(dict.fromkeys(code for part in parts for code in _codes(part.get("failure"))))


def _codes(value: object) -> list[str]:
    return [code for item in _items(value) if (code := _text(item.get("code")))]


def _actions(data: _Json) -> Iterator[Action]:
    for assertion in _items(data.get("assertions")):
        if _text(assertion.get("label")).startswith("c2pa.actions"):
            for item in _items(_object(assertion.get("data")).get("actions")):
                software = _software(item.get("softwareAgent"))
                yield Action(_text(item.get("action")), _text(item.get("digitalSourceType")), software)


def _ingredient(data: _Json) -> Ingredient:
    results = _object(_object(data.get("validation_results")).get("activeManifest"))
    passed, failed = set(_codes(results.get("success"))), set(_codes(results.get("failure")))
    return Ingredient(
        _text(data.get("title")),
        _text(data.get("relationship")),
        _text(data.get("active_manifest")),
        is_trusted="signingCredential.trusted" in passed and not failed,
        is_invalid=bool(failed - _FORMAL),
    )


def statements(store: Store, manifest: Manifest, *, signed: bool) -> Iterator[Finding]:
    """What the active manifest states about the origin of the picture, its AI ingredients included.

    A capture counts as evidence of one only when nothing in the record is AI and no later action edited the picture.
    """
    ingredients = list(_ai_ingredients(store, manifest, signed=signed))
    origins = {source_types.origin(action.source_type) for action in manifest.actions}
    is_kept = all(action.name in _KEEPING for action in manifest.actions)
    is_capture = is_kept and not ingredients and not {Origin.AI, Origin.SYNTHETIC, Origin.EDITED} & origins
    seen: set[tuple[str, str]] = set()
    for action in manifest.actions:
        found = _statement(action, manifest, signed=signed, is_capture=is_capture)
        if found is not None and (action.name, action.source_type) not in seen and len(seen) < MAX_STATEMENTS:
            seen.add((action.name, action.source_type))
            yield found
    if not is_kept and Origin.EDITED not in origins:
        yield Finding("c2pa.edited")
    yield from ingredients


def _statement(action: Action, manifest: Manifest, *, signed: bool, is_capture: bool) -> Finding | None:
    stated = source_types.origin(action.source_type)
    if stated is None:
        return None
    points = source_types.tendency(stated, signed=signed)
    if stated is Origin.CAPTURED and not is_capture:
        points = Tendency.NEUTRAL
    params = {
        "action": clipped(action.name, 40),
        "type": clipped(source_types.term(action.source_type)),
        "software": clipped(action.software or manifest.generator) or "?",
    }
    return Finding(f"c2pa.states_{stated}", params, points)


def _ai_ingredients(store: Store, manifest: Manifest, *, signed: bool) -> Iterator[Finding]:
    """Ingredients whose own manifest states AI. An "inputTo" a generator is material it was shown, not part of the result."""
    for ingredient in manifest.ingredients:
        own = store.manifests.get(ingredient.manifest)
        if own is None or ingredient.is_invalid or ingredient.relationship == "inputTo":
            continue
        origins = {source_types.origin(action.source_type) for action in own.actions}
        stated = next((origin for origin in (Origin.AI, Origin.SYNTHETIC) if origin in origins), None)
        if stated is not None:
            params = {
                "title": clipped(ingredient.title) or "?",
                "relationship": clipped(ingredient.relationship, 40),
                "software": clipped(own.generator) or "?",
            }
            points = source_types.tendency(stated, signed=signed and ingredient.is_trusted)
            yield Finding(f"c2pa.ingredient_{stated}", params, points)
