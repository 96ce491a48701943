"""Frames of GIF, animated WebP, APNG and AVIF sequences, through Pillow: FFmpeg decodes no animated WebP."""

from __future__ import annotations

import math
from typing import BinaryIO

import numpy as np
from PIL import Image

from veriscope.ingest.decoder import plan
from veriscope.ingest.decoder.refusal import Refusal
from veriscope.ingest.decoder.streams import Counts, Deliver
from veriscope.ingest.decoder.wire import Header, Job

_USUAL = 0.1  # seconds: browsers show a frame without a duration, or with less than 0.02 s, for this long
_ERRORS = (OSError, SyntaxError, ValueError, EOFError, LookupError, ArithmeticError, RuntimeError, TypeError, AttributeError)


class Pictures:
    """One open animation."""

    def __init__(self, file: BinaryIO, job: Job) -> None:
        self._job = job
        self.counts = Counts()
        self._image = Image.open(file, formats=[job.demuxer])
        self._claimed = int(getattr(self._image, "n_frames", 1))
        self._transparent = False
        self._durations = self._measured()

    def facts(self) -> Header:
        if not self._durations:
            raise Refusal("unsupported_media", "Not one frame of this animation can be decoded. Get the file again.")
        width, height = self._image.size
        total = sum(self._durations)
        return {
            "width": width,
            "height": height,
            "codec": self._job.demuxer.lower(),
            "frames": self._claimed,
            "duration": total,
            "frame_rate": len(self._durations) / total,
            "variable_rate": len({round(seconds, 3) for seconds in self._durations}) > 1,
            "rotation": 0,
            "bit_depth": 8,
            "hdr": False,
            "interlaced": False,
            "alpha": self._transparent,
            "stretched": False,
            "audio": None,
            "tags": {},
            "expected": self._number(),
        }

    def run(self, deliver: Deliver) -> Header:
        starts = [sum(self._durations[:index]) for index in range(len(self._durations))]
        wanted = self._places(starts)
        given = 0
        for place in wanted:
            try:
                self._image.seek(place)
                array = np.asarray(self._image.convert("RGBA" if self._image.has_transparency_data else "RGB"))
            except _ERRORS:
                self.counts.damaged += 1
                continue
            deliver(starts[place], array, False)
            given += 1
        self.counts.decoded = max(wanted) + 1
        lost = self._claimed - len(self._durations)
        hidden = round(len(wanted) * lost / max(1, len(self._durations)))  # of the frames that were claimed and are not there
        return {
            "wanted": len(wanted) + hidden,
            "lost": len(wanted) - given + hidden,
            "strategy": "through",
            "decoded": self.counts.decoded,
            "damaged": self.counts.damaged + lost,
            "repeated": 0,
            "blended": 0,
        }

    def _number(self) -> int:
        job, total = self._job, min(sum(self._durations), self._job.max_seconds or math.inf)
        return min(len(self._durations), plan.count(total, job.frames, job.fps, job.max_samples))

    def _places(self, starts: list[float]) -> list[int]:
        """Positions of the wanted frames, rising."""
        if self._job.times is not None:
            near = [min(range(len(starts)), key=lambda index: abs(starts[index] - time)) for time in self._job.times]
            return sorted(set(near))
        until = min(sum(self._durations), self._job.max_seconds or math.inf)
        number = self._number()
        last = [max(index for index, start in enumerate(starts) if start <= time) for time in plan.targets(until, number)]
        return sorted(set(last))

    def _measured(self) -> list[float]:
        """Seconds of every frame that can be decoded; the first that cannot ends the list."""
        found: list[float] = []
        for index in range(self._claimed):
            try:
                self._image.seek(index)
                self._image.load()
                if index == 0 and self._image.has_transparency_data:
                    self._transparent = any(self._image.convert("RGBA").getchannel("A").histogram()[:255])
            except _ERRORS:
                break
            seconds = float(self._image.info.get("duration") or 0) / 1000
            found.append(seconds if seconds >= 0.02 else _USUAL)
        return found
