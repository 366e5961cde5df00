"""godwit killed (SIGKILL) at random moments of --force runs: TensorFlow reads OUT as wholly old or wholly new, each time.

The twin of spec/faults/kill_test.c, which judges with godwit's own reader.
"""
import os
import random
import signal
import subprocess
import time

import numpy as np
import tensorflow as tf

from support import GODWIT, listing

KILLS = 200
NAMES = [f"tensor/{i}" for i in range(8)]


def write(prefix, seed):
    """Two shards of 2 MB each; the values tell checkpoints apart."""
    generator = np.random.default_rng(seed)
    values = {name: generator.integers(0, 2**62, 64 * 1024) for name in NAMES}
    parts = []
    for shard in range(2):
        names = NAMES[shard::2]
        parts.append(f"{prefix}-part-{shard}")
        tf.raw_ops.SaveV2(prefix=parts[-1], tensor_names=names, shape_and_slices=[""] * len(names),
                          tensors=[tf.constant(values[name]) for name in names])
    tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=parts, destination_prefix=prefix, delete_old_dirs=False)
    return values


def start(source, target):
    return subprocess.Popen([GODWIT, "run", "--quiet", "--force", "-e", "", source, "-o", target])


def judge(target, contents):
    """Which of the contents TensorFlow finds in OUT: every tensor must be of the same one."""
    reader = tf.train.load_checkpoint(target)
    assert sorted(reader.get_variable_to_shape_map()) == NAMES
    found = {name: reader.get_tensor(name) for name in NAMES}
    whole = [i for i, content in enumerate(contents) if all(np.array_equal(found[name], content[name]) for name in NAMES)]
    assert len(whole) == 1, "neither wholly old nor wholly new"
    return whole[0]


def test_tensorflow_reads_old_or_new_after_every_kill(tmp_path):
    sources = [str(tmp_path / f"source-{i}") for i in range(2)]
    contents = [write(source, seed) for seed, source in enumerate(sources)]
    (tmp_path / "out").mkdir()
    target = str(tmp_path / "out" / "ckpt")
    chance = random.Random(20261123)
    for source in sources:
        begin = time.monotonic()
        assert start(source, target).wait() == 0
        longest = time.monotonic() - begin  # follows what runs take, which differs from disk to disk
    there = judge(target, contents)
    killed = after = runs = 0
    while killed < KILLS:
        runs += 1
        assert runs <= 5 * KILLS
        process = start(sources[1 - there], target)
        time.sleep(longest * chance.random())
        process.kill()
        hit = process.wait() == -signal.SIGKILL
        found = judge(target, contents)
        assert hit or (process.returncode == 0 and found == 1 - there)
        killed += hit
        after += hit and found != there
        longest *= 1.02 if hit else 0.92
        there = found
    print(f"{killed} of {runs} runs killed, {after} of them after the change")
    assert start(sources[1 - there], target).wait() == 0
    assert judge(target, contents) == 1 - there
    assert listing(os.path.dirname(target)) == ["ckpt.data-00000-of-00002", "ckpt.data-00001-of-00002", "ckpt.index"]
