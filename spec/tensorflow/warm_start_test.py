"""Warm starts: what tf.compat.v1.train.warm_start makes of a model's variables is what ckpt:warm_start makes of its checkpoint.
The cases of TensorFlow's warm_starting_util_test.py (WS-nn), of the remapping of matrices (CO-nn, KO-nn) and of the Estimators'
warm starts (EW-nn), and 300 random ones in one graph."""
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.ops import gen_checkpoint_ops
from tensorflow.python.training import checkpoint_ops

from oracle import Read, graph, save_names, session, tf1
from support import RECIPE, godwit, lua, printed, refused, run

FRUIT = np.array([[.5], [1.], [1.5], [2.]], np.float32)
LAYER = np.array([[.5, .3], [1., .8], [1.5, 1.2], [2., 2.3]], np.float32)
OLD, NEW = ["apple", "banana", "guava", "orange"], ["orange", "guava", "banana", "apple", "raspberry"]
OLD_CLASSES, NEW_CLASSES = ["apple", "orange"], ["orange", "apple", "banana"]


def write(path, tokens):
    path.write_bytes("".join(f"{token}\n" for token in tokens).encode())
    return str(path)


def variable(name, shape, parts=None, value=0.0):
    return tf1.get_variable(name, shape, initializer=tf1.constant_initializer(value),
                            partitioner=tf1.fixed_size_partitioner(parts) if parts else None)


def save(prefix, build):
    """Saves what `build` makes; joined values are not the Saver's business."""
    with graph():
        build()
        with session() as running:
            running.run(tf1.global_variables_initializer())
            return tf1.train.Saver().save(running, str(prefix), write_meta_graph=False)


def source_of(tmp_path, **named):
    """name=value or name=(value, parts), under the name with "/" for "__"."""
    def build():
        for name, value in named.items():
            value, parts = value if isinstance(value, tuple) else (value, None)
            partitioner = tf1.fixed_size_partitioner(parts) if parts else None
            tf1.get_variable(name.replace("__", "/"), initializer=tf.constant(value), partitioner=partitioner)
    return save(tmp_path / "model-0", build)


def of_tensorflow(build, source, **settings):
    with graph():
        made = build()
        tf1.train.warm_start(source, **settings)
        with session() as running:
            running.run(tf1.global_variables_initializer())
            return running.run({name: tf.convert_to_tensor(v) for name, v in made.items()})


def constant(value):
    """An initializer that takes shapes which only the session knows."""
    return lambda shape, dtype=tf.float32, partition_info=None: tf.fill(tf.stack(shape), np.float32(value))


def vocab_info(folder, name, new, old, new_size=None, old_size=-1, buckets=0, backup=None, axis=0):
    """The same for TensorFlow and as Lua."""
    theirs = tf1.train.VocabInfo(write(folder / f"{name}.new", new), new_size or len(new), buckets, write(folder / f"{name}.old", old),
                                 old_size, None if backup is None else constant(backup), axis)
    ours = {"new_vocab": new, "new_vocab_size": new_size or len(new), "num_oov_buckets": buckets, "old_vocab": old,
            "old_vocab_size": old_size, "axis": axis}
    if backup is not None:
        ours["backup_initializer"] = float(backup)
    return theirs, ours


def check(tmp_path, build, source, infos=None, **settings):
    """`build` makes the model: name -> variable. TensorFlow's argument names are taken as they are."""
    infos = infos or {}
    theirs = {"var_name_to_vocab_info": {name: info[0] for name, info in infos.items()}} if infos else {}
    ours = {**settings, "var_name_to_vocab_info": {name: info[1] for name, info in infos.items()}}
    expected = of_tensorflow(build, source, **settings, **theirs)
    tmp_path.mkdir(exist_ok=True)
    (tmp_path / "warm.lua").write_text(f"return function(ckpt, _, inputs) ckpt:warm_start(inputs[2], {lua(ours)}) end")
    godwit("run", "-q", tmp_path / "warm.lua", save(tmp_path / "fresh", build), source, "-o", tmp_path / "made")
    made = Read(str(tmp_path / "made"))
    for name, value in expected.items():
        assert made.value(name).tobytes() == value.tobytes(), name
    return expected


# ---- warm_starting_util_test.py

PARTS = {"ws_01_plain": (None, None), "ws_02_from_parts": (2, None), "ws_03_into_parts": (None, 2), "ws_04_from_parts_into_parts": (2, 2)}


@pytest.mark.parametrize("case", PARTS)
def test_without_vocabulary(tmp_path, case):
    before, after = PARTS[case]
    if case.startswith("ws_04"):
        source = source_of(tmp_path, old_scope__fruit_weights=(FRUIT, before))
        found = check(tmp_path, lambda: {"new_scope/fruit_weights": variable("new_scope/fruit_weights", [4, 1], after)}, source,
                      var_name_to_prev_var_name={"new_scope/fruit_weights": "old_scope/fruit_weights"})
    else:
        source = source_of(tmp_path, fruit_weights=(FRUIT, before))
        found = check(tmp_path, lambda: {"fruit_weights": variable("fruit_weights", [4, 1], after)}, source)
    assert list(found.values())[0].tolist() == FRUIT.tolist()


