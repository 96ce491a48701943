"""Measures the app under many visitors: they open the page, and then all hand in a picture at the same moment.

    python scripts/load_app.py [--sessions 1 10 50] [--write]

It starts the app as `veriscope app` does and speaks Streamlit's own protocol to it, over sockets of this machine only. With
`--write` the figures go to docs/bench-app.json and docs/bench-app.md.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import io
import json
import os
import platform
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy as np
import websockets
from PIL import Image
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.Common_pb2 import FileUploaderState, FileURLsRequest, UploadedFileInfo
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from websockets.typing import Subprotocol

from veriscope.app import examples
from veriscope.detectors import catalogue
from veriscope.runtime.sessions import open_session
from veriscope.settings import Settings

DOCS = Path(__file__).parents[1] / "docs"
SIDE = 1024  # of the picture that is handed in: a portrait of one megapixel
ROUNDS = {1: 15, 10: 5, 50: 2}  # rounds of a measurement, so that each rests on some dozen answers
LIMIT = 180.0  # seconds until a visitor gives up
GRADE = re.compile(r'vs-verdict" data-grade="(\w+)"')


@dataclasses.dataclass(frozen=True)
class Row:
    """One measurement; seconds from handing in to the verdict on the page, memory of the server's process in megabytes."""

    sessions: int
    answers: int
    errors: int
    median: float
    p95: float
    worst: float
    opening: float
    memory: float


class Visitor:
    """One browser tab, as far as the server can tell."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._http = httpx.AsyncClient(base_url=f"http://{address}", timeout=LIMIT)
        self._uploader = self._session = ""

    async def open(self) -> float:
        """Seconds until the first page stands."""
        began = time.perf_counter()
        await self._http.get("/_stcore/health")
        self._socket = await websockets.connect(
            f"ws://{self._address}/_stcore/stream", subprotocols=[Subprotocol("streamlit")], max_size=None
        )
        await self._send(BackMsg(rerun_script=ClientState(query_string="lang=en")))
        async for message in self._until_finished():
            if message.WhichOneof("type") == "new_session":
                self._session = message.new_session.initialize.session_id
            element = message.delta.new_element
            if element.WhichOneof("type") == "file_uploader":
                self._uploader = element.file_uploader.id
        return time.perf_counter() - began

    async def hand_in(self, name: str, data: bytes) -> tuple[float, str]:
        """Seconds until the verdict stands on the page, and the grade; empty when there was none."""
        began = time.perf_counter()
        wanted = FileURLsRequest(request_id="1", file_names=[name], session_id=self._session)
        await self._send(BackMsg(file_urls_request=wanted))
        urls = (await self._next("file_urls_response")).file_urls_response.file_urls[0]
        token = self._http.cookies.get("_streamlit_xsrf") or ""
        answer = await self._http.put(
            urls.upload_url, files={"file": (name, data, "image/jpeg")}, headers={"X-Xsrftoken": token}
        )
        answer.raise_for_status()
        info = UploadedFileInfo(name=name, size=len(data), file_id=urls.file_id, file_urls=urls)
        state = WidgetState(id=self._uploader, file_uploader_state_value=FileUploaderState(uploaded_file_info=[info]))
        client = ClientState(query_string="lang=en", widget_states=WidgetStates(widgets=[state]))
        await self._send(BackMsg(rerun_script=client))
        grade, seconds = "", 0.0
        async for message in self._until_finished():
            found = GRADE.search(message.delta.new_element.html.body)
            if found and not grade:
                grade, seconds = found.group(1), time.perf_counter() - began
        return seconds, grade

    async def leave(self) -> None:
        await self._socket.close()
        await self._http.aclose()

    async def _send(self, message: BackMsg) -> None:
        await self._socket.send(message.SerializeToString())

    async def _receive(self) -> ForwardMsg:
        message = ForwardMsg()
        message.ParseFromString(await asyncio.wait_for(self._socket.recv(), LIMIT))
        return message

    async def _next(self, kind: str) -> ForwardMsg:
        while True:
            message = await self._receive()
            if message.WhichOneof("type") == kind:
                return message

    async def _until_finished(self) -> AsyncIterator[ForwardMsg]:
        """What the server sends until the run of the page is over; a run that makes way for another one goes on."""
        while True:
            message = await self._receive()
            yield message
            finished = ForwardMsg.FINISHED_SUCCESSFULLY
            if message.WhichOneof("type") == "script_finished" and message.script_finished == finished:
                return


def picture(number: int) -> bytes:
    """A portrait, a little different for every visitor."""
    with Image.open(io.BytesIO(examples.data("portrait"))) as portrait:
        moved = portrait.convert("RGB").crop((number % 20, 0, 492 + number % 20, 492)).resize((SIDE, SIDE))
    out = io.BytesIO()
    moved.save(out, "JPEG", quality=90)
    return out.getvalue()


async def measured(address: str, sessions: int, process: int) -> Row:
    seconds, opening, errors = [], [], 0
    for turn in range(ROUNDS.get(sessions, 2)):
        visitors = [Visitor(address) for _ in range(sessions)]
        opening += await asyncio.gather(*(visitor.open() for visitor in visitors))
        pictures = [picture(turn * sessions + number) for number in range(sessions)]
        answers = await asyncio.gather(
            *(visitor.hand_in("a.jpg", data) for visitor, data in zip(visitors, pictures, strict=True)), return_exceptions=True
        )
        for answer in answers:
            if isinstance(answer, BaseException) or answer[1] in ("", "failed"):
                errors += 1
            else:
                seconds.append(answer[0])
        await asyncio.gather(*(visitor.leave() for visitor in visitors))
    if not seconds:
        raise SystemExit(f"no answer at all with {sessions} sessions")
    ranked = sorted(seconds)
    p95 = ranked[min(len(ranked) - 1, round(0.95 * (len(ranked) - 1)))]
    return Row(
        sessions, len(seconds), errors, statistics.median(seconds), p95, ranked[-1], statistics.median(opening), memory(process)
    )


def memory(process: int) -> float:
    """The most memory that the server's process has held since it started, in megabytes."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1000


