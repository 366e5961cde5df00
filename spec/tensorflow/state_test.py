"""The `checkpoint` state file, read and written as TensorFlow does; and paths as people type them.

CM-nn: TensorFlow's checkpoint_management_test.py."""
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.checkpoint.checkpoint_management import update_checkpoint_state_internal

from oracle import Read, save_names, saver, tf1
from support import DAMAGED, files, godwit, inspect, listing, run, values

VALUES = {"a": np.float32(1.5), "b": np.int64(7)}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return save_names(str(tmp_path_factory.mktemp("source") / "ckpt"), VALUES)


def make_latest(source, prefix, lua="", **options):
    return run(lua, source, to=prefix, flags=["--latest", *options.get("flags", ())])


def state(folder):
    return tf.train.get_checkpoint_state(str(folder))


def fields(folder):
    """name -> texts of the state file, as they stand there."""
    found = {}
    for line in (Path(folder) / "checkpoint").read_text().splitlines():
        name, value = re.fullmatch(r"(\w+): (.*)", line).groups()
        found.setdefault(name, []).append(value)
    return found


def three_saves(folder, **options):
    with tf.Graph().as_default():
        variable = tf1.get_variable("v", initializer=0.0)
        writer = tf1.train.Saver(**options)
        with tf1.Session() as running:
            for step in (1, 2, 3):
                running.run(variable.assign(float(step)))
                writer.save(running, os.path.join(folder, "model"), global_step=step)
    return str(folder)


# ---- Writing

def test_a_new_state_file_names_the_latest(source, tmp_path):
    made = make_latest(source, tmp_path / "ckpt-7")
    assert tf.train.latest_checkpoint(str(tmp_path)) == made
    assert list(state(tmp_path).all_model_checkpoint_paths) == [made]
    assert fields(tmp_path)["model_checkpoint_path"] == ['"ckpt-7"']


def test_without_the_flag_there_is_no_state_file(source, tmp_path):
    run("", source, to=tmp_path / "ckpt-7")
    assert tf.train.latest_checkpoint(str(tmp_path)) is None


def test_a_savers_absolute_paths_are_kept(source, tmp_path):
    three_saves(tmp_path)
    made = make_latest(source, tmp_path / "model-4")
    assert tf.train.latest_checkpoint(str(tmp_path)) == made
    assert list(state(tmp_path).all_model_checkpoint_paths) == [str(tmp_path / f"model-{i}") for i in (1, 2, 3, 4)]
    assert fields(tmp_path)["all_model_checkpoint_paths"][:3] == [f'"{tmp_path}/model-{i}"' for i in (1, 2, 3)]


def test_a_savers_relative_paths_are_kept(source, tmp_path):
    three_saves(tmp_path, save_relative_paths=True, max_to_keep=2)
    make_latest(source, tmp_path / "model-4")
    assert fields(tmp_path)["all_model_checkpoint_paths"] == ['"model-2"', '"model-3"', '"model-4"']
    assert tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / "model-4")


def test_a_saver_goes_on_after_us(source, tmp_path):
    three_saves(tmp_path, max_to_keep=3)
    made = make_latest(source, tmp_path / "model-4")
    with tf.Graph().as_default():
        a, b = tf1.get_variable("a", initializer=0.0), tf1.get_variable("b", initializer=tf.constant(0, tf.int64))
        writer = tf1.train.Saver(max_to_keep=3)
        with tf1.Session() as running:
            writer.restore(running, made)
            writer.recover_last_checkpoints(list(state(tmp_path).all_model_checkpoint_paths))
            assert running.run([a, b]) == [1.5, 7]
            writer.save(running, str(tmp_path / "model"), global_step=5)
    assert [name for name in listing(tmp_path) if name.endswith(".index")] == [f"model-{i}.index" for i in (2, 3, 4, 5)]


def managed(folder, saves, **options):
    variable = tf.Variable(0.0)
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(v=variable), str(folder), max_to_keep=options.pop("max_to_keep", 3), **options)
    manager.restore_or_initialize() if os.path.exists(os.path.join(folder, "checkpoint")) else None
    for _ in range(saves):
        variable.assign_add(1.0)
        manager.save()
    return manager, variable


