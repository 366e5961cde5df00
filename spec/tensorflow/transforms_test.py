"""Recipes that strip, join, cut and reshape whole checkpoints: TensorFlow reads what they give, and where TensorFlow can save
the same itself, the files are the same to the byte."""
import numpy as np
import pytest
import tensorflow as tf

from oracle import Read, assert_restores, save_names
from support import RECIPE, assert_same_files, godwit

tf1 = tf.compat.v1
Legacy = tf.keras.optimizers.legacy


def run(*arguments):
    godwit("run", "-q", *arguments)


# ---- Object graphs with optimizers

def model(scope=""):
    return tf.keras.Sequential([tf.keras.layers.Dense(4, input_shape=(3,), name=f"{scope}one"), tf.keras.layers.Dense(2, name=f"{scope}two")])


def trained(optimizer, scope=""):
    made = model(scope)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(made(tf.ones([2, 3])) ** 2)
    optimizer.apply_gradients(zip(tape.gradient(loss, made.trainable_variables), made.trainable_variables))
    return made


OPTIMIZERS = {
    "adam": tf.keras.optimizers.Adam, "sgd": tf.keras.optimizers.SGD, "momentum": lambda: tf.keras.optimizers.SGD(0.1, momentum=0.9),
    "rmsprop": lambda: tf.keras.optimizers.RMSprop(momentum=0.9, centered=True), "adafactor": tf.keras.optimizers.Adafactor,
    "average": lambda: tf.keras.optimizers.Adam(use_ema=True), "ftrl": tf.keras.optimizers.Ftrl, "nadam": tf.keras.optimizers.Nadam,
    "legacy adam": Legacy.Adam, "legacy sgd": Legacy.SGD, "legacy momentum": lambda: Legacy.SGD(0.1, momentum=0.9), "legacy rmsprop": Legacy.RMSprop,
    "tf1 adam": tf1.train.AdamOptimizer, "tf1 momentum": lambda: tf1.train.MomentumOptimizer(0.1, 0.9),
    "tf1 gradient descent": lambda: tf1.train.GradientDescentOptimizer(0.1),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_stripped_checkpoint_is_what_is_saved_without_the_optimizer(tmp_path, name):
    optimizer = OPTIMIZERS[name]()
    made = trained(optimizer)
    step = tf.Variable(7, dtype=tf.int64)
    old = tf.train.Checkpoint(model=made, optimizer=optimizer, step=step).save(tmp_path / "old")
    run("strip_optimizer", old, "-o", tmp_path / "ours")
    theirs = tf.train.Checkpoint(model=made, step=step).save(tmp_path / "theirs")
    assert_same_files(tmp_path / "ours", theirs)
    run("strip_optimizer", old, "-o", tmp_path / "named", "-p", "paths=optimizer", "-p", "step=true")
    assert_same_files(tmp_path / "named", tf.train.Checkpoint(model=made).save(tmp_path / "without step"))


def test_an_optimizer_for_mixed_precision_goes_with_what_it_wraps(tmp_path):
    for i, make in enumerate([lambda: tf.keras.mixed_precision.LossScaleOptimizer(tf.keras.optimizers.Adam()),
                              lambda: tf.keras.mixed_precision.LossScaleOptimizer(Legacy.Adam())]):
        optimizer = make()
        made = model()
        with tf.GradientTape() as tape:
            loss = optimizer.get_scaled_loss(tf.reduce_sum(made(tf.ones([2, 3])) ** 2))
        gradients = optimizer.get_unscaled_gradients(tape.gradient(loss, made.trainable_variables))
        optimizer.apply_gradients(zip(gradients, made.trainable_variables))
        old = tf.train.Checkpoint(model=made, optimizer=optimizer).save(tmp_path / f"old{i}")
        run("strip_optimizer", old, "-o", tmp_path / f"ours{i}")
        assert_same_files(tmp_path / f"ours{i}", tf.train.Checkpoint(model=made).save(tmp_path / f"theirs{i}"))


def test_iterations_that_are_referred_to_elsewhere_stay(tmp_path):
    optimizer = tf.keras.optimizers.Adam()
    made = trained(optimizer)
    old = tf.train.Checkpoint(model=made, optimizer=optimizer, count=optimizer.iterations).save(tmp_path / "old")
    run("strip_optimizer", old, "-o", tmp_path / "ours")
    assert_same_files(tmp_path / "ours", tf.train.Checkpoint(model=made, count=optimizer.iterations).save(tmp_path / "theirs"))


def test_a_compiled_models_optimizer_goes_wherever_it_hangs(tmp_path):
    made = model()
    made.compile(tf.keras.optimizers.Adam(), "mse")
    made.fit(np.ones([4, 3]), np.ones([4, 2]), verbose=0)
    made.save_weights(tmp_path / "weights")
    run("strip_optimizer", tmp_path / "weights", "-o", tmp_path / "ours")
    fresh = model()
    fresh.load_weights(tmp_path / "ours").assert_consumed()
    for ours, theirs in zip(fresh.get_weights(), made.get_weights()):
        np.testing.assert_array_equal(ours, theirs)
    assert not [name for name, _ in tf.train.list_variables(str(tmp_path / "ours")) if "optimizer" in name]


# ---- Names

VALUES = {f"net/layer_{i}/{leaf}{slot}": np.arange(6, dtype=np.float32).reshape(2, 3) + 10 * i + len(slot)
          for i in range(3) for leaf in ("kernel", "gate") for slot in ("", "/Adam", "/Adam_1", "/ExponentialMovingAverage")}
VALUES |= {"beta1_power": np.float32(0.9), "beta2_power": np.float32(0.99), "global_step": np.int64(12), "net/head": np.ones([3, 2], np.float16)}


@pytest.fixture(name="names")
def names_of_a_saver(tmp_path):
    return save_names(str(tmp_path / "names"), VALUES)


def check(prefix, expected):
    """The Saver's own bytes for these names and values, and its restore."""
    assert_restores(str(prefix), expected)
    assert_same_files(prefix, save_names(str(prefix) + "-theirs", expected))


def test_names_are_stripped(tmp_path, names):
    run("strip_optimizer", names, "-o", tmp_path / "a")
    check(tmp_path / "a", {name: value for name, value in VALUES.items() if "Adam" not in name and "power" not in name})


def test_names_are_merged_and_split(tmp_path, names):
    other = save_names(str(tmp_path / "other"), {"w": np.float64([1, 2]), "global_step": np.int64(99)})
    run("merge", names, other, "-o", tmp_path / "merged", "-p", "scopes=a,b/c", "-p", "shared=^global_step$")
    merged = {(name if name == "global_step" else f"a/{name}"): value for name, value in VALUES.items()} | {"b/c/w": np.float64([1, 2])}
    check(tmp_path / "merged", merged)
    run("split", tmp_path / "merged", "-p", "scopes=a", "-p", "patterns=two=^b/", "-p", "shared=global_step",
        "-o", f"two={tmp_path / 'two'}", "-o", f"a={tmp_path / 'one'}")
    check(tmp_path / "one", {name: value for name, value in merged.items() if not name.startswith("b/")})
    check(tmp_path / "two", {"b/c/w": np.float64([1, 2]), "global_step": np.int64(12)})
    message = godwit("run", "merge", names, other, "-o", tmp_path / "never", code=RECIPE)
    assert f'"global_step" would come from "global_step" of {names} and from "global_step" of {other}' in message


def test_layers_are_stacked_and_taken_apart(tmp_path, names):
    for axis in (0, 1, 2, -1):
        run("stack_layers", names, "-o", tmp_path / f"stacked{axis}", "-p", f"axis={axis}")
        expected = {name: value for name, value in VALUES.items() if "layer_" not in name}
        for name in VALUES:
            if "layer_0/" in name:
                expected[name.replace("layer_0", "layers")] = tf.stack([VALUES[name.replace("_0", f"_{i}")] for i in range(3)], axis).numpy()
        check(tmp_path / f"stacked{axis}", expected)
        run("unstack_layers", tmp_path / f"stacked{axis}", "-o", tmp_path / f"back{axis}", "-p", f"axis={axis}")
        check(tmp_path / f"back{axis}", VALUES)


def test_shapes_change_with_their_slots(tmp_path, names):
    run("reshape", names, "-o", tmp_path / "reshaped", "-p", "which=layer_1/kernel$", "-p", "shape=-1,2,1")
    check(tmp_path / "reshaped", {name: value.reshape(3, 2, 1) if "layer_1/kernel" in name else value for name, value in VALUES.items()})
    run("transpose", names, "-o", tmp_path / "turned", "-p", "which=layer_1/kernel$")
    check(tmp_path / "turned", {name: value.T if "layer_1/kernel" in name else value for name, value in VALUES.items()})
    run("cast", names, "-o", tmp_path / "cast", "-p", "dtype=bfloat16")
    reader = Read(str(tmp_path / "cast"))
    for name, value in VALUES.items():
        expected = value if name == "global_step" else tf.cast(value, tf.bfloat16).numpy()
        assert reader.value(name).tobytes() == expected.tobytes(), name


@pytest.mark.parametrize("name", ["adam", "legacy adam", "tf1 adam", "momentum"])
def test_slots_in_an_object_graph_are_transposed_with_their_variable(tmp_path, name):
    optimizer = OPTIMIZERS[name]()
    made = trained(optimizer)
    old = tf.train.Checkpoint(model=made, optimizer=optimizer).save(tmp_path / "old")
    run("transpose", old, "-o", tmp_path / "new", "-p", "which=layer_with_weights-0/kernel$")
    before, after = Read(old), Read(str(tmp_path / "new"))
    changed = [key for key in before.shapes if before.shapes[key] != after.shapes[key]]
    assert len(changed) == {"adam": 3, "legacy adam": 3, "tf1 adam": 3, "momentum": 2}[name]
    for key in before.shapes:
        if key == "_CHECKPOINTABLE_OBJECT_GRAPH":
            continue
        expected = before.value(key).T if key in changed else before.value(key)
        assert after.value(key).tobytes() == np.ascontiguousarray(expected).tobytes(), key


# ---- Objects that are joined and cut

def test_two_programs_checkpoints_become_one(tmp_path):
    first, second = tf.keras.optimizers.Adam(), tf.keras.optimizers.Adam()
    one, two = trained(first), trained(second, "other_")
    a = tf.train.Checkpoint(model=one, optimizer=first).save(tmp_path / "a")
    b = tf.train.Checkpoint(model=two, optimizer=second).save(tmp_path / "b")
    run("merge", a, b, "-o", tmp_path / "ours", "-p", "scopes=a,b")
    theirs = tf.train.Checkpoint(a={"model": one, "optimizer": first}, b={"model": two, "optimizer": second}).save(tmp_path / "theirs")
    assert_same_files(tmp_path / "ours", theirs)
    run("split", tmp_path / "ours", "-p", "scopes=a,b", "-o", f"a={tmp_path / 'c'}", "-o", f"b={tmp_path / 'd'}")
    assert_same_files(tmp_path / "c", tf.train.Checkpoint(a={"model": one, "optimizer": first}).save(tmp_path / "c-theirs"))
    assert_same_files(tmp_path / "d", tf.train.Checkpoint(b={"model": two, "optimizer": second}).save(tmp_path / "d-theirs"))


def test_parts_of_an_object_graph_are_what_is_saved_alone(tmp_path):
    optimizer = Legacy.Adam()
    made = trained(optimizer)
    v = {"x": tf.Variable([1.0]), "y": tf.Variable([2.0])}
    old = tf.train.Checkpoint(model=made, optimizer=optimizer, v=v).save(tmp_path / "old")
    run("split", old, "-p", "scopes=v", "-p", "patterns=model=^(model|optimizer)/", "-o", f"v={tmp_path / 'v'}", "-o", f"model={tmp_path / 'model'}")
    assert_same_files(tmp_path / "v", tf.train.Checkpoint(v=v).save(tmp_path / "v-theirs"))
    assert_same_files(tmp_path / "model", tf.train.Checkpoint(model=made, optimizer=optimizer).save(tmp_path / "model-theirs"))
