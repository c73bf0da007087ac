#pragma once

#include <hdf5.h>

#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/files.h"

namespace dcgan::hdf5 {

/// Every call of HDF5 happens inside a session: one thread at a time in the whole process (a reader's lock alone would
/// not do, as HDF5 may be built without thread safety), with HDF5's own printing of errors switched off and restored.
class Session {
 public:
  Session();
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

 private:
  std::unique_lock<std::recursive_mutex> lock_;
  H5E_auto2_t print_ = nullptr;
  void* print_data_ = nullptr;
};

/// @throws FileError "PATH: PROBLEM: HDF5's own reason." if `status` is negative.
void require(herr_t status, const std::string& path, const std::string& problem);

/// Owner of an HDF5 identifier, on the line where it is born:
///   const Handle rows(H5Dopen2(file, "features", H5P_DEFAULT), H5Dclose, path, "has no dataset \"features\"");
class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle() = default;
  Handle(hid_t id, Close closer, const std::string& path, const std::string& problem);
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle& operator=(Handle&& other) noexcept;
  ~Handle();

  operator hid_t() const { return id_; }  // NOLINT(google-explicit-constructor): stands for the identifier
  void close(const std::string& path);    ///< unlike the destructor, throws

 private:
  hid_t id_ = -1;
  Close close_ = nullptr;
};

/// Little-endian IEEE 754: binary16, which h5py knows as float16, or binary32.
Handle float_type(bool half);
Handle text_type();  ///< UTF-8, of variable length

/// Replaces a file of this name.
/// @param dense  objects lie one behind the other in the order in which they are made, without room between them
Handle create_file(const std::string& path, bool dense = false);
/// The same without the time at which it was made: equal content gives equal bytes.
Handle create_timeless_file(const std::string& path);
Handle open_file_to_write(const std::string& path);
/// What is said of a file that a writer of ours has not finished.
constexpr const char* kIncomplete =
    "is incomplete: the program that wrote it was interrupted; run it again with --resume, or with --overwrite to "
    "start "
    "anew.";
/// Opens a file to read, after a look at what it is. @throws FileError with advice.
Handle open_file(const std::string& path);

/// The place in a file where a name is looked up; `path` is for messages.
struct Place {
  hid_t id;
  const std::string& path;
};

void write_attribute(Place at, const std::string& name, const std::string& value);  ///< UTF-8, variable length
void write_attribute(Place at, const std::string& name, int64_t value);
void write_attribute(Place at, const std::string& name, uint64_t value);
void write_attribute(Place at, const std::string& name, const std::vector<int64_t>& values);

/// An existing attribute with what the readers check of it.
struct Attribute {
  Handle id, type, space;
  std::string problem;  ///< for messages

  Attribute(Place at, const std::string& name);
  void expect(bool holds, Place at, const std::string& what) const;  ///< @throws FileError
};

/// Attributes read with their type and size checked; a missing one gives the fallback. Those of texts: hdf5_texts.h.
bool has_attribute(Place at, const std::string& name);
std::vector<int64_t> read_attribute(Place at, const std::string& name, const std::vector<int64_t>& fallback);
int64_t read_attribute(Place at, const std::string& name, int64_t fallback);
uint64_t read_attribute(Place at, const std::string& name, uint64_t fallback);

/// An existing dataset with what the readers check of it.
struct Dataset {
  Handle id;
  Handle type;
  std::vector<int64_t> shape;
  H5T_class_t type_class;
  bool filtered;               ///< compressed
  base::RoomForFiles sources;  ///< of a virtual dataset, whose files HDF5 opens when it needs them
  std::vector<std::string> source_files;
};
bool has_object(Place at, const std::string& name);
/// @throws FileError if there is no such dataset, or the file is too short to hold what its shape says.
Dataset open_dataset(Place at, const std::string& name);

/// Rows first .. first + count - 1 of a dataset, converted to `memory_type`.
void read_rows(const Dataset& dataset, int64_t first, int64_t count, hid_t memory_type, void* rows,
               const std::string& path);
/// The text in a buffer of an HDF5 text type of fixed size.
std::string fixed_text(const char* bytes, size_t size, bool padded_with_spaces);

/// A new dataset [0, row_shape...] that grows.
class GrowingDataset {
 public:
  GrowingDataset() = default;
  /// @param type  in the file and in memory
  GrowingDataset(Place at, const std::string& name, hid_t type, std::vector<hsize_t> row_shape, int64_t rows_per_chunk);
  void append(const void* rows, int64_t count);
  void append(const std::vector<std::string>& texts);

 private:
  std::string path_;
  Handle type_;
  Handle dataset_;
  std::vector<hsize_t> shape_;
};
/// A growing dataset of UTF-8 texts.
GrowingDataset growing_texts(Place at, const std::string& name);

}  // namespace dcgan::hdf5
