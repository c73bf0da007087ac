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

enum RecordKind : uint32_t { kHeader = 1, kBatch = 2, kUndo = 3 };

/// What must be equal in a run that goes on.
std::vector<store::Field> resumable_identity(const FeatureFileInfo& info) {
  std::vector<store::Field> fields = store::identity(info);
  fields.push_back({"library_version", DCGAN_VERSION});
  fields.push_back({"first_input", std::to_string(info.inputs.first)});
  fields.push_back({"input_count", std::to_string(info.inputs.count)});
  return fields;
}

std::string journal_path(const std::string& path) { return store::partial_path(path) + ".journal"; }

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

  store::Journal journal;
  store::File data;
  Layout layout;
  int64_t rows = 0;
  int64_t inputs_done = 0;
  bool closed = false;

  // Since the last flush.
  std::vector<std::string> paths;
  std::vector<int32_t> labels;
  std::vector<Failure> failures;
  int64_t flushed_rows = 0;
  int64_t flushed_inputs = 0;

  std::vector<uint16_t> halves;

  bool is_half() const { return info.storage == FeatureStorage::kFloat16; }
  int64_t row_bytes() const { return info.feature_count * (is_half() ? 2 : 4); }

  void create();
  Layout lay_out() const;
  void resume();
  void undo(store::RecordReader record) const;
  std::string undo_record() const;
  void finish_hdf5() const;
  [[noreturn]] void fail_kept(const Error& error) const;
};

FeatureFileWriter::FeatureFileWriter(const std::string& path, const FeatureFileInfo& info, Mode mode)
    : impl_(std::make_unique<Impl>()) {
  Impl& w = *impl_;
  w.path = path;
  w.partial = store::partial_path(path);
  w.info = info;
  if (info.feature_count < 1 || info.feature_count > (int64_t{1} << 28) || info.inputs.count < 0 ||
      info.inputs.count > (int64_t{1} << 40)) {
    throw FileError(path, "cannot be laid out for " + std::to_string(info.inputs.count) + " rows of " +
                              std::to_string(info.feature_count) + " features.");
  }
  check_output(path, mode);
  // The journal is born before the partial file and dies after it: a partial file without one is not ours.
  const bool partial_exists = store::exists(w.partial);
  w.journal = store::Journal(journal_path(path));
  if (mode == Mode::kResume && partial_exists) {
    const store::Journal::Start start = w.journal.start();
    if (start == store::Journal::Start::kDamaged) {
      throw FileError(w.journal.path(), "is damaged at its start; start anew with --overwrite.");
    }
    if (start == store::Journal::Start::kWhole) {
      w.resume();
      return;
    }
  }
  w.create();
}

void FeatureFileWriter::check_output(const std::string& path, Mode mode) {
  const std::string partial = store::partial_path(path);
  const bool partial_exists = store::exists(partial);
  if (mode != Mode::kOverwrite && store::exists(path)) {
    // A run that was killed after its last rename left the journal behind.
    if (mode == Mode::kResume && !partial_exists) ::unlink(journal_path(path).c_str());
    store::refuse_existing(path, false);
  }
  if (mode == Mode::kCreate && partial_exists) {
    throw FileError(partial, "was left by an interrupted run; --resume goes on with it, --overwrite starts anew.");
  }
  if (mode == Mode::kResume && partial_exists && !store::exists(journal_path(path))) {
    throw FileError(partial, "has lost its journal " + journal_path(path) + "; start anew with --overwrite.");
  }
}

