"""Small training sets and small models, for tests of what is fitted to them."""

import torch

from genaug_data.generators import InDomainDiffusion
from genaug_data.sample import Recipe, Request, Sample
from genaug_data.seeding import torch_generator

HALF = Recipe(strength=0.5, steps=4)


def sides(count, shape=(1, 8, 8), classes=(2, 9)):
    """Images that are bright on the left for one class, on the right for the other."""
    found = []
    for number in range(count):
        noise = torch.randint(0, 60, shape, generator=torch_generator(number))
        bright = torch.zeros(shape, dtype=torch.int64)
        half = shape[2] // 2
        bright[:, :, slice(0, half) if number % 2 == 0 else slice(half, None)] = 180
        found.append(Sample((noise + bright).to(torch.uint8), classes[number % 2]))
    return found


def masked(count, shape=(3, 12, 10)):
    """Images that are bright where their mask says 7, dark where it says 0; the last column is ignored."""
    found = []
    for number in range(count):
        mask = torch.zeros(shape[1:], dtype=torch.int64)
        mask[number % 5 : number % 5 + 6, 2:8] = 7
        noise = torch.randint(0, 40, shape, generator=torch_generator(number))
        image = (noise + 200 * (mask == 7)).to(torch.uint8)
        mask[:, -1] = 255
        found.append(Sample(image, mask))
    return found


def small(**arguments):
    return InDomainDiffusion(**{"max_steps": 3, "batch_size": 4, "channels": (8, 8), "device": "cpu", **arguments})


def orders(count, recipe=HALF, seed=0):
    return [Request(number, 0, recipe, seed=seed + number) for number in range(count)]
