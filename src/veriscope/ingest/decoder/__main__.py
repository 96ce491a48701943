"""The decoding process: one job, one file on standard input, frames on standard output."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from typing import TYPE_CHECKING, BinaryIO

from veriscope.ingest.decoder.refusal import Refusal
from veriscope.ingest.decoder.wire import Job, send

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def main() -> None:
    job = Job.from_json(sys.argv[1])
    _confine(job)
    out = _own_output()
    file = os.fdopen(0, "rb", buffering=1 << 18)
    try:
        _serve(file, out, job)
    except Refusal as refusal:
        send(out, {"kind": "error", "code": refusal.code, "message": str(refusal)})
    except MemoryError:
        message = "Decoding this video needs more memory than is allowed. Use a smaller copy, or raise decoder_bytes."
        send(out, {"kind": "error", "code": "too_large", "message": message})
    except BrokenPipeError:  # the reader has seen enough
        os._exit(0)


def _confine(job: Job) -> None:
    """Limits of this process, before a byte of the file is read. Where the system has none, the reader's clock remains."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is the reader's to answer
    warnings.simplefilter("ignore")
    try:
        import resource
    except ImportError:
        return
    for what, amount in (
        (resource.RLIMIT_AS, job.max_bytes),
        (resource.RLIMIT_CPU, job.max_seconds_cpu),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (amount, amount))


def _own_output() -> BinaryIO:
    """Standard output for messages alone: whatever a library prints goes nowhere."""
    out = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    return out


def _serve(file: BinaryIO, out: BinaryIO, job: Job) -> None:
    from veriscope.ingest.decoder.pictures import Pictures
    from veriscope.ingest.decoder.streams import Streams

    def alive() -> None:
        send(out, {"kind": "alive"})

    source = Streams(file, job, alive) if job.backend == "streams" else Pictures(file, job)
    send(out, {"kind": "facts", **source.facts()})

    def deliver(time: float, pixels: NDArray[np.uint8], is_cut: bool) -> None:
        height, width, channels = pixels.shape
        header = {"kind": "frame", "time": time, "width": width, "height": height, "channels": channels, "cut": is_cut}
        send(out, header, memoryview(pixels.data).cast("B"))

    send(out, {"kind": "end", **source.run(deliver)})


if __name__ == "__main__":
    main()