ROWS = {  # parts of the source, of the model; rows; new vocabulary, settings, expected
    "ws_05_vocabulary": (None, None, NEW, {}, [2, 1.5, 1, .5, 0]),
    "ws_07_a_part_of_the_old_vocabulary": (None, None, NEW, {"old_size": 2}, [0, 0, 1, .5, 0]),
    "ws_08_from_parts": (2, None, NEW, {}, [2, 1.5, 1, .5, 0]),
    "ws_10_into_parts": (None, 2, NEW, {"buckets": 1}, [2, 1.5, 1, .5, 0, 0]),
    "ws_12_from_parts_into_parts": (2, 2, NEW + ["blueberry"], {}, [2, 1.5, 1, .5, 0, 0]),
}


@pytest.mark.parametrize("case", ROWS)
def test_rows_follow_the_vocabulary(tmp_path, case):
    before, after, new, settings, expected = ROWS[case]
    source = source_of(tmp_path, fruit_weights=(FRUIT, before))
    found = check(tmp_path, lambda: {"fruit_weights": variable("fruit_weights", [len(expected), 1], after)}, source,
                  {"fruit_weights": vocab_info(tmp_path, "fruit", new, OLD, **settings)})
    assert found["fruit_weights"].ravel().tolist() == expected


@pytest.mark.parametrize("case,before,after", [("ws_06", None, None), ("ws_09", 2, None), ("ws_11", None, 2), ("ws_13", 2, 2)])
def test_columns_follow_the_vocabulary(tmp_path, case, before, after):
    source = source_of(tmp_path, fruit_output_layer=(LAYER, before))
    found = check(tmp_path, lambda: {"fruit_output_layer": variable("fruit_output_layer", [4, 3], after)}, source,
                  {"fruit_output_layer": vocab_info(tmp_path, case, NEW_CLASSES, OLD_CLASSES, axis=1)})
    assert found["fruit_output_layer"].tolist() == np.array([[.3, .5, 0], [.8, 1, 0], [1.2, 1.5, 0], [2.3, 2, 0]], np.float32).tolist()


ONES = np.ones([10, 1], np.float32)


def test_ws_14_and_ws_15_lists_of_names(tmp_path):
    source = source_of(tmp_path, v1=ONES)
    check(tmp_path, lambda: {"v1": variable("v1", [10, 1])}, source, vars_to_warm_start=["v1"])
    with graph():
        v1 = variable("v1", [10, 1])
        tf1.train.warm_start(source, vars_to_warm_start=[v1])
        with session() as running:
            running.run(tf1.global_variables_initializer())
            assert running.run(v1).tolist() == ONES.tolist()


def test_ws_16_two_variables_from_one(tmp_path):
    found = check(tmp_path, lambda: {name: variable(name, [10, 1]) for name in ("v1", "v2")}, source_of(tmp_path, v1=ONES),
                  vars_to_warm_start=["v1", "v2"], var_name_to_prev_var_name={"v2": "v1"})
    assert (found["v2"] == 1).all()


def test_ws_17_lists_of_expressions(tmp_path):
    names = ("v1", "v1/Momentum", "v2", "v2/Momentum")
    source = source_of(tmp_path, **{name.replace("/", "__"): ONES for name in names})
    # A partition is matched as NAME/part_0:0, and a tensor as NAME:0: in the file both are one tensor.
    found = check(tmp_path, lambda: {name: variable(name, [10, 1]) for name in names}, source, vars_to_warm_start=["v1", "v2[^/]"])
    assert [bool(found[name].all()) for name in names] == [True, True, True, False]


@pytest.mark.parametrize("column,shape,pattern", [("sc_int", [10, 1], ".*sc_int.*"), ("sc_hash", [15, 1], ".*sc_hash.*")],
                         ids=["ws_18_integers", "ws_19_hashed"])
def test_columns_of_linear_models(tmp_path, column, shape, pattern):
    name, other = f"linear_model/{column}/weights", "linear_model/bias_weights"
    weights = ONES if column == "sc_int" else np.random.default_rng(3).random(shape, np.float32)
    with graph():  # without a warm start
        cold = variable(name, shape)
        with session() as running:
            running.run(tf1.global_variables_initializer())
            assert not running.run(cold).any()
    source = source_of(tmp_path, **{name.replace("/", "__"): weights, other.replace("/", "__"): np.ones(1, np.float32)})
    found = check(tmp_path, lambda: {name: variable(name, shape), other: variable(other, [1])}, source, vars_to_warm_start=pattern)
    assert found[name].tolist() == weights.tolist() and found[other].tolist() == [0]
    check(tmp_path / "list", lambda: {name: variable(name, shape), other: variable(other, [1])}, source, vars_to_warm_start=["linear_model/sc_"])


