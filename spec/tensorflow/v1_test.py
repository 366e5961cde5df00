"""Checkpoints in the V1 format: TensorFlow writes them, godwit reads them as TensorFlow does, and what it makes of them is what
a Saver writes for the same variables in V2."""
import numpy as np
import pytest
import tensorflow as tf

from corpus import grid, random
from oracle import Read, graph, partitioned, restore, save_names, save_sorted, saver, session, some, tf1
from support import DAMAGED, NO, RECIPE, USAGE, assert_same_files, files, godwit, inspect, refused, run, values
from tables import read_index

V1 = tf1.train.SaverDef.V1
# What tf.raw_ops.Save takes.
DTYPES = ["float32", "float64", "float16", "int8", "int16", "int32", "int64", "uint8", "uint16", "bool", "complex64", "complex128",
          "qint8", "quint8", "qint32"]


def save_v1(path, named, specs=None):
    """One file of these tensors; specs: position -> shape and slice."""
    pairs = list(named.items() if isinstance(named, dict) else named)
    tf.raw_ops.SaveSlices(filename=str(path), tensor_names=[name for name, _ in pairs],
                          shapes_and_slices=[(specs or {}).get(i, "") for i in range(len(pairs))],
                          data=[tf.convert_to_tensor(value) for _, value in pairs])
    return str(path)


def save_v2(prefix, named):
    return save_sorted(str(prefix), named)


def both(folder, build, **options):
    """The same variables by the same Saver in both formats."""
    return (saver(str(folder / "v1"), build, write_version=V1, **options), saver(str(folder / "v2"), build, **options))


# ---- Dtypes and shapes

@pytest.mark.parametrize("shape", [[], [1], [7], [2, 3], [0], [3, 0, 2], [1, 1, 1, 1, 5], [300, 70]])
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_reads_and_converts(tmp_path, dtype, shape):
    named = {"x": some(dtype, shape)}
    source = save_v1(tmp_path / "v1", named)
    godwit("verify", "-q", source)
    assert inspect(source)["x"]["dtype"] == dtype and inspect(source)["x"]["shape"] == shape
    assert_same_files(run("", source, to=tmp_path / "made"), save_v2(tmp_path / "v2", named))


@pytest.mark.parametrize("shape", [[], [0], [5], [3, 2]])
def test_strings_read_and_convert(tmp_path, shape):
    texts = [b"", b"a", b"x" * 300, bytes(range(256)), "\u00fc".encode(), b"end"][:int(np.prod(shape, dtype=int))]
    named = {"s": tf.constant(np.array(texts, object).reshape(shape) if texts else np.zeros(shape, object), tf.string)}
    source = save_v1(tmp_path / "v1", named)
    expected = save_v2(tmp_path / "v2", named)
    assert inspect(source)["s"]["bytes"] == inspect(expected)["s"]["bytes"]
    assert values(source) == values(expected)
    assert_same_files(run("", source, to=tmp_path / "made"), expected)


@pytest.mark.parametrize("value", [[-1, -128, 127, 0], [0, 1, 2**31 - 1, -(2**31)], [2**63 - 1, -(2**63), -1, 0]])
def test_numbers_of_every_length_read(tmp_path, value):
    dtype = {-128: "int8", 1: "int32"}.get(value[1], "int64")
    source = save_v1(tmp_path / "v1", {"x": tf.constant(value, getattr(tf, dtype))})
    assert values(source)["x"] == value


# ---- Savers

def test_a_saver_s_checkpoint_converts_to_what_it_writes_in_v2(tmp_path):
    def build():
        tf1.get_variable("w", initializer=random(40, 7))
        tf1.get_variable("a/step", initializer=np.int64(2**40))
        tf1.get_variable("name", initializer=tf.constant([b"one", b""]))
        partitioned("emb/table", random(31, 3), 12)
        partitioned("columns", random(4, 9), 4, axis=1)
    old, new = both(tmp_path, build)
    assert_same_files(run("", old, to=tmp_path / "made"), new)
    godwit("run", "-q", "v1_to_v2", old, "-o", tmp_path / "recipe")
    assert_same_files(str(tmp_path / "recipe"), new)
    assert values(old) == values(new)
    reader, ours = Read(old), inspect(old)
    assert {name: ours[name]["shape"] for name in ours} == reader.shapes
    assert {name: ours[name]["dtype"] for name in ours} == {**reader.dtypes}
    for name in ("w", "a/step"):
        assert np.array_equal(np.float64(values(old)[name]), np.float64(reader.value(name)))


def test_more_slices_than_a_sort_keeps_in_order(tmp_path):
    """TensorFlow's table of contents lists them in no order of anybody's."""
    old, new = both(tmp_path, lambda: [partitioned("p", random(85, 2), 40)])
    assert [part["start"][0] for part in inspect(old)["p"]["slices"]] == sorted(part["start"][0] for part in inspect(new)["p"]["slices"])
    expected = saver(str(tmp_path / "collected"), lambda: partitioned("p", random(85, 2), 40) and None)
    assert_same_files(run("", old, to=tmp_path / "made"), expected)


