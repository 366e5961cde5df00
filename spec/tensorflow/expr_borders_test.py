"""Operations on tensors whose sizes straddle every border at which the core cuts its work, one thread and many, tensors a
hundred times larger than the memory, and means of a thousand checkpoints. TensorFlow judges, NumPy where it lacks the dtype."""
import re
import resource
import shutil
import subprocess
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf

from expr_test import COMPLEX, COMPUTED, FLOATS, INTEGERS, SMALL, Cases, cast, exact_mean, half_chain, ordinary, patterns
from oracle import NUMERIC, Read, numpy_of, save_v2, some
from support import GODWIT, ROOT, files, run

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

# Where work is cut, as the sources say it; `elements` of what is cut, or bytes.
BORDERS = {
    "core/expr/eval.c": {"DEFAULT_BUDGET": 1 << 19, "SMALLEST_CHUNK": 256, "LARGEST_CHUNK": 1 << 20, "NEAR": 4096},
    "core/expr/shape.c": {"RUN": 4096, "BESIDE": 64},
    "core/expr/values.c": {"CHUNK": 256 << 10},
    "core/expr/preview.c": {"WHOLE_LIMIT": 1 << 20},
    "core/tensor/convert.c": {"BLOCK": 1024},
    "core/tensor/mean.c": {"BLOCK": 1024},
    "core/tensor/move.c": {"TILE": 16},
    "core/run/compute.c": {"SMALL": 64 << 10},
    "core/run/run.c": {"LARGEST_BUFFER": 1 << 20, "SMALLEST_BUFFER": 64 << 10, "LARGEST_TILE": 16 << 20, "LARGEST_SCRATCH": 512 << 10},
    "core/run/run.h": {"GW_WINDOW": 256 << 10},
    "core/run/write.c": {"SYNC_STEP": 16 << 20},
}
NO_BORDERS = {"DEFAULT_MEMORY", "FLUSH", "BUFFER", "MOST_FINDINGS", "LONGEST", "LISTED", "COLUMNS", "NATIVE", "AT_BOOL", "AT_FLOAT", "AT_DOUBLE",
              "GW_MAX_DEPTH", "GW_MAX_WORK", "GW_MAX_PARTS", "MOST_TWINS", "LANES", "MOST_BUCKETS", "MOST_PROBES"}
# Comparing, statistics and vocabularies are no operations: spec/c/diff_test.c, statistics_test.c, vocab_test.c go over theirs.
OTHERS = {"cut.c", "diff.c", "statistics.c", "compare.c", "stats.c", "vocab.c"}
ELEMENTS = sorted({BORDERS["core/expr/eval.c"]["SMALLEST_CHUNK"], BORDERS["core/tensor/convert.c"]["BLOCK"],
                   BORDERS["core/tensor/move.c"]["TILE"], BORDERS["core/expr/shape.c"]["BESIDE"]})
BYTES = [4096, 64 << 10]                   # every operation
LARGE = [256 << 10, 512 << 10, 1 << 20]    # one of each kind


def test_the_list_of_borders_is_what_the_sources_have():
    found = {}
    for folder in ("expr", "run", "tensor"):
        for path in sorted((ROOT / "core" / folder).glob("*.[ch]")):
            text = path.read_text()
            bodies = re.findall(r"^\s*enum \{([^}]*)\}", text, re.M) + re.findall(r"^#define (\w+ \(\(size_t\)[^)]*\))", text, re.M)
            for body in bodies:
                for name, value in re.findall(r"\b([A-Z][A-Z_]{2,}\w*)\s*(?:=|(?=\())\s*([^,/}]+)", body):
                    if name not in NO_BORDERS and path.name not in OTHERS:
                        number = eval(re.sub(r"\(size_t\)", "", value.strip()), {})  # pylint: disable=eval-used
                        found.setdefault(f"core/{folder}/{path.name}", {})[name] = number
    assert found == BORDERS


# ---- Every operation

