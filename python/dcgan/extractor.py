"""Features of a trained discriminator."""

import contextlib
import ctypes
import json
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Union

import numpy as np

from . import _images, _library
from ._library import Error, Handle, Image, ImageError
from ._models import model_path


class Failure(NamedTuple):
    """An image that gave no features, and why."""

    index: int
    path: str
    reason: str


class Extractor:
    """Features of images, as ``dcgan-extract`` writes them, bit for bit.

    >>> import numpy as np
    >>> images = np.zeros((2, 48, 64, 3), np.uint8)        # any size
    >>> extractor = Extractor(layers=[1, 2])
    >>> extractor(images).shape
    (2, 4096)

    Images are an array uint8 [N, H, W, 3] (RGB; 4: RGBA, 1: grey), or a list of arrays, of PIL images, of paths, of
    bytes of JPEG or PNG files, or of tensors uint8 [3, H, W].

    :param model: a model file, or the name of one that lies in the package (``python -m dcgan models``)
    :param layers: convolutions whose features are kept, from 1; all
    :param grid: side that each map is max-pooled to: 1, 2 or 4
    :param resize: "linear" (the authors') or "area", for images of another size than the model's
    :param compress: a file of ``dcgan-eval compress``: features become the fewer numbers that it makes of them
    :param threads: 0: one per core
    :param dtype: "float32", or "float16", which takes half the memory
    :param progress: True: a bar of tqdm where that is installed; or a function, called with the numbers of images done and
        of all, after each block of them; what it raises stops the work
    """

    def __init__(self, model: Optional[str] = None, *, layers: Optional[Sequence[int]] = None, grid: int = 4,
                 resize: str = "linear", compress: Optional[str] = None, batch_size: int = 64, threads: int = 0,
                 dtype: str = "float32", max_pixels: int = 100_000_000,
                 progress: Union[bool, Callable[[int, int], Any]] = False):
        self.model, self.layers, self.grid, self.resize, self.compress = model, layers, grid, resize, compress
        self.batch_size, self.threads, self.dtype = batch_size, threads, dtype
        self.max_pixels, self.progress = max_pixels, progress
        self._open()

    def _open(self) -> None:
        if np.dtype(self.dtype) not in (np.float32, np.float16):
            raise ValueError(f"dtype is {self.dtype}; expected float32 or float16")
        options = {"layers": list(map(int, self.layers or [])), "grid": self.grid, "resize": self.resize,
                   "batch-size": self.batch_size, "threads": self.threads, "device": "cpu"}
        if self.compress:
            options["compress"] = os.fspath(self.compress)
        self._opened = _Opened(model_path(self.model), options)

    @property
    def info(self) -> Dict[str, Any]:
        """image_size, feature_count, layers, layer_offsets, grid, model_sha256, architecture, preprocessing, device."""
        return json.loads(_library.library.dcgan_extractor_info(self._opened.value))

    @property
    def image_size(self) -> int:
        return _library.library.dcgan_extractor_image_size(self._opened.value)

    @property
    def feature_count(self) -> int:
        return _library.library.dcgan_extractor_feature_count(self._opened.value)

    def __call__(self, images, failures: Optional[List[Failure]] = None) -> np.ndarray:
        """Features, [N, D]. Without ``failures`` a broken image is an ImageError; with a list, it is noted there, and its
        row is NaN."""
        sources = _images.images_of(images)
        opened = self._opened  # what a progress function sets is for the calls that follow
        features = np.empty((len(sources), _library.library.dcgan_extractor_feature_count(opened.value)), self.dtype)
        with self._bar(len(sources)) as bar:
            # Files, on the disk or in memory, are decoded, resized and extracted by the library in one go.
            whole = all(isinstance(s, (str, Path)) for s in sources) or all(isinstance(s, bytes) for s in sources)
            extract = self._extract_files if whole else self._extract_sources
            extract(opened, sources, features, failures, bar)
        return features

    def _extract_files(self, opened, paths, features, failures, bar) -> None:
        """Decoded and extracted by the library."""
        block = max(1, len(paths)) if features.dtype == np.float32 else 1024  # which become float16
        for first in range(0, len(paths), block):
            part = paths[first:first + block]
            rows = features[first:first + block] if features.dtype == np.float32 else np.empty((len(part), features.shape[1]), np.float32)
            seen, raised = [0], []

            def progress(_, done, _total):
                try:
                    if not raised:
                        bar.update(done - seen[0])
                        seen[0] = done
                except BaseException as error:  # ctypes would drop it
                    raised.append(error)
                return 1 if raised else 0

            def failed(_, number, reason):
                try:
                    path, reason = _images.name_of(part[number], first + number), reason.decode(errors="replace")
                    if failures is None:
                        raise ImageError(f"{path}: {reason}")
                    failures.append(Failure(first + number, path, reason))
                except BaseException as error:
                    raised.append(error)

            if isinstance(part[0], bytes):
                extract = _library.pictures.dcgan_extract_encoded
                given = [(ctypes.c_char_p * len(part))(*part), (ctypes.c_size_t * len(part))(*map(len, part))]
            else:
                extract = _library.pictures.dcgan_extract_files
                given = [(ctypes.c_char_p * len(part))(*map(os.fsencode, part))]
            with _interrupts_kept(raised), opened.alone(_library.PROGRESS(progress)):
                status = extract(opened.value, *given, len(part), self.max_pixels, ctypes.c_void_p(rows.ctypes.data),
                                 rows.size, _library.FAILURE(failed), None)
            if raised:
                raise raised[0]
            _library.check(status)
            if rows.dtype != features.dtype:
                features[first:first + block] = _checked(rows, features.dtype)

    def _extract_sources(self, opened, sources, features, failures, bar) -> None:
        """Decoded here, where they are not arrays already."""
        with ThreadPoolExecutor(self.threads or len(os.sched_getaffinity(0))) as pool:
            for block in _images.load_all(sources, self.max_pixels, pool):
                for number, _, reason in block:
                    if reason is None:
                        continue
                    path = _images.name_of(sources[number], number)
                    if failures is None:
                        raise ImageError(f"{path}: {reason}")
                    failures.append(Failure(number, path, reason))
                    features[number] = np.nan
                good = [(number, image) for number, image, reason in block if reason is None]
                if good:
                    rows = opened.extract([image.view for _, image in good], features.shape[1])
                    features[[number for number, _ in good]] = _checked(rows, features.dtype)
                bar.update(len(block))

    def _bar(self, total: int):
        if callable(self.progress):
            return _Calls(self.progress, total)
        if self.progress:
            try:
                from tqdm.auto import tqdm

                return tqdm(total=total, unit="image")
            except ImportError:
                pass
        return _NoBar()

    # What scikit-learn asks of a transformer, so that an extractor stands in a Pipeline.
    _PARAMETERS = ("model", "layers", "grid", "resize", "compress", "batch_size", "threads", "dtype", "max_pixels", "progress")

    def fit(self, images=None, labels=None) -> "Extractor":
        """Nothing is learnt."""
        return self

    def transform(self, images) -> np.ndarray:
        return self(images)

    def fit_transform(self, images, labels=None) -> np.ndarray:
        return self(images)

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        """conv1_0, conv1_1, ...: the layer and the place in its features; component_0, ... where they are compressed."""
        info = self.info
        if self.compress:
            return np.array([f"component_{i}" for i in range(info["feature_count"])], dtype=object)
        names = [f"conv{layer}_{i}" for layer, begin, end in zip(info["layers"], info["layer_offsets"], info["layer_offsets"][1:])
                 for i in range(end - begin)]
        return np.array(names, dtype=object)

    def get_params(self, deep: bool = True) -> Dict[str, Any]:
        return {name: getattr(self, name) for name in self._PARAMETERS}

    def set_params(self, **parameters) -> "Extractor":
        for name, value in parameters.items():
            if name not in self._PARAMETERS:
                raise ValueError(f"{name} is no parameter; there are {', '.join(self._PARAMETERS)}")
            setattr(self, name, value)
        self._open()
        return self

    def __sklearn_tags__(self):
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        return Tags(estimator_type="transformer", target_tags=TargetTags(required=False), transformer_tags=TransformerTags(),
                    requires_fit=False, input_tags=InputTags(two_d_array=False, three_d_array=True))

    def __sklearn_is_fitted__(self) -> bool:
        return True

    # Processes of joblib, Ray and Spark open the model anew.
    def __getstate__(self) -> Dict[str, Any]:
        return self.get_params()

    def __setstate__(self, state: Dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()

    def __repr__(self) -> str:
        return f"Extractor({', '.join(f'{name}={value!r}' for name, value in self.get_params().items())})"


class _Opened:
    """An extractor of the library, which is for one call at a time: other threads wait; what is called from inside a call, as
    a progress function is, cannot."""

    def __init__(self, model: str, options: Dict[str, Any]):
        self._handle = Handle(_library.library.dcgan_extractor_close, _library.library.dcgan_extractor_open,
                              os.fsencode(model), json.dumps(options).encode())
        self.value = self._handle.value
        self._lock, self._busy, self._progress = threading.RLock(), False, None

    @contextlib.contextmanager
    def alone(self, progress):
        with self._lock:
            if self._busy:
                raise Error("this extractor is at work: a function that it calls cannot use it; make another Extractor there")
            self._busy = True
            try:
                self._progress = progress  # alive until the next call has set its own
                _library.check(_library.library.dcgan_extractor_on_progress(self.value, progress, None))
                yield
            finally:
                self._busy = False

    def extract(self, views, columns: int) -> np.ndarray:
        rows = np.empty((len(views), columns), np.float32)
        with self.alone(_library.PROGRESS()):
            status = _library.library.dcgan_extract(self.value, (Image * len(views))(*views), len(views),
                                                    ctypes.c_void_p(rows.ctypes.data), rows.size)
        _library.check(status)
        return rows


def _checked(rows: np.ndarray, dtype) -> np.ndarray:
    if dtype != np.float32 and (np.abs(rows) > np.finfo(dtype).max).any():
        raise Error("a feature is larger than float16 holds; take float32")
    return rows


@contextlib.contextmanager
def _interrupts_kept(raised: List[BaseException]):
    """Ctrl-C while the library calls back: ctypes drops what a callback raises, and from Python 3.11 on an interrupt comes
    before its first line. What the handler raises is kept in ``raised`` instead, whose reader raises it."""
    previous = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(previous):
        yield
        return

    def keep(number, frame):
        try:
            previous(number, frame)
        except BaseException as error:
            raised.append(error)

    signal.signal(signal.SIGINT, keep)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


class _NoBar:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def update(self, count: int) -> None:
        pass


class _Calls(_NoBar):
    """A function in the place of a bar."""

    def __init__(self, function: Callable[[int, int], Any], total: int):
        self._function, self._total, self._done = function, total, 0

    def update(self, count: int) -> None:
        self._done += count
        self._function(self._done, self._total)
