"""The clips of an evaluation: those that a manifest names, face swaps made from the real ones, and altered copies.

Swaps: another person's face, tracked in another clip, is blended onto a tracked face frame by frame (research/augment.py), with
one set of random parameters per clip, as one tool with one setting would do it. Every swap has a control: the same frames
without the swap, through the same encoder.
"""

from __future__ import annotations

import csv
import dataclasses
import gzip
import math
import random
import re
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from research.augment import blended
from research.datasets import fraction
from veriscope.domain import CropRecipe, Face, Frame
from veriscope.faces import FaceDetector, crop_face
from veriscope.faces.align import tilt

PEOPLE = ("talking", "person", "face_closeup")
MAX_FRAMES = 150  # of a swap
_CROP = CropRecipe(size=288, margin=1.8, rotate=True)
_COPIES = re.compile(r"(-backward|_yuv420|_blurred|_src|_000|_\d+_clip_\d+)+$")


@dataclasses.dataclass(frozen=True)
class Clip:
    """One clip. `group`: person or scene; everything of a group is on one side of a split.

    `rank`: its place among those of its label, kind and source, from 1; 0 = made here.
    """

    file: Path
    label: int  # 1 = synthetic or manipulated
    kind: str
    source: str
    group: str
    note: str = ""
    rank: int = 0

    @property
    def split(self) -> str:
        """ "choose" or "test", by group: thresholds may only be chosen on the first."""
        return "choose" if fraction(self.group) < 0.4 else "test"


def collected(manifest: Path, git_root: Path, folder: Path, limit: int) -> Iterator[Clip]:
    """Real and fake clips of the manifest, written into a folder; at most `limit` per label, kind and source."""
    with gzip.open(manifest, "rt", newline="") as table:
        rows = [row for row in csv.DictReader(table) if row["label"] in ("real", "fake")]
    rows.sort(key=lambda row: fraction(row["blob"]))
    taken: Counter[tuple[str, ...]] = Counter()
    for row in rows:
        key = (row["label"], row["kind"], row["source"])
        if limit and taken[key] >= limit:
            continue
        file = folder / (row["blob"] + Path(row["path"]).suffix.lower())
        if not file.exists() and not _written(git_root, row, file):
            continue
        taken[key] += 1
        stem = _COPIES.sub("", Path(row["path"]).stem.lower())
        label, group = int(row["label"] == "fake"), f"{row['source']}/{stem}"
        yield Clip(file, label, row["kind"], row["source"], group, row["notes"], taken[key])


def _written(git_root: Path, row: dict[str, str], file: Path) -> bool:
    base = git_root / row["repo"].replace("/", "+", 1)
    found = next((path for path in (base / "repo" / ".git", base / "repo", base) if (path / "HEAD").is_file()), None)
    if found is None:
        return False
    done = subprocess.run(["git", "-C", found, "cat-file", "blob", row["blob"]], capture_output=True, check=False)
    if done.returncode == 0:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(done.stdout)
    return done.returncode == 0


def swaps(real: Sequence[Clip], folder: Path, limit: int) -> Iterator[Clip]:
    """For each person a swapped clip and its control, made once."""
    folder.mkdir(parents=True, exist_ok=True)
    people = [clip for clip in real if clip.kind in PEOPLE]
    finder: FaceDetector | None = None
    made = 0
    for place, clip in enumerate(people):
        others = [other for other in people[place + 1 :] + people[:place] if other.source != clip.source]
        fake, control = (folder / f"{clip.file.stem[:16]}-{what}.mp4" for what in ("swap", "control"))
        if limit and made >= limit:
            return
        if not fake.exists() and others:
            finder = finder or FaceDetector()
            _swapped(clip, others[0], fake, control, finder)
        if fake.exists():
            made += 1
            yield Clip(fake, 1, "made_swap", "made", clip.group)
            yield Clip(control, 0, "made_control", "made", clip.group)


def _swapped(clip: Clip, other: Clip, fake: Path, control: Path, finder: FaceDetector) -> None:
    donors = [crop_face(frame.image, face, _CROP) for frame, face in _followed(other.file, finder, 60)]
    target = list(_followed(clip.file, finder, MAX_FRAMES))
    if len(donors) < 10 or len(target) < 10:
        return
    seed = _seed(clip.group)
    frames = []
    for number, (frame, face) in enumerate(target):
        place = number % (2 * len(donors) - 2)
        donor = donors[place if place < len(donors) else 2 * len(donors) - 2 - place]  # to and fro, without a jump
        crop, _ = blended(crop_face(frame.image, face, _CROP), donor, random.Random(seed))
        frames.append(_pasted(frame.image, face, crop))
    write(control, [frame.image for frame, _ in target], 25, 20)
    write(fake, frames, 25, 20)


