"""Bundles that TensorFlow reads but does not write here: big-endian, snappy, odd places, odd messages. Made by tables.py.

TB-01: TensorFlow's tensor_bundle_test.cc."""
import struct
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import tensor_bundle_pb2

from corpus import random
from oracle import NUMERIC, Read, numpy_of, save_v2, some, tensor
from support import DAMAGED, assert_same_files, assert_same_value, inspect, refused, run, values
from tables import bundle, crc32c, entry, get_varint, header, mask, read_index, stored_strings, table, varint

# What a little-endian TensorFlow converts, and what it can only be judged by its bits.
NAMES = {name: getattr(tf, name, None) or some(name, [1]).dtype for name in NUMERIC}


BIG = header(endianness=1)


def swapped(dtype, content):
    """Little-endian elements as a big-endian machine stores them: complex numbers half by half."""
    width = numpy_of(dtype).itemsize // (2 if dtype.startswith("complex") else 1)
    return np.frombuffer(content, np.uint8).reshape(-1, width)[:, ::-1].tobytes()


def big_endian(prefix, named, **options):
    """The bundle that a big-endian TensorFlow would have written of these tensors; strings are lists of bytes."""
    stored = {}
    for name, (dtype, shape, content) in named.items():
        if dtype == "string":
            stored[name] = (tf.string.as_datatype_enum, shape, *stored_strings(content, ">"))
        else:
            stored[name] = (NAMES[dtype].as_datatype_enum, shape, swapped(dtype, content))
    return bundle(prefix, stored, BIG, **options)


def little_endian(prefix, named):
    return save_v2(prefix, {name: tf.reshape(tf.constant(content, tf.string), shape) if dtype == "string" else tensor(dtype, shape, content)
                            for name, (dtype, shape, content) in named.items()})


def bits(dtype, shape, seed=0):
    count = int(np.prod(shape, dtype=np.int64)) * numpy_of(dtype).itemsize
    top = {"bool": 1, "int4": 15, "uint4": 15}.get(dtype, 255)
    return dtype, shape, (np.random.default_rng(seed).integers(0, 256, count, dtype=np.uint8) & np.uint8(top)).tobytes()


STRINGS = ("string", [2, 3], [b"", b"ab", b"\xff\0", b"c" * 300, "ü".encode(), b"x"])


# ---- Byte order

@pytest.mark.parametrize("dtype", NUMERIC)
def test_tb_01_a_big_endian_tensor_becomes_a_little_endian_one(tmp_path, dtype):
    named = {"b": bits(dtype, [3, 5]), "a": bits(dtype, [], 1), "none": bits(dtype, [0]), "z": bits(dtype, [7], 2)}
    source = big_endian(str(tmp_path / "big"), named)
    expected = little_endian(str(tmp_path / "little"), named)
    assert values(source) == values(expected)
    made = run("", source, to=tmp_path / "made")
    assert_same_files(made, expected)
    if dtype in ("float32", "float64", "complex64", "complex128"):
        ours, theirs = Read(source), Read(made)
        assert all(ours.value(name).tobytes() == theirs.value(name).tobytes() for name in named)


@pytest.mark.parametrize("flags", [(), ("--threads", "7", "--memory", "1M")])
def test_a_big_endian_checkpoint_of_many_kinds_becomes_tensorflows_own(tmp_path, flags):
    named = {"strings": STRINGS, "none": ("string", [0], []), "large": bits("float64", [100000]), "f": bits("float32", [5]),
             "many": ("string", [3000], [b"t%d" % i * (i % 5) for i in range(3000)]), "long": ("string", [2], [b"xyz" * 60000, b""]),
             "complex": bits("complex128", [40001]), "h": bits("float16", [99999])}
    source = big_endian(str(tmp_path / "big"), named)
    expected = little_endian(str(tmp_path / "little"), named)
    found, read = inspect(source, "--values"), Read(source)
    for name in ("strings", "none", "many", "long", "f", "complex"):
        assert_same_value(found[name]["value"], read.value(name), found[name]["dtype"])
    assert_same_files(run("", source, to=tmp_path / "made", flags=flags), expected)


