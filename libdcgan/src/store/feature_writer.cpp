#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "dcgan/errors.h"
#include "dcgan/feature_file.h"
#include "dcgan/version.h"
#include "store/feature_identity.h"
#include "store/files.h"
#include "store/half.h"
#include "store/hdf5_handles.h"
#include "store/image_tables.h"
#include "store/journal.h"
#include "store/row_journal.h"

// How a feature file survives kill -9 at any moment.
//
// The HDF5 file is laid out once, for the expected rows: fixed dimensions, no filter, space allocated early. HDF5 then
// puts all chunks one behind the other without an index, so row i lies at first_row + i * row_bytes, and rows are
// written by pwrite() while HDF5 has the file closed: no HDF5 metadata ever change. Paths, labels and failures go to a
// journal beside it, each batch after its rows are on the disk, so that every whole record of the journal speaks of
// rows that are there. close() appends a copy of the HDF5 metadata to the journal (the undo record), lets HDF5 add the
// tables and shrink the rows, and renames; if it is interrupted, the next run restores the metadata and closes again.

namespace dcgan {
namespace {

constexpr int64_t kChunkBytes = int64_t{1} << 20;
constexpr size_t kWaitingInputs = 65536;  // at most this many paths in memory before a flush

/// What must be equal in a run that goes on.
std::vector<store::Field> resumable_identity(const FeatureFileInfo& info) {
  std::vector<store::Field> fields = store::identity(info);
  fields.push_back({"library_version", DCGAN_VERSION});
  fields.push_back({"first_input", std::to_string(info.inputs.first)});
  fields.push_back({"input_count", std::to_string(info.inputs.count)});
  return fields;
}

/// Where things lie in the laid-out file, bytes.
struct Layout {
  int64_t first_row = 0;
  int64_t chunks_end = 0;
  int64_t file_bytes = 0;
};

}  // namespace

struct FeatureFileWriter::Impl {
  std::string path, partial;
  FeatureFileInfo info;

  store::RowJournal journal;
  store::File data;
  Layout layout;
  int64_t rows = 0;
  int64_t inputs_done = 0;
  bool closed = false;

  store::RowJournal::Batch batch;  ///< since the last flush

  std::vector<uint16_t> halves;

  bool is_half() const { return info.storage == FeatureStorage::kFloat16; }
  int64_t row_bytes() const { return info.feature_count * (is_half() ? 2 : 4); }

  Impl(const std::string& output, const FeatureFileInfo& made, Mode mode)
      : path(output), partial(store::partial_path(output)), info(made), journal(output, mode) {}

