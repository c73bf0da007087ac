#include "store/hdf5_handles.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <numeric>
#include <set>

#include "base/files.h"
#include "base/foreign_file.h"
#include "dcgan/errors.h"
#include "dcgan/file_locks.h"

namespace dcgan::hdf5 {
namespace {

constexpr hsize_t kTextsPerChunk = 2048;             // 32 kB of references
constexpr size_t kMaximumCache = size_t{256} << 20;  // bytes
// Deflate makes at most 1032 bytes of one (zlib's technical notes); a bound for what a compressed dataset may claim.
constexpr int64_t kMaximumRatio = 1032;

std::recursive_mutex& process_mutex() {
  // HDF5 1.10 crashes in its clean-up at exit once a close has failed, as on a full disk. No handle here waits for that
  // clean-up. Without effect if the caller's program has used HDF5 before.
  static const herr_t without_clean_up_at_exit = H5dont_atexit();
  static_cast<void>(without_clean_up_at_exit);
  static std::recursive_mutex mutex;
  return mutex;
}

herr_t keep_innermost(unsigned n, const H5E_error2_t* error, void* text) {
  if (n == 0 && error->desc != nullptr) *static_cast<std::string*>(text) = error->desc;
  return 0;
}

/// HDF5's own reason for the last failure.
struct Reason {
  std::string text = "HDF5 gives no reason";
  int system_error = 0;  ///< errno, where a call of the system failed; `text` is then its message

  Reason() {
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, &text);
    const std::string mark = "error message = '", number = "errno = ";
    const size_t begin = text.find(mark), at = text.find(number);
    if (begin == std::string::npos || at == std::string::npos) return;
    system_error = std::atoi(text.c_str() + at + number.size());
    is_lock = text.rfind("unable to lock", 0) == 0;
    text = text.substr(begin + mark.size());
    text = text.substr(0, text.find('\''));
  }
  bool is_lock = false;  ///< that call was flock()
};

[[noreturn]] void fail(const std::string& path, const std::string& problem) {
  const Reason reason;
  throw FileError(path, problem, ": ", reason.text, base::remedy(reason.system_error), ".");
}

/// Why a file that has HDF5's signature could not be opened to read, and what to do.
[[noreturn]] void fail_to_open(const std::string& path, int64_t size) {
  const Reason reason;
  if (reason.is_lock && reason.system_error == EWOULDBLOCK) {
    throw FileError(path,
                    "is open for writing in another program (a notebook, perhaps); close it there, and run again.");
  }
  if (reason.is_lock) base::fail_without_locks(path, reason.text);
  if (reason.system_error != 0) fail(path, "cannot be opened");
  if (reason.text.find("already open for write") != std::string::npos) {
    throw FileError(path,
                    "is marked as open for writing: a program is writing it, or was killed while it did. Wait for ",
                    "it; if it is gone, take the mark away with h5clear -s (Debian: hdf5-tools), and run again.");
  }
  if (reason.text.rfind("truncated file", 0) == 0) {
    const size_t stored = reason.text.rfind(" = ");
    throw FileError(path, "is cut short: ", size, " bytes, expected ", reason.text.substr(stored + 3),
                    "; fetch it again, or make it again where it came from.");
  }
  throw FileError(path, "is damaged (", size, " bytes): ", reason.text,
                  "; fetch it again, or make it again where it came from.");
}

void write_attribute(Place at, const std::string& name, hid_t type, const Handle& space, const void* value) {
  const std::string problem = "attribute \"" + name + "\" cannot be written";
  if (H5Aexists(at.id, name.c_str()) > 0) require(H5Adelete(at.id, name.c_str()), at.path, problem);
  const Handle attribute(H5Acreate2(at.id, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose, at.path,
                         problem);
  require(H5Awrite(attribute, type, value), at.path, problem);
}

Handle scalar() { return {H5Screate(H5S_SCALAR), H5Sclose, "HDF5", "has no scalars"}; }

}  // namespace

Session::Session() : lock_(process_mutex()) {
  H5Eget_auto2(H5E_DEFAULT, &print_, &print_data_);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

Session::~Session() { H5Eset_auto2(H5E_DEFAULT, print_, print_data_); }

void require(herr_t status, const std::string& path, const std::string& problem) {
  if (status < 0) fail(path, problem);
}

std::string fixed_text(const char* bytes, size_t size, bool padded_with_spaces) {
  std::string text(bytes, strnlen(bytes, size));
  if (padded_with_spaces) text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

Handle::Handle(hid_t id, Close closer, const std::string& path, const std::string& problem) : id_(id), close_(closer) {
  if (id < 0) fail(path, problem);
}

Handle& Handle::operator=(Handle&& other) noexcept {
  std::swap(id_, other.id_);
  std::swap(close_, other.close_);
  return *this;
}

Handle::~Handle() {
  if (id_ >= 0) {
    const Session session;
    close_(id_);
  }
}

void Handle::close(const std::string& path) {
  if (const hid_t id = std::exchange(id_, -1); id >= 0) require(close_(id), path, "cannot be written");
}

namespace {

void set_locking(hid_t access, const std::string& path) {
  require(H5Pset_file_locking(access, uses_file_locks(), true), path, "cannot be opened");
}

Handle access_of_format_110(const std::string& path) {
  Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, path, "cannot be opened");
  set_locking(access, path);
  // The format of HDF5 1.10: its metadata have checksums, and whatever library version writes it gives the same bytes.
  require(H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110), path, "cannot be opened");
  return access;
}

}  // namespace

Handle float_type(bool half) {
  Handle type(H5Tcopy(H5T_IEEE_F32LE), H5Tclose, "HDF5", "has no floats");
  if (half) {  // sign bit, exponent's first bit and bits, mantissa's first bit and bits; then the size may shrink
    require(H5Tset_fields(type, 15, 10, 5, 0, 10), "HDF5", "has no float16");
    require(H5Tset_size(type, 2), "HDF5", "has no float16");
    require(H5Tset_ebias(type, 15), "HDF5", "has no float16");
  }
  return type;
}

Handle text_type() {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose, "HDF5", "has no type of texts");
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5T_CSET_UTF8);
  return type;
}

