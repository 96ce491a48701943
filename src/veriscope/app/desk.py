"""The desk where files are handed in: one engine for everybody, and a queue with an end."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from PIL import Image

from veriscope import ingest
from veriscope.domain import Failure, MediaKind, Progress, Report, Source, SourceKind
from veriscope.engine import Engine
from veriscope.errors import Busy, VeriscopeError
from veriscope.i18n import Catalogue
from veriscope.ingest import container, url
from veriscope.report import as_html
from veriscope.runtime.net import Fetcher
from veriscope.settings import MEBIBYTE, Settings

PREVIEW_SIDE = 1000  # pixels of the longer side of what a visitor is shown
MAX_WAITING = 60  # files in the queue, those at work included
MAX_PLAYED = 64 * MEBIBYTE  # a larger clip is examined, but not kept in memory to be played
MAX_FETCHES = 8  # addresses at a time
MAX_WAITING_BYTES = 512 * MEBIBYTE


@dataclasses.dataclass(frozen=True, slots=True)
class Checked:
    """One result on a visitor's screen. `preview`: a small JPEG of the upright picture, without its metadata."""

    name: str
    result: Report | Failure
    preview: bytes | None = None
    playable: bytes | None = None  # a clip as it came, for the player
    drawn: dict[str, Mapping[str, str]] = dataclasses.field(default_factory=dict, compare=False, repr=False)

    def pieces(self, report: Report, said: Catalogue) -> Mapping[str, str]:
        """The report as `as_html.pieces`, drawn once: every click of a visitor runs the whole page again."""
        if said.language not in self.drawn:
            self.drawn.clear()  # whoever has changed the language does not go back and forth, and pictures take memory
            self.drawn[said.language] = as_html.pieces(report, said, self.preview)
        return self.drawn[said.language]


class Lane:
    """Files that are examined in their order, some at a time."""

    def __init__(self, name: str, workers: int) -> None:
        self.pool = ThreadPoolExecutor(workers, thread_name_prefix=name)
        self.issued = self.started = 0


class Ticket:
    """One file on its way. Safe to read from any thread."""

    def __init__(self, lane: Lane, name: str, work: Callable[[Callable[[Progress], None]], Checked]) -> None:
        self.name = name
        self.progress = Progress("open", 0.0)
        self.future: Future[Checked] = Future()
        self._lane, self._number = lane, lane.issued
        self._work: Callable[[Callable[[Progress], None]], Checked] | None = work
        self._dropped = False

    @property
    def ahead(self) -> int:
        """Files whose examination must begin before this one's does."""
        return max(0, self._number - self._lane.started - 1)

    def drop(self) -> None:
        """Forgets the file; one that is being examined is left at the next step."""
        self._dropped, self._work = True, None

    def run(self) -> None:
        """Examines the file and keeps what came of it for whoever waits."""
        work, self._work = self._work, None
        if work is None:
            self.future.cancel()
            return
        try:
            self.future.set_result(work(self._note))
        except BaseException as error:  # noqa: BLE001 whoever waits gets it
            self.future.set_exception(error)

    def _note(self, progress: Progress) -> None:
        if self._dropped:
            raise InterruptedError(f"{progress.step}: nobody waits any more")
        self.progress = progress


class Desk:
    """Examines files of all visitors in the order in which they came.

    As many are examined at a time as there are cores, each with models on one thread: that gives more answers a second than
    models on all cores one after another, and batches across visitors give no more (docs/decisions/0014-one-queue.md).
    """

    def __init__(
        self, settings: Settings, workers: int = 0, most: int = MAX_WAITING, most_bytes: int = MAX_WAITING_BYTES
    ) -> None:
        """`workers`: files at a time; 0 = one a core. `most`, `most_bytes`: what may wait before `Busy` is raised."""
        sampling = dataclasses.replace(settings.sampling, thumbnails=True)
        self.settings = dataclasses.replace(settings, threads=settings.threads or 1, sampling=sampling)
        self._engine = Engine(self.settings)
        self._fetches = threading.BoundedSemaphore(MAX_FETCHES)
        self._pictures = Lane("pictures", workers or os.cpu_count() or 1)
        self._clips = Lane("clips", 1)  # a clip takes so long that it must not stand before pictures
        self._most, self._most_bytes = most, most_bytes
        self._lock = threading.Lock()
        self._waiting = self._bytes = 0

    def hand_in(self, name: str, data: bytes, kind: SourceKind = SourceKind.BYTES) -> Ticket:
        """A place in the queue.

        Raises:
            Busy: the queue is full.
        """
        with self._lock:
            if self._waiting >= self._most or (self._waiting and self._bytes + len(data) > self._most_bytes):
                raise Busy("Too many files are waiting. Try again in a minute.")
            lane = self._clips if container.clip_kind(data[: container.HEAD]) else self._pictures
            lane.issued += 1
            self._waiting += 1
            self._bytes += len(data)
            ticket = Ticket(lane, name, lambda note: self._examined(Source(kind, name), data, note))
            lane.pool.submit(self._serve, lane, ticket, len(data))
        return ticket

    def fetched(self, address: str) -> bytes:
        """What an address leads to. It waits for strangers' servers, so it has no place at the desk.

        Raises:
            UnreadableSource: this installation is offline.
            Busy: as many addresses are being fetched as may be.
            UnsupportedMedia, UnsafeUrl, TooLarge, RemoteError: see `ingest.url.download`.
        """
        if self.settings.offline:
            raise url.offline(address)
        if not self._fetches.acquire(blocking=False):
            raise Busy("Too many addresses are being fetched. Try again in a minute.")
        try:
            return url.download(address, Fetcher(self.settings.limits))
        finally:
            self._fetches.release()

    def _serve(self, lane: Lane, ticket: Ticket, size: int) -> None:
        with self._lock:
            lane.started += 1
        try:
            ticket.run()
        finally:
            with self._lock:
                self._waiting -= 1
                self._bytes -= size

    def _examined(self, source: Source, data: bytes, note: Callable[[Progress], None]) -> Checked:
        try:
            report = self._engine.analyze(data, progress=note)
        except VeriscopeError as error:
            return Checked(source.name, Failure(source, error.code, str(error)))
        named = dataclasses.replace(report, media=dataclasses.replace(report.media, source=source))
        if named.media.kind is MediaKind.IMAGE:
            return Checked(source.name, named, self._preview(data))
        return Checked(source.name, named, playable=data if len(data) <= MAX_PLAYED else None)

    def _preview(self, data: bytes) -> bytes:
        """The upright picture, small: what the browser shows, whatever the format of the file."""
        with contextlib.closing(ingest.open_media(data, self.settings)) as media:
            small = media.frames[0].image.copy()
        small.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
        out = io.BytesIO()
        small.save(out, "JPEG", quality=84)
        return out.getvalue()
