"""What a call of a tool gave."""

from __future__ import annotations

import json


def of(result):
    """Return what a call gave, which stands in it twice: as a value and as JSON."""
    assert not result.is_error, result.content[0].text
    assert json.loads(result.content[0].text) == result.structured_content
    return result.structured_content


def error(result):
    assert result.is_error
    assert result.structured_content is None
    (content,) = result.content
    assert "\n" not in content.text
    return content.text