  void create();
  Layout lay_out() const;
  void resume();
  void undo(store::RecordReader record) const;
  std::string undo_record() const;
  void finish_hdf5() const;
};

FeatureFileWriter::FeatureFileWriter(const std::string& path, const FeatureFileInfo& info, Mode mode) {
  if (info.feature_count < 1 || info.feature_count > (int64_t{1} << 28) || info.inputs.count < 0 ||
      info.inputs.count > (int64_t{1} << 40)) {
    throw FileError(path, "cannot be laid out for " + std::to_string(info.inputs.count) + " rows of " +
                              std::to_string(info.feature_count) + " features.");
  }
  impl_ = std::make_unique<Impl>(path, info, mode);
  if (impl_->journal.resumes()) {
    impl_->resume();
  } else {
    impl_->create();
  }
}

void FeatureFileWriter::check_output(const std::string& path, Mode mode) {
  store::RowJournal::check_output(path, mode);
}

void FeatureFileWriter::Impl::create() try {
  journal.clear();
  ::unlink(partial.c_str());
  layout = lay_out();
  data = store::File(partial, O_RDWR);
  data.sync();
  journal.begin(resumable_identity(info), {layout.first_row, layout.chunks_end, layout.file_bytes});
} catch (const Error&) {  // nothing is worth keeping, and the next run shall not meet it
  ::unlink(partial.c_str());
  journal.remove();
  throw;
}

Layout FeatureFileWriter::Impl::lay_out() const {
  const hdf5::Session session;
  hdf5::Handle file = hdf5::create_file(partial);
  const hdf5::Place root{file, partial};
  store::write_feature_attributes(root, info);

  const std::string problem = "cannot be laid out";
  // An empty file still gets room for one row, as HDF5 wants a chunk no larger than the dataset.
  const int64_t room = std::max<int64_t>(info.inputs.count, 1);
  const int64_t chunk_rows = std::clamp<int64_t>(kChunkBytes / row_bytes(), 1, room);
  const hsize_t shape[2] = {static_cast<hsize_t>(room), static_cast<hsize_t>(info.feature_count)};
  const hsize_t chunk[2] = {static_cast<hsize_t>(chunk_rows), shape[1]};
  const hdf5::Handle type = hdf5::float_type(is_half());
  const hdf5::Handle space(H5Screate_simple(2, shape, shape), H5Sclose, partial, problem);
  const hdf5::Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, partial, problem);
  hdf5::require(H5Pset_chunk(creation, 2, chunk), partial, problem);
  hdf5::require(H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY), partial, problem);
  hdf5::require(H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER), partial, problem);
  hdf5::Handle dataset(H5Dcreate2(file, "features", type, space, H5P_DEFAULT, creation, H5P_DEFAULT), H5Dclose, partial,
                       problem);

  const auto address_of = [&](int64_t row) {
    const hsize_t offset[2] = {static_cast<hsize_t>(row), 0};
    unsigned filters = 0;
    haddr_t address = HADDR_UNDEF;
    hsize_t bytes = 0;
    hdf5::require(H5Dget_chunk_info_by_coord(dataset, offset, &filters, &address, &bytes), partial, problem);
    return static_cast<int64_t>(address);
  };
  Layout made;
  made.first_row = address_of(0);
  const int64_t last = (room - 1) / chunk_rows * chunk_rows;
  if (address_of(last) != made.first_row + last * row_bytes()) {
    throw FileError(partial, "cannot be laid out: this HDF5 library does not place the rows one behind the other.");
  }
  made.chunks_end = made.first_row + (last + chunk_rows) * row_bytes();
  dataset.close(partial);
  file.close(partial);
  made.file_bytes = store::File(partial, O_RDONLY).size();
  return made;
}

void FeatureFileWriter::Impl::resume() {
  std::string undo_bytes;
  const std::vector<int64_t> numbers =
      journal.resume(resumable_identity(info), [&](std::string_view content) { undo_bytes = content; });
  layout = {numbers.at(0), numbers.at(1), numbers.at(2)};
  data = store::File(partial, O_RDWR);
  if (!undo_bytes.empty()) undo(store::RecordReader(undo_bytes));
  if (data.size() < layout.file_bytes) {
    throw FileError(partial, std::to_string(data.size()) + " bytes, expected " + std::to_string(layout.file_bytes) +
                                 "; it was cut short, start anew with --overwrite.");
  }
  journal.cut_to_batches();
  rows = journal.rows();
  inputs_done = journal.inputs_done();
}

std::string FeatureFileWriter::Impl::undo_record() const {
  store::RecordWriter record;
  for (const auto& [begin, end] :
       {std::pair(int64_t{0}, layout.first_row), std::pair(layout.chunks_end, layout.file_bytes)}) {
    std::string bytes(static_cast<size_t>(end - begin), '\0');
    data.read_at(begin, bytes.data(), bytes.size());
    record.number(begin);
    record.text(bytes);
  }
  return record.bytes();
}

void FeatureFileWriter::Impl::undo(store::RecordReader record) const {
  data.resize(layout.file_bytes);
  for (int i = 0; i < 2; ++i) {
    const int64_t begin = record.number();
    const std::string bytes = record.text();
    data.write_at(begin, bytes.data(), bytes.size());
  }
  data.sync();
}

void FeatureFileWriter::Impl::finish_hdf5() const {
  const hdf5::Session session;
  hdf5::Handle file = hdf5::open_file_to_write(partial);
  const hdf5::Place root{file, partial};
  {
    const hdf5::Handle dataset(H5Dopen2(file, "features", H5P_DEFAULT), H5Dclose, partial,
                               "has no dataset \"features\"");
    const hsize_t shape[2] = {static_cast<hsize_t>(rows), static_cast<hsize_t>(info.feature_count)};
    hdf5::require(H5Dset_extent(dataset, shape), partial, "cannot be shrunk to its rows");
    store::ImageTablesWriter tables(root, info.classes);
    journal.write_tables(tables);
  }
  store::mark_complete(root);
  file.close(partial);
}

