"""bert_tf1_to_tf2, judged by the Model Garden's own encoder and converter, and by BERT's formulas on the TF1 values.

The Model Garden (tf-models-official 2.15) is no requirement: spec/support/venv.sh installs it where it can be had, and
MODEL_GARDEN names its wheel or the folder that has official/."""
import importlib
import importlib.util
import os
import sys
import types

import numpy as np
import pytest
import tensorflow as tf

from support import godwit

v1 = tf.compat.v1
WORDS, HIDDEN, LAYERS, HEADS, POSITIONS, TYPES, INNER = 23, 12, 3, 4, 9, 2, 20


def garden_folder():
    found = os.environ.get("MODEL_GARDEN")
    if found:
        return found
    spec = importlib.util.find_spec("official")
    return os.path.dirname(list(spec.submodule_search_locations)[0]) if spec else None


GARDEN = garden_folder()
pytestmark = pytest.mark.skipif(not GARDEN, reason="the Model Garden (tf-models-official) is not here: MODEL_GARDEN=WHEEL or FOLDER")


@pytest.fixture(scope="module")
def garden():
    """Its modules that BERT is made of. The packages' own __init__ would import all models, and what those need."""
    sys.path.insert(0, GARDEN)
    for name in ("official", "official.modeling", "official.nlp", "official.nlp.modeling", "official.nlp.modeling.layers",
                 "official.nlp.modeling.networks", "official.nlp.tools"):
        package = types.ModuleType(name)
        package.__path__ = [os.path.join(GARDEN, *name.split("."))]
        sys.modules[name] = package
        if "." in name:
            parent, child = name.rsplit(".", 1)
            setattr(sys.modules[parent], child, package)
    layers = sys.modules["official.nlp.modeling.layers"]
    for module, name in (("on_device_embedding", "OnDeviceEmbedding"), ("position_embedding", "PositionEmbedding"), ("masked_lm", "MaskedLM"),
                         ("self_attention_mask", "SelfAttentionMask"), ("transformer_encoder_block", "TransformerEncoderBlock")):
        setattr(layers, name, getattr(importlib.import_module(f"official.nlp.modeling.layers.{module}"), name))
    encoders = importlib.import_module("official.nlp.modeling.networks.bert_encoder")
    converter = importlib.import_module("official.nlp.tools.tf1_bert_checkpoint_converter_lib")
    return types.SimpleNamespace(encoders=encoders, layers=layers, converter=converter)


def shapes():
    found = {}

    def dense(name, rows, columns):
        found.update({f"{name}/kernel": (rows, columns), f"{name}/bias": (columns,)})

    def norm(name):
        found.update({f"{name}/LayerNorm/gamma": (HIDDEN,), f"{name}/LayerNorm/beta": (HIDDEN,)})
    for name, rows in (("word", WORDS), ("token_type", TYPES), ("position", POSITIONS)):
        found[f"bert/embeddings/{name}_embeddings"] = (rows, HIDDEN)
    norm("bert/embeddings")
    for layer in range(LAYERS):
        scope = f"bert/encoder/layer_{layer}"
        for name in ("self/query", "self/key", "self/value", "output/dense"):
            dense(f"{scope}/attention/{name}", HIDDEN, HIDDEN)
        norm(f"{scope}/attention/output")
        dense(f"{scope}/intermediate/dense", HIDDEN, INNER)
        dense(f"{scope}/output/dense", INNER, HIDDEN)
        norm(f"{scope}/output")
    dense("bert/pooler/dense", HIDDEN, HIDDEN)
    dense("cls/predictions/transform/dense", HIDDEN, HIDDEN)
    norm("cls/predictions/transform")
    found["cls/predictions/output_bias"] = (WORDS,)
    return found


@pytest.fixture(scope="module")
def tf1(tmp_path_factory):
    """A TF1 checkpoint with every variable random, slots too; and its values."""
    prefix = str(tmp_path_factory.mktemp("bert") / "bert_model.ckpt")
    random = np.random.RandomState(3)
    values = {name: random.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes().items()}
    with tf.Graph().as_default(), v1.Session() as session:
        for name, value in values.items():
            v1.get_variable(name, initializer=value)
            v1.get_variable(f"{name}/adam_m", initializer=value)
        v1.get_variable("cls/seq_relationship/output_bias", initializer=np.float32([0.0, 1.0]))
        v1.train.get_or_create_global_step()
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, prefix)
    return prefix, values


def built(garden, name):
    encoder = getattr(garden.encoders, name)(vocab_size=WORDS, hidden_size=HIDDEN, num_layers=LAYERS, num_attention_heads=HEADS,
                                             max_sequence_length=POSITIONS, type_vocab_size=TYPES, inner_dim=INNER)
    encoder(encoder.inputs)
    return encoder


# ---- BERT as modeling.py of google-research/bert computes it, on the TF1 values

def normed(x, values, name):
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-12) * values[f"{name}/LayerNorm/gamma"] + values[f"{name}/LayerNorm/beta"]


def dense(x, values, name):
    return x @ values[f"{name}/kernel"] + values[f"{name}/bias"]


