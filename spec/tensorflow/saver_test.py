"""TensorFlow's saver_test.py, case by case, as far as it is about checkpoints and not about graphs."""
import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from corpus import random
from oracle import Read, assert_restores, graph, partitioned, save_names, saver, session, tf1
from support import DAMAGED, NO, RECIPE, USAGE, assert_same_files, files, godwit, listing, refused, run, values

PAIR = {"v0": np.float32(10), "v1": np.float32(20)}


@pytest.fixture
def pair(tmp_path):
    return save_names(str(tmp_path / "pair"), PAIR)


def test_sv_01_variables_and_a_hash_table_restore_under_new_names(corpus, tmp_path):
    made = run("ckpt:rename('^v', 'n')", corpus("a_tf1_hash_table"), to=tmp_path / "made")
    assert sorted(Read(made).shapes) == ["n0", "n1", "n2-keys", "n2-values"]
    for initial in (-1.0, 5.0):
        with graph():
            table = tf.lookup.experimental.MutableHashTable(tf.string, tf.float32, initial, name="n2")
            variables = [tf1.get_variable(name, initializer=initial) for name in ("n0", "n1")]
            writer = tf1.train.Saver([*variables, *tf1.get_collection(tf1.GraphKeys.SAVEABLE_OBJECTS)])
            with session() as running:
                writer.restore(running, made)
                assert running.run(variables) == [10.0, 20.0]
                assert running.run(table.lookup(["k1", "k2", "", "k9"])).tolist() == [30.0, 1.0, 2.0, initial]


def test_sv_02_and_sv_33_an_invalid_path_is_an_error(tmp_path):
    for path in ("invalid path", "-1", "a/b/c"):
        message = godwit("inspect", "--", tmp_path / path, code=DAMAGED)
        assert str(tmp_path) in message and "Traceback" not in message


def test_sv_03_an_int64_stays_one(tmp_path):
    source = save_names(str(tmp_path / "source"), {"v": np.int64(15)})
    assert_restores(run("ckpt:rename('v', 'w')", source, to=tmp_path / "made"), {"w": np.int64(15)})


def test_sv_04_two_variables_of_one_name_are_an_error(pair, tmp_path):
    message = refused("ckpt:rename('v0', 'v1')", pair, to=tmp_path / "made", code=RECIPE)
    assert '"v0"' in message and '"v1"' in message and "-e:1" in message
    source = saver(str(tmp_path / "source"), lambda: {"p_v1": partitioned("p_v1", random(4, 3), 2), "p_v2": partitioned("p_v2", random(4, 3), 2),
                                                      "v1": tf1.get_variable("v1", initializer=1.0)})
    for script in ("ckpt:rename('p_v2', 'p_v1')", "ckpt:rename('^v1', 'p_v1')", "ckpt:rename('p_v1', 'v1')"):
        assert "v1" in refused(script, source, to=tmp_path / "made", code=RECIPE)


def test_sv_05_one_variable_may_be_saved_under_two_names(pair, tmp_path):
    made = run("ckpt.vars.v0too = ckpt.vars.v0", pair, to=tmp_path / "made")
    assert_restores(made, {**PAIR, "v0too": np.float32(10)})


def test_sv_06_a_list_of_variables_and_a_dictionary_give_the_same(pair, tmp_path):
    listed = saver(str(tmp_path / "listed"), lambda: [tf1.get_variable(name, initializer=value) for name, value in PAIR.items()])
    assert_same_files(run("", listed, to=tmp_path / "made"), pair)


def test_sv_07_a_path_that_was_written_again_is_read_again(pair, tmp_path):
    made = run("ckpt:drop('v1')", pair, to=tmp_path / "made")
    assert_restores(made, {"v0": np.float32(10)})
    run("ckpt:drop('v0')", pair, to=tmp_path / "made", flags=["--force"])
    assert_restores(made, {"v1": np.float32(20)})
    assert values(made) == {"v1": 20.0}


def test_sv_08_nothing_is_not_saved(pair, tmp_path):
    for script in ("ckpt:drop('v')", "return gw.variables{}"):
        assert "no tensors" in refused(script, pair, to=tmp_path / "made", code=RECIPE)


