"""A model that was trained with an optimizer of tf.compat.v1.train goes on with Keras', legacy or of 2.11 and later, and back:
the next updates are those that it would have made had it stayed."""
import numpy as np
import pytest
import tensorflow as tf

from support import RECIPE, godwit, inspect, values

v1 = tf.compat.v1
New, Legacy = tf.keras.optimizers, tf.keras.optimizers.legacy
SHAPES = {"dense/kernel": [3, 4], "dense/bias": [4], "out/kernel": [4, 2]}
RATE = 0.05
# Two steps are far from one another by the optimizer's doing, or the test would say nothing; how near is "the same"?
NEAR = {"rtol": 2e-6, "atol": 2e-7}

# TF1's optimizer; Keras' by whether it is legacy; parameters of the way there and of the way back.
CASES = {
    "adam": (lambda: v1.train.AdamOptimizer(RATE, beta1=0.8, beta2=0.99, epsilon=1e-5),
             lambda old: (Legacy if old else New).Adam(RATE, 0.8, 0.99, epsilon=1e-5), ["beta_1=0.8", "beta_2=0.99"], ["beta_1=0.8", "beta_2=0.99"]),
    "adagrad": (lambda: v1.train.AdagradOptimizer(RATE, initial_accumulator_value=0.3),
                lambda old: (Legacy if old else New).Adagrad(RATE, epsilon=1e-30 if old else 0.0), [], []),
    "ftrl": (lambda: v1.train.FtrlOptimizer(RATE, -0.6, 0.2, 0.01, 0.02, beta=0.1),
             lambda old: (Legacy if old else New).Ftrl(RATE, -0.6, 0.2, 0.01, 0.02, beta=0.1), [], []),
    "ftrl with shrinkage": (lambda: v1.train.FtrlOptimizer(RATE, l1_regularization_strength=0.01, l2_shrinkage_regularization_strength=0.02),
                            lambda old: (Legacy if old else New).Ftrl(RATE, l1_regularization_strength=0.01,
                                                                      l2_shrinkage_regularization_strength=0.02), [], []),
    "rmsprop": (lambda: v1.train.RMSPropOptimizer(RATE, 0.8, epsilon=1e-10),
                lambda old: (Legacy if old else New).RMSprop(RATE, 0.8, epsilon=1e-10), [], []),
    "rmsprop with momentum": (lambda: v1.train.RMSPropOptimizer(RATE, 0.8, 0.7, epsilon=1e-3),
                              lambda old: (Legacy if old else New).RMSprop(RATE, 0.8, 0.7, epsilon=1e-3), [], []),
    "rmsprop centered": (lambda: v1.train.RMSPropOptimizer(RATE, 0.8, 0.7, epsilon=1e-3, centered=True),
                         lambda old: (Legacy if old else New).RMSprop(RATE, 0.8, 0.7, epsilon=1e-3, centered=True), [], []),
    "momentum": (lambda: v1.train.MomentumOptimizer(RATE, 0.7), lambda old: (Legacy if old else New).SGD(RATE, 0.7), [f"learning_rate={RATE}"], []),
    "momentum, Nesterov's": (lambda: v1.train.MomentumOptimizer(RATE, 0.7, use_nesterov=True),
                             lambda old: (Legacy if old else New).SGD(RATE, 0.7, nesterov=True), [f"learning_rate={RATE}"], []),
}
each = pytest.mark.parametrize("name", CASES)
both = pytest.mark.parametrize("old", [True, False], ids=["legacy", "new"])


def recipe(name, way):
    return f"{name.split()[0].strip(',')}_{way}"


def given(params):
    return [word for param in params for word in ("-p", param)]


def initial(offset=0.0):
    random = np.random.RandomState(7)
    return {name: (random.randn(*shape) + offset).astype(np.float32) for name, shape in SHAPES.items()}


def data(step):
    random = np.random.RandomState(100 + step)
    return random.randn(5, 3).astype(np.float32), random.randn(5, 2).astype(np.float32)


def loss_of(get, inputs, wanted):
    hidden = tf.nn.tanh(tf.matmul(inputs, get("dense/kernel")) + get("dense/bias"))
    return tf.reduce_sum((tf.matmul(hidden, get("out/kernel")) - wanted) ** 2)


def tf1(make, steps, prefix=None, restore=None, first=0):
    """Trains in a session, from a checkpoint if one is given; saves; gives the variables after each step."""
    with tf.Graph().as_default(), v1.Session() as session:
        weights = {name: v1.get_variable(name, initializer=value) for name, value in initial().items()}
        global_step = v1.train.get_or_create_global_step()
        inputs, wanted = v1.placeholder(tf.float32, [5, 3]), v1.placeholder(tf.float32, [5, 2])
        train = make().minimize(loss_of(weights.get, inputs, wanted), global_step=global_step)
        saver = v1.train.Saver()
        session.run(v1.global_variables_initializer())
        if restore:
            saver.restore(session, str(restore))
            assert session.run(global_step) == first
        seen = []
        for step in range(first, first + steps):
            x, y = data(step)
            session.run(train, {inputs: x, wanted: y})
            seen.append(session.run(weights))
        if prefix:
            saver.save(session, str(prefix))
        return seen