def judged(theirs, ours, *values):
    """TensorFlow's result, or NumPy's where TensorFlow has no kernel for the dtype."""
    try:
        return theirs(*(tf.constant(value) for value in values)).numpy()
    except (tf.errors.NotFoundError, tf.errors.UnimplementedError, tf.errors.InvalidArgumentError, TypeError, ValueError):
        return ours(*values)


def elementwise(cases, dtype, a, b):
    x, y = cases.put(a), cases.put(b)
    kind = numpy_of(dtype)
    cases.add(f"{x} + {y}", np.logical_or(a, b) if dtype == "bool" else judged(tf.add, lambda p, q: half_chain(np.add, p, q), a, b))
    if dtype == "bool":
        cases.add(f"{x} * {y}", np.logical_and(a, b))
        return
    cases.add(f"{x} - {y}", judged(tf.subtract, lambda p, q: half_chain(np.subtract, p, q), a, b))
    cases.add(f"-{x}", judged(tf.negative, np.negative, a))
    if dtype in COMPLEX:
        near = 8 * np.finfo(a.dtype).eps
        cases.add(f"{x} * {y}", a * b, relative=near)
        cases.add(f"{x} / {y}", a / b, relative=near)
        for name in ("sqrt", "exp", "log", "square"):
            cases.add(f"{x}:{name}()", getattr(tf.math, name)(tf.constant(a)).numpy(), relative=64 * np.finfo(a.dtype).eps)
        cases.add(f"{x}:abs()", np.abs(a.astype(np.clongdouble)).astype(a.real.dtype), ulp=1)
        return
    cases.add(f"{x} * {y}", judged(tf.multiply, lambda p, q: half_chain(np.multiply, p, q), a, b))
    cases.add(f"{x}:square()", judged(tf.square, lambda p: half_chain(np.square, p), a))
    cases.add(f"{x}:abs()", judged(tf.abs, np.abs, a))
    low, high = (-0.5, 0.75) if dtype in FLOATS else (3, 90)
    cases.add(f"{x}:clip({low}, {high})", np.clip(a, kind.type(low), kind.type(high)).astype(kind))
    if dtype in FLOATS:
        cases.add(f"{x} / {y}", judged(tf.divide, lambda p, q: half_chain(np.divide, p, q), a, b))
        cases.add(f"{x}:abs():sqrt()", half_chain(lambda p: np.sqrt(np.abs(p)), a))
        # Against the right values: TensorFlow's own log of float32 is three units off near 1, and its exp has no subnormals.
        exact = a.astype(np.longdouble)
        cases.add(f"{x}:exp()", np.exp(exact).astype(kind), ulp=1)
        cases.add(f"{x}:abs():log()", np.log(np.abs(exact)).astype(kind), ulp=1)
        cases.add(f"gw.mean({{{x}, {y}, {x}}})", mean_of([a, b, a]))
        cases.add(f"gw.mean({{{x}, {y}}}, {{0.25, 0.5}})", mean_of([a, b], [0.25, 0.5]))


def mean_of(values, weights=None):
    """Exactly; of many float32 and smaller ones as accurately as long doubles (of x86) are, rounded once."""
    weights = weights or [1] * len(values)
    kind = values[0].dtype
    if values[0].size <= 2000 or kind == np.float64:
        return exact_mean(values, weights)
    exact = sum(value.astype(np.float64) * weight for value, weight in zip(values, weights)).astype(np.longdouble) / sum(weights)
    return exact.astype(kind) if kind == np.float32 else narrow_once(exact, kind)


def narrow_once(exact, kind):
    """To a 16-bit float in one rounding, by way of a float32 whose last bit says that it is inexact."""
    near = exact.astype(np.float32)
    away = near.astype(np.longdouble) != exact
    down = np.where(np.abs(near.astype(np.longdouble)) > np.abs(exact), np.nextafter(near, np.float32(0)), near)
    odd = (down.view(np.uint32) | away.astype(np.uint32)).view(np.float32)
    return odd.astype(kind)


