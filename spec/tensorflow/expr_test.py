"""Operations on tensors, with TensorFlow and NumPy as judges: every operation, every dtype, shapes that straddle the borders
of pieces, chunks and tiles. All cases of a test are outputs of one recipe, so that one run of godwit answers for hundreds.

Exact: conversions, moving, integers, sums, products, quotients and square roots. Within one unit in the last place:
functions whose correct rounding nobody promises."""
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf

from oracle import Read, numpy_of, save_v2
from support import files, run

SMALL = ["float16", "bfloat16"]
FLOATS = [*SMALL, "float32", "float64"]
COMPLEX = ["complex64", "complex128"]
SIGNED = ["int8", "int16", "int32", "int64"]
UNSIGNED = ["uint8", "uint16", "uint32", "uint64"]
INTEGERS = SIGNED + UNSIGNED
COMPUTED = [*FLOATS, *COMPLEX, *INTEGERS, "bool"]
SHAPES = [(), (0,), (1,), (3, 0, 2), (7, 5), (2, 3, 4, 1, 5), (1, 33, 17)]
BIG = (611, 1031)  # 2.5 MB of float32: more than a piece, chunks and tiles with odd rests
BITS = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


# ---- Values

def patterns(dtype, shape, seed=0):
    """Random bits: NaN of every kind, infinities, subnormals. The first elements are the well-known odd ones."""
    kind = numpy_of(dtype)
    count = int(np.prod(shape, dtype=np.int64))
    content = np.random.default_rng(seed).integers(0, 256, count * kind.itemsize, dtype=np.uint8)
    value = (content & np.uint8(1)).astype(bool) if dtype == "bool" else content.view(kind)
    if dtype in FLOATS and count > 20:
        info = ml_dtypes.finfo(kind)
        value[:12] = [0.0, -0.0, np.inf, -np.inf, np.nan, 1, -1, info.max, info.tiny, info.smallest_subnormal, -info.max, 0.5]
    return value.reshape(shape)


def ordinary(dtype, shape, seed=0):
    """Numbers that people have: no overflow, no subnormals, and halves of the integers' range."""
    generator = np.random.default_rng(seed)
    kind = numpy_of(dtype)
    if dtype == "bool":
        return generator.integers(0, 2, shape).astype(bool)
    if dtype in INTEGERS:
        info = np.iinfo(kind)
        return generator.integers(info.min, info.max, shape, dtype=kind, endpoint=True)
    if dtype in COMPLEX:
        return (generator.normal(size=shape) + 1j * generator.normal(size=shape)).astype(kind)
    return np.asarray(generator.normal(size=shape) * np.exp2(generator.integers(-6, 6, shape)), np.float64).astype(kind)


