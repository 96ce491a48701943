"""Traces that image generators leave in named fields of a file.

A rule names the field it reads and tests the shape of what stands there: the name of a generator alone, in a caption or
among the pixels, is not a trace. Whatever matches is still a claim, since anyone can write such a field.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from veriscope.domain import Finding, Signal, SignalKind, Status, Tendency, Views
from veriscope.provenance import fields
from veriscope.provenance.clipping import clipped
from veriscope.provenance.fields import Fields
from veriscope.settings import Settings

Test = Callable[[str, Fields], str | None]
"""Tests the value of a field; the model's name ("" when not told) for a trace, None for anything else."""


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """One trace: which generator, in which fields, of what shape, and where that is documented."""

    generator: str
    places: tuple[str, ...]
    test: Test
    reference: str


_WEBUI_LINE = re.compile(r"^Steps: \d{1,5}, (?=.*Sampler: [^,]{2,60},)", re.MULTILINE)
_WEBUI_MORE = (re.compile(r", CFG scale: [\d.]+"), re.compile(r", Seed: \d+"), re.compile(r", Size: \d+x\d+"))
_WEBUI_MODEL = re.compile(r", Model: ([^,\n]{1,120})")
_DREAM = re.compile(r'^".*" (?=.*-s ?\d)(?=.*-S ?\d)(?=.*-W ?\d)(?=.*-H ?\d)')
_MIDJOURNEY = re.compile(r"Job ID: [0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\s*$")
_MIDJOURNEY_MODEL = re.compile(r"--(v|niji) ?(\d{1,2}(?:\.\d)?)\b")
_GOOGLE_CREDITS = ("made with google ai", "edited with google ai")
_MAKES_PICTURES = re.compile("sampler|generat", re.IGNORECASE)


def _object(value: str) -> Mapping[str, Any]:
    """A JSON object, empty for anything else. `Any` stays in this module: every use checks the type first."""
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _name(value: object) -> str:
    """The name in a model entry, written as text or as an object with a name."""
    if isinstance(value, dict):
        value = value.get("name") or value.get("model_name")
    return value if isinstance(value, str) else ""


def _webui(value: str, _: Fields) -> str | None:
    line = _WEBUI_LINE.search(value)
    rest = value[line.start() :].split("\n", 1)[0] if line else ""
    if sum(bool(more.search(rest)) for more in _WEBUI_MORE) < 2:
        return None
    model = _WEBUI_MODEL.search(rest)
    return model[1] if model else ""


def _swarm(value: str, _: Fields) -> str | None:
    params = _object(value).get("sui_image_params")
    if not isinstance(params, dict) or not {"prompt", "seed", "steps"} <= params.keys():
        return None
    return _name(params.get("model"))


def _fooocus(value: str, _: Fields) -> str | None:
    params = _object(value)
    is_named = params.get("metadata_scheme") == "fooocus" or _name(params.get("version")).startswith("Fooocus")
    return _name(params.get("base_model")) if is_named and {"seed", "steps", "sampler"} <= params.keys() else None


def _comfy_prompt(value: str, _: Fields) -> str | None:
    nodes = [node for node in _object(value.removeprefix("prompt:")).values() if isinstance(node, dict)]
    nodes = [node for node in nodes if isinstance(node.get("class_type"), str) and isinstance(node.get("inputs"), dict)]
    if len(nodes) < 2 or not any(_MAKES_PICTURES.search(node["class_type"]) for node in nodes):
        return None
    names = (_name(node["inputs"].get(key)) for node in nodes for key in ("ckpt_name", "unet_name"))
    return next(filter(None, names), "")


def _comfy_workflow(value: str, _: Fields) -> str | None:
    graph = _object(value.removeprefix("workflow:"))
    nodes = graph.get("nodes")
    if not isinstance(nodes, list) or not isinstance(graph.get("links"), list):
        return None
    kinds = [node["type"] for node in nodes if isinstance(node, dict) and "id" in node and isinstance(node.get("type"), str)]
    return "" if len(kinds) > 1 and any(map(_MAKES_PICTURES.search, kinds)) else None


def _comfy_comment(value: str, found: Fields) -> str | None:
    """Both graphs in one comment, each as an object or as text of its own."""
    data = _object(value)
    for name, test in (("prompt", _comfy_prompt), ("workflow", _comfy_workflow)):
        graph = data.get(name)
        model = test(graph if isinstance(graph, str) else json.dumps(graph), found) if graph else None
        if model is not None:
            return model
    return None


def _invoke(value: str, _: Fields) -> str | None:
    data = _object(value)
    is_made = {"generation_mode", "app_version"} & data.keys() and {"seed", "steps", "positive_prompt"} & data.keys()
    return _name(data.get("model")) if is_made else None


def _invoke_2(value: str, _: Fields) -> str | None:
    data = _object(value)
    image = data.get("image")
    if "invoke" not in _name(data.get("app_id")).lower() or not isinstance(image, dict) or "steps" not in image:
        return None
    return _name(data.get("model_weights"))