def test_settings_that_mean_no_variable_are_refused(tmp_path):
    source = source_of(tmp_path, v1=ONES)
    build = lambda: {"v1": variable("v1", [10, 1])}
    fresh = save(tmp_path / "fresh", build)
    info = vocab_info(tmp_path, "v", NEW, OLD)
    for theirs, ours in (({"var_name_to_prev_var_name": {"v2": "v1"}}, {"prev_names": {"v2": "v1"}}),
                         ({"var_name_to_vocab_info": {"v2": info[0]}}, {"vocab": {"v2": info[1]}})):
        with pytest.raises(ValueError):
            of_tensorflow(build, source, **theirs)
        assert '"v2"' in refused(f"ckpt:warm_start(inputs[2], {lua(ours)})", fresh, source, to=tmp_path / "made", code=RECIPE)
    with pytest.raises(ValueError):
        of_tensorflow(lambda: {"v9": variable("v9", [10, 1])}, source)
    refused("ckpt.vars.v9 = ckpt.vars.v1; ckpt:warm_start(inputs[2])", fresh, source, to=tmp_path / "made", code=RECIPE)


def test_object_based_sources_are_known_by_full_names(tmp_path):
    weights = tf.Variable(FRUIT, name="layer/kernel")
    source = tf.train.Checkpoint(net=tf.train.Checkpoint(w=weights)).save(str(tmp_path / "objects"))
    found = check(tmp_path, lambda: {"layer/kernel": variable("layer/kernel", [4, 1])}, source)
    assert found["layer/kernel"].tolist() == FRUIT.tolist()
    check(tmp_path / "by-key", lambda: {"x": variable("x", [4, 1])}, source,
          var_name_to_prev_var_name={"x": "net/w/.ATTRIBUTES/VARIABLE_VALUE"})
    with pytest.raises(ValueError):
        of_tensorflow(lambda: {"x": variable("x", [4, 1])}, source)
    refused("ckpt:warm_start(inputs[2])", save(tmp_path / "x", lambda: variable("x", [4, 1])), source, to=tmp_path / "made", code=RECIPE)


# ---- Estimators: canned/*_testing_utils.py, dnn_linear_combined_test.py, estimator_test.py, keras_test.py

Legacy = tf.keras.optimizers.legacy


def columns():
    city = tf.feature_column.categorical_column_with_vocabulary_list("city", ["Palo Alto", "Mountain View"])
    return [tf.feature_column.numeric_column("age"), city], [tf.feature_column.numeric_column("age"), tf.feature_column.embedding_column(city, 5)]


def people():
    return tf.data.Dataset.from_tensors(({"age": [[23.], [31.]], "city": [["Palo Alto"], ["Mountain View"]]}, [[1], [0]])).repeat()


def canned(kind, of, folder, rate, **more):
    """A canned Estimator of TF2 with optimizers of Keras, or of TF1."""
    linear, dnn = columns()
    v1 = of is tf1.estimator
    adagrad = tf1.train.AdagradOptimizer(rate) if v1 else Legacy.Adagrad(rate)
    adam = tf1.train.AdamOptimizer(rate) if v1 else Legacy.Adam(rate)
    arguments = {"DNNLinearCombined": {"linear_feature_columns": linear, "dnn_feature_columns": dnn, "dnn_hidden_units": [3],
                                       "linear_optimizer": adam, "dnn_optimizer": adagrad},
                 "DNN": {"feature_columns": dnn, "hidden_units": [3], "optimizer": adagrad},
                 "Linear": {"feature_columns": linear, "optimizer": adam}}[kind.replace("Classifier", "").replace("Regressor", "")]
    if kind.endswith("Classifier"):
        arguments["n_classes"] = 4
    config = tf.estimator.RunConfig(model_dir=str(folder), save_summary_steps=None, log_step_count_steps=None)
    return getattr(of, kind)(config=config, **arguments, **more)


def trained(estimator, steps=1, data=people):
    estimator.train(data, steps=steps)
    return Read(tf.train.latest_checkpoint(estimator.model_dir))


KINDS = [(of, kind) for of, kinds in ((tf.estimator, ["DNNClassifier", "DNNRegressor", "LinearClassifier", "LinearRegressor",
                                                      "DNNLinearCombinedClassifier", "DNNLinearCombinedRegressor"]),
                                      (tf1.estimator, ["DNNClassifier", "LinearClassifier", "DNNLinearCombinedClassifier"])) for kind in kinds]


def name_of_estimator(pair):
    return pair[1] + ("_of_tf1" if pair[0] is tf1.estimator else "")


