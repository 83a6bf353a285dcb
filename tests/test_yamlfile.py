"""Tests of irkit.yamlfile."""

from __future__ import annotations

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from irkit.errors import ConfigError, DataError, NotFoundError
from irkit.yamlfile import DEEPEST, LARGEST, MOST, dump_yaml, parse_value, parse_yaml, read_yaml

TEXT = """\
name: x

stages:
  - use: rrf
    of:
      - [{use: lucene,
          n: 5}]
      - - use: cut
          k: 1
"""


def test_lines_of_keys_and_items_are_where_they_stand():
    parsed = parse_yaml(TEXT, "x.yaml")
    assert parsed.value["stages"][0]["of"] == [[{"use": "lucene", "n": 5}], [{"use": "cut", "k": 1}]]
    assert parsed.line("name") == 1
    assert parsed.line("stages") == 3
    assert parsed.line("stages", 0) == 4
    assert parsed.line("stages", 0, "of", 0, 0, "use") == 6
    assert parsed.line("stages", 0, "of", 0, 0, "n") == 7
    assert parsed.line("stages", 0, "of", 1, 0, "k") == 9
    # What the file does not hold is placed at what is around it.
    assert parsed.at("stages", 0, "of", 1, 0, "k", "inner") == "x.yaml:9"
    assert parsed.line("nothing") == 1
    assert str(parsed.error("wrong", "stages")) == "x.yaml:3: wrong"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-7", -7),
        ("007", 7),
        ("1.5", 1.5),
        ("1e-3", 0.001),
        ("1.0e+2", 100.0),
        (".5", 0.5),
        (".inf", math.inf),
        ("-.inf", -math.inf),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("2004-01-31", "2004-01-31"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("0x1f", "0x1f"),
        ("1.2.3", "1.2.3"),
        ("'1'", "1"),
        ('"null"', "null"),
        ("e1", "e1"),
        ("[1, [2, x]]", [1, [2, "x"]]),
        ("{a: {b: 1}}", {"a": {"b": 1}}),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text, value):
    got = parse_value(text)
    assert got == value
    assert type(got) is type(value)


def test_nan_is_read():
    assert math.isnan(parse_value(".nan"))


def test_keys_are_text_and_a_merge_key_is_nothing_special():
    assert parse_yaml("1: a\ntrue: b\n<<: {c: 1}").value == {"1": "a", "true": "b", "<<": {"c": 1}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"f.yaml:1: the top level must be a mapping of fields \(name: ...\), got nothing"),
        ("- 1", "f.yaml:1: the top level must be a mapping .* got a list"),
        ("just text", "f.yaml:1: the top level must be a mapping .* got text"),
        ("a: 1\nb: 2\na: 3", "f.yaml:3: 'a' occurs twice, first in line 1; keep one"),
        ("x:\n  a: 1\n  a: 1", "f.yaml:3: 'a' occurs twice, first in line 2"),
        ("a: 1\nb: !!python/object/apply:os.system ['x']", "f.yaml:2: tags are not allowed, got !!python/object/app"),
        ("a: !own 1", "f.yaml:1: tags are not allowed, got !own"),
        ("a: !!str 1", "f.yaml:1: tags are not allowed, got !!str"),
        ("!!map {a: 1}", "f.yaml:1: tags are not allowed, got !!map"),
        ("!!str a: 1", "f.yaml:1: tags are not allowed, got !!str"),
        ("a: 1\nb: &x 1", "f.yaml:2: anchors are not supported, got &x"),
        ("a: *x", r"f.yaml:1: aliases are not supported, got \*x"),
        ("a: [1", "f.yaml:1: not YAML; a bracket is not closed"),
        ("a:\n\t- 1", "f.yaml:2: not YAML; a tab; indent with blanks"),
        ("a: b: c", "f.yaml:1: not YAML; a colon too many, or a line that"),
        ("a: 'x", "f.yaml:1: not YAML; a quote is not closed"),
        ("a: 1\nb: \x07", r"f.yaml:2: not YAML; the character '\\x07' is not allowed"),
        ("? [1]\n: 2", "f.yaml:1: a key must be text, got a list or a mapping"),
        ("a: 1\n---\nb: 2", "f.yaml:2: a second document begins here"),
        ("a: " + "[" * 60 + "]" * 60, f"f.yaml:1: nested deeper than {DEEPEST} levels"),
        ("a: " + "[" * 50_000, f"f.yaml:1: nested deeper than {DEEPEST} levels"),
        ("a: " + "{a: " * 50_000, f"f.yaml:1: nested deeper than {DEEPEST} levels"),
    ],
)
def test_what_is_refused_is_named_with_its_line(text, message):
    with pytest.raises(DataError, match="^" + message) as caught:
        parse_yaml(text, "f.yaml")
    assert "\n" not in str(caught.value)


