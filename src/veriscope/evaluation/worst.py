"""Small pictures of the worst errors, made anew from the decoded files: nothing of the originals but pixels enters a page."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from veriscope.errors import VeriscopeError
from veriscope.evaluation.compare import Comparison
from veriscope.evaluation.labelled import Example
from veriscope.ingest import open_media
from veriscope.ingest.variants import thumbnail
from veriscope.settings import Settings


def thumbnails(comparison: Comparison, examples: Sequence[Example], settings: Settings) -> dict[str, str]:
    """SHA-256 → a JPEG as base64, for each picture among the worst errors; clips have none."""
    wanted = {error.sha256 for one in comparison.contenders for error in (*one.accused, *one.missed)}
    found = {}
    for example in examples:
        if example.sha256 in wanted:
            with contextlib.suppress(VeriscopeError), contextlib.closing(open_media(example.path, settings)) as media:
                if media.frames:
                    found[example.sha256] = thumbnail(media.frames[0], None)
    return found
