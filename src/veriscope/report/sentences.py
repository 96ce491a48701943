"""A report's codes as sentences, before any form is chosen: what text and HTML share."""

from __future__ import annotations

import dataclasses
import enum

from veriscope.domain import (
    SHOWN_MAX,
    SHOWN_MIN,
    Finding,
    Grade,
    LawReference,
    MediaFacts,
    Report,
    Signal,
    Status,
    Tendency,
)
from veriscope.i18n import Catalogue
from veriscope.report import timeline

SHAPES = {
    Grade.DECLARED_SYNTHETIC: "◆",
    Grade.STRONG_EVIDENCE: "▲",
    Grade.SOME_EVIDENCE: "△",
    Grade.UNCERTAIN: "◐",
    Grade.NO_EVIDENCE_FOUND: "○",
    Grade.NOT_ASSESSABLE: "–",
}
"""Shape, word and colour say the same, so that none of them has to be seen."""

# Typography of French, Spanish and German, the joiners of Arabic and Hindi, and the isolates around values in Arabic; Python
# calls them unprintable. Unlike overrides, isolates cannot turn a name around.
_KEPT = "\u00a0\u202f\u200c\u200d\u2068\u2069"


class Tone(enum.StrEnum):
    """How loudly a line of evidence is drawn."""

    SUSPICIOUS = "suspicious"
    NEUTRAL = "neutral"
    SILENT = "silent"  # said nothing: not applicable, unavailable or failed


@dataclasses.dataclass(frozen=True, slots=True)
class Evidence:
    """One analyser's line: its name, what it says, its probability in words, and how often it is wrong."""

    source: str
    name: str
    status: Status
    tone: Tone
    lines: tuple[str, ...]
    probability: str | None
    rate: str | None


def safe(text: str) -> str:
    """Without control and direction characters: a file name or a metadata field must not steer what a reader sees."""
    return "".join(character if character.isprintable() or character in _KEPT else "�" for character in text)


def score_line(report: Report, words: Catalogue) -> str:
    """The likelihood with its interval in one sentence, or why there is none."""
    score, interval = report.verdict.score, report.verdict.interval
    if score is None or interval is None:
        return words.text("score.none")
    low, high = interval
    return words.text("score.line", {"score": words.percent(score), "low": words.percent(low), "high": words.percent(high)})


def evidence(signal: Signal, words: Catalogue) -> Evidence:
    """What one analyser said, as sentences."""
    lines = [signal.reason] if signal.reason is not None else list(signal.findings)
    return Evidence(
        source=signal.source,
        name=source_name(signal.source, words),
        status=signal.status,
        tone=_tone(signal),
        lines=tuple(safe(words.finding(line)) for line in lines),
        probability=words.percent(shown(signal.probability)) if signal.probability is not None else None,
        rate=_rate(signal, words),
    )


def source_name(source: str, words: Catalogue) -> str:
    """What people call an analyser; a foreign one without words keeps its id."""
    return words.text(f"source.{source}") if words.has(f"source.{source}") else safe(source)


def shown(probability: float) -> float:
    """A probability as people may see it: never certain."""
    return min(max(probability, SHOWN_MIN), SHOWN_MAX)


def sentences(findings: tuple[Finding, ...], words: Catalogue) -> tuple[str, ...]:
    return tuple(safe(words.finding(finding)) for finding in findings)


def described(facts: MediaFacts) -> str:
    """Format, sides, length and size of the file."""
    size = f"{facts.size_bytes / 1000:,.0f} kB" if facts.size_bytes < 1_000_000 else f"{facts.size_bytes / 1_000_000:,.1f} MB"
    length = f" · {timeline.clock(facts.duration)} · {facts.video.codec}" if facts.video and facts.duration else ""
    return f"{facts.format} · {facts.width} × {facts.height}{length} · {size}"


def badge(reference: LawReference, words: Catalogue) -> str:
    """A law's status with its date: an enacted law says when it begins to apply, every other one when it was checked."""
    date = reference.starts if reference.status == "enacted" and reference.starts else reference.checked
    return words.text(f"legal.status.{reference.status}", {"date": date})


def overdue(reference: LawReference, words: Catalogue) -> str | None:
    """Why a law that has not been checked in time is shown as not confirmed."""
    return words.text("legal.stale", {"date": reference.overdue}) if reference.overdue else None


def _tone(signal: Signal) -> Tone:
    if signal.status is not Status.OK:
        return Tone.SILENT
    loud = (Tendency.SUSPICIOUS, Tendency.SYNTHETIC_CLAIMED, Tendency.SYNTHETIC_SIGNED)
    return Tone.SUSPICIOUS if any(finding.tendency in loud for finding in signal.findings) else Tone.NEUTRAL


def _rate(signal: Signal, words: Catalogue) -> str | None:
    """How often a suspicious answer of this strength is wrong, as measured; nothing for an answer that accuses nobody."""
    points, probability = signal.points, signal.probability
    if points is None or probability is None or probability < points.some:
        return None
    rate = points.fpr_strong if probability >= points.strong else points.fpr_some
    return words.text("score.rate", {"rate": words.percent(rate)})
