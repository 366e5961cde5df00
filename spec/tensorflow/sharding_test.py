"""Checkpoints in several data files: shards of tasks and devices (FS-nn, TensorFlow's functional_saver_test.py), and the sharding
policies of releases after 2.15 (SP-nn, sharding_policies_test.py). What these write is made with the operations that they use,
SaveV2 of slices and MergeV2Checkpoints: 2.15 has no policies, but reads what comes of them."""
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from oracle import Read, merge, restore, save_v2
from support import GRAPH_KEY, assert_same_files, files, godwit, inspect, run, values

SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"


def data_files(prefix):
    return sorted(suffix for suffix in files(prefix) if suffix != ".index")


def shards_of(prefix):
    """name -> the shards that hold it."""
    found = {}
    for name, tensor in inspect(prefix).items():
        found[name] = [part["shard"] for part in tensor["slices"]] if "slices" in tensor else [tensor["shard"]]
    return found


def policy(prefix, objects, shards):
    """What a policy saves of these objects: shards of (name, start or None, length), the object graph under its own name."""
    whole = tf.train.Checkpoint(**objects).write(f"{prefix}-whole")
    reader = tf.train.load_checkpoint(whole)
    parts = []
    for i, shard in enumerate(shards):
        pairs, specs = [], {}
        for at, (name, start, length) in enumerate(shard):
            key = name if name == GRAPH_KEY else name + SUFFIX
            value = reader.get_tensor(key)
            if start is not None:
                rest = ":".join(["-"] * (value.ndim - 1))
                specs[at] = " ".join(map(str, value.shape)) + f" {start},{length}" + (f":{rest}" if rest else "")
                value = value[start:start + length]
            pairs.append((key, tf.constant(value)))
        parts.append(save_v2(f"{prefix}_temp/part-{i:05}-of-{len(shards):05}", pairs, specs))
    return merge(str(prefix), parts)


def two_variables():
    return {"v0": tf.Variable([0., 1., 2., 3.]), "v1": tf.Variable([[4], [5], [6], [7]])}


def assert_restores(prefix, objects):
    fresh = {name: tf.Variable(tf.zeros_like(value)) for name, value in objects.items()}
    tf.train.Checkpoint(**fresh).read(prefix).assert_consumed()
    for name, value in objects.items():
        assert np.array_equal(fresh[name].numpy(), value.numpy()), name


def assert_migrates(source, objects, tmp_path):
    """As it is, with as many data files; renamed; whole again, as it would have been without a policy."""
    godwit("verify", "-q", source)
    assert_same_files(run("", source, to=tmp_path / "same"), source)
    assert_restores(str(tmp_path / "same"), objects)
    renamed = {f"x{name}": value for name, value in objects.items()}
    made = run("ckpt:rename('^v', 'xv')", source, to=tmp_path / "renamed")
    assert_restores(made, renamed)
    assert shards_of(made) == {name.replace("v", "xv", 1) if name != GRAPH_KEY else name: at for name, at in shards_of(source).items()}
    joined = run("ckpt:map('^v', function(t) return t:partition(1) end)", source, to=tmp_path / "joined", flags=["--shards", "1"])
    assert data_files(joined) == [".data-00000-of-00001"]
    assert values(joined) == values(source)
    assert_restores(joined, objects)


# ---- Policies

def test_sp_01_and_sp_02_a_shard_for_each_task(tmp_path):
    objects = {f"v{i}": tf.Variable(float(i)) for i in range(3)}
    source = policy(tmp_path / "source", objects, [[("v0", None, None)], [("v1", None, None)], [("v2", None, None)], [(GRAPH_KEY, None, None)]])
    assert len(data_files(source)) == 4
    assert shards_of(source) == {**{f"v{i}{SUFFIX}": [i] for i in range(3)}, GRAPH_KEY: [3]}
    assert_migrates(source, objects, tmp_path)


def cut(limit):
    """Rows of 4 bytes of v0, then of v1, as many to a shard as the limit allows; the object graph goes where the last went."""
    rows = limit // 4
    shards, room = [[]], rows
    for name in ("v0", "v1"):
        start = 0
        while start < 4:
            if room == 0:
                shards.append([])
                room = rows
            length = min(room, 4 - start)
            shards[-1].append((name, start, length))
            start, room = start + length, room - length
    shards[-1].append((GRAPH_KEY, None, None))
    return shards


@pytest.mark.parametrize("limit", [4, 8, 10, 16, 18], ids=lambda limit: f"{limit}_bytes")
def test_sp_03_no_shard_larger_than_a_limit(tmp_path, limit):
    shards = cut(limit)
    source = policy(tmp_path / "source", two_variables(), shards)
    assert len(data_files(source)) == len(shards) == {4: 8, 8: 4, 10: 4, 16: 2, 18: 2}[limit]
    assert values(source)["v0" + SUFFIX] == [0., 1., 2., 3.] and values(source)["v1" + SUFFIX] == [[4], [5], [6], [7]]
    assert_migrates(source, two_variables(), tmp_path)


