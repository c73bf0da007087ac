#pragma once

#include <cstdint>
#include <string>

#include "dcgan/images.h"

namespace dcgan::cli {

/// Inputs that failed, a line each on stderr, also with --quiet: the first ten, and how many more there were.
class FailureLog {
 public:
  void add(const Failure& failure);
  /// After the last one.
  /// @param file  that lists all of them; empty: none does
  void finish(const std::string& file) const;
  int64_t count() const { return count_; }

 private:
  int64_t count_ = 0;
};

}  // namespace dcgan::cli
