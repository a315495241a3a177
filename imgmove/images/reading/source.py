"""Where an image's bytes come from: a file, an object in a store, or memory."""

from __future__ import annotations

from dataclasses import dataclass

from imgmove.images.headers.image_bytes import Read


@dataclass(frozen=True)
class ImageSource:
    """An image of `size_bytes`. `name` is for people; `read(offset, length)` gives the bytes there, fewer at the end.

    `read` raises only `ImgmoveError`, is called from one thread, and never for a range that leaves the image.
    """

    name: str
    size_bytes: int
    read: Read
