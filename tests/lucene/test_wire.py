"""Tests of irkit.lucene.wire."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irkit.errors import JavaError
from irkit.lucene.jvm import start
from irkit.lucene.wire import java_errors, pack, unpack


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))), st.binary())
def test_strings_survive(strings, tail):
    block = pack([text.encode() for text in strings])
    found, end = unpack(block + tail)
    assert found.to_pylist() == strings
    assert end == len(block) == 4 + 4 * len(strings) + sum(len(text.encode()) for text in strings)


def test_java_errors_are_one_line():
    start()
    import jnius

    integer = jnius.autoclass("java.lang.Integer")
    with (
        pytest.raises(JavaError, match=r'^reading: .*For input string: "two lines"$') as caught,
        java_errors("reading"),
    ):
        integer.parseInt("two\nlines")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("said", ["Java heap space", "GC overhead limit exceeded"])
def test_a_full_heap_says_what_to_set(said):
    start()
    import jnius

    with pytest.raises(JavaError, match=rf"^x: {said}; set IRKIT_HEAP to more"), java_errors("x"):
        raise jnius.JavaException("java.lang.OutOfMemoryError", innermessage=said)
