import types

import pytest

from genokeras.training.claim import claimed
from genokeras.training.stopping import HostLost


def test_a_mistake_of_the_first_host_is_not_one_of_the_others(tmp_path):
    """They end with 75: it alone says what is wrong, and ends with 2."""
    second = types.SimpleNamespace(host=1, exchange=lambda value: [1, value])
    run = types.SimpleNamespace(workdir=tmp_path)
    message = f"^{tmp_path}: the first host could not begin; it says why; start all of them again"
    with (
        pytest.raises(HostLost, match=message),
        claimed(run, second, (), "", "auto", print),
    ):
        raise AssertionError("not reached")
