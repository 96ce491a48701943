"""Fetching an address that a stranger may have chosen, against real servers on this machine."""

from __future__ import annotations

import contextlib
import datetime
import http.server
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from veriscope.errors import RemoteError, TooLarge, UnsafeUrl, VeriscopeError
from veriscope.runtime.net import Fetcher, fetch, is_public_address
from veriscope.settings import Limits

LIMITS = Limits(max_bytes=10_000, fetch_seconds=5.0, max_redirects=3)


class Handler(http.server.BaseHTTPRequestHandler):
    def log_request(self, code: object = "-", size: object = "-") -> None:
        pass

    def do_GET(self) -> None:
        host = self.headers["Host"]
        answers: dict[str, tuple[int, dict[str, str], bytes]] = {
            "/picture": (200, {"Content-Type": "image/png"}, b"bytes of a picture"),
            "/host": (200, {}, host.encode()),
            "/encoding": (200, {}, self.headers["Accept-Encoding"].encode()),
            "/exact": (200, {}, b"x" * LIMITS.max_bytes),
            "/large": (200, {}, b"x" * (LIMITS.max_bytes + 1)),
            "/lie": (200, {"Content-Length": "5"}, b"x" * 20_000),
            "/announced": (200, {"Content-Length": "99999999999999999999"}, b"x"),
            "/short": (200, {"Content-Length": "500"}, b"x"),
            "/gzip": (200, {"Content-Encoding": "gzip"}, b"x"),
            "/missing": (404, {}, b"no"),
            "/relative": (302, {"Location": "picture"}, b""),
            "/loop": (301, {"Location": "/loop"}, b""),
            "/private": (302, {"Location": "http://10.0.0.1/picture"}, b""),
            "/metadata": (307, {"Location": "http://169.254.169.254/latest/meta-data/"}, b""),
            "/file": (302, {"Location": "file:///etc/passwd"}, b""),
            "/userinfo": (302, {"Location": "http://user:secret@10.0.0.1/"}, b""),
        }
        status, headers, body = answers[self.path]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def served(tls: ssl.SSLContext | None = None) -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with served() as port:
        yield port


