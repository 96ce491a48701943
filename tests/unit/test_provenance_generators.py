"""Traces of generators: real shapes in their own fields count, words do not."""

from __future__ import annotations

import json
import random
import struct
from typing import Any

import pytest
from provenance_pictures import XMP_APP1, codes, exif, jpeg_with, params, picture, png_text, png_with, views, xmp

from veriscope.domain import Signal, Status, Tendency, plain
from veriscope.provenance.generators import RULES, GeneratorTraces
from veriscope.settings import Settings

WEBUI = (
    "a photo of a secret garden\nNegative prompt: blurry\n"
    "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 965400086, Size: 512x512, "
    "Model hash: cc6cb27103, Model: v1-5-pruned, Version: v1.6.0"
)
NODES = {
    "3": {"class_type": "KSampler", "inputs": {"seed": 1, "model": ["4", 0]}},
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd_xl_base_1.0.safetensors"}},
}
GRAPH = {
    "nodes": [{"id": 3, "type": "KSampler"}, {"id": 4, "type": "CheckpointLoaderSimple"}],
    "links": [[1, 4, 0, 3, 0, "MODEL"]],
}
RESIZE = {"1": {"class_type": "LoadImage", "inputs": {}}, "2": {"class_type": "ImageScale", "inputs": {}}}
SWARM = {"sui_image_params": {"prompt": "secret", "model": "Flux/flux1-dev", "seed": 1, "steps": 25, "sampler": "euler"}}
FOOOCUS = {
    "base_model": "juggernautXL",
    "metadata_scheme": "fooocus",
    "seed": "1",
    "steps": 30,
    "sampler": "dpmpp_2m",
    "version": "Fooocus v2.5.0",
}
INVOKE = {
    "app_version": "4.2.0",
    "generation_mode": "txt2img",
    "positive_prompt": "secret",
    "seed": 1,
    "model": {"name": "dreamshaper"},
}
INVOKE_2 = {"app_id": "invoke-ai/InvokeAI", "model_weights": "stable-diffusion-1.5", "image": {"steps": 50, "prompt": "secret"}}
NOVELAI = {"prompt": "secret", "steps": 28, "sampler": "k_euler", "seed": 1, "scale": 5.0}
DRAW = {"c": "secret", "model": "sd_v1.5.ckpt", "sampler": "Euler a", "seed": 1, "steps": 20}
JOB = "a secret cat --ar 2:1 --v 6 Job ID: a7421d2f-b262-44f9-977c-ac23e9c7d3e3"


def read(data: bytes, container: str = "PNG", block: bytes = b"") -> Signal:
    return GeneratorTraces(Settings()).analyze(views(data, container, block))


def texts(**values: object) -> bytes:
    written = {key: text if isinstance(text, str) else json.dumps(text) for key, text in values.items()}
    chunks = [(b"tEXt", key.replace("_DASH_", "-").encode() + b"\0" + text.encode()) for key, text in written.items()]
    data: bytes = png_with(*chunks)
    return data


def xmp_jpeg(inner: str = "", attributes: str = "") -> bytes:
    data: bytes = jpeg_with((0xE1, XMP_APP1 + xmp(inner, attributes)))
    return data


def credit(text: str) -> bytes:
    block = b"\x1c\x02\x6e" + struct.pack(">H", len(text)) + text.encode()
    resource = b"Photoshop 3.0\x008BIM\x04\x04\x00\x00" + struct.pack(">I", len(block)) + block
    data: bytes = jpeg_with((0xED, resource))
    return data


