"""Image features without labels: the discriminator of a DCGAN.

>>> import dcgan, glob
>>> photographs = sorted(glob.glob("photographs/*.jpg"))
>>> features = dcgan.Extractor()(photographs)              # float32 [N, 28672]

Importing this needs NumPy only.
"""

from ._images import decode
from ._library import Error, ImageError
from ._library import version as _version
from ._models import models
from .classifier import Classifier, save_classifier
from .extractor import Extractor, Failure
from .features import Features, read_features

__version__ = _version()
__all__ = ["Classifier", "Error", "Extractor", "Failure", "Features", "ImageError", "decode", "load", "models",
           "read_features", "save_classifier"]


def load(path):
    """The networks of a model file in PyTorch (dcgan.networks, which needs torch and safetensors)."""
    from . import networks

    return networks.load(path)
