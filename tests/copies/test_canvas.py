import pytest
import torch

from genaug_data.copies.canvas import canvases
from genaug_data.seeding import torch_generator


def random_image(*shape):
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch_generator(0))


def test_each_value_is_the_mean_of_its_block():
    image = random_image(3, 12, 8)
    [small] = canvases([image], 4)
    for channel in range(3):
        for row in range(4):
            for column in range(4):
                block = image[channel, 3 * row : 3 * row + 3, 2 * column : 2 * column + 2].float()
                assert small[channel, row, column] == pytest.approx(float(block.mean()) / 255, abs=1e-6)


def test_channels_are_brought_to_three():
    grey, pair, alpha = random_image(1, 8, 8), random_image(2, 8, 8), random_image(4, 8, 8)
    small = canvases([grey, pair, alpha], 8) * 255
    assert torch.allclose(small[0], grey.float().expand(3, -1, -1), atol=1e-4)
    assert torch.allclose(small[1], pair.float().mean(0).expand(3, -1, -1), atol=1e-4)
    assert torch.allclose(small[2], alpha[:3].float(), atol=1e-4)


def test_shapes_may_be_mixed_and_keep_their_order():
    images = [random_image(3, 20, 30), random_image(1, 5, 5), random_image(3, 20, 30).flip(2)]
    together = canvases(images, 6)
    for image, small in zip(images, together, strict=True):
        assert torch.equal(canvases([image], 6)[0], small)


def test_smaller_images_are_spread_over_the_canvas():
    image = random_image(1, 2, 4)
    [small] = canvases([image], 8)
    for row in range(8):
        for column in range(8):
            assert float(small[0, row, column]) * 255 == pytest.approx(float(image[0, row // 4, column // 2]), abs=1e-4)
