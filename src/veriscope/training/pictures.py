"""Labelled files → small squares in one file on disk, cut the same way for both classes; what cannot be used is told."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from veriscope.detectors.gate import scene_refusal
from veriscope.domain import Finding, Frame
from veriscope.errors import DataError, VeriscopeError
from veriscope.evaluation.labelled import Example, Problem
from veriscope.faces import FaceDetector, crop_face
from veriscope.ingest import open_media
from veriscope.settings import MEBIBYTE, Settings
from veriscope.training.control import Traces, traces
from veriscope.training.likeness import Hashes, difference_hash
from veriscope.training.view import View

_PIXELS, _INDEX = "pictures.raw", "pictures.json"

_REFUSALS = {
    "scene.too_small": "The picture is too small to be judged",
    "scene.document": "It looks like a document, which is not judged",
    "scene.screenshot": "It looks like a screenshot or drawing, which is not judged",
    "face.none": "No face was found in it",
    "face.none_assessable": "Its faces are too small or too blurred to be judged",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Prepared:
    """The pictures that can be used, in the order of the file that holds them."""

    examples: tuple[Example, ...]
    problems: tuple[Problem, ...]
    hashes: Hashes  # (N, 32) uint8
    traces: tuple[Traces, ...]
    folder: Path
    side: int

    def picture(self, place: int) -> Image.Image:
        """One square. Opens the file each time, so that it can be asked from any process."""
        size = self.side**2 * 3
        with (self.folder / _PIXELS).open("rb") as file:
            file.seek(place * size)
            return Image.frombytes("RGB", (self.side, self.side), file.read(size))


@dataclasses.dataclass(frozen=True, slots=True)
class _Cut:
    """What is kept of one picture."""

    pixels: bytes
    hash: bytes
    traces: Traces


def digest(examples: Sequence[Example], view: View) -> str:
    """Names these pictures with their labels, and how they are cut."""
    about = [(one.sha256, one.label, one.generator, one.kind, one.group, one.split) for one in examples]
    text = json.dumps([about, view.task, view.recipe.model_dump(), view.margin, view.rotate, 1])
    return hashlib.sha256(text.encode()).hexdigest()


def prepare(
    examples: Sequence[Example],
    view: View,
    folder: Path,
    settings: Settings,
    workers: int = 2,
    progress: Callable[[int, int], object] | None = None,
) -> Prepared:
    """Cuts every picture, or finds the cuts of an earlier run about the same pictures.

    Args:
        examples: labelled files.
        view: what the model looks at. Of a picture with several faces it is the largest that can be judged.
        folder: where the squares are kept.
        settings: limits of what is opened.
        workers: threads.
        progress: is told how many of how many are done; whatever it raises ends the work.

    Raises:
        DataError: the squares would not fit onto the disk.
    """
    key = digest(examples, view)
    if _key_of(folder) != key:
        folder.mkdir(parents=True, exist_ok=True)
        require_space(folder, len(examples) * view.stored**2 * 3, "the prepared pictures")
        _write(_cuts(examples, view, settings, max(1, workers)), examples, folder, key, progress)
    saved = json.loads((folder / _INDEX).read_text("utf-8"))
    kept = [examples[place] for place in saved["kept"]]
    hashes = np.frombuffer(bytes.fromhex("".join(saved["hashes"])), np.uint8).reshape(-1, 32)
    problems = tuple(Problem(entry, message) for entry, message in saved["problems"])
    return Prepared(tuple(kept), problems, hashes, tuple(map(tuple, saved["traces"])), folder, view.stored)


def require_space(folder: Path, needed: int, what: str) -> None:
    """Raises `DataError` when the disk has less room than that, before hours are spent."""
    free = shutil.disk_usage(folder).free
    if free < needed + 256 * MEBIBYTE:
        raise DataError(
            f"There is not enough room for {what}: {needed // MEBIBYTE + 256} MiB are needed, {free // MEBIBYTE} MiB are free. "
            "Make room, or choose another --output."
        )


def _key_of(folder: Path) -> str | None:
    try:
        return str(json.loads((folder / _INDEX).read_text("utf-8"))["key"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # nothing, or what a kill left half written


def _write(
    cuts: Iterator[_Cut | Problem],
    examples: Sequence[Example],
    folder: Path,
    key: str,
    progress: Callable[[int, int], object] | None,
) -> None:
    kept, hashes, traced, problems = [], [], [], []
    with contextlib.suppress(FileNotFoundError):
        (folder / _INDEX).unlink()
    with (folder / _PIXELS).open("wb") as pixels:
        for place, cut in enumerate(cuts):
            if isinstance(cut, Problem):
                problems.append([cut.entry, cut.message])
            else:
                pixels.write(cut.pixels)
                kept.append(place)
                hashes.append(cut.hash.hex())
                traced.append(cut.traces)
            if progress is not None:
                progress(place + 1, len(examples))
    index = {"key": key, "kept": kept, "hashes": hashes, "traces": traced, "problems": problems}
    unfinished = folder / f"{_INDEX}.part"
    unfinished.write_text(json.dumps(index), "utf-8")
    unfinished.replace(folder / _INDEX)


def _cuts(examples: Sequence[Example], view: View, settings: Settings, workers: int) -> Iterator[_Cut | Problem]:
    """In the order of the examples, some at a time."""
    finder = FaceDetector(threads=1) if view.task == "face" else None
    with ThreadPoolExecutor(workers, thread_name_prefix="veriscope-cut") as pool:
        waiting: deque[Future[_Cut | Problem]] = deque()
        try:
            for example in examples:
                waiting.append(pool.submit(_cut, example, view, finder, settings))
                if len(waiting) >= 4 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _cut(example: Example, view: View, finder: FaceDetector | None, settings: Settings) -> _Cut | Problem:
    try:
        media = open_media(example.path, settings)
    except VeriscopeError as error:
        return Problem(example.name, str(error))
    with contextlib.closing(media):
        if media.clip is not None:
            return Problem(example.name, "It is a clip, and pictures are learned from. Save some of its frames as pictures.")
        frame = media.frames[0]
        found = view.whole(frame.image) if finder is None else _largest_face(frame, view, finder)
        refusal = found if isinstance(found, Finding) else scene_refusal(frame) if finder is None else None
        if refusal is not None or isinstance(found, Finding):
            code = refusal.code if refusal else ""
            return Problem(example.name, f"{_REFUSALS[code]}, neither in training nor in an analysis. Leave it out.")
        return _Cut(found.tobytes(), difference_hash(frame.overview).tobytes(), traces(media.facts))


def _largest_face(frame: Frame, view: View, finder: FaceDetector) -> Image.Image | Finding:
    faces = finder.detect(frame)
    usable = [face for face in faces if face.assessable]
    if not usable:
        return Finding("face.none_assessable", {"count": len(faces)}) if faces else Finding("face.none")
    return crop_face(frame.image, usable[0], view.stored_crop)
