"""What `check` says and `restore` writes, against what TensorFlow's restore does: random pairs of structures, then TensorFlow's own
cases (CP-nn, CV-nn, VO-nn) and those that chance would not meet."""
import json
import os
import random
import subprocess

import numpy as np
import pytest
import tensorflow as tf

import structures
from support import GODWIT, GRAPH_KEY, RECIPE, godwit

PAIRS = 400
tf.get_logger().setLevel("ERROR")

# Where a file cannot tell what the program has, the report must say so, and nothing is expected of the verdict.
GUESSES = ("taken for an optimizer", "a file does not say which objects were given")


def check(prefix, target, *flags):
    command = [GODWIT, "check", os.fspath(prefix), "--like", os.fspath(target), "--json", *flags]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode in (0, 1), done.stderr
    report = json.loads(done.stdout)
    assert done.returncode == (0 if report["answer"] else 1)
    return report


def assertion(status, name):
    try:
        getattr(status, name)()
        return True
    except (AssertionError, KeyError):
        return False


def verdict(load):
    """(raises, consumed, existing), and the error, of a function that restores."""
    try:
        status = load()
    except (ValueError, AttributeError, tf.errors.OpError) as error:
        return (True, False, False), error
    found = assertion(status, "assert_consumed"), assertion(status, "assert_existing_objects_matched")
    status.expect_partial()
    return (False, *found), None


def answer(report):
    return report["raises"], report["consumed"], report["existing"]


def values(prefix):
    """key -> value; a table is a dictionary under its keys' name."""
    reader = tf.train.load_checkpoint(os.fspath(prefix))
    found = {key: reader.get_tensor(key) for key in reader.get_variable_to_shape_map() if key != GRAPH_KEY}
    for key in [key for key in found if key.endswith("table-keys")]:
        found[key] = dict(zip(found[key].tolist(), found.pop(key[:-4] + "values").tolist()))
    return found


def same(one, other):
    return one == other if isinstance(one, (dict, bytes)) else np.array_equal(one, other)


def assert_restored(prefix, target, report, theirs, tmp_path):
    """What godwit writes has, under every key of the target, what TensorFlow has there after restoring."""
    out = tmp_path / "restored"
    godwit("restore", prefix, "--into", target, "-o", out, "--assert", "none", "-q")
    ours, theirs = values(out), values(theirs)
    counter = "save_counter/.ATTRIBUTES/VARIABLE_VALUE"
    if counter not in [item["key"] for item in report["restored"]]:
        ours.pop(counter, None)  # one that is not restored begins at 0 in the program, and is 1 in the file that it saved
    wrong = [(key, value, theirs.get(key)) for key, value in ours.items() if key not in theirs or not same(value, theirs[key])]
    assert not wrong
    assert sorted({*ours} - {counter}) == sorted({*theirs} - {counter})  # slots that TensorFlow makes are there, too


seen = []  # of every pair: TensorFlow's verdict, whether the report guessed, whether both agree


@pytest.mark.parametrize("number", range(PAIRS))
def test_pair(number, tmp_path):
    saved, restoring, write, read = structures.pair(number)
    prefix = getattr(structures.build(saved, 100), write)(tmp_path / "saved")
    target = getattr(structures.build(restoring, 1), "save" if read == "restore" else "write")(tmp_path / "fresh")
    program = structures.build(restoring, 1)
    theirs, error = verdict(lambda: getattr(program, read)(prefix))
    report = check(prefix, target)
    assert report["as"] == read
    guessed = any(guess in note["reason"] for note in report["notes"] for guess in GUESSES)
    seen.append((theirs, guessed, theirs == answer(report)))
    if not guessed:
        assert theirs == answer(report), error
    if theirs[0] and report["raises"]:
        godwit("restore", prefix, "--into", target, "-o", tmp_path / "none", "--assert", "none", code=1)
    elif not guessed:
        assert_restored(prefix, target, report, program.write(tmp_path / "theirs"), tmp_path)


