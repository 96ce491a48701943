"""Clips: what is known before a frame is decoded, which frames come, and what the decoding process may not do to this one."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from clips_made import children, clip, face_clip, plain_clip, plain_frames, repeated, with_sound
from PIL import Image

from veriscope.domain import Frame, FrameSource, Media, MediaKind, SourceKind, Strategy
from veriscope.errors import InputError, TooLarge, UnsupportedMedia
from veriscope.ingest import clip as clips
from veriscope.ingest import open_media
from veriscope.ingest.decoder import plan
from veriscope.ingest.decoder.streams import Streams
from veriscope.ingest.decoder.wire import Job
from veriscope.settings import Limits, Sampling, Settings

SETTINGS = Settings(threads=1)


@contextlib.contextmanager
def opened(
    source: object, sampling: Sampling | None = None, settings: Settings = SETTINGS
) -> Iterator[tuple[Media, FrameSource]]:
    media = open_media(source, settings, sampling=sampling)  # type: ignore[arg-type]
    with contextlib.closing(media):
        assert media.clip is not None
        yield media, media.clip


def sampled(source: object, sampling: Sampling | None = None, settings: Settings = SETTINGS) -> list[Frame]:
    with opened(source, sampling, settings) as (_, frames):
        return list(frames.sampled())


def far(image: Image.Image, other: Image.Image) -> float:
    """Mean difference of two pictures, in levels."""
    return float(np.abs(np.asarray(image).astype(int) - np.asarray(other)).mean())


def test_facts_are_known_before_the_frames() -> None:
    with opened(plain_clip()) as (media, frames):
        facts = media.facts
        assert (facts.kind, facts.format, facts.width, facts.height) == (MediaKind.VIDEO, "MP4", 160, 120)
        assert (facts.frames, facts.duration) == (24, 2.4)
        assert facts.video is not None
        assert (facts.video.codec, facts.video.frame_rate, facts.video.variable_rate) == ("h264", 10.0, False)
        assert media.frames == ()
        assert frames.expected == 15


@pytest.mark.parametrize("entrance", ["path", "text", "bytes", "stream"])
def test_every_entrance_gives_the_same_frames(entrance: str, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(plain_clip())
    source = {"path": path, "text": str(path), "bytes": plain_clip(), "stream": io.BytesIO(plain_clip())}[entrance]
    with opened(source) as (media, frames):
        kinds = {"path": SourceKind.FILE, "text": SourceKind.FILE, "bytes": SourceKind.BYTES, "stream": SourceKind.STREAM}
        assert media.facts.source.kind is kinds[entrance]
        with media.open() as original:
            assert original.read() == plain_clip()
        found = list(frames.sampled())
    for frame, other in zip(found, sampled(plain_clip()), strict=True):
        assert far(frame.image, other.image) == 0


def test_samples_are_spread_over_the_whole_clip() -> None:
    times = [frame.time or 0.0 for frame in sampled(plain_clip(), Sampling(frames=6))]
    assert times == pytest.approx([0.2, 0.6, 1.0, 1.4, 1.8, 2.2], abs=0.11)


@pytest.mark.parametrize(
    ("sampling", "count", "last"),
    [
        pytest.param(Sampling(frames=1), 1, 1.2, id="one frame, from the middle"),
        pytest.param(Sampling(fps=5), 12, 2.3, id="frames per second"),
        pytest.param(Sampling(fps=5, frames=3), 3, 2.0, id="frames per second, and no more than three"),
        pytest.param(Sampling(frames=500), 15, 2.4, id="more than are worth it"),
        pytest.param(Sampling(fps=500), 24, 2.4, id="more than there are"),
        pytest.param(Sampling(max_seconds=1.0, frames=4), 4, 1.0, id="only the beginning"),
    ],
)
def test_sampling_is_as_asked_for(sampling: Sampling, count: int, last: float) -> None:
    times = [frame.time or 0.0 for frame in sampled(plain_clip(), sampling)]
    assert len(times) == count
    assert last - 0.35 < times[-1] <= last


def test_the_same_frames_come_every_time() -> None:
    one, two = sampled(face_clip()), sampled(face_clip())
    assert [frame.time for frame in one] == [frame.time for frame in two]
    assert all(far(a.image, b.image) == 0 for a, b in zip(one, two, strict=True))


def test_frames_are_what_was_encoded() -> None:
    originals = plain_frames(24)
    for frame in sampled(plain_clip(), Sampling(fps=10)):
        assert far(frame.image, originals[round(10 * (frame.time or 0))]) < 6


@pytest.mark.parametrize("gop", [4, 100], ids=["many key frames", "one key frame"])
def test_a_frame_can_be_had_once_more(gop: int) -> None:
    with opened(clip(plain_frames(40), gop=gop)) as (_, source):
        frames = list(source.sampled())
        wanted = [frames[3], frames[7], frames[-1]]
        again = list(source.at([frame.time or 0.0 for frame in wanted]))
    assert [frame.time for frame in again] == [frame.time for frame in wanted]
    assert all(far(a.image, b.image) == 0 for a, b in zip(again, wanted, strict=True))


def test_a_long_clip_is_sought_and_not_decoded_through() -> None:
    data = clip([frame for frame in plain_frames(40) for _ in range(15)], rate=30, gop=10)
    with opened(data, Sampling(frames=6)) as (_, source):
        times = [frame.time or 0.0 for frame in source.sampled()]
        assert source.ending.strategy is Strategy.SEEK
        assert source.ending.decoded < 100
    assert len(times) == 6
    assert times[0] < 3.0
    assert times[-1] > 16.0


@pytest.mark.parametrize("container", ["mp4", "matroska"])
def test_an_hour_is_looked_at_from_end_to_end(container: str) -> None:
    hour = repeated(clip(plain_frames(24, (64, 48))), 1500, container=container)
    with opened(hour) as (media, source):
        times = [frame.time or 0.0 for frame in source.sampled()]
        assert media.facts.duration == pytest.approx(3600, abs=1)
        assert source.ending.strategy is Strategy.SEEK
        assert source.ending.lost == 0
        assert source.ending.decoded <= plan.PER_SAMPLE * len(times)
        again = [frame.time for frame in source.at(times[10:60:20])]
    assert again == times[10:60:20]
    assert len(times) >= plan.DEFAULT_FRAMES
    assert times[0] < 60
    assert times[-1] > 3540


def test_where_a_scene_begins_a_frame_is_added() -> None:
    bright = [Image.new("RGB", (160, 120), (240, 240, 240))] * 11
    data = clip([*plain_frames(20), *bright, *plain_frames(20)], rate=10)
    found = sampled(data, Sampling(frames=4))
    assert len(found) > 4
    assert [round(frame.time or 0.0, 1) for frame in found if frame.after_cut] == [2.0, 3.1]


def test_a_variable_rate_is_told_and_frames_are_those_on_the_screen() -> None:
    with opened(clip(plain_frames(8), times=[0, 1, 2, 3, 40, 41, 42, 80])) as (media, source):
        frames = list(source.sampled())
        assert media.facts.video is not None
        assert media.facts.video.variable_rate
        assert media.facts.duration == pytest.approx(8.1)
        assert source.ending.lost == 0
    assert {frame.time for frame in frames} <= {0.0, 0.1, 0.2, 0.3, 4.0, 4.1, 4.2, 8.0}


def turned(data: bytes, matrix: tuple[int, int, int, int]) -> bytes:
    """The clip with a display matrix in its track header (ISO/IEC 14496-12, 8.3.2)."""
    at = data.index(b"tkhd") + 4 + 40
    a, b, c, d = (value << 16 for value in matrix)
    return data[:at] + struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30) + data[at + 36 :]


@pytest.mark.parametrize(
    ("matrix", "degrees", "how"),
    [
        ((0, 1, -1, 0), 90, Image.Transpose.ROTATE_270),
        ((-1, 0, 0, -1), 180, Image.Transpose.ROTATE_180),
        ((0, -1, 1, 0), 270, Image.Transpose.ROTATE_90),
    ],
    ids=["90", "180", "270"],
)
def test_frames_are_turned_upright(matrix: tuple[int, int, int, int], degrees: int, how: Image.Transpose) -> None:
    """As a player shows them: the matrix of 90 degrees turns clockwise, as phones write it when held upright."""
    straight = sampled(plain_clip(), Sampling(frames=1))[0]
    with opened(turned(plain_clip(), matrix), Sampling(frames=1)) as (media, source):
        frame = next(iter(source.sampled()))
        assert media.facts.video is not None
        assert media.facts.video.rotation == degrees
        assert (media.facts.width, media.facts.height) == frame.image.size
        assert [note.code for note in media.facts.notes] == ["media.rotated"]
    assert far(frame.image, straight.image.transpose(how)) == 0


@pytest.mark.parametrize(("seconds", "told"), [(2.4, False), (3.0, False), (6.0, True), (1.0, True)])
def test_sound_that_ends_elsewhere_than_the_picture_is_told(seconds: float, told: bool) -> None:
    with opened(with_sound(plain_clip(), seconds)) as (media, _):
        assert media.facts.video is not None
        assert media.facts.video.audio == "aac"
        assert media.facts.duration == pytest.approx(2.4, abs=0.05)
        [note] = media.facts.notes or (None,)
    assert (note is not None) is told
    if note is not None:
        assert note.code == "media.sound_length"
        assert note.params["sound"] == pytest.approx(seconds, abs=0.2)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_a_picture_that_moves_is_a_clip(kind: str) -> None:
    frames = plain_frames(5, (64, 48))
    packed = io.BytesIO()
    frames[0].save(packed, kind, save_all=True, append_images=frames[1:], duration=200)
    with opened(packed.getvalue()) as (media, source):
        assert (media.facts.kind, media.facts.format, media.facts.frames) == (MediaKind.VIDEO, kind, 5)
        assert media.facts.duration == pytest.approx(1.0)
        found = list(source.sampled())
        assert [far(frame.image, original) < 25 for frame, original in zip(found, frames, strict=True)] == [True] * 5
        again = list(source.at([found[2].time or 0.0]))
    assert far(again[0].image, found[2].image) == 0


# What the process may not do


def gone() -> bool:
    """Whether every decoder has ended within a second."""
    end = time.monotonic() + 1
    while children("decoder") and time.monotonic() < end:
        time.sleep(0.02)
    return not children("decoder")


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@linux
def test_nothing_is_left_when_the_reader_stops() -> None:
    with opened(face_clip()) as (_, source):
        frames = source.sampled()
        next(frames)
        assert children("decoder")
    assert gone()


@linux
def test_nothing_is_left_when_no_frame_is_read() -> None:
    with opened(face_clip()):
        assert children("decoder")
    assert gone()


@linux
def test_a_crash_over_there_is_an_error_here(monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(clip(plain_frames(60, (320, 240)))) as (_, source):
        frames = source.sampled()
        next(frames)
        for child in children("decoder"):
            os.kill(child, signal.SIGSEGV)
        with pytest.raises(UnsupportedMedia, match="decoder broke down"):
            list(frames)
    assert gone()


ALIVE = """
import json, struct, sys
def alive():
    sign = json.dumps({"kind": "alive"}).encode()
    sys.stdout.buffer.write(struct.pack(">II", len(sign), 0) + sign)
