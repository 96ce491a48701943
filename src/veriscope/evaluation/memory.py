"""How much memory this process took at most, where the system says so."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

_SELF = Path("/proc/self")


def restart_peak() -> None:
    """Forgets the peak so far (Linux: proc(5), clear_refs), so that the next one is of what comes now."""
    with contextlib.suppress(OSError):
        (_SELF / "clear_refs").write_text("5")


def peak_bytes() -> int | None:
    """Resident memory at its highest since `restart_peak`, everything that was loaded before included; None = not known."""
    try:
        found = re.search(r"^VmHWM:\s*(\d+) kB$", (_SELF / "status").read_text("ascii", "replace"), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None
