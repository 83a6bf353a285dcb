"""Make the picture of a board that the README shows: `python -m tests.report.picture`.

It runs the suite quickstart, opens its page in Chromium and keeps the first board's table and chart.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.report.chromium import Browser, chromium

PICTURE = Path(__file__).parents[2] / "docs" / "guide" / "pictures" / "board.png"
WIDTH, HEIGHT = 1000, 1370
LEFT_OUT = "header, .name .hint, .tools, .copies, .savers, .board > .notes, .chart > .legend"
"Of the page, to keep the picture small."


def main() -> None:
    """Write the picture."""
    from irkit.evaluate import run_suite
    from irkit.report import write_report

    path = chromium()
    if path is None:
        raise SystemExit("picture: needs Chromium or Chrome on PATH")
    result = run_suite("quickstart", looks=True, progress=True)
    with tempfile.TemporaryDirectory() as folder, Browser(path) as browser:
        browser.open(write_report(result, Path(folder) / "board.html"), width=WIDTH, height=HEIGHT)
        browser.js(f"document.querySelectorAll('{LEFT_OUT}').forEach(one => one.remove())")
        browser.js("document.body.style.paddingTop = '0'; document.querySelector('#board-1').style.marginTop = '2rem'")
        PICTURE.write_bytes(browser.screenshot(whole=False))
    print(f"{PICTURE}: {PICTURE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
