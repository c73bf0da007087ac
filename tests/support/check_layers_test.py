"""cmake/check_layers.py finds a planted violation of every rule, and nothing in a clean tree."""

import unittest

from planted import check, expect_every_violation

CLEAN = {
    "libdcgan/include/dcgan/errors.h": "#include <string>\n",
    "libdcgan/include/dcgan/model_file.h": '#include "dcgan/errors.h"\n',
    "libdcgan/include/dcgan/trainer.h": '#include "dcgan/errors.h"\n',
    "libdcgan/src/base/errors.cpp": '#include "dcgan/errors.h"\n',
    "libdcgan/src/parallel/thread_pool.h": '#include <mutex>\n#include "dcgan/errors.h"\n',
    "libdcgan/src/parallel/float_buffer.h": '#include <sys/mman.h>\n',
    "libdcgan/src/parallel/spinning.h": "",
    "libdcgan/src/models/model_file.cpp": '#include "dcgan/model_file.h"\n#include "base/plugin.h"\n',
    "libdcgan/src/store/rows.cpp": '#include <hdf5.h>\n#include "store/hdf5.h"\n',
    "libdcgan/src/store/hdf5.h": "",
    "libdcgan/src/nn/networks.cpp": '#include <torch/types.h>\n#include "dcgan/model_file.h"\n',
    "libdcgan/src/nn/networks.h": "",
    "libdcgan/src/train/trainer.cpp": '#include "nn/networks.h"\n// printf( in a comment\n',
    "libdcgan/src/train/accelerator.h": "",
    "libdcgan/src/cuda/accelerator.cpp": '#include <c10/cuda/CUDAStream.h>\n#include "train/accelerator.h"\n',
    "libdcgan/src/features/pool.h": "",
    "libdcgan/src/train/CMakeLists.txt": "dcgan_module(train SOURCES trainer.cpp LINK dcgan_nn Torch::cpu)\n",
    "libdcgan/include/dcgan/export.h": "",
    "libdcgan/include/dcgan/supervised.h": "",
    "libdcgan/src/base/plugin.h": "",
    "libdcgan/src/base/supervised.cpp": '#include "dcgan/supervised.h"\n',
    "libdcgan/src/train/supervised.cpp": '#include "dcgan/supervised.h"\n',
    "libdcgan/src/kernels/kernels.h": '#include "dcgan/export.h"\n',
    "libdcgan/src/features/extractor.cpp": '#include "kernels/kernels.h"\n',
    "data/CMakeLists.txt": "dcgan_image_library(images SOURCES images/codec.cpp LINK ${OpenCV_LIBS})\n",
    "data/images/codec.cpp": '#include <opencv2/core.hpp>\n#include "data/folder.h"\n',
    "data/images/codec.h": "",
    "tools/train/CMakeLists.txt": "dcgan_program(train SOURCES probe.cpp LINK dcgan::train)\n",
    "data/folder.cpp": '#include <opencv2/core/version.hpp>\n#include "dcgan/errors.h"\n#include "base/plugin.h"\n'
    'auto t = "exit(1)";\nstd::snprintf(b, 9, "x");\n',
    "data/folder.h": "",
    "eval/svm.cpp": '#include <linear.h>\n#include "eval/svm.h"\n#include "parallel/thread_pool.h"\n',
    "tools/eval/main.cpp": '#include "data/folder.h"\n#include "eval/svm.h"\nint main() { std::cout << 1; }\n',
    "tools/eval/CMakeLists.txt": "dcgan_program(eval SOURCES svm.cpp LINK dcgan_eval dcgan_tools)\n",
    "tools/eval/rows.h": "",
    "tools/train/probe.cpp": '#include "tools/cli/progress.h"\n#include "tools/shared/images.h"\n',
    "tests/nn/networks_test.cpp": '#include <torch/torch.h>\n#include "nn/networks.h"\n',
}

