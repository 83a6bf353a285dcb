"""`irkit data clean`: what is old in the user's folder, and its removal."""

from __future__ import annotations


def clean(*, yes: bool = False, all: bool = False) -> int:
    """List what is old in your folder (IRKIT_HOME), with sizes; remove it with --yes.

    Old are indexes of collections that another version of irkit built, caches not used for 30 days,
    and what killed processes left. Recipes, cards, suites, results and downloads stay.

    For example:

        irkit data clean
        irkit data clean --yes

    Parameters
    ----------
    yes
        Remove what is listed.
    all
        List all that irkit can make again, not only what is old.
    """
    from irkit.cli.printing import note, say
    from irkit.evaluate.leftovers import leftovers, remove
    from irkit.locate import home
    from irkit.table import text_table

    found = leftovers(home(), everything=all)
    if not found:
        say(f"{home()}: nothing is {'there that irkit can make again' if all else 'old'}")
        return 0
    say(text_table(["size", "what", "why"], [[size(one.size), one.what, one.why] for one in found]))
    total = size(sum(one.size for one in found))
    if not yes:
        say(f"{total} in {home()}; nothing is removed without --yes")
        return 0
    refused = [error for one in found for error in remove(one)]
    for error in refused:
        note(f"{error.filename} cannot be removed: {error.strerror or error}")
    say(f"{total} removed from {home()}" if not refused else f"{home()}: not all is removed")
    return 1 if refused else 0


def size(count: int) -> str:
    """Write a number of bytes.

    Examples
    --------
    >>> size(512), size(1_234_567), size(5_000_000_000)
    ('512 B', '1.2 MB', '5.0 GB')
    """
    value, units = float(count), ["B", "kB", "MB", "GB", "TB"]
    while value >= 999.5 and len(units) > 1:
        value /= 1000
        units.pop(0)
    return f"{value:.0f} B" if units[0] == "B" else f"{value:.1f} {units[0]}"
