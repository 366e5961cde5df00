"""An edited name-based checkpoint has the bytes that TensorFlow's Saver writes for the same names and values."""
import re

import numpy as np
import pytest
import tensorflow as tf

from corpus import ODD_NAMES, OPTIMIZERS, dense_model, grid, on_devices, partitioned, random
from oracle import Read, assert_restores, merge, restore, save_names, save_sorted, save_v2, saver, some, tf1
from support import assert_same_files, files, godwit, inspect, listing, lua, refused, run, RECIPE

MODEL = {"bert/embeddings/word": random(7, 3), "bert/layer_0/kernel": random(3, 3, seed=1), "bert/layer_0/bias": random(3, seed=2),
         "bert/layer_1/kernel": random(3, 3, seed=3), "bert/layer_1/bias": random(3, seed=4), "global_step": np.int64(7),
         "vocabulary": np.array([b"a", b"", b"\xff"], object), "z": np.float64(2.5)}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_names(str(tmp_path_factory.mktemp("model") / "ckpt"), MODEL)


def assert_gives(script, source, named, folder, flags=(), **options):
    """The script makes of the source what a Saver writes for these names and values, and TensorFlow restores that."""
    made = run(script, *([source] if isinstance(source, str) else source), to=folder / "made", flags=flags)
    assert_same_files(made, save_names(str(folder / "expected"), named, **options))
    assert_restores(made, named)


def renamed(function):
    return {function(name): value for name, value in MODEL.items()}


# ---- Renaming

RENAMES = {
    "by_a_regular_expression": (r"ckpt:rename([[layer_(\d+)/]], 'block.$1/')", lambda name: re.sub(r"layer_(\d+)/", r"block.\1/", name)),
    "every_match_in_a_name": ("ckpt:rename('e', 'EE')", lambda name: name.replace("e", "EE")),
    "into_another_order": ("ckpt:rename('^(.)(.*)$', '${2}_$1')", lambda name: name[1:] + "_" + name[0]),
    "swapped_by_a_table": ("ckpt:rename{['bert/layer_0/kernel'] = 'bert/layer_1/kernel', ['bert/layer_1/kernel'] = 'bert/layer_0/kernel'}",
                           lambda name: {"bert/layer_0/kernel": "bert/layer_1/kernel", "bert/layer_1/kernel": "bert/layer_0/kernel"}.get(name, name)),
    "in_a_ring": ("ckpt:rename{z = 'global_step', global_step = 'vocabulary', vocabulary = 'z'}",
                  lambda name: {"z": "global_step", "global_step": "vocabulary", "vocabulary": "z"}.get(name, name)),
    "by_a_function": ("ckpt:rename(function(name) if name:find 'bert' then return name:upper() end end)",
                      lambda name: name.upper() if "bert" in name else name),
    "by_pairs_of_which_the_first_counts": ("ckpt:rename{{'^bert/layer_0', 'first'}, {'^bert/', 'rest/'}, {'kernel', 'never'}}",
                                           lambda name: re.sub("^bert/", "rest/", re.sub("^bert/layer_0", "first", name))),
    "by_scope": ("ckpt:rename_scope('bert/', 'encoder/')", lambda name: re.sub("^bert/", "encoder/", name)),
    "into_the_root_scope": ("ckpt:rename_scope('bert/', '/')", lambda name: re.sub("^bert/", "", name)),
    "from_the_root_scope": ("ckpt:rename_scope('/', 'a/b/')", lambda name: "a/b/" + name),
    "to_utf8": ("ckpt:rename('e', 'ü')", lambda name: name.replace("e", "ü")),
    "to_very_long_names": ("ckpt:rename('$', ('/x'):rep(2000))", lambda name: name + "/x" * 2000),
}


@pytest.mark.parametrize("how", RENAMES)
def test_a_rename_gives_what_a_saver_writes(model, tmp_path, how):
    script, function = RENAMES[how]
    assert_gives(script, model, renamed(function), tmp_path)


