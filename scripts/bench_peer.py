"""The peer's side of scripts/bench.py, run by the Python of the peer's own virtual environment.

Loads its model, judges one picture to warm up, then answers every line of standard input, a JSON list of paths, with the
seconds that it took to judge them all one after the other, which is how its interface works.
"""

from __future__ import annotations

import json
import sys
import time


def main() -> None:
    import sahu65  # type: ignore[import-not-found]

    sahu65.warm()
    sahu65.detect(sys.argv[1])
    print(json.dumps({"ready": sahu65.__version__}), flush=True)
    for line in sys.stdin:
        began = time.perf_counter()
        for path in json.loads(line):
            sahu65.detect(path)
        print(json.dumps(time.perf_counter() - began), flush=True)


if __name__ == "__main__":
    main()
