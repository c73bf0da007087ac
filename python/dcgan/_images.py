"""What callers may give as images, as views of pixels."""

import ctypes
import os
from pathlib import Path
from typing import Any, Iterator, List, Optional, Tuple

import numpy as np

from . import _library
from ._library import FORMATS, Handle, Image, ImageError


class Picture:
    """An image that the library has decoded."""

    def __init__(self, opener, *arguments):
        self._handle = Handle(_library.pictures.dcgan_picture_close, opener, *arguments)
        self.view = _library.pictures.dcgan_picture_image(self._handle.value)

    def to_numpy(self) -> np.ndarray:
        """uint8 [H, W, 3], RGB, a copy."""
        pixels = ctypes.string_at(self.view.pixels, self.view.size)
        return np.frombuffer(pixels, np.uint8).reshape(self.view.height, self.view.width, 3)


def read_image(source, max_pixels: int = 0) -> Picture:
    """Decodes a file, or the bytes of one: JPEG or PNG; elsewhere than in the wheel also WebP, BMP and TIFF."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        content = bytes(source)
        return Picture(_library.pictures.dcgan_picture_decode, content, len(content), max_pixels)
    return Picture(_library.pictures.dcgan_picture_read, os.fsencode(source), max_pixels)


def decode(source, max_pixels: int = 0) -> np.ndarray:
    """The pixels that the library decodes from a path or from bytes: uint8 [H, W, 3], RGB."""
    return read_image(source, max_pixels).to_numpy()


class Pixels:
    """A view of an array uint8 [H, W], [H, W, 1], [H, W, 3] (RGB) or [H, W, 4] (RGBA); copies only what has gaps."""

    def __init__(self, array: np.ndarray):
        if array.dtype != np.uint8:
            raise ValueError(f"an image is {array.dtype}, expected uint8 from 0 to 255; scale it first")
        if array.ndim == 2:
            array = array[:, :, None]
        if array.ndim != 3 or array.shape[2] not in FORMATS:
            raise ValueError(f"an image has the shape {array.shape}, expected [H, W], [H, W, 1], [H, W, 3] or [H, W, 4]")
        height, width, channels = array.shape
        if array.strides[1:] != (channels, 1) or array.strides[0] < width * channels:
            array = np.ascontiguousarray(array)
        self._array = array  # keeps the memory
        stride = array.strides[0] if height > 1 else width * channels
        size = (height - 1) * stride + width * channels if array.size else 0
        self.view = Image(array.ctypes.data, size, width, height, stride, FORMATS[channels])


def name_of(source, index: int) -> str:
    return os.fspath(source) if isinstance(source, (str, Path)) else f"image {index}"


def view_of(source, max_pixels: int):
    """An object with a view of one image: a path, bytes, an array, a PIL image or a tensor [C, H, W]."""
    if isinstance(source, (str, os.PathLike, bytes, bytearray, memoryview)):
        return read_image(source, max_pixels)
    if isinstance(source, np.ndarray):
        return Pixels(source)
    if hasattr(source, "mode") and hasattr(source, "convert"):  # PIL.Image.Image
        return Pixels(np.asarray(source if source.mode in ("RGB", "RGBA", "L") else source.convert("RGB")))
    if hasattr(source, "detach"):  # torch.Tensor
        array = source.detach().cpu().numpy()
        if array.ndim == 3 and array.shape[0] in FORMATS and array.shape[2] not in FORMATS:
            array = array.transpose(1, 2, 0)
        return Pixels(array)
    raise TypeError(f"an image is a {type(source).__name__}; expected a path, bytes, a NumPy array, a PIL image or a tensor")


def images_of(images) -> List[Any]:
    """The images of a batch, one by one."""
    if isinstance(images, (str, os.PathLike, bytes)):
        raise TypeError("one image alone; give a list, [image]")
    if hasattr(images, "shape") and len(images.shape) not in (1, 4):
        raise ValueError(f"images have the shape {tuple(images.shape)}, expected [N, H, W, channels]; one alone is images[None]")
    return list(images)


Loaded = Tuple[int, Optional[Any], Optional[str]]


def load_all(images: List[Any], max_pixels: int, pool) -> Iterator[List[Loaded]]:
    """Blocks of (number, view or None, reason), decoded on threads, one block ahead of the caller."""
    block = 64  # of a camera 36 MB each, and two blocks at a time

    def load(item: Tuple[int, Any]) -> Loaded:
        number, source = item
        try:
            return number, view_of(source, max_pixels), None
        except ImageError as error:
            return number, None, str(error).removeprefix(name_of(source, number) + ": ")

    def submit(first: int):
        return [pool.submit(load, (i, images[i])) for i in range(first, min(first + block, len(images)))]

    waiting = submit(0)
    for first in range(0, len(images), block):
        ready, waiting = waiting, submit(first + block)
        yield [future.result() for future in ready]
