"""How the embedded detectors are made. Not part of the package, which never imports it."""
