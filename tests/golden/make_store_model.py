"""Reads the model file of model_file_test.cpp with the package safetensors, checks it, and writes it again.

usage: make_store_model.py FOLDER   (m.safetensors in, python.safetensors out)
"""

import json
import sys
from pathlib import Path

try:
    import numpy as np
    from safetensors import safe_open
    from safetensors.numpy import save_file
except ImportError as missing:
    print(missing)
    sys.exit(77)

folder = Path(sys.argv[1])
with safe_open(folder / "m.safetensors", framework="np") as f:
    metadata = f.metadata()
    tensors = {name: f.get_tensor(name) for name in f.keys()}

assert metadata["format"] == "dcgan-model" and metadata["format_version"] == "1" and metadata["convolutions"] == "2"
assert json.loads(metadata["architecture"])["image-size"] == 16 and json.loads(metadata["training"]) == {"step": 7}
assert "library_version" in metadata
assert tensors["generator.deconv1.weight"].shape == (6, 3, 3, 3)
for name, tensor in tensors.items():
    assert tensor.dtype == np.float32
    assert np.array_equal(tensor.ravel(), len(name) + np.arange(tensor.size)), name

save_file(tensors, folder / "python.safetensors", metadata=metadata)
