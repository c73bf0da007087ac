#include "dcgan/packed_images.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include "dcgan/errors.h"
#include "store/files.h"
#include "store/hdf5_handles.h"
#include "store/image_tables.h"

namespace dcgan {

struct PackedImageWriter::Impl {
  std::string path;
  std::string partial;
  PackedImagesInfo info;
  int64_t image_bytes = 0;
  int64_t images_per_chunk = 0;
  int64_t count = 0;
  ImageBatch waiting;  ///< fewer than a chunk
  hdf5::Handle file;
  std::optional<hdf5::GrowingDataset> images;
  std::optional<store::ImageTablesWriter> tables;
  bool closed = false;

  void write(const uint8_t* pixels, const std::vector<std::string>& paths, const std::vector<int32_t>& labels) {
    images->append(pixels, static_cast<int64_t>(paths.size()));
    tables->append(paths, labels);
  }
};

PackedImageWriter::PackedImageWriter(const std::string& path, const PackedImagesInfo& info, bool overwrite)
    : impl_(std::make_unique<Impl>()) {
  constexpr int64_t kChunkBytes = int64_t{1} << 20;
  store::refuse_existing(path, overwrite);
  if (info.height < 1 || info.width < 1 || info.height > 65535 || info.width > 65535) {
    throw FileError(path, "images of " + std::to_string(info.width) + " x " + std::to_string(info.height) +
                              " pixels cannot be packed; sides from 1 to 65535 can.");
  }
  impl_->path = path;
  impl_->partial = store::partial_path(path);
  impl_->info = info;
  impl_->image_bytes = info.height * info.width * 3;
  impl_->images_per_chunk = std::max<int64_t>(1, kChunkBytes / impl_->image_bytes);

  const hdf5::Session session;
  impl_->file = hdf5::create_file(impl_->partial);
  const hdf5::Place root{impl_->file, impl_->partial};
  store::write_origin(root, store::kImagesFormat, info.command_line, store::utc_now());
  hdf5::write_attribute(root, "preparation", info.preparation);
  impl_->images.emplace(root, "images", H5T_STD_U8LE,
                        std::vector<hsize_t>{static_cast<hsize_t>(info.height), static_cast<hsize_t>(info.width), 3},
                        impl_->images_per_chunk);
  impl_->tables.emplace(root, info.classes);
}

PackedImageWriter::~PackedImageWriter() {
  if (!impl_->closed) ::unlink(impl_->partial.c_str());
}

void PackedImageWriter::append(const ImageBatch& images) {
  Impl& w = *impl_;
  store::check_rows(w.path, w.info.classes.size(), images.paths, images.labels);
  const auto bytes = static_cast<int64_t>(images.pixels.size());
  if (images.height != w.info.height || images.width != w.info.width || bytes != images.count() * w.image_bytes) {
    throw Error(w.path + ": " + std::to_string(images.count()) + " images of " + std::to_string(images.width) + " x " +
                std::to_string(images.height) + " pixels and " + std::to_string(bytes) +
                " bytes were given; it holds " + std::to_string(w.info.width) + " x " + std::to_string(w.info.height) +
                ".");
  }
  ImageBatch& waiting = w.waiting;
  waiting.pixels.insert(waiting.pixels.end(), images.pixels.begin(), images.pixels.end());
  waiting.paths.insert(waiting.paths.end(), images.paths.begin(), images.paths.end());
  waiting.labels.insert(waiting.labels.end(), images.labels.begin(), images.labels.end());
  w.count += images.count();
  if (waiting.count() < w.images_per_chunk) return;
  const hdf5::Session session;
  w.write(waiting.pixels.data(), waiting.paths, waiting.labels);
  waiting = {};
}

void PackedImageWriter::add_failure(const Failure& failure) {
  const hdf5::Session session;
  impl_->tables->append_failures({failure.path}, {failure.reason});
}

int64_t PackedImageWriter::count() const { return impl_->count; }

void PackedImageWriter::close() {
  Impl& w = *impl_;
  if (w.closed) return;
  const hdf5::Session session;
  w.write(w.waiting.pixels.data(), w.waiting.paths, w.waiting.labels);
  store::mark_complete({w.file, w.partial});
  w.images.reset();
  w.tables.reset();
  w.file.close(w.partial);
  store::publish(w.partial, w.path);
  w.closed = true;
}

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

void PackedImageReader::read(int64_t first, int64_t count, uint8_t* pixels) const {
  const hdf5::Session session;
  hdf5::read_rows(impl_->images, first, count, H5T_NATIVE_UINT8, pixels, impl_->path);
}

bool is_hdf5_file(const std::string& path) {
  constexpr char kSignature[] = "\x89HDF\r\n\x1a\n";
  if (std::filesystem::is_directory(path)) return false;
  const store::File file(path, O_RDONLY);
  char start[8] = {};
  if (file.size() < static_cast<int64_t>(sizeof start)) return false;
  file.read_at(0, start, sizeof start);
  return std::memcmp(start, kSignature, sizeof start) == 0;
}

}  // namespace dcgan
