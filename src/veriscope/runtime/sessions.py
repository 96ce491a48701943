"""The one place that opens ONNX Runtime sessions: CPU, telemetry off, file checked before it is opened."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from veriscope.errors import ChecksumMismatch, WeightsUnavailable

if TYPE_CHECKING:
    import onnxruntime


def verified_bytes(path: Path, sha256: str) -> bytes:
    """The file's bytes, when they are the ones that the card pins.

    Raises:
        WeightsUnavailable: the file cannot be read.
        ChecksumMismatch: the file is another one.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsUnavailable(
            f"The weights {path.name} cannot be read ({error.strerror}). Install veriscope again."
        ) from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ChecksumMismatch(
            f"The weights {path.name} are not the ones that were measured (SHA-256 {found[:12]}…, expected {sha256[:12]}…). "
            "Install veriscope again, or check who changed the file."
        )
    return data


def open_session(path: Path, sha256: str, threads: int = 0) -> onnxruntime.InferenceSession:
    """An ONNX Runtime CPU session over a verified file; safe to run from many threads.

    `threads`: threads of one run; 0 = all cores.

    Raises:
        WeightsUnavailable: the file cannot be read, or is no model that this ONNX Runtime runs.
        ChecksumMismatch: the file is another one.
    """
    return session_over(verified_bytes(path, sha256), path.name, threads)


def session_over(
    data: bytes, name: str, threads: int = 0, external: Mapping[str, bytes] | None = None
) -> onnxruntime.InferenceSession:
    """The same over bytes that somebody has verified.

    Args:
        data: the ONNX file.
        name: what to call it when it cannot be opened.
        threads: threads of one run; 0 = all cores.
        external: bytes of the files that hold its larger tensors, by the names that it has for them. It gets no others: the
            paths in a stranger's file must not be followed.

    Raises:
        WeightsUnavailable: it is no model that this ONNX Runtime runs.
    """
    # Since 1.32 importing ONNX Runtime writes a device id and an event store to the user's cache and sends events to its
    # maker; `disable_telemetry_events` comes too late for both (its Privacy.md, "Disabling Telemetry").
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as problems

    onnxruntime.disable_telemetry_events()
    onnxruntime.set_default_logger_severity(3)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Spinning threads burn the cores that other sessions and the decoder need; arena growth keeps peak memory low.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if external:
        options.add_external_initializers_from_files_in_memory(
            list(external), list(external.values()), [len(part) for part in external.values()]
        )
    faults = (problems.Fail, problems.InvalidGraph, problems.InvalidProtobuf, problems.NotImplemented)
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except (*faults, problems.InvalidArgument, problems.NoSuchFile, problems.RuntimeException) as error:
        raise WeightsUnavailable(
            f"The weights {name} are no model that ONNX Runtime {onnxruntime.__version__} runs. "
            "Install a newer onnxruntime, or ask whoever made the model."
        ) from error
