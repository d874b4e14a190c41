"""TFLite's names of TensorFlow's operators: of those that it calls otherwise, and those that follow a rule."""

import json
import subprocess

import pytest

from harness.assess.operator_support import COUNTERPARTS, builtin_name


@pytest.mark.parametrize(
    ("operator", "builtin"),
    [
        ("Conv2D", "CONV_2D"),
        ("Conv3D", "CONV_3D"),
        ("BatchMatMulV2", "BATCH_MATMUL"),
        ("AddV2", "ADD"),
        ("SpaceToBatchND", "SPACE_TO_BATCH_ND"),
        ("ResizeNearestNeighbor", "RESIZE_NEAREST_NEIGHBOR"),
        ("MatMul", "FULLY_CONNECTED"),
        ("TopKV2", "TOPK_V2"),
        ("ReverseV2", "REVERSE_V2"),
        ("SelectV2", "SELECT_V2"),
        ("Max", "REDUCE_MAX"),
        ("Relu6", "RELU6"),
        ("Atan2", "ATAN2"),
        ("Conv2DBackpropInput", "TRANSPOSE_CONV"),
        ("StatelessWhile", "WHILE"),
        ("NonMaxSuppressionV5", "NON_MAX_SUPPRESSION_V5"),
        ("LookupTableFindV2", "HASHTABLE_FIND"),
    ],
)
def test_the_builtin_that_does_the_same(operator, builtin):
    assert builtin_name(operator) == builtin


def test_every_name_is_one_of_tflites(converter_python):
    program = (  # the file alone, since TensorFlow takes 5 s of processor to start
        "import importlib.util, json, runpy\n"
        "folder = importlib.util.find_spec('tensorflow').submodule_search_locations[0]\n"
        "operators = runpy.run_path(f'{folder}/lite/python/schema_py_generated.py')['BuiltinOperator']\n"
        "print(json.dumps([name for name in vars(operators) if name.isupper()]))"
    )
    done = subprocess.run([converter_python, "-c", program], check=True, capture_output=True, text=True)
    assert set(COUNTERPARTS.values()) <= set(json.loads(done.stdout))