def only_this_machine(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return str(address) == "127.0.0.1"


def local(limits: Limits = LIMITS, tls: ssl.SSLContext | None = None) -> Fetcher:
    return Fetcher(limits, guard=only_this_machine, resolve=lambda host, port: ["127.0.0.1"], tls=tls)


def test_a_picture_arrives_with_its_type_and_final_address(port: int) -> None:
    fetched = local().fetch(f"http://pictures.example:{port}/picture")
    assert fetched.data == b"bytes of a picture"
    assert fetched.content_type == "image/png"
    assert fetched.url_final == f"http://pictures.example:{port}/picture"


def test_the_server_sees_the_name_and_a_request_for_plain_bytes(port: int) -> None:
    assert local().fetch(f"http://pictures.example:{port}/host").data == f"pictures.example:{port}".encode()
    assert local().fetch(f"http://pictures.example:{port}/encoding").data == b"identity"


def test_the_host_header_of_an_ipv6_literal_has_its_brackets() -> None:
    asked: list[bytes] = []

    def talk(connection: socket.socket, stop: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    try:
        with raw_server(talk, "::1", asked) as port:
            Fetcher(LIMITS, guard=lambda address: True).fetch(f"http://[::1]:{port}/")
    except OSError:
        pytest.skip("this machine has no IPv6")
    assert f"Host: [::1]:{port}\r\n".encode() in asked[0]


def test_relative_redirects_are_followed(port: int) -> None:
    fetched = local().fetch(f"http://pictures.example:{port}/relative")
    assert fetched.url_final.endswith("/picture")


def test_proxies_of_the_environment_are_ignored(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert local().fetch(f"http://pictures.example:{port}/picture").data


@pytest.mark.parametrize(
    ("path", "error", "words"),
    [
        ("/large", TooLarge, "MiB"),
        ("/announced", TooLarge, "MiB"),
        ("/short", RemoteError, "broke off"),
        ("/gzip", RemoteError, "compressed"),
        ("/missing", RemoteError, "HTTP 404 (Not Found)"),
        ("/loop", UnsafeUrl, "more than 3 times"),
        ("/private", UnsafeUrl, "private or reserved"),
        ("/metadata", UnsafeUrl, "private or reserved"),
        ("/file", UnsafeUrl, "begin with file:"),
        ("/userinfo", UnsafeUrl, "user name"),
    ],
)
def test_answers_that_are_refused(port: int, path: str, error: type[VeriscopeError], words: str) -> None:
    with pytest.raises(error) as caught:
        local().fetch(f"http://pictures.example:{port}{path}")
    assert words in str(caught.value)


def test_the_limit_itself_is_allowed_and_a_lying_length_cannot_pass_it(port: int) -> None:
    assert len(local().fetch(f"http://pictures.example:{port}/exact").data) == LIMITS.max_bytes
    assert local().fetch(f"http://pictures.example:{port}/lie").data == b"xxxxx"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://example.com/a.jpg", "begin with ftp:"),
        ("file:///etc/passwd", "begin with file:"),
        ("gopher://example.com/", "begin with gopher:"),
        ("//example.com/a.jpg", "begin with nothing:"),
        ("http://user:pw@example.com/", "user name"),
        ("http://example.com@127.0.0.1/", "user name"),
        ("http:///a.jpg", "no host"),
        ("http://[fe80::1%25eth0]/", "no host"),
        ("http://exa\nmple.com/", "cannot be read"),
        ("http://0177.0.0.1/", "cannot be read"),
        ("http://0x7f.1/", "unusual number"),
        ("http://0x7f000001/", "unusual number"),
        ("http://2130706433/", "unusual number"),
        ("http://127.1/", "unusual number"),
        ("http://127.1./", "unusual number"),
        ("http://example.com:0/", "port 0"),
        ("http://example.com:99999/", "port 99999"),
        ("http://127.0.0.1/", "private or reserved"),
        ("http://[::1]:8080/", "private or reserved"),
        ("http://[::ffff:10.0.0.1]/", "private or reserved"),
        ("http://169.254.169.254/latest/meta-data/", "private or reserved"),
    ],
)
def test_addresses_that_are_refused_without_a_connection(url: str, words: str) -> None:
    with pytest.raises(UnsafeUrl) as caught:
        fetch(url, LIMITS)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "resolved",
    [["127.0.0.1"], ["93.184.215.14", "10.0.0.1"], ["93.184.215.14", "::1"], ["fe80::1%eth0"], ["fd00:ec2::254"]],
    ids=lambda resolved: "+".join(resolved),
)
def test_a_name_is_refused_when_any_of_its_addresses_is_private(resolved: list[str]) -> None:
    with pytest.raises(UnsafeUrl, match="private or reserved"):
        Fetcher(LIMITS, resolve=lambda host, port: resolved).fetch("http://pictures.example/")


def test_a_name_is_resolved_once_so_that_it_cannot_rebind(port: int) -> None:
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    asked: list[str] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return next(answers)

    fetcher = Fetcher(LIMITS, guard=only_this_machine, resolve=resolve)
    assert fetcher.fetch(f"http://pictures.example:{port}/picture").data == b"bytes of a picture"
    assert asked == ["pictures.example"]


