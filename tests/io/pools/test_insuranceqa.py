"""InsuranceQA's numbers of words, planted: the answers themselves are not at hand."""

from __future__ import annotations

import gzip

import pytest

from irkit.errors import ConfigError, DataError
from irkit.io.pools.insuranceqa import insuranceqa

FILES = {
    "vocabulary": "idx_1\tis\nidx_2\tlife\nidx_3\tinsured\nidx_4\t?\n",
    "answers.label.token_idx": "10\tidx_2 idx_1 idx_3\n11\tidx_3\n12\tidx_2\n",
    "question.train.token_idx.label": "idx_1 idx_2 idx_4\t10 11\nidx_2\t12\n",
    "question.dev.label.token_idx.pool": "10 11\tidx_2 idx_4\t12 10 11\n12\tidx_4\t11 12\n",
}
ANSWERS, VOCABULARY = "answers.label.token_idx", "vocabulary"


def planted(folder, questions, packed=False, **changes):
    paths = []
    for name in (ANSWERS, questions, VOCABULARY):
        data = changes.get(name.split(".")[0], FILES[name]).encode()
        paths.append(folder / (f"{name}.gz" if packed else name))
        paths[-1].write_bytes(gzip.compress(data) if packed else data)
    return paths


@pytest.mark.parametrize("packed", [False, True])
def test_questions_of_training_come_with_their_right_answers(tmp_path, packed):
    pool = insuranceqa(planted(tmp_path, "question.train.token_idx.label", packed), "train")
    assert pool.queries.values.tolist() == [["train-1", "is life ?"], ["train-2", "life"]]
    assert pool.qrels.values.tolist() == [["train-1", "10", 1], ["train-1", "11", 1], ["train-2", "12", 1]]
    assert dict(zip(pool.results["docno"], pool.results["text"], strict=True)) == {
        "10": "life is insured",
        "11": "insured",
        "12": "life",
    }


def test_questions_of_other_parts_come_with_a_pool(tmp_path):
    pool = insuranceqa(planted(tmp_path, "question.dev.label.token_idx.pool"), "valid")
    assert pool.queries.values.tolist() == [["valid-1", "life ?"], ["valid-2", "?"]]
    assert pool.qrels.values.tolist() == [
        ["valid-1", "12", 0],
        ["valid-1", "10", 1],
        ["valid-1", "11", 1],
        ["valid-2", "11", 0],
        ["valid-2", "12", 1],
    ]


@pytest.mark.parametrize(
    ("file", "text", "where", "says"),
    [
        ("question", "10\tidx_2\t12 99\n", "question.dev.label.token_idx.pool:1", "there is no answer '99'"),
        ("question", "10\tidx_9\t12\n", "question.dev.label.token_idx.pool:1", "the vocabulary has no 'idx_9'"),
        ("question", "10 idx_9 12\n", "question.dev.label.token_idx.pool:1", "a line has 2 or 3 columns between tabs"),
        ("answers", "10\tidx_1\n10\tidx_2\n", "answers.label.token_idx:2", "the answer '10' occurs twice"),
        ("answers", "10\n", "answers.label.token_idx:1", "a line has 2 columns between tabs, got 1"),
        ("vocabulary", "idx_1\ta\nidx_1\tb\n", "vocabulary:2", "the word 'idx_1' occurs twice, first in line 1"),
    ],
)
def test_a_wrong_file_is_explained_with_file_and_line(tmp_path, file, text, where, says):
    paths = planted(tmp_path, "question.dev.label.token_idx.pool", **{file: text})
    with pytest.raises(DataError) as caught:
        insuranceqa(paths, "valid")
    assert str(caught.value).startswith(f"{tmp_path}/{where}: {says}")


def test_a_card_with_other_files_is_told_which_there_must_be(tmp_path):
    with pytest.raises(ConfigError, match=r"insuranceqa: a part has 3 files \(answers, questions, vocabulary\), got 1"):
        insuranceqa(planted(tmp_path, "question.dev.label.token_idx.pool")[:1], "valid")
