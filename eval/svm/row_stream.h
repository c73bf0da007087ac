#pragma once

#include <cstdint>
#include <future>
#include <vector>

#include "eval/svm/rows.h"

namespace dcgan::eval {

/// The rows of a training set, over and over, in pieces that fit into memory. Where the features are in memory, or fit,
/// there is one piece, which stays; otherwise each round has its own random pieces, made of short runs of rows, and the
/// next piece is read while the one before is in use.
class RowStream {
 public:
  struct Piece {
    std::vector<int64_t> indices;    ///< into the training set
    std::vector<const float*> rows;  ///< padded as RowBuffer says
  };

  /// @param max_memory  bytes for rows that are not in memory yet; 0: no limit
  RowStream(const TrainingSet& set, int64_t max_memory, uint64_t seed);
  ~RowStream();

  int64_t pieces() const { return pieces_; }  ///< of a round
  /// The next piece; the one before becomes invalid.
  const Piece& next();

 private:
  void load(int buffer);

  const TrainingSet& set_;
  uint64_t seed_;
  std::vector<int64_t> by_row_;  // indices in the order of the file's rows
  int64_t pieces_ = 1, piece_rows_;
  uint64_t loaded_ = 0;  // pieces read so far
  RowBuffer buffers_[2];
  Piece read_[2];
  int current_ = 0;
  std::future<void> reading_;
};

}  // namespace dcgan::eval