def test_slices_along_several_axes_are_one_tensor(tmp_path):
    pairs, specs = grid("grid", [5, 7, 4], [[2], [3, 5], []])
    source = save_v1(tmp_path / "v1", pairs, specs)
    made = run("", source, to=tmp_path / "made")
    whole = restore(made, "float32", ["grid"])[0].numpy()
    assert whole.tobytes() == restore(source, "float32", ["grid"])[0].numpy().tobytes()
    assert values(source) == values(made)
    again = run("ckpt:map('.', function(t) return t:partition(1) end)", source, to=tmp_path / "joined")
    assert restore(again, "float32", ["grid"])[0].numpy().tobytes() == whole.tobytes()


def test_slots_of_parts_that_do_not_cover_their_shape_convert(tmp_path):
    def build():
        with tf1.variable_scope("dnn", partitioner=tf1.fixed_size_partitioner(2)):
            w = tf1.get_variable("w", initializer=tf.constant(random(6, 2)))
        loss = tf.reduce_sum(tf.convert_to_tensor(w) ** 2)
        with tf1.variable_scope("dnn/train"):
            tf1.train.AdamOptimizer().minimize(loss, var_list=list(w))
    old, new = both(tmp_path, build)
    assert_same_files(run("", old, to=tmp_path / "made"), new)


@pytest.mark.parametrize("script", ["ckpt:rename_scope('a/', 'b/')", "ckpt:map('w', function(t) return t:cast('float16') end)", "ckpt:drop('^b')",
                                    "ckpt.vars.new = gw.concat({ckpt.vars.w, ckpt.vars.w * 2}, 1):transpose()", "ckpt:map('w', function(t) return t:partition(3) end)"])
def test_a_recipe_does_the_same_to_both_formats(tmp_path, script):
    named = {"a/w": random(30, 5), "w": random(30, 5), "a/n": np.int32(7), "b": random(3)}
    old = save_v1(tmp_path / "v1", named)
    assert_same_files(run(script, old, to=tmp_path / "made", flags=("--memory", "1", "--threads", "3")),
                      run(script, save_v2(tmp_path / "v2", named), to=tmp_path / "expected"))


# ---- SV-nn and TB-nn, V1

def two_devices(prefix, **options):
    """v0 and table t0 on device 0, v1 and t1 on device 1."""
    def build():
        for i in range(2):
            with tf.device(f"/cpu:{i}"):
                tf1.get_variable(f"v{i}", initializer=10 * (i + 1))
                tf1.get_variable(f"t{i}", initializer=tf.constant([f"k{i + 1}", f"{i}"]))
    return saver(str(prefix), build, sharded=True, **options)


def test_sv_17_a_sharded_checkpoint_is_read_by_its_pattern_and_by_its_files(tmp_path):
    made = two_devices(tmp_path / "sharded", write_version=V1, state=True, step=7)
    assert made.endswith("sharded-7-?????-of-00002")
    expected = {"v0": 10, "v1": 20, "t0": ["k1", "0"], "t1": ["k2", "1"]}
    folder = tmp_path / "alone"
    folder.mkdir()
    for path in (made, f"{tmp_path}/sharded-7-00001-of-00002", f"{tmp_path}/sharded-7", str(tmp_path), tf.train.latest_checkpoint(str(tmp_path))):
        assert values(path) == expected, path
    for i in range(2):
        name = f"sharded-7-0000{i}-of-00002"
        (folder / name).write_bytes((tmp_path / name).read_bytes())
        assert values(folder / name) == {f"v{i}": expected[f"v{i}"], f"t{i}": expected[f"t{i}"]}
        (folder / name).unlink()
    (folder / "sharded-7-00000-of-00002").write_bytes((tmp_path / "sharded-7-00000-of-00002").read_bytes())
    assert "sharded-7-00001-of-00002: the file is missing" in godwit("inspect", folder / "sharded-7-?????-of-00002", code=DAMAGED)


def test_sv_17_a_sharded_checkpoint_keeps_its_shards(tmp_path):
    old, new = two_devices(tmp_path / "v1", write_version=V1), two_devices(tmp_path / "v2")
    assert_same_files(run("", old, to=tmp_path / "made"), new)
    assert len(files(run("", old, to=tmp_path / "one", flags=("--shards", "1")))) == 2


def test_sv_27_the_reader_s_shapes_and_dtypes(tmp_path):
    source = save_v1(tmp_path / "v1", {"v0": random(2, 3), "v1": random(3, 2, 1)})
    assert "v0  float32  [2,3]" in godwit("inspect", source)
    assert sorted(Read(source).reader.debug_string().splitlines()) == [b"v0 (DT_FLOAT) [2,3]", b"v1 (DT_FLOAT) [3,2,1]"]
    assert "v3" in refused("print(ckpt.vars.v3)", source, to=tmp_path / "made", code=RECIPE)


