"""Assignment maps: what tf.compat.v1.train.init_from_checkpoint makes of a model's variables is what ckpt:assign makes of its
checkpoint. The cases of TensorFlow's checkpoint_utils_test.py (CU-nn), and random maps."""
import numpy as np
import pytest
import tensorflow as tf

from oracle import Read, graph, partitioned, save_names, session, tf1
from support import DAMAGED, RECIPE, godwit, lua, printed, refused, run, values

random = np.random.default_rng(17)
SOURCE = {"var1": random.random((1, 10), np.float32), "var2": random.random((10, 10), np.float32),
          "var3": random.random((20, 20), np.float32), "useful_scope/var4": random.random((9, 9), np.float32)}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return save_names(str(tmp_path_factory.mktemp("source") / "model-0"), SOURCE, state=True)


def build(target):
    """name -> (shape, parts or None): TF1 variables, all of them -1."""
    made = {}
    for name, (shape, parts) in target.items():
        partitioner = tf1.fixed_size_partitioner(parts) if parts else None
        made[name] = tf1.get_variable(name, shape, initializer=tf1.constant_initializer(-1), partitioner=partitioner)
    return made


def of_tensorflow(target, source, maps):
    with graph():
        made = build(target)
        for assignment in maps:
            tf1.train.init_from_checkpoint(source, assignment)
        with session() as running:
            running.run(tf1.global_variables_initializer())
            return running.run({name: tf.convert_to_tensor(v) for name, v in made.items()})


def model(target, prefix):
    """The model's checkpoint before anything was assigned."""
    with graph():
        build(target)
        with session() as running:
            running.run(tf1.global_variables_initializer())
            return tf1.train.Saver().save(running, str(prefix), write_meta_graph=False)


def check(target, source, maps, folder):
    expected = of_tensorflow(target, source, maps)
    made = run("".join(f"ckpt:assign(inputs[2], {lua(assignment)}); " for assignment in maps), model(target, folder / "model"), source,
               to=folder / "made")
    found = Read(made)
    assert sorted(found.shapes) == sorted(expected)
    for name, value in expected.items():
        assert found.value(name).tobytes() == value.tobytes(), name


# ---- checkpoint_utils_test.py

def test_cu_01_no_checkpoints(tmp_path):
    with pytest.raises(ValueError):
        tf.train.load_variable(str(tmp_path), "var1")
    godwit("inspect", tmp_path, code=DAMAGED)


def test_cu_02_no_tensor(source, tmp_path):
    with pytest.raises(tf.errors.NotFoundError):
        tf.train.load_variable(source, "var5")
    assert "var5" in refused("ckpt.vars.x = ckpt.vars.var5", source, to=tmp_path / "made", code=RECIPE)


def test_cu_03_values(source):
    made = values(source)
    for name, value in SOURCE.items():
        assert np.float32(made[name]).tobytes() == tf.train.load_variable(source, name).tobytes() == value.tobytes()


def test_cu_04_shapes_in_the_order_of_names(source):
    assert printed("plan", "-e", "for name, t in ckpt:each() do print(name, t.shape) end", source) == \
        [f"{name}\t[{','.join(map(str, shape))}]" for name, shape in tf.train.list_variables(source)]


def test_cu_05_paths_with_odd_bytes(tmp_path):
    odd = save_names(str(tmp_path / "a b'\"ü$" / "model 0"), SOURCE)
    check({"x": ((1, 10), None)}, odd, [{"var1": "x"}], tmp_path)


TARGET = {"some_scope/my1": ((1, 10), None), "some_scope/some_other_scope/my2": ((10, 10), None),
          "some_scope/some_other_scope/other_useful_scope/var4": ((9, 9), None), "my3": ((20, 20), None), "my3b": ((20, 20), None)}


def test_cu_06_names_scopes_and_one_source_for_two_targets(source, tmp_path):
    check(TARGET, source, [
        {"var1": "some_scope/my1", "useful_scope/": "some_scope/some_other_scope/other_useful_scope/"},
        [("var2", "some_scope/some_other_scope/my2"), ("var3", "my3"), ("var3", "my3b")],
    ], tmp_path)


def test_cu_07_what_no_rule_means_keeps_its_value(source, tmp_path):
    check(TARGET, source, [{"var1": "some_scope/my1"}], tmp_path)


def test_cu_08_a_scope_ends_at_its_slash(source, tmp_path):
    target = {"useful_scope_1/var5": ((10, 10), None), "useful_scope/var4": ((9, 9), None)}
    check(target, source, [{"useful_scope/": "useful_scope/"}], tmp_path)


def test_cu_10_from_the_root(source, tmp_path):
    check({f"some_scope/{name}": (value.shape, None) for name, value in SOURCE.items()}, source, [{"/": "some_scope/"}], tmp_path)


def test_cu_11_from_the_root_to_the_root(source, tmp_path):
    check({name: (value.shape, None) for name, value in SOURCE.items()}, source, [{"/": "/"}], tmp_path)


def test_parts_of_one_variable_on_either_side(source, tmp_path):
    check({"some/var3": ((20, 20), 3), "var2": ((10, 10), 4)}, source, [{"/": "some/", "var2": "var2"}], tmp_path / "whole")
    with graph():
        partitioned("w", SOURCE["var2"], 3)
        with session() as running:
            running.run(tf1.global_variables_initializer())
            sliced = tf1.train.Saver().save(running, str(tmp_path / "sliced"), write_meta_graph=False)
    check({"v": ((10, 10), None), "u": ((10, 10), 5)}, sliced, [[("w", "v"), ("w", "u")]], tmp_path / "parts")