Handle create_file(const std::string& path, bool dense) {
  const Handle access = access_of_format_110(path);
  if (dense) {
    require(H5Pset_meta_block_size(access, 0), path, "cannot be created");
    require(H5Pset_small_data_block_size(access, 0), path, "cannot be created");
  }
  return {H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access), H5Fclose, path, "cannot be created"};
}

Handle create_timeless_file(const std::string& path) {
  const Handle root(H5Pcreate(H5P_FILE_CREATE), H5Pclose, path, "cannot be created");
  require(H5Pset_obj_track_times(root, false), path, "cannot be created");
  return {H5Fcreate(path.c_str(), H5F_ACC_TRUNC, root, access_of_format_110(path)), H5Fclose, path,
          "cannot be created"};
}

Handle open_file_to_write(const std::string& path) {
  return {H5Fopen(path.c_str(), H5F_ACC_RDWR, access_of_format_110(path)), H5Fclose, path, "cannot be opened"};
}

Handle open_file(const std::string& path) {
  constexpr std::string_view kModelEnd = ".safetensors";
  if (std::filesystem::is_directory(path)) {
    throw FileError(path,
                    "is a folder, expected an HDF5 file; dcgan-prepare folder packs the images of a folder, "
                    "dcgan-extract makes features of them.");
  }
  const int64_t size = base::File(path, O_RDONLY).size();  // its message is better than HDF5's
  if (base::is_partial(path)) throw FileError(path, kIncomplete);
  if (H5Fis_hdf5(path.c_str()) == 0) {
    refuse_foreign(path);
    const bool model = path.size() > kModelEnd.size() && path.substr(path.size() - kModelEnd.size()) == kModelEnd;
    throw FileError(
        path, size,
        " bytes, without HDF5's signature; expected an HDF5 file, as dcgan-prepare and dcgan-extract write them",
        model ? "; dcgan-convert info says what is in a model file." : ".");
  }
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, path, "cannot be opened");
  set_locking(access, path);
  const hid_t id = H5Fopen(path.c_str(), H5F_ACC_RDONLY, access);
  if (id < 0) fail_to_open(path, size);
  return {id, H5Fclose, path, ""};
}

