"""Run files with ir_metadata above the results."""

from __future__ import annotations

import pandas as pd
import pytest
import yaml

from irkit.errors import DataError
from irkit.io import read_run, write_run

RUN = pd.DataFrame({"qid": ["#1", "q2"], "docno": ["#a", "b"], "score": [2.0, 1.5]})
METHOD = {"name": "Köln: #1", "retrieval": [{"use": "lucene", "k1": 0.9}]}
SAID = {"method": METHOD, "data": {"hash": "x\n# ir_metadata.end"}}


@pytest.mark.parametrize("name", ["m.run", "m.run.gz"])
def test_a_run_with_metadata_is_read_as_the_run_without(tmp_path, name):
    write_run(RUN, tmp_path / name, "mine", SAID)
    write_run(RUN, tmp_path / "plain.run", "mine")
    pd.testing.assert_frame_equal(read_run(tmp_path / name), read_run(tmp_path / "plain.run"))


def test_the_metadata_are_yaml_in_comment_lines(tmp_path):
    write_run(RUN, tmp_path / "m.run", "mine", SAID)
    lines = (tmp_path / "m.run").read_text(encoding="utf-8").splitlines()
    end = lines.index("# ir_metadata.end")
    assert (lines[0], lines[end + 1]) == ("# ir_metadata.start", "#1 Q0 #a 1 2 mine")
    found = yaml.safe_load("\n".join(line.removeprefix("# ") for line in lines[1:end]))
    assert found == {"schema version": 0.2, **SAID}


def test_lines_that_are_not_regular_are_read_behind_metadata_too(tmp_path):
    path = tmp_path / "m.run"
    path.write_text("# ir_metadata.start\n# method: x\n# ir_metadata.end\nq1  Q0\ta 1 2.0 mine\nq1 Q0 b 2 1.0 mine\n")
    assert read_run(path)["docno"].tolist() == ["a", "b"]
    path.write_text("# ir_metadata.start\n# ir_metadata.end\nq1 Q0 a 1 high mine\n")
    with pytest.raises(DataError, match=r"m\.run:3: "):
        read_run(path)


def test_a_run_that_found_nothing_has_metadata_alone(tmp_path):
    write_run(RUN[:0], tmp_path / "m.run", "mine", SAID)
    assert len(read_run(tmp_path / "m.run")) == 0


def test_metadata_without_an_end_are_refused(tmp_path):
    path = tmp_path / "m.run"
    path.write_text("# ir_metadata.start\n# method: x\nq1 Q0 a 1 2.0 mine\n")
    with pytest.raises(DataError, match=r"m\.run:3: the metadata above the run have no end"):
        read_run(path)


def test_a_query_that_is_called_by_a_hash_is_a_query(tmp_path):
    (tmp_path / "m.run").write_text("# Q0 a 1 2.0 mine\n")
    assert read_run(tmp_path / "m.run")["qid"].tolist() == ["#"]