def test_a_rename_and_its_reverse_give_the_same_bytes(model, tmp_path):
    there = run("ckpt:rename('^', 'scope/')", model, to=tmp_path / "there")
    assert_same_files(run("ckpt:rename_scope('scope/', '/')", there, to=tmp_path / "back"), model)


def test_odd_names_can_be_given_and_taken(tmp_path):
    plain = {f"v{i:02}": np.float32(i) for i in range(len(ODD_NAMES))}
    odd = dict(zip(ODD_NAMES, plain.values()))
    source = save_names(str(tmp_path / "plain"), plain)
    table = lua(dict(zip(plain, odd)))
    made = run(f"ckpt:rename{table}", source, to=tmp_path / "odd")
    assert_same_files(made, save_names(str(tmp_path / "expected"), odd))
    back = run(f"ckpt:rename{lua(dict(zip(odd, plain)))}", made, to=tmp_path / "back")
    assert_same_files(back, source)


def test_an_index_of_many_blocks_is_renamed(corpus, tmp_path):
    made = run(r"ckpt:rename([[layer_(\d+)/sub\.(\d+)]], 's$2/l$1')", corpus("thirty_thousand_tensors"), to=tmp_path / "made")
    named = {f"s{i % 13}/l{i}/kernel": np.float32(i) for i in range(30000)}
    assert_same_files(made, save_sorted(str(tmp_path / "expected"), named))


# ---- Keeping and dropping

@pytest.mark.parametrize("script, wanted", [
    ("ckpt:keep_only('kernel$')", lambda name: name.endswith("kernel")),
    ("ckpt:keep_only{'kernel$', 'step'}", lambda name: name.endswith("kernel") or "step" in name),
    ("ckpt:drop('^bert/layer_0/')", lambda name: not name.startswith("bert/layer_0/")),
    ("ckpt:drop{'vocabulary', '^z$'}", lambda name: name not in ("vocabulary", "z")),
    ("ckpt:drop{role = 'step'}", lambda name: name != "global_step"),
    ("ckpt.vars.z = nil; ckpt.vars['vocabulary'] = nil", lambda name: name not in ("vocabulary", "z")),
    ("for name, t in ckpt:each() do if t.rank < 2 then ckpt.vars[name] = nil end end", lambda name: np.ndim(MODEL[name]) == 2),
], ids=["keep_only", "keep_only_of_a_list", "drop", "drop_of_a_list", "drop_by_role", "nil", "each"])
def test_what_is_left_is_what_a_saver_writes(model, tmp_path, script, wanted):
    assert_gives(script, model, {name: value for name, value in MODEL.items() if wanted(name)}, tmp_path)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_model_without_its_slots_is_what_a_saver_of_its_weights_writes(corpus, tmp_path, optimizer):
    def weights():
        dense_model(OPTIMIZERS[optimizer]())
        return [v for v in tf1.global_variables() if v in tf1.trainable_variables() or "global_step" in v.name]
    script = "ckpt:drop{role = 'slot'}; ckpt:drop({role = 'power'}, {optional = true})"
    made = run(script, corpus(f"a_tf1_model_with_{optimizer}"), to=tmp_path / "made")
    assert_same_files(made, saver(str(tmp_path / "expected"), weights))


@pytest.mark.parametrize("scope", ["n", "net", "linear", "encoder", "a/scope", "quite_a_long_name_of_a/scope"])
def test_slots_made_in_a_scope_are_slots_too(tmp_path, scope):
    def build(everything):
        with tf1.variable_scope(scope):
            dense_model(OPTIMIZERS["ftrl"]())
        return [v for v in tf1.global_variables() if everything or v in tf1.trainable_variables() or "global_step" in v.name]
    source = saver(str(tmp_path / "source"), lambda: build(True))
    made = run("ckpt:drop{role = 'slot'}", source, to=tmp_path / "made")
    assert_same_files(made, saver(str(tmp_path / "expected"), lambda: build(False)))


