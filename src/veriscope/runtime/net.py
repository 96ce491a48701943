"""The one place that talks to the network: it fetches an address that a stranger may have chosen.

The danger is server-side request forgery: an address that leads the machine to itself, to its neighbours or to the
metadata service of its cloud. So every name is resolved here, every resolved address must be public, and the connection
goes to exactly the address that was checked. Checking first and letting a library resolve again would leave a gap for
DNS rebinding. TLS and the `Host` header still see the name, so certificates are verified as usual.
"""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import ipaddress
import logging
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import httpcore
import httpx

from veriscope._version import __version__
from veriscope.errors import RemoteError, TooLarge, UnsafeUrl
from veriscope.settings import MEBIBYTE, Limits

log = logging.getLogger(__name__)

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Guard: TypeAlias = Callable[[Address], bool]
Resolve: TypeAlias = Callable[[str, int], Sequence[str]]

SCHEMES = ("http", "https")
REDIRECTS = (301, 302, 303, 307, 308)
BY_HAND = "Download the picture in a browser and give the file instead."

# Reserved blocks that `ipaddress` of some supported Python version still calls global, and Azure's public-looking
# metadata and DHCP host.
NOT_PUBLIC = tuple(
    ipaddress.ip_network(block)
    for block in (
        "100.64.0.0/10",
        "168.63.129.16/32",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fec0::/10",
    )
)
NAT64 = ipaddress.ip_network("64:ff9b::/96")
ISATAP = (0x00005EFE, 0x02005EFE)  # RFC 5214: interface identifiers that carry an IPv4 address
LOOKS_NUMERIC = re.compile(r"(^|\.)(0x[0-9a-f]*|[0-9]+)\.?$", re.IGNORECASE)  # WHATWG URL: "ends in a number"


@dataclasses.dataclass(frozen=True, slots=True)
class Fetched:
    """What an address led to. `data` is as sent, neither decompressed nor judged."""

    url_final: str
    content_type: str
    data: bytes


def fetch(url: str, limits: Limits) -> Fetched:
    """The bytes behind a public http(s) address.

    Raises:
        UnsafeUrl: scheme, address or redirect that must not be fetched.
        TooLarge: more than `limits.max_bytes`.
        RemoteError: the network or the server failed, or `limits.fetch_seconds` went by.
    """
    return Fetcher(limits).fetch(url)


def is_public_address(address: Address) -> bool:
    """Whether anybody on the internet could mean this address: not private, local, reserved or a tunnel to such.

    NAT64 (RFC 6052) is how an IPv6-only network reaches IPv4 at all, so the address inside decides.
    """
    if isinstance(address, ipaddress.IPv6Address) and address in NAT64:
        return is_public_address(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    # IANA keeps multicast, reserved and documentation space apart from "global"; Python's flags overlap differently
    # from version to version, so all are asked.
    if address.is_multicast or address.is_reserved or address.is_loopback or address.is_link_local or address.is_unspecified:
        return False
    if address.is_private or not address.is_global:
        return False
    if any(address.version == block.version and address in block for block in NOT_PUBLIC):
        return False
    return all(is_public_address(inner) for inner in _embedded(address))


def _embedded(address: Address) -> Iterator[ipaddress.IPv4Address]:
    """IPv4 addresses that an IPv6 address leads to through a translator or a tunnel."""
    if isinstance(address, ipaddress.IPv4Address):
        return
    if address.ipv4_mapped:
        yield address.ipv4_mapped
    if address.sixtofour:
        yield address.sixtofour
    if address.teredo:
        yield from address.teredo
    if (int(address) >> 32) & 0xFFFFFFFF in ISATAP:
        yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)


