#!/usr/bin/env python3
"""Saves a checkpoint with the names of BERT's TF1 code (google-research/bert) at a toy's size: how bert-tiny.ckpt-20 beside
this file was made.

Usage: make_bert.py FOLDER        (TensorFlow 2.15.1)

Two layers, hidden size 4, 12 words; AdamWeightDecayOptimizer's slots (adam_m, adam_v) and the step. The values are random:
what matters here are the names.
"""
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
import numpy as np  # noqa: E402
import tensorflow.compat.v1 as tf  # noqa: E402

tf.disable_eager_execution()
random = np.random.RandomState(3)
HIDDEN, INNER, WORDS, POSITIONS, LAYERS = 4, 8, 12, 6, 2


def dense(name, inputs, outputs):
    return {f"{name}/kernel": (inputs, outputs), f"{name}/bias": (outputs,)}


def norm(name):
    return {f"{name}/LayerNorm/beta": (HIDDEN,), f"{name}/LayerNorm/gamma": (HIDDEN,)}


def shapes():
    found = {"bert/embeddings/word_embeddings": (WORDS, HIDDEN), "bert/embeddings/token_type_embeddings": (2, HIDDEN),
             "bert/embeddings/position_embeddings": (POSITIONS, HIDDEN), **norm("bert/embeddings")}
    for layer in range(LAYERS):
        scope = f"bert/encoder/layer_{layer}"
        for part in ("query", "key", "value"):
            found.update(dense(f"{scope}/attention/self/{part}", HIDDEN, HIDDEN))
        found.update(dense(f"{scope}/attention/output/dense", HIDDEN, HIDDEN))
        found.update(norm(f"{scope}/attention/output"))
        found.update(dense(f"{scope}/intermediate/dense", HIDDEN, INNER))
        found.update(dense(f"{scope}/output/dense", INNER, HIDDEN))
        found.update(norm(f"{scope}/output"))
    found.update(dense("bert/pooler/dense", HIDDEN, HIDDEN))
    found.update({"cls/predictions/output_bias": (WORDS,)})
    return found


def variable(name, shape):
    tf.get_variable(name, initializer=random.normal(0, 0.02, shape).astype(np.float32))


def main(folder):
    for name, shape in shapes().items():
        variable(name, shape)
        variable(f"{name}/adam_m", shape)
        variable(f"{name}/adam_v", shape)
    tf.get_variable("global_step", initializer=np.int64(20), trainable=False)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, os.path.join(folder, "bert-tiny.ckpt"), global_step=20, write_meta_graph=False,
                              write_state=False)


if __name__ == "__main__":
    main(sys.argv[1])