def _seed(group: str) -> int:
    """A seed with which `blended` alters the foreground: an altered background would end at the border of the crop."""
    start = int(fraction(group) * 1e6)
    return next(seed for seed in range(start, start + 1000) if random.Random(seed).random() < 0.5)


def _followed(file: Path, finder: FaceDetector, most: int) -> Iterator[tuple[Frame, Face]]:
    """Frames with the face that is nearest to the one before; the largest first."""
    last: Face | None = None
    count = 0
    for index, image in enumerate(frames_of(file)):
        frame = Frame(index, image)
        faces = [face for face in finder.detect(frame) if face.assessable]
        if not faces:
            continue
        last = min(faces, key=lambda face: _distance(face, last)) if last else faces[0]
        count += 1
        yield frame, last
        if count >= most:
            return


def _distance(face: Face, other: Face | None) -> float:
    return math.hypot(face.box.x - other.box.x, face.box.y - other.box.y) if other else 0.0


def _pasted(image: Image.Image, face: Face, crop: Image.Image) -> Image.Image:
    """The crop back at its place, with a soft round border."""
    size, side, angle = _CROP.size, _CROP.margin * max(face.box.width, face.box.height), tilt(face)
    x, y = face.box.x + face.box.width / 2, face.box.y + face.box.height / 2
    scale = size / side
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    matrix = (cos, sin, size / 2 - cos * x - sin * y, -sin, cos, size / 2 + sin * x - cos * y)
    mask = Image.new("L", crop.size)
    ImageDraw.Draw(mask).ellipse((8, 8, size - 8, size - 8), fill=255)
    mask = mask.filter(ImageFilter.GaussianBlur(4))
    moved = crop.transform(image.size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
    where = mask.transform(image.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    return Image.composite(moved, image, where)


def frames_of(file: Path) -> Iterator[Image.Image]:
    with av.open(str(file)) as container:
        for frame in container.decode(container.streams.video[0]):
            yield frame.to_image()


def write(file: Path, frames: Sequence[Image.Image] | Iterator[Image.Image], rate: float, crf: int) -> None:
    """H.264 in MP4, without sound."""
    unfinished = file.with_suffix(".part.mp4")
    with av.open(str(unfinished), "w") as container:
        stream = None
        for image in frames:
            if stream is None:
                stream = container.add_stream("libx264", rate=Fraction(rate).limit_denominator(1001))
                stream.width, stream.height = image.width // 2 * 2, image.height // 2 * 2
                stream.pix_fmt, stream.options = "yuv420p", {"crf": str(crf), "preset": "veryfast"}
            size = (stream.width, stream.height)
            fitting = image.crop((0, 0, *size)) if image.size != size else image
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(fitting), format="rgb24")))
        if stream is not None:
            container.mux(stream.encode(None))
    unfinished.replace(file)


CHANGES: dict[str, tuple[int, float, bool]] = {
    "crf23": (23, 1.0, False),
    "crf32": (32, 1.0, False),
    "crf40": (40, 1.0, False),
    "half": (23, 0.5, False),
    "15fps": (23, 1.0, True),
}
"""Name → H.264 quality, scale, whether every second frame is left out."""


def changed(file: Path, change: str, out: Path) -> bool:
    """Writes an altered copy of a clip's first ten seconds; False when the clip cannot be read."""
    crf, scale, slower = CHANGES[change]
    if out.exists():
        return True
    with av.open(str(file)) as container:
        rate = float(container.streams.video[0].average_rate or 25)
    if not 1 <= rate <= 120:
        return False

    def altered() -> Iterator[Image.Image]:
        for index, image in enumerate(frames_of(file)):
            if index >= 10 * rate:
                return
            if not slower or index % 2 == 0:
                size = (max(16, round(image.width * scale)), max(16, round(image.height * scale)))
                yield image.resize(size, Image.Resampling.LANCZOS) if scale != 1 else image

    write(out, altered(), rate / 2 if slower else rate, crf)
    return True