def warm(folder, make, old, settings=""):
    """What TensorFlow and what godwit start: the checkpoints of both, of `make(folder, **more)` without a warm start, and of
    an Estimator that went on from godwit's for a step, at a learning rate of 0."""
    fresh = trained(make(folder / "fresh"))
    options = {"vars_to_warm_start": settings} if settings else {}
    theirs = trained(make(folder / "theirs", warm_start_from=tf.estimator.WarmStartSettings(old, **options)))
    godwit("run", "-q", "-e", f"ckpt:warm_start(inputs[2], {lua(options)})", folder / "fresh", old, "-o", folder / "ours" / "model.ckpt-1", "--latest")
    ours = Read(str(folder / "ours"))
    assert sorted(ours.shapes) == sorted(theirs.shapes)
    return fresh, theirs, ours, trained(make(folder / "ours"))


def is_weight(name):
    return name.startswith(("dnn/", "linear/")) and name.rsplit("/", 1)[-1] in ("weights", "embedding_weights", "kernel", "bias", "bias_weights")


@pytest.mark.parametrize("pair", KINDS, ids=lambda pair: f"ew_01_{name_of_estimator(pair)}")
def test_every_weight_of_a_canned_estimator_starts(tmp_path, pair):
    of, kind = pair
    old = trained(canned(kind, of, tmp_path / "old", .5), 3)
    fresh, theirs, ours, after = warm(tmp_path, lambda folder, **more: canned(kind, of, folder, 0., **more), str(tmp_path / "old"))
    weights = [name for name in old.shapes if is_weight(name)]
    assert len(weights) >= 3
    for name in ours.shapes:
        value = ours.value(name).tobytes()
        if name in weights:
            assert value == old.value(name).tobytes() == theirs.value(name).tobytes() == after.value(name).tobytes(), name
        else:  # slots, powers, rates and steps are the model's own
            assert value == fresh.value(name).tobytes(), name
    assert ours.value("global_step") == theirs.value("global_step") == 1 and after.value("global_step") == 2


@pytest.mark.parametrize("pair", [pair for pair in KINDS if pair[1].endswith("Classifier")], ids=lambda pair: f"ew_02_{name_of_estimator(pair)}")
def test_the_weights_start_that_the_expression_means(tmp_path, pair):
    of, kind = pair
    old = trained(canned(kind, of, tmp_path / "old", .5), 3)
    fresh, theirs, ours, after = warm(tmp_path, lambda folder, **more: canned(kind, of, folder, 0., **more), str(tmp_path / "old"), ".*(city).*")
    meant = [name for name in old.shapes if is_weight(name) and "city" in name]
    assert meant
    for name in ours.shapes:
        value = ours.value(name).tobytes()
        assert value == (old if name in meant else fresh).value(name).tobytes(), name
        if is_weight(name):
            assert after.value(name).tobytes() == value, name
            if name in meant or "bias" in name:
                assert theirs.value(name).tobytes() == value, name
            if "bias" in name:
                assert not ours.value(name).any(), name


def test_ew_06_weights_start_and_the_step_does_not(tmp_path):
    """From a checkpoint, from an exported SavedModel, and with the names of tensors, of which the step may be one."""
    def model_with(initial):
        def model(features, labels, mode):
            with tf1.variable_scope("linear"):
                x = tf1.get_variable("x", initializer=initial)
            predictions = tf.cast(features["x"], tf.float32) * x
            step = tf1.train.get_or_create_global_step()
            return tf.estimator.EstimatorSpec(mode, predictions=predictions, loss=x, train_op=tf.group(x.assign_add(10.0), step.assign_add(1)),
                                              export_outputs={"serving_default": tf.estimator.export.PredictOutput(predictions)})
        return model

    def data():
        return tf.data.Dataset.from_tensors(({"x": [[1.]]}, [[1.]])).repeat()

    def estimator(name, initial, **more):
        config = tf.estimator.RunConfig(model_dir=str(tmp_path / name), save_summary_steps=None, log_step_count_steps=None)
        return tf.estimator.Estimator(model_with(initial), config=config, **more)
    first = estimator("old", 3.0)
    old = trained(first, 10, data)
    exported = first.export_saved_model(str(tmp_path / "exported"), tf.estimator.export.build_raw_serving_input_receiver_fn(
        {"x": tf.zeros([1, 1])})).decode()
    assert old.value("linear/x") == 103.0 and old.value("global_step") == 10
    trained(estimator("fresh", -1.0), 1, data)
    for number, (source, named, step) in enumerate([(tmp_path / "old", {}, 1), (exported, {}, 1), (f"{exported}/variables/variables", {}, 1),
                                                    (tmp_path / "old", {"vars_to_warm_start": ["linear/.*", "global_step"]}, 10)]):
        settings = tf.estimator.WarmStartSettings(str(source), **named) if named else str(source)
        started = estimator(f"theirs-{number}", -1.0, warm_start_from=settings)
        theirs = trained(started, 1, data)  # after one step: 113
        ours = tmp_path / f"ours-{number}"
        godwit("run", "-q", "-e", f"ckpt:warm_start(inputs[2], {lua(named)})", tmp_path / "fresh", source, "-o", ours / "model.ckpt-1", "--latest")
        assert Read(str(ours)).value("linear/x") == 103.0 and Read(str(ours)).value("global_step") == step
        after = trained(estimator(ours.name, -1.0), 1, data)
        assert after.value("linear/x") == theirs.value("linear/x") == 113.0
        assert theirs.value("global_step") == (11 if named else 1) and after.value("global_step") == step + 1


