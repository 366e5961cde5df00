"""godwit diff beside numpy.isclose, on checkpoints that TensorFlow wrote."""

import json
import subprocess

import numpy as np
import pytest
import tensorflow as tf

from support import GODWIT

DTYPES = ["float16", "bfloat16", "float32", "float64", "int8", "int32", "int64", "uint8", "uint64", "complex64", "complex128"]


def save(prefix, arrays):
    tf.raw_ops.SaveV2(prefix=str(prefix), tensor_names=list(arrays), shape_and_slices=[""] * len(arrays),
                      tensors=[tf.constant(value) for value in arrays.values()])
    return str(prefix)


def diff(a, b, *options):
    found = subprocess.run([GODWIT, "diff", "--json", a, b, *options], capture_output=True, text=True)
    assert found.stderr == "" and found.returncode in (0, 1)
    document = json.loads(found.stdout)
    assert document["same"] == (found.returncode == 0)
    return {row["name"]: row for row in document["tensors"]}


def pair(dtype, random):
    """Two arrays that agree in many places, and nearly, hardly or not at all in others."""
    dtype = tf.as_dtype(dtype).as_numpy_dtype
    kind = np.dtype(dtype)
    if kind.kind in "iu":
        limits = np.iinfo(kind)
        a = random.integers(limits.min, limits.max, size=(40, 30), dtype=kind, endpoint=True)
        b = a.copy()
        b[::3] += random.integers(0, 5, size=b[::3].shape).astype(kind)
        return a, b
    a = random.normal(size=(40, 30))
    b = a + np.where(random.random(a.shape) < 0.5, 0, random.normal(size=a.shape) * 10.0 ** random.integers(-8, 1, size=a.shape))
    if kind.kind == "c":
        a, b = a + 1j * random.normal(size=a.shape), b + 0j
        b.imag = a.imag
    for i, special in enumerate([np.nan, np.inf, -np.inf]):
        a[i, 0] = special
        b[i, :2] = special
    return a.astype(dtype), b.astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("tolerance", [(0.0, 0.0), (1e-5, 1e-8), (0.25, 0.0), (0.0, 2.0)])
def test_as_many_elements_differ_as_numpy_says(dtype, tolerance, tmp_path):
    rtol, atol = tolerance
    random = np.random.default_rng(7)
    a, b = pair(dtype, random)
    rows = diff(save(tmp_path / "a", {"x": a}), save(tmp_path / "b", {"x": b}), "--rtol", str(rtol), "--atol", str(atol))
    wide_a, wide_b = (a, b) if np.dtype(a.dtype).kind in "iu" else (a.astype("complex128" if a.dtype.kind == "c" else "float64"),
                                                                     b.astype("complex128" if a.dtype.kind == "c" else "float64"))
    if np.dtype(a.dtype).kind in "iu":  # exactly, in Python's integers
        apart = np.array([abs(int(x) - int(y)) > atol + rtol * abs(float(int(y))) for x, y in zip(a.flat, b.flat)]).reshape(a.shape)
    else:
        with np.errstate(all="ignore"):
            apart = ~np.isclose(wide_a, wide_b, rtol=rtol, atol=atol, equal_nan=True)
    if not apart.any():
        assert rows == {}
        return
    assert rows["x"]["different"] == apart.sum()
    at = tuple(rows["x"]["largest"]["at"])
    assert apart[at]
    with np.errstate(all="ignore"):
        if np.dtype(a.dtype).kind in "iu":
            most = max(abs(int(x) - int(y)) for x, y, far in zip(a.flat, b.flat, apart.flat) if far)
            assert int(rows["x"]["largest"]["difference"]) == most
        else:
            far = np.abs(wide_a - wide_b)[apart]
            if np.isfinite(far).all():
                assert rows["x"]["largest"]["difference"] == pytest.approx(far.max(), rel=1e-12)
            else:
                assert rows["x"]["largest"]["difference"] in ("NaN", "Infinity")


def test_checkpoints_of_objects(tmp_path):
    root = tf.train.Checkpoint(x=tf.Variable([1.0, 2.0]), y=tf.Variable(3))
    a = root.write(str(tmp_path / "a"))
    root.x.assign([1.0, 2.5])
    b = root.write(str(tmp_path / "b"))
    rows = diff(a, b)
    assert list(rows) == ["x/.ATTRIBUTES/VARIABLE_VALUE"]
    assert rows["x/.ATTRIBUTES/VARIABLE_VALUE"]["largest"] == {"difference": 0.5, "at": [1], "a": 2.0, "b": 2.5}