def test_pairs_show_every_verdict():
    if len(seen) < PAIRS:
        pytest.skip("not all pairs were run")
    counts = {kind: sum(theirs == kind for theirs, _, _ in seen) for kind in {theirs for theirs, _, _ in seen}}
    agreed, guessed = sum(same for _, _, same in seen), sum(guess for _, guess, _ in seen)
    print(f"{len(seen)} pairs, {agreed} verdicts agree, {guessed} reports say that they guess: {counts}")
    assert len(counts) == 4 and min(counts.values()) >= PAIRS // 20
    assert guessed <= PAIRS // 20 and agreed >= PAIRS - guessed


# ---- The pairs that go by names

def named_program(rng, first):
    """A Checkpoint of variables with names of their own, some of them shared by several; values count from `first`."""
    names = [f"n{i}" for i in range(5)] + ["scope/n", "save_counter"]
    tf.compat.v1.reset_default_graph()  # or a second slot variable of a name would be called NAME_1
    module = tf.Module()
    for i in range(rng.randint(1, 5)):
        variable = tf.Variable(tf.fill(rng.choice([(), (), (), (2,)]), rng.choice([1.0, 1.0, 1.0, 1])), name=rng.choice(names))
        setattr(module, f"v{i}", variable)
        variable.assign(tf.cast(tf.fill(variable.shape, first + i), variable.dtype))
    odd = rng.random()
    if odd < 0.15:
        module.table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    elif odd < 0.25:
        module.state = structures.State()
    elif odd < 0.45:
        module.optimizer = tf.compat.v1.train.MomentumOptimizer(0.1, 0.5)
        floats = [v for v in vars(module).values() if isinstance(v, tf.Variable) and v.dtype == tf.float32]
        if floats:
            module.optimizer.apply_gradients([(tf.zeros_like(v), v) for v in floats])
    return tf.train.Checkpoint(module) if rng.random() < 0.3 else tf.train.Checkpoint(m=module)


def named_file(rng, prefix, names):
    """A name-based checkpoint with most of these names, and others."""
    names = sorted(name for name in {*names, "other"} if rng.random() < 0.93)
    os.makedirs(os.path.dirname(prefix), exist_ok=True)
    tensors = [tf.fill(rng.choice([()] * 9 + [(2,)]), rng.choice([50.0] * 9 + [50])) for _ in names] or [tf.constant(1.0)]
    tf.raw_ops.SaveV2(prefix=prefix, tensor_names=names or ["none"], shape_and_slices=[""] * len(tensors), tensors=tensors)
    return prefix


def full_names(prefix):
    proto = tf.train.CheckpointView(os.fspath(prefix))._object_graph_proto  # pylint: disable=protected-access
    return {attribute.full_name for node in proto.nodes for attribute in node.attributes} - {""}


@pytest.mark.parametrize("number", range(80))
def test_names_into_objects(number, tmp_path):
    rng = random.Random(number)
    read = rng.choice(["read", "restore"])
    again = rng.getstate()
    target = getattr(named_program(rng, 1), "save" if read == "restore" else "write")(tmp_path / "fresh")
    prefix = named_file(random.Random(-number), os.fspath(tmp_path / "named"), full_names(target))
    rng.setstate(again)
    program = named_program(rng, 1)
    theirs, error = verdict(lambda: getattr(program, read)(prefix))
    report = check(prefix, target)
    assert report["by_names"] and report["assert"] == "existing"
    assert theirs == answer(report), error
    if report["raises"]:
        godwit("restore", prefix, "--into", target, "-o", tmp_path / "none", "--assert", "none", code=1)
    else:
        assert_restored(prefix, target, report, program.write(tmp_path / "theirs"), tmp_path)


