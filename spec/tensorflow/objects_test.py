"""What TensorFlow's own tests expect of object-based files (checkpoint_test.py): CP-nn. Those about restoring into other
structures are in match_test.py, those about edits in convert_test.py."""
import json
import os
import subprocess

import pytest
import tensorflow as tf
from tensorflow.python.trackable import base

from support import DAMAGED, ROOT, assert_same_files, godwit, inspect, run, values

VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


def names(prefix):
    return sorted(name for name in inspect(prefix) if name != "_CHECKPOINTABLE_OBJECT_GRAPH")


def rebuilt(prefix, to):
    """Made anew in Lua from the objects of a file, and so with keys of godwit's own deriving."""
    return run("return gw.objects(ckpt.root)", prefix, to=to)


def test_cp_01_variables_of_one_object(tmp_path):
    module = tf.Module()
    for i, name in enumerate(["a_variable", "bare_initializer", "constant_initializer", "duplicate", "ones_initializer"]):
        setattr(module, name, tf.Variable(float(i), name="duplicate"))
    saved = tf.train.Checkpoint(module).write(tmp_path / "ckpt")
    made = rebuilt(saved, tmp_path / "made")
    assert names(made) == [name + VALUE for name in ["a_variable", "bare_initializer", "constant_initializer", "duplicate", "ones_initializer"]]
    assert_same_files(made, saved)


def test_cp_08_custom_numbering(tmp_path):
    step = tf.Variable(0, dtype=tf.int64)
    checkpoint = tf.train.Checkpoint(step=step)
    for i in range(9):
        step.assign(i)
        saved = checkpoint.write(tmp_path / f"prefix-{i}")
        assert values(rebuilt(saved, tmp_path / f"made-{i}"))["step" + VALUE] == i
        assert_same_files(tmp_path / f"made-{i}", saved)


@pytest.mark.parametrize("parts, path", [
    (["a/b/c"], "a.Sb.Sc"), (["b"], "b"), (["c/"], "c.S"), (["d", ".S"], "d/..S"), (["d", ".ATTRIBUTES", "f"], "d/..ATTRIBUTES/f"),
    (["d/.S"], "d.S..S"), (["d/.ATTRIBUTES/f"], "d.S..ATTRIBUTES.Sf"), (["a.b..c", "é"], "a..b....c/é")])
def test_cp_11_names_are_escaped(tmp_path, parts, path):
    tree = tf.Variable(1.0)
    for part in reversed(parts):
        tree = {part: tree}
    saved = tf.train.Checkpoint(tree=tree).write(tmp_path / "theirs")
    lua = "gw.scalar(1.0)"
    for part in reversed(parts):
        lua = f"gw.dict{{{{[[{part}]], {lua}}}}}"
    made = run(f"return gw.objects{{tree = {lua}}}", saved, to=tmp_path / "ours")
    assert names(made) == names(saved) == ["tree/" + path + VALUE]
    assert_same_files(made, saved)


def test_cp_12_numbered_path(tmp_path):
    root, leaf = tf.Module(), tf.Module()
    root.leaf, leaf.v = leaf, tf.Variable(1.0)
    saved = tf.train.Checkpoint(root).write(tmp_path / "ckpt")
    assert names(rebuilt(saved, tmp_path / "made")) == ["leaf/v" + VALUE]


def test_cp_13_a_child_called_attributes(tmp_path):
    root, leaf = tf.Module(), tf.Module()
    leaf.a = tf.Variable(1.0)
    root._track_trackable(leaf, ".ATTRIBUTES")
    saved = tf.train.Checkpoint(root).write(tmp_path / "ckpt")
    made = rebuilt(saved, tmp_path / "made")
    assert names(made) == ["..ATTRIBUTES/a" + VALUE]
    assert_same_files(made, saved)


def test_cp_21_the_state_file_of_ten_saves(tmp_path):
    step = tf.Variable(0, dtype=tf.int64)
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(step=step), tmp_path, max_to_keep=10)
    for i in range(10):
        step.assign(i)
        manager.save()
    assert os.path.basename(json.loads(godwit("inspect", "--json", tmp_path))["path"]) == "ckpt-10"
    made = run("", tmp_path, to=tmp_path / "ckpt-11", flags=["--latest"])
    state = tf.train.get_checkpoint_state(str(tmp_path))
    assert state.model_checkpoint_path == made
    assert [os.path.basename(path) for path in state.all_model_checkpoint_paths] == [f"ckpt-{i}" for i in range(1, 12)]
    tf.train.Checkpoint(step=step).restore(made).assert_consumed()
    assert step.numpy() == 9