def turned_big_endian(prefix, made):
    """The same checkpoint as a big-endian machine would have written it: other data, other checksums."""
    head, entries = read_index(prefix)
    shards = [bytearray(Path(f"{prefix}.data-{i:05}-of-{head.num_shards:05}").read_bytes()) for i in range(head.num_shards)]
    for item in entries.values():
        if item.slices:
            continue
        place = slice(item.offset, item.offset + item.size)
        content = bytes(shards[item.shard_id][place])
        if item.dtype == tf.string.as_datatype_enum:
            count = int(np.prod([dim.size for dim in item.shape.dim], dtype=np.int64))
            lengths, at = [], 0
            for _ in range(count):
                length, at = get_varint(content, at)
                lengths.append(length)
            ends = (at + 4 + np.cumsum([0, *lengths])).tolist()
            content, crc = stored_strings([content[begin:end] for begin, end in zip(ends, ends[1:])], ">")
        else:
            content = swapped(tf.as_dtype(item.dtype).name, content)
            crc = crc32c(content)
        shards[item.shard_id][place] = content
        item.crc32c = mask(crc)
    head.endianness = 1
    pairs = [(b"", head.SerializeToString()), *((key, item.SerializeToString()) for key, item in entries.items())]
    Path(f"{made}.index").write_bytes(table(sorted(pairs)))
    for i, shard in enumerate(shards):
        Path(f"{made}.data-{i:05}-of-{head.num_shards:05}").write_bytes(shard)
    return str(made)


@pytest.mark.parametrize("name", [
    "every_pattern_of_a_byte_in_every_dtype", "scalars_of_every_dtype", "special_floats", "strings_of_many_kinds",
    "strings_at_the_borders_of_their_lengths", "empty_shapes_of_every_dtype_among_others", "twelve_parts_along_the_first_axis",
    "a_tensor_cut_along_three_axes", "slices_of_every_dtype_that_can_be_joined", "slices_of_dtypes_that_cannot_be_joined",
    "three_merged_shards", "a_tf1_model_in_a_scope", "data_in_another_order_than_names", "keras_with_adam", "objects_saved"])
def test_a_big_endian_checkpoint_becomes_what_tensorflow_writes_here(corpus, tmp_path, name):
    big = turned_big_endian(corpus(name), tmp_path / "big")
    assert values(big) == values(corpus(name))
    assert_same_files(run("", big, to=tmp_path / "made"), corpus(name), meta=False)


def test_big_endian_tensors_are_renamed_merged_and_dropped(tmp_path):
    source = big_endian(str(tmp_path / "big"), {"b": bits("int32", [4]), "c": STRINGS, "d": bits("int64", [2])})
    other = save_v2(str(tmp_path / "other"), {"a": random(3)})
    made = run("ckpt:drop('d'); ckpt:rename('^', 'x'); ckpt:merge(inputs[2])", source, other, to=tmp_path / "made")
    _, shape, content = STRINGS
    named = {"a": random(3), "xb": tensor(*bits("int32", [4])), "xc": tf.reshape(tf.constant(content), shape)}
    assert_same_files(made, save_v2(str(tmp_path / "expected"), named))


def test_what_cannot_be_converted_is_refused(tmp_path):
    variant = bundle(str(tmp_path / "variant"), {"v": (tf.variant.as_datatype_enum, [1], b"\0\0\0\0\0")}, BIG)
    assert "big-endian" in refused("", variant, to=tmp_path / "made", code=DAMAGED)
    source = big_endian(str(tmp_path / "big"), {"b": bits("int32", [4])})
    assert "--data copy" in refused("", source, to=tmp_path / "made", flags=["--data", "link"], code=2)


# ---- Snappy

@pytest.mark.parametrize("per_block", [1, 3, 1000])
def test_an_index_of_snappy_blocks_reads(tmp_path, per_block):
    named = {f"layer_{i:03}/{'kernel/' * (i % 4)}w": (1, [2], struct.pack("<2f", i, -i)) for i in range(100)}
    plain = save_v2(str(tmp_path / "plain"), {name: np.frombuffer(content, np.float32) for name, (_, _, content) in named.items()})
    source = bundle(str(tmp_path / "snappy"), named, per_block=per_block, compress=True)
    assert Read(source).value("layer_007/kernel/kernel/kernel/w").tolist() == [7.0, -7.0]
    assert values(source) == values(plain)
    assert_same_files(run("", source, to=tmp_path / "made"), plain)


# ---- Places

def test_tb_22_aligned_data_reads(tmp_path):
    named = {f"v{i}": (1, [i], np.arange(i, dtype="<f4").tobytes()) for i in range(1, 9)}
    source = bundle(str(tmp_path / "aligned"), named, alignment=42)
    assert all(entry.offset % 42 == 0 for entry in read_index(source)[1].values())
    assert Read(source).value("v7").tolist() == list(range(7))
    plain = save_v2(str(tmp_path / "plain"), {f"v{i}": np.arange(i, dtype=np.float32) for i in range(1, 9)})
    assert values(source) == values(plain)
    assert_same_files(run("", source, to=tmp_path / "made"), plain)


def by_hand(prefix, entries, data, head=None):
    """A bundle of these entries over these bytes."""
    pairs = [(b"", (head or header()).SerializeToString())]
    pairs += [(name.encode(), value if isinstance(value, bytes) else value.SerializeToString()) for name, value in entries.items()]
    Path(f"{prefix}.index").write_bytes(table(sorted(pairs)))
    Path(f"{prefix}.data-00000-of-00001").write_bytes(data)
    return str(prefix)


