"""Silence of diffusers and transformers while they load and work for us."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Let diffusers and transformers say only errors, and show no bars, within a ``with`` block.

    What they say of single images and files would drown what a training loop prints; what matters of it becomes an
    error or a refusal of ours.
    """
    from diffusers.utils import logging as of_diffusers
    from transformers.utils import logging as of_transformers

    both = (of_diffusers, of_transformers)
    before = [(each, each.get_verbosity(), each.is_progress_bar_enabled()) for each in both]
    try:
        for each in both:
            each.set_verbosity_error()
            each.disable_progress_bar()
        yield
    finally:
        for each, verbosity, bars in before:
            each.set_verbosity(verbosity)
            if bars:
                each.enable_progress_bar()
