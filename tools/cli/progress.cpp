#include "tools/cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <iostream>

#include "dcgan/errors.h"
#include "tools/cli/command_line.h"
#include "tools/cli/text_values.h"

namespace dcgan::cli {
namespace {

constexpr double kRedrawEvery_s = 0.2;

}  // namespace

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

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
  const Clock::time_point now = Clock::now();
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
  if (total_ <= 0) return text_of(what_, " ", done, note);
  // The rate counts what this run did, not what an earlier run had done before it was resumed.
  const double elapsed = seconds_since(start_);
  const double rate = elapsed > 0 ? static_cast<double>(done - first_done_) / elapsed : 0;
  std::string text = text_of(what_, " ", done, "/", total_);
  text += number_text(" (%.0f%%)", 100.0 * static_cast<double>(done) / static_cast<double>(total_));
  if (rate > 0) {
    text += number_text(", %.1f/s", rate) + ", " + human_duration(static_cast<double>(total_ - done) / rate) + " left";
  }
  return text + note;
}

std::string human_duration(double seconds) {
  const auto s = static_cast<int64_t>(std::max(0.0, seconds + 0.5));
  if (s < 60) return text_of(s, " s");
  if (s < 3600) return text_of(s / 60, " min ", s % 60, " s");
  return text_of(s / 3600, " h ", s % 3600 / 60, " min");
}

std::string human_bytes(int64_t bytes) {
  const std::array<const char*, 5> units = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto shown = static_cast<double>(bytes);
  size_t unit = 0;
  for (; shown >= 1024 && unit + 1 < units.size(); ++unit) shown /= 1024;
  return number_text(unit == 0 ? "%.0f " : "%.1f ", shown) + units.at(unit);
}

void log(bool quiet, const std::string& line) {
  if (quiet) return;
  const char* clear = isatty(STDERR_FILENO) != 0 ? "\r\033[K" : "";  // a line of progress
  std::cerr << clear << line << std::endl;
}

}  // namespace dcgan::cli