def test_aliases_overlaps_and_gaps_are_copied_apart(tmp_path):
    data = np.arange(10, dtype="<i4").tobytes()
    source = by_hand(tmp_path / "source", {
        "alias_a": entry(3, [3], 4, data[4:16]), "alias_b": entry(3, [3], 4, data[4:16]), "lap": entry(3, [2], 12, data[12:20]),
        "last": entry(3, [1], 36, data[36:40]), "none": entry(3, [0], 0, b"")}, data)
    named = {"alias_a": [1, 2, 3], "alias_b": [1, 2, 3], "lap": [3, 4], "last": [9], "none": []}
    read = Read(source)
    assert values(source) == named == {name: read.value(name).tolist() for name in named}
    made = run("ckpt:rename('^', 'x/')", source, to=tmp_path / "made")
    expected = {f"x/{name}": tf.constant(value, tf.int32) for name, value in named.items()}
    assert_same_files(made, save_v2(str(tmp_path / "expected"), expected))


# ---- Messages

def field(number, wire, content):
    return varint(number << 3 | wire) + content


def test_messages_that_other_writers_make_read(tmp_path):
    data = np.arange(3, dtype="<f4").tobytes()
    crc = field(6, 5, struct.pack("<I", mask(crc32c(data))))
    shape = field(2, 2, b"\x04\x12\x02\x08\x03")
    named_dim = field(2, 2, b"\x09\x12\x07\x08\x03\x12\x03dim")
    messages = {
        "another_order": crc + field(5, 0, b"\x0c") + shape + field(1, 0, b"\x01"),
        "explicit_zeros": field(1, 0, b"\1") + shape + field(3, 0, b"\0") + field(4, 0, b"\0") + field(5, 0, b"\x0c") + crc,
        "padded_varints": field(1, 0, b"\x81\x80\x00") + shape + field(5, 0, b"\x8c\x80\x80\x00") + crc,
        "a_named_dimension": field(1, 0, b"\1") + named_dim + field(5, 0, b"\x0c") + crc,
        "unknown_fields": field(1, 0, b"\1") + shape + field(5, 0, b"\x0c") + crc + field(15, 2, b"\x03abc") + field(100, 0, b"\x07"),
    }
    source = by_hand(tmp_path / "source", messages, data)
    read = Read(source)
    assert all(read.value(name).tolist() == [0, 1, 2] for name in messages)
    assert values(source) == {name: [0.0, 1.0, 2.0] for name in messages}
    made = run("", source, to=tmp_path / "made")
    assert all(Read(made).value(name).tolist() == [0, 1, 2] for name in messages)


@pytest.mark.parametrize("head", [
    header(producer=7), header(producer=1, min_consumer=1), header(bad_consumers=[2, 3]), tensor_bundle_pb2.BundleHeaderProto(num_shards=1),
], ids=["a_newer_producer", "min_consumer_1", "others_disallowed", "no_version"])
def test_headers_of_other_versions_read_where_tensorflow_reads_them(tmp_path, head):
    source = bundle(str(tmp_path / "source"), {"v": (1, [2], struct.pack("<2f", 1, 2))}, head)
    assert Read(source).value("v").tolist() == values(source)["v"] == [1.0, 2.0]
    made = run("ckpt:rename('v', 'w')", source, to=tmp_path / "made")
    assert_same_files(made, save_v2(str(tmp_path / "expected"), {"w": tf.constant([1.0, 2.0])}))


def test_high_nibbles_of_int4_are_ignored_and_kept(tmp_path):
    content = bytes([0x0f, 0xff, 0x78, 0x07, 0x80])
    source = bundle(str(tmp_path / "source"), {"i": (29, [5], content), "u": (30, [5], content)})
    assert values(source) == {"i": [-1, -1, -8, 7, 0], "u": [15, 15, 8, 7, 0]}
    made = run("ckpt:rename('^', 'x')", source, to=tmp_path / "made")
    assert Path(f"{made}.data-00000-of-00001").read_bytes() == content * 2


def test_a_dtype_of_the_future_is_kept(tmp_path):
    source = bundle(str(tmp_path / "source"), {"f": (99, [3], b"abcdef"), "v": (1, [], struct.pack("<f", 5))})
    assert inspect(source)["f"]["shape"] == [3]
    made = run("ckpt:rename('^', 'x')", source, to=tmp_path / "made")
    assert read_index(made)[1][b"xf"] == read_index(source)[1][b"f"]
    assert Path(f"{made}.data-00000-of-00001").read_bytes() == b"abcdef" + struct.pack("<f", 5)
