"""The label that Chinese law asks makers and platforms of AI content to write into a file's metadata.

GB 45438-2025 (mandatory from 1 September 2025), annex E: a field whose name contains "AIGC" holds an object
{"AIGC": {"Label": "1", "ContentProducer": …, "ProduceID": …, "ReservedCode1": …, "ContentPropagator": …, "PropagateID": …,
"ReservedCode2": …}}, all strings. "Label" is "1" for what is AI-made, "2" for what may be, "3" for what is suspected to be. The
practice guide TC260-PG-20258A (www.tc260.org.cn/front/postDetail.html?id=20250828165129) shows how files carry it: video as the
metadata key AIGC of the container, pictures as the property AIGC of the XMP namespace http://www.tc260.org.cn/ns/AIGC/1.0/,
both with the inner object alone. Who sets which value: Measures for Labelling AI-Generated Synthetic Content (in force from
1 September 2025), article 6.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from veriscope.domain import Finding, Tendency

_FIELDS = ("container:aigc", "video:aigc", "xmp:TC260:AIGC", "png:AIGC")
_MEANINGS = {
    "1": ("metadata.aigc_label", Tendency.SYNTHETIC_CLAIMED),
    # An uploader's word or a platform's guess about somebody else's file: told, and no claim of the maker.
    "2": ("metadata.aigc_possible", Tendency.NEUTRAL),
    "3": ("metadata.aigc_suspected", Tendency.NEUTRAL),
}


def findings(values: Mapping[str, str]) -> Iterator[Finding]:
    """What the label says, from the first field that carries one. `values`: by place and name, as `fields.Fields` has them."""
    for name in _FIELDS:
        meaning = _MEANINGS.get(_label(values.get(name, "")))
        if meaning is not None:
            code, tendency = meaning
            yield Finding(code, {"field": name}, tendency)
            return


def _label(value: str) -> str:
    """The value of "Label"; "" for what is no label. Some writers make it a number."""
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return ""
    inner = found.get("AIGC", found) if isinstance(found, dict) else None
    label = inner.get("Label") if isinstance(inner, dict) else None
    return str(label) if isinstance(label, str) or type(label) is int else ""
