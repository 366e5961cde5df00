"""Estimators between TF1, TF2 and object-based checkpoints: the cases of tensorflow_estimator's checkpoint_converter_test.py
(EC-nn), where every slot and hyper-parameter counts and not only the step, and of its object_checkpointing_test.py (EW-08)."""
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_estimator.python.estimator.tools import checkpoint_converter

from oracle import Read, tf1
from support import RECIPE, godwit

Legacy = tf.keras.optimizers.legacy
RATE, STEPS = 0.005, 10
# TF1's optimizer, Keras', Keras' hyper-parameters.
OPTIMIZERS = {
    "Adagrad": (lambda: tf1.train.AdagradOptimizer(RATE), lambda: Legacy.Adagrad(RATE, epsilon=1e-30), {}),
    "RMSProp": (lambda: tf1.train.RMSPropOptimizer(RATE, .8), lambda: Legacy.RMSprop(RATE, .8, epsilon=1e-10), {"rho": .8, "momentum": 0}),
    "Ftrl": (lambda: tf1.train.FtrlOptimizer(RATE, -.6, .2, .01, .02, beta=.1), lambda: Legacy.Ftrl(RATE, -.6, .2, .01, .02, beta=.1),
             {"learning_rate_power": -.6, "l1_regularization_strength": .01, "l2_regularization_strength": .02, "beta": .1}),
    "Adam": (lambda: tf1.train.AdamOptimizer(RATE, .8, .99), lambda: Legacy.Adam(RATE, .8, .99, epsilon=1e-8), {"beta_1": .8, "beta_2": .99}),
    "SGD": (lambda: tf1.train.GradientDescentOptimizer(RATE), lambda: Legacy.SGD(RATE), {"momentum": 0}),
}
SLOTS = {"Adagrad": {"Adagrad": "accumulator"}, "RMSProp": {"RMSProp": "rms"}, "Ftrl": {"Ftrl": "accumulator", "Ftrl_1": "linear"},
         "Adam": {"Adam": "m", "Adam_1": "v"}, "SGD": {}}
CASES = {
    "ec_01": ("dnn", "Adagrad"), "ec_02": ("dnn", "RMSProp"), "ec_03": ("dnn", "Ftrl"), "ec_04": ("dnn", "Adam"), "ec_05": ("dnn", "SGD"),
    "ec_06": ("linear", "Adagrad"), "ec_07": ("linear", "RMSProp"), "ec_08": ("linear", "Ftrl"), "ec_09": ("linear", "Adam"),
    "ec_10": ("linear", "SGD"),
}


def data():
    random = np.random.default_rng(3)
    x = random.random((16, 2), np.float32)
    return tf.data.Dataset.from_tensors(({"x": x}, x.sum(axis=1, keepdims=True) * 3 - 1)).repeat()


def config(folder):
    return tf.estimator.RunConfig(model_dir=str(folder), save_summary_steps=None, log_step_count_steps=None)


def regressor(module, kind, optimizer, folder):
    arguments = {"feature_columns": [tf.feature_column.numeric_column("x", shape=(2,))], "optimizer": optimizer, "config": config(folder),
                 "loss_reduction": "sum" if module is tf.estimator else tf1.losses.Reduction.SUM}
    if kind == "linear":
        return module.LinearRegressor(**arguments)
    return module.DNNRegressor(hidden_units=[2, 2], activation_fn=tf.nn.tanh, **arguments)


def old_estimator(kind, optimizer, folder):
    return regressor(tf1.estimator, kind, OPTIMIZERS[optimizer][0](), folder)


def convert(folder, to, *more):
    godwit("run", "-q", "canned_estimator_to_tf2", folder, "-o", f"{to}/model.ckpt-{STEPS}", "--latest", *more)
    return Read(f"{to}/model.ckpt-{STEPS}")


