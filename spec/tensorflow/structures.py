"""Random structures of objects, and what becomes of them: pairs of a program that saved and a program that restores.

A structure is plain data (Node) that is built as often as it is needed, always with the same values; a changed copy of it is
the other program. Everything follows from the number that a pair is made with."""
import copy
import random

import tensorflow as tf
from tensorflow.python.checkpoint import graph_view, util
from tensorflow.python.trackable import data_structures

Legacy = tf.keras.optimizers.legacy
OPTIMIZERS = {
    "legacy adam": lambda: Legacy.Adam(0.1), "legacy sgd": lambda: Legacy.SGD(0.1, momentum=0.5), "adam": lambda: tf.keras.optimizers.Adam(0.1),
    "sgd": lambda: tf.keras.optimizers.SGD(0.1, momentum=0.5), "tf1 momentum": lambda: tf.compat.v1.train.MomentumOptimizer(0.1, 0.5),
    "tf1 adam": lambda: tf.compat.v1.train.AdamOptimizer(0.1),
}
SHAPES = [(), (2,), (1,), (2, 3)]
DTYPES = ["float32", "float32", "float32", "int32", "int64", "float64"]
NAMES = ["a", "b", "c", "d", "kernel", "bias", "layer"]
KEYS = NAMES + ["x/y", "x.y", ".S", "ü"]
INNER = ["module", "checkpoint", "list", "dict", "tuple"]
NAMED = ["module", "checkpoint", "dict"]


class State(tf.train.experimental.PythonState):
    def __init__(self, text=""):
        self.text = text

    def serialize(self):
        return self.text

    def deserialize(self, value):
        self.text = value.decode()


class Node:
    """kind: of INNER, "variable", "table", "state" or of OPTIMIZERS. children: pairs of a name and a Node; an optimizer's are the
    variables that it works on. back: pairs of a name and an ancestor, set once all is there."""

    def __init__(self, kind, children=(), **more):
        self.kind, self.children, self.back = kind, list(children), []
        self.shape, self.dtype, self.work = more.get("shape", ()), more.get("dtype", "float32"), more.get("work", True)


class Program:
    """The root with what it is given to tf.train.Checkpoint as: itself ("checkpoint": its children are the arguments), or as the
    root argument, with `beside` it."""

    def __init__(self, root, beside=()):
        self.root, self.beside = root, list(beside)

    def nodes(self):
        found, queue = [], [self.root] + [node for _, node in self.beside]
        while queue:
            node = queue.pop(0)
            if not any(node is other for other in found):
                found.append(node)
                queue += [child for _, child in node.children]
        return found

    def containers(self, kinds=tuple(INNER)):
        return [node for node in self.nodes() if node.kind in kinds]


# ---- Making

def variable(rng):
    return Node("variable", shape=rng.choice(SHAPES), dtype=rng.choice(DTYPES))


def leaf(rng):
    kind = rng.random()
    if kind < 0.85:
        return variable(rng)
    return Node("table") if kind < 0.92 else Node("state") if kind < 0.96 else Node(rng.choice(["module", "list", "dict"]))


def names_for(rng, kind, count):
    if kind in ("list", "tuple"):
        return [str(i) for i in range(count)]
    return rng.sample(KEYS if kind == "dict" else NAMES, count)


def tree(rng, depth, made):
    """Some of it is what is elsewhere already."""
    if made and rng.random() < 0.15:
        return rng.choice(made)
    if depth == 0 or rng.random() < 0.3:
        node = leaf(rng)
    else:
        kind = rng.choice(INNER)
        node = Node(kind)
        for name in names_for(rng, kind, rng.randint(1, 3)):
            node.children.append((name, tree(rng, depth - 1, made)))
    made.append(node)
    return node


