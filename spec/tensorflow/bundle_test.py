"""TensorFlow's tensor_bundle_test.cc, case by case: what it expects of its reader and writer, expected of ours.

TB-01 (byte order) and TB-22 (alignment) are in foreign_test.py."""
import struct
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from corpus import grid
from oracle import Read, merge, restore, save_sorted, save_v2, some
from support import DAMAGED, RECIPE, USAGE, assert_same_files, files, godwit, inspect, listing, refused, run, values
from tables import bundle, header, read_index, stored_strings

DTYPES = ["float32", "float64", "int32", "uint8", "int16", "int8", "complex64", "complex128", "int64", "bool", "qint32", "quint8", "qint8", "bfloat16"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_tb_02_two_bundles_of_tensors_in_any_order_merge(tmp_path, dtype):
    order = (3, 0, 2, 1)
    parts = [{f"{name}_{i:03}": some(dtype, [2, 3], i + 10 * part) for i in order} for part, name in enumerate(("foo", "bar"))]
    prefixes = [save_v2(str(tmp_path / f"part{i}"), part) for i, part in enumerate(parts)]
    assert list(inspect(prefixes[0])) == sorted(parts[0])
    assert_same_files(run("", prefixes[0], to=tmp_path / "same"), prefixes[0])
    made = run("ckpt:merge(inputs[2])", *prefixes, to=tmp_path / "made")
    assert_same_files(made, save_sorted(str(tmp_path / "expected"), {**parts[0], **parts[1]}))
    theirs = merge(str(tmp_path / "theirs"), prefixes)
    assert len(Read(theirs).shapes) == len(Read(made).shapes) == 8
    assert values(theirs) == values(made)


def test_tb_04_slices_are_read_whole_and_in_part(tmp_path):
    parts = [("foo", tf.zeros([5, 1])), ("foo", tf.ones([5, 9]))]
    source = save_v2(str(tmp_path / "source"), parts, {0: "5 10 -:0,1", 1: "5 10 -:1,9"})
    made = run("ckpt:rename('foo', 'bar')", source, to=tmp_path / "made")
    assert values(made)["bar"] == [[0.0] + [1.0] * 9] * 5
    assert [(item["start"], item["length"]) for item in inspect(made)["bar"]["slices"]] == [([0, 0], [-1, 1]), ([0, 1], [-1, 9])]
    whole, both, one = (restore(made, "float32", ["bar"], [spec])[0].numpy().tolist() for spec in ("", "5 10 -:0,2", "5 10 -:2,2"))
    assert whole == [[0.0] + [1.0] * 9] * 5 and both == [[0.0, 1.0]] * 5 and one == [[1.0, 1.0]] * 5


@pytest.mark.parametrize("dtype", DTYPES)
def test_tb_06_scalars_and_empty_shapes_round_trip(tmp_path, dtype):
    named = {"scalar": some(dtype, []), "a": some(dtype, [0, 1618]), "b": some(dtype, [16, 0, 18])}
    source = save_v2(str(tmp_path / "source"), named)
    made = run("ckpt:rename('^', 'x/')", source, to=tmp_path / "made")
    assert_same_files(made, save_sorted(str(tmp_path / "expected"), {f"x/{name}": value for name, value in named.items()}))
    assert Read(made).shapes == {"x/scalar": [], "x/a": [0, 1618], "x/b": [16, 0, 18]}


def test_tb_07_strings_of_the_old_format_read(tmp_path):
    texts = {"string_tensor": [b""], "scalar": [b"hello"], "strs": [b"hello", b"", b"\x01", b"c" * 1024]}
    named = {"floats": (1, [2, 3], struct.pack("<6f", *[16.18] * 6))}
    named.update({name: (7, [] if name == "scalar" else [len(value)], *stored_strings(value)) for name, value in texts.items()})
    source = bundle(str(tmp_path / "old"), named)
    assert Read(source).value("strs").tolist() == texts["strs"]
    found = values(source)
    assert found["strs"] == ["hello", "", "\x01", "c" * 1024] and found["scalar"] == "hello" and found["string_tensor"] == [""]
    assert np.float32(found["floats"]).tolist() == [[np.float32(16.18)] * 3] * 2
    expected = {"floats": tf.fill([2, 3], 16.18), "string_tensor": tf.constant([b""]), "scalar": tf.constant(b"hello"), "strs": tf.constant(texts["strs"])}
    assert_same_files(run("", source, to=tmp_path / "made"), save_v2(str(tmp_path / "expected"), expected))


def test_tb_08_a_string_of_32_mebibytes_round_trips(tmp_path):
    text = b"d" * (32 << 20)
    source = save_v2(str(tmp_path / "source"), {"string_tensor": tf.constant([b""]), "scalar": tf.constant("hello"),
                                                "strs": tf.constant([b"hello", b"", b"\x01", b"c" * 1024, text])})
    made = run("ckpt:rename('strs', 'a')", source, to=tmp_path / "made", flags=["--memory", "1M"])
    assert Read(made).value("a").tolist() == [b"hello", b"", b"\x01", b"c" * 1024, text]
    Path(f"{made}.data-00000-of-00001").unlink()
    assert {name: (entry["dtype"], entry["shape"]) for name, entry in inspect(made).items()} == \
        {"a": ("string", [5]), "scalar": ("string", []), "string_tensor": ("string", [1])}


def test_tb_09_variants_round_trip(corpus, tmp_path):
    made = run("ckpt:rename('^', 'x/')", corpus("variants"), to=tmp_path / "made")
    before, after = (files(prefix)[".data-00000-of-00001"] for prefix in (corpus("variants"), made))
    for name, entry in inspect(corpus("variants")).items():
        moved = inspect(made)[f"x/{name}"]
        assert before[entry["offset"]:entry["offset"] + entry["bytes"]] == after[moved["offset"]:moved["offset"] + moved["bytes"]]
    found = tf.raw_ops.RestoreV2(prefix=made, tensor_names=["x/list"], shape_and_slices=[""], dtypes=[tf.variant])[0]
    assert tf.raw_ops.TensorListLength(input_handle=found).numpy() == 4


def test_tb_10_a_merge_of_one_is_a_rename_and_shards_are_numbered(tmp_path):
    workers = [save_v2(str(tmp_path / f"worker{i}"), {f"v{i}": some("float32", [i + 2])}) for i in range(2)]
    another = run("", workers[0], to=tmp_path / "another")
    assert sorted(files(another)) == [".data-00000-of-00001", ".index"]
    assert_same_files(another, workers[0])
    made = run("ckpt:merge(inputs[2])", *workers, to=tmp_path / "made", flags=["--shards", "2"])
    theirs = merge(str(tmp_path / "theirs"), workers)
    assert sorted(files(made)) == sorted(files(theirs)) == [".data-00000-of-00002", ".data-00001-of-00002", ".index"]
    assert_same_files(made, theirs)


def test_tb_11_a_name_in_both_bundles_is_an_error(tmp_path):
    one, other = (save_v2(str(tmp_path / name), {"foo": some("float32", [2])}) for name in ("one", "other"))
    with pytest.raises(tf.errors.InvalidArgumentError, match="(?i)duplicate"):
        merge(str(tmp_path / "theirs"), [one, other])
    message = refused("ckpt:merge(inputs[2])", one, other, to=tmp_path / "made", code=RECIPE)
    assert "foo" in message


def test_tb_12_a_second_write_to_one_prefix_is_refused(tmp_path):
    source = save_v2(str(tmp_path / "source"), {"foo": some("float32", [2])})
    run("", source, to=tmp_path / "made")
    before = files(tmp_path / "made")
    assert "exists" in refused("ckpt:rename('foo', 'bar')", source, to=tmp_path / "made", code=USAGE)
    assert files(tmp_path / "made") == before


def test_tb_13_what_is_not_there_is_not_found(tmp_path):
    for path in ("nonexist", "no/folder/ckpt"):
        assert "there is no" in godwit("inspect", tmp_path / path, code=DAMAGED)
    refused("", str(tmp_path / "nonexist"), to=tmp_path / "made", code=DAMAGED)


@pytest.mark.parametrize("value", [tf.constant([16.18] * 6), tf.constant(["hello", "", "abc", "c" * 40])], ids=["tb_14_floats", "tb_16_strings"])
def test_every_changed_byte_is_a_wrong_checksum(tmp_path, value):
    source = save_v2(str(tmp_path / "source"), {"foo": value})
    data = Path(f"{source}.data-00000-of-00001")
    whole = data.read_bytes()
    for at in range(len(whole)):
        data.write_bytes(whole[:at] + bytes([whole[at] ^ 0xff]) + whole[at + 1:])
        message = refused("", source, to=tmp_path / "made", code=DAMAGED)
        assert "foo" in message
        assert "does not match" in message or at < 4 and value.dtype == tf.string  # a length that leads nowhere


def test_tb_17_a_data_file_one_byte_short_is_out_of_range(tmp_path):
    source = save_v2(str(tmp_path / "source"), {"foo": tf.constant([16.18] * 6)})
    data = Path(f"{source}.data-00000-of-00001")
    data.write_bytes(data.read_bytes()[:-1])
    assert "too short" in refused("", source, to=tmp_path / "made", code=DAMAGED)
    assert inspect(source)["foo"]["shape"] == [6]


@pytest.mark.parametrize("shards", [1, 3])
def test_tb_18_the_header_is_version_1_and_little_endian(tmp_path, shards):
    source = save_v2(str(tmp_path / "source"), {f"v{i}": some("float32", [2]) for i in range(4)})
    made = run("ckpt:rename('^', 'x')", source, to=tmp_path / "made", flags=["--shards", str(shards)])
    assert read_index(made)[0] == header(shards)
    assert Path(f"{made}.index").read_bytes()[:9] == bytes([0, 0, 6, 8, shards, 0x1a, 2, 8, 1])


@pytest.mark.parametrize("head, ours, theirs", [
    (header(producer=2, min_consumer=2), "min consumer version 2 is above version 1", "min consumer version 2 above current version 1"),
    (header(producer=-1), "producer version -1", "producer version -1 below min producer 0"),
    (header(bad_consumers=[1]), "disallows consumer version 1", "disallows consumer version 1"),
], ids=["tb_19_min_consumer", "tb_20_producer", "tb_21_bad_consumer"])
def test_versions_that_tensorflow_refuses_are_refused(tmp_path, head, ours, theirs):
    source = bundle(str(tmp_path / "source"), {"v": (1, [], struct.pack("<f", 1))}, head)
    with pytest.raises((ValueError, tf.errors.OpError), match=theirs):
        Read(source)
    assert ours in godwit("inspect", source, code=DAMAGED)
    assert ours in refused("", source, to=tmp_path / "made", code=DAMAGED)


# ---- Beside: what RestoreV2 asks for in slices

def test_slices_of_any_form_can_be_asked_of_a_migrated_tensor(tmp_path):
    pairs, specs = grid("t", [6, 8], [[2, 5], [3]])
    source = save_v2(str(tmp_path / "source"), pairs, specs)
    made = run("ckpt:rename{t = 'u'}", source, to=tmp_path / "made")
    whole = restore(made, "float32", ["u"])[0].numpy()
    assert whole.tobytes() == restore(source, "float32", ["t"])[0].numpy().tobytes()
    for rows, columns in (((0, 2), (0, 3)), ((1, 4), (2, 5)), ((5, 1), (0, 8)), ((0, 6), (7, 1))):
        spec = f"6 8 {rows[0]},{rows[1]}:{columns[0]},{columns[1]}"
        part = restore(made, "float32", ["u"], [spec])[0].numpy()
        assert part.tobytes() == whole[rows[0]:sum(rows), columns[0]:sum(columns)].tobytes()
    assert listing(tmp_path) == ["made.data-00000-of-00001", "made.index", "source.data-00000-of-00001", "source.index"]