def saver_values(prefix, variables):
    """What a TF1 program has after Saver.restore, or None when it raises. variables: name -> initial value."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        made = {name: tf.compat.v1.get_variable(name, initializer=value, use_resource=False) for name, value in variables.items()}
        try:
            tf.compat.v1.train.Saver(made).restore(session, os.fspath(prefix))
        except (ValueError, tf.errors.OpError):
            return None
        return session.run(made)


def saved_by_saver(prefix, variables):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        made = {name: tf.compat.v1.get_variable(name, initializer=value, use_resource=False) for name, value in variables.items()}
        session.run(tf.compat.v1.global_variables_initializer())
        return tf.compat.v1.train.Saver(made).save(session, os.fspath(prefix), write_state=False)


@pytest.mark.parametrize("number", range(40))
def test_into_names(number, tmp_path):
    rng = random.Random(number)
    if number % 2:
        prefix = named_program(rng, 100).write(tmp_path / "objects")
        names = sorted(full_names(prefix))
    else:
        names = [f"n{i}" for i in range(4)]
        prefix = named_file(rng, os.fspath(tmp_path / "named"), names)
    names = [name for name in names if rng.random() < 0.7] + ([rng.choice(["more", "other"])] if rng.random() < 0.3 else [])
    if not names:
        names = ["more"]
    if number % 10 == 1:  # these names are keys of the objects
        names = [key for key in values(prefix) if key.endswith("VARIABLE_VALUE")][:2]
    shapes = [rng.choice([()] * 9 + [(2,)]) for _ in names]
    target = saved_by_saver(tmp_path / "fresh", {name: np.full(shape, 1.0, np.float32) for name, shape in zip(names, shapes)})
    theirs = saver_values(prefix, {name: np.full(shape, 1.0, np.float32) for name, shape in zip(names, shapes)})
    report = check(prefix, target)
    assert report["existing"] == (theirs is not None), report
    if theirs is None:
        assert report["missing"] or report["raises"]
        return
    godwit("restore", prefix, "--into", target, "-o", tmp_path / "out", "-q")
    ours = values(tmp_path / "out")
    assert sorted(ours) == sorted(theirs) and all(same(ours[name], theirs[name]) for name in ours)


# ---- TensorFlow's own cases

class Thing(tf.Module):
    """An object with these attributes."""

    def __init__(self, **attributes):
        super().__init__()
        for name, value in attributes.items():
            setattr(self, name, value)


def write(tmp_path, name, *root, save=False, **objects):
    made = tf.train.Checkpoint(*root, **objects)
    return (made.save if save else made.write)(tmp_path / name)


def names_in(report, field):
    return [item["name"] for item in report[field]]


def test_cp_09_an_attribute_without_an_object_for_it(tmp_path):
    saved = write(tmp_path, "saved", Thing(v1=tf.Variable(2.0), v2=tf.Variable(3.0)))
    target = write(tmp_path, "target", Thing(v1=tf.Module(), v2=tf.Variable(0.0)))
    status = tf.train.Checkpoint(Thing(v1=tf.Module(), v2=tf.Variable(0.0))).read(saved)
    with pytest.raises(AssertionError, match=r"Unused attributes(.|\n)*\(root\).v1"):
        status.assert_consumed()
    status.expect_partial()
    report = check(saved, target)
    assert names_in(report, "unexpected") == ["(root).v1"] and "unused attribute VARIABLE_VALUE" in report["unexpected"][0]["reason"]
    assert answer(report) == (False, False, True)
    assert "unexpected (root).v1: " in godwit("check", saved, "--like", target, "--assert", "existing")


def test_cp_10_partial_restoring_is_an_assertion_of_less(tmp_path):
    saved = write(tmp_path, "saved", Thing(v1=tf.Variable(2.0), v2=tf.Variable(3.0)))
    target = write(tmp_path, "target", Thing(v2=tf.Variable(0.0)))
    assert check(saved, target, "--assert", "existing")["answer"]
    assert not check(saved, target)["answer"]
    assert names_in(check(saved, target), "unexpected") == ["(root).v1"]


def test_cp_15_the_last_restore_wins(tmp_path):
    first = write(tmp_path, "first", a=Thing(v=tf.Variable(12.0)))
    second = write(tmp_path, "second", a=Thing(v=tf.Variable(13.0)))
    fresh = write(tmp_path, "fresh", a=Thing(v=tf.Variable(0.0)))
    for order, last in (((first, second), 13.0), ((second, first), 12.0)):
        godwit("run", "-q", "-e", "inputs[1]:restore(inputs[2]); inputs[1]:restore(inputs[3])", fresh, *order, "-o", tmp_path / str(last))
        assert values(tmp_path / str(last)) == {"a/v/.ATTRIBUTES/VARIABLE_VALUE": last}


def test_cp_22_newer_variables_are_left_alone(tmp_path):
    checkpoint = tf.train.Checkpoint()
    saved = []
    for i in range(10):
        setattr(checkpoint, f"var_{i}", tf.Variable(float(i)))
        saved.append(checkpoint.save(tmp_path / "ckpt"))
        for j in range(i + 1):
            getattr(checkpoint, f"var_{j}").assign_add(100)
    fresh = saved[-1]
    report = check(saved[5], fresh)
    assert answer(report) == (False, False, False) and names_in(report, "missing") == [f"(root).var_{i}" for i in range(6, 10)]
    godwit("restore", saved[5], "--into", fresh, "-o", tmp_path / "out", "--assert", "none", "-q")
    checkpoint.restore(saved[-1])
    status = checkpoint.restore(saved[5])
    assert verdict(lambda: status)[0] == answer(report)
    ours = values(tmp_path / "out")
    assert all(same(ours[f"var_{i}/.ATTRIBUTES/VARIABLE_VALUE"], getattr(checkpoint, f"var_{i}").numpy()) for i in range(10))


def test_cp_23_empty_data_structures_ask_for_nothing(tmp_path):
    saved = write(tmp_path, "saved", v=tf.Variable(1.0), save=True)
    target = write(tmp_path, "target", v=tf.Variable(0.0), d={}, l=[], save=True)
    assert answer(check(saved, target)) == (False, True, True)
    status = tf.train.Checkpoint(v=tf.Variable(0.0), d={}, l=[]).restore(saved)
    assert verdict(lambda: status)[0] == (False, True, True)


def test_cp_24_write_and_read_have_no_counter(tmp_path):
    for value in (1.0, 3.0):
        saved = write(tmp_path, f"saved-{value}", v=tf.Variable(value))
        target = write(tmp_path, "target", v=tf.Variable(0.0))
        godwit("restore", saved, "--into", target, "-o", tmp_path / f"out-{value}", "-q")
        assert values(tmp_path / f"out-{value}") == {"v/.ATTRIBUTES/VARIABLE_VALUE": value}
    assert check(saved, target)["as"] == "read" and check(saved, target)["consumed"]
    assert names_in(check(saved, target, "--as", "restore"), "missing") == ["(root).save_counter"]
    assert "there is no" in godwit("check", tmp_path / "nowhere" / "ckpt", "--like", target, code=4)


def test_cp_29_a_root_with_others_beside_it(tmp_path):
    def build(first, **more):
        root, w = Thing(v=tf.Variable(first)), tf.Variable(first + 1)
        return tf.train.Checkpoint(root, w=w, **more)
    one = build(1.0, y=tf.Variable(3.0)).save(tmp_path / "one")
    joined = Thing(w=tf.Variable(10.0), v=tf.Variable(11.0))
    other = tf.train.Checkpoint(joined, z=tf.Variable(12.0)).save(tmp_path / "other")
    for saved, fresh, untouched, program in ((one, other, ("z", 12.0), tf.train.Checkpoint(joined, z=tf.Variable(12.0))),
                                             (other, one, ("y", 3.0), build(1.0, y=tf.Variable(3.0)))):
        out = tmp_path / f"out-{untouched[0]}"
        godwit("restore", saved, "--into", fresh, "-o", out, "--assert", "none", "-q")
        assert verdict(lambda: program.restore(saved))[0] == answer(check(saved, fresh))  # pylint: disable=cell-var-from-loop
        ours, theirs = values(out), values(saved)
        assert ours[f"{untouched[0]}/.ATTRIBUTES/VARIABLE_VALUE"] == untouched[1]
        for name in ("v", "w", "save_counter"):
            assert ours[f"{name}/.ATTRIBUTES/VARIABLE_VALUE"] == theirs[f"{name}/.ATTRIBUTES/VARIABLE_VALUE"]


def test_cp_31_an_incompatible_shape_is_named(tmp_path):
    saved = write(tmp_path, "saved", a=tf.Variable([1.0, 2.0], name="a"))
    target = write(tmp_path, "target", a=tf.Variable([1.0], name="a"))
    with pytest.raises(ValueError, match="incompatible tensor with shape") as raised:
        tf.train.Checkpoint(a=tf.Variable([1.0], name="a")).read(saved)
    report = check(saved, target)
    assert report["raises"] and report["mismatched"][0]["name"] == "(root).a"
    assert report["mismatched"][0]["reason"] + "." == str(raised.value)
    message = godwit("run", "-e", "inputs[1]:restore(inputs[2])", target, saved, "-o", tmp_path / "out", code=RECIPE)
    assert "incompatible tensor with shape (2,)" in message and not os.path.exists(tmp_path / "out.index")


def test_cp_36_a_reference_variable_saved_both_ways(tmp_path):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        v = tf.compat.v1.get_variable("v1", initializer=7.0, use_resource=False)
        session.run(v.initializer)
        objects = tf.compat.v1.train.Checkpoint(v=v).save(os.fspath(tmp_path / "objects"), session=session)
        session.run(v.assign(9.0))
        names = tf.compat.v1.train.Saver([v]).save(session, os.fspath(tmp_path / "names"), write_state=False)
    assert check(objects, names)["answer"] and check(names, objects)["answer"]
    godwit("restore", objects, "--into", names, "-o", tmp_path / "a", "-q")
    godwit("restore", names, "--into", objects, "-o", tmp_path / "b", "-q")
    assert values(tmp_path / "a") == {"v1": 7.0}
    assert values(tmp_path / "b")["v/.ATTRIBUTES/VARIABLE_VALUE"] == 9.0


def graph_of(prefix):
    return json.loads(godwit("graph", prefix, "--json"))["nodes"]


def test_cv_01_children(tmp_path):
    root = Thing(leaf=Thing())
    assert [(child["name"], child["node"]) for child in graph_of(write(tmp_path, "a", root))[0]["children"]] == [("leaf", 1), ("root", 0)]


def test_cv_02_all_nodes(tmp_path):
    saved = write(tmp_path, "a", Thing(leaf=Thing()), save=True)
    assert [node["path"] for node in graph_of(saved)] == ["", "leaf", "save_counter"]
    assert sorted(tf.train.CheckpointView(saved).descendants()) == [0, 1, 2]


def leaves(first, **of_leaf1):
    leaf1 = Thing(leaf3=tf.Variable(first), **of_leaf1)
    return Thing(leaf1=leaf1, leaf2=Thing(leaf5=tf.Variable(first + 2)))


def test_cv_03_matching_nodes(tmp_path):
    saved = write(tmp_path, "saved", leaves(1.0, leaf4=tf.Variable(2.0)), save=True)
    target = write(tmp_path, "target", leaves(11.0))
    report = check(saved, target, "--assert", "existing")
    assert report["answer"] and names_in(report, "unexpected") == ["(root).save_counter", "(root).leaf1.leaf4"]
    matched = tf.train.CheckpointView(saved).match(leaves(11.0))
    keys = {attribute["key"] for node in graph_of(saved) if node["id"] in matched for attribute in node["attributes"]}
    assert {item["from"] for item in report["restored"]} == keys


def test_cv_04_inconsistent_references(tmp_path):
    shared = tf.Variable(1.0)
    saved = write(tmp_path, "saved", Thing(a=shared, b=shared))
    target = write(tmp_path, "target", Thing(a=tf.Variable(2.0), b=tf.Variable(3.0)))
    report = check(saved, target)
    assert names_in(report, "missing") == ["(root).b"]
    assert [note["name"] for note in report["notes"] if note["reason"].startswith("Inconsistent references")] == ["(root).b"]
    godwit("restore", saved, "--into", target, "-o", tmp_path / "out", "--assert", "none", "-q")
    assert [values(tmp_path / "out")[f"{name}/.ATTRIBUTES/VARIABLE_VALUE"] for name in "ab"] == [1.0, 3.0]


def test_vo_02_slot_variables_are_restored(tmp_path):
    def build(value):
        var, optimizer = tf.Variable(value), tf.compat.v1.train.AdamOptimizer(0.0)
        optimizer.apply_gradients([(tf.zeros_like(var), var)])
        optimizer.get_slot(var, "m").assign(value + 2)
        return tf.train.Checkpoint(var=var, optimizer=optimizer)
    saved = build(12.0).save(tmp_path / "saved")
    slot = "var/.OPTIMIZER_SLOT/optimizer/{}/.ATTRIBUTES/VARIABLE_VALUE"
    assert sorted(values(saved)) == sorted(f"{path}/.ATTRIBUTES/VARIABLE_VALUE" for path in (
        "optimizer/beta1_power", "optimizer/beta2_power", "save_counter", "var", "var/.OPTIMIZER_SLOT/optimizer/m",
        "var/.OPTIMIZER_SLOT/optimizer/v"))
    fresh = build(0.0).save(tmp_path / "fresh")
    godwit("restore", saved, "--into", fresh, "-o", tmp_path / "out", "-q")
    ours = values(tmp_path / "out")
    assert ours["var/.ATTRIBUTES/VARIABLE_VALUE"] == 12.0 and ours[slot.format("m")] == 14.0
    # An optimizer that has done nothing yet: TensorFlow makes the slots, and the powers are left over.
    idle = write(tmp_path, "idle", var=tf.Variable(0.0), optimizer=tf.compat.v1.train.AdamOptimizer(0.0), save=True)
    report = check(saved, idle)
    assert answer(report) == (False, False, True)
    assert "(root).optimizer's state 'm' for (root).var" in names_in(report, "notes")
    assert names_in(report, "unexpected") == ["(root).optimizer.beta1_power", "(root).optimizer.beta2_power"]


# ---- What random structures do not have

def both(tmp_path, save, build, how="restore"):
    """The report for what `save` gives and what `build` does, once the verdicts and the values are found to be TensorFlow's."""
    saved = (save().save if how == "restore" else save().write)(tmp_path / "saved")
    target = (build().save if how == "restore" else build().write)(tmp_path / "fresh")
    program = build()
    theirs, error = verdict(lambda: getattr(program, how)(saved))
    report = check(saved, target)
    assert theirs == answer(report), error
    if not report["raises"]:
        assert_restored(saved, target, report, program.write(tmp_path / "theirs"), tmp_path)
    return report


