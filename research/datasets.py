"""Which picture is in which split, decided by group and source, never by file.

A row of a manifest (research/manifests) becomes an `Item` here. Held out whole, so that an evaluation meets sources and
generators that no training saw: `HELD_OUT_…`.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

# Names of sources (repositories) and generators that training and calibration never see.
HELD_OUT_FACE_SOURCES = frozenset({"ecuador", "omi_cfd"})
HELD_OUT_SCENE_SOURCES = frozenset(
    {
        "hastingslab-org/ai-human-images",
        "u1i/dalle-gpt-image-bias-eval",
        "jamez-bondos/awesome-gpt4o-images",
        "google/dreambooth",
        "timorleste/photography",
        "lemire/kodakimagecollection",
        "dinablachman/realorfake",
        "Cecilapp/photo-stream",
        "DoubtfulTurnip/photo-stream",
    }
)
# Professional photographs, which resemble what generators imitate: thresholds that saw none of them flagged every fifth.
CALIBRATION_ONLY = frozenset({"frankginderphotography/frankginderphotography.github.io", "ssaketh-ch/photography-portfolio"})
HELD_OUT_GENERATOR_WORDS = ("FLUX", "stable-diffusion-3.5", "Qwen", "HiDream", "CogView4", "AuraFlow", "Sigma")
# All 36 pictures of this label are failed renders, stripes and plain colours: they show nothing, and nobody could be deceived.
FAILED_RENDERS = frozenset({"kandinsky-community_kandinsky-3"})

# These galleries copy from each other, so no file of theirs can be in two splits: all of them train.
_GALLERIES = frozenset(
    {
        "freestylefly/awesome-gpt-image-2",
        "EvoLinkAI/awesome-gpt-image-2-prompts",
        "songguoxs/gpt4o-image-prompts",
        "PicoTrex/Awesome-Nano-Banana-images",
    }
)
COLLAGES = frozenset({"SupaGruen/StableDiffusion-CheatSheet"})  # 2 × 2 pictures in one file
CAPTIONED = frozenset({"dina"})  # the synthetic half carries a caption in the lowest 48 pixels
NEAR_DUPLICATES = {("ecuador", 0): 30}  # television frames of four people: at most so many of a person count

# What kind of real picture a source holds, as far as its own description tells.
KIND_OF_SOURCE = {
    "BIDS/BSDS500": "film scan",
    "lemire/kodakimagecollection": "film scan",
    "EliSchwartz/imagenet-sample-images": "web photograph",
    "jbhuang0604/SelfExSR": "web photograph",
    "emanhamed/Houses-dataset": "web photograph, compressed",
    "alexeygrigorev/clothing-dataset": "phone",
    "marcusklasson/GroceryStoreDataset": "phone",
    "selmanbecar/spsbh.ba": "event photograph",
    "google/dreambooth": "web photograph",
    "alicevision/dataset_monstree": "camera",
    "openMVG/ImageDataset_SceauxCastle": "camera",
    "ushouse": "portrait studio",
    "fossasia": "conference portrait",
    "rladies": "conference portrait",
    "prajnasb": "web portrait",
    "dina": "web portrait",
    "ecuador": "television frame",
    "dfdc224": "video frame",
    "zzzDavid/ICDAR-2019-SROIE": "document",
    "MichiyoYo/joelesterillustration": "artwork",
}
_PROFESSIONAL = "professional photograph"  # photographers' own pages and stock photographs: all other sources


@dataclasses.dataclass(frozen=True)
class Item:
    """One picture of a data set. `label`: 1 = synthetic or manipulated, 0 = neither."""

    file: Path
    label: int
    source: str
    kind: str  # generator or manipulation for label 1, kind of picture for label 0
    split: str  # train | calibrate | test | heldout
    group: str = ""  # person, original video or prompt; of some groups only a few count


def fraction(text: str) -> float:
    """A stable pseudo-random number in [0, 1) for a name: the same on every machine and in every run."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48


def _split(group: str, held_out: bool) -> str:
    if held_out:
        return "heldout"
    place = fraction(group)
    return "train" if place < 0.72 else "calibrate" if place < 0.86 else "test"


