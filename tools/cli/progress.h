#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

namespace dcgan::cli {

struct CommonOptions;

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start);

/// A line on stderr with done/total, rate and time left: one that is redrawn on a terminal, elsewhere a new one now and
/// then (--progress-every). Never with --quiet.
class Progress {
 public:
  /// @param total  0: not known beforehand
  Progress(std::string what, int64_t total, const CommonOptions& common);
  ~Progress();  ///< clears the line of a terminal
  void update(int64_t done);
  /// Text that ends the line from now on, such as the losses of a training.
  void note(std::string text) { note_ = std::move(text); }

 private:
  std::string line(int64_t done) const;

  std::string what_, note_;
  int64_t total_;
  bool shown_, on_terminal_;
  double every_s_;
  int64_t first_done_ = -1;
  Clock::time_point start_, last_;
};

/// "3 min 20 s", "2 h 05 min".
std::string human_duration(double seconds);
/// "1.5 GiB".
std::string human_bytes(int64_t bytes);

/// One line on stderr, unless quiet.
void log(bool quiet, const std::string& line);

}  // namespace dcgan::cli