def keras(units, optimizer=None, steps=0):
    layers = tf.keras.layers
    inputs = tf.keras.Input((3,))
    shared = layers.Dense(3)
    outputs = layers.Dense(units)(layers.Add()([shared(inputs), shared(shared(inputs))]))
    model = tf.keras.Model(inputs, layers.BatchNormalization()(outputs))
    for _ in range(steps):
        optimizer.apply_gradients([(tf.ones_like(v), v) for v in model.trainable_variables])
    return tf.train.Checkpoint(model=model, **({"optimizer": optimizer} if optimizer else {}))


@pytest.mark.parametrize("how", ["restore", "read"])
@pytest.mark.parametrize("kind", ["Adam", "legacy.Adam", "SGD"])
def test_keras_models(tmp_path, how, kind):
    def make():
        space = tf.keras.optimizers.legacy if "legacy" in kind else tf.keras.optimizers
        return getattr(space, kind.split(".")[-1])(0.1)
    report = both(tmp_path, lambda: keras(2, make(), 2), lambda: keras(2, make(), 1), how)
    assert report["consumed"]
    report = both(tmp_path / "fresh optimizer", lambda: keras(2, make(), 1), lambda: keras(2, make()), how)
    assert report["existing"]
    assert both(tmp_path / "other shape", lambda: keras(2, make(), 1), lambda: keras(4, make(), 1), how)["raises"]
    assert both(tmp_path / "no optimizer", lambda: keras(2, make(), 1), lambda: keras(2), how)["existing"]


