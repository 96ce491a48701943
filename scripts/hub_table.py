"""Write the table of well-known models in docs/hub.md from their cards.

    python scripts/hub_table.py

The table stands between two comments, which stay where they are.
"""

from __future__ import annotations

from pathlib import Path

from veriscope.cli.hub_listing import needs, outputs
from veriscope.detectors.hub.catalogue import Figure, ModelCard, well_known

PAGE = Path(__file__).parents[1] / "docs/hub.md"
BEGIN, END = "<!-- begin: scripts/hub_table.py -->", "<!-- end: scripts/hub_table.py -->"
HEAD = (
    "| Repository | Task | Model and outputs | Needs | Licence, commercial use | Claimed | Measured by others | Beware |",
    "|---|---|---|---|---|---|---|---|",
)


def table() -> str:
    return "\n".join([*HEAD, *map(_row, well_known())])


def _row(card: ModelCard) -> str:
    repository = f"[{card.repository}](https://huggingface.co/{card.repository})"
    recipe = f" Input corrected: {card.preprocessing.reason}" if card.preprocessing else ""
    cells = (
        repository,
        {"scene": "whole picture", "face": "face"}[card.task],
        f"{card.architecture}. {outputs(card)}.{recipe}",
        needs(card),
        f"{card.licence}; {card.commercial_use}",
        _figures(card.claims),
        _figures(card.results),
        " ".join(card.warnings),
    )
    return f"| {' | '.join(cells)} |"


def _figures(figures: tuple[Figure, ...]) -> str:
    return "; ".join(f"{figure.says} ([source]({figure.source}))" for figure in figures) or "–"


def page_with(text: str, rows: str) -> str:
    """The page with the table replaced; a page without the two comments is a `ValueError`."""
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"{PAGE.name} lacks the comments {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{rows}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page_with(PAGE.read_text("utf-8"), table()), "utf-8")