def test_a_bomb_of_aliases_is_refused_at_its_first_anchor():
    text = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(20)
    )
    with pytest.raises(DataError, match="bomb:1: anchors are not supported"):
        parse_yaml(text, "bomb")


@pytest.mark.parametrize("text", ["a: [" + "1," * 40_000 + "]", "".join(f"k{number}: 1\n" for number in range(20_000))])
def test_a_file_of_very_many_values_is_refused_before_all_are_read(text):
    with pytest.raises(DataError, match=f"more than {MOST} values"):
        parse_yaml(text)


def test_long_keys_and_names_are_cut_in_messages():
    for text in ("a: &" + "x" * 5000 + " 1", "a: *" + "x" * 5000, f"? {'x' * 5000}\n: 1\n? {'x' * 5000}\n: 1"):
        with pytest.raises(DataError) as caught:
            parse_yaml(text)
        assert len(str(caught.value)) < 200


def test_nothing_is_executed(tmp_path):
    mark = tmp_path / "mark"
    path = tmp_path / "x.yaml"
    path.write_text(f"name: !!python/object/apply:os.mkdir ['{mark}']\n")
    with pytest.raises(DataError, match=r"x\.yaml:1: tags are not allowed"):
        read_yaml(path)
    assert not mark.exists()


def test_files_that_cannot_be_read(tmp_path):
    path = tmp_path / "x.yaml"
    with pytest.raises(NotFoundError, match=r"x\.yaml: there is no such file"):
        read_yaml(path)
    path.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(DataError, match=r"x\.yaml:2: not UTF-8, got byte 0xff"):
        read_yaml(path)
    path.write_bytes(b"a: 1\n" + b"#" * LARGEST)
    with pytest.raises(DataError, match=r"x\.yaml:1: more than 250000 bytes"):
        read_yaml(path)
    with pytest.raises(DataError, match="cannot be read; Is a directory"):
        read_yaml(tmp_path)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: x\r\n")
    assert read_yaml(path).value == {"a": 1, "b": "x"}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=8), values, max_size=4))
def test_what_is_written_is_read_back(value):
    got = parse_yaml(dump_yaml(value) or "{}").value
    assert got == value
    assert repr(got) == repr(value)  # 1, 1.0 and True are equal but not the same


@pytest.mark.parametrize("text", ["no", "1e-3", "1e5", "0x1f", "1_0", "2004-01-31", "~", "1:30", "", " x", "007", "+1"])
def test_text_that_looks_like_something_else_stays_text_here_and_in_other_tools(text):
    written = dump_yaml({"a": text})
    assert parse_yaml(written).value == {"a": text}
    assert yaml.safe_load(written) == {"a": text}


def test_small_numbers_stay_numbers_in_other_tools():
    written = dump_yaml({"a": 1e-05, "b": 1e22, "c": 0.1})
    assert yaml.safe_load(written) == {"a": 1e-05, "b": 1e22, "c": 0.1}


def test_the_written_form_is_short_and_in_order():
    stages = [{"use": "rrf", "of": [[{"use": "a"}], [{"use": "b", "n": 1}]]}, {"use": "cut", "k": 5}]
    assert dump_yaml({"name": "x", "needs": ["index"], "stages": stages}) == (
        "name: x\n"
        "needs: [index]\n"
        "stages:\n"
        "  - use: rrf\n"
        "    of:\n"
        "      - [{use: a}]\n"
        "      - [{use: b, n: 1}]\n"
        "  - {use: cut, k: 5}\n"
    )


def test_objects_are_not_written():
    with pytest.raises(ConfigError, match=r"yaml: cannot write object, got .*; use plain values"):
        dump_yaml({"a": object()})