TRACES = [
    pytest.param(texts(parameters=WEBUI), "PNG", b"", "Stable Diffusion WebUI", "v1-5-pruned", id="WebUI PNG"),
    pytest.param(
        picture("JPEG"),
        "JPEG",
        exif({}, {37510: b"UNICODE\0" + WEBUI.encode("utf-16-be")}),
        "Stable Diffusion WebUI",
        "v1-5-pruned",
        id="WebUI JPEG",
    ),
    pytest.param(
        picture("WEBP"),
        "WEBP",
        exif({}, {37510: b"ASCII\0\0\0" + WEBUI.encode()}),
        "Stable Diffusion WebUI",
        "v1-5-pruned",
        id="WebUI WebP",
    ),
    pytest.param(
        texts(parameters=WEBUI.replace(", Model: v1-5-pruned", "")),
        "PNG",
        b"",
        "Stable Diffusion WebUI",
        None,
        id="WebUI without model",
    ),
    pytest.param(texts(prompt=NODES), "PNG", b"", "ComfyUI", "sd_xl_base_1.0.safetensors", id="ComfyUI prompt"),
    pytest.param(texts(workflow=GRAPH), "PNG", b"", "ComfyUI", None, id="ComfyUI workflow"),
    pytest.param(
        picture("WEBP"),
        "WEBP",
        exif({272: "prompt:" + json.dumps(NODES)}),
        "ComfyUI",
        "sd_xl_base_1.0.safetensors",
        id="ComfyUI WebP",
    ),
    pytest.param(texts(parameters=SWARM), "PNG", b"", "SwarmUI", "Flux/flux1-dev", id="SwarmUI"),
    pytest.param(texts(parameters=FOOOCUS), "PNG", b"", "Fooocus", "juggernautXL", id="Fooocus"),
    pytest.param(texts(invokeai_metadata=INVOKE), "PNG", b"", "InvokeAI", "dreamshaper", id="InvokeAI"),
    pytest.param(texts(sd_DASH_metadata=INVOKE_2), "PNG", b"", "InvokeAI", "stable-diffusion-1.5", id="InvokeAI 2"),
    pytest.param(
        texts(Dream='"a secret cat" -s 50 -S 123 -W 512 -H 512 -C 7.5 -A k_lms'),
        "PNG",
        b"",
        "InvokeAI",
        None,
        id="InvokeAI Dream",
    ),
    pytest.param(
        texts(Software="NovelAI", Source="NovelAI Diffusion V4", Comment=NOVELAI),
        "PNG",
        b"",
        "NovelAI",
        "NovelAI Diffusion V4",
        id="NovelAI",
    ),
    pytest.param(texts(Description=JOB, Author="somebody"), "PNG", b"", "Midjourney", "v 6", id="Midjourney"),
    pytest.param(
        xmp_jpeg(
            f"<exif:UserComment><rdf:Alt><rdf:li>{json.dumps(DRAW)}</rdf:li></rdf:Alt></exif:UserComment>",
            'xmp:CreatorTool="Draw Things"',
        ),
        "JPEG",
        b"",
        "Draw Things",
        "sd_v1.5.ckpt",
        id="Draw Things",
    ),
    pytest.param(
        xmp_jpeg(attributes='photoshop:Credit="Made with Google AI"'), "JPEG", b"", "Google AI", None, id="Google XMP"
    ),
    pytest.param(credit("Edited with Google AI"), "JPEG", b"", "Google AI", None, id="Google IPTC"),
]


@pytest.mark.parametrize(("data", "container", "block", "generator", "model"), TRACES)
def test_trace_is_a_claim_that_names_generator_field_and_model(
    data: bytes, container: str, block: bytes, generator: str, model: str | None
) -> None:
    signal = read(data, container, block)
    code = "generator.trace_model" if model else "generator.trace"
    assert codes(signal) == {code: Tendency.SYNTHETIC_CLAIMED}
    assert params(signal, code)["generator"] == generator
    assert params(signal, code).get("model") == model
    assert "secret" not in json.dumps(plain(signal))


def test_every_generator_has_a_test_and_every_rule_a_reference() -> None:
    assert {rule.generator for rule in RULES} == {str(case.values[3]) for case in TRACES}
    assert all(rule.reference for rule in RULES)


WORDS = "midjourney firefly NovelAI DALL-E Stable Diffusion ComfyUI Made with Google AI"


