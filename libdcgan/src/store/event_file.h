#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/files.h"
#include "dcgan/export.h"

namespace dcgan::store {

/// Removes the event files of `folder`.
DCGAN_EXPORT void remove_event_files(const std::string& folder);

/// Scalars and pictures of a run as TensorBoard reads them: TensorFlow's record framing around tensorflow.Event
/// messages (tensorflow/core/util/event.proto, summary.proto; the few fields that are needed are written by hand, as
/// the whole of Protobuf would be another dependency for a hundred lines).
class DCGAN_EXPORT EventFile {
 public:
  /// A new file in `folder`. What earlier files say of steps after `step` no longer counts.
  EventFile(const std::string& folder, int64_t step);

  void add_scalar(int64_t step, std::string_view tag, double value);
  /// @param png  a whole PNG file, RGB
  void add_image(int64_t step, std::string_view tag, const std::string& png);

 private:
  void add(const std::string& event);

  base::File file_;
  int64_t end_ = 0;
};

}  // namespace dcgan::store