@pytest.mark.parametrize("case", CASES)
def test_training_of_a_canned_estimator_goes_on_in_tf2(tmp_path, case):
    kind, optimizer = CASES[case]
    old = tmp_path / "old"
    first = old_estimator(kind, optimizer, old)
    first.train(data, steps=STEPS)
    before = Read(str(old))
    ours = convert(old, tmp_path / "new", "-p", f"graph=@{old}/graph.pbtxt")

    # Weights, slots and steps are those of TensorFlow's converter, bit for bit.
    (tmp_path / "theirs").mkdir()
    prefix = str(tmp_path / "theirs" / "model.ckpt")
    checkpoint_converter.convert_checkpoint(kind, tf.train.latest_checkpoint(str(old)), str(old / "graph.pbtxt"), prefix)
    theirs = Read(prefix)
    assert sorted(ours.shapes) == sorted(theirs.shapes)
    hyper = {**OPTIMIZERS[optimizer][2], "learning_rate": RATE, "decay": 0}
    scope = f"training/{'RMSprop' if optimizer == 'RMSProp' else optimizer}/"
    for name in ours.shapes:
        if name.removeprefix(scope) not in hyper:
            assert ours.value(name).tobytes() == theirs.value(name).tobytes(), name
    # The slots are all there, under their names.
    part = "t_0" if kind == "dnn" else "part_0"
    weights = [name for name in before.shapes if name.rsplit("/", 1)[-1] in ("kernel", "bias", "weights", "bias_weights")]
    for name in weights:
        for slot, keras in SLOTS[optimizer].items():
            assert ours.value(f"{scope}{name}/{keras}").tobytes() == before.value(f"{name}/{part}/{slot}").tobytes()
    # Hyper-parameters are the program's: TensorFlow's converter takes Keras' defaults.
    for name, value in hyper.items():
        assert ours.dtypes[scope + name] == "float32" and ours.value(scope + name) == np.float32(value), name

    first.train(data, steps=STEPS)
    second = regressor(tf.estimator, kind, OPTIMIZERS[optimizer][1](), tmp_path / "new")
    second.train(data, steps=STEPS)
    assert second.get_variable_value("global_step") == 2 * STEPS
    for name in weights:
        expected = first.get_variable_value(name)
        np.testing.assert_allclose(second.get_variable_value(name), expected, rtol=2e-5, atol=2e-6, err_msg=name)
        assert optimizer == "Ftrl" or not np.allclose(expected, before.value(name), rtol=2e-5, atol=2e-6)


def test_ec_16_the_learning_rate_of_the_graph_is_carried_and_none_is_made_up(tmp_path):
    old = tmp_path / "old"
    old_estimator("dnn", "Adagrad", old).train(data, steps=STEPS)
    prefix = str(tmp_path / "theirs")
    checkpoint_converter.convert_checkpoint("dnn", tf.train.latest_checkpoint(str(old)), str(old / "graph.pbtxt"), prefix)
    name = "training/Adagrad/learning_rate"
    assert Read(prefix).value(name) == np.float32(.001)  # Keras' default
    assert convert(old, tmp_path / "new", "-p", f"graph=@{old}/graph.pbtxt").value(name) == np.float32(.005)
    assert convert(old, tmp_path / "other", "-p", "learning_rate=0.25").value(name) == np.float32(.25)
    message = godwit("run", "canned_estimator_to_tf2", old, "-o", tmp_path / "no", code=RECIPE)
    assert "learning_rate is in no checkpoint" in message and "graph.pbtxt" in message


def test_a_rate_that_follows_the_steps_has_to_be_given(tmp_path):
    rate = lambda: tf1.train.AdagradOptimizer(tf1.train.exponential_decay(.1, tf1.train.get_or_create_global_step(), 10, .5))
    regressor(tf1.estimator, "linear", rate, tmp_path / "old").train(data, steps=2)
    graph = f"graph=@{tmp_path}/old/graph.pbtxt"
    message = godwit("run", "canned_estimator_to_tf2", tmp_path / "old", "-o", tmp_path / "no", "-p", graph, code=RECIPE)
    assert "has no constant Adagrad/learning_rate" in message and "-p learning_rate=NUMBER" in message
    assert convert(tmp_path / "old", tmp_path / "new", "-p", graph, "-p", "learning_rate=0.05").value("training/Adagrad/learning_rate") == np.float32(.05)


