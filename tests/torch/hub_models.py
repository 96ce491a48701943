"""Tiny models with random weights, saved by transformers in the layout of the Hub."""

from __future__ import annotations

from typing import Any

import transformers


def pil_processor(family: str) -> Any:
    """The class of a processor that works on Pillow pictures."""
    return getattr(transformers, f"{family}ImageProcessorPil")