def bits(value):
    value = np.asarray(value)
    return value.astype(np.uint8) if value.dtype == bool else np.ascontiguousarray(value).view(BITS.get(value.dtype.itemsize, np.uint64)) \
        if value.dtype.kind != "c" else np.ascontiguousarray(value).reshape(-1).view(BITS[value.dtype.itemsize // 2])


def steps(value):
    """Floats as integers in the same order: neighbours differ by one."""
    whole = bits(value).astype(np.int64) if value.dtype.itemsize < 8 else bits(value).view(np.int64)
    least = -(1 << (8 * value.dtype.itemsize - 1)) if value.dtype.itemsize == 8 else 1 << (8 * value.dtype.itemsize - 1)
    if value.dtype.itemsize == 8:
        return np.where(whole < 0, least - whole, whole)
    return np.where(whole >= least, least - whole, whole)


def same_nan(found, expected):
    """TensorFlow's scalar code and its vector code disagree on a NaN's sign and on whether a signalling one stays so."""
    def parts(value):
        return np.ascontiguousarray(value).reshape(-1).view(value.real.dtype) if value.dtype.kind == "c" else value.ravel()
    return np.isnan(parts(found)) & np.isnan(parts(expected)) if found.dtype.kind in "fcV" and found.dtype != bool else False


class Cases:
    """Inputs, and outputs with what they must be."""

    def __init__(self):
        self.inputs, self.lines, self.expected = {}, [], []

    def put(self, value):
        name = f"in{len(self.inputs)}"
        self.inputs[name] = value
        return f"v.{name}"

    def add(self, expression, expected, ulp=0, relative=None, nan=False, label=""):
        name = f"out{len(self.expected)}"
        self.lines.append(f"v.{name} = {expression}")
        self.expected.append((name, f"{label} {expression}", np.asarray(expected), ulp, relative, nan))

    def judge(self, folder, *flags):
        self.source = save_v2(str(folder / "in"), self.inputs or {"in": np.zeros(1, np.float32)})
        # A Lua function has room for 200 locals and a chunk for any number of statements.
        self.recipe = "local v = ckpt.vars\n" + "\n".join(self.lines)
        reader = Read(run(self.recipe, self.source, to=folder / "out", flags=flags)).value
        for name, label, expected, ulp, relative, nan in self.expected:
            found = reader(name)
            assert found.dtype == expected.dtype and found.shape == expected.shape, (label, found.dtype, found.shape, expected.dtype, expected.shape)
            if expected.dtype == object:
                assert found.tolist() == expected.tolist(), label
            elif relative:
                error = np.abs(found - expected)
                assert (error <= relative * np.abs(expected)).all(), (label, error.max())
            elif ulp:
                keep = ~np.isnan(expected)
                assert (np.isnan(found) == ~keep).all(), label
                far = np.abs(steps(found)[keep] - steps(expected)[keep])
                assert far.size == 0 or far.max() <= ulp, (label, far.max(), found[keep][far.argmax()], expected[keep][far.argmax()])
            else:
                wrong = np.flatnonzero((bits(found).ravel() != bits(expected).ravel()) & ~(same_nan(found, expected) if nan else False))
                assert wrong.size == 0, (label, wrong.size, wrong[0], bits(found).ravel()[wrong[0]], bits(expected).ravel()[wrong[0]])


# ---- Conversions

def cast(value, dtype):
    """tf.cast, but where the machine decides (a float that an integer cannot hold: the nearest one, NaN: 0), and where
    TensorFlow's threads take subnormal numbers for zero."""
    source, kind = value.dtype, numpy_of(dtype)
    real = value.real if source.kind == "c" else value
    floating = real.dtype.kind == "f" or real.dtype == ml_dtypes.bfloat16
    if floating and dtype in INTEGERS:
        info = np.iinfo(kind)
        wide = real.astype(np.float64)
        inside = (wide > float(info.min) - 1) & (wide < float(info.max) + (1 if info.bits < 64 else 0)) & ~np.isnan(wide)
        result = np.where(np.isnan(wide), kind.type(0), np.where(wide < 0, kind.type(info.min), kind.type(info.max)))
        result[inside] = np.trunc(wide[inside]).astype(kind)
        return result
    theirs = tf.cast(tf.constant(value), dtype).numpy()
    if not floating:
        return theirs
    # 16-bit floats by way of float32, as TensorFlow; NumPy keeps subnormals.
    step = real.astype(np.float32) if dtype in SMALL else real
    ours = step.astype(kind)
    tiny = np.abs(real.astype(np.float64)) < 1.2e-38 if real.dtype != np.float16 else np.zeros(real.shape, bool)
    tiny |= (np.abs(real.astype(np.float64)) < 2.3e-308)
    if source == np.complex128 and dtype == "complex64":
        parts = value.reshape(-1).view(np.float64)
        result = tf.cast(tf.constant(parts), tf.float32).numpy()
        small = np.abs(parts) < 1.2e-38
        result[small] = parts[small].astype(np.float32)
        return result.view(np.complex64).reshape(value.shape)
    if source == np.complex64 and dtype == "complex128":
        parts = value.reshape(-1).view(np.float32)
        result = tf.cast(tf.constant(parts), tf.float64).numpy()
        small = np.abs(parts) < 1.2e-38
        result[small] = parts[small].astype(np.float64)
        return result.view(np.complex128).reshape(value.shape)
    return np.where(tiny, ours, theirs)


@pytest.mark.parametrize("source", COMPUTED)
def test_cast_is_tf_cast(tmp_path, source):
    cases = Cases()
    shapes = [*SHAPES, (65536,), BIG] if source in ("float32", "float16", "bfloat16") else [*SHAPES, (5000,)]
    for seed, shape in enumerate(shapes):
        value = patterns(source, shape, seed)
        name = cases.put(value)
        for target in COMPUTED:
            if target != source:
                cases.add(f'{name}:cast "{target}"', cast(value, target), nan=target in FLOATS + COMPLEX, label=source)
    if source in SMALL:  # every pattern there is
        value = np.arange(65536, dtype=np.uint16).view(numpy_of(source))
        name = cases.put(value)
        for target in COMPUTED:
            if target != source:
                cases.add(f'{name}:cast "{target}"', cast(value, target), nan=target in FLOATS + COMPLEX, label=source)
    cases.judge(tmp_path)


def test_cast_to_whole_numbers_rounds_towards_zero_and_stays_in_range(tmp_path):
    cases = Cases()
    for source in FLOATS:
        value = (ordinary(source, (3000,)).astype(np.float64) * 40).astype(numpy_of(source))
        name = cases.put(value)
        for target in INTEGERS:
            cases.add(f'{name}:cast "{target}"', cast(value, target), nan=target in FLOATS + COMPLEX, label=source)
    cases.judge(tmp_path)


# ---- Element by element

def half_chain(compute, *values):
    """16-bit floats compute in float32 and are rounded at the end."""
    kind = values[0].dtype
    if str(kind) not in SMALL:
        return compute(*values)
    return compute(*(value.astype(np.float32) for value in values)).astype(kind)


def product(a, b):
    if a.dtype.kind != "c":
        return a * b
    return (a.real * b.real - a.imag * b.imag) + 1j * (a.real * b.imag + a.imag * b.real).astype(a.real.dtype)


PAIRS = [((), ()), ((0,), (0,)), ((7, 5), (7, 5)), ((7, 5), (5,)), ((7, 5), ()), ((5,), (7, 5)), ((7, 1), (1, 5)), ((2, 3, 4, 1, 5), (3, 1, 2, 5)),
         ((3, 0, 2), (2,)), ((1,), (7, 5)), (BIG, BIG), (BIG, (1031,)), ((611, 1), BIG)]


@pytest.mark.parametrize("dtype", COMPUTED)
def test_arithmetic_is_exact(tmp_path, dtype):
    cases = Cases()
    for seed, (left, right) in enumerate(PAIRS):
        a, b = ordinary(dtype, left, 2 * seed), ordinary(dtype, right, 2 * seed + 1)
        x, y = cases.put(a), cases.put(b)
        cases.add(f"{x} + {y}", half_chain(np.add, a, b))
        cases.add(f"{x} * {y}", half_chain(np.multiply, a, b) if dtype not in COMPLEX else product(*np.broadcast_arrays(a, b)).astype(a.dtype))
        if dtype == "bool":
            continue
        cases.add(f"{x} - {y}", half_chain(np.subtract, a, b))
        cases.add(f"-{x}", -a)
        if dtype in FLOATS:
            cases.add(f"{x} / {y}", half_chain(np.divide, a, b))
        elif dtype in COMPLEX:
            cases.add(f"{x} / {y}", a / b, relative=4 * np.finfo(a.dtype).eps)
        if dtype not in COMPLEX:
            cases.add(f"{x}:square()", half_chain(np.square, a))
            cases.add(f"{x}:abs()", np.abs(a))
            low, high = (-0.5, 0.75) if dtype in FLOATS else (3, 90)
            cases.add(f"{x}:clip({low}, {high})", tf.clip_by_value(a, numpy_of(dtype).type(low), numpy_of(dtype).type(high)).numpy())
    cases.judge(tmp_path)


def test_a_number_takes_the_tensors_dtype_and_a_chain_is_rounded_once(tmp_path):
    cases = Cases()
    for dtype in FLOATS:
        a = ordinary(dtype, (301, 7))
        b = ordinary(dtype, (7,), 1)
        x, y = cases.put(a), cases.put(b)
        number = numpy_of(dtype).type(0.1)
        cases.add(f"{x} * 0.1", half_chain(lambda v, n: v * n, a, np.asarray(number)))
        cases.add(f"0.1 - {x}", half_chain(lambda v, n: n - v, a, np.asarray(number)))
        cases.add(f"({x} * 0.1 + {y}):abs():sqrt()", half_chain(lambda v, w, n: np.sqrt(np.abs(v * n + w)), a, b, np.asarray(number)))
        cases.add(f"({x} + {y}):transpose() * {x}:transpose()",
                  half_chain(np.multiply, half_chain(np.add, a, b).T, a.T))
    for dtype in INTEGERS:
        a = ordinary(dtype, (50,))
        cases.add(f"{cases.put(a)} * 3 + 1", a * a.dtype.type(3) + a.dtype.type(1))
    cases.judge(tmp_path)


def test_functions_are_within_a_unit_in_the_last_place(tmp_path):
    cases = Cases()
    for dtype in FLOATS:
        for seed, shape in enumerate([*SHAPES, BIG]):
            a = ordinary(dtype, shape, seed)
            x = cases.put(a)
            wide = a.astype(np.float64)
            cases.add(f"{x}:exp()", np.exp(wide).astype(a.dtype), ulp=1)
            cases.add(f"{x}:abs():log()", np.log(np.abs(wide)).astype(a.dtype), ulp=1)
            cases.add(f"{x}:abs():sqrt()", half_chain(lambda v: np.sqrt(np.abs(v)), a))
    for dtype in COMPLEX:
        a = ordinary(dtype, (999,))
        x, near = cases.put(a), 8 * np.finfo(a.dtype).eps
        for name in ("sqrt", "exp", "log", "square"):
            cases.add(f"{x}:{name}()", getattr(np, name)(a.astype(np.complex128)).astype(a.dtype), relative=near)
        cases.add(f"{x}:abs()", np.abs(a.astype(np.clongdouble)).astype(a.real.dtype), ulp=1)
    cases.judge(tmp_path)


def test_arithmetic_keeps_subnormals_infinities_and_nan(tmp_path):
    cases = Cases()
    for dtype in ("float32", "float64"):
        a, b = patterns(dtype, (4000,), 1), patterns(dtype, (4000,), 2)
        for sign, compute in (("+", np.add), ("-", np.subtract), ("*", np.multiply), ("/", np.divide)):
            expected = compute(a, b)
            keep = ~np.isnan(expected)  # which NaN it is, nobody promises
            cases.add(f"({cases.put(a[keep])} {sign} {cases.put(b[keep])})", expected[keep])
        cases.add(f"{cases.put(a[~np.isnan(a)])}:clip(-1, 1)", np.clip(a[~np.isnan(a)], -1, 1))
    cases.judge(tmp_path)


# ---- The same elements in another place

def lua(values):
    return "{" + ", ".join(str(int(value)) for value in values) + "}"


MOVED = ["float16", "float32", "float64", "complex64", "complex128", "int8", "bool", "uint16"]


@pytest.mark.parametrize("dtype", MOVED)
def test_axes_change_places(tmp_path, dtype):
    cases = Cases()
    for seed, (shape, perms) in enumerate([((7, 5), [(1, 0)]), ((3, 0, 2), [(2, 0, 1)]), ((2, 3, 4, 1, 5), [(4, 3, 2, 1, 0), (0, 2, 1, 4, 3), (2, 4, 0, 1, 3)]),
                                           (BIG, [(1, 0)]), ((37, 12, 64), [(1, 0, 2), (2, 1, 0), (0, 2, 1), (1, 2, 0)]), ((3, 70001), [(1, 0)]), ((70001, 3), [(1, 0)])]):
        a = patterns(dtype, shape, seed)
        x = cases.put(a)
        for perm in perms:
            cases.add(f"{x}:transpose{lua(perm)}", a.transpose(perm))
        cases.add(f"{x}:transpose()", a.transpose())
        cases.add(f"{x}:transpose():reshape{{-1}}" if a.size else f"{x}:transpose():reshape{{0}}", a.transpose().reshape(a.size))
        cases.add(f"{x}:expand_dims(-1):squeeze(-1):expand_dims(0)", a[None])
    heads = patterns(dtype, (96, 160), 40)
    x = cases.put(heads)
    cases.add(f"{x}:reshape{{96, 8, 20}}:transpose{{1, 0, 2}}", heads.reshape(96, 8, 20).transpose(1, 0, 2))
    cases.add(f"{x}:reshape{{8, 12, 160}}:transpose{{2, 0, 1}}:reshape{{160, 96}}", heads.T)
    cases.add(f"{x}:reshape{{6, 16, 16, 10}}:transpose{{3, 1, 0, 2}}:reshape{{-1, 12, 8}}", heads.reshape(6, 16, 16, 10).transpose(3, 1, 0, 2).reshape(-1, 12, 8))
    cases.add(f"{x}:reshape{{64, 240}}:transpose():reshape{{120, 128}}:transpose()", heads.reshape(64, 240).T.reshape(120, 128).T)
    cases.judge(tmp_path)


@pytest.mark.parametrize("dtype", MOVED)
def test_parts_and_joins(tmp_path, dtype):
    cases = Cases()
    generator = np.random.default_rng(3)
    for seed, shape in enumerate([(7, 5), (3, 0, 2), (2, 3, 4, 1, 5), BIG, (9, 4, 300)]):
        a, b = patterns(dtype, shape, seed), patterns(dtype, shape, seed + 50)
        x, y = cases.put(a), cases.put(b)
        begin = [int(generator.integers(0, size + 1)) for size in shape]
        size = [int(generator.integers(0, dim - start + 1)) for dim, start in zip(shape, begin)]
        cases.add(f"{x}:slice({lua(begin)}, {lua(size)})", a[tuple(slice(s, s + n) for s, n in zip(begin, size))])
        before, after = generator.integers(0, 4, len(shape)), generator.integers(0, 4, len(shape))
        for value in (0, 1):
            cases.add(f"{x}:pad({lua(before)}, {lua(after)}, {value})", np.pad(a, list(zip(before, after)), constant_values=value).astype(a.dtype))
        for axis in range(len(shape)):
            cases.add(f"gw.concat({{{x}, {y}, {x}}}, {axis})", np.concatenate([a, b, a], axis))
            cases.add(f"gw.stack({{{x}, {y}}}, {axis})", np.stack([a, b], axis))
            cases.add(f"gw.concat({x}:split({shape[axis] or 1}, {axis}), {axis})", a)
            if shape[axis] > 2:
                cases.add(f"{x}:split({{2, -1, 1}}, {axis})[2]", np.split(a, [2, shape[axis] - 1], axis)[1])
            if shape[axis] == 0:
                continue
            for indices in (generator.integers(0, shape[axis], 2 * shape[axis] + 1), generator.permutation(shape[axis]), np.arange(shape[axis])[::3]):
                cases.add(f"{x}:gather({lua(indices)}, {axis})", np.take(a, indices, axis))
            cases.add(f"{x}:gather({shape[axis] - 1}, {axis - len(shape)})", np.take(a, shape[axis] - 1, axis))
        cases.add(f"gw.stack({{{x}, {y}}}, -1)", np.stack([a, b], -1))
    a = patterns(dtype, (6, 9), 7)
    cases.add(f'{cases.put(a)}:gather(gw.tensor({{{{5, 0}}, {{3, 3}}, {{1, 2}}}}, "int64"), 1)', np.take(a, [[5, 0], [3, 3], [1, 2]], 1))
    cases.judge(tmp_path)


def test_strings_move(tmp_path):
    cases = Cases()
    a = np.array([f"token {i}".encode() * (i % 5) for i in range(600)], object).reshape(20, 30)
    x = cases.put(a)
    cases.add(f"{x}:transpose():reshape{{-1}}", a.T.reshape(-1))
    cases.add(f"{x}:slice({{3, 4}}, {{5, -1}})", a[3:8, 4:])
    cases.add(f"{x}:gather({{19, 0, 0}}):gather({{7, 1}}, 1)", a[[19, 0, 0]][:, [7, 1]])
    cases.add(f"gw.concat({{{x}:split(2)[2], gw.strings{{{{'{'x' * 400}'}}}}:gather({lua([0] * 30)}, 1)}})", np.concatenate([a[10:], np.full((1, 30), b"x" * 400, object)]))
    cases.add(f"gw.stack({{{x}:gather(2), {x}:gather(3)}}, 1)", np.stack([a[2], a[3]], 1))
    cases.add(f"{x}:slice({{0, 0}}, {{0, 2}})", a[:0, :2])
    cases.judge(tmp_path)


# ---- Means

def exact_mean(values, weights):
    """Rounded once: of float64 from the exact sum, of others from one in float64."""
    kind = values[0].dtype
    if kind == np.float64:
        weights = [Fraction(weight) for weight in weights]
        return np.array([float(sum(Fraction(x) * weight for x, weight in zip(column, weights)) / sum(weights))
                         for column in zip(*(value.tolist() for value in values))])
    wide = values[0].astype(np.float64) * weights[0]
    for value, weight in zip(values[1:], weights[1:]):
        wide += value.astype(np.float64) * weight
    sums = [Fraction(value) for value in (wide / sum(weights)).tolist()]
    digits, least = {"float32": (24, -149), "float16": (11, -24), "bfloat16": (8, -133)}[str(kind)]

    def rounded(value):
        if value == 0:
            return 0.0
        exponent = abs(value).numerator.bit_length() - abs(value).denominator.bit_length()
        exponent -= abs(value) < Fraction(2) ** exponent
        unit = Fraction(2) ** max(exponent - digits + 1, least)
        return float(round(value / unit) * unit)
    return np.array([rounded(value) for value in sums]).astype(kind)


@pytest.mark.parametrize("dtype", FLOATS)
def test_the_mean_is_rounded_once(tmp_path, dtype):
    cases = Cases()
    for count, weights in ((2, None), (3, None), (7, None), (3, [0.25, 0.5, 0.25]), (2, [0.3, 0.7]), (3, [2, -1, 3])):
        values = [ordinary(dtype, (400,), seed) for seed in range(count)]
        names = ", ".join(cases.put(value) for value in values)
        expected = exact_mean(values, weights or [1] * count)
        cases.add(f"gw.mean({{{names}}}" + (f", {{{', '.join(map(repr, weights))}}})" if weights else ")"), expected)
    cases.judge(tmp_path)


@pytest.mark.parametrize("dtype", FLOATS)
def test_the_mean_of_equal_tensors_is_that_tensor(tmp_path, dtype):
    cases = Cases()
    value = patterns(dtype, (5003,))
    value = value[~np.isnan(value.astype(np.float64))]
    x = cases.put(value)
    for count in (1, 2, 3, 10, 1000):
        cases.add(f"(function() local all = {{}} for i = 1, {count} do all[i] = {x} end return gw.mean(all) end)()", value)
    cases.add(f"gw.mean({{{x}, {x}, {x}}}, {{0.1, 0.2, 0.9}})", value)
    cases.add(f"gw.mean({{{x}, {x}}}, {{3, -2}})", value)
    cases.judge(tmp_path)


# ---- Random numbers

@pytest.mark.parametrize("dtype", FLOATS)
def test_random_numbers_are_tensorflows(tmp_path, dtype):
    cases = Cases()
    kind = getattr(tf, dtype)
    for seed in (0, 1, 7, 2 ** 31, 2 ** 40 + 5):
        for shape in ((), (0,), (1,), (7,), (13, 5), (3, 40001)):
            size, options = lua(shape), f'dtype = "{dtype}", seed = {seed}'
            arguments = {"seed": [seed, 0], "dtype": kind, "alg": "philox"}
            cases.add(f"gw.random_uniform({size}, {{{options}}})", tf.random.stateless_uniform(shape, **arguments).numpy())
            cases.add(f"gw.random_normal({size}, {{{options}}})", tf.random.stateless_normal(shape, **arguments).numpy())
            cases.add(f"gw.truncated_normal({size}, {{{options}}})", tf.random.stateless_truncated_normal(shape, **arguments).numpy())
    shape, arguments = (129, 7), {"seed": [3, 0], "dtype": kind, "alg": "philox"}
    cases.add(f'gw.random_uniform({{129, 7}}, {{dtype = "{dtype}", seed = 3, minval = -0.3, maxval = 2.7}})',
              tf.random.stateless_uniform(shape, minval=-0.3, maxval=2.7, **arguments).numpy())
    cases.add(f'gw.random_normal({{129, 7}}, {{dtype = "{dtype}", seed = 3, mean = 0.1, stddev = 0.02}})',
              tf.random.stateless_normal(shape, mean=0.1, stddev=0.02, **arguments).numpy())
    cases.add(f'gw.truncated_normal({{129, 7}}, {{dtype = "{dtype}", seed = 3, mean = 0.1, stddev = 0.02}})',
              tf.random.stateless_truncated_normal(shape, mean=0.1, stddev=0.02, **arguments).numpy())
    for shape in ((), (9,), (129, 7), (3, 3, 8, 16)):
        receptive = int(np.prod(shape[:-2]))
        inside = {0: 1, 1: shape[0] if shape else 1}.get(len(shape), receptive * (shape[-2] if len(shape) > 1 else 1))
        outside = {0: 1, 1: shape[0] if shape else 1}.get(len(shape), receptive * (shape[-1] if shape else 1))
        limit = (3.0 * (1.0 / max(1.0, (inside + outside) / 2.0))) ** 0.5
        cases.add(f'gw.glorot_uniform({lua(shape)}, {{dtype = "{dtype}", seed = 3}})',
                  tf.random.stateless_uniform(shape, minval=-limit, maxval=limit, **arguments).numpy())
    cases.judge(tmp_path)


# ---- What must not matter

def test_threads_and_memory_change_no_byte(tmp_path):
    cases = Cases()
    a, b = ordinary("float32", BIG), ordinary("float32", BIG, 1)
    half = ordinary("bfloat16", (501, 3, 77))
    x, y, z = cases.put(a), cases.put(b), cases.put(half)
    columns = np.random.default_rng(0).permutation(BIG[1])
    cases.put(np.zeros(3, np.int8))  # so that all that follows lies askew
    cases.add(f"({x}:transpose() * 2 + {y}:transpose())", (a.T * np.float32(2) + b.T))
    cases.add(f"{x}:gather({lua(columns)}, 1)", a[:, columns])
    cases.add(f"{x}:gather({lua(columns[columns < BIG[0]])})", a[columns[columns < BIG[0]]])
    cases.add(f"gw.mean({{{x}, {y}, {x} * {y}}}):cast 'float16'", ((a.astype(np.float64) + b + (a * b)) / 3).astype(np.float32).astype(np.float16))
    cases.add(f"{x}:pad({{3, 5}}, {{1, 2}}, 7)", np.pad(a, ((3, 1), (5, 2)), constant_values=7))
    cases.add(f"{z}:transpose{{2, 0, 1}}:exp():cast 'float32'", np.exp(half.transpose(2, 0, 1).astype(np.float32)).astype(half.dtype).astype(np.float32), ulp=1 << 16)
    cases.add(f"gw.concat({{{x}, {y}}}, 1):transpose()", np.concatenate([a, b], 1).T)
    cases.judge(tmp_path)
    expected = files(tmp_path / "out")
    for flags in (("--threads", "1", "--memory", "8M"), ("--threads", "1", "--memory", "800M"), ("--threads", "8", "--memory", "8M"),
                  ("--threads", "8", "--memory", "800M"), ("--threads", "3", "--memory", "1M"), ("--threads", "2", "--memory", "100K")):
        prefix = run(cases.recipe, cases.source, to=tmp_path / "-".join(flags[1::2]) / "out", flags=flags)
        assert files(prefix) == expected, flags