def test_ew_07_weights_that_keras_saved_start_an_estimator(tmp_path):
    def keras(rate):
        model = tf.keras.Sequential([tf.keras.layers.Dense(3, "tanh", name="dense", input_shape=(4,)), tf.keras.layers.Dense(1, name="out")])
        model.compile(Legacy.Adam(rate), "mse")
        return model
    inputs, wanted = np.random.default_rng(1).random((8, 4), np.float32), np.ones((8, 1), np.float32)
    model = keras(.1)
    model.fit(inputs, wanted, epochs=3, verbose=0)
    source = str(tmp_path / "keras" / "warm_start.ckpt")
    model.save_weights(source)
    weights = {weight.name.split(":")[0]: weight.numpy() for weight in model.weights}

    def estimator(folder, warm_start_from=None):
        config = tf.estimator.RunConfig(model_dir=str(folder), save_summary_steps=None, log_step_count_steps=None)
        made = tf.keras.estimator.model_to_estimator(keras(0.), config=config, checkpoint_format="saver")
        return tf.estimator.Estimator(made.model_fn, config=config, warm_start_from=warm_start_from)

    def data():
        return tf.data.Dataset.from_tensors(({"dense_input": inputs}, wanted)).repeat()
    fresh = trained(estimator(tmp_path / "fresh"), 1, data)
    theirs = trained(estimator(tmp_path / "theirs", source), 1, data)
    run("ckpt:warm_start(inputs[2])", tmp_path / "fresh", source, to=tmp_path / "ours" / "model.ckpt-1", flags=["--latest"])
    ours, after = Read(str(tmp_path / "ours")), trained(estimator(tmp_path / "ours"), 1, data)
    assert sorted(ours.shapes) == sorted(theirs.shapes) and set(weights) < set(ours.shapes)
    for name in ours.shapes:
        if name in weights:
            value = weights[name].tobytes()
            assert ours.value(name).tobytes() == value == theirs.value(name).tobytes() == after.value(name).tobytes(), name
        else:
            assert ours.value(name).tobytes() == fresh.value(name).tobytes(), name
    assert ours.value("global_step") == theirs.value("global_step") == 1 and after.value("global_step") == 2


# ---- checkpoint_ops_test.py: matrices

MATRIX = np.arange(80, dtype=np.float32).reshape(5, 16)
NEW_FEATURES, OLD_FEATURES = ["zero", "one", "two", "three", "four"], ["zero", "one", "two", "three"]
CLASSES, OLD_OF_CLASSES = ["MISSING", "knitting", "flask", "eminem"], ["knitting", "eminem", "MISSING"]


@pytest.fixture(scope="module")
def matrix(tmp_path_factory):
    return save_names(str(tmp_path_factory.mktemp("matrix") / "model-5"), {"some_scope/embeddings": MATRIX})


def remapped(script, source, tmp_path):
    return Read(run(f"local t = ckpt.vars['some_scope/embeddings']; ckpt.vars.x = {script}", source, to=tmp_path / "made")).value("x")


def info(new, old, **more):
    return lua({"new_vocab": new, "old_vocab": old, **more})


def test_co_01_rows_from_an_offset_and_columns(matrix, tmp_path):
    x = 42
    expected = checkpoint_ops._load_and_remap_matrix(
        ckpt_path=matrix, old_tensor_name="some_scope/embeddings", new_row_vocab_offset=1, num_rows_to_load=4,
        new_col_vocab_size=4, initializer=constant(x), old_row_vocab_file=write(tmp_path / "or", OLD_FEATURES),
        new_row_vocab_file=write(tmp_path / "nr", NEW_FEATURES), old_col_vocab_file=write(tmp_path / "oc", OLD_OF_CLASSES),
        new_col_vocab_file=write(tmp_path / "nc", CLASSES), num_row_oov_buckets=1, num_col_oov_buckets=1)
    rows = info(NEW_FEATURES, OLD_FEATURES, num_oov_buckets=1, backup=x)
    cols = info(CLASSES, OLD_OF_CLASSES, num_oov_buckets=1, backup=x, axis=1)
    found = remapped(f"t:remap_rows({rows}):remap_cols({cols}):slice({{1, 0}}, {{5, -1}})", matrix, tmp_path)
    assert found.T.tolist() == [[18, 34, 50, x, x], [16, 32, 48, x, x], [x] * 5, [17, 33, 49, x, x], [x] * 5] == expected.numpy().T.tolist()


