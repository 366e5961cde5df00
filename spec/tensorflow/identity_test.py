"""A migration that changes nothing gives the same bytes, whatever TensorFlow put into the checkpoint."""
import os

import pytest

from corpus import CORPUS
from support import assert_same_files, godwit, run

MANNERS = {"as_it_is": (), "one_thread_and_a_megabyte": ("--threads", "1", "--memory", "1M"), "seven_threads": ("--threads", "7")}


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("name", CORPUS)
def test_an_identity_run_gives_the_same_bytes(corpus, tmp_path, name, manner):
    prefix = corpus(name)
    made = run("", prefix, to=tmp_path / "out" / os.path.basename(prefix), flags=MANNERS[manner])
    assert_same_files(made, prefix)


@pytest.mark.parametrize("name", CORPUS)
def test_verify_finds_nothing_wrong(corpus, name):
    assert " · sound · " in godwit("verify", corpus(name))


@pytest.mark.parametrize("name", CORPUS)
def test_copying_without_verifying_gives_the_same_bytes(corpus, tmp_path, name):
    assert_same_files(run("", corpus(name), to=tmp_path / "out", flags=["--no-verify"]), corpus(name))