class Model(tf.Module):
    def __init__(self, offset=0.0):
        super().__init__()
        self.weights = {name: tf.Variable(value, name=name) for name, value in initial(offset).items()}

    def get(self, name):
        return self.weights[name]

    def step(self, optimizer, number):
        x, y = data(number)
        with tf.GradientTape() as tape:
            loss = loss_of(self.get, x, y)
        optimizer.apply_gradients(zip(tape.gradient(loss, self.listed()), self.listed()))
        return {name: variable.numpy() for name, variable in self.weights.items()}

    def listed(self):
        return [self.weights[name] for name in SHAPES]


def built(make, old, offset=0.0):
    model, optimizer = Model(offset), make(old)
    if old:
        optimizer.apply_gradients([(tf.zeros_like(variable), variable) for variable in model.listed()])
    else:
        optimizer.build(model.listed())
    return model, optimizer


def assert_same(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        for name in SHAPES:
            np.testing.assert_allclose(one[name], other[name], err_msg=name, **NEAR)


@each
@both
def test_keras_goes_on_where_tf1_stopped(tmp_path, name, old):
    make_tf1, make_keras, params, _ = CASES[name]
    tf1(make_tf1, 6, tmp_path / "tf1")
    expected = tf1(make_tf1, 9)[6:]
    model, optimizer = built(make_keras, old)
    fresh = tf.train.Checkpoint(model=model, optimizer=optimizer).save(str(tmp_path / "fresh"))
    godwit("run", recipe(name, "tf1_to_keras"), tmp_path / "tf1", f"into={fresh}", "-o", tmp_path / "out", *given(params))

    model, optimizer = built(make_keras, old, offset=9.0)
    tf.train.Checkpoint(model=model, optimizer=optimizer).restore(str(tmp_path / "out")).assert_consumed()
    assert optimizer.iterations.numpy() == 6
    assert_same([model.step(optimizer, step) for step in range(6, 9)], expected)


@each
@both
def test_without_the_slots_it_would_go_elsewhere(tmp_path, name, old):
    """The test above can fail: with the variables alone, the next update is another one."""
    make_tf1, make_keras, _, _ = CASES[name]
    before, expected = tf1(make_tf1, 7)[5:]
    model, optimizer = built(make_keras, old)
    for variable, value in before.items():
        model.weights[variable].assign(value)
    with pytest.raises(AssertionError):
        assert_same([model.step(optimizer, 6)], [expected])


@each
@both
def test_tf1_goes_on_where_keras_stopped(tmp_path, name, old):
    make_tf1, make_keras, _, params = CASES[name]
    model = Model()
    optimizer = make_keras(old)
    if not old:
        optimizer.build(model.listed())
    for step in range(6):
        model.step(optimizer, step)
    saved = tf.train.Checkpoint(model=model, optimizer=optimizer).save(str(tmp_path / "keras"))
    godwit("run", recipe(name, "keras_to_tf1"), saved, "-o", tmp_path / "out", *given(params))
    ours = tf1(make_tf1, 3, restore=tmp_path / "out", first=6)
    assert_same(ours, [model.step(optimizer, step) for step in range(6, 9)])


@each
@both
def test_there_and_back_gives_the_same_checkpoint(tmp_path, name, old):
    make_tf1, make_keras, params, back = CASES[name]
    tf1(make_tf1, 4, tmp_path / "tf1")
    model, optimizer = built(make_keras, old)
    fresh = tf.train.Checkpoint(model=model, optimizer=optimizer).save(str(tmp_path / "fresh"))
    godwit("run", recipe(name, "tf1_to_keras"), tmp_path / "tf1", f"into={fresh}", "-o", tmp_path / "keras", *given(params))
    godwit("run", recipe(name, "keras_to_tf1"), tmp_path / "keras", "-o", tmp_path / "back", *given(back))
    before, after = values(tmp_path / "tf1"), values(tmp_path / "back")
    assert sorted(before) == sorted(after)
    for variable in before:
        if name == "rmsprop" and variable.endswith("RMSProp_1"):
            continue  # without momentum Keras has no such slot, and TF1 multiplies it by 0
        exact = not variable.endswith("/Momentum")
        np.testing.assert_allclose(after[variable], before[variable], rtol=0 if exact else 2e-7, err_msg=variable)


@pytest.mark.parametrize("steps", [0, 1, 999, 2000])
def test_the_powers_of_adam_are_those_of_tf1_bit_for_bit(tmp_path, steps):
    with tf.Graph().as_default(), v1.Session() as session:
        w = v1.get_variable("w", initializer=np.float32([1.0, 2.0]))
        train = v1.train.AdamOptimizer(1e-3).minimize(tf.reduce_sum(w ** 2), global_step=v1.train.get_or_create_global_step())
        session.run(v1.global_variables_initializer())
        for _ in range(steps):
            session.run(train)
        v1.train.Saver().save(session, str(tmp_path / "tf1"))
    w = tf.Variable([0.0, 0.0], name="w")
    optimizer = New.Adam(1e-3)
    optimizer.build([w])
    fresh = tf.train.Checkpoint(w=w, optimizer=optimizer).save(str(tmp_path / "fresh"))
    # The step that other programs count is another one: the powers count.
    params = given(["beta_1=0.9", "beta_2=0.999"])
    godwit("run", "-q", "-e", 'ckpt.vars.global_step = gw.scalar(5000000, "int64")', tmp_path / "tf1", "-o", tmp_path / "elsewhere")
    godwit("run", "adam_tf1_to_keras", tmp_path / "elsewhere", f"into={fresh}", "-o", tmp_path / "keras", *params)
    assert values(tmp_path / "keras")["optimizer/_iterations/.ATTRIBUTES/VARIABLE_VALUE"] == steps
    godwit("run", "adam_keras_to_tf1", tmp_path / "keras", "-o", tmp_path / "back", *params)
    before, after = values(tmp_path / "tf1"), values(tmp_path / "back")
    assert after == before


@both
def test_a_keras_model_with_names_of_its_own(tmp_path, old):
    """Layers of Keras, whose variables are called otherwise, by a file of names; a variable scope around TF1's optimizer."""
    make_tf1, make_keras, params, _ = CASES["adam"]

    def scoped():
        class Scoped(v1.train.AdamOptimizer):
            def apply_gradients(self, *arguments, **keywords):
                with v1.variable_scope("OptimizeLoss"):
                    return super().apply_gradients(*arguments, **keywords)
        return Scoped(RATE, beta1=0.8, beta2=0.99, epsilon=1e-5)
    tf1(scoped, 6, tmp_path / "tf1")
    assert "OptimizeLoss/dense/kernel/Adam" in inspect(tmp_path / "tf1")
    expected = tf1(make_tf1, 7)[6]

    def keras():
        model = tf.keras.Sequential([tf.keras.layers.Dense(4, "tanh", name="hidden"), tf.keras.layers.Dense(2, use_bias=False, name="last")])
        model.compile(make_keras(old), lambda y, out: tf.reduce_sum((y - out) ** 2))
        model.build([None, 3])
        return model
    model = keras()
    model.fit(*data(0), epochs=1, batch_size=5, verbose=0)
    model.save_weights(str(tmp_path / "fresh"), save_format="tf")
    (tmp_path / "names.txt").write_text("# TF1, Keras\ndense/kernel hidden/kernel\ndense/bias  hidden/bias\nout/kernel last/kernel\n")
    godwit("run", "adam_tf1_to_keras", tmp_path / "tf1", f"into={tmp_path / 'fresh'}", "-o", tmp_path / "out", *params_of(params, tmp_path))
    model = keras()
    model.load_weights(str(tmp_path / "out"))
    model.fit(*data(6), epochs=1, batch_size=5, verbose=0)
    for variable, value in zip(model.trainable_variables, expected.values(), strict=True):
        np.testing.assert_allclose(variable.numpy(), value, **NEAR)


def params_of(params, folder):
    return [*given(params), "-p", f"names=@{folder / 'names.txt'}", "-p", "scope=OptimizeLoss/"]


def test_another_optimizer_is_refused(tmp_path):
    tf1(CASES["adagrad"][0], 2, tmp_path / "tf1")
    model, optimizer = built(lambda old: New.Adam(amsgrad=True), False)
    fresh = tf.train.Checkpoint(model=model, optimizer=optimizer).save(str(tmp_path / "fresh"))
    params = given(["beta_1=0.9", "beta_2=0.999"])
    assert "vhat" in godwit("run", "adam_tf1_to_keras", tmp_path / "tf1", f"into={fresh}", "-o", tmp_path / "out", *params, code=RECIPE)
    model, optimizer = built(lambda old: New.Adam(), False)
    fresh = tf.train.Checkpoint(model=model, optimizer=optimizer).save(str(tmp_path / "fresh"))
    message = godwit("run", "adam_tf1_to_keras", tmp_path / "tf1", f"into={fresh}", "-o", tmp_path / "out", *params, code=RECIPE)
    assert "there is VARIABLE/Adagrad)" in message