def resolve_host(host: str, port: int) -> Sequence[str]:
    """All addresses of a host name, as the operating system finds them."""
    return list(dict.fromkeys(str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


class Fetcher:
    """Fetches addresses within limits. Holds no state between calls and is safe to share among threads.

    `guard` says which addresses may be reached, `resolve` finds them and `tls` holds the trusted authorities. They are
    arguments of this class only, no setting reaches them: tests talk to a server on this machine through them.
    """

    def __init__(
        self,
        limits: Limits,
        guard: Guard = is_public_address,
        resolve: Resolve = resolve_host,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._limits = limits
        self._guard = guard
        self._resolve = resolve
        self._tls = tls

    def fetch(self, url: str) -> Fetched:
        """See `fetch`."""
        deadline = _Deadline(self._limits.fetch_seconds)
        target = _checked_url(url)
        tls = self._tls or httpx.create_ssl_context(trust_env=False)
        for _ in range(self._limits.max_redirects + 1):
            log.debug("fetching %s", target)
            answer = self._get(target, deadline, tls)
            if isinstance(answer, Fetched):
                return answer
            target = answer
        raise UnsafeUrl(f"The address redirects more than {self._limits.max_redirects} times. {BY_HAND}")

    def _get(self, url: httpx.URL, deadline: _Deadline, tls: ssl.SSLContext) -> Fetched | httpx.URL:
        """One request: the content, or where it redirects to."""
        backend = _PinnedBackend(self._guard, self._resolve, deadline)
        with (
            _translated(url, self._limits),
            httpcore.ConnectionPool(ssl_context=tls, network_backend=backend) as pool,
            pool.stream("GET", _core_url(url), headers=_headers(url)) as response,
        ):
            headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
            if response.status in REDIRECTS and "location" in headers:
                return _redirected(url, headers["location"])
            _check_head(response.status, headers, self._limits.max_bytes)
            data = _read(response, self._limits.max_bytes)
        return Fetched(str(url), headers.get("content-type", ""), data)


def _checked_url(text: str) -> httpx.URL:
    """A parsed address without anything that could mean another machine than it seems to."""
    try:
        url = httpx.URL(text.strip())
    except httpx.InvalidURL as error:
        raise UnsafeUrl(f"The address cannot be read ({error}). Check it for typing mistakes.") from None
    if url.scheme not in SCHEMES:
        raise UnsafeUrl(f"Addresses that begin with {url.scheme or 'nothing'}: are not fetched. Use http:// or https://.")
    if url.userinfo:
        raise UnsafeUrl("The address contains a user name or password. Remove the part before the @.")
    if not url.host or "%" in url.host:
        raise UnsafeUrl("The address names no host that can be reached. Check it for typing mistakes.")
    if url.port is not None and not 0 < url.port < 65536:
        raise UnsafeUrl(f"The address names port {url.port}, which does not exist. Ports go from 1 to 65535.")
    if LOOKS_NUMERIC.search(url.host) and not _is_literal(url.host):
        raise UnsafeUrl(
            "The address writes its host as an unusual number. Write it as a name, or as four numbers like 203.0.113.5."
        )
    return url


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _core_url(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


def _headers(url: httpx.URL) -> list[tuple[bytes, bytes]]:
    return [
        (b"Host", url.netloc),
        (b"User-Agent", f"veriscope/{__version__}".encode()),
        (b"Accept", b"image/*,*/*;q=0.5"),
        (b"Accept-Encoding", b"identity"),
        (b"Connection", b"close"),
    ]


def _redirected(url: httpx.URL, location: str) -> httpx.URL:
    try:
        target = url.join(location)
    except httpx.InvalidURL:
        raise UnsafeUrl(f"The address redirects to something that cannot be read. {BY_HAND}") from None
    return _checked_url(str(target))


def _check_head(status: int, headers: dict[str, str], max_bytes: int) -> None:
    if not 200 <= status < 300:
        phrase = http.client.responses.get(status, "unknown")
        raise RemoteError(
            f"The server answered HTTP {status} ({phrase}). Check that the address opens in a browser without signing in."
        )
    if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise RemoteError(f"The server sent the picture compressed although it was asked not to. {BY_HAND}")
    length = headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length) > max_bytes:
        raise _too_large(max_bytes)


def _read(response: httpcore.Response, max_bytes: int) -> bytes:
    # Counted while it arrives: the announced length may be missing or a lie.
    data = bytearray()
    for chunk in response.iter_stream():
        data += chunk
        if len(data) > max_bytes:
            raise _too_large(max_bytes)
    return bytes(data)


def _too_large(max_bytes: int) -> TooLarge:
    return TooLarge(f"The address leads to more than {max_bytes / MEBIBYTE:g} MiB. Use a smaller picture or raise max_bytes.")


@contextlib.contextmanager
def _translated(url: httpx.URL, limits: Limits) -> Iterator[None]:
    """Errors of the HTTP library as ours: the one place that knows them."""
    try:
        yield
    except httpcore.TimeoutException:
        raise RemoteError(
            f"{url.host} did not deliver within {limits.fetch_seconds:g} seconds. Try again later, or raise fetch_seconds."
        ) from None
    except httpcore.ConnectError as error:
        raise RemoteError(f"No connection to {url.host} ({error}). Check the address and the network.") from error
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise RemoteError(f"{url.host} broke off or does not speak HTTP ({error}). Try again later. {BY_HAND}") from error


class _Deadline:
    """Time left for a whole download. Timeouts of single reads would never end a server that sends a byte per second."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self, at_most: float | None = None) -> float:
        left = self._end - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("out of time")
        return left if at_most is None else min(left, at_most)


class _PinnedBackend(httpcore.NetworkBackend):
    """Connects to addresses that were checked, and to no other."""

    def __init__(self, guard: Guard, resolve: Resolve, deadline: _Deadline) -> None:
        self._guard = guard
        self._resolve = resolve
        self._deadline = deadline
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in self._checked(host, port):
            try:
                stream = self._inner.connect_tcp(address, port, self._deadline.left(timeout), local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _TimedStream(stream, self._deadline)
        raise failure or httpcore.ConnectError("the name has no address")

    def _checked(self, host: str, port: int) -> list[str]:
        """The addresses of a host, if every one of them may be reached: one bad one spoils the name."""
        found = [host] if _is_literal(host) else _within(self._deadline, lambda: self._resolve(host, port))
        try:
            allowed = all(self._guard(ipaddress.ip_address(address)) for address in found)
        except ValueError:  # an IPv6 zone such as fe80::1%eth0: local by nature
            allowed = False
        if not allowed:
            raise UnsafeUrl(f"{host} leads to a private or reserved address, which is not fetched. {BY_HAND}")
        return list(found)


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every operation ends when the whole download must."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _TimedStream(self._inner.start_tls(ssl_context, server_hostname, self._deadline.left(timeout)), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _within(deadline: _Deadline, ask: Callable[[], Sequence[str]]) -> Sequence[str]:
    """The answer of the system's resolver, which has no timeout of its own."""
    answer: list[Sequence[str]] = []
    errors: list[OSError | UnicodeError] = []

    def run() -> None:
        try:
            answer.append(ask())
        except (OSError, UnicodeError) as error:
            errors.append(error)

    worker = threading.Thread(target=run, name="veriscope-resolve", daemon=True)
    worker.start()
    worker.join(deadline.left())
    if errors:
        raise httpcore.ConnectError("the name cannot be resolved") from errors[0]
    if not answer:
        raise httpcore.ConnectTimeout("the name was not resolved in time")
    return answer[0]
