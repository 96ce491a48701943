"""Fixtures of the command line tests."""

from cli_runs import bare_environment, damaged, photo, pictures, run

__all__ = ["bare_environment", "damaged", "photo", "pictures", "run"]
