#pragma once

#include <cstdint>
#include <string>

#include "eval/protocols/tables.h"
#include "tools/eval/protocol_images.h"

namespace dcgan::eval_tool {

/// Random search for the supervised network of the same architecture.
struct TrialOptions {
  int64_t trials = 0;
  std::string file;
  std::string architecture = "svhn32";
  int64_t epochs = 100;
  int64_t patience = 20;
};

template <class Visitor>
void describe(TrialOptions& o, Visitor&& f) {
  f(o.trials, "trials", "random trials of a supervised CNN on the labels of one draw, published 64; 0: no such row");
  f(o.file, "trials-file", "one JSON line for each finished trial; a search that was stopped goes on from it");
  f(o.architecture, "trials-architecture", "published architecture whose convolutions it has");
  f(o.epochs, "trials-epochs", "epochs of a trial, at most");
  f(o.patience, "trials-patience", "epochs without a lower validation error after which a trial stops");
}

void check(const TrialOptions& options);

/// Runs the trials that the file does not have yet, each recorded when it is done, and makes a row of the best one:
/// its validation error, as the paper reports it.
/// @throws FileError if the file's trials were made with other data or options.
eval::MeasuredRow supervised_row(const TrialOptions& options, const eval::DrawOptions& draws,
                                 const LoadedImages& training, const cli::CommonOptions& resources);

}  // namespace dcgan::eval_tool