@contextlib.contextmanager
def server() -> Iterator[tuple[str, int]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VERISCOPE_")}
    process = subprocess.Popen([sys.executable, "-m", "veriscope.app", "--port", str(port)], env=environment)
    try:
        for _ in range(300):
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"http://127.0.0.1:{port}/_stcore/health").is_success:
                    break
            time.sleep(0.2)
        yield f"127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait(20)


async def all_measured(address: str, process: int, counts: list[int]) -> list[Row]:
    first = Visitor(address)
    await first.open()
    await first.hand_in("a.jpg", picture(0))  # opens the models
    await first.leave()
    return [await measured(address, count, process) for count in counts]


def batching() -> str:
    """What one view costs when several pictures share a run of the model, on one thread as in the app."""
    card = next(card for card in catalogue(Settings()) if card.task == "scene")
    session = open_session(card.weights_path, card.weights.sha256, threads=1)
    entry, size = session.get_inputs()[0].name, card.input.size
    lines = ["| views a run | milliseconds a view |", "|---|---|"]
    for count in (1, 3, 6, 12, 24):
        pixels = np.random.default_rng(1).normal(size=(count, 3, size, size)).astype(np.float32)
        took = []
        for _ in range(30):
            began = time.process_time()
            session.run(None, {entry: pixels})
            took.append((time.process_time() - began) / count)
        lines.append(f"| {count} | {1000 * statistics.median(took):.1f} |")
    return "\n".join(lines) + "\n"


def told(rows: list[Row], when: str) -> str:
    lines = [
        "# The app under load",
        "",
        f"Measured on {when} by `python scripts/load_app.py --write` on {os.cpu_count()} cores ({platform.machine()}),",
        f"load average at the end {os.getloadavg()[0]:.1f}. Every visitor hands in a portrait of one megapixel at the same",
        "moment. Seconds from handing in to the verdict on the page; memory is the most that the server held until then.",
        "",
        "| visitors at once | answers | errors | median s | 95 % within s | slowest s | page opened in s | memory MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.sessions} | {row.answers} | {row.errors} | {row.median:.2f} | {row.p95:.2f} | {row.worst:.2f} "
        f"| {row.opening:.2f} | {row.memory:.0f} |"
        for row in rows
    ]
    by_count = {row.sessions: row for row in rows}
    if 1 in by_count and 10 in by_count:
        ratio = by_count[10].p95 / by_count[1].median
        lines += ["", f"With ten visitors, 95 % wait at most {ratio:.1f} times as long as the median of a single one."]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 10, 50])
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--batching", action="store_true", help="instead: what it would save to batch across visitors")
    given = parser.parse_args()
    if given.batching:
        print(batching())
        return 0
    when = datetime.now(UTC).date().isoformat()
    with server() as (address, process):
        rows = asyncio.run(all_measured(address, process, given.sessions))
    text = told(rows, when)
    print(text)
    if given.write:
        (DOCS / "bench-app.md").write_text(text, "utf-8")
        facts = {"measured": when, "cores": os.cpu_count(), "side": SIDE, "rows": [dataclasses.asdict(row) for row in rows]}
        (DOCS / "bench-app.json").write_text(json.dumps(facts, indent=2) + "\n", "utf-8")
    return int(any(row.errors for row in rows))


if __name__ == "__main__":
    sys.exit(main())
