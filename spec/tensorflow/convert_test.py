"""Object graphs that godwit edits and makes: byte for byte what TensorFlow saves for the same objects, restored with
assert_consumed() into freshly built ones, and trained on as if nothing had happened."""
import numpy as np
import pytest
import tensorflow as tf
import tensorflow.compat.v1 as tf1

from support import assert_same_files, godwit

Legacy = tf.keras.optimizers.legacy
NAMES = ["a", "b", "scoped/c", "x.y/z", "deep/er/v.0", "ü", "n_10", "n_9"]


def run(*arguments):
    godwit("run", *[str(argument) for argument in arguments])


def counted(prefix):
    return str(prefix) + "-1"


def variables(names=NAMES, offset=0.0):
    return {name: tf.Variable(tf.range(3.0) + i + offset) for i, name in enumerate(names)}


def saved_by_tf1(prefix, names=NAMES, offset=0.0):
    """A Saver's checkpoint, its variables created in a graph under these names."""
    with tf.Graph().as_default():
        for i, name in enumerate(names):
            tf1.get_variable(name.replace("ü", "u"), initializer=np.arange(3, dtype=np.float32) + i + offset)
        with tf1.Session() as session:
            session.run(tf1.global_variables_initializer())
            return tf1.train.Saver().save(session, str(prefix), write_meta_graph=False)


# ---- The same bytes


def test_tf1_to_tf2_gives_the_bytes_of_the_guide(tmp_path):
    by_name = variables()
    tf1.train.Saver(by_name).save(None, str(tmp_path / "tf1"), write_meta_graph=False)
    ordered = {name: by_name[name] for name in sorted(by_name)}
    for i, (container, counter) in enumerate([("vars", True), ("var_list", False), ("model", True)]):
        checkpoint = tf.train.Checkpoint(**{container: ordered})
        theirs = checkpoint.save(tmp_path / f"tf2-{i}") if counter else checkpoint.write(tmp_path / f"tf2-{i}")
        run("tf1_to_tf2", tmp_path / "tf1", "-o", tmp_path / f"ours-{i}", "-p", "keep_full_names=false", "-p", f"container={container}",
            "-p", f"save_counter={str(counter).lower()}")
        assert_same_files(tmp_path / f"ours-{i}", theirs)


def test_tf1_to_tf2_by_scope_gives_the_bytes_of_nested_dictionaries(tmp_path):
    v = variables(["a", "b/c", "b/d/e", "z"])
    tf1.train.Saver(v).save(None, str(tmp_path / "tf1"), write_meta_graph=False)
    theirs = tf.train.Checkpoint(vars={"a": v["a"], "b": {"c": v["b/c"], "d": {"e": v["b/d/e"]}}, "z": v["z"]}).save(tmp_path / "tf2")
    run("tf1_to_tf2", tmp_path / "tf1", "-o", tmp_path / "ours", "-p", "keep_full_names=false", "-p", "nested=true")
    assert_same_files(tmp_path / "ours", theirs)
    theirs = tf.train.Checkpoint(**{name: v[name] for name in ["a", "z"]}).save(tmp_path / "attributes")
    run("-e", "ckpt:keep_only '^[az]$' return gw.objects({a = gw.variable(ckpt.vars.a, {full_name = 'Variable'}), "
        "z = gw.variable(ckpt.vars.z, {full_name = 'Variable'})}, {save_counter = 1})", tmp_path / "tf1", "-o", tmp_path / "ours-attributes")
    assert_same_files(tmp_path / "ours-attributes", theirs)


def test_tf2_to_tf1_gives_the_bytes_of_a_saver(tmp_path):
    by_name = variables()
    tf1.train.Saver(by_name).save(None, str(tmp_path / "theirs"), write_meta_graph=False)
    tf2 = tf.train.Checkpoint(vars=by_name).save(tmp_path / "tf2")
    run("tf2_to_tf1", tf2, "-o", tmp_path / "ours")
    assert_same_files(tmp_path / "ours", tmp_path / "theirs")


