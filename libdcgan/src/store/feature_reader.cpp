#include <algorithm>
#include <utility>

#include "base/half.h"
#include "dcgan/errors.h"
#include "dcgan/feature_file.h"
#include "store/feature_identity.h"
#include "store/hdf5_handles.h"
#include "store/hdf5_labels.h"
#include "store/image_tables.h"

namespace dcgan {

struct FeatureFileReader::Impl {
  std::string path;
  FeatureFileInfo info;
  store::ImageTables tables;
  hdf5::Handle file;
  hdf5::Dataset rows;

  void read_own_attributes();
};

void FeatureFileReader::Impl::read_own_attributes() {
  const int64_t columns = info.feature_count;
  info.feature_count = 0;
  store::read_feature_attributes({file, path}, info);
  if (info.feature_count != columns) {
    throw FileError(path, "feature_count is ", info.feature_count, ", its rows have ", columns, "; it is damaged.");
  }
  const std::vector<int64_t>& offsets = info.layer_offsets;
  bool rising = offsets.empty() == info.layers.empty();
  if (!offsets.empty()) {
    const bool together = offsets.size() == 2;  // of compressed rows each column is of all layers
    rising =
        (together || offsets.size() == info.layers.size() + 1) && offsets.front() == 0 && offsets.back() == columns;
    for (size_t i = 1; i < offsets.size(); ++i) rising = rising && offsets[i] > offsets[i - 1];
  }
  if (!rising) throw FileError(path, "layer_offsets do not divide its columns among its layers; it is damaged.");
}

FeatureFileReader::FeatureFileReader(const std::string& path, const std::string& features, const std::string& labels)
    : impl_(std::make_unique<Impl>()) {
  const hdf5::Session session;
  Impl& r = *impl_;
  r.path = path;
  r.file = hdf5::open_file(path);
  const hdf5::Place root{r.file, r.path};
  const bool own = store::check_origin(root, store::kFeaturesFormat);
  r.rows = hdf5::open_dataset(root, features);
  if (r.rows.type_class != H5T_FLOAT || r.rows.shape.size() != 2 || r.rows.shape[1] < 1) {
    throw FileError(path, "dataset \"", features, "\" is ", hdf5::description(r.rows), "; it must be floats [N, D].");
  }
  r.info.feature_count = r.rows.shape[1];
  const hdf5::Handle half = hdf5::float_type(true);
  r.info.storage = H5Tequal(r.rows.type, half) > 0 ? FloatStorage::kFloat16 : FloatStorage::kFloat32;
  if (own) r.read_own_attributes();
  r.tables = store::read_image_tables(root, r.rows.shape[0], labels);
  r.info.classes = r.tables.classes;
}

FeatureFileReader::~FeatureFileReader() = default;
FeatureFileReader::FeatureFileReader(FeatureFileReader&&) noexcept = default;
FeatureFileReader& FeatureFileReader::operator=(FeatureFileReader&&) noexcept = default;

const std::string& FeatureFileReader::path() const { return impl_->path; }
std::vector<std::string> FeatureFileReader::files() const {
  std::vector<std::string> files = impl_->rows.source_files;
  files.push_back(impl_->path);
  return files;
}
const FeatureFileInfo& FeatureFileReader::info() const { return impl_->info; }
int64_t FeatureFileReader::rows() const { return impl_->rows.shape[0]; }
int64_t FeatureFileReader::feature_count() const { return impl_->rows.shape[1]; }
const std::vector<std::string>& FeatureFileReader::paths() const { return impl_->tables.paths; }
const std::vector<int32_t>& FeatureFileReader::labels() const { return impl_->tables.labels; }

std::vector<Failure> FeatureFileReader::failures() const {
  const hdf5::Session session;
  return store::read_failures({impl_->file, impl_->path});
}

std::vector<Failure> FeatureFileReader::warnings() const {
  const hdf5::Session session;
  return store::read_warnings({impl_->file, impl_->path});
}

void FeatureFileReader::read(int64_t first, int64_t count, float* rows) const {
  const hdf5::Session session;
  if (impl_->info.storage != FloatStorage::kFloat16) {
    return hdf5::read_rows(impl_->rows, first, count, H5T_NATIVE_FLOAT, rows, impl_->path);
  }
  // HDF5 converts half precision value by value, so it hands on the bytes; a block of them stays in the cache.
  constexpr int64_t kBlockValues = int64_t{1} << 19;
  const int64_t columns = feature_count();
  const int64_t block_rows = std::clamp<int64_t>(kBlockValues / columns, 1, std::max<int64_t>(count, 1));
  std::vector<uint16_t> halves(block_rows * columns);
  for (int64_t done = 0; done < count; done += block_rows) {
    const int64_t now = std::min(block_rows, count - done);
    hdf5::read_rows(impl_->rows, first + done, now, impl_->rows.type, halves.data(), impl_->path);
    base::halves_to_floats(halves.data(), now * columns, rows + done * columns);
  }
}

}  // namespace dcgan
