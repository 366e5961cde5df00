"""TensorFlow as the one that writes checkpoints and reads them back."""
import contextlib
import os

import ml_dtypes
import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2
from tensorflow.python.framework import dtypes

tf1 = tf.compat.v1

# Every dtype that a SaveV2 of this release takes, beside strings and variants.
NUMERIC = ["float32", "float64", "float16", "bfloat16", "float8_e5m2", "float8_e4m3fn", "int8", "int16", "int32", "int64",
           "int4", "uint8", "uint16", "uint32", "uint64", "uint4", "bool", "complex64", "complex128", "qint8", "quint8",
           "qint16", "quint16", "qint32"]
SIZES = {name: getattr(dtypes, name).size if name not in ("int4", "uint4") else 1 for name in NUMERIC}
NUMPY = {"bfloat16": ml_dtypes.bfloat16, "float8_e5m2": ml_dtypes.float8_e5m2, "float8_e4m3fn": ml_dtypes.float8_e4m3fn,
         "int4": ml_dtypes.int4, "uint4": ml_dtypes.uint4}


def numpy_of(dtype):
    return np.dtype(NUMPY.get(dtype) or (dtype[1:] if dtype.startswith("q") else dtype))


# ---- Writing

def tensor(dtype, shape, content):
    """A tensor of any dtype from its bytes."""
    proto = tensor_pb2.TensorProto(dtype=getattr(dtypes, dtype).as_datatype_enum, tensor_content=content)
    for size in shape:
        proto.tensor_shape.dim.add().size = size
    return tf.io.parse_tensor(proto.SerializeToString(), getattr(dtypes, dtype))


def some(dtype, shape, seed=0):
    """A tensor of any dtype with random bits; what is no value of its dtype (other booleans, high nibbles) is avoided."""
    count = int(np.prod(shape, dtype=np.int64))
    content = np.random.default_rng(seed).integers(0, 256, count * SIZES[dtype], dtype=np.uint8)
    content &= {"bool": 1, "int4": 15, "uint4": 15}.get(dtype, 255)
    return tensor(dtype, shape, content.tobytes())


def save_v2(prefix, tensors, specs=None):
    """One SaveV2 of a dictionary, or of pairs, in their order. specs: name or position -> shape and slice."""
    pairs = list(tensors.items() if isinstance(tensors, dict) else tensors)
    specs = specs or {}
    slices = [specs.get(i, specs.get(name, "")) for i, (name, _) in enumerate(pairs)]
    os.makedirs(os.path.dirname(prefix), exist_ok=True)
    tf.raw_ops.SaveV2(prefix=prefix, tensor_names=[name for name, _ in pairs], shape_and_slices=slices,
                      tensors=[tf.convert_to_tensor(value) for _, value in pairs])
    return prefix


def save_sorted(prefix, tensors):
    """As a Saver lays out the same names and values."""
    return save_v2(prefix, sorted(tensors.items(), key=lambda pair: raw_name(pair[0])))


def raw_name(name):
    return name.encode() if isinstance(name, str) else name


def merge(prefix, parts):
    tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=parts, destination_prefix=prefix, delete_old_dirs=True)
    return prefix


@contextlib.contextmanager
def graph():
    """A TF1 graph of its own and, once `session()` is called in it, a session with three devices."""
    with tf.Graph().as_default():
        yield


def session():
    return tf1.Session(config=tf1.ConfigProto(device_count={"CPU": 3}, intra_op_parallelism_threads=1,
                                              inter_op_parallelism_threads=1))


def saver(prefix, build, step=None, meta=False, state=False, **options):
    """Saves what `build` makes in a TF1 graph. It returns what the Saver gets: nothing, a list or a dictionary."""
    with graph():
        writer = tf1.train.Saver(build(), **options)
        with session() as running:
            running.run([tf1.global_variables_initializer(), tf1.tables_initializer()])
            return writer.save(running, prefix, global_step=step, write_meta_graph=meta, write_state=state)


def save_names(prefix, named, devices=None, **options):
    """A Saver's checkpoint of exactly these names and values; devices: name -> number, for a sharded one."""
    def build():
        variables = {}
        for i, (name, value) in enumerate(named.items()):
            with tf.device(f"/cpu:{(devices or {}).get(name, 0)}"):
                variables[name] = tf1.Variable(value, name=f"v{i}")
        return variables
    return saver(prefix, build, sharded=bool(devices), **options)


def partitioned(name, value, parts, axis=0):
    return tf1.get_variable(name, initializer=tf.constant(value), partitioner=tf1.fixed_size_partitioner(parts, axis=axis))


# ---- Reading

class Read:
    """What TensorFlow's CheckpointReader says: name -> dtype, shape, value."""

    def __init__(self, prefix):
        self.reader = tf.train.load_checkpoint(prefix)
        self.shapes = self.reader.get_variable_to_shape_map()
        self.dtypes = {name: dtype.name for name, dtype in self.reader.get_variable_to_dtype_map().items()}

    def value(self, name):
        value = self.reader.get_tensor(name)
        return np.array(value, dtype=object) if isinstance(value, bytes) else np.asarray(value)

    def values(self):
        return {name: self.value(name) for name in self.shapes}


def restore(prefix, dtype, names=("",), specs=None):
    """RestoreV2 of tensors or slices."""
    return tf.raw_ops.RestoreV2(prefix=prefix, tensor_names=list(names), shape_and_slices=specs or [""] * len(names),
                                dtypes=[getattr(dtypes, dtype)] * len(names))


def assert_restores(prefix, named, devices=None, **options):
    """Saver.restore brings these values into variables that had others."""
    with graph():
        variables = {name: tf1.Variable(tf.zeros_like(value) if np.asarray(value).dtype != object else
                                        tf.fill(np.shape(value), "?"), name=f"v{i}")
                     for i, (name, value) in enumerate(named.items())}
        with session() as running:
            tf1.train.Saver(variables, **options).restore(running, prefix)
            for name, found in running.run(variables).items():
                expected = np.asarray(named[name])
                if expected.dtype == object:
                    assert np.array(found, object).tolist() == expected.tolist(), name
                else:
                    assert found.tobytes() == expected.astype(found.dtype).tobytes(), name