void write_attribute(Place at, const std::string& name, const std::string& value) {
  const char* text = value.c_str();
  const Handle type = text_type();
  write_attribute(at, name, type, scalar(), &text);
}

void write_attribute(Place at, const std::string& name, int64_t value) {
  write_attribute(at, name, H5T_STD_I64LE, scalar(), &value);
}

void write_attribute(Place at, const std::string& name, uint64_t value) {
  write_attribute(at, name, H5T_STD_U64LE, scalar(), &value);
}

void write_attribute(Place at, const std::string& name, const std::vector<int64_t>& values) {
  const hsize_t size = values.size();
  const Handle space(H5Screate_simple(1, &size, nullptr), H5Sclose, at.path, "attribute \"" + name + "\"");
  const int64_t nothing = 0;  // HDF5 wants an address even of no values
  write_attribute(at, name, H5T_STD_I64LE, space, values.empty() ? &nothing : values.data());
}

Attribute::Attribute(Place at, const std::string& name)
    : id(H5Aopen(at.id, name.c_str(), H5P_DEFAULT), H5Aclose, at.path, "attribute \"" + name + "\" cannot be read"),
      type(H5Aget_type(id), H5Tclose, at.path, "attribute \"" + name + "\" has no type"),
      space(H5Aget_space(id), H5Sclose, at.path, "attribute \"" + name + "\" has no extent"),
      problem("attribute \"" + name + "\" cannot be read") {}

void Attribute::expect(bool holds, Place at, const std::string& what) const {
  if (!holds) throw FileError(at.path, problem, ": expected ", what, ".");
}

bool has_attribute(Place at, const std::string& name) { return H5Aexists(at.id, name.c_str()) > 0; }

std::vector<int64_t> read_attribute(Place at, const std::string& name, const std::vector<int64_t>& fallback) {
  if (!has_attribute(at, name)) return fallback;
  const Attribute attribute(at, name);
  const hssize_t count = H5Sget_simple_extent_npoints(attribute.space);
  attribute.expect(H5Tget_class(attribute.type) == H5T_INTEGER && count >= 0 && count <= 65536, at, "integers");
  std::vector<int64_t> values(count);
  if (!values.empty()) require(H5Aread(attribute.id, H5T_NATIVE_INT64, values.data()), at.path, attribute.problem);
  return values;
}

int64_t read_attribute(Place at, const std::string& name, int64_t fallback) {
  const std::vector<int64_t> values = read_attribute(at, name, std::vector<int64_t>{fallback});
  if (values.size() != 1) throw FileError(at.path, "attribute \"", name, "\" must be one integer.");
  return values[0];
}

uint64_t read_attribute(Place at, const std::string& name, uint64_t fallback) {
  if (!has_attribute(at, name)) return fallback;
  const Attribute attribute(at, name);
  attribute.expect(H5Tget_class(attribute.type) == H5T_INTEGER && H5Sget_simple_extent_npoints(attribute.space) == 1,
                   at, "one integer");
  uint64_t value = 0;
  require(H5Aread(attribute.id, H5T_NATIVE_UINT64, &value), at.path, attribute.problem);
  return value;
}

bool has_object(Place at, const std::string& name) {
  for (size_t slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1)) {
    if (slash > 0 && H5Lexists(at.id, name.substr(0, slash).c_str(), H5P_DEFAULT) <= 0) return false;
  }
  return H5Lexists(at.id, name.c_str(), H5P_DEFAULT) > 0;
}

