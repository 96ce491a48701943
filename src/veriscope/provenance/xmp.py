"""Properties of an XMP packet (ISO 16684-1), parsed with entity expansion and document types refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from xml.etree.ElementTree import Element, ParseError  # types only: defusedxml parses

MAX_PACKET = 2 * 1024 * 1024
MAX_VALUES = 2_000

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_PREFIXES = {
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/": "Iptc4xmpExt",
    "http://ns.adobe.com/exif/1.0/": "exif",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://ns.adobe.com/tiff/1.0/": "tiff",
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://www.tc260.org.cn/ns/AIGC/1.0/": "TC260",
}


def properties(packet: bytes) -> Mapping[str, str] | None:
    """The simple properties of known schemas as "prefix:name" → value; None when the packet cannot be read.

    Of a list (`rdf:Bag`, `rdf:Seq`, `rdf:Alt`) the first item counts. Prefixes are those of the specification, whatever
    the packet calls them.
    """
    import defusedxml.ElementTree
    from defusedxml.common import DefusedXmlException

    if len(packet) > MAX_PACKET:
        return None
    try:
        root = defusedxml.ElementTree.fromstring(packet.strip(b"\0 \r\n\t"), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return None
    found: dict[str, str] = {}
    for count, (tag, value) in enumerate(_pairs(root)):
        if count == MAX_VALUES:
            break
        name = _named(tag)
        if name and value:
            found.setdefault(name, value)
    return found


def _pairs(root: Element) -> Iterator[tuple[str, str]]:
    for rdf in [root] if root.tag == f"{_RDF}RDF" else root.findall(f"{_RDF}RDF"):
        for description in rdf.findall(f"{_RDF}Description"):
            yield from description.attrib.items()
            for child in description:
                yield str(child.tag), _value(child)


def _value(element: Element) -> str:
    item = element.find(f"{_RDF}*/{_RDF}li")
    text = (element if item is None else item).text or element.get(f"{_RDF}resource") or ""
    return text.strip()


def _named(tag: str) -> str | None:
    namespace, _, name = tag.removeprefix("{").partition("}")
    prefix = _PREFIXES.get(namespace)
    return f"{prefix}:{name}" if prefix else None