def test_the_momentum_of_rmsprop_goes_along(tmp_path):
    """TensorFlow's converter drops it."""
    old = regressor(tf1.estimator, "linear", tf1.train.RMSPropOptimizer(RATE, .8, .7), tmp_path / "old")
    old.train(data, steps=STEPS)
    convert(tmp_path / "old", tmp_path / "new", "-p", f"graph=@{tmp_path}/old/graph.pbtxt")
    new = regressor(tf.estimator, "linear", Legacy.RMSprop(RATE, .8, .7, epsilon=1e-10), tmp_path / "new")
    for estimator in (old, new):
        estimator.train(data, steps=STEPS)
    for name in ("linear/linear_model/x/weights", "linear/linear_model/bias_weights"):
        np.testing.assert_allclose(new.get_variable_value(name), old.get_variable_value(name), rtol=2e-5, atol=2e-6)


def test_a_combined_estimator_is_refused(tmp_path):
    columns = [tf.feature_column.numeric_column("x", shape=(2,))]
    tf1.estimator.DNNLinearCombinedRegressor(linear_feature_columns=columns, dnn_feature_columns=columns, dnn_hidden_units=[2],
                                             config=config(tmp_path / "old")).train(data, steps=1)
    message = godwit("run", "canned_estimator_to_tf2", tmp_path / "old", "-o", tmp_path / "no", code=RECIPE)
    assert "Adagrad" in message and "Ftrl" in message and "two optimizers" in message


def test_ew_08_an_estimator_and_a_training_loop_take_turns(tmp_path):
    """A model in an Estimator, in a loop with tf.train.Checkpoint, in an Estimator: by names and by objects."""
    def model_fn(features, labels, mode):
        dense = tf.keras.layers.Dense(1, name="dense", kernel_initializer="ones")
        outputs = dense(features["x"])
        step = tf1.train.get_or_create_global_step()
        train = tf.group(step.assign_add(1), *[variable.assign_add(tf.ones_like(variable)) for variable in dense.variables])
        return tf.estimator.EstimatorSpec(mode, predictions=outputs, loss=tf.reduce_sum(outputs), train_op=train)

    def objects():
        dense = tf.keras.layers.Dense(1, name="dense")
        dense.build([None, 2])
        step = tf.Variable(0, dtype=tf.int64, name="global_step")
        names = {"dense/kernel": dense.kernel, "dense/bias": dense.bias}
        return dense, step, names, tf.train.Checkpoint(var_list=names, step=step)

    estimator = tf.estimator.Estimator(model_fn, config=config(tmp_path / "first"))
    estimator.train(data, steps=3)
    godwit("run", "-q", "estimator_to_tf2", tmp_path / "first", "-o", tmp_path / "objects-3")
    dense, step, _, checkpoint = objects()
    checkpoint.read(str(tmp_path / "objects-3")).assert_consumed()
    assert step.numpy() == 3 and dense.bias.numpy().tolist() == [3.0] and dense.kernel.numpy().tolist() == [[4.0]] * 2

    dense.bias.assign([13.0])
    step.assign(39)
    written = checkpoint.write(str(tmp_path / "objects-39"))
    godwit("run", "-q", "tf2_to_estimator", written, "-o", tmp_path / "second" / "model.ckpt-39", "--latest")
    estimator = tf.estimator.Estimator(model_fn, config=config(tmp_path / "second"))
    assert estimator.get_variable_value("global_step") == 39 and estimator.get_variable_value("dense/bias").tolist() == [13.0]
    estimator.train(data, steps=1)
    assert estimator.get_variable_value("global_step") == 40 and estimator.get_variable_value("dense/bias").tolist() == [14.0]

    godwit("run", "-q", "estimator_to_tf2", tmp_path / "second", "-o", tmp_path / "objects-40")
    dense, step, _, checkpoint = objects()
    checkpoint.read(str(tmp_path / "objects-40")).assert_consumed()
    assert step.numpy() == 40 and dense.bias.numpy().tolist() == [14.0]
