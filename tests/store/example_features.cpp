#include "tests/store/example_features.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

namespace dcgan::test {

FeatureFileInfo example_info(FloatStorage storage, int64_t inputs) {
  FeatureFileInfo info;
  info.inputs = {"inputs-1", 0, inputs, inputs};
  info.feature_count = kColumns;
  info.model_sha256 = std::string(64, 'a');
  info.architecture = R"({"ndf":1})";
  info.layers = {1, 2};
  info.layer_offsets = {0, 16, kColumns};
  info.grid = 4;
  info.preprocessing = R"({"resize":"area"})";
  info.command_line = "dcgan-extract images -o x.h5";
  info.seed = 18446744073709551615U;
  info.classes = {"cat", "dog"};
  info.storage = storage;
  return info;
}

std::vector<float> example_rows(int64_t first, int64_t count) {
  std::vector<float> rows(static_cast<size_t>(count * kColumns));
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i] = static_cast<float>((static_cast<size_t>(first * kColumns) + i) % 2039) / 4 - 100;
  }
  return rows;
}

int64_t expected_rows(int64_t inputs) { return inputs - inputs / 11; }

void extract_example(FeatureFileWriter& writer, int64_t last, volatile int64_t* flushed) {
  while (writer.inputs_done() < last) {
    const int64_t begin = writer.inputs_done();
    const int64_t end = std::min(last, begin + 5 - begin % 5);
    std::vector<std::string> paths;
    std::vector<int32_t> labels;
    std::vector<Failure> failures, warnings;
    for (int64_t i = begin; i < end; ++i) {
      const std::string path = (i % 2 == 0 ? "cat/" : "dog/") + std::to_string(i) + "\xc3\xa4.png";
      if (i % 11 == 10) {
        failures.push_back({path, "no image"});
      } else {
        paths.push_back(path);
        labels.push_back(static_cast<int32_t>(i % 2));
        if (i % 7 == 3) warnings.push_back({path, "surplus bytes"});
      }
    }
    writer.warn(warnings);
    writer.append(example_rows(writer.rows(), static_cast<int64_t>(paths.size())).data(), paths, labels, failures, end);
    writer.flush();
    if (flushed != nullptr) *flushed = end;
  }
}

int64_t run_example(const std::string& path, int64_t inputs, volatile int64_t* flushed) {
  if (std::filesystem::exists(path)) return inputs;
  FeatureFileWriter writer(path, example_info(FloatStorage::kFloat32, inputs), FeatureFileWriter::Mode::kResume);
  const int64_t resumed_at = writer.inputs_done();
  extract_example(writer, inputs, flushed);
  writer.close();
  return resumed_at;
}

std::string contents(const std::string& path) {
  const FeatureFileReader reader(path);
  std::ostringstream text;
  const FeatureFileInfo& info = reader.info();
  text << info.model_sha256 << info.architecture << info.grid << info.preprocessing << info.command_line << info.seed;
  for (const int64_t offset : info.layer_offsets) text << ' ' << offset;
  for (const std::string& name : info.classes) text << '\n' << name;
  std::vector<float> row(static_cast<size_t>(reader.feature_count()));
  for (int64_t i = 0; i < reader.rows(); ++i) {
    reader.read(i, 1, row.data());
    text << '\n'
         << i << ' ' << reader.paths().at(static_cast<size_t>(i)) << ' ' << reader.labels().at(static_cast<size_t>(i));
    for (const float value : row) text << ' ' << value;
  }
  for (const Failure& failure : reader.failures()) text << '\n' << failure.path << ": " << failure.reason;
  for (const Failure& warning : reader.warnings()) text << "\nwarning " << warning.path << ": " << warning.reason;
  return text.str();
}

}  // namespace dcgan::test