def test_a_managers_timestamps_are_kept_and_it_goes_on(tmp_path):
    managed(tmp_path, 3, keep_checkpoint_every_n_hours=1000)
    before = fields(tmp_path)
    run("ckpt.vars['v/.ATTRIBUTES/VARIABLE_VALUE'] = gw.scalar(20.0)", tmp_path, to=tmp_path / "ckpt-9", flags=["--latest"])
    after = fields(tmp_path)
    assert after["last_preserved_timestamp"] == before["last_preserved_timestamp"]
    assert after["all_model_checkpoint_timestamps"][:3] == before["all_model_checkpoint_timestamps"]
    assert len(after["all_model_checkpoint_timestamps"]) == 4
    assert sorted(map(float, after["all_model_checkpoint_timestamps"])) == list(map(float, after["all_model_checkpoint_timestamps"]))
    manager, variable = managed(tmp_path, 0)
    assert variable.numpy() == 20.0
    assert [os.path.basename(path) for path in manager.checkpoints] == ["ckpt-1", "ckpt-2", "ckpt-3", "ckpt-9"]
    manager.save()
    assert tf.train.latest_checkpoint(str(tmp_path)) == manager.latest_checkpoint
    kept = [name for name in listing(tmp_path) if name.endswith(".index")]
    assert kept == ["ckpt-3.index", "ckpt-4.index", "ckpt-9.index"]


def test_a_replaced_checkpoint_is_listed_once(source, tmp_path):
    three_saves(tmp_path)
    make_latest(source, tmp_path / "model-2", flags=["--force"])
    paths = [os.path.basename(path) for path in state(tmp_path).all_model_checkpoint_paths]
    assert paths == ["model-1", "model-3", "model-2"]
    assert tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / "model-2")
    assert Read(str(tmp_path)).value("a") == 1.5


@pytest.mark.parametrize("name", ["with space", "ü-日本", "quote\"'s", "tab\tline", "a.b.c-1", "-dash"])
def test_odd_names_are_written_as_tensorflow_reads_them(source, tmp_path, name):
    made = make_latest(source, tmp_path / name)
    assert tf.train.latest_checkpoint(str(tmp_path)) == made
    assert values(tmp_path) == {"a": 1.5, "b": 7}
    update_checkpoint_state_internal(str(tmp_path), made, [], latest_filename="theirs", save_relative_paths=True)
    assert (tmp_path / "theirs").read_text() == (tmp_path / "checkpoint").read_text().split("all_model_checkpoint_timestamps")[0]


def test_a_broken_state_file_is_not_written_over(source, tmp_path):
    (tmp_path / "checkpoint").write_text("model_checkpoint_path: broken\n")
    godwit("run", "-e", "", source, "-o", tmp_path / "ckpt", "--latest", code=DAMAGED)
    assert listing(tmp_path) == ["checkpoint"]


# ---- CM: what TensorFlow's own tests expect

def test_cm_01_a_prefix_named_like_the_state_file_does_not_collide_with_it(source, tmp_path):
    done = make_latest(source, tmp_path / "checkpoint-1")
    assert tf.train.latest_checkpoint(str(tmp_path)) == done
    with pytest.raises(ValueError, match="collides with"):
        saver(str(tmp_path / "checkpoint"), lambda: [tf1.get_variable("v", initializer=1.0)], state=True)
    made = make_latest(source, tmp_path / "checkpoint")
    assert tf.train.latest_checkpoint(str(tmp_path)) == made
    assert values(tmp_path / "checkpoint") == {"a": 1.5, "b": 7}


def test_cm_02_and_cm_04_relative_paths_are_those_of_the_folder(source, tmp_path):
    (tmp_path / "train").mkdir()
    for i in range(3):
        godwit("run", "-e", f"ckpt.vars.a = gw.scalar({float(i)})", source, "-o", f"train/snapshot-{i}", "--latest", cwd=tmp_path)
    assert fields(tmp_path / "train")["model_checkpoint_path"] == ['"snapshot-2"']
    assert fields(tmp_path / "train")["all_model_checkpoint_paths"] == [f'"snapshot-{i}"' for i in range(3)]
    assert tf.train.latest_checkpoint(str(tmp_path / "train")) == str(tmp_path / "train" / "snapshot-2")
    assert tf.train.load_variable(str(tmp_path / "train"), "a") == 2.0


def test_cm_03_an_absolute_path_is_kept_and_listed_once(source, tmp_path):
    made = str(tmp_path / "model-0")
    run("", source, to=made)
    tf1.train.update_checkpoint_state(str(tmp_path), made)
    make_latest(source, made, flags=["--force"])
    assert list(state(tmp_path).all_model_checkpoint_paths) == [made]
    assert tf.train.latest_checkpoint(str(tmp_path)) == made