def test_tf2_to_tf1_by_full_names_and_by_paths(tmp_path):
    a, b = tf.Variable([1.0], name="scope/a"), tf.Variable([2.0], name="b")
    tf2 = tf.train.Checkpoint(model=[{"x/y": a}], other=b).save(tmp_path / "tf2")
    tf1.train.Saver({"scope/a": a, "b": b}).save(None, str(tmp_path / "by-full-name"), write_meta_graph=False)
    tf1.train.Saver({"model/0/x/y": a, "other": b}).save(None, str(tmp_path / "by-path"), write_meta_graph=False)
    run("tf2_to_tf1", tf2, "-o", tmp_path / "ours-1", "-p", "names=full_names")
    assert_same_files(tmp_path / "ours-1", tmp_path / "by-full-name")
    run("tf2_to_tf1", tf2, "-o", tmp_path / "ours-2", "-p", "names=paths")
    assert_same_files(tmp_path / "ours-2", tmp_path / "by-path")


def blocks(order=(0, 1, 2)):
    def block(i):
        module = tf.Module()
        module.w, module.list = tf.Variable(float(i)), [tf.Variable([i + 0.5]), {"k": tf.Variable([[i + 0.25]])}]
        return module
    made = [block(i) for i in range(3)]
    return [made[i] for i in order]


def test_reordered_lists_renamed_attributes_and_moved_objects(tmp_path):
    before = blocks()
    old = tf.train.Checkpoint(b=before, extra=tf.Variable(9.0), late={"x": before[1]}).save(tmp_path / "old")
    after = blocks((2, 0, 1))
    theirs = tf.train.Checkpoint(b=after, extra=tf.Variable(9.0), late={"x": after[2]}).save(tmp_path / "reordered")
    run("reorder_list", old, "-o", tmp_path / "ours", "-p", "path=b", "-p", "order=2,0,1")
    assert_same_files(tmp_path / "ours", theirs)

    before = blocks()
    theirs = tf.train.Checkpoint(zoo=before, extra=tf.Variable(9.0), late={"x": before[1]}).save(tmp_path / "renamed")
    run("rename_attribute", old, "-o", tmp_path / "ours-2", "-p", "path=b", "-p", "to=zoo")
    assert_same_files(tmp_path / "ours-2", theirs)

    before = blocks()
    theirs = tf.train.Checkpoint(b=before, sub={"late": {"x": before[1]}, "new/name": tf.Variable(9.0)}).save(tmp_path / "moved")
    run("-e", "local r = ckpt.root; r.sub = {} gw.graph.move(r, 'late', r.sub) gw.graph.move(r, 'extra', r.sub, 'new/name')", old,
        "-o", tmp_path / "ours-3")
    assert_same_files(tmp_path / "ours-3", theirs)

    before = blocks()
    theirs = tf.train.Checkpoint(b=before[:1] + before[2:], extra=tf.Variable(9.0)).save(tmp_path / "dropped")
    run("-e", "ckpt.root.late = nil; ckpt.root.b = {ckpt.root.b['0'], ckpt.root.b['2']}", old, "-o", tmp_path / "ours-4")
    assert_same_files(tmp_path / "ours-4", theirs)


def test_wrapped_and_unwrapped_models(tmp_path):
    module = blocks()[0]
    bare, attribute = tf.train.Checkpoint(module).write(tmp_path / "bare"), tf.train.Checkpoint(model=module).write(tmp_path / "attribute")
    run("wrap_model", bare, "-o", tmp_path / "wrapped")
    assert_same_files(tmp_path / "wrapped", attribute)
    run("unwrap_model", attribute, "-o", tmp_path / "unwrapped")
    assert_same_files(tmp_path / "unwrapped", bare)
    saved = tf.train.Checkpoint(blocks()[0]).save(tmp_path / "bare-saved")
    attribute = tf.train.Checkpoint(model=blocks()[0]).save(tmp_path / "attribute-saved")
    run("wrap_model", saved, "-o", tmp_path / "wrapped-saved")
    assert_same_files(tmp_path / "wrapped-saved", attribute)
    run("unwrap_model", attribute, "-o", tmp_path / "unwrapped-saved")
    assert_same_files(tmp_path / "unwrapped-saved", saved)


