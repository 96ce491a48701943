"""What moves → Media whose frames come from a process of their own (`veriscope.ingest.decoder`).

The process decodes ahead while detectors work, and only so far: a pipe and a short queue hold it back, so that memory does
not depend on the length of the clip. A crash, a hang or a hunger for memory over there is an `InputError` here.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from PIL import Image

from veriscope.domain import Ending, Finding, Frame, Strategy, VideoFacts
from veriscope.errors import InputError, TooLarge, UnsupportedMedia
from veriscope.ingest import colour
from veriscope.ingest.decoder.wire import MAX_ALIVE, Header, Job, receive
from veriscope.settings import Sampling, Settings

_APART, _APART_SHARE = 1.0, 0.05  # seconds, share of the clip: sound and picture that end nearer together are usual
_AHEAD = 1  # frames in the queue, before another one in the hands of the reading thread: of 4K each has 25 MB
_COMMAND = (sys.executable, "-P", "-m", "veriscope.ingest.decoder")
_REFUSALS: dict[str, type[InputError]] = {"unsupported_media": UnsupportedMedia, "too_large": TooLarge}
_Message = tuple[Header, bytes]


@dataclasses.dataclass(frozen=True, slots=True)
class Opened:
    """What is known of a clip before its frames are asked for."""

    width: int
    height: int
    frames: int
    duration: float | None
    video: VideoFacts
    tags: dict[str, str]
    notes: tuple[Finding, ...]


class ClipReader:
    """The frames of one clip. Implements `veriscope.domain.FrameSource`."""

    def __init__(self, file: BinaryIO, backend: str, demuxer: str, settings: Settings, sampling: Sampling) -> None:
        """`file`: the open clip, which the reader closes. `backend`: "streams" (FFmpeg) or "pictures" (Pillow).

        Raises:
            UnsupportedMedia, TooLarge: the clip cannot be decoded, or is over a limit.
        """
        limits = settings.limits
        self._file = file
        self._stall = limits.stall_seconds
        self._most = limits.max_clip_pixels
        self._ending: Ending | None = None
        self._begun = False
        self._until = sampling.max_seconds
        self._job = Job(
            backend="streams" if backend == "streams" else "pictures",
            demuxer=demuxer,
            frames=sampling.frames,
            fps=sampling.fps,
            max_seconds=sampling.max_seconds,
            threads=min(4, settings.threads or os.cpu_count() or 1),
            max_samples=limits.max_samples,
            max_pixels=limits.max_clip_pixels,
            max_side=min(limits.max_side, 16_384),
            min_side=limits.min_side,
            max_bytes=limits.decoder_bytes,
            max_seconds_cpu=limits.decoder_seconds,
        )
        self._process: _Process | None = _Process(file, self._job, self._stall, self._most)
        try:
            facts = self._process.next("facts")
            self.opened = _opened(facts[0], sampling)
            self.expected = _whole(facts[0], "expected")
        except BaseException:
            self.close()
            raise

    @property
    def ending(self) -> Ending:
        if self._ending is None:
            raise RuntimeError("the frames have not all been read")
        return self._ending

    def sampled(self) -> Iterator[Frame]:
        """The frames of the plan; can be read once."""
        process = self._process
        if process is None or self._begun:
            raise RuntimeError("the frames of a clip can be read once")
        self._begun = True
        with contextlib.closing(process):
            yield from process.frames()
            if not process.given:
                raise UnsupportedMedia("Not one frame of this video could be decoded. Get the file again.")
            self._ending = _ended(process.end, self.opened, self._until)

    def at(self, times: Sequence[float]) -> Iterator[Frame]:
        """These frames once more. One that cannot be reached again is left out."""
        if not times:
            return
        job = dataclasses.replace(self._job, times=tuple(times))
        with contextlib.closing(_Process(self._file, job, self._stall, self._most)) as process:
            process.next("facts")
            yield from process.frames()

    def close(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None
        self._file.close()


class _Process:
    """One decoding process and the thread that reads from it."""

    def __init__(self, file: BinaryIO, job: Job, stall: float, most: int) -> None:
        file.seek(0)
        self._stall, self._payload = stall, 4 * most
        self._messages: queue.Queue[_Message | None] = queue.Queue(_AHEAD)
        self._closing = threading.Event()
        self.end: Header = {}
        self.given = 0  # frames
        self._child = subprocess.Popen(  # noqa: S603 our own module, with a job that we wrote
            (*_COMMAND, job.to_json()), stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, close_fds=True
        )
        _widen(self._child)
        self._thread = threading.Thread(target=self._read, name="veriscope-decoder", daemon=True)
        self._thread.start()

    def next(self, kind: str) -> _Message:
        """The next message, which must be of this kind.

        Raises:
            UnsupportedMedia, TooLarge: what the process refused, or that it broke down or hung.
        """
        message = self._waited_for()
        found = message[0].get("kind")
        if found == "error":
            raise _refusal(message[0])
        if found != kind and not (kind == "frame" and found == "end"):
            raise _crashed()
        return message

    def _waited_for(self) -> _Message:
        """The next message that is more than a sign of life, of which there may be only so many."""
        for _ in range(MAX_ALIVE + 1):
            try:
                message = self._messages.get(timeout=self._stall)
            except queue.Empty:
                break
            if message is None:
                raise _crashed()
            if message[0].get("kind") != "alive":
                return message
        raise _hung()

    def frames(self) -> Iterator[Frame]:
        """Frames until the end. None is held here while the caller looks at it: two of 4K more would be 60 MB."""
        while one := self._one():
            yield one.pop()

    def _one(self) -> list[Frame]:
        """The next frame, alone; empty at the end."""
        header, payload = self.next("frame")
        if header["kind"] == "end":
            self.end = header
            return []
        self.given += 1
        return [_frame(self.given - 1, header, payload)]

    def close(self) -> None:
        """Ends the process, whatever it is doing; more than once is fine."""
        self._closing.set()
        self._child.kill()
        with contextlib.suppress(queue.Empty):
            while True:
                self._messages.get_nowait()
        self._child.wait()
        self._thread.join()
        if self._child.stdout:
            self._child.stdout.close()

    def _read(self) -> None:
        source = self._child.stdout
        message: _Message | None = None
        while source is not None and not self._closing.is_set():
            try:
                message = receive(source, self._payload)
            except (ValueError, OSError):  # no message of ours: the process is not what it was
                message = None
            self._put(message)
            if message is None:
                return

    def _put(self, message: _Message | None) -> None:
        while not self._closing.is_set():
            with contextlib.suppress(queue.Full):
                self._messages.put(message, timeout=0.2)
                return


def _widen(child: subprocess.Popen[bytes]) -> None:
    """A larger pipe: fewer switches between the processes for each frame. Where it is not granted, the usual one does."""
    try:
        import fcntl

        if child.stdout:
            fcntl.fcntl(child.stdout.fileno(), fcntl.F_SETPIPE_SZ, 1 << 20)
    except (ImportError, AttributeError, OSError):
        return


def anonymous(data: bytes) -> BinaryIO:
    """The bytes as an open file without a name, in memory where the system can: nothing of it is left, whatever happens."""
    if hasattr(os, "memfd_create"):
        file: BinaryIO = os.fdopen(os.memfd_create("clip"), "w+b")
    else:
        file = tempfile.TemporaryFile()  # noqa: SIM115 the reader closes it
    file.write(data)
    file.flush()
    file.seek(0)
    return file


def _frame(index: int, header: Header, payload: bytes) -> Frame:
    width, height, channels = _whole(header, "width"), _whole(header, "height"), _whole(header, "channels")
    if channels not in (3, 4) or len(payload) != width * height * channels or not width * height:
        raise _crashed()
    image = Image.new("RGB" if channels == 3 else "RGBA", (width, height), None)  # not filled first, as `Image.frombytes` does
    image.frombytes(payload)
    if channels == 4:
        image, _ = colour.flattened(image)
    return Frame(index, image, _number(header, "time") or 0.0, after_cut=header.get("cut") is True)


def _opened(header: Header, sampling: Sampling) -> Opened:
    rate = _number(header, "frame_rate")
    audio = header.get("audio")
    video = VideoFacts(
        codec=str(header.get("codec"))[:40],
        frame_rate=round(rate, 3) if rate else None,
        variable_rate=header.get("variable_rate") is True,
        rotation=_whole(header, "rotation"),
        bit_depth=_whole(header, "bit_depth"),
        hdr=header.get("hdr") is True,
        interlaced=header.get("interlaced") is True,
        audio=str(audio)[:40] if audio else None,
    )
    tags = header.get("tags")
    duration = _number(header, "duration")
    named = {str(name): str(value) for name, value in tags.items()} if isinstance(tags, dict) else {}
    notes = tuple(_notes(header, video, duration, sampling))
    return Opened(
        _whole(header, "width"),
        _whole(header, "height"),
        _whole(header, "frames"),
        round(duration, 3) if duration else None,
        video,
        named,
        notes,
    )


def _notes(header: Header, video: VideoFacts, duration: float | None, sampling: Sampling) -> Iterator[Finding]:
    """What was done to the frames to make them comparable, and what is odd about the streams."""
    if video.rotation:
        yield Finding("media.rotated", {"degrees": video.rotation})
    if header.get("stretched") is True:
        yield Finding("media.square_pixels")
    if video.hdr:
        yield Finding("media.tone_mapped")
    elif video.bit_depth > 8:
        yield Finding("media.depth_reduced", {"bits": video.bit_depth})
    if video.interlaced:
        yield Finding("media.deinterlaced")
    if header.get("alpha") is True:
        yield Finding("media.alpha_flattened")
    sound = _number(header, "audio_seconds")
    if sound and duration and abs(sound - duration) > max(_APART, _APART_SHARE * duration):
        yield Finding("media.sound_length", {"sound": round(sound, 1), "picture": round(duration, 1)})
    if sampling.max_seconds is not None and (duration is None or sampling.max_seconds < duration):
        yield Finding("media.only_beginning", {"seconds": round(sampling.max_seconds, 1)})


def _ended(header: Header, opened: Opened, until: float | None) -> Ending:
    cut_short = until is not None and (opened.duration is None or until < opened.duration)
    return Ending(
        wanted=_whole(header, "wanted"),
        lost=_whole(header, "lost"),
        damaged=_whole(header, "damaged"),
        decoded=_whole(header, "decoded"),
        repeated=_whole(header, "repeated"),
        blended=_whole(header, "blended"),
        strategy=Strategy.SEEK if header.get("strategy") == "seek" else Strategy.THROUGH,
        until=until if cut_short else None,
    )


def _crashed() -> UnsupportedMedia:
    return UnsupportedMedia(
        "The decoder broke down on this video, which damaged or hostile files can cause. Convert it with a video editor, then "
        "try again."
    )


def _hung() -> UnsupportedMedia:
    return UnsupportedMedia(
        "The decoder of this video made no progress and was stopped. Convert it with a video editor, or raise stall_seconds."
    )


def _refusal(header: Header) -> InputError:
    kind = _REFUSALS.get(str(header.get("code")), UnsupportedMedia)
    return kind(str(header.get("message"))[:500])


def _whole(header: Header, name: str) -> int:
    value = header.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 40:
        raise _crashed()
    return value


def _number(header: Header, name: str) -> float | None:
    value = header.get(name)
    if value is None:
        return None
    if not isinstance(value, int | float) or not -1e9 < value < 1e9:
        raise _crashed()
    return float(value)