def test_moving_averages_take_the_place_of_their_variables(corpus, tmp_path):
    source = corpus("moving_averages")
    read = Read(source).values()
    made = run("local averages = ckpt:copy(); averages:keep_only{role = 'average'}\n"
               "averages:rename('/ExponentialMovingAverage$', '')\n"
               "for name, t in averages:each() do ckpt.vars[name] = t end\n"
               "ckpt:drop{role = 'average'}", source, to=tmp_path / "made")
    named = {"global_step": read["global_step"], "w": read["w/ExponentialMovingAverage"]}
    assert_same_files(made, save_names(str(tmp_path / "expected"), named))


# ---- Bringing together

def test_two_checkpoints_merge_into_what_one_saver_writes(model, tmp_path):
    more = {"a": random(4), "m/n": np.int32(3), "zz": np.array([b"x" * 300], object)}
    other = save_names(str(tmp_path / "other"), more)
    assert_gives("ckpt:merge(inputs[2])", [model, other], {**MODEL, **more}, tmp_path)


def test_four_checkpoints_merge_under_scopes(model, tmp_path):
    script = "for i = 1, 4 do inputs[i]:rename_scope('/', 'm' .. i .. '/') end; for i = 2, 4 do ckpt:merge(inputs[i]) end"
    named = {f"m{i}/{name}": value for i in range(1, 5) for name, value in MODEL.items()}
    assert_gives(script, [model] * 4, named, tmp_path)


def test_one_tensor_is_saved_under_several_names(model, tmp_path):
    script = "for i = 1, 3 do ckpt.vars['copy' .. i] = ckpt.vars['bert/layer_0/kernel'] end"
    assert_gives(script, model, {**MODEL, **{f"copy{i}": MODEL["bert/layer_0/kernel"] for i in (1, 2, 3)}}, tmp_path)


def test_a_tensor_takes_anothers_place(model, tmp_path):
    other = save_names(str(tmp_path / "other"), {"w": random(9, 2), "s": np.array(b"text", object)})
    script = "ckpt.vars.z = inputs[2].vars.w; ckpt.vars.global_step = inputs[2].vars.s"
    assert_gives(script, [model, other], {**MODEL, "z": random(9, 2), "global_step": np.array(b"text", object)}, tmp_path)


def test_a_new_draft_of_old_tensors(model, tmp_path):
    script = "return gw.variables{b = ckpt.vars['bert/layer_0/bias'], a = ckpt.vars.z, ['c/d'] = ckpt.vars.vocabulary}"
    named = {"a": MODEL["z"], "b": MODEL["bert/layer_0/bias"], "c/d": MODEL["vocabulary"]}
    assert_gives(script, model, named, tmp_path)


def test_several_outputs_are_each_what_a_saver_writes(model, tmp_path):
    script = "local b = ckpt:copy(); ckpt:keep_only('bias'); b:keep_only('kernel'); return {biases = ckpt, kernels = b}"
    godwit("run", "-e", script, model, "-o", f"biases={tmp_path}/one/b", "-o", f"kernels={tmp_path}/two/k")
    for prefix, part in (("one/b", "bias"), ("two/k", "kernel")):
        named = {name: value for name, value in MODEL.items() if part in name}
        assert_same_files(tmp_path / prefix, save_names(str(tmp_path / f"expected_{part}"), named))


def test_tensors_of_any_kind_are_moved(corpus, tmp_path):
    names = ["every_numeric_dtype", "strings_of_many_kinds", "empty_shapes_of_every_dtype_among_others", "special_floats", "variants",
             "tensors_of_nine_megabytes", "a_string_of_ten_megabytes", "a_variant_of_five_megabytes"]
    script = "for i, input in ipairs(inputs) do input:rename('^', (9 - i) .. '/') if i > 1 then ckpt:merge(input) end end"
    made = run(script, *map(corpus, names), to=tmp_path / "made", flags=["--memory", "1M"])
    pairs = {}
    for i, name in enumerate(names):
        for key, entry in inspect(corpus(name)).items():
            pairs[f"{8 - i}/{key}"] = restore(corpus(name), entry["dtype"], [key])[0]
    assert_same_files(made, save_sorted(str(tmp_path / "expected"), pairs))