@pytest.mark.parametrize("case,settings,expected", [
    ("co_02", ("rows", "cols"), [[2, 18, 34, 50, 42, 42], [0, 16, 32, 48, 42, 42], [42] * 6, [1, 17, 33, 49, 42, 42], [42] * 6]),
    ("co_03", ("cols",), [[2, 18, 34, 50, 66], [0, 16, 32, 48, 64], [42] * 5, [1, 17, 33, 49, 65], [42] * 5]),
])
def test_initializers_of_output_layers(matrix, tmp_path, case, settings, expected):
    rows = "rows" in settings
    initializer = checkpoint_ops._load_and_remap_matrix_initializer(
        ckpt_path=matrix, old_tensor_name="some_scope/embeddings", new_row_vocab_size=5, new_col_vocab_size=4,
        old_row_vocab_file=write(tmp_path / "or", OLD_FEATURES) if rows else None,
        new_row_vocab_file=write(tmp_path / "nr", NEW_FEATURES) if rows else None,
        old_col_vocab_file=write(tmp_path / "oc", OLD_OF_CLASSES), new_col_vocab_file=write(tmp_path / "nc", CLASSES),
        num_row_oov_buckets=1 if rows else 0, num_col_oov_buckets=1, initializer=constant(42))
    with graph():
        made = tf1.get_variable("x", [6 if rows else 5, 5], initializer=initializer, partitioner=tf1.fixed_size_partitioner(2))
        with session() as running:
            running.run(tf1.global_variables_initializer())
            theirs = running.run(tf.convert_to_tensor(made))
    script = f":remap_rows({info(NEW_FEATURES, OLD_FEATURES, num_oov_buckets=1, backup=42)})" if rows else ""
    found = remapped(f"t{script}:remap_cols({info(CLASSES, OLD_OF_CLASSES, num_oov_buckets=1, backup=42)})", matrix, tmp_path)
    assert found.T.tolist() == expected == theirs.T.tolist()


@pytest.mark.parametrize("case,new,count,old_size,expected", [
    ("ko_01_the_same_file", OLD_OF_CLASSES, 3, -1, [0, 1, 2]), ("ko_02_shifted", ["MISSING", "knitting", "eminem"], 3, -1, [2, 0, 1]),
    ("ko_03_the_first_line_alone", ["knitting"], 1, -1, [0]), ("ko_04_a_part_of_the_old_file", ["MISSING", "knitting", "eminem"], 3, 2, [-1, 0, 1]),
])
def test_lines_of_vocabularies(tmp_path, case, new, count, old_size, expected):
    theirs, present = gen_checkpoint_ops.generate_vocab_remapping(
        new_vocab_file=write(tmp_path / "new", new), old_vocab_file=write(tmp_path / "old", OLD_OF_CLASSES), new_vocab_offset=0,
        num_new_vocab=count, old_vocab_size=old_size)
    source = save_names(str(tmp_path / "ids"), {"ids": np.arange(3)})
    settings = info(new, OLD_OF_CLASSES, old_vocab_size=old_size, backup=-1)
    lines = printed("plan", "-e", f"local i = gw.vocab_info({settings}); print(i.kept); print(table.concat(ckpt.vars.ids:remap_rows(i):value(), ','))",
                    source)
    assert theirs.numpy().tolist() == expected == [int(n) for n in lines[1].split(",")]
    assert int(lines[0]) == present.numpy()


def ids(axis, wanted):
    """A vocabulary that asks for these lines; -1 for one that is new."""
    old = [f"t{i}" for i in range(MATRIX.shape[axis])]
    return info([old[i] if i >= 0 else f"new{n}" for n, i in enumerate(wanted)], old, axis=axis, backup=42)


X = [42.] * 16
MATRICES = {  # rows, columns, expected
    "ko_05_some_rows": ([1, 0], None, MATRIX[[1, 0]].tolist()),
    "ko_05_some_columns": (None, [2, 0], MATRIX[:, [2, 0]].tolist()),
    "ko_05_some_of_both": ([1, 0, 4], [1, 15], [[17, 31], [1, 15], [65, 79]]),
    "ko_06_new_rows_and_columns": ([2, -1, 0], [1, -1], [[33, 42], [42, 42], [1, 42]]),
    "ko_07_all_rows_new": ([-1] * 7, None, [X] * 7),
    "ko_08_all_rows_and_columns_new": ([-1] * 7, [-1] * 4, [X[:4]] * 7),
}


