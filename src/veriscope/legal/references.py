"""Sections of law as the plain references that a report keeps."""

from __future__ import annotations

from collections.abc import Sequence

from veriscope.domain import HelpReference, LawReference
from veriscope.legal.records import LegalSection


def law_references(sections: Sequence[LegalSection]) -> tuple[LawReference, ...]:
    """The laws of all sections with the badges of their day, in order."""
    return tuple(
        LawReference(
            jurisdiction=section.code,
            id=shown.law.id,
            title=shown.law.title_en,
            original_title=shown.law.title,
            citation=shown.law.citation,
            topics=tuple(topic.value for topic in shown.law.topics),
            status=shown.status.value,
            summary=shown.law.summary,
            url=shown.law.link.url,
            checked=shown.law.checked.isoformat(),
            starts=shown.law.applies_from or shown.law.in_force,
            overdue=shown.law.review_by.isoformat() if shown.stale else None,
        )
        for section in sections
        for shown in section.laws
    )


def help_references(sections: Sequence[LegalSection]) -> tuple[HelpReference, ...]:
    """Places to report to, those for people under 18 included whatever the topic, in order and once each."""
    found: dict[tuple[str, str], HelpReference] = {}
    for section in sections:
        minors = section.minors.channels if section.minors else ()
        for channel in (*minors, *section.channels):
            found.setdefault(
                (section.code, channel.name),
                HelpReference(
                    jurisdiction=section.code,
                    name=channel.name,
                    purposes=tuple(purpose.value for purpose in channel.purposes),
                    about=channel.about,
                    phones=channel.phones,
                    url=channel.link.url if channel.link else None,
                    minors=channel.minors,
                    checked=channel.checked.isoformat(),
                ),
            )
    return tuple(found.values())
