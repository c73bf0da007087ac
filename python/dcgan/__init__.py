"""Image features without labels: the discriminator of a DCGAN.

>>> import dcgan, glob
>>> photographs = sorted(glob.glob("photographs/*.jpg"))
>>> features = dcgan.Extractor()(photographs)              # float32 [N, 28672]

Importing this needs NumPy only.
"""

from ._images import decode
from ._library import Error, ImageError
from ._models import models
from .classifier import Classifier, save_classifier
from .extractor import Extractor, Failure
from .features import Features, read_features
from .parquet import to_parquet

__all__ = ["Classifier", "Error", "Extractor", "Failure", "Features", "ImageError", "decode", "load", "models",
           "read_features", "save_classifier", "to_parquet"]


def __getattr__(name):
    if name == "__version__":
        from ._library import version

        return version()
    if name == "networks":  # which imports torch
        import importlib

        return importlib.import_module(".networks", __name__)
    raise AttributeError(f"module dcgan has no attribute {name}")


def load(path):
    """The networks of a model file in PyTorch (dcgan.networks, which needs torch and safetensors)."""
    from . import networks

    return networks.load(path)
