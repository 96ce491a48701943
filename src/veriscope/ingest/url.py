"""An address → bytes of a picture, or a helpful word when it leads to a web page."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urljoin

from veriscope.errors import UnreadableSource, UnsupportedMedia
from veriscope.ingest import container

if TYPE_CHECKING:
    from veriscope.runtime.net import Fetched

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_HEAD = 512 * 1024  # preview tags stand in the head of a page
_OFFERED = 2000  # longest address that is repeated in a message


class Fetches(Protocol):
    """The part of `veriscope.runtime.net.Fetcher` that is used here."""

    def fetch(self, url: str) -> Fetched: ...


def is_address(text: str) -> bool:
    """Whether a text is an address (scheme://…) rather than a path."""
    return _ADDRESS.match(text) is not None


def offline(text: str) -> UnreadableSource:
    return UnreadableSource(
        f"{text} is an address, and offline mode is on. Download the picture and give the file, or run without --offline."
    )


def download(url: str, fetcher: Fetches) -> bytes:
    """The bytes behind an address.

    Raises:
        UnsupportedMedia: it leads to a web page; the message names the picture that the page shows in previews.
        UnsafeUrl, TooLarge, RemoteError: see `veriscope.runtime.net`.
    """
    fetched = fetcher.fetch(url)
    if container.is_page(fetched.data):
        picture = preview_picture(fetched.data, fetched.url_final)
        advice = (
            f"The page shows this one: {picture}" if picture else "Open it in a browser and copy the picture's own address."
        )
        raise UnsupportedMedia(f"This address leads to a web page, not to a picture. {advice}")
    return fetched.data


def preview_picture(page: bytes, base: str) -> str | None:
    """The picture that a page names for previews (Open Graph `og:image`, Twitter card), as an absolute http(s) address.

    It is only offered to the user, never followed: the page's author chose it.
    """
    parser = _Preview()
    parser.feed(page[:_HEAD].decode("utf-8", "replace"))
    try:
        address = urljoin(base, parser.picture.strip())
    except ValueError:
        return None
    usable = parser.picture and address.startswith(("http://", "https://")) and len(address) <= _OFFERED
    return address if usable and address.isprintable() and " " not in address else None


class _Preview(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.picture = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = (given.get("property") or given.get("name") or "").lower()
        if tag == "meta" and not self.picture and name in ("og:image", "og:image:url", "og:image:secure_url", "twitter:image"):
            self.picture = given.get("content") or ""