def test_counters_added_and_stripped(tmp_path):
    v = tf.Variable(1.0)
    written, saved = tf.train.Checkpoint(v=v).write(tmp_path / "written"), tf.train.Checkpoint(v=v).save(tmp_path / "saved")
    run("add_save_counter", written, "-o", tmp_path / "added")
    assert_same_files(tmp_path / "added", saved)
    run("strip_save_counter", saved, "-o", tmp_path / "stripped")
    assert_same_files(tmp_path / "stripped", written)


def slots_of_v1_adam(names):
    v = [tf.Variable([float(i), 1.0], name=name) for i, name in enumerate(names)]
    optimizer = tf1.train.AdamOptimizer(0.1)
    optimizer.apply_gradients([(tf.ones_like(x) * (i + 1), x) for i, x in enumerate(v)])
    return v, optimizer


def test_slots_of_a_tf1_optimizer_follow_a_reordered_list(tmp_path):
    v, optimizer = slots_of_v1_adam(["a", "b", "c"])
    old = tf.train.Checkpoint(optimizer=optimizer, v=v).save(tmp_path / "old")
    theirs = tf.train.Checkpoint(optimizer=optimizer, v=[v[1], v[2], v[0]]).save(tmp_path / "new")
    run("reorder_list", old, "-o", tmp_path / "ours", "-p", "path=v", "-p", "order=1,2,0")
    assert_same_files(tmp_path / "ours", theirs)
    theirs = tf.train.Checkpoint(model={"m/v": v}, opt=optimizer).save(tmp_path / "moved")
    run("-e", "local r = ckpt.root; r.model = gw.dict{{'m/v', r.v}}; r.v = nil; gw.graph.rename(r, 'optimizer', 'opt')", old,
        "-o", tmp_path / "ours-2")
    assert_same_files(tmp_path / "ours-2", theirs)


def test_vo_02_dropped_slots(tmp_path):
    v, optimizer = slots_of_v1_adam(["v"])
    old = tf.train.Checkpoint(optimizer=optimizer, var=v[0]).save(tmp_path / "old")
    assert sorted(name for name, _ in tf.train.list_variables(old)) == [
        "_CHECKPOINTABLE_OBJECT_GRAPH", "optimizer/beta1_power/.ATTRIBUTES/VARIABLE_VALUE", "optimizer/beta2_power/.ATTRIBUTES/VARIABLE_VALUE",
        "save_counter/.ATTRIBUTES/VARIABLE_VALUE", "var/.ATTRIBUTES/VARIABLE_VALUE",
        "var/.OPTIMIZER_SLOT/optimizer/m/.ATTRIBUTES/VARIABLE_VALUE", "var/.OPTIMIZER_SLOT/optimizer/v/.ATTRIBUTES/VARIABLE_VALUE"]
    run("-e", "ckpt:drop {role = 'slot'}", old, "-o", tmp_path / "ours")
    fresh, unused = tf.Variable([0.0, 0.0]), tf1.train.AdamOptimizer(0.1)
    tf.train.Checkpoint(optimizer=unused, var=fresh).restore(str(tmp_path / "ours")).expect_partial()
    assert fresh.numpy().tolist() == v[0].numpy().tolist()
    assert not [name for name, _ in tf.train.list_variables(tmp_path / "ours") if "OPTIMIZER_SLOT" in name]


