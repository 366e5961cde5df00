"""`inspect` says what TensorFlow reads: names, dtypes, shapes, every value."""
import json

import numpy as np
import pytest

from corpus import CORPUS, UNREAD
from oracle import Read
from support import GRAPH_KEY, ROOT, assert_same_value, godwit, inspect, raw
from tables import read_index

GUIDE = ROOT / "spec" / "fixtures" / "valid" / "guide"
MANIFEST = json.loads((GUIDE / "manifest.json").read_text())
LIMIT = 1000000  # elements, or lists of them, that inspect prints


@pytest.mark.parametrize("name", sorted(MANIFEST))
def test_the_guides_checkpoint_is_what_its_manifest_says(name):
    expected = MANIFEST[name]
    found = inspect(GUIDE / name, "--values")
    assert (GRAPH_KEY in found) == (expected["object_graph"] is not None)
    found.pop(GRAPH_KEY, None)
    assert sorted(found) == sorted(expected["tensors"])
    for key, tensor in expected["tensors"].items():
        assert {field: found[key][field] for field in ("dtype", "shape", "value")} == tensor


@pytest.mark.parametrize("name", CORPUS)
def test_inspect_agrees_with_tensorflows_reader(corpus, name):
    found = inspect(corpus(name), "--values")
    if not all(isinstance(key, str) for key in found):
        return  # TensorFlow's reader gives names as str only
    read = Read(corpus(name))
    assert {key: tensor["dtype"] for key, tensor in found.items()} == read.dtypes
    assert {key: tensor["shape"] for key, tensor in found.items()} == read.shapes
    for key, tensor in found.items():
        if UNREAD[name] is True or key in UNREAD[name]:
            continue
        expected = read.value(key)
        if expected.size > LIMIT or (expected.size == 0 and expected.shape[0] > LIMIT):
            assert "value" not in tensor
        else:
            assert_same_value(tensor["value"], expected, tensor["dtype"])


@pytest.mark.parametrize("name", CORPUS)
def test_inspect_gives_the_indexs_own_fields_in_key_order(corpus, name):
    header, entries = read_index(corpus(name))
    document = json.loads(godwit("inspect", "--json", corpus(name)))
    assert list(document) == ["schema", "path", "format", "kind", "shards", "bytes", "tensors"]
    assert (document["schema"], document["format"], document["shards"]) == (1, "v2", header.num_shards)
    assert document["kind"] == ("objects" if GRAPH_KEY.encode() in entries else "variables")
    names = [raw(tensor["name"]) for tensor in document["tensors"]]
    assert names == sorted(names)
    listed = {name: entry for name, entry in entries.items() if not any_slice(name, entries)}
    assert set(names) == set(listed)
    for tensor in document["tensors"]:
        entry = listed[raw(tensor["name"])]
        assert tensor["shape"] == [dim.size for dim in entry.shape.dim]
        if not entry.slices:
            assert (tensor["shard"], tensor["offset"], tensor["bytes"], tensor["crc32c"]) == \
                (entry.shard_id, entry.offset, entry.size, entry.crc32c)
            continue
        assert len(tensor["slices"]) == len(entry.slices)


@pytest.mark.parametrize("name", ["special_floats", "ends_of_the_integers", "every_half_and_every_bfloat16", "tensors_of_nine_megabytes",
                                  "a_large_tensor_in_slices", "empty_shapes_of_every_dtype_among_others", "scalars_of_every_dtype"])
def test_statistics_agree_with_numpy(corpus, name):
    read = Read(corpus(name))
    for key, tensor in inspect(corpus(name), "--stats").items():
        if "stats" not in tensor or tensor["dtype"].startswith("complex"):
            continue
        found, value = tensor["stats"], read.value(key)
        with np.errstate(all="ignore"):
            wide = value.astype(np.float64)
            finite = wide[np.isfinite(wide)]
            assert (found["zeros"], found["nan"], found["inf"]) == ((wide == 0).sum(), np.isnan(wide).sum(), np.isinf(wide).sum())
            if finite.size == 0:
                assert "min" not in found
                continue
            assert (float(found["min"]), float(found["max"])) == (finite.min(), finite.max())
            for field, expected in (("mean", finite.mean()), ("std", finite.std())):
                if np.abs(finite).max() < 1e300:
                    assert found[field] == pytest.approx(expected, rel=1e-9, abs=1e-9 * np.abs(finite).max())
            check_histogram(found, finite)


def check_histogram(found, finite):
    """As numpy.histogram counts, but for elements that rounding may place on either side of an edge."""
    if finite.min() == finite.max():
        assert "histogram" not in found
        return
    counts, edges = found["histogram"]["counts"], np.array(found["histogram"]["edges"])
    assert len(counts) == 16 and len(edges) == 17 and sum(counts) == finite.size
    assert (edges[0], edges[-1]) == (finite.min(), finite.max()) and (np.diff(edges) >= 0).all()
    if 1e-300 < finite.max() - finite.min() < 1e300:
        width = (finite.max() - finite.min()) / 16
        near = np.abs((finite - finite.min()) / width - np.round((finite - finite.min()) / width)) < 1e-6
        assert np.abs(np.cumsum(counts) - np.cumsum(np.histogram(finite, 16)[0])).max() <= near.sum()


def any_slice(key, entries):
    """A slice's key: a zero, the name with its escapes and their end, the rank and the extents."""
    if not key.startswith(b"\0") or b"\0\1" not in key[1:]:
        return False
    name = key[1:key.index(b"\0\1", 1)].replace(b"\0\xff", b"\0").replace(b"\xff\0", b"\xff")
    return name in entries and bool(entries[name].slices)
