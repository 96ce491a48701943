"""Shows Veriscope at work: real pictures, altered copies of them, and the real command line.

    python scripts/demo.py          (or: make demo)

The pictures lie in the wheels of scikit-image and scikit-learn; the altered ones are made in a temporary folder. Nothing is
fetched. What you see is the output of `veriscope analyze`, not a copy of it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

from PIL import Image, ImageEnhance, ImageFilter
from PIL.PngImagePlugin import PngInfo
from rich.console import Console
from rich.table import Table

from veriscope.i18n import Catalogue, catalogue

IN_WHEELS = {
    "astronaut.png": "skimage.data",
    "chelsea.png": "skimage.data",
    "coffee.png": "skimage.data",
    "rocket.jpg": "skimage.data",
    "page.png": "skimage.data",
    "china.jpg": "sklearn.datasets.images",
    "flower.jpg": "sklearn.datasets.images",
}
SCREENS = ("astronaut.png", "face-pasted.jpg", "from-webui.png", "says-ai.jpg")
"""Shown one screen each; the table has all."""

FACE = (172, 56, 270, 190)  # the astronaut's, in pixels
WEBUI = (
    "a cup of coffee on a wooden table, morning light\nNegative prompt: blurry\n"
    "Steps: 28, Sampler: DPM++ 2M, CFG scale: 6.5, Seed: 20240607, Size: 600x400, Model: example-xl"
)
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:ext="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" ext:DigitalSourceType='
    '"http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"/></rdf:RDF></x:xmpmeta>'
)


def main() -> int:
    console = Console(highlight=False, width=min(shutil.get_terminal_size((100, 24)).columns, 110))
    with tempfile.TemporaryDirectory(prefix="veriscope-demo-") as name:
        folder = Path(name)
        make(folder)
        for picture in SCREENS:
            console.print(f"\n$ veriscope analyze {picture}", style="bold blue")
            veriscope(folder, "analyze", picture, "--offline", shown=True)
        console.print("\n$ veriscope analyze . --format jsonl --offline", style="bold blue")
        began = time.perf_counter()
        rows = [json.loads(line) for line in veriscope(folder, "analyze", ".", "--format", "jsonl", "--offline").splitlines()]
        seconds = time.perf_counter() - began
        console.print(table(rows))
        console.print(f"{len(rows)} files in {seconds:.1f} s, start-up included; nothing left this machine.\n")
    return 0


def make(folder: Path) -> None:
    """The pictures of the wheels, and what can be made of them."""
    for name, package in IN_WHEELS.items():
        shutil.copyfile(Path(str(files(package)), name), folder / name)
    astronaut, coffee, flower = (opened(folder / name) for name in ("astronaut.png", "coffee.png", "flower.jpg"))
    pasted(astronaut).save(folder / "face-pasted.jpg", quality=92)
    smoothed(astronaut).save(folder / "face-smoothed.jpg", quality=92)
    texts = PngInfo()
    texts.add_text("parameters", WEBUI)
    coffee.save(folder / "from-webui.png", pnginfo=texts)
    flower.save(folder / "says-ai.jpg", quality=92, xmp=XMP.encode())
    (folder / "cut-off.jpg").write_bytes((folder / "china.jpg").read_bytes()[:60_000])


def opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        copy = image.convert("RGB")
    copy.info = {}
    return copy


def pasted(portrait: Image.Image) -> Image.Image:
    """The portrait with another face, visibly blended in: her own, mirrored, recoloured and of lower resolution."""
    face = portrait.crop(FACE).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    small = face.resize((face.width // 2, face.height // 2), Image.Resampling.BILINEAR)
    face = ImageEnhance.Color(small.resize(face.size, Image.Resampling.BICUBIC)).enhance(0.35)
    return blended(portrait, face)


def smoothed(portrait: Image.Image) -> Image.Image:
    """The portrait with a face without pores, as beauty filters make it."""
    return blended(portrait, portrait.crop(FACE).filter(ImageFilter.MedianFilter(7)))


def blended(portrait: Image.Image, face: Image.Image) -> Image.Image:
    oval = Image.radial_gradient("L").point(lambda value: 255 if value < 118 else 0).resize(face.size)
    changed = portrait.copy()
    changed.paste(face, FACE[:2], oval.filter(ImageFilter.GaussianBlur(3)))
    return changed


def veriscope(folder: Path, *arguments: str, shown: bool = False) -> str:
    """Runs the real command; shown on this terminal as it comes, or returned."""
    done = subprocess.run(
        [sys.executable, "-m", "veriscope", *arguments],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("VERISCOPE_")},
        stdout=None if shown else subprocess.PIPE,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode not in (0, 3):
        raise SystemExit(f"veriscope ended with {done.returncode}")
    return done.stdout or ""


def table(rows: list[dict[str, Any]]) -> Table:
    words = catalogue()
    result = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for head in ("file", "answer", "shown", "faces", "picture", "the file says"):
        result.add_column(head, justify="right" if head in ("shown", "faces", "picture") else "left")
    for row in rows:
        result.add_row(*(failed(row) if "error" in row else judged(row, words)))
    return result


def failed(row: dict[str, Any]) -> tuple[str, ...]:
    return Path(row["source"]["name"]).name, f"not analysed: {row['error']['code']}"


def judged(row: dict[str, Any], words: Catalogue) -> tuple[str, ...]:
    verdict = row["verdict"]
    models = {signal["source"]: signal["probability"] for signal in row["signals"] if signal["kind"] == "model"}
    claims = [
        words.text(f"source.{signal['source']}")
        for signal in row["signals"]
        if any(finding["tendency"].startswith("synthetic") for finding in signal["findings"])
    ]
    shares = (verdict["score"], models.get("face"), models.get("scene"))
    return (
        Path(row["media"]["source"]["name"]).name,
        words.text(f"grade.{verdict['grade']}"),
        *("–" if share is None else words.percent(share) for share in shares),
        ", ".join(claims) or "–",
    )


if __name__ == "__main__":
    sys.exit(main())
