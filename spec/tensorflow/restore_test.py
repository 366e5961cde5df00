"""TensorFlow takes what godwit wrote, in every way in which it takes checkpoints."""
import os
import shutil

import numpy as np
import pytest
import tensorflow as tf

from corpus import UNREAD, Module, keras_model, partitioned, random
from oracle import Read, assert_restores, graph, merge, save_names, save_v2, saver, session, tf1
from support import SYSTEM, USAGE, assert_same_files, files, godwit, listing, refused, run

NAMES = {"old/a": random(4, 3), "old/b": np.int64(5), "old/s": np.array([b"x", b"\xff"], object), "z": random(2)}
NEW = {name.replace("old/", "new/"): value for name, value in NAMES.items()}
RENAME = "ckpt:rename_scope('old/', 'new/')"


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    return save_names(str(tmp_path_factory.mktemp("old") / "ckpt"), NAMES)


@pytest.fixture(scope="module")
def new(old, tmp_path_factory):
    return run(RENAME, old, to=tmp_path_factory.mktemp("new") / "ckpt-7")


def assert_reads(prefix, named):
    read = Read(str(prefix))
    assert sorted(read.shapes) == sorted(named)
    for name, value in named.items():
        assert read.value(name).tolist() == np.asarray(value).tolist()


# ---- The ways of TensorFlow

def test_saver_restore(new):
    assert_restores(new, NEW)


def test_load_checkpoint_and_its_neighbours(new):
    assert_reads(new, NEW)
    assert tf.train.list_variables(new) == [("new/a", [4, 3]), ("new/b", []), ("new/s", [2]), ("z", [2])]
    assert tf.train.load_variable(new, "new/b") == 5
    assert tf1.train.checkpoint_exists(new)
    assert len(tf1.train.get_checkpoint_mtimes([new])) == 1


def test_init_from_checkpoint_takes_scopes_and_names(new):
    with graph():
        with tf1.variable_scope("model"):
            a = tf1.get_variable("a", [4, 3])
            b = tf1.get_variable("b", [], tf.int64, initializer=tf1.zeros_initializer())
        z = tf1.get_variable("last", [2])
        tf1.train.init_from_checkpoint(new, {"new/": "model/", "z": "last"})
        with session() as running:
            running.run(tf1.global_variables_initializer())
            found = running.run([a, b, z])
    assert [value.tolist() for value in found] == [NEW[name].tolist() for name in ("new/a", "new/b", "z")]


def test_init_from_checkpoint_fills_parts_from_a_whole_and_a_whole_from_parts(tmp_path):
    value = random(10, 3)
    source = saver(str(tmp_path / "source"), lambda: [partitioned("p", value, 4), tf1.get_variable("w", initializer=value)])
    made = run("ckpt:rename{p = 'x/whole', w = 'x/parts'}", source, to=tmp_path / "made")
    with graph():
        whole = tf1.get_variable("whole", [10, 3])
        parts = tf1.get_variable("parts", [10, 3], partitioner=tf1.fixed_size_partitioner(3))
        tf1.train.init_from_checkpoint(made, {"x/": "/"})
        with session() as running:
            running.run(tf1.global_variables_initializer())
            for found in running.run([whole, tf.convert_to_tensor(parts)]):
                assert found.tobytes() == value.tobytes()


def test_a_warm_started_estimator_takes_a_renamed_model(corpus, tmp_path):
    made = run("ckpt:drop{role = 'slot'}; ckpt:drop{role = 'power'}; ckpt:rename_scope('linear/', 'renamed/')",
               corpus("an_estimator"), to=tmp_path / "in" / "model.ckpt-0")
    weights = Read(made).value("renamed/w")

    def model(features, labels, mode):
        w = tf1.get_variable("renamed/w", [2, 1])
        loss = tf.reduce_sum(tf.matmul(features, w)) * 0
        return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=tf1.assign_add(tf1.train.get_or_create_global_step(), 1))
    config = tf.estimator.RunConfig(model_dir=str(tmp_path / "out"), save_summary_steps=None, log_step_count_steps=None)
    estimator = tf.estimator.Estimator(model, config=config, warm_start_from=tf.estimator.WarmStartSettings(made))
    estimator.train(lambda: tf.data.Dataset.from_tensors((tf.constant([[1.0, 2.0]]), tf.constant([[1.0]]))), steps=1)
    assert (estimator.get_variable_value("renamed/w") == weights).all()
    assert estimator.get_variable_value("global_step") == 1