def _dream(value: str, _: Fields) -> str | None:
    return "" if _DREAM.match(value[:2_000]) else None


def _novelai(value: str, found: Fields) -> str | None:
    is_made = found.first("png:Software") == "NovelAI" and {"steps", "sampler", "seed"} <= _object(value).keys()
    return found.first("png:Source") if is_made else None


def _midjourney(value: str, _: Fields) -> str | None:
    if not _MIDJOURNEY.search(value[-200:]):
        return None
    model = _MIDJOURNEY_MODEL.search(value)
    return f"{model[1]} {model[2]}" if model else ""


def _draw_things(value: str, found: Fields) -> str | None:
    data = _object(value)
    is_made = found.first("xmp:xmp:CreatorTool") == "Draw Things" and {"sampler", "seed", "steps"} <= data.keys()
    return _name(data.get("model")) if is_made else None


def _google(value: str, _: Fields) -> str | None:
    return "" if value.strip().lower() in _GOOGLE_CREDITS else None


_GENERIC = ("png:parameters", "exif:UserComment")

RULES = (
    Rule("Fooocus", _GENERIC, _fooocus, "github.com/lllyasviel/Fooocus modules/meta_parser.py"),
    Rule("SwarmUI", _GENERIC, _swarm, "github.com/mcmonkeyprojects/SwarmUI docs/Image Metadata Format.md"),
    Rule(
        "Stable Diffusion WebUI",
        _GENERIC,
        _webui,
        "github.com/AUTOMATIC1111/stable-diffusion-webui modules/processing.py, create_infotext",
    ),
    Rule(
        "ComfyUI",
        ("png:prompt", "exif:Model", "container:prompt"),
        _comfy_prompt,
        "github.com/comfyanonymous/ComfyUI nodes.py, SaveImage; comfy_extras/nodes_video.py, SaveVideo",
    ),
    Rule(
        "ComfyUI",
        ("png:workflow", "exif:Make", "container:workflow"),
        _comfy_workflow,
        "github.com/comfyanonymous/ComfyUI nodes.py, SaveImage; comfy_extras/nodes_video.py, SaveVideo",
    ),
    Rule(
        "ComfyUI",
        ("container:comment",),
        _comfy_comment,
        "github.com/Kosinkadink/ComfyUI-VideoHelperSuite videohelpersuite/nodes.py, VideoCombine",
    ),
    Rule("InvokeAI", ("png:invokeai_metadata",), _invoke, "github.com/invoke-ai/InvokeAI image_files_disk.py"),
    Rule("InvokeAI", ("png:sd-metadata",), _invoke_2, "github.com/invoke-ai/InvokeAI 2.x, ldm/invoke/pngwriter.py"),
    Rule("InvokeAI", ("png:Dream",), _dream, "github.com/invoke-ai/InvokeAI 2.x, ldm/invoke/pngwriter.py"),
    Rule("NovelAI", ("png:Comment",), _novelai, "docs.novelai.net, image metadata"),
    Rule(
        "Midjourney",
        ("png:Description", "xmp:dc:description", "exif:ImageDescription"),
        _midjourney,
        "files from midjourney.com",
    ),
    Rule("Draw Things", ("xmp:exif:UserComment",), _draw_things, "files from the Draw Things app"),
    Rule(
        "Google AI", ("iptc:Credit", "xmp:photoshop:Credit"), _google, "blog.google, AI edits in Google Photos, 24 October 2024"
    ),
)


class GeneratorTraces:
    """Looks for the parameters and credits that image generators write."""

    id = "generator-traces"
    kind = SignalKind.PROVENANCE

    def __init__(self, settings: Settings) -> None:
        """Takes the settings as every analyser does, and needs none of them."""
        del settings

    def analyze(self, views: Views) -> Signal:
        """One finding for each generator that left a trace, or "generator.none", which proves nothing."""
        container = views.media.facts.format
        if not fields.readable(views.media.facts):
            reason = Finding("provenance.unsupported_format", {"format": clipped(container)})
            return Signal(self.id, self.kind, Status.SKIPPED, reason=reason)
        found = {trace.params["generator"]: trace for trace in reversed(list(_traces(fields.read(views.media))))}
        return Signal(self.id, self.kind, Status.OK, findings=tuple(reversed(found.values())) or (Finding("generator.none"),))


def _traces(found: Fields) -> Iterator[Finding]:
    for rule in RULES:
        for place in rule.places:
            value = found.first(place)
            model = rule.test(value, found) if value else None
            if model is not None:
                yield _trace(rule.generator, place, clipped(model))


def _trace(generator: str, place: str, model: str) -> Finding:
    params = {"generator": generator, "field": place}
    if not model:
        return Finding("generator.trace", params, Tendency.SYNTHETIC_CLAIMED)
    return Finding("generator.trace_model", params | {"model": model}, Tendency.SYNTHETIC_CLAIMED)
