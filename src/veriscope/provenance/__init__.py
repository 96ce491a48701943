"""Declared evidence: what a file says about its own origin, and whether anybody vouches for it.

Absence is neutral: most pictures carry nothing, because messengers and web sites remove it.
"""

from __future__ import annotations

from veriscope.domain import Analyser
from veriscope.provenance.content_credentials import ContentCredentials
from veriscope.provenance.generators import GeneratorTraces
from veriscope.provenance.metadata import Metadata
from veriscope.provenance.watermarks import Watermarks
from veriscope.settings import Settings

__all__ = ["analysers"]


def analysers(settings: Settings) -> tuple[Analyser, ...]:
    """All provenance analysers, signed evidence first.

    Raises:
        DataError: `settings.trust_anchors` cannot be read.
    """
    return (ContentCredentials(settings), Metadata(settings), GeneratorTraces(settings), Watermarks(settings))
