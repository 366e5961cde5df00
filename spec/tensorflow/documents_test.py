"""README.md typed along, block after block (spec/support/documents.lua): what its commands made, TensorFlow restores, with the
values of the guide's manifest.json. Its python blocks run, and print what stands behind them."""
import contextlib
import importlib.util
import io
import json
import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow.compat.v1 as tf1

from oracle import Read
from support import GODWIT, GRAPH_KEY, ROOT, assert_same_files

MANIFEST = json.loads((ROOT / "spec" / "fixtures" / "valid" / "guide" / "manifest.json").read_text())
VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
TYPE_ALONG = """
local documents = require "spec.support.documents"
local scratch = require "spec.support.scratch"
local steps, folder = documents.run(scratch.read "README.md", os.getenv "FOLDER")
for _, step in ipairs(steps) do assert(not step.problem, ("line %d: %s %s"):format(step.line, step.title, step.problem)) end
io.write(folder)
"""


@pytest.fixture(scope="module")
def readme(tmp_path_factory):
    """The folder in which README.md has been typed along."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "scratch").mkdir()
    environment = dict(os.environ, GODWIT=GODWIT, FOLDER=str(folder), SCRATCH=str(folder / "scratch"), LC_ALL="C.UTF-8",
                       LUA_PATH=f"{ROOT}/?.lua;" + os.environ.get("LUA_PATH", ";;"))
    done = subprocess.run(["lua5.4", "-e", TYPE_ALONG], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout)


def guide(name, key):
    return MANIFEST[name]["tensors"][key]["value"]


ABC = [guide("tf1-ckpt", key) for key in ("a", "b", "scoped/c")]


def three(names=("", "", "")):
    return [tf.Variable(0.0, name=name or None) for name in names]


def numbers(variables):
    return [variable.numpy() for variable in variables]


def in_a_graph(prefix, names):
    """What a TF1 program with these variables restores."""
    with tf.Graph().as_default():
        variables = [tf1.get_variable(name, shape=[]) for name in names]
        with tf1.Session() as session:
            tf1.train.Saver().restore(session, str(prefix))
            return session.run(variables)


def test_python_blocks_print_what_stands_behind_them(readme, monkeypatch):
    blocks = re.findall(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(), re.M | re.S)
    assert blocks
    monkeypatch.chdir(readme)
    for block in blocks:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(block, "README.md", "exec"), {})
        assert out.getvalue().splitlines() == re.findall(r"^ *print\(.*\)  # (.*)$", block, re.M)


# ---- From the guide, section by section

@pytest.mark.parametrize("name", sorted(MANIFEST))
def test_the_checkpoints_of_the_examples_are_the_guides(readme, name):
    read, expected = Read(str(readme / name)), MANIFEST[name]["tensors"]
    assert sorted(set(read.shapes) - {GRAPH_KEY}) == sorted(expected)
    for key, tensor in expected.items():
        assert (read.dtypes[key], read.shapes[key], read.value(key).tolist()) == (tensor["dtype"], tensor["shape"], tensor["value"])


def test_when_the_variable_names_match(readme):
    names = ("a", "b", "scoped/c")
    for prefix in ("tf1-ckpt", "tf1-ckpt-saved-in-eager", "same-names/ckpt-1"):
        variables = three(names)
        status = tf.train.Checkpoint(variables=variables).restore(str(readme / prefix))
        status.assert_existing_objects_matched()
        assert numbers(variables) == ABC
    status.assert_consumed()  # what godwit's restore wrote has the structure too
    assert in_a_graph(readme / "tf2-ckpt-saved-in-session-1", names) == ABC


def test_maintaining_assignment_maps(readme, tmp_path):
    names = ("new_scope/a", "new_scope/b", "new_scope/scoped/c")
    with tf.Graph().as_default():
        for name in names:
            tf1.get_variable(name, shape=[], initializer=tf1.zeros_initializer())
        tf1.train.init_from_checkpoint(str(readme / "tf1-ckpt"), {"/": "new_scope/"})
        with tf1.Session() as session:
            session.run(tf1.global_variables_initializer())
            theirs = tf1.train.Saver().save(session, str(tmp_path / "theirs"), write_meta_graph=False)
    for ours in ("mapped/model.ckpt", "renamed/model.ckpt"):
        assert_same_files(readme / ours, theirs)
        assert in_a_graph(readme / ours, names) == ABC
    assert in_a_graph(readme / "by_hand" / "model.ckpt", names) == [1.0, 2.0, 2.5]


def test_maintaining_a_checkpoint_object(readme):
    for prefix, structure in {
        "tf2-lists-1": lambda a, b, c: {"unscoped": [a, b], "scoped": [c]},
        "reordered/ckpt-1": lambda a, b, c: {"unscoped": [b, a], "scoped": [c]},
        "attribute/ckpt-1": lambda a, b, c: {"bar": [a, b], "scoped": [c]},
        "both/ckpt-1": lambda a, b, c: {"bar": [b, a], "scoped": [c]},
    }.items():
        variables = three()
        tf.train.Checkpoint(**structure(*variables)).restore(str(readme / prefix)).assert_consumed()
        assert numbers(variables) == ABC
    a, b, c = three()
    status = tf.train.Checkpoint(bar=[a, b], scoped=[c]).restore(str(readme / "tf2-lists-1"))
    for assertion in (status.assert_consumed, status.assert_existing_objects_matched):
        with pytest.raises(AssertionError):
            assertion()


def estimator(folder, by_objects):
    def model_fn(features, labels, mode):
        step = tf1.train.get_or_create_global_step()
        v = tf1.get_variable("var", shape=[], initializer=tf1.constant_initializer(0))
        scaffold = tf1.train.Scaffold(saver=tf.train.Checkpoint(var_list={"var": v}, step=step)) if by_objects else None
        return tf.estimator.EstimatorSpec(mode, predictions=v, loss=tf.constant(1.0), scaffold=scaffold,
                                          train_op=tf.group(v.assign_add(2), step.assign_add(1)))
    return tf.estimator.Estimator(model_fn, str(folder))


def test_checkpoints_in_estimator(readme):
    data = lambda: tf.data.Dataset.from_tensor_slices(([1, 2, 3], [4, 5, 6]))
    warm = estimator(readme / "est-warm", by_objects=True)
    keys = ["var_list/var" + VALUE, "step" + VALUE]
    assert [warm.get_variable_value(key) for key in keys] == [guide("est-tf1/model.ckpt-1", "var"), 0]
    warm.train(data, steps=1)
    assert [warm.get_variable_value(key) for key in keys] == [guide("est-tf2/model.ckpt-1", key) for key in keys]

    back = estimator(readme / "est-back", by_objects=False)
    assert [back.get_variable_value(key) for key in ("var", "global_step")] == [guide("est-tf2/model.ckpt-1", key) for key in keys]
    back.train(data, steps=1)
    assert [back.get_variable_value(key) for key in ("var", "global_step")] == [6.0, 2]


def test_checkpointing_keras(readme):
    def built():
        return tf.keras.Sequential([tf.keras.layers.Dense(3, input_shape=(2,)), tf.keras.layers.Dense(1)])
    expected = [guide("keras-weights", f"layer_with_weights-{i}/{name}{VALUE}") for i in (0, 1) for name in ("kernel", "bias")]
    by_attribute, by_weights = built(), built()
    tf.train.Checkpoint(model=by_attribute).restore(str(readme / "keras/ckpt-1")).assert_consumed()
    by_weights.load_weights(str(readme / "keras/weights")).assert_consumed()
    for model in (by_attribute, by_weights):
        assert [weight.tolist() for weight in model.get_weights()] == expected
    assert_same_files(readme / "keras/ckpt-1", readme / "keras-attribute-1")
    assert_same_files(readme / "keras/weights", readme / "keras-weights")


def test_checkpoint_conversion(readme):
    names = ("a", "b", "scoped/c")
    for prefix in ("tf2/ckpt-1", "tf2/ckpt-2"):
        variables = three()
        tf.train.Checkpoint(vars=dict(zip(names, variables))).restore(str(readme / prefix)).assert_consumed()
        assert numbers(variables) == ABC
    assert in_a_graph(readme / "tf2/ckpt-1", names) == ABC  # by its full names
    assert in_a_graph(readme / "tf1/model.ckpt", names) == ABC
    assert_same_files(readme / "tf2/ckpt-2", readme / "converted-tf1-to-tf2-1")
    assert_same_files(readme / "tf1/model.ckpt", readme / "converted-tf2-to-tf1")


# ---- A model of one's own

def test_a_module_loads_what_fill_module_writes(readme):
    spec = importlib.util.spec_from_file_location("build_module", readme / "build_module.py")
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    module, step = program.Digits(), tf.Variable(0, dtype=tf.int64)
    status = tf.train.Checkpoint(model=module, step=step).restore(str(readme / "new" / "ckpt-1"))
    status.assert_existing_objects_matched()
    status.assert_consumed()
    old = Read(str(readme / "digits.ckpt-100"))
    wanted = {name: old.value(f"classifier/{name}") for name in ("dense/kernel", "dense/bias", "logits/kernel", "logits/bias")}
    x = np.random.default_rng(5).normal(size=(5, 16)).astype(np.float32)
    hidden = np.maximum(x @ wanted["dense/kernel"] + wanted["dense/bias"], 0)
    np.testing.assert_allclose(module(x), hidden @ wanted["logits/kernel"] + wanted["logits/bias"], rtol=1e-5, atol=1e-5)
    assert step.numpy() == 100