namespace {

std::vector<hsize_t> sizes_of(hid_t space) {
  std::vector<hsize_t> sizes(std::max(H5Sget_simple_extent_ndims(space), 0));
  if (!sizes.empty()) H5Sget_simple_extent_dims(space, sizes.data(), nullptr);
  return sizes;
}

// HDF5 gives zeros for rows of a virtual dataset whose file is not there, so the sources are looked at first.
struct Sources {
  uint64_t bytes = 0;  ///< that lie in them
  std::set<std::string> files;
};
Sources virtual_sources(hid_t creation, Place at, const std::string& name) {
  const std::string problem = "virtual dataset \"" + name + "\" cannot be read";
  size_t count = 0;
  require(H5Pget_virtual_count(creation, &count), at.path, problem);
  Sources sources;
  const auto name_at = [&](ssize_t (*get)(hid_t, size_t, char*, size_t), size_t i) {
    std::string text(static_cast<size_t>(std::max<ssize_t>(get(creation, i, nullptr, 0), 0)) + 1, '\0');
    require(static_cast<herr_t>(std::min<ssize_t>(get(creation, i, text.data(), text.size()), 0)), at.path, problem);
    text.pop_back();
    return text;
  };
  for (size_t i = 0; i < count; ++i) {
    std::string file_name = name_at(H5Pget_virtual_filename, i);
    for (size_t at_sign = 0; (at_sign = file_name.find('%', at_sign)) != std::string::npos; ++at_sign) {
      if (file_name.compare(at_sign, 2, "%%") != 0) {
        throw FileError(at.path, problem, ": its files are numbered (", file_name, "), which is not supported.");
      }
      file_name.erase(at_sign, 1);
    }
    const size_t slash = at.path.rfind('/');
    const std::string source =
        file_name.front() == '/' || slash == std::string::npos ? file_name : at.path.substr(0, slash + 1) + file_name;
    if (!base::exists(source)) {
      throw FileError(at.path, "takes rows from ", source,
                      ", which is not there; bring it back, or merge the parts again without --virtual.");
    }
    const Handle file = open_file(source);
    const std::string part_name = name_at(H5Pget_virtual_dsetname, i);
    const Handle id(H5Dopen2(file, part_name.c_str(), H5P_DEFAULT), H5Dclose, source,
                    "has no dataset \"" + part_name + "\"");
    const Handle part_creation(H5Dget_create_plist(id), H5Pclose, source, problem);
    if (H5Pget_layout(part_creation) == H5D_VIRTUAL) {
      throw FileError(at.path, "takes rows from ", source, ", which is virtual itself; merge its parts instead.");
    }
    // The file keeps the selection of the source, not its extent: "all" is as many values as it fills here.
    const Handle source_space(H5Pget_virtual_srcspace(creation, i), H5Sclose, at.path, problem);
    const Handle target_space(H5Pget_virtual_vspace(creation, i), H5Sclose, at.path, problem);
    const std::vector<hsize_t> sizes = sizes_of(Handle(H5Dget_space(id), H5Sclose, source, problem));
    bool fits = false;
    if (H5Sget_select_type(source_space) == H5S_SEL_ALL) {
      const auto values = std::accumulate(sizes.begin(), sizes.end(), hsize_t{1}, std::multiplies<>());
      fits = H5Sget_select_npoints(target_space) == static_cast<hssize_t>(values);
    } else if (H5Sget_simple_extent_ndims(source_space) == static_cast<int>(sizes.size())) {
      std::vector<hsize_t> first(sizes.size()), last(sizes.size());
      fits = H5Sget_select_bounds(source_space, first.data(), last.data()) >= 0 &&
             std::equal(last.begin(), last.end(), sizes.begin(), std::less<>());
    }
    if (!fits) {
      throw FileError(at.path, "takes rows from ", source, ", which has another shape now; merge the parts again.");
    }
    sources.files.insert(source);
    sources.bytes +=
        std::min<uint64_t>(H5Dget_storage_size(id), static_cast<uint64_t>(base::File(source, O_RDONLY).size()));
  }
  return sources;
}

void require_filters(hid_t creation, Place at, const std::string& name) {
  for (int i = 0; i < H5Pget_nfilters(creation); ++i) {
    unsigned flags = 0, configuration = 0;
    size_t values = 0;
    char filter_name[64] = "";
    const H5Z_filter_t filter = H5Pget_filter2(creation, static_cast<unsigned>(i), &flags, &values, nullptr,
                                               sizeof filter_name, filter_name, &configuration);
    if (filter < 0 || H5Zfilter_avail(filter) > 0) continue;
    throw FileError(
        at.path, "dataset \"", name, "\" is compressed with the filter ", filter, " (", filter_name,
        "), which HDF5 lacks here; name the folder of its plug-in in HDF5_PLUGIN_PATH, or write the dataset ",
        "again with compression=\"gzip\" or none.");
  }
}

}  // namespace