def test_keras_optimizers_of_two_ages(tmp_path):
    old, new = tf.keras.optimizers.legacy.Adam, tf.keras.optimizers.Adam
    report = both(tmp_path, lambda: keras(2, old(), 1), lambda: keras(2, new(), 1))
    assert "v2.11+ Optimizer" in report["mismatched"][0]["reason"] and report["mismatched"][0]["name"] == "(root).optimizer"
    both(tmp_path / "back", lambda: keras(2, new(), 1), lambda: keras(2, old(), 1))


def test_keras_weights(tmp_path):
    model, other = keras(2).model, keras(2).model
    model.save_weights(tmp_path / "weights")
    other.save_weights(tmp_path / "fresh")
    report = check(tmp_path / "weights", tmp_path / "fresh")
    assert report["as"] == "read" and report["consumed"]
    other.load_weights(tmp_path / "weights").assert_consumed()
    godwit("restore", tmp_path / "weights", "--into", tmp_path / "fresh", "-o", tmp_path / "out", "-q")
    ours, theirs = values(tmp_path / "out"), values(tmp_path / "weights")
    assert sorted(ours) == sorted(theirs) and all(same(ours[key], theirs[key]) for key in ours)


def test_iterators_generators_and_state(tmp_path):
    def build(steps):
        iterator = iter(tf.data.Dataset.range(10))
        for _ in range(steps):
            next(iterator)
        return tf.train.Checkpoint(i=iterator, g=tf.random.Generator.from_seed(steps), s=structures.State(f"{steps} steps"))
    saved, target = build(3).write(tmp_path / "saved"), build(1).write(tmp_path / "fresh")
    assert answer(check(saved, target)) == verdict(lambda: build(1).read(saved))[0] == (False, True, True)
    godwit("restore", saved, "--into", target, "-o", tmp_path / "out", "-q")
    program = build(0)
    program.read(os.fspath(tmp_path / "out")).assert_consumed()
    assert next(program.i).numpy() == 3 and program.s.text == "3 steps"


