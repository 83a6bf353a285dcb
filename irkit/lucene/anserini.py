"""Texts of documents in indexes that Anserini or pyserini built from JSON: they store the source, not the text.

The fields are joined as Anserini's collections join them before they index:
JsonCollection, BeirFlatCollection, MsMarcoV2PassageCollection, MsMarcoV2DocCollection.
"""

from __future__ import annotations

import json
from typing import Any

_ABOVE = ("url", "title", "headings")
_MS_MARCO = ("passage", "body", "segment")


def text_of(raw: str) -> str:
    """Return what Anserini indexed of a stored source; a source in no known form comes back as it is.

    Examples
    --------
    >>> text_of('{"id": "d1", "contents": "Storm warning"}')
    'Storm warning'
    >>> text_of('{"_id": "d1", "title": "Storm", "text": "Rain and wind."}')
    'Storm\\nRain and wind.'
    >>> text_of("<DOC>Storm</DOC>")
    '<DOC>Storm</DOC>'
    """
    if not raw.lstrip().startswith("{"):
        return raw
    try:
        source = json.loads(raw)
    except (ValueError, RecursionError):
        return raw
    if isinstance(source.get("contents"), str):
        return str(source["contents"])
    if _texts(source, "text") and "_id" in source:
        return "\n".join(_texts(source, "title", "text"))
    last = next((field for field in _MS_MARCO if _texts(source, field)), None)
    return raw if last is None else "\n".join(_texts(source, *_ABOVE, last))


def _texts(source: dict[str, Any], *fields: str) -> list[str]:
    return [source[field] for field in fields if isinstance(source.get(field), str)]
