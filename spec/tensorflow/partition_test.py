"""Partitioned variables made, cut anew and joined: the bytes that a `Saver` writes for the same variables, and what
TensorFlow restores from them."""
import numpy as np
import pytest
import tensorflow as tf

from corpus import random
from oracle import NUMERIC, Read, partitioned, restore, save_v2, saver, some, tf1
from support import RECIPE, assert_same_files, godwit, inspect, refused, run, values

JOINED = ["float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool", "complex64", "complex128", "bfloat16",
          "qint8", "quint8", "qint32"]


def save(prefix, partitioner):
    def build():
        tf1.get_variable("before", initializer=random(3))
        tf1.get_variable("emb/table", initializer=tf.constant(random(31, 7)), partitioner=partitioner)
        tf1.get_variable("zafter", initializer=2.0)
    return saver(str(prefix), build)


def cut(parts, axis):
    """TensorFlow's own partitioner and the same in Lua."""
    return tf1.fixed_size_partitioner(parts, axis=axis), f"ckpt:map('emb', function(t) return t:partition({parts}, {axis}) end)"


@pytest.mark.parametrize("parts, axis", [(1, 0), (2, 0), (3, 0), (11, 0), (25, 0), (31, 0), (100, 0), (3, 1), (7, 1), (50, 1)])
def test_slices_are_those_that_a_saver_writes(tmp_path, parts, axis):
    partitioner, script = cut(parts, axis)
    expected = save(tmp_path / "expected", partitioner)
    whole, other = save(tmp_path / "whole", None), save(tmp_path / "other", tf1.fixed_size_partitioner(4, axis=1 - axis))
    for i, source in enumerate((whole, other, expected)):
        made = run(script, source, to=tmp_path / f"made{i}", flags=("--memory", "1", "--threads", str(1 + i)))
        assert_same_files(made, expected)
    assert_same_files(run("ckpt:map('emb', function(t) return t:partition(1) end)", expected, to=tmp_path / "joined"), whole)
    godwit("verify", "-q", tmp_path / "made0")


def test_positions_are_kept_where_the_slices_are_listed_by_position(tmp_path):
    """A Saver that is given the partitioned variable lists it so: cutting it as it is changes nothing."""
    source = saver(str(tmp_path / "source"), lambda: {"t": partitioned("t", random(25, 3), 12)})
    assert_same_files(run("ckpt:map('t', function(t) return t:partition(12) end)", source, to=tmp_path / "made"), source)


@pytest.mark.parametrize("dtype", [dtype for dtype in NUMERIC if dtype not in JOINED])
def test_dtypes_that_tensorflow_does_not_join_are_restored_slice_by_slice(tmp_path, dtype):
    source = save_v2(str(tmp_path / "source"), {"t": some(dtype, [5, 2])})
    done = godwit("run", "-e", "ckpt:map('t', function(t) return t:partition(2) end)", source, "-o", tmp_path / "made")
    assert "TensorFlow does not join" not in done  # a note goes to stderr
    found = restore(str(tmp_path / "made"), dtype, ["t", "t"], ["5 2 0,3:0,2", "5 2 3,2:0,2"])
    assert [part.shape.as_list() for part in found] == [[3, 2], [2, 2]]
    back = run("ckpt:map('t', function(t) return t:partition(1) end)", tmp_path / "made", to=tmp_path / "back")
    assert_same_files(back, source)


@pytest.mark.parametrize("dtype", JOINED)
def test_every_other_dtype_is_restored_whole_and_in_any_slice(tmp_path, dtype):
    source = save_v2(str(tmp_path / "source"), {"t": some(dtype, [7, 3, 2])})
    specs = ["", "7 3 2 1,5:1,2:0,2"]
    names = ["whole", "part"]
    expected = save_v2(str(tmp_path / "expected"), zip(names, restore(source, dtype, ["t", "t"], specs)))
    for axis in (0, 1, 2):
        made = run(f"ckpt:map('t', function(t) return t:partition(2, {axis}) end)", source, to=tmp_path / f"made{axis}")
        found = save_v2(str(tmp_path / f"found{axis}"), zip(names, restore(made, dtype, ["t", "t"], specs)))
        assert_same_files(found, expected)


def test_strings_are_cut_and_joined(tmp_path):
    texts = [[f"{'x' * (i * 37 % 300)}{i}".encode(), b""] for i in range(23)]
    source = save_v2(str(tmp_path / "source"), {"s": tf.constant(texts)})
    made = run("ckpt:map('s', function(t) return t:partition(4) end)", source, to=tmp_path / "made")
    specs = ["23 2 0,6:0,2", "23 2 6,6:0,2", "23 2 12,6:0,2", "23 2 18,5:0,2"]
    parts = restore(made, "string", ["s"] * 4, specs)
    assert np.concatenate([part.numpy() for part in parts]).tolist() == texts
    pairs = [("s", tf.constant(texts[int(spec.split()[2].split(",")[0]):][:len(part)])) for spec, part in zip(specs, parts)]
    assert_same_files(made, save_v2(str(tmp_path / "expected"), pairs, dict(enumerate(specs))))
    assert_same_files(run("ckpt:map('s', function(t) return t:partition(1) end)", made, to=tmp_path / "back"), source)