# ---- Random ones

@pytest.mark.parametrize("seed", range(12))
def test_random_edits_give_what_a_save_of_the_result_writes(tmp_path, seed):
    generator = np.random.default_rng(seed)
    dtypes = ["float32", "float64", "float16", "bfloat16", "int64", "uint8", "bool", "complex64", "string"]
    letters = list("ab/._-0ü😀") + ["\x01", "\x7f"]

    def name():
        return "".join(generator.choice(letters, generator.integers(1, 12)))

    def value():
        dtype, shape = generator.choice(dtypes), generator.integers(0, 5, generator.integers(0, 4)).tolist()
        if dtype != "string":
            return some(dtype, shape, int(generator.integers(1 << 30)))
        return tf.reshape(tf.constant([generator.bytes(int(generator.integers(300))) for _ in range(int(np.prod(shape)))], tf.string), shape)

    tensors = {name(): value() for _ in range(200)}
    source = save_v2(str(tmp_path / "source"), dict(generator.permutation(np.array(list(tensors.items()), object)).tolist()))
    names = list(tensors)
    dropped = set(generator.choice(names, 20, replace=False))
    kept = [old for old in names if old not in dropped]
    fresh = {name() for _ in range(1000)} - set(names)
    table = dict(zip(generator.permutation(kept)[:80].tolist(), sorted(fresh)))
    shuffled = [old for old in kept if old not in table]
    table.update(zip(shuffled, generator.permutation(shuffled).tolist()))
    script = f"for _, name in ipairs{lua(sorted(dropped))} do ckpt.vars[name] = nil end ckpt:rename{lua(table)}"
    made = run(script, source, to=tmp_path / "made", flags=["--threads", str(seed % 4 + 1)])
    assert_same_files(made, save_sorted(str(tmp_path / "expected"), {table[old]: tensors[old] for old in kept}))


# ---- Constants

CONSTANTS = {
    "float32": ("gw.scalar(1.5)", 1.5), "int32": ("gw.scalar(7)", 7), "bool": ("gw.scalar(true)", True),
    "string": ("gw.strings('text')", "text"), "list": ("gw.tensor{1.5, 2, -3.25}", [1.5, 2, -3.25]),
    "matrix": ("gw.tensor{{1, 2, 3}, {4, 5, 6}}", [[1, 2, 3], [4, 5, 6]]),
    "booleans": ("gw.tensor{{true}, {false}}", [[True], [False]]),
    "strings": (r"gw.strings{{'a', ''}, {'\xff\0', 'ü'}}", [["a", ""], [b"\xff\0", "ü"]]),
    "no_strings": ("gw.tensor({}, 'string')", tf.constant([], tf.string)),
    "nothing": ("gw.tensor{}", tf.constant([], tf.float32)),
    "empty_rows": ("gw.tensor({{}, {}}, 'int64')", tf.zeros([2, 0], tf.int64)),
    "zeros": ("gw.zeros{2, 3}", tf.zeros([2, 3])),
    "zeros_of_a_dtype": ("gw.zeros({4}, 'bool')", tf.zeros([4], tf.bool)),
    "no_zeros": ("gw.zeros({3, 0, 2}, 'float64')", tf.zeros([3, 0, 2], tf.float64)),
    "full": ("gw.full({2, 2}, 0.1)", tf.fill([2, 2], 0.1)),
    "full_of_integers": ("gw.full({3}, -9, 'int8')", tf.fill([3], np.int8(-9))),
    "a_scalar_filled": ("gw.full({}, 3)", 3), "many_zeros": ("gw.zeros({1300, 1000})", tf.zeros([1300, 1000])),
    "many_ones": ("gw.full({1200000}, 1, 'complex128')", tf.ones([1200000], tf.complex128)),
    "an_integer_as_float": ("gw.scalar(16777217, 'float32')", np.float32(16777217)),
    "a_whole_float_as_integer": ("gw.scalar(3.0, 'int64')", np.int64(3)),
    "uint64": ("gw.tensor({0, 1, '18446744073709551615'}, 'uint64')", np.array([0, 1, 2 ** 64 - 1], np.uint64)),
    "complex": ("gw.tensor({{1, -2.5}, {0, 3}}, 'complex64')", np.array([1 - 2.5j, 3j], np.complex64)),
    "a_complex_scalar": ("gw.scalar({0.1, 0.2}, 'complex128')", np.complex128(0.1 + 0.2j)),
    "complex_from_reals": ("gw.full({2}, 1.5, 'complex64')", np.array([1.5, 1.5], np.complex64)),
    "infinities": ("gw.tensor{1/0, -1/0, -0.0}", [np.inf, -np.inf, -0.0]),
}
NUMBERS = {
    "float32": [0.1, 1 / 3, -2.5e-40, 3.4e38, 16777217, 1e-46], "float64": [0.1, 1 / 3, 5e-324, 1.7e308],
    "int8": [-128, 127, 0], "float16": [0.1, 65504, 65519, 6e-8, 1 / 3, 2049, -0.0, 2.98e-8, 1 + 2 ** -11 + 2 ** -40],
    "bfloat16": [0.1, 3.38e38, 1 / 3, 257, 1.00390625, 1.00390625000001], "int16": [-2 ** 15, 2 ** 15 - 1],
    "int32": [-2 ** 31, 2 ** 31 - 1], "int64": [-2 ** 63 + 1, 2 ** 63 - 1], "uint8": [0, 255], "uint16": [0, 65535],
    "uint32": [0, 2 ** 32 - 1], "uint64": [0, 2 ** 63 - 1],
}


