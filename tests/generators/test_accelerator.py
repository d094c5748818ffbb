import os

import pytest
import torch

from genaug_data.generators.accelerator import own_accelerator


def test_no_trace_is_left(monkeypatch):
    from accelerate.state import AcceleratorState, PartialState

    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    environment, threads, dtype = dict(os.environ), torch.get_num_threads(), torch.get_default_dtype()
    states = dict(PartialState._shared_state), dict(AcceleratorState._shared_state)
    with own_accelerator(torch.device("cpu"), "no") as accelerator:
        assert accelerator.mixed_precision == "no"
        assert accelerator.device.type == "cpu"
        assert dict(os.environ) == environment
    assert (dict(PartialState._shared_state), dict(AcceleratorState._shared_state)) == states
    assert (dict(os.environ), torch.get_num_threads(), torch.get_default_dtype()) == (environment, threads, dtype)


def test_the_users_accelerator_keeps_its_precision():
    from accelerate import Accelerator

    with own_accelerator(torch.device("cpu"), "no"):
        pass
    with own_accelerator(torch.device("cpu"), "bf16") as outer:
        with own_accelerator(torch.device("cpu"), "auto") as inner:
            assert inner.mixed_precision == "no"
        assert outer.mixed_precision == "bf16"
        assert Accelerator(mixed_precision="bf16", cpu=True).mixed_precision == "bf16"


def test_the_ranks_of_a_launcher_are_not_joined(monkeypatch):
    for name, value in {
        "RANK": "0",
        "WORLD_SIZE": "2",
        "LOCAL_RANK": "0",
        "MASTER_ADDR": "x",
        "MASTER_PORT": "1",
        # Open MPI's, which accelerate heeds on a CPU.
        "OMPI_COMM_WORLD_SIZE": "2",
        "OMPI_COMM_WORLD_RANK": "0",
    }.items():
        monkeypatch.setenv(name, value)
    with own_accelerator(torch.device("cpu"), "no") as accelerator:
        assert accelerator.num_processes == 1
        assert not torch.distributed.is_initialized()
    assert os.environ["WORLD_SIZE"] == "2"


def test_state_is_put_back_after_an_error():
    from accelerate.state import PartialState

    before = dict(PartialState._shared_state)
    with pytest.raises(RuntimeError, match="in between"), own_accelerator(torch.device("cpu"), "no"):
        raise RuntimeError("in between")
    assert dict(PartialState._shared_state) == before