FeatureFileWriter::~FeatureFileWriter() {
  if (impl_ == nullptr || impl_->closed) return;
  try {
    flush();
  } catch (const Error&) {  // what was flushed before stays
  }
}

int64_t FeatureFileWriter::rows() const { return impl_->rows; }
int64_t FeatureFileWriter::inputs_done() const { return impl_->inputs_done; }

void FeatureFileWriter::append(const float* rows, const std::vector<std::string>& paths,
                               const std::vector<int32_t>& labels, const std::vector<Failure>& failures,
                               int64_t inputs_done) {
  Impl& w = *impl_;
  const auto count = static_cast<int64_t>(paths.size());
  store::check_rows(w.path, w.info.classes.size(), paths, labels);
  if (count > w.info.inputs.count - w.rows || inputs_done < w.inputs_done) {
    throw Error(w.path + ": " + std::to_string(w.rows + count) + " rows of " + std::to_string(inputs_done) +
                " inputs were given; it was laid out for " + std::to_string(w.info.inputs.count) + " rows and had " +
                std::to_string(w.inputs_done) + " inputs.");
  }
  const int64_t values = count * w.info.feature_count;
  const void* bytes = rows;
  if (w.is_half()) {
    w.halves.resize(static_cast<size_t>(values));
    store::floats_to_halves(rows, values, w.halves.data());
    bytes = w.halves.data();
    for (int64_t i = 0; i < values; ++i) {
      if ((w.halves[static_cast<size_t>(i)] & 0x7fff) == 0x7c00 && std::isfinite(rows[i])) {
        throw FileError(w.path, "feature " + std::to_string(i % w.info.feature_count) + " of " +
                                    paths[static_cast<size_t>(i / w.info.feature_count)] + " is " +
                                    std::to_string(rows[i]) + ", which float16 cannot hold; use --storage f32.");
      }
    }
  }
  try {
    w.data.write_at(w.layout.first_row + w.rows * w.row_bytes(), bytes, static_cast<size_t>(count * w.row_bytes()));
  } catch (const FileError& error) {
    w.journal.fail_kept(error);
  }
  w.rows += count;
  w.inputs_done = inputs_done;
  w.batch.paths.insert(w.batch.paths.end(), paths.begin(), paths.end());
  w.batch.labels.insert(w.batch.labels.end(), labels.begin(), labels.end());
  w.batch.failures.insert(w.batch.failures.end(), failures.begin(), failures.end());
  if (w.batch.paths.size() + w.batch.failures.size() >= kWaitingInputs) flush();
}

void FeatureFileWriter::read(int64_t first, int64_t count, float* rows) const {
  const Impl& w = *impl_;
  if (first < 0 || count < 0 || first > w.rows - count) {
    throw Error(w.path + ": rows " + std::to_string(first) + " to " + std::to_string(first + count - 1) +
                " were asked for, " + std::to_string(w.rows) + " are written.");
  }
  const int64_t at = w.layout.first_row + first * w.row_bytes();
  const auto bytes = static_cast<size_t>(count * w.row_bytes());
  if (!w.is_half()) return w.data.read_at(at, rows, bytes);
  std::vector<uint16_t> halves(static_cast<size_t>(count * w.info.feature_count));
  w.data.read_at(at, halves.data(), bytes);
  store::halves_to_floats(halves.data(), count * w.info.feature_count, rows);
}

void FeatureFileWriter::flush() {
  Impl& w = *impl_;
  if (w.closed || (w.rows == w.journal.rows() && w.inputs_done == w.journal.inputs_done() && w.batch.failures.empty()))
    return;
  w.journal.flush(w.data, w.batch, w.rows, w.inputs_done);
  w.batch = {};
}

void FeatureFileWriter::close() {
  Impl& w = *impl_;
  if (w.closed) return;
  flush();
  try {
    w.journal.add_other(w.undo_record());
    w.finish_hdf5();
    store::publish(w.partial, w.path);
  } catch (const FileError& error) {
    w.journal.fail_kept(error);
  }
  w.closed = true;
  w.journal.remove();
}

}  // namespace dcgan