def test_names_that_do_not_resolve_and_closed_ports_are_remote_errors() -> None:
    def unknown(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(RemoteError, match="cannot be resolved"):
        Fetcher(LIMITS, resolve=unknown).fetch("http://nowhere.example/")
    with contextlib.closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(RemoteError, match="No connection"):
            local().fetch(f"http://pictures.example:{taken.getsockname()[1]}/")


def test_a_resolver_that_hangs_ends_with_the_time_allowed() -> None:
    release = threading.Event()
    began = time.monotonic()

    def slow(host: str, port: int) -> Sequence[str]:
        release.wait(10)
        return []

    with pytest.raises(RemoteError, match=r"within 0\.3 seconds"):
        Fetcher(Limits(fetch_seconds=0.3), resolve=slow).fetch("http://slow.example/")
    assert time.monotonic() - began < 1.5
    release.set()


@contextlib.contextmanager
def raw_server(
    talk: Callable[[socket.socket, threading.Event], None], host: str = "127.0.0.1", asked: list[bytes] | None = None
) -> Iterator[int]:
    stop = threading.Event()
    listener = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)

    def run() -> None:
        connection, _ = listener.accept()
        with contextlib.suppress(OSError), connection:
            request = connection.recv(4096)
            if asked is not None:
                asked.append(request)
            talk(connection, stop)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        stop.set()
        thread.join()
        listener.close()


def drip(start: bytes) -> Callable[[socket.socket, threading.Event], None]:
    def talk(connection: socket.socket, stop: threading.Event) -> None:
        connection.sendall(start)
        while not stop.wait(0.05):
            connection.sendall(b"x")

    return talk


@pytest.mark.parametrize(
    "start",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Slow: ", b""],
    ids=["body", "headers", "status"],
)
def test_a_server_that_drips_is_left_in_time(start: bytes) -> None:
    with raw_server(drip(start)) as port:
        began = time.monotonic()
        with pytest.raises(RemoteError, match=r"within 0\.4 seconds"):
            local(Limits(fetch_seconds=0.4)).fetch(f"http://slow.example:{port}/")
        assert time.monotonic() - began < 1.5


def test_something_else_than_http_is_a_remote_error() -> None:
    mail = raw_server(lambda connection, stop: connection.sendall(b"220 mail.example ESMTP\r\n\r\n"))
    with mail as port, pytest.raises(RemoteError, match="does not speak HTTP"):
        local().fetch(f"http://mail.example:{port}/")


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's and a client's TLS context, where the client trusts a fresh certificate for `name`."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem.write_bytes(private + built.public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cadata=built.public_bytes(serialization.Encoding.PEM).decode())


def test_certificates_are_verified_against_the_name_although_the_address_is_pinned(tmp_path: Path) -> None:
    server, client = certificate(tmp_path, "pictures.example")
    with served(server) as port:
        assert local(tls=client).fetch(f"https://pictures.example:{port}/picture").data == b"bytes of a picture"
        with pytest.raises(RemoteError, match="CERTIFICATE_VERIFY_FAILED"):
            local(tls=client).fetch(f"https://other.example:{port}/picture")
        with pytest.raises(RemoteError, match="CERTIFICATE_VERIFY_FAILED"):
            local().fetch(f"https://pictures.example:{port}/picture")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("93.184.215.14", True),
        ("2606:4700:4700::1111", True),
        ("64:ff9b::808:808", True),  # NAT64 of 8.8.8.8
        ("64:ff9b::a00:1", False),  # NAT64 of 10.0.0.1
        ("64:ff9b:1::808:808", False),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("100.100.100.200", False),
        ("168.63.129.16", False),
        ("192.0.0.192", False),
        ("198.18.0.1", False),
        ("203.0.113.5", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("::7f00:1", False),  # IPv4-compatible
        ("::ffff:127.0.0.1", False),
        ("::ffff:a9fe:a9fe", False),
        ("2002:7f00:1::", False),  # 6to4 of 127.0.0.1
        ("2002:a00:1::1", False),
        ("2001:0:a00:1::1", False),  # Teredo
        ("2606:4700::5efe:a00:1", False),  # ISATAP of 10.0.0.1
        ("fd00:ec2::254", False),
        ("fc00::1", False),
        ("fe80::1", False),
        ("fec0::1", False),
        ("ff02::1", False),
        ("2001:db8::1", False),
        ("3fff::1", False),
        ("5f00::1", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public_address(ipaddress.ip_address(address)) is public