def gelu(x):
    return x * 0.5 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3)))


def heads(x):
    return x.reshape(*x.shape[:2], HEADS, HIDDEN // HEADS).transpose(0, 2, 1, 3)


def bert(values, words, kinds):
    values = {name: value.astype(np.float64) for name, value in values.items()}
    x = values["bert/embeddings/word_embeddings"][words] + values["bert/embeddings/token_type_embeddings"][kinds]
    x = normed(x + values["bert/embeddings/position_embeddings"][:words.shape[1]], values, "bert/embeddings")
    for layer in range(LAYERS):
        scope = f"bert/encoder/layer_{layer}"
        query, key, value = (heads(dense(x, values, f"{scope}/attention/self/{name}")) for name in ("query", "key", "value"))
        scores = query @ key.transpose(0, 1, 3, 2) / np.sqrt(HIDDEN // HEADS)
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        context = (scores / scores.sum(-1, keepdims=True)) @ value
        context = context.transpose(0, 2, 1, 3).reshape(x.shape)
        x = normed(x + dense(context, values, f"{scope}/attention/output/dense"), values, f"{scope}/attention/output")
        inner = gelu(dense(x, values, f"{scope}/intermediate/dense"))
        x = normed(x + dense(inner, values, f"{scope}/output/dense"), values, f"{scope}/output")
    return x, np.tanh(dense(x[:, 0], values, "bert/pooler/dense"))


@pytest.mark.parametrize("name", ["BertEncoder", "BertEncoderV2"])
@pytest.mark.parametrize("container", ["model", "encoder"])
def test_the_encoder_computes_what_bert_computed(tmp_path, garden, tf1, name, container):
    prefix, values = tf1
    godwit("run", "bert_tf1_to_tf2", prefix, "-o", tmp_path / "ckpt-1", "-p", f"heads={HEADS}", "-p", f"container={container}")
    encoder = built(garden, name)
    tf.train.Checkpoint(**{container: encoder}).restore(str(tmp_path / "ckpt-1")).assert_existing_objects_matched()
    random = np.random.RandomState(5)
    words, kinds = random.randint(WORDS, size=(2, 7)), random.randint(TYPES, size=(2, 7))
    found = encoder({"input_word_ids": words, "input_mask": np.ones((2, 7), np.int32), "input_type_ids": kinds})
    sequence, pooled = (found["sequence_output"], found["pooled_output"]) if isinstance(found, dict) else found
    expected_sequence, expected_pooled = bert(values, words, kinds)
    np.testing.assert_allclose(sequence, expected_sequence, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(pooled, expected_pooled, rtol=1e-4, atol=1e-4)


def test_the_variables_are_those_of_the_gardens_converter(tmp_path, garden, tf1):
    prefix, _ = tf1
    garden.converter.convert(prefix, str(tmp_path / "named"), HEADS, garden.converter.BERT_V2_NAME_REPLACEMENTS,
                             garden.converter.BERT_V2_PERMUTATIONS, ["adam", "Adam"])
    theirs = built(garden, "BertEncoder")
    theirs.load_weights(str(tmp_path / "named")).assert_existing_objects_matched()
    godwit("run", "bert_tf1_to_tf2", prefix, "-o", tmp_path / "ckpt-1", "-p", f"heads={HEADS}")
    ours = built(garden, "BertEncoder")
    tf.train.Checkpoint(model=ours).restore(str(tmp_path / "ckpt-1")).assert_existing_objects_matched()
    assert len(ours.weights) == len(theirs.weights) == 7 + 16 * LAYERS
    for mine, other in zip(ours.weights, theirs.weights, strict=True):
        assert mine.name == other.name
        np.testing.assert_array_equal(mine.numpy(), other.numpy(), err_msg=mine.name)


def test_the_head_shares_the_embeddings(tmp_path, garden, tf1):
    prefix, values = tf1
    godwit("run", "bert_tf1_to_tf2", prefix, "-o", tmp_path / "ckpt-1", "-p", f"heads={HEADS}", "-p", "container=encoder", "-p", "masked_lm=true")
    encoder = built(garden, "BertEncoderV2")
    head = garden.layers.MaskedLM(embedding_table=encoder.get_embedding_table(), activation=gelu_tf, name="cls/predictions")
    states, places = np.random.RandomState(6).randn(2, 7, HIDDEN).astype(np.float32), tf.constant([[1, 3], [0, 6]])
    head(states, places)
    tf.train.Checkpoint(encoder=encoder, masked_lm=head).restore(str(tmp_path / "ckpt-1")).assert_existing_objects_matched()
    picked = np.stack([states[i, row] for i, row in enumerate(places.numpy())]).astype(np.float64)
    inner = normed(gelu(dense(picked, values, "cls/predictions/transform/dense")), values, "cls/predictions/transform")
    expected = inner @ values["bert/embeddings/word_embeddings"].T + values["cls/predictions/output_bias"]
    np.testing.assert_allclose(head(states, places), expected, rtol=1e-4, atol=1e-4)


def gelu_tf(x):
    return tf.keras.activations.gelu(x, approximate=True)
