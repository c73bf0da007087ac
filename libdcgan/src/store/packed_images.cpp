#include "dcgan/packed_images.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <utility>

#include "dcgan/errors.h"
#include "dcgan/version.h"
#include "store/files.h"
#include "store/hdf5_handles.h"
#include "store/image_tables.h"
#include "store/row_journal.h"

namespace dcgan {

// How a packed image file survives kill -9 at any moment: /images is contiguous, and is made first in an HDF5 file
// without room between its objects, so that it begins at the same byte whatever its length. Rows are written there,
// into `path`.partial, while there is no HDF5 file yet; names go to the journal. close() makes the HDF5 file for the
// rows that there are beside it, `path`.partial.head, a hole in place of the pixels, copies what lies before and behind
// the hole, and renames. Interrupted, it is done again.

namespace {

constexpr int64_t kFlushBytes = int64_t{32} << 20;
constexpr size_t kFlushNames = 65536;

std::string head_path(const std::string& path) { return store::partial_path(path) + ".head"; }

}  // namespace

struct PackedImageWriter::Impl {
  Impl(const std::string& output, const PackedImagesInfo& made, Mode mode)
      : path(output),
        partial(store::partial_path(output)),
        info(made),
        image_bytes(made.height * made.width * 3),
        journal(output, mode) {}

  std::vector<store::Field> identity() const {
    std::string classes;
    for (const std::string& name : info.classes) classes += name + "\n";
    return {{"height", std::to_string(info.height)},
            {"width", std::to_string(info.width)},
            {"preparation", info.preparation},
            {"input_list", info.input_list},
            {"classes", classes},
            {"library_version", DCGAN_VERSION}};
  }

  /// Makes the HDF5 file for this many rows, without pixels. @return the byte where they begin
  int64_t make_head(int64_t count, bool with_tables) const;
  /// Copies bytes begin .. end - 1 of the head to the same place of the partial file.
  void copy_from_head(const store::File& head, int64_t begin, int64_t end) const;
  void finish() const;

  std::string path, partial;
  PackedImagesInfo info;
  int64_t image_bytes;
  store::RowJournal journal;
  store::File data;
  int64_t first_row = 0;  ///< byte where the pixels begin
  int64_t rows = 0;
  int64_t inputs_done = 0;
  store::RowJournal::Batch batch;  ///< since the last flush
  bool closed = false;
};

int64_t PackedImageWriter::Impl::make_head(int64_t count, bool with_tables) const {
  const std::string head = head_path(path);
  const std::string problem = "cannot be laid out";
  const hdf5::Session session;
  hdf5::Handle file = hdf5::create_file(head, true);
  const hdf5::Place root{file, head};
  int64_t begin = first_row;
  {
    const hsize_t shape[4] = {static_cast<hsize_t>(count), static_cast<hsize_t>(info.height),
                              static_cast<hsize_t>(info.width), 3};
    const hdf5::Handle space(H5Screate_simple(4, shape, shape), H5Sclose, head, problem);
    const hdf5::Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, head, problem);
    hdf5::require(H5Pset_layout(creation, H5D_CONTIGUOUS), head, problem);
    hdf5::require(H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY), head, problem);
    hdf5::require(H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER), head, problem);
    const hdf5::Handle images(H5Dcreate2(file, "images", H5T_STD_U8LE, space, H5P_DEFAULT, creation, H5P_DEFAULT),
                              H5Dclose, head, problem);
    if (count > 0) begin = static_cast<int64_t>(H5Dget_offset(images));
  }
  if (with_tables) {
    store::write_origin(root, store::kImagesFormat, info.command_line, store::utc_now());
    hdf5::write_attribute(root, "preparation", info.preparation);
    hdf5::write_attribute(root, "input_list", info.input_list);
    store::ImageTablesWriter tables(root, info.classes);
    journal.write_tables(tables);
    store::mark_complete(root);
  }
  file.close(head);
  return begin;
}

void PackedImageWriter::Impl::copy_from_head(const store::File& head, int64_t begin, int64_t end) const {
  constexpr int64_t kBlock = int64_t{1} << 20;
  std::string bytes;
  for (; begin < end; begin += kBlock) {
    bytes.resize(static_cast<size_t>(std::min(kBlock, end - begin)));
    head.read_at(begin, bytes.data(), bytes.size());
    data.write_at(begin, bytes.data(), bytes.size());
  }
}

void PackedImageWriter::Impl::finish() const {
  if (make_head(rows, true) != first_row) {
    throw FileError(partial, "its pixels begin at another byte than this HDF5 library would let them.");
  }
  const store::File head(head_path(path), O_RDONLY);
  const int64_t end = head.size();
  copy_from_head(head, 0, first_row);
  copy_from_head(head, first_row + rows * image_bytes, end);
  data.resize(end);
  ::unlink(head_path(path).c_str());  // before the rename: a run that is killed in between begins finish() again
  store::publish(partial, path);
}