@pytest.mark.parametrize("case", MATRICES)
def test_whole_matrices(matrix, tmp_path, case):
    rows, cols, expected = MATRICES[case]
    asked = [rows if rows is not None else range(5), cols if cols is not None else range(16)]
    present = [sum(i >= 0 for i in wanted) for wanted in asked]
    holes = len(asked[0]) * len(asked[1]) - present[0] * present[1]
    theirs = gen_checkpoint_ops.load_and_remap_matrix(
        ckpt_path=matrix, old_tensor_name="some_scope/embeddings", row_remapping=np.array(asked[0]), col_remapping=np.array(cols or [], np.int64),
        initializing_values=[42.] * holes, num_rows=len(asked[0]), num_cols=len(asked[1]))
    script = "t" + (f":remap_rows({ids(0, rows)})" if rows is not None else "") + (f":remap_cols({ids(1, cols)})" if cols is not None else "")
    assert remapped(script, matrix, tmp_path).tolist() == expected == theirs.numpy().tolist()


@pytest.mark.parametrize("count", [0, 5])
def test_ko_10_a_wrong_number_of_initial_values(matrix, tmp_path, count):
    """Four elements are new. The values of TensorFlow are a list, those of godwit have the result's shape."""
    with pytest.raises(tf.errors.InvalidArgumentError):
        gen_checkpoint_ops.load_and_remap_matrix(ckpt_path=matrix, old_tensor_name="some_scope/embeddings", row_remapping=[2, -1, 0],
                                                 col_remapping=[1, -1], initializing_values=[42.] * count, num_rows=3, num_cols=2)
    message = refused(f"ckpt.vars.x = ckpt.vars['some_scope/embeddings']:remap_rows{{new_vocab = {{'a', 'b'}}, old_vocab = {{'a'}}, "
                      f"backup = gw.zeros{{{count}}}}}", matrix, to=tmp_path / "made", code=RECIPE)
    assert f"[{count}]" in message and "[2,16]" in message


def test_ko_09_one_old_row_for_several_new_ones(matrix, tmp_path):
    with pytest.raises(tf.errors.UnimplementedError):
        gen_checkpoint_ops.load_and_remap_matrix(ckpt_path=matrix, old_tensor_name="some_scope/embeddings", row_remapping=[1, 0, 0],
                                                 col_remapping=np.array([], np.int64), initializing_values=[], num_rows=3, num_cols=16)
    found = remapped(f"t:remap_rows({info(['b', 'a', 'a', 'a', 'b', 'c'], ['a', 'b', 'c'])})", matrix, tmp_path)
    assert found.tolist() == MATRIX[[1, 0, 0, 0, 1, 2]].tolist()


# ---- Text files

FILES = {
    "a\nb\n": True, "a\r\nb\r\n": True, "a\nb": True, "b\r": True, "a\r\r\nb\n": True, "\ufeffa\nb\n": True, " a\nb \na\n": True,
    "c\nb\rx\n": True, "a\n\nb\n": False, "\n": False, "": False, "a\nb\n\n": False, "\r\n": False, "ü\nb\n": True, "a\0x\nb\n": True,
}


@pytest.mark.parametrize("which", ["new", "old"])
def test_files_are_read_as_tensorflow_reads_them(tmp_path, which):
    source = save_names(str(tmp_path / "ids"), {"ids": np.arange(9)})
    plain = "a\nb\nc\nü\na\rx\n"
    for text, fine in FILES.items():
        for name in ("new", "old"):
            (tmp_path / name).write_bytes((text if name == which else plain).encode())
        lines = len([line for line in (text if which == "new" else plain).split("\n") if line])
        try:
            theirs = gen_checkpoint_ops.generate_vocab_remapping(
                new_vocab_file=str(tmp_path / "new"), old_vocab_file=str(tmp_path / "old"), new_vocab_offset=0, num_new_vocab=lines)[0].numpy().tolist()
        except tf.errors.OpError:
            theirs = None
        script = tmp_path / "r.lua"
        script.write_text("return { params = { new = { type = 'file' }, old = { type = 'file' } }, run = function(ckpt, p) "
                          "print(table.concat(ckpt.vars.ids:remap_rows{new_vocab = gw.vocab(p.new), old_vocab = gw.vocab(p.old), backup = -1}:value(), ',')) end }")
        arguments = ["plan", script, source, "-p", f"new=@{tmp_path}/new", "-p", f"old=@{tmp_path}/old"]
        assert (theirs is not None) == fine, text
        if fine:
            assert [int(n) for n in printed(*arguments)[0].split(",")] == theirs, repr(text)
        else:
            assert "vocabulary" in godwit(*arguments, code=RECIPE)


def test_the_same_old_token_twice_is_refused(tmp_path):
    for old in (["a", "b", "a"],):
        with pytest.raises(tf.errors.FailedPreconditionError):
            gen_checkpoint_ops.generate_vocab_remapping(new_vocab_file=write(tmp_path / "new", ["a"]), old_vocab_file=write(tmp_path / "old", old),
                                                        new_vocab_offset=0, num_new_vocab=1)
    source = save_names(str(tmp_path / "ids"), {"ids": np.arange(9)})
    message = refused("ckpt.vars.ids = ckpt.vars.ids:remap_rows{new_vocab = {'a'}, old_vocab = {'a', 'b', 'a'}}", source, to=tmp_path / "made", code=RECIPE)
    assert 'the old vocabulary has "a" twice, in the lines 1 and 3' in message


