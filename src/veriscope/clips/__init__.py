"""The flow for what moves, between the engine and the parts that it uses."""

from veriscope.clips.analysis import ClipAnalysis, Looked

__all__ = ["ClipAnalysis", "Looked"]
