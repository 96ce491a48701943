"""Write the pictures that a manifest names into a folder, from local git copies of their repositories.

    python -m research.collect --manifest faces --git-root ROOT --out DATA

A manifest (research/manifests/<name>.csv.gz) names single files by repository and git blob, which is their hash: whoever has a
copy of the repository has exactly our picture, and nobody's picture is passed on by us. ROOT holds a folder `owner+name` per
repository. Files land in DATA/<name>/<source>/<blob>.<suffix>, with DATA/<name>/index.csv beside them; what a local copy
lacks is counted and skipped.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

MANIFESTS = Path(__file__).parent / "manifests"
Row = dict[str, str]


def manifest(name: str) -> list[Row]:
    """The rows of research/manifests/<name>.csv.gz."""
    with gzip.open(MANIFESTS / f"{name}.csv.gz", "rt", newline="") as handle:
        return list(csv.DictReader(handle))


def git_directory(root: Path, repository: str) -> Path | None:
    """The git directory of a local copy, with or without a work tree, or None."""
    base = root / repository.replace("/", "+", 1)
    candidates = (base / "repo" / ".git", base / "repo", base / ".git", base)
    return next((found for found in candidates if (found / "HEAD").is_file()), None)


def blobs(directory: Path, rows: list[Row]) -> Iterator[tuple[Row, bytes]]:
    """Each row with its file's bytes; rows whose blob the copy lacks are left out."""
    command = ["git", "--git-dir", str(directory), "cat-file", "--batch"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as git:
        assert git.stdin is not None
        assert git.stdout is not None
        for row in rows:
            git.stdin.write(row["blob"].encode() + b"\n")
            git.stdin.flush()
            header = git.stdout.readline().split()
            if len(header) == 3 and header[1] == b"blob":
                data = git.stdout.read(int(header[2]) + 1)[:-1]
                yield row, data
        git.stdin.close()


def collect(rows: list[Row], root: Path, out: Path) -> int:
    """Write the rows' files and the index; the number written."""
    by_repository: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_repository[row["repo"]].append(row)
    index: list[Row] = []
    for repository, wanted in sorted(by_repository.items()):
        directory = git_directory(root, repository)
        if directory is None:
            print(f"no local copy of {repository}: {len(wanted)} skipped")
            continue
        for row, data in blobs(directory, wanted):
            name = f"{(row.get('source') or repository).replace('/', '+')}/{row['blob']}{Path(row['path']).suffix.lower()}"
            target = out / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            index.append({"file": name, **row})
    if index:
        with (out / "index.csv").open("w", newline="") as handle:
            writer = csv.DictWriter(handle, list(index[0]))
            writer.writeheader()
            writer.writerows(index)
    return len(index)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--manifest", required=True)
    parser.add_argument("--git-root", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    rows = manifest(arguments.manifest)
    print(f"{collect(rows, arguments.git_root, arguments.out / arguments.manifest)} of {len(rows)} written")


if __name__ == "__main__":
    main()