# The file, the line that is added to it, and what the report must say.
PLANTED = [
    ("libdcgan/src/base/errors.cpp", '#include "dcgan/model_file.h"', "base must not include models"),
    ("libdcgan/src/base/errors.cpp", "#include <torch/types.h>", "base must not include LibTorch"),
    ("libdcgan/src/store/rows.cpp", '#include "nn/networks.h"', "store must not include nn"),
    ("libdcgan/src/store/rows.cpp", "#include <ATen/ATen.h>", "store must not include LibTorch"),
    ("libdcgan/src/models/model_file.cpp", '#include "store/hdf5.h"', "models must not include store"),
    ("libdcgan/src/models/model_file.cpp", "#include <hdf5.h>", "models must not include HDF5"),
    ("libdcgan/src/store/rows.cpp", '#include "dcgan/model_file.h"', "store must not include models"),
    ("libdcgan/src/features/extractor.cpp", '#include "store/hdf5.h"', "features must not include store"),
    ("libdcgan/src/train/trainer.cpp", '#include "features/pool.h"', "train must not include features"),
    ("libdcgan/src/train/trainer.cpp", "#include <torch/torch.h>", "torch/torch.h takes 36 s"),
    ("libdcgan/src/train/trainer.cpp", "using namespace torch;", "using namespace torch"),
    ("libdcgan/src/train/trainer.cpp", 'std::printf("x");', "never prints"),
    ("libdcgan/src/train/trainer.cpp", 'auto home = getenv("HOME");', "never prints, exits or reads the environment"),
    ("libdcgan/src/train/trainer.cpp", "std::exit(1);", "never prints, exits"),
    ("libdcgan/src/nn/networks.cpp", "#include <opencv2/core.hpp>", "nn must not include OpenCV"),
    ("libdcgan/src/cuda/accelerator.cpp", '#include "nn/networks.h"', "cuda must not include nn"),
    ("libdcgan/include/dcgan/errors.h", "#include <hdf5.h>", "a public header includes hdf5.h"),
    ("libdcgan/include/dcgan/errors.h", '#include "nn/networks.h"', "a public header includes nn/networks.h"),
    ("libdcgan/src/train/CMakeLists.txt", "dcgan_module(train LINK dcgan_features)", "train must not link features"),
    ("libdcgan/src/train/CMakeLists.txt", "target_link_libraries(dcgan_train PUBLIC opencv_core)",
     "train must not link OpenCV"),
    ("libdcgan/src/parallel/thread_pool.h", '#include "parallel/spinning.h"',
     "an exported header includes parallel/spinning.h"),
    ("libdcgan/src/parallel/spinning.h", '#include "store/hdf5.h"', "parallel must not include store"),
    ("libdcgan/src/store/rows.cpp", '#include "parallel/thread_pool.h"', "store must not include parallel"),
    ("libdcgan/src/base/supervised.cpp", '#include "dcgan/trainer.h"', "base must not include train"),
    ("libdcgan/src/kernels/kernels.h", '#include "dcgan/errors.h"', "kernels must not include base"),
    ("libdcgan/src/features/extractor.cpp", "#include <ATen/ATen.h>", "features must not include LibTorch"),
    ("libdcgan/src/features/extractor.cpp", '#include "nn/networks.h"', "features must not include nn"),
    ("libdcgan/src/features/extractor.cpp", '#include "dcgan/trainer.h"', "features must not include train"),
    ("data/folder.cpp", "#include <opencv2/core.hpp>", "data must not include OpenCV"),
    ("data/folder.cpp", '#include "data/images/codec.h"', "data must not include images"),
    ("data/images/codec.cpp", "#include <torch/types.h>", "images must not include LibTorch"),
    ("data/images/codec.cpp", '#include "base/plugin.h"', "images must not include base"),
    ("data/CMakeLists.txt", "target_link_libraries(dcgan_data PUBLIC ${OpenCV_LIBS})", "data must not link OpenCV"),
    ("data/CMakeLists.txt", "dcgan_image_library(images LINK Torch::cpu)", "images must not link LibTorch"),
    ("tools/eval/CMakeLists.txt", "dcgan_program(eval LINK dcgan::train)", "tools must not link LibTorch (dcgan::train)"),
    ("data/folder.cpp", '#include "nn/networks.h"', "data must not include nn"),
    ("data/folder.cpp", '#include "store/hdf5.h"', "data must not include store"),
    ("data/folder.cpp", "#include <torch/types.h>", "data must not include LibTorch"),
    ("data/folder.cpp", '#include "eval/svm.h"', "data must not include eval"),
    ("data/folder.cpp", 'std::cerr << "x";', "never prints"),
    ("eval/svm.cpp", "#include <opencv2/core.hpp>", "eval must not include OpenCV"),
    ("eval/svm.cpp", "#include <hdf5.h>", "eval must not include HDF5"),
    ("eval/svm.cpp", '#include "parallel/spinning.h"', "eval must not include parallel"),
    ("eval/svm.cpp", '#include "nn/networks.h"', "eval must not include nn"),
    ("eval/svm.cpp", "#include <boost/program_options.hpp>", "eval must not include the command line"),
    ("tools/eval/main.cpp", '#include "store/hdf5.h"', "tools must not include store"),
    ("tools/train/probe.cpp", '#include "tools/eval/rows.h"', "tools/train must not include another program's"),
    ("tools/eval/CMakeLists.txt", "dcgan_program(eval LINK ${HDF5_LIBRARIES})",
     "tools must not link HDF5"),
]


class CheckLayers(unittest.TestCase):
    def test_accepts_a_clean_tree(self):
        result = check("check_layers.py", CLEAN)
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_finds_every_planted_violation_and_names_file_and_line(self):
        expect_every_violation(self, "check_layers.py", CLEAN, PLANTED)