@pytest.mark.parametrize("kind", CONSTANTS)
def test_a_constant_is_saved_as_tensorflows(model, tmp_path, kind):
    script, value = CONSTANTS[kind]
    made = run(f"return gw.variables{{made = {script}}}", model, to=tmp_path / "made")
    assert_same_files(made, save_v2(str(tmp_path / "expected"), {"made": tf.convert_to_tensor(value)}))


@pytest.mark.parametrize("dtype", NUMBERS)
def test_numbers_are_rounded_as_tensorflow_rounds_them(model, tmp_path, dtype):
    numbers = NUMBERS[dtype]
    script = f"return gw.variables{{many = gw.tensor({lua(numbers)}, '{dtype}'), " \
             f"one = gw.scalar({lua(numbers[0])}, '{dtype}'), full = gw.full({{3}}, {lua(numbers[-1])}, '{dtype}')}}"
    made = run(script, model, to=tmp_path / "made")
    expected = tf.constant(numbers, getattr(tf, dtype))
    named = {"many": expected, "one": expected[0], "full": tf.fill([3], expected[-1])}
    assert_same_files(made, save_sorted(str(tmp_path / "expected"), named))


def test_constants_go_among_what_is_there(model, tmp_path):
    script = "ckpt.vars['a'] = gw.scalar(1.5); ckpt.vars['bert/m'] = gw.strings{'x', 'yy'}; ckpt.vars.global_step = gw.scalar(0, 'int64')"
    named = {**MODEL, "a": np.float32(1.5), "bert/m": np.array([b"x", b"yy"], object), "global_step": np.int64(0)}
    assert_gives(script, model, named, tmp_path)


@pytest.mark.parametrize("script", [
    "gw.scalar(300, 'uint8')", "gw.scalar(-1, 'uint64')", "gw.scalar(1.5, 'int32')", "gw.scalar(2^63, 'int64')", "gw.tensor{{1, 2}, {3}}",
    "gw.scalar(1, 'float7')", "gw.scalar(1, 'qint8')", "gw.zeros({-1})", "gw.tensor{1, 'a'}", "gw.scalar({1, 2})", "gw.scalar(nil)"])
def test_what_is_no_tensor_is_refused_at_its_line(model, tmp_path, script):
    message = refused(f"\n\nckpt.vars.new = {script}", model, to=tmp_path / "made", code=RECIPE)
    assert "-e:3" in message


