"""Every mistake on the page of mistakes gets the very message that it shows, and every message has its form."""

from __future__ import annotations

import re

import pytest

from irkit import errors
from irkit.errors import IrkitError
from tests.docs.pages import ROOT, Shown, run

PAGE = ROOT / "docs" / "guide" / "mistakes.md"
FEWEST = 60
AGAINST_CLASSES = re.compile(r"\b(?:[A-Z][a-z0-9]+){2,}\b|\b\w+Config\b")
"Names of classes, such as RatingsChoice; a word with one capital begins a name of the field."
AGAINST_PYTHON = re.compile(
    r"\bNone\b|\bTrue\b|\bFalse\b|\bNoneType\b|\bdict\b|\btuple\b"  # values and types as Python writes them
    r"|\[['\"]|\{['\"]|\w+=['\"]"  # lists, dicts and keyword arguments
    r"|Traceback|Error:|\bself\b|__"
)


@pytest.fixture(scope="module")
def mistakes(tmp_path_factory) -> list[Shown]:
    """What the page shows and what comes out, with the folders of the page."""
    folder, home = tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("home") / ".irkit"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IRKIT_HOME", str(home))
        patch.setenv("COLUMNS", "80")
        patch.delenv("IRKIT_DATA", raising=False)
        found = [shown for shown in run(PAGE, folder) if shown.expected or shown.actual]
    for shown in found:
        for place, shown_as in ((str(folder), "/home/me/work"), (str(ROOT), "/home/me/irkit")):
            shown.actual = [line.replace(place, shown_as) for line in shown.actual]
    return found


def commands(mistakes: list[Shown]) -> list[Shown]:
    return [shown for shown in mistakes if shown.source.startswith("irkit ")]


def in_python(mistakes: list[Shown]) -> list[Shown]:
    return [shown for shown in mistakes if not shown.source.startswith("irkit ")]


def message(shown: Shown) -> str:
    return shown.actual[0].partition(": ")[2]


def test_there_are_enough_on_the_command_line_and_in_python(mistakes):
    assert len({shown.source for shown in mistakes}) == len(mistakes) >= FEWEST
    assert min(len(commands(mistakes)), len(in_python(mistakes))) >= FEWEST // 2


def test_each_gets_the_message_that_the_page_shows(mistakes):
    wrong = [f"{PAGE.name}:{one.line}: {one.actual}" for one in mistakes if one.actual != one.expected]
    assert not wrong, "\n".join(wrong)


def test_each_is_one_line_that_says_what_was_given_or_what_to_do(mistakes):
    for shown in mistakes:
        assert len(shown.actual) == 1, shown
        assert re.search(r"; \S|, got \S", message(shown)), shown  # what to do, or what was given
        assert "defect" not in message(shown), shown


def test_a_command_fails_with_status_2_and_without_classes_and_python(mistakes):
    for shown in commands(mistakes):
        assert shown.status == 2, shown
        assert shown.actual[0].startswith("irkit: "), shown
        for form in (AGAINST_CLASSES, AGAINST_PYTHON):
            assert not form.search(message(shown)), shown


def test_an_error_in_python_is_of_the_tree(mistakes):
    for shown in in_python(mistakes):
        kind = shown.actual[0].partition(": ")[0].removeprefix("irkit.errors.")
        assert issubclass(getattr(errors, kind), IrkitError), shown


def test_a_misspelt_name_gets_the_right_one(mistakes):
    said = "\n".join(message(shown) for shown in mistakes)
    near = set(re.findall(r"did you mean ([\w.@-]+)", said))
    assert {
        "search",
        "--analyzer",
        "bm25",
        "lee",
        "queries.tsv",
        "nDCG",
        "reg",
        "quickstart",
        "systems",
        "model",
    } <= near


@pytest.mark.parametrize(
    "line",
    [
        "RatingsChoice: split is wrong",
        "cut: takes a CutConfig, got 3",
        "unused Tokens: ['x']",
        "ratings: choose duplicates='last'",
        "lucene: n is not valid, got None",
        "stages are a list, got {'use': 'lucene'}",
    ],
)
def test_the_forms_catch_what_they_are_for(line):
    assert AGAINST_CLASSES.search(line) or AGAINST_PYTHON.search(line)