def test_computed_values_are_written_in_slices(tmp_path):
    source = save(tmp_path / "source", tf1.fixed_size_partitioner(3))
    made = run("ckpt:map('emb', function(t) return (t:transpose() * 2):partition(4) end)", source, to=tmp_path / "made")
    assert Read(made).value("emb/table").tobytes() == (random(31, 7).T * 2).astype("f4").tobytes()
    assert len(inspect(made)["emb/table"]["slices"]) == 4


def test_slices_are_spread_over_shards(tmp_path):
    source = save(tmp_path / "source", None)
    made = run("ckpt:map('emb', function(t) return t:partition(6) end)", source, to=tmp_path / "made", flags=("--shards", "3"))
    assert {part["shard"] for part in inspect(made)["emb/table"]["slices"]} == {0, 1, 2}
    assert Read(made).value("emb/table").tobytes() == random(31, 7).tobytes()
    godwit("verify", "-q", made)


def test_a_large_table_is_cut_in_little_memory(tmp_path):
    table = random(200_000, 60)  # 48 MB
    source = save_v2(str(tmp_path / "source"), {"t": table})
    for axis, parts in ((0, 7), (1, 3)):
        made = run(f"ckpt:map('t', function(t) return t:partition({parts}, {axis}) end)", source, to=tmp_path / f"made{axis}",
                   flags=("--memory", "4M", "--threads", "2"))
        assert restore(made, "float32", ["t"])[0].numpy().tobytes() == table.tobytes()
        assert_same_files(run("ckpt:map('t', function(t) return t:partition(1) end)", made, to=tmp_path / f"back{axis}"), source)


# ---- Sharded variables of TF2

def test_an_object_s_slices_are_listed_by_position(tmp_path):
    tf.train.Checkpoint(v=tf.Variable(random(24, 2))).write(str(tmp_path / "source"))
    made = run("ckpt:map('v', function(t) return t:partition(12) end)", tmp_path / "source", to=tmp_path / "made")
    key = "v/.ATTRIBUTES/VARIABLE_VALUE"
    assert [part["start"][0] for part in inspect(made)[key]["slices"]] == list(range(0, 24, 2))
    target = tf.Variable(tf.zeros([24, 2]))
    tf.train.Checkpoint(v=target).read(made).assert_consumed()
    assert target.numpy().tobytes() == random(24, 2).tobytes()


# ---- Recipes, beside TensorFlow's partitioners

@pytest.mark.parametrize("parts, axis, least", [(4, 0, 0), (100, 0, 100), (8, 1, 64), (3, 0, 1 << 20), (1, 0, 0)])
def test_the_recipe_cuts_as_tensorflow_s_partitioners(tmp_path, parts, axis, least):
    partitioner = tf1.min_max_variable_partitioner(parts, axis, least) if least else tf1.fixed_size_partitioner(parts, axis)
    shapes = {"a": [31, 7], "b": [4, 2], "c/d": [100, 3], "e": [2, 90]}

    def build(chosen):
        tf1.get_variable("scalar", initializer=1.5)
        for name, shape in shapes.items():
            tf1.get_variable(name, initializer=tf.constant(random(*shape)), partitioner=chosen)
    source, expected = (saver(str(tmp_path / name), lambda chosen=chosen: build(chosen)) for name, chosen in (("source", None), ("expected", partitioner)))
    parameters = ["-p", "which=.", "-p", f"parts={parts}", "-p", f"axis={axis}", "-p", f"min_slice_size={least}"]
    godwit("run", "-q", "partition", source, "-o", tmp_path / "made", *parameters)
    assert_same_files(str(tmp_path / "made"), expected)
    if parts > 1 and least < 1 << 20:
        godwit("run", "-q", "join_partitions", expected, "-o", tmp_path / "back")
        assert_same_files(str(tmp_path / "back"), source)


def test_an_optimizer_s_slots_of_parts_stay_where_they_are(tmp_path):
    """Under the names of the parts, in slices that do not cover their shape."""
    def build():
        with tf1.variable_scope("dnn", partitioner=tf1.fixed_size_partitioner(2)):
            w = tf1.get_variable("w", initializer=tf.constant(random(6, 2)))
        loss = tf.reduce_sum(tf.convert_to_tensor(w) ** 2)
        with tf1.variable_scope("dnn/train"):
            tf1.train.AdamOptimizer().minimize(loss, var_list=list(w))
    source = saver(str(tmp_path / "source"), build)
    made = run("ckpt:map('.', function(t) return t.partial and t or t:partition(1) end)", source, to=tmp_path / "made")
    assert Read(made).value("dnn/w").tobytes() == random(6, 2).tobytes()
    godwit("run", "-q", "join_partitions", source, "-o", tmp_path / "joined")
    assert_same_files(str(tmp_path / "joined"), made)


def test_what_has_no_value_is_not_cut(tmp_path):
    source = save_v2(str(tmp_path / "source"), [("t", random(2, 3)), ("u", random(2))], {0: "4 3 0,2:0,3"})
    message = refused("ckpt.vars.t = ckpt.vars.t:partition(2)", source, to=tmp_path / "made", code=RECIPE)
    assert "its slices do not cover it" in message
    assert values(source)["u"] == random(2).tolist()