# ---- Partitioned variables and shards

def test_a_partitioned_variable_is_renamed_with_its_slices(tmp_path):
    def build(name):
        tf1.get_variable("before", initializer=1.0)
        partitioned(name, random(31, 2), 12)
        tf1.get_variable("zafter", initializer=[2.0])
    source = saver(str(tmp_path / "source"), lambda: build("emb/table"))
    for new in ("a", "encoder/embeddings", "zz", "table/with a.dot"):
        made = run(f"ckpt:rename{{['emb/table'] = '{new}'}}", source, to=tmp_path / f"made{len(new)}")
        assert Read(made).value(new).tobytes() == random(31, 2).tobytes()
        if " " not in new:
            assert_same_files(made, saver(str(tmp_path / f"expected{len(new)}"), lambda: build(new)))


def test_a_partitioned_model_is_renamed_with_its_slots(tmp_path):
    def build(scope):
        with tf1.variable_scope(scope):
            dense_model(tf1.train.AdamOptimizer(0.1))
    source = saver(str(tmp_path / "source"), lambda: build("old"))
    made = run("ckpt:rename('old/', 'new/')", source, to=tmp_path / "made")
    assert_same_files(made, saver(str(tmp_path / "expected"), lambda: build("new")))


def test_slices_along_several_axes_are_renamed(tmp_path):
    pairs, specs = grid("grid", [5, 7, 4], [[2], [3, 5], []])
    source = save_v2(str(tmp_path / "source"), [("b", random(2)), *pairs, ("z", random(3))], {i + 1: spec for i, spec in specs.items()})
    made = run("ckpt:rename{grid = 'a/grid', z = 'c'}", source, to=tmp_path / "made")
    pairs = [("a/grid", value) for _, value in pairs]
    assert_same_files(made, save_v2(str(tmp_path / "expected"), [*pairs, ("b", random(2)), ("c", random(3))], specs))


def test_what_was_dropped_takes_its_slices_along(tmp_path):
    def build(listed):
        made = {"p": partitioned("p", random(9, 2), 3), "q": partitioned("q", random(9, 2), 3), "v": tf1.get_variable("v", initializer=1.0)}
        return {name: made[name] for name in listed}
    source = saver(str(tmp_path / "source"), lambda: build("pqv"))
    assert_same_files(run("ckpt:drop('^p')", source, to=tmp_path / "made"), saver(str(tmp_path / "expected"), lambda: build("qv")))


def test_each_tensor_of_a_sharded_checkpoint_stays_in_its_shard(tmp_path):
    devices = on_devices(3)
    source = save_names(str(tmp_path / "source"), {name: random(i % 4, 3) for i, name in enumerate(devices)}, devices)
    made = run("ckpt:rename('^v(.)(.)/w', 'w$2/v$1')", source, to=tmp_path / "made")
    new = {name: f"w{name[2]}/v{name[1]}" for name in devices}
    named = {new[name]: random(i % 4, 3) for i, name in enumerate(devices)}
    assert_same_files(made, save_names(str(tmp_path / "expected"), named, {new[name]: device for name, device in devices.items()}))
    assert_restores(made, named)


def test_a_shard_of_which_nothing_is_left_is_gone(tmp_path):
    devices = {"a": 0, "b": 1, "c": 2, "d": 0}
    source = save_names(str(tmp_path / "source"), {name: random(3) for name in devices}, devices)
    made = run("ckpt:drop('b')", source, to=tmp_path / "made")
    assert_same_files(made, save_names(str(tmp_path / "expected"), {name: random(3) for name in "acd"}, {"a": 0, "c": 2, "d": 0}))


def test_what_is_new_goes_to_the_first_shard(tmp_path):
    devices = {"a": 1, "b": 2, "d": 1}
    source = save_names(str(tmp_path / "source"), {name: random(3) for name in devices}, devices)
    made = run("ckpt.vars.c = gw.scalar(1.5); ckpt.vars.e = gw.scalar(2.5)", source, to=tmp_path / "made")
    named = {**{name: random(3) for name in devices}, "c": np.float32(1.5), "e": np.float32(2.5)}
    assert_same_files(made, save_names(str(tmp_path / "expected"), named, {**devices, "c": 1, "e": 1}))


