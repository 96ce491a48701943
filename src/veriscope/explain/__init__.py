"""Which findings matter, in what order, and what was not looked at: codes only."""

from veriscope.explain.coverage import not_checked
from veriscope.explain.findings import key_findings

__all__ = ["key_findings", "not_checked"]
