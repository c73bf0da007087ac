#include "dcgan/packed_images.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/files.h"
#include "dcgan/errors.h"
#include "store/hdf5_handles.h"
#include "store/hdf5_texts.h"
#include "store/image_tables.h"
#include "store/row_writer.h"

namespace dcgan {

namespace {

/// The rows come first, in a file without room between its objects: where they begin does not depend on how many there
/// are.
store::RowFile packed_file(const PackedImagesInfo& info) {
  store::RowFile file;
  file.row_bytes = info.height * info.width * 3;
  file.classes = info.classes;
  file.identity = {{"height", std::to_string(info.height)},
                   {"width", std::to_string(info.width)},
                   {"preparation", info.preparation},
                   {"input_list", info.input_list},
                   {"classes", store::lines_of(info.classes)}};
  file.command_line = info.command_line;
  file.dense = true;
  file.waiting_bytes = int64_t{32} << 20;
  file.lay_out = [info, bytes = file.row_bytes](hdf5::Place root, const store::Origin& origin, int64_t rows) {
    const std::string problem = "cannot be laid out";
    const hsize_t shape[4] = {static_cast<hsize_t>(rows), static_cast<hsize_t>(info.height),
                              static_cast<hsize_t>(info.width), 3};
    const hdf5::Handle space(H5Screate_simple(4, shape, shape), H5Sclose, root.path, problem);
    const hdf5::Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, root.path, problem);
    hdf5::require(H5Pset_layout(creation, H5D_CONTIGUOUS), root.path, problem);
    hdf5::require(H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY), root.path, problem);
    hdf5::require(H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER), root.path, problem);
    const hdf5::Handle images(H5Dcreate2(root.id, "images", H5T_STD_U8LE, space, H5P_DEFAULT, creation, H5P_DEFAULT),
                              H5Dclose, root.path, problem);
    store::write_origin(root, store::kImagesFormat, origin);
    hdf5::write_attribute(root, "preparation", info.preparation);
    hdf5::write_attribute(root, "input_list", info.input_list);
    const int64_t begin = rows > 0 ? static_cast<int64_t>(H5Dget_offset(images)) : 0;
    return store::Extent{begin, begin + rows * bytes};
  };
  return file;
}

}  // namespace

struct PackedImageWriter::Impl {
  std::string path;
  PackedImagesInfo info;
  store::RowWriter rows;
};

PackedImageWriter::PackedImageWriter(const std::string& path, const PackedImagesInfo& info, Mode mode) {
  if (info.height < 1 || info.width < 1 || info.height > 65535 || info.width > 65535) {
    throw FileError(path, "images of ", info.width, " x ", info.height,
                    " pixels cannot be packed; sides from 1 to 65535 can.");
  }
  impl_.reset(new Impl{path, info, {path, packed_file(info), mode}});
}

PackedImageWriter::~PackedImageWriter() = default;

void PackedImageWriter::check_output(const std::string& path, Mode mode) { store::RowWriter::check_output(path, mode); }

void PackedImageWriter::append(const ImageBatch& images, const std::vector<Failure>& failures, int64_t inputs_done) {
  Impl& w = *impl_;
  const auto bytes = static_cast<int64_t>(images.pixels.size());
  if (images.count() > 0 && (images.height != w.info.height || images.width != w.info.width ||
                             bytes != images.count() * w.info.height * w.info.width * 3)) {
    throw Error(w.path, ": ", images.count(), " images of ", images.width, " x ", images.height, " pixels and ", bytes,
                " bytes were given; it holds ", w.info.width, " x ", w.info.height, ".");
  }
  w.rows.append(images.pixels.data(), images.paths, images.labels, failures,
                std::max(w.rows.inputs_done(), inputs_done));
}