def test_a_partitioned_variable_on_several_devices_is_renamed(tmp_path):
    pairs, specs = grid("w", [9, 4], [[2, 4], []])
    source = merge(str(tmp_path / "source"), [
        save_v2(str(tmp_path / f"part{i}"), [(f"own{i}", np.float32(i)), pairs[part]], {1: specs[part]}) for i, part in enumerate((2, 0, 1))])
    made = run("ckpt:rename{w = 'a', own1 = 'w'}", source, to=tmp_path / "made")
    before, after = Read(source).values(), Read(made).values()
    assert sorted(after) == ["a", "own0", "own2", "w"]
    assert (before["w"] == after["a"]).all() and after["w"] == before["own1"]
    assert len(files(made)) == 4
    assert_same_files(run("ckpt:rename{a = 'w', w = 'own1'}", made, to=tmp_path / "back"), source)


@pytest.mark.parametrize("shards", [1, 2, 3, 8])
def test_a_checkpoint_in_so_many_shards_restores(model, tmp_path, shards):
    made = run("", model, to=tmp_path / "made", flags=["--shards", str(shards)])
    assert [name for name in listing(tmp_path) if ".data-" in name] == [f"made.data-{i:05}-of-{shards:05}" for i in range(shards)]
    assert_restores(made, MODEL)
    assert_same_files(run("", made, to=tmp_path / "one", flags=["--shards", "1"]), model)


@pytest.mark.parametrize("shards", [1, 3])
def test_slices_and_large_tensors_are_spread_over_shards(corpus, tmp_path, shards):
    for i, name in enumerate(("twelve_parts_along_the_first_axis", "a_large_tensor_in_slices", "a_sharded_saver_on_three_devices")):
        made = run("", corpus(name), to=tmp_path / f"made{i}", flags=["--shards", str(shards)])
        before, after = Read(corpus(name)), Read(made)
        assert before.shapes == after.shapes
        for key in before.shapes:
            assert before.value(key).tobytes() == after.value(key).tobytes()


def test_two_shards_become_one_as_one_saver_writes_it(tmp_path):
    devices = on_devices(2)
    named = {name: random(i, 3) for i, name in enumerate(devices)}
    source = save_names(str(tmp_path / "source"), named, devices)
    made = run("", source, to=tmp_path / "made", flags=["--shards", "1"])
    assert {name: value.tobytes() for name, value in Read(made).values().items()} == {name: value.tobytes() for name, value in named.items()}
    assert_restores(made, named)


# ---- What else belongs to a checkpoint

def test_a_meta_is_left_out_when_names_changed(corpus, tmp_path):
    source = corpus("a_saver_with_its_meta")
    godwit("run", "-e", "ckpt:rename('^w$', 'v')", source, "-o", tmp_path / "made")
    assert listing(tmp_path) == ["made.data-00000-of-00001", "made.index"]
    run("ckpt.vars.w = gw.zeros{2, 3}", source, to=tmp_path / "same")
    assert files(tmp_path / "same")[".meta"] == files(source)[".meta"]


def test_a_replaced_value_keeps_the_order_of_an_object_based_checkpoint(tmp_path):
    def write(prefix, third):
        layers = [tf.Variable([float(i)] * (i + 1)) for i in range(12)]
        layers[3].assign(third)
        return tf.train.Checkpoint(layers=layers).write(prefix)
    source = write(str(tmp_path / "source"), [3.0] * 4)
    made = run("ckpt.vars['layers/3/.ATTRIBUTES/VARIABLE_VALUE'] = gw.tensor{1.0, 2.0, 4.0, 8.0}", source, to=tmp_path / "made")
    assert_same_files(made, write(str(tmp_path / "expected"), [1.0, 2.0, 4.0, 8.0]))
