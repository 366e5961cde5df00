"""What `check` says and `restore` writes, against what TensorFlow's restore does: random pairs of structures, then TensorFlow's own
cases (CP-nn, CV-nn, VO-nn) and those that chance would not meet."""
import json
import os
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


def assert_restored(prefix, target, report, theirs, tmp_path, guessed=False):
    """What godwit writes has, under every key of the target, what TensorFlow has there after restoring."""
    out = tmp_path / "restored"
    godwit("restore", prefix, "--into", target, "-o", out, "--assert", "none", "-q")
    ours, theirs = values(out), values(theirs)
    counter = "save_counter/.ATTRIBUTES/VARIABLE_VALUE"
    if counter not in [item["key"] for item in report["restored"]]:
        ours.pop(counter, None)  # one that is not restored begins at 0 in the program, and is 1 in the file that it saved
    wrong = [(key, value, theirs.get(key)) for key, value in ours.items() if key not in theirs or not same(value, theirs[key])]
    assert not wrong
    if guessed:
        return
    made = [note["name"] for note in report["notes"] if "makes this variable" in note["reason"]]
    more = [key for key in theirs if key not in ours and key != counter]
    assert len(more) == len([name for name in made if "'s state '" in name]), (more, made)


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
    elif theirs == answer(report):
        assert_restored(prefix, target, report, program.write(tmp_path / "theirs"), tmp_path, guessed)


def test_pairs_show_every_verdict():
    if len(seen) < PAIRS:
        pytest.skip("not all pairs were run")
    counts = {kind: sum(theirs == kind for theirs, _, _ in seen) for kind in {theirs for theirs, _, _ in seen}}
    agreed, guessed = sum(same for _, _, same in seen), sum(guess for _, guess, _ in seen)
    print(f"{len(seen)} pairs, {agreed} verdicts agree, {guessed} reports say that they guess: {counts}")
    assert len(counts) == 4 and min(counts.values()) >= PAIRS // 20
    assert guessed <= PAIRS // 20 and agreed >= PAIRS - guessed