@pytest.mark.parametrize("listed", [None, (), ("model-2",)])
def test_cm_05_the_latest_is_appended_where_it_is_not_listed(source, tmp_path, listed):
    run("", source, to=tmp_path / "model-2")
    run("", source, to=tmp_path / "model-0")
    tf1.train.update_checkpoint_state(str(tmp_path), str(tmp_path / "model-0"), all_model_checkpoint_paths=None if listed is None else list(listed))
    make_latest(source, tmp_path / "model-3")
    paths = [os.path.basename(path) for path in state(tmp_path).all_model_checkpoint_paths]
    assert paths == ["model-2"] * bool(listed) + ["model-0", "model-3"]
    assert tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / "model-3")


def test_cm_06_and_cm_07_the_order_of_absolute_and_relative_paths_is_kept(source, tmp_path):
    run("", source, to=tmp_path / "rel")
    tf1.train.update_checkpoint_state(str(tmp_path), "rel", all_model_checkpoint_paths=[f"{tmp_path}/abs", "rel"])
    make_latest(source, tmp_path / "new")
    assert fields(tmp_path)["all_model_checkpoint_paths"] == [f'"{tmp_path}/abs"', '"rel"', '"new"']
    assert list(state(tmp_path).all_model_checkpoint_paths) == [str(tmp_path / name) for name in ("abs", "rel", "new")]


def test_cm_08_base_names_are_followed(source, tmp_path):
    made = run("", source, to=tmp_path / "model-2")
    update_checkpoint_state_internal(str(tmp_path), made, [str(tmp_path / "model-1"), made], save_relative_paths=True)
    assert values(tmp_path) == {"a": 1.5, "b": 7}


def test_cm_09_an_empty_state_file_is_explained(source, tmp_path):
    run("", source, to=tmp_path / "one")
    run("", source, to=tmp_path / "two")
    (tmp_path / "checkpoint").write_text("")
    with pytest.raises(ValueError):
        state(tmp_path)
    message = godwit("inspect", tmp_path, code=DAMAGED)
    assert "names no checkpoint" in message and "one" in message and "two" in message


def test_cm_10_dots_in_a_relative_path_are_followed(source, tmp_path):
    run("", source, to=tmp_path / "model.ckpt-687529")
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "./model.ckpt-687529"\nall_model_checkpoint_paths: "./model.ckpt-687529"\n')
    assert values(tmp_path) == {"a": 1.5, "b": 7}
    make_latest(source, tmp_path / "model.ckpt-687529", flags=["--force"])
    assert tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / "model.ckpt-687529")
    assert len(state(tmp_path).all_model_checkpoint_paths) == 1


@pytest.mark.parametrize("shards", ["1", "2"])
def test_cm_11_cm_12_and_cm_13_our_files_exist_have_times_and_can_be_removed(source, tmp_path, shards):
    prefixes = [run("", source, to=tmp_path / f"ckpt-{i}", flags=["--shards", shards]) for i in range(2)]
    assert not tf1.train.checkpoint_exists(str(tmp_path / "ckpt-2"))
    assert all(tf1.train.checkpoint_exists(prefix) for prefix in prefixes)
    times = tf1.train.get_checkpoint_mtimes(prefixes)
    assert len(times) == 2 and times[0] <= times[1]
    for prefix in prefixes:
        tf1.train.remove_checkpoint(prefix)
    assert listing(tmp_path) == []


@pytest.mark.parametrize("options,name", [({}, "ckpt"), ({"checkpoint_name": "ckpt_name"}, "ckpt_name")])
def test_cm_20_a_manager_s_name_for_its_checkpoints(tmp_path, options, name):
    manager, variable = managed(tmp_path, 0, **options)
    variable.assign(5.0)
    assert manager.save(checkpoint_number=5) == str(tmp_path / f"{name}-5") == tf.train.latest_checkpoint(str(tmp_path))
    made = run("ckpt.root.v = gw.scalar(6.0); ckpt.root.save_counter = gw.scalar(6, 'int64')", tmp_path, to=tmp_path / f"{name}-6", flags=["--latest"])
    manager, variable = managed(tmp_path, 0, **options)
    assert variable.numpy() == 6.0 and manager.latest_checkpoint == made
    assert manager.save() == str(tmp_path / f"{name}-7")
    assert [os.path.basename(path) for path in manager.checkpoints] == [f"{name}-{i}" for i in (5, 6, 7)]


# ---- Reading state files as TensorFlow does