def test_objects_of_several_checkpoints(tmp_path):
    """Keys of a tree that godwit makes of two files are TensorFlow's for the same tree."""
    first, second = variables(["a/b/c", "b", "c/"]), variables([".S", ".ATTRIBUTES", "2"], 5.0)
    one, two = tf.train.Checkpoint(d=first).write(tmp_path / "one"), tf.train.Checkpoint(e=second).write(tmp_path / "two")
    shared = first["b"]
    theirs = tf.train.Checkpoint(d=first, e={".S": second[".S"], ".ATTRIBUTES": {"f": second[".ATTRIBUTES"]}, "l": [second["2"], shared]},
                                 a=[shared]).save(tmp_path / "theirs")
    (tmp_path / "recipe.lua").write_text("""
return { inputs = {"one", "two"}, run = function(_, _, inputs)
  local d, e = inputs.one.root.d, inputs.two.root.e
  return gw.objects({ d = d, a = { d.b }, e = gw.dict { {".S", e[".S"]}, {".ATTRIBUTES", {f = e[".ATTRIBUTES"]}}, {"l", {e["2"], d.b}} } },
    {save_counter = 1})
end }
""")
    run(tmp_path / "recipe.lua", one, two, "-o", tmp_path / "ours")
    assert_same_files(tmp_path / "ours", theirs)
    assert tf.train.load_checkpoint(tmp_path / "ours").has_tensor("e/..ATTRIBUTES/f/.ATTRIBUTES/VARIABLE_VALUE")


# ---- Restored by TensorFlow, whole


def test_every_way_between_tf1_and_tf2(tmp_path):
    """Saved by either, converted or not, loaded by either (the guide's table)."""
    plain = ["a", "b", "scoped/c"]
    from_tf1 = saved_by_tf1(tmp_path / "tf1", plain)
    from_tf2 = tf.train.Checkpoint(vars={name: tf.Variable(v, name=name) for name, v in variables(plain).items()}).save(tmp_path / "tf2")
    run("tf1_to_tf2", from_tf1, "-o", tmp_path / "tf1-as-tf2")
    run("tf2_to_tf1", from_tf2, "-o", tmp_path / "tf2-as-tf1")
    expected = [v.numpy().tolist() for v in variables(plain).values()]
    for prefix in [from_tf2, tmp_path / "tf1-as-tf2"]:
        fresh = {name: tf.Variable(tf.zeros(3)) for name in plain}
        tf.train.Checkpoint(vars=fresh).restore(str(prefix)).assert_consumed()
        assert [v.numpy().tolist() for v in fresh.values()] == expected
    for prefix in [from_tf1, tmp_path / "tf2-as-tf1", tmp_path / "tf1-as-tf2"]:  # the last by its full names
        with tf.Graph().as_default():
            created = [tf1.get_variable(name, shape=[3]) for name in plain]
            with tf1.Session() as session:
                tf1.train.Saver().restore(session, str(prefix))
                assert [v.tolist() for v in session.run(created)] == expected


def dense(units=3):
    return tf.keras.layers.Dense(units)


def test_keras_load_weights_reads_a_rebuilt_file(tmp_path):
    def make():
        return tf.keras.Sequential([tf.keras.layers.Dense(4, input_shape=(3,)), tf.keras.layers.BatchNormalization(), tf.keras.layers.Dense(2)])
    model, fresh = make(), make()
    model.save_weights(str(tmp_path / "weights"))
    run("wrap_model", tmp_path / "weights", "-o", tmp_path / "wrapped", "-p", "save_counter=true")
    tf.train.Checkpoint(model=make()).restore(str(tmp_path / "wrapped")).assert_consumed()
    run("unwrap_model", tmp_path / "wrapped", "-o", tmp_path / "back", "-p", "save_counter=false")
    fresh.load_weights(str(tmp_path / "back")).assert_consumed()
    for ours, theirs in zip(fresh.get_weights(), model.get_weights()):
        np.testing.assert_array_equal(ours, theirs)


def estimator(folder, restored=None):
    def model_fn(features, labels, mode):
        step = tf1.train.get_or_create_global_step()
        v = tf1.get_variable("var", shape=[], initializer=tf1.constant_initializer(0))
        return tf.estimator.EstimatorSpec(mode, predictions=v, loss=tf.constant(1.0), train_op=tf.group(v.assign_add(2), step.assign_add(1)))
    return tf.estimator.Estimator(model_fn, str(folder), warm_start_from=restored)