def test_an_estimator_goes_on_from_a_renamed_model(corpus, tmp_path):
    run("ckpt:rename_scope('linear/', 'renamed/')", corpus("an_estimator"), to=tmp_path / "model.ckpt-2", flags=["--latest"])

    def model(features, labels, mode):
        w = tf1.get_variable("renamed/w", [2, 1])
        loss = tf.reduce_sum((tf.matmul(features, w) - labels) ** 2)
        step = tf1.train.AdamOptimizer(0.1).minimize(loss, tf1.train.get_or_create_global_step())
        return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=step)
    config = tf.estimator.RunConfig(model_dir=str(tmp_path), save_summary_steps=None, log_step_count_steps=None)
    estimator = tf.estimator.Estimator(model, config=config)
    estimator.train(lambda: tf.data.Dataset.from_tensors((tf.constant([[1.0, 2.0]]), tf.constant([[1.0]]))).repeat(3), steps=3)
    assert tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / "model.ckpt-5")
    assert tf.train.load_variable(str(tmp_path), "global_step") == 5


def test_objects_with_a_replaced_value_are_consumed(corpus, tmp_path):
    made = run("ckpt.vars['model/kernel/.ATTRIBUTES/VARIABLE_VALUE'] = gw.full({3, 2}, 9.5)", corpus("objects_saved"), to=tmp_path / "made")
    module, step = Module(), tf.Variable(0, dtype=tf.int64)
    tf.train.Checkpoint(model=module, step=step).restore(made).assert_consumed()
    assert (module.kernel.numpy() == 9.5).all() and step.numpy() == 3


def test_keras_goes_on_with_a_copied_model(corpus, tmp_path):
    made = run("", corpus("keras_with_adam"), to=tmp_path / "made", flags=["--data", "link"])
    model = keras_model(tf.keras.optimizers.Adam())
    tf.train.Checkpoint(model=model, optimizer=model.optimizer).restore(made).assert_existing_objects_matched()
    read = Read(corpus("keras_with_adam"))
    key = "model/layer_with_weights-0/kernel/.ATTRIBUTES/VARIABLE_VALUE"
    assert (model.layers[0].kernel.numpy() == read.value(key)).all()


# ---- Linked and cloned data

@pytest.mark.parametrize("name", ["every_numeric_dtype", "strings_of_many_kinds", "three_merged_shards", "twelve_parts_along_the_first_axis",
                                  "tensors_of_nine_megabytes", "keras_with_adam", "empty_shapes_of_every_dtype_among_others", "nothing_but_empty_tensors",
                                  "thirty_thousand_tensors", "variants", "a_tf1_model_in_a_scope"])
@pytest.mark.parametrize("how", ["link", "clone"])
def test_shared_data_holds_the_same_values(corpus, tmp_path, name, how):
    source, made = corpus(name), str(tmp_path / "made")
    try:
        godwit("run", "-q", "-e", "", source, "-o", made, "--data", how)
    except AssertionError:
        message = refused("", source, to=tmp_path / "made", flags=["--data", how], code=SYSTEM)
        assert "--data " in message.replace(f"--data {how}", "")  # the flag that works
        return
    ours, theirs = files(made), files(source)
    assert sorted(ours) == sorted(theirs) and all(ours[suffix] == theirs[suffix] for suffix in ours if suffix != ".index")
    for suffix in ours:
        same = os.path.samefile(made + suffix, source + suffix)
        assert same == (how == "link" and ".data-" in suffix)
    before, after = Read(source), Read(made)
    assert before.shapes == after.shapes and before.dtypes == after.dtypes
    for key in before.shapes if len(before.shapes) < 1000 else list(before.shapes)[::100]:
        if UNREAD[name] is not True and key not in UNREAD[name]:
            assert before.value(key).tolist() == after.value(key).tolist() or np.isnan(before.value(key)).any()


