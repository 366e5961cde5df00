"""The checkpoints that the suite has TensorFlow write, by name. Each is made once a session, when a test asks for it.

A function gets an empty folder and gives a prefix; its name is the checkpoint's. `unread` names tensors whose value
TensorFlow's reader cannot give (variants, slices of dtypes that it does not join, more than 32 dimensions), or True for all."""
import itertools
import math

import numpy as np
import tensorflow as tf
from tensorflow.python.saved_model import registration

from oracle import NUMERIC, SIZES, merge, partitioned, save_names, save_v2, saver, some, tensor, tf1

CORPUS = {}
UNREAD = {}


def checkpoint(function=None, unread=()):
    def add(made):
        CORPUS[made.__name__] = made
        UNREAD[made.__name__] = unread
        return made
    return add(function) if function else add


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


# ---- Dtypes, shapes, values

@checkpoint
def every_numeric_dtype(folder):
    return save_v2(f"{folder}/ckpt", {dtype: some(dtype, [2, 3]) for dtype in NUMERIC})


@checkpoint
def every_pattern_of_a_byte_in_every_dtype(folder):
    def pattern(dtype):
        top = {"bool": 2, "int4": 16, "uint4": 16}.get(dtype, 256)
        content = bytes(itertools.islice(itertools.cycle(range(top)), 256))
        return tensor(dtype, [256 // SIZES[dtype]], content)
    return save_v2(f"{folder}/ckpt", {dtype: pattern(dtype) for dtype in NUMERIC})


@checkpoint
def every_half_and_every_bfloat16(folder):
    content = np.arange(65536, dtype=np.uint16).tobytes()
    return save_v2(f"{folder}/ckpt", {dtype: tensor(dtype, [65536], content) for dtype in ("float16", "bfloat16")})


@checkpoint
def scalars_of_every_dtype(folder):
    return save_v2(f"{folder}/ckpt", {**{dtype: some(dtype, [], 1) for dtype in NUMERIC}, "string": tf.constant("scalar")})


@checkpoint
def special_floats(folder):
    def special(dtype):
        info = np.finfo(dtype)
        return np.array([0.0, -0.0, np.inf, -np.inf, np.nan, info.max, info.min, info.tiny, info.tiny / 8, info.eps, 1 / 3, math.pi], dtype)
    bits = {"float32": np.array([0x7f800001, 0xffc12345, 0x00000001, 0x80000001, 0x7fffffff], np.uint32),
            "float64": np.array([0x7ff0000000000001, 0xfff8000000abcdef, 1, 1 << 63 | 1], np.uint64)}
    named = {dtype: special(dtype) for dtype in ("float16", "float32", "float64")}
    for dtype, patterns in bits.items():
        named[f"{dtype}_bits"] = tensor(dtype, [len(patterns)], patterns.tobytes())
    named["complex64"] = np.array([complex(np.nan, -0.0), complex(-np.inf, 1), 1 / 3 - 2j], np.complex64)
    named["complex128"] = np.array([complex(0.1, np.inf), complex(-0.0, np.nan)], np.complex128)
    return save_v2(f"{folder}/ckpt", named)


@checkpoint
def ends_of_the_integers(folder):
    named = {}
    for dtype in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"):
        info = np.iinfo(dtype)
        named[dtype] = np.array([info.min, info.max, info.max - 1, 0, 1, info.max // 2 + 1], dtype)
    return save_v2(f"{folder}/ckpt", named)


@checkpoint
def empty_shapes_of_every_dtype_among_others(folder):
    named = {}
    for dtype in NUMERIC:
        named[f"{dtype}/a"] = some(dtype, [0])
        named[f"{dtype}/b"] = some(dtype, [2])
        named[f"{dtype}/c"] = some(dtype, [3, 0, 2])
        named[f"{dtype}/d"] = some(dtype, [0, 0])
    named["string/a"], named["string/b"] = tf.constant([], tf.string), tf.zeros([3, 0, 2], tf.string)
    return save_v2(f"{folder}/ckpt", named)


@checkpoint
def nothing_but_empty_tensors(folder):
    return save_v2(f"{folder}/ckpt", {"a": np.zeros([0], np.float32), "b": np.zeros([4, 0], np.int64)})


@checkpoint
def one_empty_tensor_of_strings(folder):
    return save_v2(f"{folder}/ckpt", {"a": tf.constant([], tf.string)})


@checkpoint
def ranks_up_to_32(folder):
    return save_v2(f"{folder}/ckpt", {f"rank_{rank}": random(*([1] * (rank - 1) + [2] if rank else [])) for rank in range(33)})


@checkpoint(unread=True)
def ranks_up_to_254(folder):
    ranks = (33, 64, 127, 128, 200, 253, 254)
    named = {f"rank_{rank}": some("int32", [1] * (rank - 2) + [2, 2]) for rank in ranks}
    return save_v2(f"{folder}/ckpt", {**named, "strings": tf.reshape(tf.constant(["a", ""]), [1] * 252 + [2])})


@checkpoint
def large_dimensions(folder):
    return save_v2(f"{folder}/ckpt", {"wide": random(1, 70000), "long": np.zeros([1 << 40, 0], np.float32), "bytes": np.arange(200000, dtype=np.uint8)})


# ---- Strings

@checkpoint
def strings_of_many_kinds(folder):
    return save_v2(f"{folder}/ckpt", {
        "scalar": tf.constant("hello"), "empty": tf.constant(""), "none": tf.constant([], tf.string),
        "list": tf.constant(["ab", "cde", ""]), "matrix": tf.constant([["a", "bb"], ["", "dddd"], ["ü", "日本"]]),
        "bytes": tf.constant([bytes(range(256)), b"\0", b"\xff\xfe", b"\xc3\x28"]), "70 KB": tf.constant("x" * 70000),
        "lines": tf.constant("a\nb\r\n\tc\"'\\"), "controls": tf.constant(bytes(range(32)))})


@checkpoint
def strings_at_the_borders_of_their_lengths(folder):
    lengths = [0, 1, 126, 127, 128, 129, 255, 256, 16383, 16384, 16385]
    return save_v2(f"{folder}/ckpt", {"all": tf.constant(["x" * n for n in lengths]), **{f"n{n}": tf.constant("y" * n) for n in lengths}})


@checkpoint
def three_hundred_thousand_strings(folder):
    return save_v2(f"{folder}/ckpt", {"tokens": tf.constant([f"token_{i}" * (i % 3) for i in range(300000)]), "z": random(3)})


@checkpoint
def a_string_of_ten_megabytes(folder):
    return save_v2(f"{folder}/ckpt", {"a": random(5), "b": tf.constant([b"\x01\x02\xfe" * 3500000, b"tail"]), "c": random(7)})


@checkpoint
def strings_of_twelve_megabytes_together(folder):
    return save_v2(f"{folder}/ckpt", {"a": tf.constant([bytes([i % 251]) * (100 * i) for i in range(490)]), "b": random(1)})


# ---- Names

ODD_NAMES = [
    "a.b.c", "a/b/c", "with space", "ü/日本語/😀", "n" * 900, "w[0]", "w[0-9]*", "what?", "-", "--values", "a\\b",
    "'\"`$(x)", "tab\tand\nline", "_CHECKPOINT", "/", "//", "a//b", "a/", "/a", ".", "..", "%s%d", "{}", "#", "|",
    "name:0", "é", "e\u0301", "\u202eback", "\x7f", "a" * 127, "a" * 128, "a" * 16384,
]


@checkpoint
def odd_names(folder):
    return save_v2(f"{folder}/ckpt", {name: np.float32(i) for i, name in enumerate(ODD_NAMES)})


@checkpoint
def odd_names_of_a_saver(folder):
    return save_names(f"{folder}/ckpt", {name: np.float32(i) for i, name in enumerate(ODD_NAMES)})


@checkpoint(unread=True)
def names_that_are_no_text(folder):
    names = [b"\0abc", b"\xff\xfe", b"\xff\xff\xff", b"\x80", b"a\0b", b"\xc3", b"\x01", b"\0\0\x01"]
    return save_v2(f"{folder}/ckpt", [(name, np.float32(i)) for i, name in enumerate(names)])


@checkpoint
def names_of_six_hundred_thousand_bytes(folder):
    return save_v2(f"{folder}/ckpt", {"a": 1.0, "b" * 600000: 2.0, "b" * 600000 + "c": 3.0, "d" * 262100: 4.0, "e" * 262144: 5.0, "f": 6.0})


@checkpoint
def a_long_name_first(folder):
    return save_v2(f"{folder}/ckpt", {"a" * 530000: 1.0, "b": 2.0})


@checkpoint
def thirty_thousand_tensors(folder):
    names = [f"layer_{i}/sub.{i % 13}/kernel" for i in range(30000)]
    return save_v2(f"{folder}/ckpt", [(name, np.float32(i)) for i, name in enumerate(names)])


@checkpoint(unread=True)
def random_names_of_all_byte_values(folder):
    generator = np.random.default_rng(5)
    names = {generator.integers(1, 256, generator.integers(1, 120), dtype=np.uint8).tobytes() for _ in range(6000)}
    return save_v2(f"{folder}/ckpt", [(name, np.int32(i)) for i, name in enumerate(sorted(names))])


@checkpoint
def data_in_another_order_than_names(folder):
    names = np.random.default_rng(1).permutation(500)
    return save_v2(f"{folder}/ckpt", [(f"v{i:03}", random(*[int(i) % 4] * (int(i) % 3), seed=int(i))) for i in names])


# ---- Savers, shards, partitions

def three_variables():
    tf1.get_variable("w", initializer=tf.constant([[0., 1, 2], [3, 4, 5]]))
    tf1.get_variable("b", initializer=tf.constant([1.5, -2.5, 3.5]))
    tf1.train.create_global_step()


@checkpoint
def a_saver_with_its_meta(folder):
    return saver(f"{folder}/model.ckpt", three_variables, step=7, meta=True, state=True)


@checkpoint
def a_sharded_saver_on_one_device(folder):
    return saver(f"{folder}/model.ckpt", three_variables, sharded=True)


def on_devices(count, tensors=40):
    return {f"v{i:02}/w": i * 7 % 3 % count for i in range(tensors)}


@checkpoint
def a_sharded_saver_on_two_devices(folder):
    devices = on_devices(2)
    return save_names(f"{folder}/ckpt", {name: random(i, 3) for i, name in enumerate(devices)}, devices, meta=True)


@checkpoint
def a_sharded_saver_on_three_devices(folder):
    devices = on_devices(3)
    return save_names(f"{folder}/ckpt", {name: random(3, i % 5) for i, name in enumerate(devices)}, devices)


@checkpoint
def a_partitioned_variable_on_two_devices(folder):
    def build():
        with tf.device("/cpu:1"):
            tf1.get_variable("a", initializer=1.0)
        devices = itertools.cycle(["/cpu:0", "/cpu:1"])
        with tf1.device(lambda op: next(devices) if op.type == "VarHandleOp" else ""):
            partitioned("p", random(12, 2), 4)
        tf1.get_variable("z", initializer=2.0)
    return saver(f"{folder}/ckpt", build, sharded=True)


def three_bundles(folder):
    return [save_v2(f"{folder}/part{i}", {f"{'xyz'[(i + j) % 3]}/{i}/{j}": random(i + 1, j) for j in range(4)}) for i in range(3)]


@checkpoint
def three_merged_shards(folder):
    return merge(f"{folder}/merged", three_bundles(folder))


@checkpoint
def shards_merged_in_another_order(folder):
    return merge(f"{folder}/merged", list(reversed(three_bundles(folder))))


@checkpoint
def merged_shards_that_were_merged_before(folder):
    first = merge(f"{folder}/first", three_bundles(folder))
    return merge(f"{folder}/merged", [save_v2(f"{folder}/other", {"a": 1.0, "zz": 2.0}), first])


@checkpoint
def slices_merged_from_three_shards(folder):
    def part(i, start, length):
        return save_v2(f"{folder}/part{i}", [("w", random(length, 4, seed=i)), (f"own{i}", np.float32(i))],
                       specs={"w": f"9 4 {start},{length}:0,4"})
    return merge(f"{folder}/merged", [part(0, 4, 5), part(1, 0, 2), part(2, 2, 2)])


@checkpoint
def twelve_parts_along_the_first_axis(folder):
    def build():
        tf1.get_variable("before", initializer=1.0)
        partitioned("emb/table", random(24, 3), 12)
        partitioned("emb/uneven", random(31, 2), 12)
        tf1.get_variable("zafter", initializer=2.0)
    return saver(f"{folder}/ckpt", build)


@checkpoint
def twelve_parts_given_as_one_variable(folder):
    return saver(f"{folder}/ckpt", lambda: {"table": partitioned("t", random(25, 3), 12), "b": tf1.get_variable("b", initializer=1.0)})


@checkpoint
def parts_along_the_last_axis(folder):
    return saver(f"{folder}/ckpt", lambda: {"t": partitioned("t", random(2, 7, 9), 4, axis=2), "m": partitioned("m", random(2, 7, 9), 3, axis=1)})


def grid(name, shape, cuts, dtype="float32", seed=0):
    """Pieces of a tensor cut along several axes: (name, value), spec."""
    pairs, specs = [], {}
    axes = [list(zip([0, *cut], [*cut, size])) for size, cut in zip(shape, cuts)]
    for i, box in enumerate(itertools.product(*axes)):
        item = ":".join(f"{begin},{end - begin}" if cut else "-" for (begin, end), cut in zip(box, cuts))
        pairs.append((name, some(dtype, [end - begin for begin, end in box], seed + i)))
        specs[len(specs)] = f"{' '.join(map(str, shape))} {item}"
    return pairs, specs


@checkpoint
def a_tensor_cut_along_three_axes(folder):
    return save_v2(f"{folder}/ckpt", *grid("grid", [5, 7, 4, 3], [[2], [3, 5], [], [1]]))


@checkpoint
def slices_of_every_dtype_that_can_be_joined(folder):
    pairs, specs = [], {}
    for dtype in ("float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool", "complex64", "complex128", "bfloat16", "qint8",
                  "quint8", "qint32"):
        more, their = grid(dtype, [6, 4], [[1, 3], [2]], dtype)
        specs.update({i + len(pairs): spec for i, spec in their.items()})
        pairs += more
    return save_v2(f"{folder}/ckpt", pairs, specs)


@checkpoint(unread=True)
def slices_of_dtypes_that_cannot_be_joined(folder):
    pairs, specs = [], {}
    for dtype in ("float16", "uint16", "uint64", "float8_e5m2", "int4"):
        more, their = grid(dtype, [6, 4], [[1, 3], [2]], dtype)
        specs.update({i + len(pairs): spec for i, spec in their.items()})
        pairs += more
    for i in range(2):
        specs[len(pairs)] = f"4 {2 * i},2"
        pairs.append(("string", tf.constant(["a" * i, "bb" * i])))
    return save_v2(f"{folder}/ckpt", pairs, specs)


@checkpoint
def slices_that_cover_everything(folder):
    return save_v2(f"{folder}/ckpt", {"a": random(2, 3), "b": random(2, 3), "c": random(4, 2)},
                   specs={"a": "2 3 -:-", "b": "2 3 0,2:0,3", "c": "4 2 -:0,2"})


@checkpoint
def slices_of_odd_names(folder):
    pairs, specs = [], {}
    for name in ("a.b/c d", "ü", "z" * 300, "[0]*", "x\x01"):
        specs[len(pairs)], specs[len(pairs) + 1] = "4 70 0,2:-", "4 70 2,2:0,70"
        pairs += [(name, random(2, 70)), (name, random(2, 70, seed=1))]
    return save_v2(f"{folder}/ckpt", pairs, specs)


@checkpoint
def two_thousand_slices(folder):
    pairs = [("t", random(1, 2, seed=i)) for i in range(2000)]
    return save_v2(f"{folder}/ckpt", pairs, {i: f"2000 2 {i},1:0,2" for i in range(2000)})


# ---- TF1 models

def dense_model(optimizer):
    """Two layers, one of them partitioned, trained one step."""
    x = tf.constant(random(4, 3))
    with tf1.variable_scope("hidden", partitioner=tf1.fixed_size_partitioner(2)):
        w = tf1.get_variable("w", initializer=tf.constant(random(3, 4)))
    b = tf1.get_variable("hidden/b", initializer=tf.zeros([4]))
    out = tf1.get_variable("out/w", initializer=tf.constant(random(4, 1)))
    loss = tf.reduce_sum(tf.matmul(tf.matmul(x, tf.convert_to_tensor(w)) + b, out) ** 2)
    return optimizer.minimize(loss, global_step=tf1.train.get_or_create_global_step())


OPTIMIZERS = {
    "adam": lambda: tf1.train.AdamOptimizer(0.1), "momentum": lambda: tf1.train.MomentumOptimizer(0.1, 0.9),
    "rmsprop": lambda: tf1.train.RMSPropOptimizer(0.1, momentum=0.9, centered=True), "ftrl": lambda: tf1.train.FtrlOptimizer(0.1),
    "adagrad": lambda: tf1.train.AdagradOptimizer(0.1), "adadelta": lambda: tf1.train.AdadeltaOptimizer(0.1),
}


def tf1_model(name):
    def make(folder):
        return saver(f"{folder}/model.ckpt", lambda: dense_model(OPTIMIZERS[name]()) and None, meta=True)
    make.__name__ = f"a_tf1_model_with_{name}"
    checkpoint(make)


for optimizer_name in OPTIMIZERS:
    tf1_model(optimizer_name)


@checkpoint(unread=[f"net/hidden/w/t_{part}/Adam{slot}" for part in (0, 1) for slot in ("", "_1")])
def a_tf1_model_in_a_scope(folder):
    def build():
        with tf1.variable_scope("net"):
            dense_model(OPTIMIZERS["adam"]())
    return saver(f"{folder}/model.ckpt", build)


@checkpoint
def moving_averages(folder):
    def build():
        w = tf1.get_variable("w", initializer=tf.constant(random(3)))
        average = tf1.train.ExponentialMovingAverage(0.9, num_updates=tf1.train.get_or_create_global_step())
        average.apply([w])
    return saver(f"{folder}/ckpt", build)


@checkpoint
def a_tf1_hash_table(folder):
    def build():
        table = tf.lookup.experimental.MutableHashTable(tf.string, tf.float32, -1.0, name="v2")
        tf1.add_to_collection(tf1.GraphKeys.TABLE_INITIALIZERS, table.insert(["k1", "k2", ""], [30.0, 1.0, 2.0]))
        tf1.get_variable("v0", initializer=10.0)
        tf1.get_variable("v1", initializer=20.0)
        return [*tf1.global_variables(), *tf1.get_collection(tf1.GraphKeys.SAVEABLE_OBJECTS)]
    return saver(f"{folder}/ckpt", build)


@checkpoint
def an_estimator(folder):
    def model(features, labels, mode):
        w = tf1.get_variable("linear/w", initializer=[[1.0], [2.0]])
        loss = tf.reduce_sum((tf.matmul(features, w) - labels) ** 2)
        step = tf1.train.AdamOptimizer(0.1).minimize(loss, tf1.train.get_or_create_global_step())
        return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=step)
    config = tf.estimator.RunConfig(model_dir=folder, save_summary_steps=None, log_step_count_steps=None)
    data = lambda: tf.data.Dataset.from_tensors((tf.constant([[1.0, 2.0]]), tf.constant([[1.0]]))).repeat(2)
    tf.estimator.Estimator(model, config=config).train(data)
    return tf.train.latest_checkpoint(folder)


# ---- Objects

class Module(tf.Module):
    def __init__(self):
        super().__init__()
        self.kernel = tf.Variable(random(3, 2), name="kernel")
        self.parts = [tf.Variable(1.0), tf.Variable([2.0, 3.0])]
        self.named = {"a/b": tf.Variable(4), "c.d": tf.Variable("text"), "e": {"f": tf.Variable(True)}}


@checkpoint
def objects_saved(folder):
    return tf.train.Checkpoint(model=Module(), step=tf.Variable(3, dtype=tf.int64)).save(f"{folder}/ckpt")


@checkpoint
def objects_written(folder):
    return tf.train.Checkpoint(model=Module(), step=tf.Variable(3, dtype=tf.int64)).write(f"{folder}/ckpt")


@checkpoint
def objects_under_a_root(folder):
    return tf.train.Checkpoint(Module(), extra=tf.Variable(random(2))).save(f"{folder}/ckpt")


@checkpoint
def more_than_ten_children(folder):
    return tf.train.Checkpoint(layers=[tf.Variable(random(i % 3 + 1, seed=i)) for i in range(25)]).save(f"{folder}/ckpt")


@checkpoint
def objects_without_a_variable(folder):
    return tf.train.Checkpoint(a=tf.Module()).write(f"{folder}/ckpt")


def keras_model(optimizer):
    model = tf.keras.Sequential([tf.keras.layers.Dense(4, activation="relu"), tf.keras.layers.BatchNormalization(), tf.keras.layers.Dense(1)])
    model.compile(optimizer, "mse", run_eagerly=True)
    tf.keras.utils.set_random_seed(0)
    model.fit(random(8, 3), random(8, 1), epochs=1, batch_size=8, verbose=0)
    return model


@checkpoint
def keras_with_adam(folder):
    model = keras_model(tf.keras.optimizers.Adam())
    return tf.train.Checkpoint(model=model, optimizer=model.optimizer).save(f"{folder}/ckpt")


@checkpoint
def keras_with_legacy_adam(folder):
    model = keras_model(tf.keras.optimizers.legacy.Adam())
    return tf.train.Checkpoint(model=model, optimizer=model.optimizer).save(f"{folder}/ckpt")


@checkpoint
def keras_with_momentum(folder):
    model = keras_model(tf.keras.optimizers.SGD(momentum=0.9))
    return tf.train.Checkpoint(model=model).save(f"{folder}/ckpt")


@checkpoint
def keras_weights(folder):
    keras_model(tf.keras.optimizers.legacy.SGD(momentum=0.9)).save_weights(f"{folder}/weights", save_format="tf")
    return f"{folder}/weights"


@checkpoint
def tables_and_python_state(folder):
    class State(tf.train.experimental.PythonState):
        def serialize(self):
            return b"\x00some\xffstate"

        def deserialize(self, value):
            pass
    table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    table.insert(["a", "b", ""], [1, 2, 3])
    dense = tf.lookup.experimental.DenseHashTable(tf.int64, tf.float32, 0.0, empty_key=-1, deleted_key=-2)
    dense.insert([1, 2, 3], [1.0, 2.0, 3.0])
    return tf.train.Checkpoint(table=table, dense=dense, state=State(), v=tf.Variable(1.0)).save(f"{folder}/ckpt")


@checkpoint
def the_variables_of_a_saved_model(folder):
    module = Module()
    module.f = tf.function(lambda x: tf.matmul(x, module.kernel), input_signature=[tf.TensorSpec([None, 3])])
    tf.saved_model.save(module, f"{folder}/model")
    return f"{folder}/model/variables/variables"


@checkpoint(unread=("it/.ATTRIBUTES/ITERATOR_STATE",))
def an_iterator(folder):
    iterator = iter(tf.data.Dataset.range(100).shuffle(10, seed=1).batch(3))
    next(iterator)
    return tf.train.Checkpoint(it=iterator, v=tf.Variable(1.0)).save(f"{folder}/ckpt")


@checkpoint(unread=True)
def variants(folder):
    elements = tf.raw_ops.TensorListFromTensor(tensor=random(4, 3), element_shape=tf.constant([3]))
    some_value = tf.experimental.Optional.from_value(tf.constant(1.0))._variant_tensor
    nothing = tf.raw_ops.OptionalNone()
    return save_v2(f"{folder}/ckpt", {"list": elements, "many": tf.stack([some_value, nothing, some_value]), "none": tf.reshape(nothing, [1, 1]),
                                      "empty": tf.stack([nothing])[:0], "v": random(2)})


@checkpoint(unread=("big",))
def a_variant_of_five_megabytes(folder):
    elements = tf.raw_ops.TensorListFromTensor(tensor=random(13, 100000), element_shape=tf.constant([100000]))
    return save_v2(f"{folder}/ckpt", {"a": random(3), "big": elements, "z": random(3)})


class Kept(tf.__internal__.tracking.AutoTrackable):
    """An object with a registered saver: its tensors come in shards of their own, before the others."""

    def __init__(self):
        self.value = tf.Variable(7.0)

    @staticmethod
    def save(trackables, file_prefix):
        shard = file_prefix.numpy().decode()
        return [tf.constant(save_v2(shard, {f"kept/{name}": kept.value for name, kept in trackables.items()}))]


registration.register_checkpoint_saver(package="spec", name="Kept", predicate=lambda candidate: isinstance(candidate, Kept),
                                       save_fn=Kept.save, restore_fn=lambda trackables, prefix: None)


@checkpoint
def a_registered_saver(folder):
    return tf.train.Checkpoint(kept=Kept(), other=Kept(), v=tf.Variable(1.0)).save(f"{folder}/ckpt")


# ---- Large tensors: several buffers each

@checkpoint
def tensors_of_nine_megabytes(folder):
    floats = np.random.default_rng(2).integers(0, 2 ** 32, 2300000, dtype=np.uint32)
    return save_v2(f"{folder}/ckpt", [
        ("floats", tensor("float32", [1150000, 2], floats.tobytes())), ("a", random(3)),
        ("bytes", np.frombuffer(floats.tobytes()[:9000003], np.uint8)), ("strings", tf.constant([b"ab", b"", b"c" * 300])),
        ("complex", tensor("complex128", [3, 190000], floats.tobytes()[:9120000])), ("z", np.int64(1))])


@checkpoint
def a_large_tensor_in_slices(folder):
    pairs, specs = grid("emb", [3000, 1000], [[1000, 2500], [400]])
    return save_v2(f"{folder}/ckpt", pairs + [("b", random(3))], specs)
