"""Pictures, containers and signed files for the provenance tests, all made here."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import hashlib
import io
import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import c2pa
import numpy as np
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID
from PIL import Image

from veriscope.domain import Media, MediaFacts, MediaKind, Signal, Source, SourceKind, Views

EMAIL = ExtendedKeyUsageOID.EMAIL_PROTECTION.dotted_string
MICROSOFT = "1.3.6.1.4.1.311.76.59.1.9"  # key purpose of its Content Credentials
IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def views(data: bytes, container: str, exif: bytes = b"") -> Views:
    """Views of a file as the ingest step would make them, without decoded frames."""
    source = Source(SourceKind.BYTES, "-")
    facts = MediaFacts(source, MediaKind.IMAGE, hashlib.sha256(data).hexdigest(), len(data), container, 64, 64)
    return Views(Media(facts, data, (), exif), ())


@functools.cache
def picture(container: str) -> bytes:
    """A picture of noise without any metadata."""
    if container == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    noise = np.random.default_rng(7).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, container)
    return buffer.getvalue()


def codes(signal: Signal) -> dict[str, Any]:
    """The tendency of each finding by code; the last of a code counts."""
    return {finding.code: finding.tendency for finding in signal.findings}


def params(signal: Signal, code: str) -> Mapping[str, Any]:
    return next(finding.params for finding in signal.findings if finding.code == code)


def jpeg_with(*parts: tuple[int, bytes]) -> bytes:
    """A JPEG with segments (marker, content) after its start."""
    plain = picture("JPEG")
    extra = b"".join(b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data for marker, data in parts)
    return plain[:2] + extra + plain[2:]


def png_with(*parts: tuple[bytes, bytes]) -> bytes:
    """A PNG with chunks (name, content) after its header."""
    plain = picture("PNG")
    head = 8 + 25
    extra = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )
    return plain[:head] + extra + plain[head:]


def png_text(**texts: str) -> bytes:
    """A PNG with text chunks."""
    return png_with(*((b"tEXt", name.encode() + b"\0" + text.encode("latin-1")) for name, text in texts.items()))


def webp_with(*parts: tuple[bytes, bytes]) -> bytes:
    plain = picture("WEBP")
    extra = b"".join(name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for name, data in parts)
    body = plain[8:] + extra
    return b"RIFF" + struct.pack("<I", len(body)) + body


def exif(tags: Mapping[int, Any], photo: Mapping[int, Any] | None = None, gps: Mapping[int, Any] | None = None) -> bytes:
    """An EXIF block."""
    block = Image.Exif()
    block.update(tags)
    block.get_ifd(0x8769).update(photo or {})
    if gps is not None:
        block.get_ifd(0x8825).update(gps)
    return block.tobytes()


def xmp(inner: str, attributes: str = "") -> bytes:
    """An XMP packet whose description has these attributes and elements."""
    spaces = {
        "xmp": "http://ns.adobe.com/xap/1.0/",
        "dc": "http://purl.org/dc/elements/1.1/",
        "photoshop": "http://ns.adobe.com/photoshop/1.0/",
        "exif": "http://ns.adobe.com/exif/1.0/",
        "tiff": "http://ns.adobe.com/tiff/1.0/",
        "TC260": "http://www.tc260.org.cn/ns/AIGC/1.0/",
        "ext": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    }
    names = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in spaces.items())
    body = f'<rdf:RDF {names}><rdf:Description rdf:about="" {attributes}>{inner}</rdf:Description></rdf:RDF>'
    head = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    return (head + body + '</x:xmpmeta>\n   <?xpacket end="w"?>').encode()


XMP_APP1 = b"http://ns.adobe.com/xap/1.0/\0"


@dataclasses.dataclass(frozen=True)
class Authority:
    """A certificate chain for signing: PEM texts."""

    chain: str
    key: str
    anchor: str


def authority(seconds: float = 86_400.0, responder: str = "http://127.0.0.1:9/", purpose: str = EMAIL) -> Authority:
    """A certificate authority and a signer whose certificate is valid for so long and names this OCSP responder."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name, name = _name("Test Authority", "Test Root"), _name("Test Organisation", "Test Signer")
    revocation = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(responder))
    root = (
        _certificate(root_name, root_name, root_key, 86_400.0)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage("key_cert_sign"), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    leaf = (
        _certificate(name, root_name, key, seconds)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier(purpose)]), critical=False)
        .add_extension(x509.AuthorityInformationAccess([revocation]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    pem = [certificate.public_bytes(serialization.Encoding.PEM).decode() for certificate in (leaf, root)]
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Authority("".join(pem), private.decode(), pem[1])


def _name(organisation: str, common: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation), x509.NameAttribute(NameOID.COMMON_NAME, common)]
    )


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, seconds: float
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
    builder = builder.not_valid_after(now + datetime.timedelta(seconds=seconds))
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)


def _usage(allowed: str) -> x509.KeyUsage:
    names = ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"]
    names += ["key_cert_sign", "crl_sign", "encipher_only", "decipher_only"]
    return x509.KeyUsage(**{name: name == allowed for name in names})


def signed(
    signer: Authority,
    *actions: Mapping[str, Any],
    data: bytes | None = None,
    container: str = "JPEG",
    intent: Any = None,
    remote: str | None = None,
    mime: str | None = None,
) -> bytes:
    """A picture, or what `mime` says, with a Content Credential of these actions. `remote`: only a reference is embedded."""
    manifest = {
        "claim_generator_info": [{"name": "Test Editor", "version": "1.0"}],
        "title": "a picture",
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": list(actions)}}],
    }
    builder_settings = {"thumbnail": {"enabled": False}, **({"intent": intent} if intent else {})}
    context = c2pa.Context.from_dict(
        {"builder": builder_settings, "trust": {"trust_anchors": signer.anchor, "trust_config": MICROSOFT}}
    )
    info = c2pa.C2paSignerInfo(c2pa.C2paSigningAlg.ES256, signer.chain.encode(), signer.key.encode(), None)
    target = io.BytesIO()
    with c2pa.Signer.from_info(info) as pen, c2pa.Builder.from_json(json.dumps(manifest), context=context) as builder:
        if remote:
            builder.set_no_embed()
            builder.set_remote_url(remote)
        builder.sign(pen, mime or f"image/{container.lower()}", io.BytesIO(data or picture(container)), target)
    return target.getvalue()


def created(term: str) -> dict[str, Any]:
    """The action "created" with a digital source type."""
    return {
        "action": "c2pa.created",
        "digitalSourceType": IPTC + term,
        "softwareAgent": {"name": "Test Generator", "version": "2"},
    }
