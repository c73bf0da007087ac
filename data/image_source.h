#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/image_decoder.h"

namespace dcgan::data {

/// A data set: a numbered list of images with names and labels. Readers implement it, ImagePipeline runs it.
class ImageSource {
 public:
  virtual ~ImageSource() = default;

  virtual int64_t count() const = 0;  ///< N
  /// The name that is recorded for image i.
  virtual std::string path(int64_t i) const = 0;
  /// [K] in the order of the labels; empty where the images have none.
  virtual const std::vector<std::string>& classes() const = 0;
  /// 0 to K - 1; not to be called where there are no classes.
  virtual int32_t label(int64_t i) const = 0;
  /// Images first .. first + count - 1, of any size. May be called from many threads.
  virtual std::vector<DecodedImage> load(int64_t first, int64_t count) const = 0;
  /// The files that they are read from, as far as there are any; a name may be among them that does not exist.
  virtual std::vector<std::string> files() const { return {}; }
  /// What they are and how they are read: JSON object.
  virtual std::string description() const = 0;
};

/// Changes with the inputs and with their order: what neither a resumed run nor parts of one list may do.
std::string input_list_hash(const ImageSource& source);

}  // namespace dcgan::data
