"""Keep one open issue that lists the law records whose review date has passed.

    python scripts/law_issue.py [--print] [--on YYYY-MM-DD]

Run by .github/workflows/law.yml. Needs `gh` with a token that may write issues. `--print` only prints the text. One issue,
edited in place and closed when nothing is left: an issue a week would be ignored by the third.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime

from veriscope import legal
from veriscope.legal import StaleRecord

LABEL = "law-review"
TITLE = "Law records are due for review"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--print", action="store_true", help="print the text and change nothing")
    parser.add_argument("--on", type=date.fromisoformat, default=datetime.now(UTC).date(), help="as if it were that day")
    given = parser.parse_args(arguments)
    records = legal.stale(given.on)
    if given.print:
        print(text(records, given.on) if records else "No record is past its review date.")
        return 0
    print(keep(records, given.on))
    return 0


def text(records: Sequence[StaleRecord], on: date) -> str:
    """The issue in Markdown: what is due, where it lies, and what to do."""
    rows = [f"| {row.jurisdiction} | {row.record} | {row.review_by} |" for row in records]
    return "\n".join(
        (
            f"{len(records)} law records or channels passed their review date by {on}. Until somebody checks them,",
            'readers see them as "not confirmed".',
            "",
            "| jurisdiction | record | review by |",
            "| --- | --- | --- |",
            *rows,
            "",
            "For each: open the official link, correct `src/veriscope/legal/data/<jurisdiction>.toml` if the law changed,",
            "and set its date of checking. See docs/legal.md.",
        )
    )


def keep(records: Sequence[StaleRecord], on: date) -> str:
    """Open, edit or close the issue; returns what was done."""
    number = _open_issue()
    if not records:
        if number is None:
            return "Nothing is due, and no issue is open."
        _gh("issue", "close", number, "--comment", f"Nothing is due on {on}.")
        return f"Closed issue {number}: nothing is due."
    body = text(records, on)
    if number is not None:
        _gh("issue", "edit", number, "--body-file", "-", stdin=body)
        return f"Edited issue {number}: {len(records)} due."
    _gh("label", "create", LABEL, "--force", "--description", "A law record is past its review date")
    url = _gh("issue", "create", "--title", TITLE, "--label", LABEL, "--body-file", "-", stdin=body).strip()
    return f"Opened {url}: {len(records)} due."


def _open_issue() -> str | None:
    found = json.loads(_gh("issue", "list", "--label", LABEL, "--state", "open", "--limit", "1", "--json", "number"))
    return str(found[0]["number"]) if found else None


def _gh(*arguments: str, stdin: str = "") -> str:
    return subprocess.run(["gh", *arguments], input=stdin, stdout=subprocess.PIPE, text=True, check=True).stdout


if __name__ == "__main__":
    sys.exit(main())
