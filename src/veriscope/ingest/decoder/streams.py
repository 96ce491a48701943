"""Frames of a video stream, through PyAV."""

from __future__ import annotations

import dataclasses
import math
from array import array
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, BinaryIO

import av
import numpy as np
from numpy.typing import NDArray

from veriscope.ingest.decoder import pixels, plan
from veriscope.ingest.decoder.cuts import Rhythm
from veriscope.ingest.decoder.refusal import Refusal
from veriscope.ingest.decoder.wire import ALIVE_EVERY, MAX_ALIVE, Header, Job

if TYPE_CHECKING:
    from av import VideoFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.stream import VideoStream

_MAX_PACKETS = MAX_ALIVE * ALIVE_EVERY
_MAX_TAG, _MAX_TAGS = 500_000, 2_000_000  # characters of one field, of all: workflows of node editors are long
_MOST_DAMAGE = 20_000  # packets refused in a row before the rest is given up
_WHOLE_INDEX = ("mov", "avi")  # others list key frames alone, or nothing
_COVERED = 0.9  # an index that ends before this share of the claimed duration is not believed

Deliver = Callable[[float, NDArray[np.uint8], bool], None]
"""Takes a frame: seconds, pixels, whether a scene begins."""


@dataclasses.dataclass(slots=True)
class Counts:
    decoded: int = 0
    damaged: int = 0
    repeated: int = 0
    blended: int = 0


class _Entries:
    """Stamps of frames and which are key frames, nine bytes each: an hour has 100,000, and memory must not grow with them."""

    def __init__(self, stamps: array[int] | None = None, keys: bytes = b"") -> None:
        self._stamps: array[int] = array("q") if stamps is None else stamps
        self._keys = bytearray(keys)

    def __len__(self) -> int:
        return len(self._stamps)

    def add(self, stamp: int, key: bool) -> None:
        self._stamps.append(stamp)
        self._keys.append(bool(key))

    def in_order(self) -> _Entries:
        """By time of display; packets come in the order of decoding."""
        stamps = np.asarray(self._stamps)
        order = np.argsort(stamps, kind="stable")
        return _Entries(array("q", stamps[order].tobytes()), np.frombuffer(self._keys, np.uint8)[order].tobytes())

    def survey(self, base: Fraction) -> plan.Survey | None:
        if not len(self):
            return None
        stamps = np.asarray(self._stamps)
        # Damaged files count backwards.
        rising = np.maximum.accumulate((stamps - float(stamps[0])) * float(base))
        keys = {0, *np.flatnonzero(np.frombuffer(self._keys, np.uint8)).tolist()}
        return plan.Survey(array("d", rising.tobytes()), tuple(sorted(keys))) if rising[-1] < 1e7 else None


