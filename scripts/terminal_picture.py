"""Draw the terminal output on a real picture, for the README.

python scripts/terminal_picture.py docs/images/terminal.svg
"""

import contextlib
import io
import re
import shutil
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from rich.console import Console
from rich.text import Text

from veriscope import Engine
from veriscope.i18n import catalogue
from veriscope.report.as_text import render

WIDTH = 100


def main() -> None:
    target = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        picture = Path("china.jpg")  # the name is shown as it was given
        shutil.copy(str(files("sklearn.datasets.images") / "china.jpg"), picture)
        report = Engine().analyze(picture)
    text = render(report, catalogue("en"), WIDTH, colour=True)
    console = Console(width=WIDTH, record=True, file=io.StringIO(), color_system="standard", force_terminal=True)
    console.print(Text("$ veriscope analyze china.jpg", "bold"))
    console.print(Text.from_ansi(text))
    drawn = console.export_svg(title="veriscope")
    # The drawing must not load a font from elsewhere.
    drawn = re.sub(r"@font-face\s*\{.*?\}", "", drawn, flags=re.DOTALL).replace("Fira Code", "ui-monospace, Menlo, Consolas")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join(line.rstrip() for line in drawn.splitlines()) + "\n", "utf-8")


if __name__ == "__main__":
    main()
