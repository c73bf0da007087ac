#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace dcgan::cli {

/// A line on stderr with done/total, rate and time left; on a terminal only, and never with --quiet.
class Progress {
 public:
  Progress(std::string what, int64_t total, bool quiet);
  ~Progress();  ///< clears the line
  void update(int64_t done);

 private:
  std::string what_;
  int64_t total_;
  bool shown_;
  int64_t first_done_ = -1;
  std::chrono::steady_clock::time_point start_, last_;
};

/// "3 min 20 s", "2 h 05 min".
std::string human_duration(double seconds);
/// "1.5 GiB".
std::string human_bytes(double bytes);

/// One line on stderr, unless quiet.
void log(bool quiet, const std::string& line);

}  // namespace dcgan::cli