TEXTS = {
    "as_it_writes_it": 'model_checkpoint_path: "b"\nall_model_checkpoint_paths: "a"\nall_model_checkpoint_paths: "b"\n',
    "on_one_line_with_comments": "# by hand\nmodel_checkpoint_path : 'b' all_model_checkpoint_paths: ['a', 'b'] # end",
    "with_separators": 'model_checkpoint_path: "b"; all_model_checkpoint_paths: "a", all_model_checkpoint_paths: "b",',
    "joined_texts": 'model_checkpoint_path: "" "b" \'\'', "escapes": r'model_checkpoint_path: "\142"',
    "hexadecimal": r'model_checkpoint_path: "\x62"',
    "twice": 'model_checkpoint_path: "b"\nlast_preserved_timestamp: 1.5e9\nall_model_checkpoint_timestamps: 1',
    "only_latest": 'model_checkpoint_path: "b"',
    "infinite_times": 'model_checkpoint_path: "b" all_model_checkpoint_timestamps: [inf, nan, -inf, 1f]',
    "a_syntax_error": 'model_checkpoint_path: b', "an_unknown_field": 'model_checkpoint_path: "b"\nmore: 1',
    "no_quote_at_the_end": 'model_checkpoint_path: "b', "nothing": "", "an_empty_path": 'model_checkpoint_path: ""',
    "a_missing_checkpoint": 'model_checkpoint_path: "c"', "a_wrong_type": 'model_checkpoint_path: 5',
    "twice_the_same_field": 'model_checkpoint_path: "a" model_checkpoint_path: "b"',
    "not_utf8": b'model_checkpoint_path: "b" # \xff',
    "a_bad_escape": r'model_checkpoint_path: "b" all_model_checkpoint_paths: "\8"',
    "braces": 'model_checkpoint_path { }', "a_byte_order_mark": b'\xef\xbb\xbfmodel_checkpoint_path: "b"',
    "crlf": 'model_checkpoint_path: "b"\r\n',
}


@pytest.mark.parametrize("kind", TEXTS)
def test_a_state_file_is_read_as_tensorflow_reads_it(source, tmp_path, kind):
    for i, name in enumerate("ab"):
        run(f"ckpt.vars.a = gw.scalar({i}.0)", source, to=tmp_path / name)
    text = TEXTS[kind]
    (tmp_path / "checkpoint").write_bytes(text if isinstance(text, bytes) else text.encode())
    try:
        latest = tf.train.latest_checkpoint(str(tmp_path))
    except (ValueError, UnicodeDecodeError):
        latest = None
    if latest:
        assert values(tmp_path)["a"] == tf.train.load_variable(latest, "a") == 1.0
    else:
        godwit("inspect", tmp_path, code=DAMAGED)


# ---- Paths as people type them

def test_every_file_of_a_checkpoint_names_it(tmp_path):
    prefix = saver(str(tmp_path / "model.ckpt"), lambda: [tf1.get_variable("a", initializer=1.5)], step=3, meta=True)
    for suffix in [*files(prefix), ""]:
        assert values(prefix + suffix) == {"a": 1.5}
    assert values(tmp_path) == {"a": 1.5}


def test_a_folder_that_was_moved_is_found(source, tmp_path):
    three_saves(tmp_path / "before")
    (tmp_path / "before").rename(tmp_path / "after")
    assert tf.train.latest_checkpoint(str(tmp_path / "after")) is None
    assert values(tmp_path / "after") == {"v": 3.0}


def test_a_saved_model_is_found_by_its_folder(corpus):
    prefix = corpus("the_variables_of_a_saved_model")
    assert inspect(Path(prefix).parents[1]) == inspect(prefix)


@pytest.mark.parametrize("name", ["run[1]/ckpt", "run*/ckpt", "what?/ckpt", "a b/ü", "[a-z]"])
def test_glob_characters_are_taken_literally(source, tmp_path, name):
    made = tmp_path / name
    made.parent.mkdir(exist_ok=True)
    for suffix, content in files(source).items():
        Path(f"{made}{suffix}").write_bytes(content)
    assert values(made) == {"a": 1.5, "b": 7}
    again = run("ckpt:rename('^', 'x/')", made, to=tmp_path / "again")
    assert sorted(Read(again).shapes) == ["x/a", "x/b"]


def test_what_is_missing_is_explained(source, tmp_path):
    made = run("", source, to=tmp_path / "ckpt-1")
    assert "ckpt-1" in godwit("inspect", tmp_path / "ckpt-2", code=DAMAGED)
    os.remove(made + ".index")
    for path in (made, made + ".data-00000-of-00001", tmp_path):
        assert "index" in godwit("inspect", path, code=DAMAGED)
    shutil.rmtree(tmp_path)
    godwit("inspect", made, code=DAMAGED)