def test_sp_05_a_shard_for_each_string(tmp_path):
    """TensorFlow joins no slices of strings: it restores them one by one, and godwit keeps them as they are."""
    texts = [f"{i}" * 10 for i in range(4)]
    source = policy(tmp_path / "source", {"v0": tf.Variable(texts)}, [[("v0", i, 1)] for i in range(3)] + [[("v0", 3, 1), (GRAPH_KEY, None, None)]])
    assert len(data_files(source)) == 4
    with pytest.raises(tf.errors.OpError):
        restore(source, "string", ["v0" + SUFFIX])
    assert_same_files(run("", source, to=tmp_path / "same"), source)
    made = run("ckpt:rename('^v0$', 'w')", source, to=tmp_path / "renamed")
    for i, text in enumerate(texts):
        assert restore(made, "string", ["w" + SUFFIX], [f"4 {i},1"])[0].numpy().tolist() == [text.encode()]


def test_sp_06_a_scalar_larger_than_the_limit_has_a_shard_of_its_own(tmp_path):
    objects = {"v0": tf.Variable("0123456789")}
    source = policy(tmp_path / "source", objects, [[(GRAPH_KEY, None, None)], [("v0", None, None)]])
    assert shards_of(source) == {GRAPH_KEY: [0], "v0" + SUFFIX: [1]}
    assert_same_files(run("", source, to=tmp_path / "same"), source)
    fresh = tf.Variable("")
    tf.train.Checkpoint(w=fresh).read(run("ckpt:rename('^v0$', 'w')", source, to=tmp_path / "renamed")).assert_consumed()
    assert fresh.numpy() == b"0123456789"


def test_sp_07_eight_shards_of_three_variables(tmp_path):
    """No more than 10 bytes: rows of 8, a string that cannot be cut, and the object graph."""
    objects = {"v0": tf.Variable(tf.reshape(tf.range(6.), [3, 2])), "v1": tf.Variable(tf.reshape(tf.range(6, 12), [3, 2])), "v2": tf.Variable("x" * 12)}
    shards = [[(name, i, 1)] for name in ("v0", "v1") for i in range(3)] + [[("v2", None, None)], [(GRAPH_KEY, None, None)]]
    source = policy(tmp_path / "source", objects, shards)
    assert len(data_files(source)) == 8
    assert_migrates(source, objects, tmp_path)


# ---- Tasks and devices: TensorFlow itself shards

WRITER = """
import sys
import tensorflow as tf
folder = sys.argv[1]
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 3)
with tf.device("/cpu:0"):
    tf.train.Checkpoint(x=tf.Variable(2.0)).write(folder + "/one")
    tf.train.Checkpoint(x=tf.Variable(2.0)).write(folder + "/localhost", tf.train.CheckpointOptions(experimental_io_device="/job:localhost"))
variables = {}
for i in range(3):
    with tf.device(f"/cpu:{i}"):
        variables[f"v{i}"] = tf.Variable(float(i))
tf.train.Checkpoint(**variables).write(folder + "/devices", tf.train.CheckpointOptions(experimental_io_device="/job:localhost"))
servers = [tf.distribute.Server.create_local_server() for _ in range(3)]
tf.config.experimental_connect_to_cluster(tf.train.ClusterSpec({"worker": [server.target[len("grpc://"):] for server in servers]}))
variables = {}
for i in range(3):
    with tf.device(f"/job:worker/task:{i}/cpu:0"):
        variables[f"v{i}"] = tf.Variable(float(i))
tf.train.Checkpoint(**variables).write(folder + "/tasks")
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A process of its own: devices and clusters cannot be taken back."""
    folder = tmp_path_factory.mktemp("written")
    subprocess.run([sys.executable, "-c", WRITER, folder], check=True, capture_output=True, timeout=200)
    return folder


THREE = {f"v{i}": tf.Variable(float(i)) for i in range(3)}


@pytest.mark.parametrize("name", ["one", "localhost"])
def test_fs_01_one_variable_in_two_files(written, tmp_path, name):
    source = str(written / name)
    assert sorted(files(source)) == [".data-00000-of-00001", ".index"]
    made = run("", source, to=tmp_path / "made")
    assert_same_files(made, source)
    assert_restores(made, {"x": tf.Variable(2.0)})


def test_fs_03_a_shard_for_each_task(written, tmp_path):
    source = str(written / "tasks")
    assert len(data_files(source)) >= 3
    assert len({tuple(shards_of(source)[f"v{i}{SUFFIX}"]) for i in range(3)}) == 3
    assert_migrates(source, THREE, tmp_path)


def test_fs_04_three_devices_and_one_that_writes(written, tmp_path):
    source = str(written / "devices")
    assert sorted(files(source)) == [".data-00000-of-00001", ".index"]
    assert_migrates(source, THREE, tmp_path)


def test_fs_05_each_shard_is_a_checkpoint_until_they_are_merged(tmp_path):
    shards = [save_v2(str(tmp_path / f"part-{i:05}-of-00003"), {f"v{i}": tf.constant(float(i))}) for i in range(3)]
    for i, shard in enumerate(shards):
        made = run(f"ckpt:rename('^v{i}$', 'w')", shard, to=tmp_path / "alone" / f"{i}")
        assert restore(made, "float32", ["w"])[0].numpy() == i and values(shard) == {f"v{i}": float(i)}
    ours = tmp_path / "ours"
    godwit("run", "-q", "merge", *shards, "-o", ours)
    theirs = merge(str(tmp_path / "theirs"), shards)
    assert values(ours) == values(theirs) == {f"v{i}": float(i) for i in range(3)}
    assert np.array_equal([Read(str(ours)).value(f"v{i}") for i in range(3)], range(3))