void FeatureFileWriter::Impl::create() try {
  journal.cut(0);
  ::unlink(partial.c_str());
  layout = lay_out();
  data = store::File(partial, O_RDWR);
  data.sync();
  store::RecordWriter header;
  const std::vector<store::Field> fields = resumable_identity(info);
  header.number(layout.first_row);
  header.number(layout.chunks_end);
  header.number(layout.file_bytes);
  header.number(static_cast<int64_t>(fields.size()));
  for (const store::Field& field : fields) {
    header.text(field.name);
    header.text(field.value);
  }
  journal.append(kHeader, header.bytes());
  journal.sync();
  store::sync_folder_of(partial);
} catch (const Error&) {  // nothing is worth keeping, and the next run shall not meet it
  ::unlink(partial.c_str());
  ::unlink(journal.path().c_str());
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
  int64_t good_end = 0;  // of the last header or batch
  journal.visit([&](uint32_t kind, std::string_view content, int64_t end) {
    store::RecordReader record(content);
    if (kind == kHeader) {
      layout.first_row = record.number();
      layout.chunks_end = record.number();
      layout.file_bytes = record.number();
      const std::vector<store::Field> fields = resumable_identity(info);
      int64_t count = record.number();
      for (const store::Field& field : fields) {
        const std::string name = count-- > 0 ? record.text() : "";
        const std::string value = name.empty() ? "" : record.text();
        if (name != field.name || value != field.value) {
          throw FileError(partial, "was begun with " + field.name + " \"" + store::excerpt(value, field.value) +
                                       "\", this run has \"" + store::excerpt(field.value, value) +
                                       "\"; resume with the same, or start anew with --overwrite.");
        }
      }
    } else if (kind == kBatch) {
      rows = record.number();
      inputs_done = record.number();
    } else if (kind == kUndo) {
      undo_bytes = content;
      return;
    }
    good_end = end;
  });
  data = store::File(partial, O_RDWR);
  if (!undo_bytes.empty()) undo(store::RecordReader(undo_bytes));
  if (data.size() < layout.file_bytes) {
    throw FileError(partial, std::to_string(data.size()) + " bytes, expected " + std::to_string(layout.file_bytes) +
                                 "; it was cut short, start anew with --overwrite.");
  }
  journal.cut(good_end);
  flushed_rows = rows;
  flushed_inputs = inputs_done;
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
    journal.visit([&](uint32_t kind, std::string_view content, int64_t /*end*/) {
      if (kind != kBatch) return;
      store::RecordReader record(content);
      record.number();
      record.number();
      const std::vector<std::string> batch_paths = record.texts();
      std::vector<int32_t> batch_labels;
      for (int64_t count = record.number(); count > 0; --count) {
        batch_labels.push_back(static_cast<int32_t>(record.number()));
      }
      const std::vector<std::string> failed = record.texts();
      const std::vector<std::string> reasons = record.texts();
      tables.append(batch_paths, batch_labels);
      tables.append_failures(failed, reasons);
    });
  }
  store::mark_complete(root);
  file.close(partial);
}

void FeatureFileWriter::Impl::fail_kept(const Error& error) const {
  std::string text = error.what();
  if (text.rfind(partial + ": ", 0) == 0) text.erase(0, partial.size() + 2);
  if (!text.empty() && text.back() == '.') text.pop_back();
  throw FileError(partial, text + "; the partial file is kept with " + std::to_string(flushed_rows) +
                               " rows: mend this and run again with --resume.");
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
    w.fail_kept(error);
  }
  w.rows += count;
  w.inputs_done = inputs_done;
  w.paths.insert(w.paths.end(), paths.begin(), paths.end());
  w.labels.insert(w.labels.end(), labels.begin(), labels.end());
  w.failures.insert(w.failures.end(), failures.begin(), failures.end());
  if (w.paths.size() + w.failures.size() >= kWaitingInputs) flush();
}

void FeatureFileWriter::flush() {
  Impl& w = *impl_;
  if (w.closed || (w.rows == w.flushed_rows && w.inputs_done == w.flushed_inputs && w.failures.empty())) return;
  store::RecordWriter record;
  record.number(w.rows);
  record.number(w.inputs_done);
  record.texts(w.paths);
  record.number(static_cast<int64_t>(w.labels.size()));
  for (const int32_t label : w.labels) record.number(label);
  std::vector<std::string> failed, reasons;
  for (const Failure& failure : w.failures) {
    failed.push_back(failure.path);
    reasons.push_back(failure.reason);
  }
  record.texts(failed);
  record.texts(reasons);
  try {
    w.data.sync();  // the rows first: the journal speaks only of rows that are safe
    w.journal.append(kBatch, record.bytes());
    w.journal.sync();
  } catch (const FileError& error) {
    w.fail_kept(error);
  }
  w.paths.clear();
  w.labels.clear();
  w.failures.clear();
  w.flushed_rows = w.rows;
  w.flushed_inputs = w.inputs_done;
}

void FeatureFileWriter::close() {
  Impl& w = *impl_;
  if (w.closed) return;
  flush();
  try {
    w.journal.append(kUndo, w.undo_record());
    w.journal.sync();
    w.finish_hdf5();
    store::publish(w.partial, w.path);
  } catch (const FileError& error) {
    w.fail_kept(error);
  }
  w.closed = true;
  ::unlink(w.journal.path().c_str());
}

}  // namespace dcgan