def test_sv_29_what_is_written_from_v1_is_whole_and_v1_is_left_alone(tmp_path):
    (tmp_path / "in").mkdir()
    source = save_v1(tmp_path / "in" / "m", {"v": random(3)})
    before = (tmp_path / "in" / "m").read_bytes()
    assert not tf1.train.checkpoint_exists(str(tmp_path / "m"))
    run("", source, to=tmp_path / "m")
    assert tf1.train.checkpoint_exists(str(tmp_path / "m")) and (tmp_path / "in" / "m").read_bytes() == before
    assert "is an input" in refused("", source, to=source, code=USAGE)


def test_tb_04_slices_of_v1_are_read_whole_and_in_part(tmp_path):
    source = save_v1(tmp_path / "v1", [("foo", tf.zeros([5, 1])), ("foo", tf.ones([5, 9]))], {0: "5 10 -:0,1", 1: "5 10 -:1,9"})
    assert values(source)["foo"] == [[0.0] + [1.0] * 9] * 5
    made = run("", source, to=tmp_path / "made")
    whole, both_cut, one = (restore(made, "float32", ["foo"], [spec])[0].numpy().tolist() for spec in ("", "5 10 -:0,2", "5 10 -:2,2"))
    assert whole == [[0.0] + [1.0] * 9] * 5 and both_cut == [[0.0, 1.0]] * 5 and one == [[1.0, 1.0]] * 5
    assert [part["length"] for part in inspect(made)["foo"]["slices"]] == [[-1, 1], [-1, 9]]


# ---- Large ones, many, meta graphs, checks

def test_large_tensors_and_many_small_ones(tmp_path):
    named = {"big": random(3000, 1000), "ints": np.arange(-500_000, 500_000, dtype=np.int32), "half": random(200_000).astype(np.float16)}
    named.update({f"layer_{i}/sub.{i % 7}/kernel": random(i % 5 + 1) for i in range(3000)})
    old, new = save_v1(tmp_path / "v1", named), save_v2(tmp_path / "v2", named)
    for i, flags in enumerate((("--threads", "1", "--memory", "1"), ("--threads", "4"))):
        assert_same_files(run("", old, to=tmp_path / f"made{i}", flags=flags), new)
    godwit("verify", "-q", old)
    assert values(run("ckpt:keep_only('^half$')", old, to=tmp_path / "half"))["half"] == values(new)["half"]


def test_a_meta_graph_comes_along(tmp_path):
    def build():
        tf1.get_variable("v", initializer=random(4))
    old = saver(str(tmp_path / "v1"), build, write_version=V1, meta=True)
    made = run("", old, to=tmp_path / "made")
    with graph():
        importer = tf1.train.import_meta_graph(made + ".meta")
        with session() as running:
            importer.restore(running, made)
            assert running.run(tf1.global_variables()[0]).tobytes() == random(4).tobytes()


def test_a_v1_checkpoint_is_a_source_by_names(tmp_path):
    named = {"v": random(4), "w": random(2, 2)}
    old = save_v1(tmp_path / "v1", named)
    fresh = save_names(str(tmp_path / "fresh"), {name: np.zeros_like(value) for name, value in named.items()})
    godwit("check", "-q", old, "--like", fresh)
    godwit("restore", "-q", old, "--into", fresh, "-o", tmp_path / "made")
    assert_same_files(str(tmp_path / "made"), save_v2(tmp_path / "v2", named))
    other = save_names(str(tmp_path / "other"), {"v": random(5)})
    godwit("check", "-q", old, "--like", other, code=NO)
    assert "name-based" in godwit("graph", old, code=DAMAGED)


# ---- Damage: TensorFlow's checksums are those of the blocks

def test_flipped_bytes_are_found_or_change_nothing(tmp_path):
    named = {"a": random(40), "n": np.arange(-20, 20, dtype=np.int64), "s": tf.constant(["x", "yz"])}
    source = save_v1(tmp_path / "v1", named)
    good, expected = (tmp_path / "v1").read_bytes(), values(source)
    for at in range(0, len(good), max(1, len(good) // 150)):
        (tmp_path / "bad").write_bytes(good[:at] + bytes([good[at] ^ 0x10]) + good[at + 1:])
        try:
            found = values(tmp_path / "bad")
        except AssertionError:
            continue
        assert found == expected, at


def test_two_tensors_that_disagree_are_refused(tmp_path):
    first = save_v1(tmp_path / "p-00000-of-00002", {"x": random(3)})
    save_v1(tmp_path / "p-00001-of-00002", {"x": random(4)})
    assert "it is listed with different shapes" in godwit("inspect", first, code=DAMAGED)
    save_v1(tmp_path / "p-00001-of-00002", {"x": np.arange(3)})
    assert "it is listed with the dtypes" in godwit("inspect", first, code=DAMAGED)
    save_v1(tmp_path / "p-00001-of-00002", {"x": random(3)})
    assert "listed twice" in godwit("inspect", first, code=DAMAGED)


def test_links_are_refused(tmp_path):
    source = save_v1(tmp_path / "v1", {"x": random(3)})
    assert "cannot share the data of a V1 checkpoint" in refused("", source, to=tmp_path / "made", code=USAGE, flags=("--data", "link"))
    assert read_index(run("", source, to=tmp_path / "made"))
