#pragma once

#include <array>
#include <string>

#include "dcgan/packed_images.h"
#include "dcgan/trainer.h"
#include "train/processes.h"

namespace dcgan::train {

/// Everything that decides the parameters after a given step, as JSON: architecture, options, seed, data. It stands in
/// options.json and in the model's record; a resume with another one is refused. How long to train and what to write
/// may change on resume and is not in it.
std::string run_identity(const TrainingRun& run, const PackedImageReader& images);

/// Options that came after the first release: they are recorded only where they are not default, so that other runs'
/// records are what they were.
inline constexpr std::array kRecordedUnlessDefault = {
    "decoupled-weight-decay",  "warm-up-steps",     "decay-shape",      "initialise",  "adversarial",   "contrastive",
    "contrastive-layers",      "adversarial-trunk", "adversarial-loss", "augment",     "spectral-norm", "rotation",
    "generator-learning-rate", "generator-beta1",   "generator-beta2",  "shared-noise"};

/// Processes that train together must agree in it, and in when they report and stop.
/// @param path  of the images
/// @throws FileError if the first process has another one
void check_same_run(const Processes& processes, const TrainingRun& run, const std::string& identity,
                    const std::string& path);

}  // namespace dcgan::train
