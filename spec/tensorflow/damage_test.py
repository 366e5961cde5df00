"""Damaged checkpoints end with exit code 4, where TensorFlow reads on and loses keys silently too."""
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from corpus import random
from oracle import Read, merge, save_names, save_v2
from support import DAMAGED, NO, files, godwit, inspect, listing, refused, run, values
from tables import block_handles, bundle


def flip(path, at, bit=0):
    data = bytearray(Path(path).read_bytes())
    data[at] ^= 1 << bit
    Path(path).write_bytes(data)


def copy_of(prefix, folder):
    folder.mkdir(exist_ok=True)
    for suffix, content in files(prefix).items():
        (folder / f"ckpt{suffix}").write_bytes(content)
    return str(folder / "ckpt")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return save_v2(str(tmp_path_factory.mktemp("small") / "ckpt"),
                   {"b": tf.constant([1.5, -2.5]), "s": tf.constant(["ab", "", "c"]), "w": tf.constant([[1, 2], [3, 4]])})


# ---- A block of the index that is not the first

@pytest.mark.parametrize("which", ["second", "middle", "last"])
def test_a_damaged_later_block_is_an_error_where_tensorflow_loses_its_keys(corpus, tmp_path, which):
    prefix = copy_of(corpus("thirty_thousand_tensors"), tmp_path / "in")
    handles = block_handles(Path(f"{prefix}.index").read_bytes())
    assert len(handles) > 3
    offset, size = handles[{"second": 1, "middle": len(handles) // 2, "last": -1}[which]]
    flip(f"{prefix}.index", offset + size // 3, 5)
    lost = 30000 - len(Read(prefix).shapes)
    assert 0 < lost < 30000  # TensorFlow does not notice
    for command in (["inspect", prefix], ["inspect", "--json", prefix], ["plan", "-e", "", prefix]):
        message = godwit(*command, code=DAMAGED)
        assert f"{prefix}.index" in message and "checksum" in message
    refused("", prefix, to=tmp_path / "out", code=DAMAGED)
    godwit("verify", prefix, code=NO)


# ---- Every byte of a small one

def outcome(read):
    """Names and values that a reader gives, or None for an error."""
    try:
        return {name: value.tolist() for name, value in read.values().items()}
    except Exception:  # pylint: disable=broad-except; TensorFlow raises many kinds
        return None


def in_tensorflow(prefix):
    try:
        return outcome(Read(prefix))
    except Exception:  # pylint: disable=broad-except
        return None


def in_godwit(prefix):
    try:
        found = values(prefix)
    except AssertionError:
        godwit("inspect", "--values", prefix, code=DAMAGED)
        return None
    return {name: [text.encode() if isinstance(text, str) else text for text in value] if name == "s" else value for name, value in found.items()}


@pytest.mark.parametrize("suffix", [".index", ".data-00000-of-00001"])
def test_no_flipped_bit_of_a_small_checkpoint_is_read_as_something_else(small, tmp_path, suffix):
    right = in_tensorflow(small)
    assert right == in_godwit(small)
    prefix = copy_of(small, tmp_path / "in")
    size = os.path.getsize(prefix + suffix)
    noticed = 0
    for at in range(size):
        flip(prefix + suffix, at, at % 8)
        theirs, ours = in_tensorflow(prefix), in_godwit(prefix)
        assert ours in (None, right), (suffix, at)
        assert theirs is not None or ours is None, (suffix, at)  # whatever TensorFlow notices, we do
        noticed += ours is None
        flip(prefix + suffix, at, at % 8)
    if suffix == ".index":
        assert noticed >= size - 60  # the footer's padding and the metaindex mean nothing
    else:
        assert noticed == size


def test_no_cut_checkpoint_is_read(small, tmp_path):
    prefix = copy_of(small, tmp_path / "in")
    for suffix, content in files(small).items():
        for length in range(len(content)):
            Path(prefix + suffix).write_bytes(content[:length])
            assert in_godwit(prefix) is None, (suffix, length)
        Path(prefix + suffix).write_bytes(content)


def test_nothing_is_written_of_a_damaged_checkpoint(small, tmp_path):
    prefix = copy_of(small, tmp_path / "in")
    (tmp_path / "out").mkdir()
    flip(f"{prefix}.data-00000-of-00001", 3)
    for flags in ((), ("--force",), ("--shards", "2"), ("--data", "link", "--verify"), ("--latest",)):
        message = refused("", prefix, to=tmp_path / "out" / "ckpt", flags=flags, code=DAMAGED)
        assert "does not match" in message and "b" in message and ".data-00000-of-00001" in message
    assert listing(tmp_path / "out") == []


def test_an_old_checkpoint_survives_a_replacement_that_fails(small, tmp_path):
    good = run("", small, to=tmp_path / "out" / "ckpt")
    before = files(good)
    prefix = copy_of(small, tmp_path / "in")
    flip(f"{prefix}.data-00000-of-00001", 3)
    refused("", prefix, to=good, flags=["--force", "--latest"], code=DAMAGED)
    assert files(good) == before


# ---- Files that do not belong together

def test_another_checkpoints_data_is_noticed(small, tmp_path):
    other = save_v2(str(tmp_path / "other"), {"b": tf.constant([1.5, -3.5]), "s": tf.constant(["ab", "", "c"]), "w": tf.constant([[1, 2], [3, 4]])})
    prefix = copy_of(small, tmp_path / "in")
    shutil.copy(f"{other}.data-00000-of-00001", f"{prefix}.data-00000-of-00001")
    assert "checksum" in refused("", prefix, to=tmp_path / "out", code=DAMAGED)
    assert sorted(inspect(prefix)) == ["b", "s", "w"]


def test_swapped_and_missing_shards_are_noticed(tmp_path):
    named = {"a": random(3), "b": random(3, seed=1)}
    prefix = save_names(str(tmp_path / "ckpt"), named, {"a": 0, "b": 1})
    first, second = (f"{prefix}.data-0000{i}-of-00002" for i in range(2))
    os.rename(first, tmp_path / "aside")
    message = refused("", prefix, to=tmp_path / "out", code=DAMAGED)
    assert "missing" in message and first in message
    os.rename(second, first)
    os.rename(tmp_path / "aside", second)
    assert "checksum" in refused("", prefix, to=tmp_path / "out", code=DAMAGED)


def test_a_merge_of_an_empty_bundle_is_read_where_tensorflow_cannot(tmp_path):
    empty = bundle(str(tmp_path / "empty"), {})
    full = save_v2(str(tmp_path / "full"), {"a": random(3)})
    prefix = merge(str(tmp_path / "merged"), [empty, full])
    with pytest.raises((RuntimeError, tf.errors.OpError), match="No such file"):
        Read(prefix).value("a")
    made = run("", prefix, to=tmp_path / "made")
    assert Read(made).value("a").tolist() == random(3).tolist()
    assert np.float32(values(prefix)["a"]).tolist() == random(3).tolist()
