"""Pure functions from signals to a verdict: no model, no file, no screen."""

from veriscope.fusion.verdict import decide, needs_recheck

__all__ = ["decide", "needs_recheck"]