def program(rng):
    made = []
    kind = rng.choice(["checkpoint", "checkpoint", "module"])
    root = Node(kind, [(name, tree(rng, 2, made)) for name in names_for(rng, kind, rng.randint(1, 4))])
    result = Program(root)
    if kind == "module" and rng.random() < 0.5:
        result.beside = [(name, tree(rng, 1, made)) for name in rng.sample(["extra", "more", "zzz"], rng.randint(1, 2))]
    if rng.random() < 0.3:
        owner = rng.choice(result.containers(("module",)) or [root])
        if owner.kind == "module":
            owner.back.append(("up", root))
    if rng.random() < 0.45:
        optimizer(rng, result)
    return result


def floats(result):
    return [node for node in result.nodes() if node.kind == "variable" and node.dtype == "float32"]


def optimizer(rng, result):
    variables = floats(result)
    if variables:
        chosen = rng.sample(variables, rng.randint(1, len(variables)))
        node = Node(rng.choice(list(OPTIMIZERS)), [(str(i), v) for i, v in enumerate(chosen)], work=rng.random() < 0.8)
        owner = rng.choice([result.root] * 3 + result.containers(("module", "checkpoint")))
        owner.children.append(("opt", node))


# ---- Changing

def rename(rng, result):
    owner = rng.choice(result.containers(NAMED) or [result.root])
    if owner.children:
        at = rng.randrange(len(owner.children))
        owner.children[at] = (rng.choice(["renamed", "other", "first"]), owner.children[at][1])


def remove(rng, result):
    owner = rng.choice(result.containers())
    if owner.children and owner.kind != "tuple":
        owner.children.pop(-1 if owner.kind == "list" else rng.randrange(len(owner.children)))


def add(rng, result):
    owner = rng.choice(result.containers())
    if owner.kind != "tuple":
        owner.children.append((str(len(owner.children)) if owner.kind == "list" else "added", leaf(rng)))


def add_empty(rng, result):
    owner = rng.choice(result.containers(NAMED) or [result.root])
    owner.children.append(("empty", Node(rng.choice(["module", "list", "dict", "checkpoint"]))))


def reshape(rng, result):
    variables = [node for node in result.nodes() if node.kind == "variable"]
    if variables:
        rng.choice(variables).shape = rng.choice(SHAPES)


def recast(rng, result):
    variables = [node for node in result.nodes() if node.kind == "variable"]
    used = [child for node in result.nodes() if node.kind in OPTIMIZERS for _, child in node.children]
    variables = [node for node in variables if not any(node is other for other in used)]
    if variables:
        rng.choice(variables).dtype = rng.choice(DTYPES)


def change_kind(rng, result):
    owner = rng.choice(result.containers())
    if owner is not result.root and not owner.back:
        if owner.kind in NAMED and all(name in NAMES for name, _ in owner.children):
            owner.kind = rng.choice(NAMED)
        elif owner.kind in ("list", "tuple") and owner.children:
            owner.kind = rng.choice(["list", "tuple"])


def divide(rng, result):
    """What two edges led to becomes two objects."""
    owner = rng.choice(result.containers())
    if owner.children and owner.kind != "tuple":
        at = rng.randrange(len(owner.children))
        name, child = owner.children[at]
        if child.kind not in OPTIMIZERS:
            owner.children[at] = (name, copy.deepcopy(child))


def unite(rng, result):
    """Two edges lead to one object. No circles through lists: they could not be built."""
    owner = rng.choice(result.containers())
    leaves = [node for node in result.nodes() if node.kind in ("variable", "table")]
    if owner.children and leaves:
        at = rng.randrange(len(owner.children))
        if owner.children[at][1].kind not in OPTIMIZERS:
            owner.children[at] = (owner.children[at][0], rng.choice(leaves))


def exchange(rng, result):
    owner = rng.choice(result.containers())
    if len(owner.children) > 1:
        i, j = rng.sample(range(len(owner.children)), 2)
        (first, one), (second, other) = owner.children[i], owner.children[j]
        owner.children[i], owner.children[j] = (first, other), (second, one)


def reorder(rng, result):
    owner = rng.choice(result.containers(NAMED) or [result.root])
    if owner.kind in NAMED:
        rng.shuffle(owner.children)