def test_an_estimator_continues_from_what_was_a_tf2_checkpoint(tmp_path):
    objects = tf.train.Checkpoint(var_list={"var": tf.Variable(10.0)}, step=tf.Variable(7, dtype=tf.int64)).save(tmp_path / "tf2")
    run("tf2_to_estimator", objects, "-o", tmp_path / "est" / "model.ckpt-7", "--latest")
    made = estimator(tmp_path / "est")
    assert made.get_variable_value("global_step") == 7
    made.train(lambda: tf.data.Dataset.from_tensor_slices(([1, 2], [3, 4])), steps=1)
    assert made.get_variable_value("global_step") == 8 and made.get_variable_value("var") == 12.0
    run("estimator_to_tf2", tmp_path / "est", "-o", tmp_path / "back")
    var, step = tf.Variable(0.0), tf.Variable(0, dtype=tf.int64)
    tf.train.Checkpoint(var_list={"var": var}, step=step).read(str(tmp_path / "back")).assert_consumed()
    assert (var.numpy(), step.numpy()) == (12.0, 8)
    run("estimator_to_tf2", tmp_path / "est", "-o", tmp_path / "restarted", "-p", "keep_step=false")
    tf.train.Checkpoint(var_list={"var": var}, step=step).read(str(tmp_path / "restarted")).assert_consumed()
    assert (var.numpy(), step.numpy()) == (12.0, 0)


# ---- Optimizers


class Blocks(tf.keras.Model):
    """Two blocks of one shape; `backwards` keeps them in the other order and computes the same."""

    def __init__(self, backwards=False):
        super().__init__()
        self.blocks = [dense(), dense()]
        self.backwards = backwards

    def call(self, inputs):
        for block in reversed(self.blocks) if self.backwards else self.blocks:
            inputs = block(inputs)
        return inputs


class Unnamed(tf.Module):
    """The same of variables that are all called Variable."""

    def __init__(self, backwards=False):
        super().__init__()
        self.blocks = [tf.Variable(tf.eye(3) * 0.5), tf.Variable(tf.eye(3) * 0.25)]
        self.backwards = backwards

    def __call__(self, inputs):
        for block in reversed(self.blocks) if self.backwards else self.blocks:
            inputs = inputs @ block
        return inputs


def step(model, optimizer, seed):
    inputs = tf.random.stateless_normal([4, 3], seed=[seed, 0])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum((model(inputs) - tf.sin(inputs)) ** 2)
    weights = model.trainable_variables
    optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))


# Not Nadam: it counts in a Python number that no checkpoint holds (_u_product_counter), and goes on differently from its own.
OPTIMIZERS = {
    "adam": tf.keras.optimizers.Adam, "amsgrad": lambda: tf.keras.optimizers.Adam(amsgrad=True),
    "sgd with momentum": lambda: tf.keras.optimizers.SGD(0.1, momentum=0.9),
    "rmsprop": lambda: tf.keras.optimizers.RMSprop(momentum=0.9, centered=True), "ftrl": tf.keras.optimizers.Ftrl,
    "adagrad": tf.keras.optimizers.Adagrad, "adadelta": tf.keras.optimizers.Adadelta, "adamax": tf.keras.optimizers.Adamax,
    "lion": tf.keras.optimizers.Lion, "adafactor": tf.keras.optimizers.Adafactor,
    "average": lambda: tf.keras.optimizers.Adam(use_ema=True),
    "legacy adam": Legacy.Adam, "legacy sgd with momentum": lambda: Legacy.SGD(0.1, momentum=0.9), "legacy rmsprop": Legacy.RMSprop,
}


REORDER = ("reorder_list", "-p", "path=model/blocks", "-p", "order=1,0")
SWAPS = {
    "reorder_list": REORDER,
    "rename": ("-e", "ckpt:rename {['model/blocks/0'] = 'model/blocks/1', ['model/blocks/1'] = 'model/blocks/0'}"),
    "assigning": ("-e", "local m = ckpt.root.model; m.blocks = {m.blocks['1'], m.blocks['0']}"),
    "building": ("-e", "local r = ckpt.root; return gw.objects{model = gw.dict{{'blocks', {r.model.blocks['1'], r.model.blocks['0']}}}, "
                 "optimizer = r.optimizer, save_counter = r.save_counter}"),
}


