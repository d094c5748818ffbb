"""Fits in several processes: what one process learns, cut off, killed, and failed in one sentence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from genaug_data.errors import DataError, GenaugWarning, GeneratorError
from genaug_data.generators.accelerator import own_accelerator
from genaug_data.generators.pretrained.adapters.launch import fit_in_ranks
from tests.generators.pretrained.adapters.toy_fits import ToyFit
from tests.generators.pretrained.adapters.training_set import CPU

TWO = [CPU, CPU]

PARENT = """
import signal
import sys
from pathlib import Path
import torch
from genaug_data.generators.pretrained.adapters.launch import fit_in_ranks
from tests.generators.pretrained.adapters.toy_fits import ToyFit
# A shell ignores Ctrl-C for what it runs in the background, and so would this.
signal.signal(signal.SIGINT, signal.default_int_handler)
fit_in_ranks(ToyFit(Path(sys.argv[1]), steps=10**6, pause=0.01), [torch.device("cpu")] * 2, "no", lambda: None)
"""


def is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until(true: object, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.filterwarnings("ignore:a toy")
def test_two_learn_what_one_does_and_go_on_from_where_they_were_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits = [ToyFit(tmp_path / name) for name in ("one", "two", "cut")]
    for fit in fits:
        fit.folder.mkdir()
    with own_accelerator(CPU, "no") as accelerator:
        one = fits[0](accelerator, lambda: None)
    # As in a training run on nine devices, none of which answers.
    for name, value in {
        "RANK": "7",
        "WORLD_SIZE": "9",
        "LOCAL_RANK": "7",
        "MASTER_ADDR": "x",
        "MASTER_PORT": "1",
    }.items():
        monkeypatch.setenv(name, value)
    environment = dict(os.environ)
    two = fit_in_ranks(fits[1], TWO, "no", lambda: None)
    assert dict(os.environ) == environment
    assert not torch.distributed.is_initialized()
    assert two["told"] == set()
    assert two["rows"] == slice(0, 2)
    torch.testing.assert_close(two["mean"], one["mean"], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(two["losses"], one["losses"], rtol=1e-5, atol=1e-6)
    assert two["mean"].abs().min() > 1e-3

    with pytest.raises(DataError, match=r"^example 3 cannot be read$"):
        fit_in_ranks(replace(fits[2], error=DataError("example 3 cannot be read")), TWO, "no", lambda: None)
    assert len(fits[2].process_ids()) == 2
    assert not any(is_alive(one) for one in fits[2].process_ids())
    resumed = fit_in_ranks(fits[2], TWO, "no", lambda: None)
    assert resumed["steps"] == [4, 5, 6, 7, 8, 9, 10, 11]
    assert resumed["mean"].equal(two["mean"])
    assert resumed["losses"] == two["losses"]


@pytest.mark.filterwarnings("ignore:a toy")
def test_a_process_that_is_killed_ends_the_fit_in_one_sentence(tmp_path: Path) -> None:
    fit = ToyFit(tmp_path, steps=10**6, pause=0.01)

    def kill() -> None:
        if fit.checkpoint.exists():
            os.kill(fit.process_ids()[1], signal.SIGKILL)

    with pytest.raises(GeneratorError, match="process 2 of 2 of the fit, on cpu, ended with exit code -9") as caught:
        fit_in_ranks(fit, TWO, "no", kill)
    assert "\n" not in str(caught.value)
    assert not any(is_alive(one) for one in fit.process_ids())


def test_what_fails_in_a_process_is_said_and_warnings_once(tmp_path: Path) -> None:
    fit = ToyFit(tmp_path, error=ValueError("no such\nfile"))
    sentence = r"process 2 of 2 of the fit, on cpu, failed \(ValueError: no such file \("
    with pytest.warns(GenaugWarning, match="a toy") as said, pytest.raises(GeneratorError, match=sentence):
        fit_in_ranks(fit, TWO, "no", lambda: None)
    assert len(said) == 1
    assert not any(is_alive(one) for one in fit.process_ids())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, -signal.SIGINT)])
def test_no_process_outlives_a_parent_that_is_killed_or_interrupted(tmp_path: Path, number: int, code: int) -> None:
    fit = ToyFit(tmp_path)
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True) as parent:
        try:
            wait_until(fit.checkpoint.exists)
            ranks = fit.process_ids()
            assert len(ranks) == 2
            assert all(is_alive(one) for one in ranks)
            if number == signal.SIGINT:
                # As Ctrl-C does: to all of them at once.
                os.killpg(parent.pid, number)
                assert parent.wait(30) == code
                assert not any(is_alive(one) for one in ranks)
        finally:
            parent.kill()
    assert parent.returncode == code
    wait_until(lambda: not any(is_alive(one) for one in ranks), 20.0)


def test_what_cannot_be_sent_and_gpus_that_are_not_there_are_said(tmp_path: Path) -> None:
    with pytest.raises(GeneratorError, match=r"cannot be sent to the processes of a fit .* leave devices out$"):
        fit_in_ranks(ToyFit(tmp_path, error=threading.Lock()), TWO, "no", lambda: None)
    count = torch.cuda.device_count()
    with pytest.raises(GeneratorError, match=f"devices has cuda:{count}, and PyTorch finds {count} GPUs here"):
        fit_in_ranks(ToyFit(tmp_path), [CPU, torch.device("cuda", count)], "no", lambda: None)
    assert list(tmp_path.iterdir()) == []