class Streams:
    """One open video file."""

    def __init__(self, file: BinaryIO, job: Job, alive: Callable[[], object] = lambda: None) -> None:
        """`alive` is called now and then during the pass over the packets, which takes minutes for hours on a slow disk."""
        self._file, self._job, self._alive = file, job, alive
        self.counts = Counts()
        self._open()
        self._survey = self._surveyed()
        self._open()
        self._origin = 0.0
        self._aspect = 1.0

    def facts(self) -> Header:
        """What the streams say, checked against the first frame that can be decoded."""
        first = next(self._decoded(), None)
        if first is None:
            raise Refusal(
                "unsupported_media",
                "Not one frame of this video can be decoded: it is damaged, incomplete or encrypted. "
                "Get the file again, or open it in a player and save a copy.",
            )
        self.counts = Counts()
        self._origin = first.time if first.time is not None else 0.0
        stream = self._stream
        ratio = stream.codec_context.sample_aspect_ratio or stream.sample_aspect_ratio or Fraction(1)
        self._aspect = float(ratio) if 0.2 <= ratio <= 5 else 1.0
        array = pixels.upright(first, self._aspect)
        self._open()
        survey = self._survey
        rate = 1 / survey.step if survey else float(stream.average_rate or 0) or None
        sounds = [sound for sound in self._container.streams.audio if sound.codec_context is not None]
        return {
            "width": array.shape[1],
            "height": array.shape[0],
            "codec": stream.codec_context.name,
            "frames": len(survey.times) if survey else 0,
            "duration": survey.duration if survey else self._claimed(),
            "frame_rate": rate if rate is None or rate <= 1000 else None,
            "variable_rate": bool(survey and survey.variable),
            "rotation": -round(first.rotation) % 360,
            "bit_depth": pixels.depth(first),
            "hdr": pixels.transfer(first) is not None,
            "interlaced": bool(first.interlaced_frame),
            "alpha": array.shape[2] == 4 and bool((array[..., 3] < 255).any()),
            "stretched": pixels.shown_width(first, self._aspect) != first.width,
            "audio": sounds[0].codec_context.name if sounds else None,
            "audio_seconds": _seconds(sounds[0]) if sounds else None,
            "tags": self._tags(),
            "expected": self._number(),
        }

    def run(self, deliver: Deliver) -> Header:
        """Hands over the frames of the plan, or those of `job.times`."""
        job, survey = self._job, self._survey
        if job.times is not None:
            jumps = plan.once_more(survey, job.times)
            given = sum(self._follow(jump, deliver, exact=True) for jump in jumps)
            return self._end(len(job.times), given, "seek")
        if survey is None:
            return self._without_survey(deliver)
        until = min(survey.duration, job.max_seconds or math.inf)
        made = plan.plan(survey, self._number(), until)
        if made.strategy == "through":
            given = self._through(made, deliver)
        else:
            given = sum(
                self._follow(jump, deliver) for jump in sorted(made.jumps, key=lambda jump: jump.targets[0]) if jump.targets
            )
            given -= sum(jump.cut for jump in made.jumps)
            wanted = sum(len(jump.targets) for jump in made.jumps if not jump.cut)
            return self._end(wanted, max(0, given), made.strategy)
        return self._end(made.wanted, given, made.strategy)

    def _number(self) -> int:
        job = self._job
        duration = self._survey.duration if self._survey else self._claimed() or 0.0
        return plan.count(min(duration, job.max_seconds or math.inf), job.frames, job.fps, job.max_samples)

    def _end(self, wanted: int, given: int, strategy: str) -> Header:
        counts = dataclasses.asdict(self.counts)
        return {"wanted": wanted, "lost": max(0, wanted - given), "strategy": strategy, **counts}

    def _open(self) -> None:
        self._file.seek(0)
        try:
            container = av.open(self._file, "r", format=self._job.demuxer, metadata_errors="replace")
        except (av.error.FFmpegError, ValueError) as error:
            raise Refusal(
                "unsupported_media",
                "The video is damaged or incomplete: its container cannot be opened. Get the file again.",
            ) from error
        self._container: InputContainer = container
        self._stream = self._chosen(container)

    def _chosen(self, container: InputContainer) -> VideoStream:
        """The largest moving stream; a cover picture of a sound file is none."""
        moving = [
            stream
            for stream in container.streams.video
            if not int(stream.disposition) & int(av.stream.Disposition.attached_pic)
        ]
        if not moving:
            what = "sound, but no moving picture" if container.streams.audio else "no video stream"
            raise Refusal("unsupported_media", f"The file holds {what}. Veriscope judges pictures and video, not sound.")
        readable = [stream for stream in moving if stream.codec_context is not None]
        if not readable:
            raise Refusal(
                "unsupported_media", "The video uses a codec that is not read here. Convert it to H.264 and try again."
            )
        stream = max(readable, key=lambda stream: (stream.codec_context.width or 0) * (stream.codec_context.height or 0))
        self._check_size(stream.codec_context.width or 0, stream.codec_context.height or 0, claimed=True)
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = self._job.threads
        return stream

    def _check_size(self, width: int, height: int, *, claimed: bool = False) -> None:
        job = self._job
        if width > job.max_side or height > job.max_side or width * height > job.max_pixels:
            raise Refusal(
                "too_large",
                f"The video has frames of {width} × {height} pixels; {job.max_pixels / 1e6:g} megapixels and sides of "
                f"{job.max_side} are allowed. Use a smaller copy, or raise max_clip_pixels.",
            )
        if not claimed and min(width, height) < job.min_side:
            raise Refusal(
                "unsupported_media",
                f"The video has only {width} × {height} pixels: too few to judge. "
                f"Use one with at least {job.min_side} on each side.",
            )

    def _surveyed(self) -> plan.Survey | None:
        """Times and key frames of the stream: from its index, else from its packets."""
        base = self._stream.time_base
        if base is None:
            return None
        if self._job.demuxer not in _WHOLE_INDEX:
            return self._packets().survey(base)
        entries = _Entries()
        for entry in self._stream.index_entries:
            if not entry.is_discard:
                entries.add(entry.timestamp, entry.is_keyframe)
        survey = entries.survey(base)
        claimed = self._claimed()
        # An index gives times of decoding, which at a variable rate differ from those of display by more than an order.
        if survey is None or survey.variable or (claimed and survey.duration < _COVERED * claimed):
            packets = self._packets()
            if len(packets) >= len(entries):
                survey = packets.survey(base)
        return survey

    def _packets(self) -> _Entries:
        found = _Entries()
        try:
            for count, packet in enumerate(self._container.demux(self._stream), 1):
                if count % ALIVE_EVERY == 0:
                    self._alive()
                stamp = packet.pts if packet.pts is not None else packet.dts
                if stamp is not None and packet.size and len(found) < _MAX_PACKETS:
                    found.add(stamp, packet.is_keyframe)
        except av.error.FFmpegError:
            pass  # what comes after the damage is lost; the counts of the decoding say so
        return found.in_order()

    def _claimed(self) -> float | None:
        """Seconds that the header claims."""
        whole = (self._container.duration or 0) / av.time_base
        return _seconds(self._stream) or (whole if 0 < whole < 1e7 else None)

    def _decoded(self) -> Iterator[VideoFrame]:
        """Sound frames in order of display; damage is counted and stepped over."""
        refused = 0
        try:
            for packet in self._container.demux(self._stream):
                try:
                    frames: list[Any] = packet.decode()
                except MemoryError:
                    raise
                except (av.error.FFmpegError, ValueError):
                    self.counts.damaged += 1
                    refused += 1
                    if refused > _MOST_DAMAGE:
                        return
                    continue
                for frame in frames:
                    refused = 0
                    self._check_size(frame.width, frame.height)
                    if frame.is_corrupt:
                        self.counts.damaged += 1
                        continue
                    self.counts.decoded += 1
                    yield frame
        except av.error.FFmpegError:
            self.counts.damaged += 1

    def _timed(self) -> Iterator[tuple[float, VideoFrame]]:
        """Frames with seconds from the first; one without a time stamp gets its predecessor's and a step."""
        step = self._survey.step if self._survey else float(1 / (self._stream.average_rate or 25))
        before = -step
        for frame in self._decoded():
            time = frame.time - self._origin if frame.time is not None else before + step
            before = max(time, before)
            yield time, frame

    def _through(self, made: plan.Plan, deliver: Deliver) -> int:
        """Every frame decoded; those of the plan are handed over, and the first of each new scene, one per interval."""
        survey = self._survey
        near = survey.step / 2 if survey else 0.02
        waiting = list(made.jumps[0].targets)
        given, cuts, last_cut = 0, 0, -math.inf
        rhythm = Rhythm()
        for time, frame in self._timed():
            is_cut = rhythm.is_cut(pixels.grid(frame))
            due = time >= waiting[0] - near
            extra = is_cut and time - last_cut >= made.interval and cuts < max(1, made.wanted // 2)
            if not due and not extra:
                continue
            deliver(time, pixels.upright(frame, self._aspect), is_cut)
            if due:
                waiting = [target for target in waiting if target - near > time]
                given += 1
            else:
                cuts, last_cut = cuts + 1, time
            if not waiting:
                break
        self.counts.repeated, self.counts.blended = rhythm.repeated, rhythm.blended
        return given

    def _follow(self, jump: plan.Jump, deliver: Deliver, *, exact: bool = False) -> int:
        """Jumps and decodes on to each target; how many were reached."""
        survey = self._survey
        step = survey.step if survey else 0.04
        near = 0.001 if exact else step / 2
        waiting = list(jump.targets)
        if not self._go(jump):
            return 0
        given = 0
        for time, frame in self._timed():
            if time < waiting[0] - near:
                continue
            if exact and time > waiting[0] + near:
                waiting = [target for target in waiting if target >= time - near]
                if not waiting:
                    break
                if time < waiting[0] - near:
                    continue
            deliver(time, pixels.upright(frame, self._aspect), jump.cut)
            given += 1
            waiting = [target for target in waiting if target - near > time]
            if not waiting:
                break
        return given

    def _go(self, jump: plan.Jump) -> bool:
        survey = self._survey
        base = self._stream.time_base
        try:
            if jump.key is None or survey is None or base is None:
                self._open()
            else:
                # Demuxers take the request for a time of display, which in the index of an MP4 comes later than the entry.
                offset = round((survey.times[jump.key] + self._origin + survey.step / 2) / float(base))
                self._container.seek(offset, stream=self._stream, backward=True)
        except av.error.FFmpegError:
            self.counts.damaged += 1
            return False
        return True

    def _without_survey(self, deliver: Deliver) -> Header:
        """Nothing is known of the frames: the first ones are taken as they come, at the densest rate."""
        wanted = self._number()
        interval = 1 / plan.DENSEST
        targets = tuple(index * interval for index in range(wanted))
        made = plan.Plan("through", (plan.Jump(None, targets),), wanted, interval)
        return self._end(wanted, self._through(made, deliver), "through")

    def _tags(self) -> dict[str, str]:
        places = {"container": self._container.metadata, "video": self._stream.metadata}
        for sound in self._container.streams.audio[:1]:
            places["audio"] = sound.metadata
        tags: dict[str, str] = {}
        left = _MAX_TAGS
        for place, found in places.items():
            for name, value in list(found.items())[:60]:
                if len(value) <= min(_MAX_TAG, left):
                    tags[f"{place}:{name.lower()[:60]}"] = value
                    left -= len(value)
        return tags


def _seconds(stream: VideoStream | AudioStream) -> float | None:
    """How long the header says that a stream lasts."""
    seconds = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
    return seconds if 0 < seconds < 1e7 else None