PackedImageWriter::PackedImageWriter(const std::string& path, const PackedImagesInfo& info, Mode mode) {
  if (info.height < 1 || info.width < 1 || info.height > 65535 || info.width > 65535) {
    throw FileError(path, "images of " + std::to_string(info.width) + " x " + std::to_string(info.height) +
                              " pixels cannot be packed; sides from 1 to 65535 can.");
  }
  impl_ = std::make_unique<Impl>(path, info, mode);
  Impl& w = *impl_;
  if (w.journal.resumes()) {
    w.first_row = w.journal.resume(w.identity()).at(0);
    w.journal.cut_to_batches();
    w.data = store::File(w.partial, O_RDWR);
    w.rows = w.journal.rows();
    w.inputs_done = w.journal.inputs_done();
    // Before the first row the file may be empty.
    if (w.rows > 0 && w.data.size() < w.first_row + w.rows * w.image_bytes) {
      throw FileError(w.partial, std::to_string(w.data.size()) + " bytes, expected " +
                                     std::to_string(w.first_row + w.rows * w.image_bytes) +
                                     "; it was cut short, start anew with --overwrite.");
    }
    return;
  }
  try {
    w.journal.clear();
    w.first_row = w.make_head(1, false);
    ::unlink(head_path(path).c_str());
    w.data = store::File(w.partial, O_RDWR | O_CREAT | O_TRUNC);
    w.data.sync();
    w.journal.begin(w.identity(), {w.first_row});
  } catch (const Error&) {  // nothing is worth keeping, and the next run shall not meet it
    discard();
    throw;
  }
}

PackedImageWriter::~PackedImageWriter() {
  if (impl_ == nullptr || impl_->closed) return;
  try {
    flush();
  } catch (const Error&) {  // what was flushed before stays
  }
}

void PackedImageWriter::check_output(const std::string& path, Mode mode) {
  store::RowJournal::check_output(path, mode);
}

void PackedImageWriter::append(const ImageBatch& images, const std::vector<Failure>& failures, int64_t inputs_done) {
  Impl& w = *impl_;
  store::check_rows(w.path, w.info.classes.size(), images.paths, images.labels);
  const auto bytes = static_cast<int64_t>(images.pixels.size());
  if (images.count() > 0 &&
      (images.height != w.info.height || images.width != w.info.width || bytes != images.count() * w.image_bytes)) {
    throw Error(w.path + ": " + std::to_string(images.count()) + " images of " + std::to_string(images.width) + " x " +
                std::to_string(images.height) + " pixels and " + std::to_string(bytes) +
                " bytes were given; it holds " + std::to_string(w.info.width) + " x " + std::to_string(w.info.height) +
                ".");
  }
  try {
    w.data.write_at(w.first_row + w.rows * w.image_bytes, images.pixels.data(), images.pixels.size());
  } catch (const FileError& error) {
    w.journal.fail_kept(error);
  }
  w.rows += images.count();
  w.inputs_done = std::max(w.inputs_done, inputs_done);
  w.batch.paths.insert(w.batch.paths.end(), images.paths.begin(), images.paths.end());
  w.batch.labels.insert(w.batch.labels.end(), images.labels.begin(), images.labels.end());
  w.batch.failures.insert(w.batch.failures.end(), failures.begin(), failures.end());
  const auto names = w.batch.paths.size() + w.batch.failures.size();
  if ((w.rows - w.journal.rows()) * w.image_bytes >= kFlushBytes || names >= kFlushNames) flush();
}

int64_t PackedImageWriter::count() const { return impl_->rows; }
int64_t PackedImageWriter::inputs_done() const { return impl_->inputs_done; }
int64_t PackedImageWriter::failure_count() const {
  return impl_->journal.failures() + static_cast<int64_t>(impl_->batch.failures.size());
}

void PackedImageWriter::flush() {
  Impl& w = *impl_;
  if (w.closed || (w.rows == w.journal.rows() && w.inputs_done == w.journal.inputs_done() && w.batch.failures.empty()))
    return;
  w.journal.flush(w.data, w.batch, w.rows, w.inputs_done);
  w.batch = {};
}

void PackedImageWriter::close() {
  Impl& w = *impl_;
  if (w.closed) return;
  flush();
  try {
    w.finish();
  } catch (const FileError& error) {
    ::unlink(head_path(w.path).c_str());
    w.journal.fail_kept(error);
  }
  w.closed = true;
  w.journal.remove();
}

void PackedImageWriter::discard() {
  impl_->closed = true;
  ::unlink(head_path(impl_->path).c_str());
  ::unlink(impl_->partial.c_str());
  impl_->journal.remove();
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
