"""The vocabulary: Source → Media → Views → Signal → Verdict → Report.

Small frozen types that every part shares. They hold no sentence in any language: a `Finding` is a code with
parameters, and the catalogues in `veriscope.i18n` turn codes into words. They hold no behaviour beyond their own
invariants, so a report can be stored, sent and read again years later.

Numbers called `probability` are P(synthetic or manipulated), 0.0–1.0, after calibration; `raw` is what the model said
before calibration (0.0–1.0, the same direction). Coordinates are pixels of the upright picture, origin top left.
"""

from veriscope.domain.clip import Clip, Progress, Sample, Strategy, TellingFrame, Track, VideoFacts
from veriscope.domain.finding import Box, Finding, Params, Scalar, Tendency
from veriscope.domain.media import (
    OVERVIEW_LONG,
    OVERVIEW_SHORT,
    CropRecipe,
    Ending,
    Face,
    Frame,
    FrameSource,
    Media,
    MediaFacts,
    MediaKind,
    Source,
    SourceKind,
    Views,
)
from veriscope.domain.report import (
    SCHEMA,
    SHOWN_MAX,
    SHOWN_MIN,
    Failure,
    Grade,
    HelpReference,
    LawReference,
    Plain,
    Report,
    Verdict,
    Versions,
    plain,
)
from veriscope.domain.signal import (
    Analyser,
    DenseMap,
    Detector,
    OperatingPoints,
    Opinion,
    Recheck,
    Score,
    Signal,
    SignalKind,
    Status,
)

__all__ = [
    "OVERVIEW_LONG",
    "OVERVIEW_SHORT",
    "SCHEMA",
    "SHOWN_MAX",
    "SHOWN_MIN",
    "Analyser",
    "Box",
    "Clip",
    "CropRecipe",
    "DenseMap",
    "Detector",
    "Ending",
    "Face",
    "Failure",
    "Finding",
    "Frame",
    "FrameSource",
    "Grade",
    "HelpReference",
    "LawReference",
    "Media",
    "MediaFacts",
    "MediaKind",
    "OperatingPoints",
    "Opinion",
    "Params",
    "Plain",
    "Progress",
    "Recheck",
    "Report",
    "Sample",
    "Scalar",
    "Score",
    "Signal",
    "SignalKind",
    "Source",
    "SourceKind",
    "Status",
    "Strategy",
    "TellingFrame",
    "Tendency",
    "Track",
    "Verdict",
    "Versions",
    "VideoFacts",
    "Views",
    "plain",
]
