#!/usr/bin/env python3
"""Trains a small TF1 classifier and saves it as TF1 programs did: how digits.ckpt-100 beside this file was made.

Usage: train_digits.py FOLDER        (TensorFlow 2.15.1)

Two dense layers under the scope "classifier", Adam with its slots, moving averages, a step. The images are synthetic:
digit d is a bar whose height grows with d, plus noise; enough to learn something in 100 steps.
"""
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
import numpy as np  # noqa: E402
import tensorflow.compat.v1 as tf  # noqa: E402

tf.disable_eager_execution()
tf.set_random_seed(7)
random = np.random.RandomState(7)


def batch(size):
    labels = random.randint(10, size=size)
    images = random.normal(0, 0.1, (size, 16)).astype(np.float32)
    for image, label in zip(images, labels):
        image[: label + 3] += 1
    return images, labels


def main(folder):
    images = tf.placeholder(tf.float32, [None, 16])
    labels = tf.placeholder(tf.int64, [None])
    with tf.variable_scope("classifier"):
        with tf.variable_scope("dense"):
            kernel = tf.get_variable("kernel", [16, 12])
            bias = tf.get_variable("bias", [12], initializer=tf.zeros_initializer())
            hidden = tf.nn.relu(images @ kernel + bias)
        with tf.variable_scope("logits"):
            kernel = tf.get_variable("kernel", [12, 10])
            bias = tf.get_variable("bias", [10], initializer=tf.zeros_initializer())
            logits = hidden @ kernel + bias
    step = tf.train.get_or_create_global_step()
    loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
    average = tf.train.ExponentialMovingAverage(0.99, step)
    with tf.control_dependencies([tf.train.AdamOptimizer(0.02).minimize(loss, step)]):
        train = average.apply(tf.trainable_variables())
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(100):
            x, y = batch(32)
            _, value = session.run([train, loss], {images: x, labels: y})
        print("loss after 100 steps:", value)
        saver = tf.train.Saver()
        prefix = os.path.join(folder, "digits.ckpt")
        saver.save(session, prefix, global_step=step, write_meta_graph=False, write_state=False)


if __name__ == "__main__":
    main(sys.argv[1])