def replace(rng, result):
    owner = rng.choice(result.containers())
    if owner.children:
        at = rng.randrange(len(owner.children))
        owner.children[at] = (owner.children[at][0], leaf(rng))


def change_optimizer(rng, result):
    owners = [(node, i) for node in result.nodes() for i, (name, _) in enumerate(node.children) if name == "opt"]
    if not owners:
        return optimizer(rng, result)
    owner, at = rng.choice(owners)
    node = owner.children[at][1]
    way = rng.random()
    if way < 0.3:
        node.kind = rng.choice(list(OPTIMIZERS)) if node.kind in OPTIMIZERS else node.kind
    elif way < 0.6:
        node.work = not node.work
    elif way < 0.75:
        owner.children[at] = ("opt", Node("module", [("only", Node("variable"))]))
    elif way < 0.85:
        owner.children[at] = ("opt", Node("module"))
    else:
        owner.children.pop(at)
    return None


def put_beside(rng, result):
    if result.root.kind == "module" and not result.beside:
        result.beside = [("extra", leaf(rng))]
    else:
        result.beside = []


CHANGES = [rename, remove, add, add_empty, reshape, recast, change_kind, divide, unite, exchange, reorder, replace, change_optimizer, put_beside]


def pair(number):
    """What was saved, what restores, and how: Program, Program, "save" or "write", "restore" or "read"."""
    rng = random.Random(number)
    saved = program(rng)
    restoring = copy.deepcopy(saved)
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
        rng.choice(CHANGES)(rng, restoring)
    how = rng.choice([("save", "restore"), ("write", "read"), ("save", "restore"), ("write", "read"), ("save", "read"), ("write", "restore")])
    return saved, restoring, *how


# ---- Building

class Builder:
    def __init__(self):
        self.made = {}
        self.later = []

    def build(self, node):
        if id(node) not in self.made:
            self.made[id(node)] = self.make(node)
        return self.made[id(node)]

    def make(self, node):
        if node.kind in OPTIMIZERS:
            made = OPTIMIZERS[node.kind]()
            self.later.append((made, node))
            return made
        if node.kind == "variable":
            return tf.Variable(tf.zeros(node.shape, node.dtype))
        if node.kind == "table":
            return tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
        if node.kind == "state":
            return State()
        return self.make_container(node)

    def make_container(self, node):
        if node.kind in ("list", "tuple"):
            items = [self.build(child) for _, child in node.children]
            return data_structures.wrap_or_unwrap(items if node.kind == "list" else tuple(items))
        made = {"module": tf.Module, "checkpoint": tf.train.Checkpoint, "dict": dict}[node.kind]()
        if node.kind != "dict":
            self.made[id(node)] = made
        for name, child in node.children:
            child = self.build(child)
            if node.kind == "dict":
                made[name] = child
            else:
                setattr(made, name, child)
        for name, ancestor in node.back:
            setattr(made, name, self.build(ancestor))
        return data_structures.wrap_or_unwrap(made) if node.kind == "dict" else made

    def work(self):
        for made, node in self.later:
            variables = [self.made[id(v)] for _, v in node.children if id(v) in self.made]
            if node.work and variables:
                made.apply_gradients([(tf.ones_like(v), v) for v in variables])


def build(result, first):
    """The tf.train.Checkpoint of a Program, whose values count from `first`."""
    builder = Builder()
    root = builder.build(result.root)
    beside = {name: builder.build(node) for name, node in result.beside}
    builder.work()
    if result.root.kind == "checkpoint":
        made = root
    else:
        made = tf.train.Checkpoint(root, **beside)
    for i, thing in enumerate(util.list_objects(made._saver._graph_view)):  # pylint: disable=protected-access
        if isinstance(thing, tf.Variable):
            thing.assign(tf.cast(tf.fill(thing.shape, first + i), thing.dtype))
        elif isinstance(thing, State):
            thing.text = f"state {first + i}"
        elif isinstance(thing, tf.lookup.experimental.MutableHashTable):
            thing.insert(["k", f"k{first}"], [first + i, first])
    return made
