#!/usr/bin/env python3
"""Builds the classifier of train_digits.py in Keras and saves it before any training: how digits-keras-1 beside this file was made.

Usage: build_digits.py FOLDER        (TensorFlow 2.15.1)
"""
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
import tensorflow as tf  # noqa: E402


def main(folder):
    tf.keras.utils.set_random_seed(7)
    model = tf.keras.Sequential([
        tf.keras.layers.Dense(12, "relu", name="dense"), tf.keras.layers.Dense(10, name="logits")])
    model.build([None, 16])
    optimizer = tf.keras.optimizers.Adam(0.02, epsilon=1e-8)
    optimizer.build(model.trainable_variables)
    tf.train.Checkpoint(model=model, optimizer=optimizer).save(os.path.join(folder, "digits-keras"))


if __name__ == "__main__":
    main(sys.argv[1])
