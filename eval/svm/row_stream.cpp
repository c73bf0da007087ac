#include "eval/svm/row_stream.h"

#include <algorithm>

#include "dcgan/seeds.h"

namespace dcgan::eval {
namespace {

// Rows that are read from a file together: long enough for a disk, short enough that a piece of a file in order of
// classes holds examples of all of them.
constexpr int64_t kRun = 32;

}  // namespace

RowStream::RowStream(const TrainingSet& set, int64_t max_memory, uint64_t seed)
    : set_(set), seed_(seed), by_row_(all_rows(static_cast<int64_t>(set.rows.size()))) {
  const auto file_row = [&](int64_t i) { return set.rows[i]; };
  std::sort(by_row_.begin(), by_row_.end(), [&](int64_t a, int64_t b) { return file_row(a) < file_row(b); });
  const int64_t n = static_cast<int64_t>(by_row_.size());
  piece_rows_ = n;
  if (const FeatureMatrix* matrix = set.features.in_memory()) {
    read_[0].indices = by_row_;
    for (const int64_t i : by_row_) read_[0].rows.push_back(matrix->row(file_row(i)));
    loaded_ = 1;
    return;
  }
  const int64_t row_bytes = row_pitch(set.features.columns()) * static_cast<int64_t>(sizeof(float));
  if (max_memory > 0 && n * row_bytes > max_memory) {
    piece_rows_ = std::min(n, std::max<int64_t>(kRun, max_memory / 2 / row_bytes / kRun * kRun));
    pieces_ = (n + piece_rows_ - 1) / piece_rows_;
  }
  for (int b = 0; b < (pieces_ == 1 ? 1 : 2); ++b) buffers_[b] = RowBuffer(piece_rows_, set.features.columns());
}

RowStream::~RowStream() {
  if (reading_.valid()) reading_.wait();
}

void RowStream::load(int buffer) {
  const uint64_t round = loaded_ / static_cast<uint64_t>(pieces_);
  const int64_t piece = static_cast<int64_t>(loaded_ % static_cast<uint64_t>(pieces_));
  const int64_t n = static_cast<int64_t>(by_row_.size());
  const std::vector<int64_t> runs = shuffled_indices((n + kRun - 1) / kRun, derive_seed(seed_, "svm runs", round));
  const int64_t runs_per_piece = (piece_rows_ + kRun - 1) / kRun;
  Piece& result = read_[buffer];
  result = {};
  for (int64_t r = piece * runs_per_piece;
       r < std::min<int64_t>((piece + 1) * runs_per_piece, static_cast<int64_t>(runs.size())); ++r) {
    const int64_t run = runs[r];
    const int64_t run_end = std::min(n, (run + 1) * kRun);
    for (int64_t first = run * kRun, last; first < run_end; first = last) {
      const auto file_row = [&](int64_t i) { return set_.rows[by_row_[i]]; };
      for (last = first + 1; last < run_end && file_row(last) == file_row(last - 1) + 1;) ++last;
      float* place = buffers_[buffer].row(static_cast<int64_t>(result.rows.size()));
      set_.features.read(file_row(first), last - first, place, buffers_[buffer].pitch());
      for (int64_t i = first; i < last; ++i) {
        result.indices.push_back(by_row_[i]);
        result.rows.push_back(place + (i - first) * buffers_[buffer].pitch());
      }
    }
  }
  ++loaded_;
}

const RowStream::Piece& RowStream::next() {
  if (pieces_ == 1) {
    if (loaded_ == 0) load(0);
    return read_[0];
  }
  if (reading_.valid()) {
    reading_.get();
    current_ = 1 - current_;
  } else {
    load(current_);
  }
  reading_ = std::async(std::launch::async, [this] { load(1 - current_); });
  return read_[current_];
}

}  // namespace dcgan::eval