@pytest.mark.parametrize("make", [Blocks, Unnamed])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_goes_on_with_blocks_in_another_order(tmp_path, make, name):
    goes_on(tmp_path, make, name, REORDER)


@pytest.mark.parametrize("swap", SWAPS)
@pytest.mark.parametrize("name", ["adam", "legacy adam"])
def test_training_goes_on_however_the_blocks_were_swapped(tmp_path, name, swap):
    goes_on(tmp_path, Unnamed, name, SWAPS[swap])


def goes_on(tmp_path, make, name, swap):
    model, optimizer = make(), OPTIMIZERS[name]()
    for seed in range(3):
        step(model, optimizer, seed)
    old = tf.train.Checkpoint(model=model, optimizer=optimizer).save(tmp_path / "old")
    run(*swap, old, "-o", tmp_path / "new")
    other, its_optimizer = make(backwards=True), OPTIMIZERS[name]()
    step(other, its_optimizer, 9)  # builds both
    tf.train.Checkpoint(model=other, optimizer=its_optimizer).restore(str(tmp_path / "new")).assert_consumed()
    step(model, optimizer, 3)
    step(other, its_optimizer, 3)
    for ours, theirs in zip(other.blocks, reversed(model.blocks)):
        ours, theirs = (getattr(block, "kernel", block) for block in (ours, theirs))
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


@pytest.mark.parametrize("name", ["adam", "rmsprop", "legacy adam"])
def test_a_dropped_layer_takes_its_slots_along(tmp_path, name):
    def made(count):
        model, optimizer = tf.keras.Sequential([dense() for _ in range(count)]), OPTIMIZERS[name]()
        step(model, optimizer, 0)
        return model, optimizer
    model, optimizer = made(3)
    old = tf.train.Checkpoint(model=model, optimizer=optimizer).save(tmp_path / "old")
    run("-e", "local m = ckpt.root.model; m['layer-2'] = nil m['layer_with_weights-2'] = nil", old, "-o", tmp_path / "new")
    fresh, its_optimizer = made(2)
    tf.train.Checkpoint(model=fresh, optimizer=its_optimizer).restore(str(tmp_path / "new")).assert_consumed()
    for ours, theirs in zip(fresh.get_weights(), model.get_weights()):
        np.testing.assert_array_equal(ours, theirs)


def test_state_that_is_no_variable_travels_with_its_object(tmp_path):
    def made():
        table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
        return table, iter(tf.data.Dataset.range(10)), tf.random.Generator.from_seed(1)
    table, iterator, generator = made()
    table.insert(["x", "y"], [1, 2])
    next(iterator)
    generator.normal([3])
    old = tf.train.Checkpoint(table=table, iterator=iterator, generator=generator).save(tmp_path / "old")
    theirs = tf.train.Checkpoint(all={"t": table, "i.j": iterator}, generator=generator).save(tmp_path / "theirs")
    run("-e", "local r = ckpt.root; r.all = gw.dict{{'t', r.table}, {'i.j', r.iterator}}; r.table = nil; r.iterator = nil", old,
        "-o", tmp_path / "ours")
    assert_same_files(tmp_path / "ours", theirs)
    fresh, its_iterator, its_generator = made()
    tf.train.Checkpoint(all={"t": fresh, "i.j": its_iterator}, generator=its_generator).restore(str(tmp_path / "ours")).assert_consumed()
    assert fresh.lookup(tf.constant(["y"])).numpy().tolist() == [2] and next(its_iterator).numpy() == 1


def test_tf2_to_tf1_refuses_state_that_is_no_variable(tmp_path):
    table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    table.insert(["x"], [1])
    old = tf.train.Checkpoint(table=table, v=tf.Variable(1.0)).save(tmp_path / "old")
    for names in ["keys", "paths", "full_names"]:
        message = godwit("run", "tf2_to_tf1", old, "-o", str(tmp_path / "new"), "-p", f"names={names}", code=3)
        assert "is no variable, and a Saver's checkpoint has variables only: drop it first" in message