def test_variables_that_are_saved_part_by_part(source, tmp_path):
    """A Saver that was given the parts as variables of their own."""
    value, rows = SOURCE["var3"], (7, 7, 6)
    expected = of_tensorflow({"scope/w": ((20, 20), 3)}, source, [{"var3": "scope/w"}])["scope/w"]
    parts = {f"scope/w/part_{i}": np.zeros((n, 20), np.float32) for i, n in enumerate(rows)}
    made = run("ckpt:assign(inputs[2], {var3 = 'scope/w'})", save_names(str(tmp_path / "parts"), parts), source, to=tmp_path / "made")
    found = Read(made)
    assert np.concatenate([found.value(name) for name in parts]).tobytes() == expected.tobytes() == value.tobytes()
    back = run("ckpt:assign(inputs[2], {['scope/'] = '/'})", save_names(str(tmp_path / "whole"), {"w": np.zeros((20, 20), np.float32)}), made,
               to=tmp_path / "back")
    assert Read(back).value("w").tobytes() == value.tobytes()


ERRORS = {
    "a source's name": ({"no_var": "my1"}, 'my1: the source has no tensor "no_var"'),
    "a target's name": ({"var3": "no_var"}, 'there is no tensor "no_var"'),
    "another shape": ({"var1": "my2"}, "my2: it is float32[10,10], and what comes from \"var1\" is float32[1,10]"),
    "members that the source lacks": ({"useful_scope/": "some_scope/"}, 'some_scope/my1: the source has no tensor "useful_scope/my1"'),
    "a scope without its slash": ({"useful_scope": "some_scope/"}, "a scope goes to a scope, and both end in '/'"),
}


@pytest.mark.parametrize("what", ERRORS)
def test_cu_13_errors(source, tmp_path, what):
    assignment, message = ERRORS[what]
    target = {"my1": ((10, 10), None), "my2": ((10, 10), None), "some_scope/my1": ((10, 10), None)}
    with pytest.raises(ValueError):
        of_tensorflow(target, source, [assignment])
    assert message in refused(f"ckpt:assign(inputs[2], {lua(assignment)})", model(target, tmp_path / "in" / "model"), source,
                              to=tmp_path / "made", code=RECIPE)


def test_cu_13_no_directory(source, tmp_path):
    with pytest.raises(tf.errors.OpError):
        of_tensorflow({"x": ((1, 10), None)}, str(tmp_path / "no"), [{"var1": "x"}])
    godwit("plan", "-e", "ckpt:assign(inputs[2], {var1 = 'x'})", source, tmp_path / "no", code=DAMAGED)


def test_object_based_sources_are_known_by_their_keys(tmp_path):
    key = "net/w/.ATTRIBUTES/VARIABLE_VALUE"
    made = tf.train.Checkpoint(net=tf.train.Checkpoint(w=tf.Variable(SOURCE["var2"]))).save(str(tmp_path / "objects"))
    check({"x": ((10, 10), 2)}, made, [{key: "x"}], tmp_path)


# ---- Random maps: TensorFlow's answer, or its refusal

SHAPES = [(4, 3), (6, 2), ()]
PARTS = ["a", "b", "s/a", "s/b", "s/t/a", "s_1/a", "t/b"]
SCOPES = ["/", "s/", "s/t/", "t/", "s_1/"]


def random_case(seed):
    choose = np.random.default_rng(seed)
    def names(least):
        count = int(choose.integers(least, len(PARTS) + 1))
        return [str(name) for name in choose.choice(PARTS, count, replace=False)]
    shape = {name.rsplit("/", 1)[-1]: SHAPES[i % 3] for i, name in enumerate(PARTS)}  # leaves of one name mostly agree
    leaf = lambda name: shape[name.rsplit("/", 1)[-1]] if choose.random() < .95 else (5,)
    saved = {name: choose.random(leaf(name), np.float32) for name in names(4)}
    target = {}
    for name in names(2):
        size = leaf(name)
        target[name] = (size, int(choose.integers(2, 4)) if size and choose.random() < .4 else None)
    rules = []
    for _ in range(int(choose.integers(1, 4))):
        if choose.random() < .5:
            rules.append((str(choose.choice(SCOPES)), str(choose.choice(SCOPES))))
        else:
            rules.append((str(choose.choice(list(saved) + ["no"])), str(choose.choice(list(target)))))
    return saved, target, rules


def says_more(target, rules):
    """Rules that TensorFlow passes over without a word, and godwit refuses: a scope that has no variable in it."""
    return any(to.endswith("/") and to != "/" and not any(name.startswith(to) for name in target) for _, to in rules)


@pytest.mark.parametrize("first", range(0, 60, 20))
def test_random_maps(tmp_path, first):
    answers = 0
    for seed in range(first, first + 20):
        saved, target, rules = random_case(seed)
        folder = tmp_path / str(seed)
        source = save_names(str(folder / "source"), saved)
        script = f"ckpt:assign(inputs[2], {lua(rules)})"
        try:
            expected = of_tensorflow(target, source, [rules])
        except (ValueError, tf.errors.OpError):
            expected = None
        if expected is None or says_more(target, rules):
            refused(script, model(target, folder / "model"), source, to=folder / "made", code=RECIPE)
            continue
        answers += 1
        found = Read(run(script, model(target, folder / "model"), source, to=folder / "made"))
        for name, value in expected.items():
            assert found.value(name).tobytes() == value.tobytes(), (seed, name, rules)
    assert answers > 0