def test_optimizers_found_after_their_variables(tmp_path):
    def save():
        variable = tf.Variable([1.0, 2.0])
        optimizer = tf.keras.optimizers.legacy.SGD(0.1, momentum=0.9)
        optimizer.apply_gradients([(tf.ones_like(variable), variable)])
        return tf.train.Checkpoint(v=variable, deep=Thing(deeper=Thing(o=optimizer)))

    def build():
        return tf.train.Checkpoint(v=tf.Variable([0.0, 0.0]), deep=Thing(deeper=Thing(o=Thing(x=tf.Variable(0.0)))))
    report = both(tmp_path, save, build)
    assert "AttributeError" in report["mismatched"][0]["reason"] and report["mismatched"][0]["name"] == "(root).deep.deeper.o"
    assert both(tmp_path / "same", save, save)["consumed"]


def test_a_part_of_one_into_a_part_of_another(tmp_path):
    def save(first):
        return tf.train.Checkpoint(model=Thing(block=Thing(a=tf.Variable(first), b=[tf.Variable(first + 1)])), v=tf.Variable(first))

    def build(first):
        return tf.train.Checkpoint(net=Thing(blocks=[Thing(a=tf.Variable(first), b=[tf.Variable(first + 1)])]), v=tf.Variable(first))
    saved, fresh = save(1.0).save(tmp_path / "saved"), build(11.0).save(tmp_path / "fresh")
    lua = 'local r = inputs[1]:restore(inputs[2], {from = "model/block", into = "net/blocks/0"}); assert(r.consumed and r.mode == "read")'
    godwit("run", "-q", "-e", lua, fresh, saved, "-o", tmp_path / "out")
    program = build(0.0)
    program.restore(os.fspath(tmp_path / "out")).assert_consumed()
    assert [program.net.blocks[0].a.numpy(), program.net.blocks[0].b[0].numpy(), program.v.numpy()] == [1.0, 2.0, 11.0]
