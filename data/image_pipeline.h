#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "data/image_source.h"
#include "data/preparation.h"
#include "dcgan/images.h"

namespace dcgan::data {

/// A run of consecutive inputs, in order, each accounted for: its images (one, where the preparation does not say
/// otherwise) or a failure.
struct DecodedBlock {
  int64_t first = 0;                       ///< number of the first input
  int64_t inputs = 0;                      ///< inputs first .. first + inputs - 1
  ImageBatch images;                       ///< uint8 [n, size, size, 3]; labels where the source has classes
  std::vector<int64_t> indices;            ///< [n] number of the input that each image is of; ascending
  std::vector<Failure> failures;           ///< in order of the inputs
  std::vector<Failure> warnings;           ///< DecodedImage::warning of those that have images; in their order
  std::map<std::string, int64_t> remarks;  ///< DecodedImage::remark of how many inputs
};

struct PipelineOptions {
  int64_t threads = 1;       ///< that decode, beside the one that calls next()
  int64_t block_size = 64;   ///< inputs per block
  int64_t blocks_ahead = 0;  ///< blocks that may be ready or in work; 0: two per thread and two more
  int64_t begin = 0;         ///< first input (to go on after a stop, or for a shard)
  int64_t end = -1;          ///< one past the last input; -1: all
};

/// Where the time went.
struct PipelineTimes {
  double decode_s = 0;  ///< load, decode and prepare, summed over the threads
  double wait_s = 0;    ///< next() waited for a block
};

/// Loads, decodes and prepares on several threads, and hands on blocks in order; memory is bounded by
/// blocks_ahead * block_size images of the final size and one image being decoded per thread. The blocks do not depend
/// on the number of threads. next() belongs to one thread.
class ImagePipeline {
 public:
  /// @param source  must outlive the pipeline
  ImagePipeline(const ImageSource& source, Preparation preparation, const PipelineOptions& options);
  /// Resizes and crops.
  ImagePipeline(const ImageSource& source, const ResizeOptions& resize, const PipelineOptions& options);
  ~ImagePipeline();  ///< stops the threads, whether or not all blocks were taken

  /// @return false after the last block.
  /// @throws what the source threw, at its place in the order
  bool next(DecodedBlock& block);

  PipelineTimes times() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dcgan::data
