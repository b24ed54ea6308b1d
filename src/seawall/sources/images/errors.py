"""What can go wrong between here and what an image holds. Messages say what, where and what to do."""

from __future__ import annotations


class ImageError(Exception):
    """The image, or a part without which nothing can be said of it, cannot be had."""


class BadLayer(Exception):
    """A layer's bytes are not what a layer is made of; ``entry`` names where, as far as it is known."""

    def __init__(self, reason: str, entry: str = "") -> None:
        super().__init__(reason)
        self.entry = entry


class NoContainerImage(ImageError):
    """What is there is another kind of artifact: a chart, a model, a signature."""
