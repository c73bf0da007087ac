#include <algorithm>
#include <cmath>

#include "base/half.h"
#include "dcgan/errors.h"
#include "dcgan/feature_file.h"
#include "store/feature_identity.h"
#include "store/hdf5_handles.h"
#include "store/row_writer.h"

namespace dcgan {
namespace {

constexpr int64_t kChunkBytes = int64_t{1} << 20;

int64_t row_bytes(const FeatureFileInfo& info) {
  return info.feature_count * (info.storage == FloatStorage::kFloat16 ? 2 : 4);
}

/// Chunked by rows, with room for as many as there are inputs: fixed dimensions, no filter, space allocated early. HDF5
/// then puts all chunks one behind the other without an index.
store::Extent lay_out(hdf5::Place root, const FeatureFileInfo& info, const store::Origin& origin, int64_t rows) {
  store::write_feature_attributes(root, info, origin);
  const std::string problem = "cannot be laid out";
  // An empty file still gets room for one row, as HDF5 wants a chunk no larger than the dataset.
  const int64_t room = std::max<int64_t>(info.inputs.count, 1);
  const int64_t chunk_rows = std::clamp<int64_t>(kChunkBytes / row_bytes(info), 1, room);
  hsize_t shape[2] = {static_cast<hsize_t>(room), static_cast<hsize_t>(info.feature_count)};
  const hsize_t chunk[2] = {static_cast<hsize_t>(chunk_rows), shape[1]};
  const hdf5::Handle type = hdf5::float_type(info.storage == FloatStorage::kFloat16);
  const hdf5::Handle space(H5Screate_simple(2, shape, shape), H5Sclose, root.path, problem);
  const hdf5::Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, root.path, problem);
  hdf5::require(H5Pset_chunk(creation, 2, chunk), root.path, problem);
  hdf5::require(H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY), root.path, problem);
  hdf5::require(H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER), root.path, problem);
  const hdf5::Handle dataset(H5Dcreate2(root.id, "features", type, space, H5P_DEFAULT, creation, H5P_DEFAULT), H5Dclose,
                             root.path, problem);
  const auto address_of = [&](int64_t row) {
    const hsize_t offset[2] = {static_cast<hsize_t>(row), 0};
    unsigned filters = 0;
    haddr_t address = HADDR_UNDEF;
    hsize_t bytes = 0;
    hdf5::require(H5Dget_chunk_info_by_coord(dataset, offset, &filters, &address, &bytes), root.path, problem);
    return static_cast<int64_t>(address);
  };
  const int64_t begin = address_of(0);
  const int64_t last = (room - 1) / chunk_rows * chunk_rows;
  if (address_of(last) != begin + last * row_bytes(info)) {
    throw FileError(root.path, "cannot be laid out: this HDF5 library does not place the rows one behind the other.");
  }
  shape[0] = static_cast<hsize_t>(rows);
  hdf5::require(H5Dset_extent(dataset, shape), root.path, problem);
  return {begin, begin + (last + chunk_rows) * row_bytes(info)};
}

store::RowFile feature_file(const FeatureFileInfo& info) {
  store::RowFile file;
  file.row_bytes = row_bytes(info);
  file.classes = info.classes;
  file.identity = store::identity_of_part(info);
  file.command_line = info.command_line;
  file.options = info.options;
  file.lay_out = [info](hdf5::Place root, const store::Origin& origin, int64_t rows) {
    return lay_out(root, info, origin, rows);
  };
  return file;
}

const std::string& checked(const std::string& path, const FeatureFileInfo& info) {
  if (info.feature_count < 1 || info.feature_count > (int64_t{1} << 28) || info.inputs.count < 0 ||
      info.inputs.count > (int64_t{1} << 40)) {
    throw FileError(path, "cannot be laid out for ", info.inputs.count, " rows of ", info.feature_count, " features.");
  }
  return path;
}

}  // namespace

struct FeatureFileWriter::Impl {
  std::string path;
  FeatureFileInfo info;
  store::RowWriter rows;
  std::vector<uint16_t> halves;

  /// The rows as float16 in `halves`.
  void round(const float* features, const std::vector<std::string>& paths);
};

void FeatureFileWriter::Impl::round(const float* features, const std::vector<std::string>& paths) {
  const int64_t columns = info.feature_count;
  halves.resize(paths.size() * static_cast<size_t>(columns));
  base::floats_to_halves(features, static_cast<int64_t>(halves.size()), halves.data());
  for (size_t i = 0; i < halves.size(); ++i) {
    if ((halves[i] & 0x7fff) != 0x7c00 || !std::isfinite(features[i])) continue;
    throw FileError(path, "feature ", static_cast<int64_t>(i) % columns, " of ",
                    paths[i / static_cast<size_t>(columns)], " is ", features[i],
                    ", which float16 cannot hold; use --storage f32.");
  }
}

FeatureFileWriter::FeatureFileWriter(const std::string& path, const FeatureFileInfo& info, Mode mode)
    : impl_(new Impl{path, info, {checked(path, info), feature_file(info), mode}, {}}) {}

FeatureFileWriter::~FeatureFileWriter() = default;

void FeatureFileWriter::check_output(const std::string& path, Mode mode) { store::RowWriter::check_output(path, mode); }

int64_t FeatureFileWriter::rows() const { return impl_->rows.rows(); }
int64_t FeatureFileWriter::warnings() const { return impl_->rows.warnings(); }
void FeatureFileWriter::warn(const std::vector<Failure>& warnings) { impl_->rows.warn(warnings); }
int64_t FeatureFileWriter::inputs_done() const { return impl_->rows.inputs_done(); }

void FeatureFileWriter::append(const float* rows, const std::vector<std::string>& paths,
                               const std::vector<int32_t>& labels, const std::vector<Failure>& failures,
                               int64_t inputs_done) {
  Impl& w = *impl_;
  const int64_t after = w.rows.rows() + static_cast<int64_t>(paths.size());
  if (after > w.info.inputs.count || inputs_done < w.rows.inputs_done()) {
    throw Error(w.path, ": ", after, " rows of ", inputs_done, " inputs were given; it was laid out for ",
                w.info.inputs.count, " rows and had ", w.rows.inputs_done(), " inputs.");
  }
  const bool half = w.info.storage == FloatStorage::kFloat16;
  if (half) w.round(rows, paths);
  w.rows.append(half ? static_cast<const void*>(w.halves.data()) : rows, paths, labels, failures, inputs_done);
}

void FeatureFileWriter::read(int64_t first, int64_t count, float* rows) const {
  const Impl& w = *impl_;
  if (w.info.storage != FloatStorage::kFloat16) return w.rows.read(first, count, rows);
  std::vector<uint16_t> halves(std::max<int64_t>(count, 0) * w.info.feature_count);
  w.rows.read(first, count, halves.data());
  base::halves_to_floats(halves.data(), count * w.info.feature_count, rows);
}

void FeatureFileWriter::flush() { impl_->rows.flush(); }
void FeatureFileWriter::close() { impl_->rows.close(); }
void FeatureFileWriter::discard() { impl_->rows.discard(); }

}  // namespace dcgan