def test_sv_10_default_names_are_names_like_others(tmp_path):
    source = saver(str(tmp_path / "source"), lambda: [tf1.Variable(1.0), tf1.Variable(2.0), tf1.Variable(3.0)])
    made = run("ckpt:rename('^Variable(_(\\\\d))?$', 'v$2')", source, to=tmp_path / "made")
    assert_restores(made, {"v": np.float32(1), "v1": np.float32(2), "v2": np.float32(3)})


def test_sv_12_a_reshaped_variable_restores_where_its_old_shape_did_not(tmp_path):
    value = np.array([[1, 2, 3], [4, 5, 6]], np.int32)
    source = save_names(str(tmp_path / "source"), {"v0": value, "other": random(2, 3)})

    def restored(prefix, **options):
        """Into variables that check shapes, as TF1's do."""
        with graph():
            v0 = tf1.get_variable("v0", [3, 2], tf.int32, initializer=tf1.zeros_initializer(), use_resource=False)
            with session() as running:
                tf1.train.Saver(**options).restore(running, prefix)
                return running.run(v0).tolist()
    expected = [[1, 2], [3, 4], [5, 6]]
    with pytest.raises(tf.errors.InvalidArgumentError, match="shape"):
        restored(source)
    assert restored(source, reshape=True) == expected
    target = save_names(str(tmp_path / "target"), {"v0": np.zeros((3, 2), np.int32)})
    assert "shape (2, 3)" in godwit("restore", source, "--into", target, "-o", tmp_path / "made", code=NO)
    made = run("ckpt:map('^v0$', function(t) return t:reshape{3, 2} end)", source, to=tmp_path / "made")
    assert restored(made) == expected and Read(made).value("other").tobytes() == random(2, 3).tobytes()
    godwit("run", "-q", "reshape", source, "-o", tmp_path / "recipe", "-p", "which=^v0$", "-p", "shape=3,2")
    assert_same_files(str(tmp_path / "recipe"), made)


@pytest.mark.parametrize("step", [5, "00000005"], ids=["sv_13_step", "sv_14_padding"])
def test_steps_are_part_of_a_name(pair, tmp_path, step):
    made = run("", pair, to=tmp_path / "out" / f"model-{step}", flags=["--latest"])
    assert tf.train.latest_checkpoint(str(tmp_path / "out")) == made == str(tmp_path / "out" / f"model-{step}")
    assert_restores(made, PAIR)


def test_sv_15_missing_folders_are_made_and_files_are_none(pair, tmp_path):
    assert_restores(run("", pair, to=tmp_path / "a" / "b" / "c" / "ckpt"), PAIR)
    (tmp_path / "file").write_text("")
    message = refused("", pair, to=tmp_path / "file" / "ckpt", code=USAGE)
    assert str(tmp_path / "file") in message


def test_sv_16_what_was_saved_to_an_address_is_read_by_its_path(tmp_path):
    address = f"file://{tmp_path}"
    made = saver(f"{address}/ckpt", lambda: [tf1.get_variable("v0", initializer=1.5)], state=True, step=3)
    assert made == f"{address}/ckpt-3" and tf.train.latest_checkpoint(address) == made
    for path in (tmp_path, tmp_path / "ckpt-3"):
        assert values(path) == {"v0": 1.5}
    assert f"did you mean {tmp_path}/ckpt-3?" in godwit("inspect", made, code=DAMAGED)
    assert "is an address" in refused("", tmp_path / "ckpt-3", to=f"{address}/made", code=USAGE)


def test_sv_18_a_sharded_checkpoint_is_one_prefix_with_its_meta(tmp_path):
    source = save_names(str(tmp_path / "source"), {**PAIR, "t0": np.float32(1)}, {"v0": 0, "v1": 1, "t0": 0}, meta=True)
    made = run("", source, to=tmp_path / "made")
    assert sorted(files(made)) == [".data-00000-of-00002", ".data-00001-of-00002", ".index", ".meta"]
    with graph():
        restored = tf1.train.import_meta_graph(f"{made}.meta")
        with session() as running:
            restored.restore(running, made)
            assert running.run("v0/Read/ReadVariableOp:0") == 10.0


