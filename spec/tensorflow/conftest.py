import pytest

from corpus import CORPUS


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """corpus(name) is the prefix of that checkpoint of corpus.py."""
    made = {}

    def get(name):
        if name not in made:
            made[name] = CORPUS[name](str(tmp_path_factory.mktemp(name)))
        return made[name]
    return get