Dataset open_dataset(Place at, const std::string& name) {
  const std::string& path = at.path;
  if (!has_object(at, name)) throw FileError(path, "has no dataset \"", name, "\".");
  const std::string problem = "dataset \"" + name + "\" cannot be read";
  Handle id(H5Dopen2(at.id, name.c_str(), H5P_DEFAULT), H5Dclose, path, problem);
  Handle type(H5Dget_type(id), H5Tclose, path, problem);
  const Handle space(H5Dget_space(id), H5Sclose, path, problem);
  const Handle creation(H5Dget_create_plist(id), H5Pclose, path, problem);
  const std::vector<hsize_t> sizes = sizes_of(space);
  const bool filtered = H5Pget_nfilters(creation) > 0;
  require_filters(creation, at, name);

  const auto file_bytes = static_cast<uint64_t>(base::File(path, O_RDONLY).size());
  const uint64_t stored = std::min<uint64_t>(file_bytes, H5Dget_storage_size(id));
  const bool is_virtual = H5Pget_layout(creation) == H5D_VIRTUAL;
  const Sources sources = is_virtual ? virtual_sources(creation, at, name) : Sources();
  base::RoomForFiles room(static_cast<int64_t>(sources.files.size()), path,
                          text_of("takes rows from ", sources.files.size(), " files"));
  // Of texts only the references are stored: what of them is there bounds how many there are.
  const uint64_t compressed = H5Tis_variable_str(type) > 0 ? stored : file_bytes;
  const uint64_t limit = is_virtual ? sources.bytes : filtered ? compressed * kMaximumRatio : stored;
  const auto type_bytes = static_cast<uint64_t>(H5Tget_size(type));
  const bool empty = std::find(sizes.begin(), sizes.end(), 0U) != sizes.end();
  uint64_t bytes = empty ? 0 : type_bytes;
  std::string shape_text;
  for (const hsize_t size : sizes) {
    shape_text += text_of(shape_text.empty() ? "" : " x ", size);
    bytes = size > 0 && bytes > limit / size ? limit + 1 : bytes * size;  // limit + 1: too many, without an overflow
  }
  if (bytes > limit) {
    throw FileError(path, "dataset \"", name, "\" claims ", shape_text, " values, but only ", limit,
                    " bytes are there; its rows were never all written, or the file is damaged.");
  }

  // Without compression the chunk cache only costs a copy; with it the cache must hold a row of chunks.
  const Handle access(H5Pcreate(H5P_DATASET_ACCESS), H5Pclose, path, problem);
  size_t cache = 0;
  if (filtered && H5Pget_layout(creation) == H5D_CHUNKED && !sizes.empty()) {
    std::vector<hsize_t> chunk(sizes.size());
    require(H5Pget_chunk(creation, static_cast<int>(chunk.size()), chunk.data()), path, problem);
    double chunk_row = static_cast<double>(type_bytes) * static_cast<double>(chunk[0]);
    for (size_t i = 1; i < chunk.size(); ++i) chunk_row *= static_cast<double>(std::max(sizes[i], chunk[i]));
    cache = chunk_row < static_cast<double>(kMaximumCache) ? static_cast<size_t>(chunk_row) * 2 : kMaximumCache;
  }
  require(H5Pset_chunk_cache(access, 521, cache, H5D_CHUNK_CACHE_W0_DEFAULT), path, problem);
  id.close(path);
  id = Handle(H5Dopen2(at.id, name.c_str(), access), H5Dclose, path, problem);

  const H5T_class_t type_class = H5Tget_class(type);
  return {std::move(id),
          std::move(type),
          {sizes.begin(), sizes.end()},
          type_class,
          filtered,
          std::move(room),
          {sources.files.begin(), sources.files.end()}};
}