def _split_of_owner(owner: str) -> str:
    """All pictures of one photographer or gallery are in one split: a style, a camera and an encoder are never in two."""
    place = fraction(owner)
    return "train" if place < 0.58 else "calibrate" if place < 0.76 else "heldout"


def _split_of_measured_owner(owner: str) -> str:
    """For pictures that training never sees: of an owner, all are for calibration or all are held out."""
    return "calibrate" if fraction(owner) < 0.45 else "heldout"


# What the column `split_by` of a manifest may say. Held out are kinds that are none of ours: they must not set thresholds.
_BY_OWNER: dict[str, Callable[[str], str]] = {
    "owner": _split_of_owner,
    "owner, not for training": _split_of_measured_owner,
    "held out": lambda _: "heldout",
}


def face_item(row: dict[str, str], file: Path) -> Item:
    """A row of the face manifest. Groups are original videos, identities or files (where every file is another person)."""
    source = row["source"]
    kind = row["kind"] if row["label"] == "fake" else KIND_OF_SOURCE.get(source, "portrait")
    group = f"{source}:{row['group'] or row['blob']}"
    return Item(file, int(row["label"] == "fake"), source, kind, _split(group, source in HELD_OUT_FACE_SOURCES), group)


def scene_item(row: dict[str, str], file: Path) -> Item:
    """A row of a picture manifest. Pictures of one prompt, of one owner where the manifest says so in its column `split_by`,
    and galleries that copy from each other, stay together."""
    repo, generator = row["repo"], row["generator"]
    held_out = repo in HELD_OUT_SCENE_SOURCES or any(word in generator for word in HELD_OUT_GENERATOR_WORDS)
    stem = Path(row["path"]).stem
    group = f"prompt {stem.split('__')[-1]}" if repo == "vladmandic/sd-samples" else f"{repo}:{stem}"
    told = row["class"] == "ai" or generator not in ("", "photograph")  # real: some rows tell their kind
    kind = generator if told else KIND_OF_SOURCE.get(repo, _PROFESSIONAL)
    if by_owner := row.get("split_by"):
        split = "heldout" if held_out else _BY_OWNER[by_owner](repo)
    elif repo in _GALLERIES:
        split = "train"
    else:
        split = "calibrate" if repo in CALIBRATION_ONLY else _split(group, held_out)
    return Item(file, int(row["class"] == "ai"), repo, kind, split, group)


def items(
    folders: Iterable[Path],
    without: Iterable[str] = (),
    at_most: dict[str, int] | None = None,
    held_out: Iterable[str] = (),
    all_train: Iterable[str] = (),
) -> list[Item]:
    """Every collected picture: a face manifest has a `label` column, a picture manifest a `class` column.

    `without` names sources to leave out, `held_out` further ones that this training must not see, `all_train` those of which it
    sees every picture. `at_most` limits the pictures of a kind and of near-duplicate groups, by the hash of the file's name,
    so that the same ones are kept everywhere.
    """
    dropped = frozenset(without)
    moved = dict.fromkeys(all_train, "train") | dict.fromkeys(held_out, "heldout")
    found = []
    for folder in folders:
        with (folder / "index.csv").open(newline="") as handle:
            for row in csv.DictReader(handle):
                file = folder / row["file"]
                item = face_item(row, file) if "label" in row else scene_item(row, file)
                if item.kind in FAILED_RENDERS:
                    continue
                found.append(dataclasses.replace(item, split=moved.get(item.source, item.split)))
    ordered = sorted((item for item in found if item.source not in dropped), key=lambda item: fraction(item.file.name))
    return list(_limited(ordered, at_most or {}))


def _limited(ordered: list[Item], at_most: dict[str, int]) -> Iterable[Item]:
    count: Counter[tuple[str, ...]] = Counter()
    for item in ordered:
        limits = {
            ("kind", item.source, item.kind): at_most.get(item.kind),
            ("group", item.group): NEAR_DUPLICATES.get((item.source, item.label)),
        }
        keys = [key for key, limit in limits.items() if limit is not None]
        if any(count[key] >= limits[key] for key in keys):  # type: ignore[operator]
            continue
        count.update(keys)
        yield item
