"""Object graphs that TensorFlow writes: read, re-encoded to the same bytes, and every key found (verify says so)."""
import json
import subprocess

import pytest
import tensorflow as tf
from tensorflow.core.protobuf import trackable_object_graph_pb2

from support import GODWIT, assert_same_files, godwit, run

Legacy = tf.keras.optimizers.legacy


def dense_model():
    layers = tf.keras.layers
    return tf.keras.Sequential([layers.Dense(4, input_shape=(3,)), layers.BatchNormalization(), layers.Dense(2)])


def functional_model():
    inputs = tf.keras.Input((3,))
    shared = tf.keras.layers.Dense(3, name="shared")
    return tf.keras.Model(inputs, tf.keras.layers.Add()([shared(inputs), shared(shared(inputs))]))


class Subclassed(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.blocks = [tf.keras.layers.Dense(3) for _ in range(3)]
        self.by_name = {"first": self.blocks[0], "a/b": tf.keras.layers.Dense(3)}

    def call(self, inputs):
        for block in self.blocks:
            inputs = block(inputs)
        return self.by_name["a/b"](inputs)


def trained(model, optimizer):
    model.compile(optimizer=optimizer, loss="mse")
    outputs = model(tf.zeros([4, 3]))
    model.fit(tf.zeros([4, 3]), tf.zeros(outputs.shape), verbose=0)
    return model


OPTIMIZERS = {
    "adam": tf.keras.optimizers.Adam, "sgd with momentum": lambda: tf.keras.optimizers.SGD(momentum=0.9),
    "adagrad": tf.keras.optimizers.Adagrad, "ftrl": tf.keras.optimizers.Ftrl,
    "legacy adam": Legacy.Adam, "legacy sgd with momentum": lambda: Legacy.SGD(momentum=0.9), "legacy rmsprop": Legacy.RMSprop,
    "legacy ftrl": Legacy.Ftrl,
}
MODELS = {"sequential": dense_model, "functional": functional_model, "subclassed": Subclassed}


def odd_names():
    children = {name: tf.Variable(float(i)) for i, name in enumerate(["a/b", "a.b", "a..b", "a.Sb", ".S", ".ATTRIBUTES", "ü", "x y"])}
    return tf.train.Checkpoint(d=children)


def lists_in_dictionaries_in_lists():
    shared = tf.Variable(1.0)
    return tf.train.Checkpoint(x=[{"a": [shared, {"b": [tf.Variable(2.0)]}], "c": shared}, [shared, []], {}], y=shared)


def cycles():
    first, second = tf.Module(), tf.Module()
    first.other, second.other, second.v = second, first, tf.Variable(1.0)
    root = tf.train.Checkpoint(first=first)
    root.me = root
    return root


def tables_iterators_generators():
    table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    table.insert(["x", "y"], [1, 2])
    iterator = iter(tf.data.Dataset.range(10).shuffle(5))
    next(iterator)
    return tf.train.Checkpoint(table=table, iterator=iterator, generator=tf.random.Generator.from_seed(1), v=tf.Variable(1))


def nested_modules():
    root = tf.Module()
    at = root
    for i in range(30):
        at.below, at.v = tf.Module(), tf.Variable(float(i), name=f"v{i}")
        at = at.below
    return tf.train.Checkpoint(root)


STRUCTURES = [odd_names, lists_in_dictionaries_in_lists, cycles, tables_iterators_generators, nested_modules]


def assert_sound(prefix):
    """No finding at all: the graph decodes, encodes to the same bytes, and names keys that are there."""
    result = json.loads(godwit("verify", "--json", prefix))["checkpoints"][0]
    assert result["sound"] and result["findings"] == []


def assert_rebuilt(prefix):
    """Made anew from its objects, and so with every number, key and place of data derived, it is the same to the byte."""
    assert_same_files(run("return gw.objects(ckpt.root)", prefix, to=f"{prefix}-rebuilt"), prefix)


def assert_same_graph(prefix):
    """`graph --json` has the nodes, edges, attributes and slots that TensorFlow reads."""
    stored = tf.train.load_checkpoint(prefix).get_tensor("_CHECKPOINTABLE_OBJECT_GRAPH")
    expected = trackable_object_graph_pb2.TrackableObjectGraph.FromString(stored)
    nodes = json.loads(godwit("graph", "--json", prefix))["nodes"]
    assert len(nodes) == len(expected.nodes)
    for ours, theirs in zip(nodes, expected.nodes):
        assert [(c["node"], c["name"]) for c in ours["children"]] == [(c.node_id, c.local_name) for c in theirs.children]
        assert [(a["name"], a["full_name"], a["key"]) for a in ours["attributes"]] == [
            (a.name, a.full_name, a.checkpoint_key) for a in theirs.attributes]
        assert [(s["variable"], s["name"], s["slot"]) for s in ours["slots"]] == [
            (s.original_variable_node_id, s.slot_name, s.slot_variable_node_id) for s in theirs.slot_variables]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_graph_of_a_model_with_its_optimizer_encodes_to_the_same_bytes(tmp_path, model, optimizer):
    made = trained(MODELS[model](), OPTIMIZERS[optimizer]())
    saved = [tf.train.Checkpoint(model=made, optimizer=made.optimizer).save(tmp_path / "save"),
             tf.train.Checkpoint(made).write(tmp_path / "write")]
    for prefix in saved:
        assert_sound(prefix)
        assert_same_graph(prefix)
        assert_rebuilt(prefix)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_the_graph_of_a_structure_encodes_to_the_same_bytes(tmp_path, structure):
    made = structure()
    for prefix in (made.save(tmp_path / "save"), made.write(tmp_path / "write")):
        assert_sound(prefix)
        assert_same_graph(prefix)
        assert_rebuilt(prefix)


def test_the_graph_of_a_saved_model_encodes_to_the_same_bytes(tmp_path):
    trained(dense_model(), tf.keras.optimizers.Adam()).save(tmp_path / "model", save_format="tf")
    assert_sound(tmp_path / "model")
    assert_same_graph(f"{tmp_path}/model/variables/variables")
    assert_rebuilt(f"{tmp_path}/model/variables/variables")


def test_a_key_that_is_missing_is_found(tmp_path):
    """TensorFlow says NotFound for it when it restores; godwit says so without a model."""
    prefix = tf.train.Checkpoint(v=tf.Variable(1.0)).write(tmp_path / "ckpt")
    graph = tf.train.load_checkpoint(prefix).get_tensor("_CHECKPOINTABLE_OBJECT_GRAPH")
    tf.raw_ops.SaveV2(prefix=str(tmp_path / "cut"), tensor_names=["_CHECKPOINTABLE_OBJECT_GRAPH"], shape_and_slices=[""],
                      tensors=[tf.constant(graph)])
    done = subprocess.run([GODWIT, "verify", "--json", tmp_path / "cut"], capture_output=True, check=False)
    assert done.returncode == 1
    findings = json.loads(done.stdout)["checkpoints"][0]["findings"]
    assert [finding["key"] for finding in findings] == ["v/.ATTRIBUTES/VARIABLE_VALUE"]
