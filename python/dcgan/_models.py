"""The models that lie in the package."""

import os
from pathlib import Path
from typing import Dict, Optional

DEFAULT = "tiny-imagenet32-contrastive"
_HERE = Path(__file__).resolve()
_FOLDERS = [_HERE.with_name("weights"), _HERE.parents[2] / "data" / "models"]  # of a wheel, of the sources


def models() -> Dict[str, Path]:
    """Names and files of the models in the package; others are given by their path."""
    folder = next((folder for folder in _FOLDERS if folder.is_dir()), _FOLDERS[0])
    return {path.stem: path for path in sorted(folder.glob("*.safetensors"))}


def model_path(model: Optional[str] = None) -> Path:
    """The file of a model that is given by its path, by its name, or not at all."""
    name = DEFAULT if model is None else os.fspath(model)
    if os.path.exists(name) or os.sep in name or "." in name:
        return Path(name)
    if name not in models():
        raise ValueError(f"{name} is no file, and no model in the package: {', '.join(models()) or 'there is none'}")
    return models()[name]