"""


def test_a_long_pass_over_packets_gives_signs_of_life() -> None:
    signs: list[int] = []
    many = repeated(clip(plain_frames(24, (64, 48))), 100, container="matroska")
    streams = Streams(io.BytesIO(many), Job("streams", "matroska"), lambda: signs.append(1))
    assert streams.facts()["frames"] == 2400
    assert len(signs) == 2


@pytest.mark.parametrize(
    ("code", "error", "says"),
    [
        pytest.param("import os; os.abort()", UnsupportedMedia, "broke down", id="abort"),
        pytest.param("import time; time.sleep(60)", UnsupportedMedia, "no progress", id="hangs"),
        pytest.param("print('hello, this is no message' * 100)", UnsupportedMedia, "broke down", id="speaks another language"),
        pytest.param(
            "import sys, struct; sys.stdout.buffer.write(struct.pack('>II', 1 << 31, 0))",
            UnsupportedMedia,
            "broke down",
            id="announces gigabytes",
        ),
        pytest.param("raise SystemExit(1)", UnsupportedMedia, "broke down", id="leaves"),
        pytest.param(ALIVE + "while True: alive()", UnsupportedMedia, "no progress", id="lives and does nothing"),
        pytest.param(ALIVE + "[alive() for _ in range(9)]", UnsupportedMedia, "broke down", id="lives and leaves"),
    ],
)
def test_a_decoder_that_misbehaves_costs_one_input(
    code: str, error: type[InputError], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clips, "_COMMAND", (sys.executable, "-c", code))
    # Only what hangs is waited for; the others must not be taken for it on a slow machine.
    settings = replace(SETTINGS, limits=Limits(stall_seconds=1.0 if "sleep" in code else 60.0))
    with pytest.raises(error, match=says):
        open_media(plain_clip(), settings)
    assert not sys.platform.startswith("linux") or gone()


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are set the POSIX way")
def test_memory_over_there_is_limited() -> None:
    big = clip([Image.new("RGB", (2048, 2048), (index, 90, 90)) for index in range(6)])
    assert len(sampled(big)) == 6
    with pytest.raises((TooLarge, UnsupportedMedia)):
        sampled(big, settings=replace(SETTINGS, limits=Limits(decoder_bytes=300 << 20)))


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are set the POSIX way")
def test_time_over_there_is_limited() -> None:
    with pytest.raises(UnsupportedMedia, match="broke down"):
        sampled(clip(plain_frames(30)), settings=replace(SETTINGS, limits=Limits(decoder_seconds=0)))


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (Limits(max_clip_pixels=160 * 120 - 1), "160 × 120"),
        (Limits(max_side=150), "160 × 120"),
        (Limits(max_bytes=1000), "MiB"),
    ],
    ids=["pixels", "side", "bytes"],
)
def test_limits_hold(limits: Limits, says: str) -> None:
    with pytest.raises(TooLarge, match=says):
        sampled(plain_clip(), settings=replace(SETTINGS, limits=limits))


def test_a_file_has_a_limit_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(plain_clip())
    assert sampled(path, settings=replace(SETTINGS, limits=Limits(max_bytes=1000)))
    with pytest.raises(TooLarge, match="max_clip_bytes"):
        sampled(path, settings=replace(SETTINGS, limits=Limits(max_clip_bytes=1000)))


def test_samples_have_a_limit_whatever_is_asked_for() -> None:
    assert len(sampled(plain_clip(), Sampling(fps=10), replace(SETTINGS, limits=Limits(max_samples=7)))) == 7


def test_a_cut_clip_gives_what_is_there_and_says_what_is_lost() -> None:
    data = clip(plain_frames(48), container="matroska")
    with opened(data[: len(data) // 2]) as (_, source):
        found = list(source.sampled())
    assert 2 < len(found) < 30
    assert all(far(frame.image, plain_frames(48)[round(10 * (frame.time or 0))]) < 8 for frame in found)