void read_rows(const Dataset& dataset, int64_t first, int64_t count, hid_t memory_type, void* rows,
               const std::string& path) {
  if (first < 0 || count < 0 || count > dataset.shape[0] || first > dataset.shape[0] - count) {
    throw Error(path, ": rows ", first, " to ", first + count - 1, " were asked for; it has ", dataset.shape[0], ".");
  }
  if (count == 0) return;
  const std::string problem = text_of("rows ", first, " to ", first + count - 1, " cannot be read");
  std::vector<hsize_t> start(dataset.shape.size(), 0);
  std::vector<hsize_t> extent(dataset.shape.begin(), dataset.shape.end());
  start[0] = static_cast<hsize_t>(first);
  extent[0] = static_cast<hsize_t>(count);
  const Handle space(H5Dget_space(dataset.id), H5Sclose, path, problem);
  require(H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr), path, problem);
  const Handle memory(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr), H5Sclose, path,
                      problem);
  require(H5Dread(dataset.id, memory_type, memory, space, H5P_DEFAULT, rows), path, problem);
}

GrowingDataset::GrowingDataset(Place at, const std::string& name, hid_t type, std::vector<hsize_t> row_shape,
                               int64_t rows_per_chunk)
    : path_(at.path), shape_(std::move(row_shape)) {
  const std::string problem = "dataset \"" + name + "\" cannot be made";
  type_ = Handle(H5Tcopy(type), H5Tclose, path_, problem);
  shape_.insert(shape_.begin(), 0);
  std::vector<hsize_t> maximum = shape_;
  maximum[0] = H5S_UNLIMITED;
  std::vector<hsize_t> chunk = shape_;
  chunk[0] = static_cast<hsize_t>(rows_per_chunk);
  const Handle space(H5Screate_simple(static_cast<int>(shape_.size()), shape_.data(), maximum.data()), H5Sclose, path_,
                     problem);
  const Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, path_, problem);
  require(H5Pset_chunk(creation, static_cast<int>(chunk.size()), chunk.data()), path_, problem);
  dataset_ = Handle(H5Dcreate2(at.id, name.c_str(), type_, space, H5P_DEFAULT, creation, H5P_DEFAULT), H5Dclose, path_,
                    problem);
}

void GrowingDataset::append(const void* rows, int64_t count) {
  if (count == 0) return;
  const std::string problem = "cannot be written";
  std::vector<hsize_t> start(shape_.size(), 0);
  std::vector<hsize_t> extent = shape_;
  start[0] = shape_[0];
  extent[0] = static_cast<hsize_t>(count);
  shape_[0] += extent[0];
  require(H5Dset_extent(dataset_, shape_.data()), path_, problem);
  const Handle space(H5Dget_space(dataset_), H5Sclose, path_, problem);
  require(H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr), path_, problem);
  const Handle memory(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr), H5Sclose, path_,
                      problem);
  require(H5Dwrite(dataset_, type_, memory, space, H5P_DEFAULT, rows), path_, problem);
}

void GrowingDataset::append(const std::vector<std::string>& texts) {
  std::vector<const char*> pointers;
  pointers.reserve(texts.size());
  for (const std::string& text : texts) pointers.push_back(text.c_str());
  append(pointers.data(), static_cast<int64_t>(pointers.size()));
}

GrowingDataset growing_texts(Place at, const std::string& name) { return {at, name, text_type(), {}, kTextsPerChunk}; }

}  // namespace dcgan::hdf5
