#include "dcgan/feature_export.h"

#include <algorithm>
#include <vector>

#include "base/files.h"
#include "base/half.h"
#include "dcgan/errors.h"

namespace dcgan {
namespace {

constexpr int64_t kBlockValues = int64_t{4} << 20;

// NumPy format 1.0 (numpy.org/doc/stable/reference/generated/numpy.lib.format.html): the data begin at a multiple
// of 64.
std::string npy_header(const FeatureFileReader& features) {
  const bool half = features.info().storage == FloatStorage::kFloat16;
  std::string text = text_of("{'descr': '", half ? "<f2" : "<f4", "', 'fortran_order': False, 'shape': (",
                             features.rows(), ", ", features.feature_count(), "), }");
  constexpr size_t kStart = 10;
  text.append(63 - (kStart + text.size()) % 64, ' ');
  text += '\n';
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(text.size() & 0xFFU) +
         static_cast<char>(text.size() >> 8U) + text;
}

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string result = "\"";
  for (const char c : text) result += c == '"' ? "\"\"" : std::string(1, c);
  return result + "\"";
}

// Appends to a file that grows.
class Output {
 public:
  explicit Output(const base::File& file) : file_(file) {}
  void write(const void* bytes, size_t count) {
    file_.write_at(at_, bytes, count);
    at_ += static_cast<int64_t>(count);
  }

 private:
  const base::File& file_;
  int64_t at_ = 0;
};

}  // namespace

void export_npy(const FeatureFileReader& features, const std::string& path, bool overwrite) {
  base::refuse_existing(path, overwrite);
  base::write_whole_file(path, [&](const base::File& file) {
    Output output(file);
    const std::string header = npy_header(features);
    output.write(header.data(), header.size());
    const int64_t block = std::max<int64_t>(1, kBlockValues / features.feature_count());
    std::vector<float> rows;
    std::vector<uint16_t> halves;
    for (int64_t first = 0; first < features.rows(); first += block) {
      const int64_t count = std::min(block, features.rows() - first);
      const int64_t values = count * features.feature_count();
      rows.resize(values);
      features.read(first, count, rows.data());
      if (features.info().storage == FloatStorage::kFloat16) {
        halves.resize(rows.size());
        base::floats_to_halves(rows.data(), values, halves.data());  // exact: they were halves
        output.write(halves.data(), halves.size() * sizeof(uint16_t));
      } else {
        output.write(rows.data(), rows.size() * sizeof(float));
      }
    }
  });
}

void export_csv(const FeatureFileReader& features, const std::string& path, bool overwrite) {
  base::refuse_existing(path, overwrite);
  base::write_whole_file(path, [&](const base::File& file) {
    constexpr size_t kEnough = size_t{1} << 20;
    Output output(file);
    std::string text = "row,path,label,class\n";
    for (int64_t row = 0; row < features.rows(); ++row) {
      const auto i = static_cast<size_t>(row);
      text += text_of(row, ",", features.paths().empty() ? "" : quoted(features.paths()[i]), ",");
      if (!features.labels().empty()) {
        const int32_t label = features.labels()[i];
        const bool named = !features.info().classes.empty();
        text += (named && label < 0 ? "" : std::to_string(label)) + ",";
        if (named && label >= 0) text += quoted(features.info().classes[label]);
      } else {
        text += ",";
      }
      text += "\n";
      if (text.size() < kEnough) continue;
      output.write(text.data(), text.size());
      text.clear();
    }
    output.write(text.data(), text.size());
  });
}

}  // namespace dcgan
