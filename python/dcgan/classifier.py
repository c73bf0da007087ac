"""Linear machines on features: from dcgan-eval svm --save, or from scikit-learn, and back."""

import ctypes
import json
import os
from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy as np

from . import _library
from ._library import Error, Handle
from .extractor import Extractor


class Classifier:
    """Classes and scores of features, by a machine that ``dcgan-eval svm --save`` or :func:`save_classifier` kept."""

    def __init__(self, path):
        self.path = os.fspath(path)
        self._handle = Handle(_library.library.dcgan_classifier_close, _library.library.dcgan_classifier_open,
                              os.fsencode(self.path))
        count = _library.library.dcgan_classifier_class_count(self._handle.value)
        self.classes: List[str] = [_library.library.dcgan_classifier_class(self._handle.value, k).decode() for k in range(count)]
        self.feature_count: int = _library.library.dcgan_classifier_feature_count(self._handle.value)

    def extractor(self, model: Optional[str] = None, **options: Any) -> Extractor:
        """An extractor whose features are those that the machine was fitted to. Raises ValueError if the model is another."""
        wanted = json.loads(_library.library.dcgan_classifier_options(self._handle.value))
        extractor = Extractor(model, layers=wanted["layers"], grid=wanted["grid"], resize=wanted["resize"], **options)
        self.require(extractor)
        return extractor

    def require(self, extractor: Extractor) -> None:
        """Raises ValueError, naming the difference, unless the extractor's features are those that the machine knows."""
        _library.check(_library.library.dcgan_classifier_require(self._handle.value, extractor._opened.value))

    def scores(self, features) -> np.ndarray:
        """float64 [N, K] of features [N, D]."""
        features = np.ascontiguousarray(features, np.float32)
        if features.ndim != 2 or features.shape[1] != self.feature_count:
            raise ValueError(f"features have the shape {features.shape}, expected [N, {self.feature_count}]")
        scores = np.empty((len(features), len(self.classes)))
        _library.check(_library.library.dcgan_classifier_score(
            self._handle.value, ctypes.c_void_p(features.ctypes.data), len(features), ctypes.c_void_p(scores.ctypes.data), scores.size))
        return scores

    def predict(self, features) -> np.ndarray:
        """The name of the best class of each row."""
        return np.array(self.classes, dtype=object)[self.scores(features).argmax(axis=1)]

    def to_sklearn(self):
        """The same machine as a fitted sklearn.svm.LinearSVC."""
        from sklearn.svm import LinearSVC

        metadata, tensors = _read_safetensors(self.path)
        weights, biases = tensors["weights"].astype(float), tensors["biases"].astype(float)
        estimator = LinearSVC(C=json.loads(metadata["c"]))
        two = len(self.classes) == 2  # scikit-learn keeps the machine of the second class alone
        estimator.coef_, estimator.intercept_ = (weights[1:], biases[1:]) if two else (weights, biases)
        estimator.classes_ = np.array(self.classes)
        estimator.n_features_in_ = self.feature_count
        return estimator


def save_classifier(path, estimator, extractor: Extractor) -> None:
    """Keeps a fitted linear model of scikit-learn (coef_, intercept_, classes_) for Classifier and dcgan-eval predict.

    :param extractor: what the features were made with
    """
    weights, biases = np.atleast_2d(estimator.coef_), np.atleast_1d(estimator.intercept_)
    classes = [str(name) for name in estimator.classes_]
    if len(classes) == 2 and len(weights) == 1:
        weights, biases = np.concatenate([-weights, weights]), np.concatenate([-biases, biases])
    if len(weights) != len(classes) or len(biases) not in (1, len(classes)):
        raise Error(f"{len(weights)} machines for {len(classes)} classes; expected one a class, against the rest")
    info = extractor.info
    metadata = {"format": "dcgan-linear-classifier", "format_version": "1", "classes": json.dumps(classes),
                "c": json.dumps(float(getattr(estimator, "C", 0))), "model_sha256": info["model_sha256"],
                "layers": json.dumps(info["layers"]), "grid": str(info["grid"]),
                "preprocessing": json.dumps(info["preprocessing"]), "record": json.dumps({"solver": repr(estimator)})}
    _write_safetensors(path, metadata, {"biases": np.broadcast_to(biases, len(classes)), "weights": weights})


def _read_safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    return metadata, {name: np.frombuffer(data[slice(*entry["data_offsets"])], "<f4").reshape(entry["shape"])
                      for name, entry in header.items()}


def _write_safetensors(path, metadata: Dict[str, str], tensors) -> None:
    header: Dict[str, Any] = {"__metadata__": metadata}
    parts, end = [], 0
    for name, tensor in tensors.items():
        parts.append(np.ascontiguousarray(tensor, "<f4").tobytes())
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [end, end + len(parts[-1])]}
        end += len(parts[-1])
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    partial = Path(f"{os.fspath(path)}.partial")
    partial.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(parts))
    os.replace(partial, path)