def test_sv_24_without_a_meta_none_is_made(pair, tmp_path):
    assert ".meta" not in files(run("", pair, to=tmp_path / "made"))


def test_sv_26_mapped_names_restore_and_the_old_ones_are_gone(tmp_path):
    source = save_names(str(tmp_path / "source"), {f"save_prefix/{name}": value for name, value in PAIR.items()})
    with pytest.raises(tf.errors.NotFoundError, match="not found in checkpoint"):
        assert_restores(source, PAIR)
    made = run("ckpt:rename_scope('save_prefix/', 'restore_prefix/')", source, to=tmp_path / "made")
    assert_restores(made, {f"restore_prefix/{name}": value for name, value in PAIR.items()})
    with pytest.raises(tf.errors.NotFoundError, match="not found in checkpoint"):
        assert_restores(made, {f"save_prefix/{name}": value for name, value in PAIR.items()})


def test_sv_27_tensorflows_reader_describes_what_we_wrote(tmp_path):
    source = save_names(str(tmp_path / "source"), {"a": random(2, 3), "b": random(3, 2, 1)})
    made = run("ckpt:rename{a = 'v0', b = 'v1'}", source, to=tmp_path / "made")
    reader = tf.train.load_checkpoint(made)
    assert reader.has_tensor("v0") and reader.has_tensor("v1") and not reader.has_tensor("v3")
    assert reader.debug_string().decode().splitlines()[:2] == ["v0 (DT_FLOAT) [2,3]", "v1 (DT_FLOAT) [3,2,1]"]
    assert reader.get_variable_to_shape_map() == {"v0": [2, 3], "v1": [3, 2, 1]}


def test_sv_28_a_path_that_does_not_exist_is_named(tmp_path):
    message = godwit("run", "-e", "", tmp_path / "not_there", "-o", tmp_path / "made", code=DAMAGED)
    assert "not_there" in message and listing(tmp_path) == []


def test_sv_30_a_scope_is_stripped_and_given_again_and_never_onto_itself(tmp_path):
    hidden = {"hidden1/weights": random(3, 2), "hidden1/biases": random(2)}
    source = save_names(str(tmp_path / "source"), hidden)
    stripped = run("ckpt:rename_scope('hidden1/', '/')", source, to=tmp_path / "stripped")
    assert_restores(stripped, {"weights": random(3, 2), "biases": random(2)})
    given = run("ckpt:rename_scope('/', 'new_hidden1/')", stripped, to=tmp_path / "given")
    assert_restores(given, {f"new_{name}": value for name, value in hidden.items()})
    for target in (source, os.path.join(str(tmp_path), ".", "source"), str(tmp_path / "link" / "source")):
        if "link" in target:
            os.symlink(tmp_path, tmp_path / "link")
        assert "input" in refused("", source, to=target, flags=["--force"], code=USAGE)
    assert_restores(source, hidden)


def test_sv_32_a_variable_that_is_not_there_is_an_error_at_its_line(pair, tmp_path):
    for script in ("ckpt.vars.v2:value()", "ckpt.vars.v2 = nil", "ckpt:rename{v2 = 'x'}", "ckpt:role 'v2'", "gw.variables{a = ckpt.vars['v2']}"):
        message = refused(f"\n{script}", pair, to=tmp_path / "made", code=RECIPE)
        assert "-e:2" in message and "v2" in message and "v1" in message  # the nearest
    for script in ("ckpt:drop('w')", "ckpt:keep_only('^x')", "ckpt:rename('y', 'z')", "ckpt:map('w', function(t) return t end)",
                   "ckpt:rename_scope('s/', 't/')"):
        assert "-e:2: no tensor " in refused(f"\n{script}", pair, to=tmp_path / "made", code=RECIPE)


def test_the_folder_of_a_refused_migration_stays_as_it_was(pair, tmp_path):
    refused("error 'no'", pair, to=tmp_path / "new" / "ckpt", code=RECIPE)
    assert not (tmp_path / "new").exists()
    Path(f"{pair}.data-00000-of-00001").unlink()
    refused("", pair, to=tmp_path / "new" / "ckpt", code=DAMAGED)
    assert not (tmp_path / "new").exists()
