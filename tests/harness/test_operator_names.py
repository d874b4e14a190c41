"""Operators by the name of their first output."""

import pytest

from harness.operator_names import by_name, short_name

NAMES = ["net/conv/Relu;net/conv/BiasAdd", "net/dense/MatMul", "other/dense/MatMul", "net/conv/Relu"]


class Mistake(Exception):
    pass


def test_the_short_name_is_what_tables_show():
    assert short_name("a/b/conv/Relu:0;a/b/conv/BiasAdd") == "conv/Relu"


def test_a_full_name_goes_before_a_short_one():
    assert by_name(["net/conv/Relu", "other/dense/MatMul"], NAMES, Mistake) == [3, 2]


def test_a_short_name_that_one_operator_alone_has_is_enough():
    assert by_name(["conv/Relu"], NAMES[:3], Mistake) == [0]


def test_a_short_name_of_several_says_which():
    with pytest.raises(Mistake, match="which 2 operators are called: 'net/dense/MatMul', 'other/dense/MatMul'"):
        by_name(["dense/MatMul"], NAMES, Mistake)


def test_a_name_of_none_says_the_nearest():
    with pytest.raises(Mistake, match=r"is called\. Did you mean 'net/dense/MatMul'"):
        by_name(["net/dense/MatMull"], NAMES, Mistake)
