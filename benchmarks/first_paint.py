"""The page of a service, from nothing: milliseconds until a browser first paints it, and until it shows an answer."""

from __future__ import annotations

import statistics
from typing import Any
from urllib.parse import quote

WANTED = "< 1000"

PAINTED = "performance.getEntriesByName('first-contentful-paint')[0].startTime"

ANSWERED = """new Promise(done => {
  const found = () => document.querySelector('.hit, .empty, .problem');
  const look = () => found() ? done(performance.now()) : requestAnimationFrame(look);
  look();
})"""


def first_paint(url: str, query: str, *, repeats: int = 5) -> list[dict[str, Any]]:
    """Open the page of a service at `url` with a query, each time in a fresh browser that holds nothing of it.

    Returns
    -------
    list of dict
        `figure`, `measured` (the median, in milliseconds since the address was opened) and `wanted`; empty without
        Chromium.
    """
    from tests.report.chromium import Browser, chromium

    path = chromium()
    if path is None:
        return []
    painted, answered = [], []
    for _ in range(repeats):
        with Browser(path) as browser:
            browser.open(f"{url.rstrip('/')}/#/search?q={quote(query)}")
            answered.append(browser.js(ANSWERED))
            painted.append(browser.js(PAINTED))
    return [
        {"figure": "page, ms to the first paint", "measured": statistics.median(painted), "wanted": WANTED},
        {"figure": "page, ms to the first answer", "measured": statistics.median(answered), "wanted": ""},
    ]
