"""What the decoding process answers instead of frames."""

from __future__ import annotations


class Refusal(Exception):
    """The input cannot be analysed. `code`: that of the `InputError` that the reader raises."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
