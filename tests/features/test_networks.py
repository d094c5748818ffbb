from __future__ import annotations

import pytest
import torch
from torch import nn

from genaug_data.errors import ConfigError
from genaug_data.features import ModuleFeatures, Pixels, TransformersFeatures
from genaug_data.seeding import torch_generator
from genaug_data.testing.tiny_models import save_clip


def test_pixels_are_means_of_blocks() -> None:
    images = torch.randint(0, 256, (2, 3, 8, 12), dtype=torch.uint8, generator=torch_generator(0))
    found = Pixels(4)(images)
    assert found.shape == (2, 48)
    for channel in range(3):
        for row in range(4):
            for column in range(4):
                block = images[1, channel, 2 * row : 2 * row + 2, 3 * column : 3 * column + 3].double() / 255
                assert float(found[1, 16 * channel + 4 * row + column]) == pytest.approx(float(block.mean()), abs=1e-6)
    with pytest.raises(ConfigError, match="size must be at least 1, got 0"):
        Pixels(0)


def test_a_module_is_run_in_evaluation_mode_and_left_as_it_was() -> None:
    module = nn.Sequential(nn.BatchNorm2d(3), nn.Dropout(0.5), nn.AdaptiveAvgPool2d(1))
    module[0].eval()
    modes = [part.training for part in module.modules()]
    features = ModuleFeatures(module, lambda images: images.float())
    images = torch.full((2, 3, 4, 4), 10, dtype=torch.uint8)
    found = features(images)
    assert found.shape == (2, 3)
    assert found.flatten().tolist() == pytest.approx([10.0] * 6, rel=1e-4)
    assert modes == [part.training for part in module.modules()] == [True, False, True, True]
    assert not found.requires_grad


def test_a_model_of_torchvision_takes_its_own_transform() -> None:
    from torchvision.models import resnet18
    from torchvision.transforms._presets import ImageClassification

    with torch.random.fork_rng(devices=[]):
        network = resnet18()
    network.fc = nn.Identity()
    features = ModuleFeatures(network, ImageClassification(crop_size=32, resize_size=32))
    assert features(torch.zeros(2, 3, 40, 40, dtype=torch.uint8)).shape == (2, 512)


def test_grey_is_shown_in_colour_and_a_fourth_channel_left_out() -> None:
    features = ModuleFeatures(nn.Identity(), lambda images: images)
    grey = torch.tensor([[[[7]]]], dtype=torch.uint8)
    assert features(grey).tolist() == [[7, 7, 7]]
    assert features(torch.tensor([1, 2, 3, 4], dtype=torch.uint8).view(1, 4, 1, 1)).tolist() == [[1, 2, 3]]
    with pytest.raises(ConfigError, match="1, 3 or 4 channels for these features, found 2"):
        features(grey.expand(1, 2, 1, 1))


def test_clip_embeds_into_the_space_of_words(tmp_path) -> None:
    from transformers import CLIPModel, CLIPProcessor

    folder = save_clip(tmp_path)
    model, processor = CLIPModel.from_pretrained(folder).eval(), CLIPProcessor.from_pretrained(folder)
    images = torch.randint(0, 256, (3, 1, 40, 30), dtype=torch.uint8, generator=torch_generator(0))
    found = TransformersFeatures(model, processor)(images)
    inputs = processor(images=[image.expand(3, -1, -1) for image in images], return_tensors="pt")
    with torch.no_grad():
        wanted = model.visual_projection(model.vision_model(**inputs).pooler_output)
    assert torch.allclose(found, wanted, atol=1e-5)
    assert found.std(0).min() > 1e-3


def test_a_model_without_a_pooled_output_is_averaged_over_its_tokens() -> None:
    from transformers import ViTConfig, ViTImageProcessor, ViTModel

    config = ViTConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1, image_size=32, intermediate_size=8)
    processor = ViTImageProcessor(size={"height": 32, "width": 32})
    with torch.random.fork_rng(devices=[]):
        model = ViTModel(config, add_pooling_layer=False).eval()
    image = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    with torch.no_grad():
        wanted = model(**processor(images=list(image), return_tensors="pt")).last_hidden_state.mean(1)
    assert torch.allclose(TransformersFeatures(model, processor)(image), wanted, atol=1e-6)
