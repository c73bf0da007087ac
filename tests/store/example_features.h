#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dcgan/feature_file.h"

namespace dcgan::test {

constexpr int64_t kColumns = 48;

FeatureFileInfo example_info(FloatStorage storage = FloatStorage::kFloat32, int64_t inputs = 60);
/// Values that are exact in float16, too.
std::vector<float> example_rows(int64_t first, int64_t count);

/// What an extraction of `inputs` inputs does: every eleventh fails, the others give a row, every seventh with a
/// warning of harmless damage; flushes every batch of five.
int64_t expected_rows(int64_t inputs);
/// Goes on from where the writer stands up to input `last`; tells in `flushed` how many inputs are safe.
void extract_example(FeatureFileWriter& writer, int64_t last, volatile int64_t* flushed = nullptr);
/// Opens (resuming), extracts, closes; nothing if `path` is there already. @return the inputs done by earlier runs.
int64_t run_example(const std::string& path, int64_t inputs, volatile int64_t* flushed = nullptr);

/// Everything that a feature file holds, as a text to compare.
std::string contents(const std::string& path);

}  // namespace dcgan::test