# ---- Random ones

def random_case(number):
    """One variable: old and new vocabulary, sizes, buckets, parts, axis."""
    choose = np.random.default_rng(5000 + number)
    pool = [f"token{i}" for i in range(30)]
    old = [str(t) for t in choose.permutation(pool)[:choose.integers(1, 25)]]
    new = [str(t) for t in choose.permutation(pool)[:choose.integers(1, 25)]]
    axis = int(choose.random() < .4)
    buckets = int(choose.integers(0, 3))
    new_size = int(choose.integers(1, len(new) + 1)) if choose.random() < .4 else None
    old_size = int(choose.integers(1, len(old) + 1)) if axis == 0 and choose.random() < .4 else -1
    other, extra = int(choose.integers(1, 6)), int(choose.integers(0, 3))
    rows = (new_size or len(new)) + buckets
    value = choose.random((len(old) + extra, other) if axis == 0 else (other, len(old) + extra), np.float32)
    if axis == 1:  # TensorFlow's columns are those of the old vocabulary, whether or not the tensor has more
        value = value[:, :len(old)].copy()
    shape = (rows, other) if axis == 0 else (other, rows)
    def parts(count):
        return int(choose.integers(2, min(count, 4) + 1)) if count > 1 and choose.random() < .5 else None
    before, after = parts(value.shape[0]), parts(shape[0])
    if axis == 0 and buckets and after:  # TensorFlow does not fill a part that begins at the first bucket
        sizes = [shape[0] // after + (i < shape[0] % after) for i in range(after)]
        if any(sum(sizes[:i]) >= rows - buckets for i in range(after)):
            after = None
    backup = float(np.float32(choose.normal())) if choose.random() < .5 else None
    return {"value": value, "before": before, "shape": shape, "after": after, "new": new, "old": old, "new_size": new_size,
            "old_size": old_size, "buckets": buckets, "backup": backup, "axis": axis, "renamed": bool(choose.random() < .3)}


def test_300_random_warm_starts(tmp_path):
    cases = {f"v{n}": random_case(n) for n in range(300)}
    old_name = {name: f"old/{name}" if case["renamed"] else name for name, case in cases.items()}
    source = source_of(tmp_path, **{old_name[name].replace("/", "__"): (case["value"], case["before"]) for name, case in cases.items()})
    infos = {name: vocab_info(tmp_path, name, *(case[key] for key in ("new", "old", "new_size", "old_size", "buckets", "backup", "axis")))
             for name, case in cases.items()}
    expected = check(tmp_path, lambda: {name: variable(name, case["shape"], case["after"]) for name, case in cases.items()}, source, infos,
                     var_name_to_prev_var_name={name: old for name, old in old_name.items() if old != name})
    assert len(expected) == 300


def test_random_rows_and_columns(tmp_path):
    script, expected, named = [], {}, {}
    for number in range(60):
        choose = np.random.default_rng(9000 + number)
        pool = [f"token{i}" for i in range(20)]
        rows, cols = ([[str(t) for t in choose.permutation(pool)[:choose.integers(1, 15)]] for _ in range(2)] for _ in range(2))
        x = f"x{number}"
        named[x] = choose.random((len(rows[0]), len(cols[0])), np.float32)
        expected[x] = (rows, cols, int(choose.integers(0, 3)), int(choose.integers(0, 3)), float(np.float32(choose.normal())))
    source = save_names(str(tmp_path / "matrices"), named)
    for x, (rows, cols, row_buckets, col_buckets, backup) in expected.items():
        files = [write(tmp_path / f"{x}.{i}", tokens) for i, tokens in enumerate(rows + cols)]
        expected[x] = checkpoint_ops._load_and_remap_matrix(
            ckpt_path=source, old_tensor_name=x, new_row_vocab_offset=0, num_rows_to_load=len(rows[1]), new_col_vocab_size=len(cols[1]),
            initializer=constant(backup), old_row_vocab_file=files[0], new_row_vocab_file=files[1], old_col_vocab_file=files[2],
            new_col_vocab_file=files[3], num_row_oov_buckets=row_buckets, num_col_oov_buckets=col_buckets).numpy()
        script.append(f"ckpt.vars.{x} = ckpt.vars.{x}:remap_cols({info(cols[1], cols[0], num_oov_buckets=col_buckets, backup=backup)})"
                      f":remap_rows({info(rows[1], rows[0], num_oov_buckets=row_buckets, backup=backup)})")
    found = Read(run("\n".join(script), source, to=tmp_path / "made"))
    for x, value in expected.items():
        assert found.value(x).tobytes() == value.tobytes(), x