int64_t PackedImageWriter::count() const { return impl_->rows.rows(); }
int64_t PackedImageWriter::warning_count() const { return impl_->rows.warnings(); }
void PackedImageWriter::warn(const std::vector<Failure>& warnings) { impl_->rows.warn(warnings); }
int64_t PackedImageWriter::inputs_done() const { return impl_->rows.inputs_done(); }
int64_t PackedImageWriter::failure_count() const { return impl_->rows.failures(); }
void PackedImageWriter::flush() { impl_->rows.flush(); }
void PackedImageWriter::close() { impl_->rows.close(); }
void PackedImageWriter::discard() { impl_->rows.discard(); }

struct PackedImageReader::Impl {
  std::string path;
  PackedImagesInfo info;
  store::ImageTables tables;
  hdf5::Handle file;
  hdf5::Dataset images;
};

PackedImageReader::PackedImageReader(const std::string& path) : impl_(std::make_unique<Impl>()) {
  const hdf5::Session session;
  Impl& r = *impl_;
  r.path = path;
  r.file = hdf5::open_file(path);
  const hdf5::Place root{r.file, r.path};
  if (store::check_origin(root, store::kImagesFormat)) {
    r.info.preparation = hdf5::read_attribute(root, "preparation", r.info.preparation);
    r.info.input_list = hdf5::read_attribute(root, "input_list", r.info.input_list);
    r.info.command_line = hdf5::read_attribute(root, "command_line", r.info.command_line);
  }
  r.images = hdf5::open_dataset(root, "images");
  const std::vector<int64_t>& shape = r.images.shape;
  if (r.images.type_class != H5T_INTEGER || H5Tget_size(r.images.type) != 1 ||
      H5Tget_sign(r.images.type) != H5T_SGN_NONE || shape.size() != 4 || shape[3] != 3 || shape[1] < 1 ||
      shape[2] < 1) {
    throw FileError(path, "dataset \"images\" must be uint8 [N, H, W, 3].");
  }
  r.info.height = shape[1];
  r.info.width = shape[2];
  r.tables = store::read_image_tables(root, shape[0], "labels");
  if (r.tables.paths.empty()) {  // another program's file: rows are named by their number
    for (int64_t i = 0; i < shape[0]; ++i) r.tables.paths.push_back(std::to_string(i));
  }
  r.info.classes = r.tables.classes;
}

PackedImageReader::~PackedImageReader() = default;
PackedImageReader::PackedImageReader(PackedImageReader&&) noexcept = default;
PackedImageReader& PackedImageReader::operator=(PackedImageReader&&) noexcept = default;

const std::string& PackedImageReader::path() const { return impl_->path; }
const PackedImagesInfo& PackedImageReader::info() const { return impl_->info; }
int64_t PackedImageReader::count() const { return impl_->images.shape[0]; }
const std::vector<std::string>& PackedImageReader::paths() const { return impl_->tables.paths; }
const std::vector<int32_t>& PackedImageReader::labels() const { return impl_->tables.labels; }

std::vector<Failure> PackedImageReader::failures() const {
  const hdf5::Session session;
  return store::read_failures({impl_->file, impl_->path});
}

std::vector<Failure> PackedImageReader::warnings() const {
  const hdf5::Session session;
  return store::read_warnings({impl_->file, impl_->path});
}

void PackedImageReader::read(int64_t first, int64_t count, uint8_t* pixels) const {
  const hdf5::Session session;
  hdf5::read_rows(impl_->images, first, count, H5T_NATIVE_UINT8, pixels, impl_->path);
}

bool is_hdf5_file(const std::string& path) {
  constexpr char kSignature[] = "\x89HDF\r\n\x1a\n";
  if (std::filesystem::is_directory(path)) return false;
  const base::File file(path, O_RDONLY);
  char start[8] = {};
  if (file.size() < static_cast<int64_t>(sizeof start)) return false;
  file.read_at(0, start, sizeof start);
  return std::memcmp(start, kSignature, sizeof start) == 0;
}

}  // namespace dcgan
