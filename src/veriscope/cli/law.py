"""`veriscope law`: the law of a country, and where to report."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from veriscope.cli.output import in_colour, to_standard_output, width


def law(
    countries: Annotated[
        list[str] | None, typer.Argument(metavar="[COUNTRY...]", help="DE, US-CA, EU …; none: list all codes.")
    ] = None,
    topic: Annotated[
        list[str] | None, typer.Option(metavar="TOPIC", help="Only this topic; repeatable: ncii, elections …")
    ] = None,
    stale: Annotated[bool, typer.Option("--stale", help="List the records whose review date has passed.")] = False,
    lang: Annotated[str, typer.Option(metavar="CODE", help="Language of the labels.")] = "en",
) -> None:
    """What the law of a country says, and where to report. General information, not legal advice."""
    from datetime import UTC, datetime

    from veriscope import legal
    from veriscope.i18n import catalogue
    from veriscope.report.as_text import render_law

    words = catalogue(lang)
    if stale:
        rows = [f"{row.jurisdiction}  {row.record}  {row.review_by}" for row in legal.stale(datetime.now(UTC).date())]
        to_standard_output(("\n".join(rows) or words.text("cli.law.stale_none")) + "\n")
    elif countries:
        sections = legal.select(countries, topic or ())
        references = legal.law_references(sections), legal.help_references(sections)
        to_standard_output(render_law(*references, words, width(), in_colour(sys.stdout)))
    else:
        to_standard_output(" ".join(legal.jurisdictions()) + "\n")
