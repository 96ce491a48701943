"""Put the Hugging Face Space together: the files of deploy/space and the wheel of the package.

    python scripts/build_space.py [FOLDER]     default: build/space

The folder is what the workflow uploads and what tests/deploy starts. It is emptied first.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILES = ("README.md", "Dockerfile", "requirements.txt", "app.py")


def main(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    for name in FILES:
        shutil.copy(ROOT / "deploy" / "space" / name, folder)
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (folder / ".gitignore").unlink(missing_ok=True)  # `build` writes one that would keep the wheel out of the upload
    print("\n".join(sorted(f"{path.stat().st_size:>12,}  {path.name}" for path in folder.iterdir())))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "space")
