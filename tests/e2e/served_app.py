"""Serves the app for tests: as the product does, but addresses of this machine may be fetched.

    python served_app.py PORT

No setting of the product opens that door, so the test opens it here, before the app is loaded.
"""

from __future__ import annotations

import sys

from veriscope.app.__main__ import main
from veriscope.runtime import net

net.Fetcher.__init__.__defaults__ = (lambda address: address.is_loopback, net.resolve_host, None)

if __name__ == "__main__":
    sys.exit(main(["--port", sys.argv[1]]))