def moved(cases, x, a):
    """The same elements in other places: a has two axes."""
    rows, columns = a.shape
    indices = np.random.default_rng(columns).integers(0, columns, columns)
    order = cases.put(indices.astype(np.int64))
    cases.add(f"{x}:transpose()", a.T)
    cases.add(f"{x}:reshape{{{columns}, {rows}}}", a.reshape(columns, rows))
    cases.add(f"{x}:slice({{0, 1}}, {{-1, {columns - 2}}})", a[:, 1:columns - 1])
    cases.add(f"{x}:gather({order}, 1)", a[:, indices])
    cases.add(f"{x}:transpose():gather({order})", a.T[indices])
    cases.add(f"{x}:split({{1, -1}}, 1)[2]", a[:, 1:])
    cases.add(f"gw.concat({{{x}, {x}:split({rows})[1]}})", np.concatenate([a, a[:1]]))
    cases.add(f"gw.stack({{{x}, {x}}}, 1)", np.stack([a, a], 1))
    cases.add(f"{x}:expand_dims(1):squeeze(1):expand_dims(-1)", a[..., None])
    if a.dtype != object and a.dtype.kind != "V" or a.dtype == ml_dtypes.bfloat16:
        cases.add(f"{x}:pad({{1, 2}}, {{0, 3}}, 1)", np.pad(a, ((1, 0), (2, 3)), constant_values=1).astype(a.dtype))


