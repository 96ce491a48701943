"""Which picture is in which split, decided by group and source, never by file.

A manifest is a CSV (optionally gzipped) that names single files by repository and git blob; the pictures themselves are
collected elsewhere and never enter this repository. A row becomes an `Item` here.

Held out whole, so that an evaluation meets sources and generators that no training saw: `HELD_OUT`.
"""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

# Names of sources (repositories) and generators that training and calibration never see.
HELD_OUT_FACE_SOURCES = frozenset({"dina", "ecuador", "omi_cfd"})
HELD_OUT_SCENE_SOURCES = frozenset(
    {
        "hastingslab-org/ai-human-images",
        "u1i/dalle-gpt-image-bias-eval",
        "jamez-bondos/awesome-gpt4o-images",
        "google/dreambooth",
        "timorleste/photography",
        "lemire/kodakimagecollection",
        "dinablachman/realorfake",
    }
)
# Professional photographs, which resemble what generators imitate: thresholds that saw none of them flagged every fifth.
CALIBRATION_ONLY = frozenset({"frankginderphotography/frankginderphotography.github.io", "ssaketh-ch/photography-portfolio"})
HELD_OUT_GENERATOR_WORDS = ("FLUX", "stable-diffusion-3.5", "Qwen", "HiDream", "CogView4", "kandinsky-3", "AuraFlow", "Sigma")

# These galleries copy from each other, so no file of theirs can be in two splits: all of them train.
_GALLERIES = frozenset(
    {
        "freestylefly/awesome-gpt-image-2",
        "EvoLinkAI/awesome-gpt-image-2-prompts",
        "songguoxs/gpt4o-image-prompts",
        "PicoTrex/Awesome-Nano-Banana-images",
    }
)


@dataclasses.dataclass(frozen=True)
class Item:
    """One picture of a data set. `label`: 1 = synthetic or manipulated, 0 = neither."""

    file: Path
    label: int
    source: str
    kind: str  # generator or manipulation for label 1, kind of picture for label 0
    split: str  # train | calibrate | test | heldout


def fraction(text: str) -> float:
    """A stable pseudo-random number in [0, 1) for a name: the same on every machine and in every run."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48


def _split(group: str, held_out: bool) -> str:
    if held_out:
        return "heldout"
    place = fraction(group)
    return "train" if place < 0.72 else "calibrate" if place < 0.86 else "test"


def face_item(row: dict[str, str], file: Path) -> Item:
    """A row of the face manifest. Groups are original videos, identities or files (where every file is another person)."""
    kind = row["kind"] if row["label"] == "fake" else "portrait"
    if row["source"] == "dfdc224" and row["label"] == "real":
        kind = "video frame"
    group = f"{row['source']}:{row['group'] or row['blob']}"
    return Item(file, int(row["label"] == "fake"), row["source"], kind, _split(group, row["source"] in HELD_OUT_FACE_SOURCES))


def scene_item(row: dict[str, str], file: Path) -> Item:
    """A row of the picture manifest. Pictures of one prompt, and galleries that copy from each other, stay together."""
    repo, generator = row["repo"], row["generator"]
    held_out = repo in HELD_OUT_SCENE_SOURCES or any(word in generator for word in HELD_OUT_GENERATOR_WORDS)
    stem = Path(row["path"]).stem
    group = f"prompt {stem.split('__')[-1]}" if repo == "vladmandic/sd-samples" else f"{repo}:{stem}"
    kind = (
        generator if row["class"] == "ai" else {"document": "document", "human_art": "artwork"}.get(row["class"], "photograph")
    )
    split = "train" if repo in _GALLERIES else "calibrate" if repo in CALIBRATION_ONLY else _split(group, held_out)
    return Item(file, int(row["class"] == "ai"), repo, kind, split)
