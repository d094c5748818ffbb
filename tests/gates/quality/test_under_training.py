from __future__ import annotations

import cloudpickle
import torch
from torch import nn

from genaug_data.gates.quality import UnderTraining
from genaug_data.gates.quality.under_training import plain
from genaug_data.gates.snapshot import Snapshot


def test_it_keeps_a_copy_that_is_evaluated_and_not_trained() -> None:
    model = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(4), nn.Dropout(0.9), nn.Linear(4, 2)).train()
    judge = UnderTraining(model)
    judge.learn(Snapshot.of(model.state_dict(), 5))
    images = torch.arange(4, dtype=torch.uint8).reshape(1, 1, 2, 2)
    model.eval()
    assert torch.equal(judge(images), model(images.float() / 255))
    with torch.no_grad():
        model[3].weight.zero_()
    assert not torch.equal(judge(images), model(images.float() / 255))
    again = cloudpickle.loads(cloudpickle.dumps(judge))
    assert torch.equal(again(images), judge(images))
    assert again.snapshot == judge.snapshot


def test_the_fingerprint_is_of_the_architecture_alone() -> None:
    one, other = (UnderTraining(nn.Linear(4, 2)) for _ in range(2))
    assert one.fingerprint == other.fingerprint != UnderTraining(nn.Linear(4, 3)).fingerprint


def test_wrappers_are_taken_off() -> None:
    model = nn.Linear(2, 2)
    assert plain(model) is model
    assert plain(nn.DataParallel(model)) is model
    assert plain(torch.compile(nn.DataParallel(model))) is model