def _noise_that_spells(words: str) -> bytes:
    """A PNG whose compressed pixels contain words, since stored blocks of deflate keep bytes as they are."""
    import io
    import zlib

    from PIL import Image

    row = b"\0" + words.encode().ljust(192, b" ")[:192]
    body = zlib.compress(row * 64, 0)
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64)).save(buffer, "PNG")
    head = buffer.getvalue()[:33]
    chunks = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in ((b"IDAT", body), (b"IEND", b""))
    )
    return head + chunks


@pytest.mark.parametrize(
    ("data", "container", "block"),
    [
        pytest.param(picture("PNG"), "PNG", b"", id="nothing"),
        pytest.param(picture("PNG") + WORDS.encode() + texts(parameters=WEBUI), "PNG", b"", id="trailing bytes"),
        pytest.param(_noise_that_spells(WORDS), "PNG", b"", id="pixels"),
        pytest.param(jpeg_with((0xFE, (WORDS + "\n" + WEBUI).encode())), "JPEG", b"", id="JPEG comment"),
        pytest.param(picture("JPEG"), "JPEG", exif({270: "a photo of a firefly, by midjourney"}), id="caption"),
        pytest.param(picture("JPEG"), "JPEG", exif({272: "Canon EOS R5", 305: "midjourney"}), id="software tag alone"),
        pytest.param(texts(Software="NovelAI"), "PNG", b"", id="NovelAI without parameters"),
        pytest.param(texts(Comment=NOVELAI), "PNG", b"", id="parameters without NovelAI"),
        pytest.param(texts(parameters="Steps: 20"), "PNG", b"", id="short parameters"),
        pytest.param(texts(parameters="Steps: 20, Sampler: by hand, then frame"), "PNG", b"", id="steps of a recipe"),
        pytest.param(texts(parameters=WORDS), "PNG", b"", id="words as parameters"),
        pytest.param(texts(Title=WEBUI), "PNG", b"", id="parameters in another field"),
        pytest.param(texts(prompt={"a": 1, "class_type": "KSampler"}), "PNG", b"", id="no graph"),
        pytest.param(texts(prompt=RESIZE), "PNG", b"", id="graph that only resizes"),
        pytest.param(texts(prompt="[" * 200_000), "PNG", b"", id="deep JSON"),
        pytest.param(texts(workflow={"nodes": "KSampler", "links": []}), "PNG", b"", id="no workflow"),
        pytest.param(texts(invokeai_metadata="{}"), "PNG", b"", id="empty InvokeAI"),
        pytest.param(texts(Description="my cat, Job ID: 12"), "PNG", b"", id="another job"),
        pytest.param(xmp_jpeg(attributes='photoshop:Credit="Not made with Google AI"'), "JPEG", b"", id="denied credit"),
        pytest.param(xmp_jpeg(attributes='xmp:CreatorTool="Draw Things"'), "JPEG", b"", id="creator tool alone"),
    ],
)
def test_words_and_wrong_shapes_are_no_trace(data: bytes, container: str, block: bytes) -> None:
    assert codes(read(data, container, block)) == {"generator.none": Tendency.NEUTRAL}


def test_several_texts_of_one_generator_are_one_finding() -> None:
    assert len(read(texts(prompt=NODES, workflow=GRAPH)).findings) == 1


def test_model_names_are_clipped() -> None:
    hostile = WEBUI.replace("v1-5-pruned", "\x1b[2J<b>" + "m" * 115)
    assert params(read(png_text(parameters=hostile)), "generator.trace_model")["model"].startswith("[2J<b>mmm")


def test_format_without_fields_is_skipped() -> None:
    assert read(picture("GIF"), "GIF").status is Status.SKIPPED


def test_hostile_parameters_take_no_time() -> None:
    shuffled = random.Random(3)
    words: Any = ["Steps: 1, ", "Sampler: ", ", Seed: 1", '" ', "-s 1 ", "\n", "{", "Model: "]
    text = "".join(shuffled.choice(words) for _ in range(200_000))
    for key in ("parameters", "Dream", "Description", "prompt"):
        read(texts(**{key: '"' + text}))