def test_linked_data_lives_on_without_its_source(tmp_path):
    source = save_names(str(tmp_path / "in" / "ckpt"), NAMES)
    made = run(RENAME, source, to=tmp_path / "out" / "ckpt", flags=["--data", "link"])
    shutil.rmtree(tmp_path / "in")
    assert_restores(made, NEW)


def test_links_renames_drops_and_new_values_together(old, tmp_path):
    script = f"{RENAME}; ckpt.vars['new/b'] = gw.scalar(6, 'int64'); ckpt:drop('z'); ckpt.vars.more = gw.strings{{'a', 'b'}}"
    made = run(script, old, to=tmp_path / "made", flags=["--data", "link"])
    named = {name: value for name, value in NEW.items() if name != "z"}
    assert_restores(made, {**named, "new/b": np.int64(6), "more": np.array([b"a", b"b"], object)})
    assert sorted(files(made)) == [".data-00000-of-00002", ".data-00001-of-00002", ".index"]


def test_links_of_several_checkpoints(old, tmp_path):
    three = merge(str(tmp_path / "three"), [save_v2(str(tmp_path / f"part{i}"), {f"t{i}": random(i + 2)}) for i in range(3)])
    made = run("ckpt:merge(inputs[2])", old, three, to=tmp_path / "made", flags=["--data", "link"])
    assert_restores(made, {**NAMES, **{f"t{i}": random(i + 2) for i in range(3)}})
    back = run("", made, to=tmp_path / "back", flags=["--shards", "1"])
    assert_restores(back, {**NAMES, **{f"t{i}": random(i + 2) for i in range(3)}})


def test_what_was_linked_and_dropped_is_copied_without_the_rest(tmp_path):
    source = save_names(str(tmp_path / "source"), {"a": random(1000), "b": random(10), "c": random(1000)})
    linked = run("ckpt:keep_only('b'); ckpt:rename{b = 'x'}", source, to=tmp_path / "linked", flags=["--data", "link"])
    copied = run("", linked, to=tmp_path / "copied")
    assert_same_files(copied, save_names(str(tmp_path / "expected"), {"x": random(10)}))


# ---- Over an old one

@pytest.mark.parametrize("before", ["every_numeric_dtype", "three_merged_shards", "a_saver_with_its_meta"])
@pytest.mark.parametrize("data", ["copy", "link"])
def test_a_forced_write_replaces_an_old_checkpoint_wholly(corpus, tmp_path, before, data):
    for suffix, content in files(corpus(before)).items():
        (tmp_path / f"ckpt{suffix}").write_bytes(content)
    source = save_names(str(tmp_path / "source"), NAMES)
    refused(RENAME, source, to=tmp_path / "ckpt", code=USAGE)
    made = run(RENAME, source, to=tmp_path / "ckpt", flags=["--force", "--data", data])
    assert sorted(files(made)) == [".data-00000-of-00001", ".index"]
    assert_restores(made, NEW)
    assert [name for name in listing(tmp_path) if not name.startswith(("ckpt", "source"))] == []
    if data == "copy":
        assert_same_files(made, save_names(str(tmp_path / "expected"), NEW))


def test_a_forced_write_may_change_the_number_of_shards_to_and_fro(old, tmp_path):
    for shards in (1, 3, 2, 2, 4, 1):
        made = run(RENAME, old, to=tmp_path / "ckpt", flags=["--force", "--shards", str(shards)])
        assert listing(tmp_path) == [*(f"ckpt.data-{i:05}-of-{shards:05}" for i in range(shards)), "ckpt.index"]
        assert_restores(made, NEW)


def test_an_open_reader_of_the_old_checkpoint_goes_on(tmp_path):
    source = save_names(str(tmp_path / "source"), NAMES)
    made = run("", source, to=tmp_path / "made")
    reader = Read(made)
    run(RENAME, source, to=tmp_path / "made", flags=["--force"])
    assert sorted(reader.shapes) == sorted(NAMES)
    assert_reads(made, NEW)
