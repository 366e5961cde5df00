"""Running godwit, and comparing what it says and writes with what TensorFlow reads and wrote."""
import base64
import json
import os
import subprocess
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
GODWIT = os.environ.get("GODWIT") or str(ROOT / "build" / "godwit")
GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
# Exit codes.
NO, USAGE, RECIPE, DAMAGED, SYSTEM = 1, 2, 3, 4, 5


# ---- Running

def godwit(*arguments, code=0, cwd=None):
    """Runs the program, expects this exit code, and gives what it printed (on success) or complained about."""
    command = [GODWIT, *(os.fspath(argument) for argument in arguments)]
    done = subprocess.run(command, capture_output=True, cwd=cwd, timeout=300, check=False)
    report = f"{command}\nexit code {done.returncode}, not {code}\n{done.stdout[-2000:]!r}\n{done.stderr[-2000:]!r}"
    assert done.returncode == code, report
    return (done.stdout if code == 0 else done.stderr).decode("utf-8", "surrogateescape")


def printed(*arguments):
    """The lines that a recipe printed: they go to stderr."""
    done = subprocess.run([GODWIT, *map(os.fspath, arguments)], capture_output=True, timeout=300, check=True)
    return done.stderr.decode().splitlines()


def run(lua, *inputs, to, flags=()):
    """Migrates `inputs` with this Lua and gives the new prefix."""
    godwit("run", "-q", "-e", lua, *inputs, "-o", to, *flags)
    return os.fspath(to)


def refused(lua, *inputs, to, code, flags=()):
    """The message of a migration that must fail, and must leave nothing behind."""
    folder = Path(to).parent
    before = listing(folder)
    message = godwit("run", "-e", lua, *inputs, "-o", to, *flags, code=code)
    assert listing(folder) == before
    return message


def inspect(prefix, *flags):
    """name -> fields, as `inspect --json` prints them; names that are not UTF-8 are bytes."""
    found = json.loads(godwit("inspect", "--json", *flags, prefix))
    return {text(tensor["name"]): tensor for tensor in found["tensors"]}


def values(prefix):
    return {name: tensor.get("value") for name, tensor in inspect(prefix, "--values").items()}


def lua(value):
    """A Lua literal of this text, these bytes, this number, list or dictionary."""
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return '"' + "".join(f"\\x{byte:02x}" for byte in value) + '"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"[{lua(key)}] = {lua(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "{" + ", ".join(lua(item) for item in value) + "}"
    if isinstance(value, float) and value != value:
        return "(0/0)"
    if isinstance(value, float) and value in (float("inf"), -float("inf")):
        return "math.huge" if value > 0 else "-math.huge"
    return repr(value)


# ---- Files

def listing(folder):
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def files(prefix):
    """What belongs to a prefix: suffix -> bytes, the state file aside."""
    folder, base = os.path.split(os.fspath(prefix))
    return {name[len(base):]: Path(folder, name).read_bytes() for name in os.listdir(folder)
            if name.startswith((base + ".index", base + ".data-", base + ".meta"))}


def assert_same_files(prefix, expected, meta=True):
    """Both checkpoints have the same files with the same bytes."""
    ours, theirs = files(prefix), files(expected)
    if not meta:
        ours.pop(".meta", None)
        theirs.pop(".meta", None)
    assert sorted(ours) == sorted(theirs)
    for suffix in sorted(ours, reverse=True):  # .index first: it says more than data
        if ours[suffix] == theirs[suffix]:
            continue
        mine, other = ours[suffix], theirs[suffix]
        at = next((i for i, (a, b) in enumerate(zip(mine, other)) if a != b), min(len(mine), len(other)))
        raise AssertionError(f"{suffix}: {len(mine)} bytes, not {len(other)}; the first other one is at {at}:\n"
                             f"  {mine[max(0, at - 24):at + 24]!r}\n  {other[max(0, at - 24):at + 24]!r}")


# ---- Values of JSON against NumPy's

def text(value):
    """A string of JSON as str, or as bytes when it is not UTF-8."""
    return base64.b64decode(value["base64"]) if isinstance(value, dict) else value


def raw(value):
    value = text(value)
    return value.encode() if isinstance(value, str) else value


def _flat(value, shape, out):
    if not shape:
        out.append(value)
        return out
    assert isinstance(value, list) and len(value) == shape[0], (shape, value)
    for item in value:
        _flat(item, shape[1:], out)
    return out


def flat(value, shape):
    """The elements of nested lists, which must have exactly this shape."""
    return _flat(value, tuple(shape), [])


def _floats(numbers):
    for number in numbers:
        assert isinstance(number, float) or number in ("NaN", "Infinity", "-Infinity"), number
    return np.array([float(number) for number in numbers], np.float64)


def _same_floats(ours, theirs):
    nan = np.isnan(theirs)
    assert (np.isnan(ours) == nan).all()
    assert ours[~nan].tobytes() == theirs[~nan].tobytes()  # signed zeros too


def assert_same_value(value, expected, dtype):
    """A value of JSON is exactly this array, which TensorFlow read. Bit patterns of NaN are none of JSON's business."""
    elements = flat(value, expected.shape)
    expected = expected.reshape(-1)
    if dtype == "string":
        assert [raw(element) for element in elements] == expected.tolist()
        assert all(isinstance(element, str) or not is_utf8(raw(element)) for element in elements)
    elif dtype in ("complex64", "complex128"):
        wide = expected.astype(np.complex128)
        _same_floats(_floats([element[0] for element in elements]), wide.real)
        _same_floats(_floats([element[1] for element in elements]), wide.imag)
    elif "float" in dtype:
        with np.errstate(invalid="ignore"):  # signalling NaN
            _same_floats(_floats(elements), expected.astype(np.float64))
    elif dtype == "bool":
        assert elements == expected.tolist() and all(isinstance(element, bool) for element in elements)
    else:
        numbers = [int(number) for number in expected.astype(np.uint64 if dtype == "uint64" else np.int64)]
        assert elements == [number if number < 2 ** 63 else str(number) for number in numbers]
        assert not any(isinstance(element, bool) for element in elements)


def is_utf8(data):
    try:
        data.decode()
        return True
    except UnicodeDecodeError:
        return False
