"""The C API (dcgan/c_api.h) through ctypes: one wheel serves every Python, and calls release the GIL."""

import ctypes
import os
import sys
from pathlib import Path

OK, FAILED, WRONG_ARGUMENT, BAD_FILE, BAD_IMAGE, NO_MEMORY, STOPPED = range(7)
FORMATS = {1: 3, 3: 0, 4: 2}  # channels to dcgan_format


class Error(RuntimeError):
    """What the library refuses, in one line: what was found, what was expected, what to do."""


class ImageError(Error):
    """Bytes that give no image."""


class Image(ctypes.Structure):
    _fields_ = [("pixels", ctypes.c_void_p), ("size", ctypes.c_size_t), ("width", ctypes.c_int64),
                ("height", ctypes.c_int64), ("stride", ctypes.c_int64), ("format", ctypes.c_int32)]


PROGRESS = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
FAILURE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_char_p)
_POINTER, _TEXT, _INT, _SIZE, _STATUS = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int64, ctypes.c_size_t, ctypes.c_int
_PLACE, _IMAGES = ctypes.POINTER(_POINTER), ctypes.POINTER(Image)

FUNCTIONS = {
    "dcgan_version": (_TEXT, []),
    "dcgan_last_error": (_TEXT, []),
    "dcgan_extractor_open": (_STATUS, [_TEXT, _TEXT, _PLACE]),
    "dcgan_extractor_image_size": (_INT, [_POINTER]),
    "dcgan_extractor_feature_count": (_INT, [_POINTER]),
    "dcgan_extractor_info": (_TEXT, [_POINTER]),
    "dcgan_extractor_on_progress": (_STATUS, [_POINTER, PROGRESS, _POINTER]),
    "dcgan_extract": (_STATUS, [_POINTER, _IMAGES, _SIZE, _POINTER, _SIZE]),
    "dcgan_extractor_close": (None, [_POINTER]),
    "dcgan_classifier_open": (_STATUS, [_TEXT, _PLACE]),
    "dcgan_classifier_class_count": (_INT, [_POINTER]),
    "dcgan_classifier_feature_count": (_INT, [_POINTER]),
    "dcgan_classifier_class": (_TEXT, [_POINTER, _INT]),
    "dcgan_classifier_options": (_TEXT, [_POINTER]),
    "dcgan_classifier_require": (_STATUS, [_POINTER, _POINTER]),
    "dcgan_classifier_score": (_STATUS, [_POINTER, _POINTER, _SIZE, _POINTER, _SIZE]),
    "dcgan_classifier_close": (None, [_POINTER]),
}
PICTURE_FUNCTIONS = {
    "dcgan_picture_read": (_STATUS, [_TEXT, _INT, _PLACE]),
    "dcgan_picture_decode": (_STATUS, [_TEXT, _SIZE, _INT, _PLACE]),
    "dcgan_picture_image": (Image, [_POINTER]),
    "dcgan_picture_close": (None, [_POINTER]),
    "dcgan_extract_encoded": (_STATUS, [_POINTER, ctypes.POINTER(_TEXT), ctypes.POINTER(_SIZE), _SIZE, _INT, _POINTER, _SIZE, FAILURE,
                                        _POINTER]),
    "dcgan_extract_files": (_STATUS, [_POINTER, ctypes.POINTER(_TEXT), _SIZE, _INT, _POINTER, _SIZE, FAILURE, _POINTER]),
}


def _open():
    """The library of the wheel, which decodes, too; or those that are installed in the system."""
    own = Path(__file__).with_name("libdcgan.so")
    names = [str(own)] * 2 if own.exists() else ["libdcgan.so.0", "libdcgan_images.so.0"]
    if folder := os.environ.get("DCGAN_LIBRARY_FOLDER"):
        names = [os.path.join(folder, name) for name in ("libdcgan.so.0", "libdcgan_images.so.0")]
    libraries = [ctypes.CDLL(name) for name in names]
    for library, functions in zip(libraries, (FUNCTIONS, PICTURE_FUNCTIONS)):
        for name, (result, arguments) in functions.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    return libraries


def __getattr__(name):
    """Opens the library when it is first wanted: the networks in PyTorch do without."""
    if name not in ("library", "pictures"):
        raise AttributeError(name)
    globals().update(zip(("library", "pictures"), _open()))
    return globals()[name]


def check(status):
    """Raises what a status stands for."""
    if status == OK:
        return
    message = sys.modules[__name__].library.dcgan_last_error().decode(errors="replace")
    kinds = {WRONG_ARGUMENT: ValueError, BAD_IMAGE: ImageError, NO_MEMORY: MemoryError}
    raise kinds.get(status, Error)(message)


def version():
    return sys.modules[__name__].library.dcgan_version().decode()


class Handle:
    """An object of the library, closed with this."""

    def __init__(self, close, opener, *arguments):
        self.value, self._close = _POINTER(), close
        check(opener(*arguments, ctypes.byref(self.value)))

    def __del__(self):
        if getattr(self, "value", None):
            self._close(self.value)
            self.value = None
