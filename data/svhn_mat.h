#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "data/image_source.h"
#include "dcgan/images.h"
#include "dcgan/options.h"

namespace dcgan::data {

/// The official files: 73,257, 26,032 and 531,131 digits.
enum class SvhnSplit { kTrain, kTest, kExtra };

}  // namespace dcgan::data

namespace dcgan {

template <>
struct EnumNames<data::SvhnSplit> {
  static constexpr std::array<std::string_view, 3> kNames = {"train", "test", "extra"};
};

}  // namespace dcgan

namespace dcgan::data {

constexpr int64_t kSvhnSide = 32;

/// Reads one file of SVHN's cropped digits (ufldl.stanford.edu/housenumbers, format 2): MATLAB 5 with X uint8
/// [32, 32, 3, N] and y [N, 1], 1 to 10, where 10 is the digit 0. Labels are the digits; paths "train_32x32/000000",
/// ....
/// @throws FileError for a file of another kind or version, cut short, damaged, with other variables or shapes.
ImageBatch read_svhn_mat(const std::string& path);

/// DIR/train_32x32.mat, test_32x32.mat or extra_32x32.mat as a data set in memory (225 MB, 80 MB, 1.6 GB).
std::unique_ptr<ImageSource> open_svhn_mat(const std::string& folder, SvhnSplit split);

/// Whether `folder` holds one of the official files.
bool is_svhn_mat(const std::string& folder);

}  // namespace dcgan::data