def test_cp_25_data_structures(tmp_path):
    a, b = [tf.Variable(0.0), tf.Variable(1.0)], {"a": tf.Variable(2.0), "b": tf.Variable(3.0)}
    saved = tf.train.Checkpoint(a=a, b=b).save(tmp_path / "theirs")
    made = run("local v = {} for i = 0, 3 do v[i] = gw.scalar(i + 0.0) end "
               "return gw.objects({a = {v[0], v[1]}, b = {a = v[2], b = v[3]}}, {save_counter = 1})", saved, to=tmp_path / "ours")
    assert names(made) == [path + VALUE for path in ["a/0", "a/1", "b/a", "b/b", "save_counter"]]
    assert_same_files(made, saved)
    fresh = [tf.Variable(9.0) for _ in range(4)]
    tf.train.Checkpoint(a=fresh[:2], b={"a": fresh[2], "b": fresh[3]}).restore(made).assert_consumed()
    assert [v.numpy() for v in fresh] == [0.0, 1.0, 2.0, 3.0]


def test_cp_32_paths_of_any_kind(tmp_path):
    saved = tf.train.Checkpoint(v=tf.Variable(5.0)).save(tmp_path / "ckpt")
    for prefix in [tmp_path / "ckpt-1", saved, os.path.relpath(saved), saved + ".index", tmp_path]:
        assert values(prefix)["v" + VALUE] == 5.0


def test_cp_34_no_file_stays_open(tmp_path):
    saved = tf.train.Checkpoint(v=[tf.Variable(float(i)) for i in range(20)]).save(tmp_path / "ckpt")
    (tmp_path / "program.lua").write_text(f"""
local gw = require "godwit"
local lfs = require "lfs"
local function open_files()
  local count = 0
  for _ in lfs.dir "/proc/self/fd" do count = count + 1 end
  return count
end
local before
for i = 1, 50 do
  local ckpt = gw.open "{saved}"
  for _, tensor in ckpt:each() do tensor:value() end
  gw.graph.rename(ckpt.root, "v", "w")
  ckpt:save("{tmp_path}/made-" .. i)
  ckpt = nil
  collectgarbage()
  before = before or open_files()
end
print(open_files() - before)
""")
    modules = os.environ.get("MODULES") or ROOT / "build" / "lua"
    environment = dict(os.environ, LUA_CPATH=f"{modules}/?.so;;", LUA_PATH=f"{ROOT}/scripts/?.lua;{ROOT}/scripts/?/init.lua;;")
    done = subprocess.run(["lua5.4", str(tmp_path / "program.lua")], env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout, done.stderr) == ("0\n", "")


class TwoTensors(base.Trackable):
    def __init__(self, first, second):
        self.tensors = {"v1": tf.constant(first), "v2": tf.constant(second)}

    def _serialize_to_tensors(self):
        return self.tensors

    def _restore_from_tensors(self, restored):
        self.tensors = restored
        return tf.no_op()


def test_cp_35_an_object_with_two_tensors(tmp_path):
    root = TwoTensors([1.0], [2.0])
    root.child = TwoTensors([3.0], [4.0])
    root._track_trackable(root.child, "child")
    saved = tf.train.Checkpoint(root).write(tmp_path / "ckpt")
    assert values(saved) | {"_CHECKPOINTABLE_OBJECT_GRAPH": None} == {
        "/.ATTRIBUTES/v1": [1.0], "/.ATTRIBUTES/v2": [2.0], "child/.ATTRIBUTES/v1": [3.0], "child/.ATTRIBUTES/v2": [4.0],
        "_CHECKPOINTABLE_OBJECT_GRAPH": None}
    assert_same_files(rebuilt(saved, tmp_path / "made"), saved)
    renamed = run("gw.graph.rename(ckpt.root, 'child', 'kid')", saved, to=tmp_path / "renamed")
    fresh = TwoTensors([0.0], [0.0])
    fresh.kid = TwoTensors([0.0], [0.0])
    fresh._track_trackable(fresh.kid, "kid")
    tf.train.Checkpoint(fresh).read(renamed).assert_consumed()
    assert [fresh.kid.tensors[name].numpy().tolist() for name in ("v1", "v2")] == [[3.0], [4.0]]


def test_cp_37_a_saved_model_is_a_checkpoint(tmp_path):
    module = tf.Module()
    module.v = tf.Variable(7.0)
    tf.saved_model.save(module, str(tmp_path / "saved"))
    assert values(tmp_path / "saved")["v" + VALUE] == 7.0
    made = run("", tmp_path / "saved", to=tmp_path / "ckpt")
    fresh = tf.Module()
    fresh.v = tf.Variable(0.0)
    tf.train.Checkpoint(fresh).read(made).expect_partial()
    assert fresh.v.numpy() == 7.0
    os.mkdir(tmp_path / "wrong")
    assert "wrong" in godwit("inspect", tmp_path / "wrong", code=DAMAGED)
