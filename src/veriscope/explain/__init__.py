"""What a reader must know about a report's own limits: codes only."""

from veriscope.explain.coverage import not_checked

__all__ = ["not_checked"]