@pytest.mark.parametrize("dtype", COMPUTED)
def test_every_operation_at_every_border(tmp_path, dtype):
    cases = Cases()
    width = numpy_of(dtype).itemsize
    for size in ELEMENTS + [border // width for border in BYTES]:
        for count in (size - 1, size, size + 1):
            elementwise(cases, dtype, ordinary(dtype, (count,), count), ordinary(dtype, (count,), count + 1))
            a = patterns(dtype, (2, count), count)
            moved(cases, cases.put(a), a)
            for target in COMPUTED:
                if target != dtype:
                    cases.add(f'{cases.put(a[0])}:cast "{target}"', cast(a[0], target), nan=target in FLOATS + COMPLEX)
    cases.judge(tmp_path, "--memory", "200K")


@pytest.mark.parametrize("dtype", COMPUTED)
def test_every_kind_of_operation_at_the_large_borders(tmp_path, dtype):
    cases = Cases()
    width = numpy_of(dtype).itemsize
    for border in LARGE:
        for count in (border // width - 1, border // width + 1):
            a, b = ordinary(dtype, (count,), count), ordinary(dtype, (count,), count + 1)
            x, y = cases.put(a), cases.put(b)
            cases.add(f"{x} + {y}", np.logical_or(a, b) if dtype == "bool" else judged(tf.add, lambda p, q: half_chain(np.add, p, q), a, b))
            cases.add(f"{x}:pad({{3}}, {{5}}):slice({{1}}, {{-1}})", np.pad(a, (3, 5))[1:].astype(a.dtype))
            cases.add(f"gw.stack({{{x}, {y}, {x}}}, 1):transpose()", np.stack([a, b, a]))
            target = "float32" if dtype != "float32" else "float16"
            cases.add(f'{x}:cast "{target}"', cast(a, target))
            if dtype in FLOATS and (dtype != "float64" or border == LARGE[0]):  # fractions take their time
                cases.add(f"gw.mean({{{x}, {y}}})", mean_of([a, b]))
    cases.judge(tmp_path)


@pytest.mark.parametrize("dtype", FLOATS)
def test_random_numbers_at_every_border(tmp_path, dtype):
    cases = Cases()
    width = numpy_of(dtype).itemsize
    for size in ELEMENTS + [border // width for border in BYTES + LARGE]:
        for count in (size - 1, size, size + 1):
            arguments = {"seed": [5, 0], "dtype": getattr(tf, dtype), "alg": "philox"}
            for ours, theirs in (("random_uniform", "stateless_uniform"), ("random_normal", "stateless_normal"),
                                 ("truncated_normal", "stateless_truncated_normal")):
                cases.add(f'gw.{ours}({{{count}}}, {{dtype = "{dtype}", seed = 5}})', getattr(tf.random, theirs)((count,), **arguments).numpy())
    cases.judge(tmp_path, "--memory", "200K")


@pytest.mark.parametrize("dtype", [name for name in NUMERIC if name not in COMPUTED])
def test_dtypes_that_are_not_computed_with_move(tmp_path, dtype):
    """Quantised integers, floats of 8 bits, integers of 4 bits: the bytes are compared."""
    values = {f"in{i}": some(dtype, shape, i) for i, shape in enumerate([(7, 5), (2, 4095), (3, 0, 2)])}
    source = save_v2(str(tmp_path / "in"), values)
    reader = Read(source)
    found = Read(run("local v = ckpt.vars v.a = v.in1:transpose() v.b = gw.concat({v.in0, v.in0}, 1) v.c = v.in1:slice({1, 7}, {1, 4001}) "
                     "v.d = v.in0:gather({6, 0, 6}) v.e = gw.stack{v.in2, v.in2} v.f = v.in1:reshape{4095, 2}", source, to=tmp_path / "out"))
    a, b, c = (reader.value(f"in{i}") for i in range(3))
    expected = {"a": b.T, "b": np.concatenate([a, a], 1), "c": b[1:, 7:4008], "d": a[[6, 0, 6]], "e": np.stack([c, c]), "f": b.reshape(4095, 2)}
    for name, value in expected.items():
        assert found.value(name).shape == value.shape and found.value(name).tobytes() == np.ascontiguousarray(value).tobytes(), name
        assert found.dtypes[name] == dtype


def test_strings_at_every_border(tmp_path):
    cases = Cases()
    for size in ELEMENTS:
        for count in (size - 1, size, size + 1):
            a = np.array([b"%d" % i * (i % 7) for i in range(2 * count)], object).reshape(2, count)
            moved(cases, cases.put(a), a)
    long = np.array([bytes([i % 251]) * (70000 + i) for i in range(6)], object).reshape(2, 3)
    moved(cases, cases.put(long), long)
    cases.judge(tmp_path, "--memory", "200K")


# ---- Casts, spelled out

SPECIAL = {
    # what is cast to everything: nan, infinities, zeros, what is too large or too small, halves
    "float64": [np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, -5e-324, 1e-46, 1e39, -1e39, 70000.0, 1e-8, 2.5, -2.5, -1.0, 255.9, -0.9, 256.0, 3e9, 1e19, 2.0 ** 63, -2.0 ** 63],
    "float32": [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, -1e-45, 65519.0, 65520.0, 6e-8, 2.5, -2.5, -1.0, 127.9, -128.9, 3e9, 1e19, 2.0 ** 63],
    "float16": [np.nan, np.inf, -np.inf, 0.0, -0.0, 6e-8, -6e-8, 65504.0, -65504.0, 0.5, -1.0, 2.5],
    "bfloat16": [np.nan, np.inf, -np.inf, 0.0, -0.0, 9.2e-41, 3.39e38, -3.39e38, 0.5, -1.0, 300.0],
}


def nearest(number, info):
    """What an integer dtype makes of a float: towards zero, and the nearest one that it has; NaN is 0."""
    if number != number:
        return 0
    if number in (np.inf, -np.inf):
        return info.max if number > 0 else info.min
    return max(info.min, min(info.max, int(number)))


@pytest.mark.parametrize("source", SPECIAL)
def test_special_floats_are_cast_as_documented(tmp_path, source):
    cases = Cases()
    value = np.array(SPECIAL[source]).astype(numpy_of(source))
    x = cases.put(value)
    for target in INTEGERS:
        info = np.iinfo(numpy_of(target))
        cases.add(f'{x}:cast "{target}"', np.array([nearest(float(number), info) for number in value], numpy_of(target)))
    cases.add(f'{x}:cast "bool"', value != 0)
    for target in FLOATS:
        if target != source:
            step = value.astype(np.float32) if target in SMALL else value
            cases.add(f'{x}:cast "{target}"', step.astype(numpy_of(target)), nan=True)
    for target, part in (("complex64", np.float32), ("complex128", np.float64)):
        cases.add(f'{x}:cast "{target}"', value.astype(part).astype(numpy_of(target)), nan=True)
    cases.judge(tmp_path)


@pytest.mark.parametrize("source", INTEGERS)
def test_integers_at_the_ends_of_their_range_are_cast_as_tf_cast(tmp_path, source):
    info = np.iinfo(numpy_of(source))
    value = np.array(sorted({number for base in (info.min, info.max, 0, 127, 255, 2 ** 15, 2 ** 16, 2 ** 24, 2 ** 31, 2 ** 32, 2 ** 53)
                             for number in (base - 1, base, base + 1, -base) if info.min <= number <= info.max}), numpy_of(source))
    cases = Cases()
    x = cases.put(value)
    for target in COMPUTED:
        if target != source:
            cases.add(f'{x}:cast "{target}"', tf.cast(tf.constant(value), target).numpy())
    cases.judge(tmp_path)


# ---- What must not matter

def test_every_operation_gives_the_same_bytes_with_any_threads_and_memory(tmp_path):
    cases = Cases()
    for seed, dtype in enumerate(COMPUTED):
        a, b = ordinary(dtype, (30011,), seed), ordinary(dtype, (30011,), seed + 100)
        elementwise(cases, dtype, a, b)
        wide = patterns(dtype, (137, 1901), seed)
        moved(cases, cases.put(wide), wide)
        if dtype != "float64":
            cases.add(f'{cases.put(a)}:cast "float64"', cast(a, "float64"))
    for dtype in FLOATS:
        for name in ("random_uniform", "random_normal", "truncated_normal", "glorot_uniform"):
            cases.lines.append(f'v.{name}_{dtype} = gw.{name}({{301, 409}}, {{dtype = "{dtype}", seed = 4}})')
    words = np.array([b"%d" % i * (i % 9) for i in range(9000)], object).reshape(90, 100)
    moved(cases, cases.put(words), words)
    cases.judge(tmp_path)
    expected = files(tmp_path / "out")
    for threads, memory in (("1", "8M"), ("1", "800M"), ("16", "8M"), ("16", "800M"), ("3", "100K")):
        prefix = run(cases.recipe, cases.source, to=tmp_path / "again" / "out", flags=("--threads", threads, "--memory", memory, "--force"))
        assert files(prefix) == expected, (threads, memory)
    shutil.rmtree(tmp_path)


# ---- A hundred times the memory

MEMORY = 1 << 20
WIDE = (5003, 5303)  # 101 MiB of float32


@pytest.fixture(name="large", scope="module")
def large_tensors(tmp_path_factory):
    folder = tmp_path_factory.mktemp("large")
    values = {name: np.random.default_rng(seed).standard_normal(WIDE, dtype=np.float32) for seed, name in enumerate("abc")}
    yield folder, values, {name: save_v2(str(folder / name), {"t": value}) for name, value in values.items()}
    shutil.rmtree(folder)


def characters_read(command):
    """Bytes that it asked the system for: a shell's own account has those of its children that have ended."""
    done = subprocess.run(["sh", "-c", '"$@"; status=$?; grep rchar /proc/$$/io; exit $status', "sh", *map(str, command)],
                          capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return int(re.search(r"rchar: (\d+)", done.stdout)[1])


COLUMNS, ROWS = np.random.default_rng(1).permutation(WIDE[1]), np.random.default_rng(2).permutation(WIDE[0])
HUNDREDFOLD = {
    "transpose": ("a", "v.t = v.t:transpose()", lambda a: a.T),
    "gather columns": ("a", "v.t = v.t:gather(columns, 1)", lambda a: a[:, COLUMNS]),
    "gather rows": ("a", "v.t = v.t:gather(rows)", lambda a: a[ROWS]),
    "pad": ("a", "v.t = v.t:pad({3, 5}, {1, 2}, 7)", lambda a: np.pad(a, ((3, 1), (5, 2)), constant_values=7)),
    "average": ("abc", "v.t = gw.mean{v.t, inputs[2].vars.t, inputs[3].vars.t}", lambda a, b, c: ((a.astype(np.float64) + b + c) / 3).astype(np.float32)),
    "slice": ("a", "v.t = v.t:slice({1, 7}, {-1, 5001})", lambda a: a[1:, 7:5008]),
    "concat": ("ab", "v.t = gw.concat({v.t, inputs[2].vars.t}, 1):cast 'bfloat16'", lambda a, b: np.concatenate([a, b], 1).astype(ml_dtypes.bfloat16)),
    "reshape and transpose": ("a", "v.t = v.t:reshape{5303, 5003}:transpose()", lambda a: a.reshape(5303, 5003).T),
    "arithmetic": ("ab", "v.t = v.t:transpose() - inputs[2].vars.t:transpose() * 2", lambda a, b: a.T - b.T * np.float32(2)),
}


@pytest.mark.parametrize("name", HUNDREDFOLD)
def test_a_tensor_a_hundred_times_larger_than_the_memory(tmp_path, large, name):
    inputs, line, compute = HUNDREDFOLD[name]
    _, values, prefixes = large
    total = sum(values[each].nbytes for each in inputs)
    assert values["a"].nbytes > 100 * MEMORY
    lists = f"local columns, rows = {{{', '.join(map(str, COLUMNS))}}}, {{{', '.join(map(str, ROWS))}}}" if "gather" in name else ""
    (tmp_path / "recipe.lua").write_text(f"return function(ckpt, p, inputs) local v = ckpt.vars {lists} {line} end")
    sources = [prefixes[each] for each in inputs]
    count = characters_read([GODWIT, "run", "-q", tmp_path / "recipe.lua", *sources, "-o", tmp_path / "out", "--memory", "1M", "--threads", "2"])
    assert total <= count + 4096 or name == "slice"
    assert count <= 2 * total + (2 << 20), (count, total)  # and the program's own libraries
    found, expected = Read(str(tmp_path / "out")).value("t"), compute(*(values[each] for each in inputs))
    assert found.shape == expected.shape and found.tobytes() == np.ascontiguousarray(expected).tobytes()
    shutil.rmtree(tmp_path)


# ---- A thousand checkpoints

@pytest.mark.parametrize("descriptors", [None, 64])
def test_the_mean_of_a_thousand_equal_checkpoints_is_that_checkpoint(tmp_path, descriptors):
    values = {}
    for dtype in FLOATS:
        value = patterns(dtype, (2003,), 9)
        value[:4] = [np.inf, -np.inf, -0.0, ml_dtypes.finfo(value.dtype).smallest_subnormal]
        values[dtype] = value[~np.isnan(value.astype(np.float64))]
    first = save_v2(str(tmp_path / "in" / "0"), values)
    for i in range(1, 1000):
        for suffix, content in files(first).items():
            Path(f"{tmp_path}/in/{i}{suffix}").write_bytes(content)
    limit = (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))) if descriptors else None
    done = subprocess.run([GODWIT, "run", "-q", "average", *(f"{tmp_path}/in/{i}" for i in range(1000)), "-o", tmp_path / "out"],
                          preexec_fn=limit, capture_output=True, timeout=300, check=False)  # pylint: disable=subprocess-popen-preexec-fn
    assert done.returncode == 0, done.stderr
    found = Read(str(tmp_path / "out")).value
    for dtype, value in values.items():
        assert found(dtype).tobytes() == value.tobytes(), dtype
    shutil.rmtree(tmp_path)
