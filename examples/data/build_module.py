#!/usr/bin/env python3
"""The classifier of train_digits.py as a tf.Module, saved before any training: how digits-module-1 beside this file was made.

Layers are in a list, and their weights are [outputs, inputs]: the TF1 kernels turned around.

Usage: build_module.py FOLDER        (TensorFlow 2.15.1)
"""
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
import tensorflow as tf  # noqa: E402


class Linear(tf.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = tf.Variable(tf.random.stateless_normal([outputs, inputs], [7, inputs]))
        self.offset = tf.Variable(tf.zeros([outputs]))

    def __call__(self, x):
        return tf.matmul(x, self.weight, transpose_b=True) + self.offset


class Digits(tf.Module):
    def __init__(self):
        super().__init__()
        self.layers = [Linear(16, 12), Linear(12, 10)]

    def __call__(self, x):
        return self.layers[1](tf.nn.relu(self.layers[0](x)))


def main(folder):
    step = tf.Variable(0, dtype=tf.int64)
    tf.train.Checkpoint(model=Digits(), step=step).save(os.path.join(folder, "digits-module"))


if __name__ == "__main__":
    main(sys.argv[1])
