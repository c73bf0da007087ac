#pragma once

#include <string>

#include "dcgan/export.h"
#include "dcgan/model_file.h"

namespace dcgan {

/// Reads the weights that the paper's authors released (github.com/Newmu/dcgan_code, models/): files
/// `*_discrim_params.jl_NN.npy` and `*_gen_params.jl_NN.npy`, numbered from 01 in the order of their functions'
/// parameters.
///
/// Theano convolves where PyTorch correlates, so kernels are rotated by 180 degrees; dense layers are transposed.
/// Widths, depth and sizes come from the shapes. Batch-norm statistics are not among the arrays: mean 0 and variance 1
/// stand in their place until infer_statistics().
///
/// @param partial  accept a discriminator whose upper convolutions are missing, and a missing generator; keep the lower
///                 convolutions
/// @throws FileError naming the array that is missing or of an unexpected shape.
DCGAN_EXPORT ModelFile read_released_weights(const std::string& folder, bool partial);

}  // namespace dcgan
