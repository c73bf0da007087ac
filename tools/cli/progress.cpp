#include "tools/cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>

#include "tools/cli/command_line.h"

namespace dcgan::cli {
namespace {

std::string format(const char* pattern, double value) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), pattern, value);
  return text.data();
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

constexpr double kRedrawEvery_s = 0.2;

}  // namespace

Progress::Progress(std::string what, int64_t total, const CommonOptions& common)
    : what_(std::move(what)),
      total_(total),
      shown_(!common.quiet),
      on_terminal_(isatty(STDERR_FILENO) != 0),
      every_s_(on_terminal_ ? kRedrawEvery_s : common.progress_every) {}

Progress::~Progress() {
  if (shown_ && on_terminal_ && first_done_ >= 0) std::cerr << "\r\033[K" << std::flush;
}

void Progress::update(int64_t done) {
  if (!shown_) return;
  const auto now = std::chrono::steady_clock::now();
  const bool first = first_done_ < 0;
  if (first) {
    first_done_ = done;
    start_ = last_ = now;
  }
  // A terminal shows the first and the last state, too; a log file needs neither.
  const bool due = std::chrono::duration<double>(now - last_).count() >= every_s_;
  if (!due && !(on_terminal_ && (first || done == total_))) return;
  last_ = now;
  std::cerr << (on_terminal_ ? "\r" + line(done) + "\033[K" : line(done) + "\n") << std::flush;
}

std::string Progress::line(int64_t done) const {
  const std::string note = note_.empty() ? "" : "; " + note_;
  if (total_ <= 0) return what_ + " " + std::to_string(done) + note;
  // The rate counts what this run did, not what an earlier run had done before it was resumed.
  const double elapsed = seconds_since(start_);
  const double rate = elapsed > 0 ? static_cast<double>(done - first_done_) / elapsed : 0;
  std::string text = what_ + " " + std::to_string(done) + "/" + std::to_string(total_);
  text += format(" (%.0f%%)", 100.0 * static_cast<double>(done) / static_cast<double>(total_));
  if (rate > 0) {
    text += format(", %.1f/s", rate) + ", " + human_duration(static_cast<double>(total_ - done) / rate) + " left";
  }
  return text + note;
}

std::string human_duration(double seconds) {
  const auto s = static_cast<int64_t>(std::max(0.0, seconds + 0.5));
  if (s < 60) return std::to_string(s) + " s";
  if (s < 3600) return std::to_string(s / 60) + " min " + std::to_string(s % 60) + " s";
  return std::to_string(s / 3600) + " h " + std::to_string(s % 3600 / 60) + " min";
}

std::string human_bytes(double bytes) {
  const std::array<const char*, 5> units = {"B", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  for (; bytes >= 1024 && unit + 1 < units.size(); ++unit) bytes /= 1024;
  return format(unit == 0 ? "%.0f " : "%.1f ", bytes) + units.at(unit);
}

void log(bool quiet, const std::string& line) {
  if (quiet) return;
  const char* clear = isatty(STDERR_FILENO) != 0 ? "\r\033[K" : "";  // a line of progress
  std::cerr << clear << line << std::endl;
}

}  // namespace dcgan::cli
