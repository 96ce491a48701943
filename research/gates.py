"""How many pictures of each kind the gate of the whole-picture detector refuses, and why.

python -m research.gates --data DATA/images --limit 200
"""

from __future__ import annotations

import argparse
import random
from collections import Counter, defaultdict
from pathlib import Path

from research.datasets import Item, items
from veriscope.detectors.gate import scene_refusal
from veriscope.errors import InputError
from veriscope.ingest import open_media
from veriscope.settings import Settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=200)
    arguments = parser.parse_args()
    kinds: dict[str, list[Item]] = defaultdict(list)
    for item in items([arguments.data]):
        kinds["synthetic" if item.label else item.kind].append(item)
    for kind, members in sorted(kinds.items()):
        count: Counter[str] = Counter()
        for item in random.Random(0).sample(members, min(arguments.limit, len(members))):
            try:
                refusal = scene_refusal(open_media(item.file, Settings()).frames[0])
            except InputError as error:
                count[error.code] += 1
                continue
            count[refusal.code if refusal else "judged"] += 1
        print(kind, dict(count))


if __name__ == "__main__":
    main()
