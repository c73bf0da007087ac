#include "store/hdf5_texts.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <string_view>

#include "base/files.h"
#include "dcgan/errors.h"

namespace dcgan::hdf5 {
namespace {

constexpr std::string_view kHeapStart("GCOL\1\0\0\0", 8);  // signature, version, reserved
constexpr int64_t kHeapHead = 16;                          // with the size of the collection
constexpr int64_t kObjectHead = 16;                        // index, references, reserved, size
constexpr size_t kReferenceBytes = 16;                     // length, address of the collection, index
constexpr int64_t kBlock = 65536;                          // texts at once
constexpr int64_t kMostKept = int64_t{64} << 20;           // bytes of collections

template <class Number>
Number number_at(const char* bytes) {
  Number value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

/// One collection of a global heap, every length checked.
class HeapCollection {
 public:
  HeapCollection(const base::File& file, int64_t address);
  int64_t size() const { return static_cast<int64_t>(bytes_.size()); }
  /// @return false if there is no such object
  bool find(uint32_t index, std::string_view& bytes) const;

 private:
  std::vector<char> bytes_;
  std::vector<std::string_view> objects_;  ///< by index; those that are not there have no data()
};

HeapCollection::HeapCollection(const base::File& file, int64_t address) {
  const auto expect = [&](bool holds) {
    if (!holds) throw FileError(file.path(), "the texts at byte ", address, " are damaged; make it again.");
  };
  const int64_t room = file.size() - address;
  expect(address >= 0 && room >= kHeapHead);
  char head[kHeapHead];
  file.read_at(address, head, sizeof head);
  const auto size = number_at<int64_t>(head + 8);
  expect(std::string_view(head, kHeapStart.size()) == kHeapStart && size >= kHeapHead && size <= room);
  bytes_.resize(size);
  file.read_at(address, bytes_.data(), bytes_.size());
  for (int64_t offset = kHeapHead; size - offset >= kObjectHead;) {
    const char* object = bytes_.data() + offset;
    const auto index = number_at<uint16_t>(object);
    const auto length = number_at<int64_t>(object + 8);
    offset += kObjectHead;
    if (index == 0) {  // the free space, counted with its head, is the last object
      expect(length == size - offset + kObjectHead);
      break;
    }
    expect(length >= 0 && length <= size - offset);
    if (objects_.size() <= index) objects_.resize(size_t{index} + 1);
    objects_[index] = std::string_view(object + kObjectHead, length);
    offset += (length + 7) / 8 * 8;
    expect(offset <= size);
  }
}

bool HeapCollection::find(uint32_t index, std::string_view& bytes) const {
  if (index >= objects_.size() || objects_[index].data() == nullptr) return false;
  bytes = objects_[index];
  return true;
}

/// The file that an object lies in, which an external link may have led to.
std::string file_of(hid_t object, const std::string& path, const std::string& problem) {
  const Handle owner(H5Iget_file_id(object), H5Fclose, path, problem);
  require(H5Fflush(owner, H5F_SCOPE_LOCAL), path, problem);  // this process may be writing it
  std::string name(static_cast<size_t>(std::max<ssize_t>(H5Fget_name(owner, nullptr, 0), 0)) + 1, '\0');
  H5Fget_name(owner, name.data(), name.size());
  name.pop_back();
  return name;
}

/// The texts of an object, from the global heaps of its file.
class HeapTexts {
 public:
  /// @param object  a dataset or an attribute; `what` names it in messages
  HeapTexts(hid_t object, const std::string& path, const std::string& what);
  /// @param reference  16 bytes as they lie in the file
  std::string read(const char* reference);

 private:
  const HeapCollection& collection(int64_t address);

  std::string what_;
  base::File file_;
  hsize_t base_ = 0;  ///< addresses count from the end of the user block
  int64_t budget_;    ///< bytes; no text is referred to twice
  std::map<int64_t, HeapCollection> collections_;
  int64_t kept_ = 0;  ///< bytes of them
};

HeapTexts::HeapTexts(hid_t object, const std::string& path, const std::string& what)
    : what_(what), file_(file_of(object, path, what + " cannot be read"), O_RDONLY), budget_(file_.size()) {
  const std::string problem = what + " cannot be read";
  const Handle owner(H5Iget_file_id(object), H5Fclose, path, problem);
  const Handle creation(H5Fget_create_plist(owner), H5Pclose, path, problem);
  size_t address_bytes = 0;
  size_t length_bytes = 0;
  require(H5Pget_userblock(creation, &base_), path, problem);
  require(H5Pget_sizes(creation, &address_bytes, &length_bytes), path, problem);
  if (address_bytes != 8 || length_bytes != 8) {
    throw FileError(path, "has addresses of ", address_bytes, " bytes and lengths of ", length_bytes,
                    "; expected 8 and 8, as HDF5 writes them where nothing else is asked for.");
  }
}

const HeapCollection& HeapTexts::collection(int64_t address) {
  const auto found = collections_.find(address);
  if (found != collections_.end()) return found->second;
  HeapCollection read(file_, address);
  if (kept_ + read.size() > kMostKept) {
    collections_.clear();
    kept_ = 0;
  }
  kept_ += read.size();
  return collections_.emplace(address, std::move(read)).first->second;
}

std::string HeapTexts::read(const char* reference) {
  const auto length = number_at<uint32_t>(reference);
  const auto address = number_at<uint64_t>(reference + 4);
  const auto index = number_at<uint32_t>(reference + 12);
  if (length == 0) return {};
  const auto expect = [&](bool holds) {
    if (!holds) throw FileError(file_.path(), what_, " is damaged; make it again.");
  };
  budget_ -= length;
  expect(budget_ >= 0 && address <= static_cast<uint64_t>(file_.size()));
  std::string_view text;
  expect(collection(static_cast<int64_t>(address + base_)).find(index, text) && text.size() >= length);
  text = text.substr(0, length);
  return std::string(text.substr(0, text.find('\0')));  // as a C string, as HDF5 hands it on
}

herr_t keep(hid_t, hid_t, H5T_cdata_t* conversion, size_t, size_t, size_t, void*, void*, hid_t) {
  conversion->need_bkg = H5T_BKG_NO;
  return 0;
}

/// A type of memory that HDF5 reads texts of variable length into as they lie in the file, 16 bytes each, instead of
/// following them: for as long as this lives, a conversion is registered that changes nothing.
class ReferenceType {
 public:
  explicit ReferenceType(const std::string& path)
      : text_(text_type()), type_(H5Tcreate(H5T_OPAQUE, kReferenceBytes), H5Tclose, path, "cannot be read") {
    require(H5Tregister(H5T_PERS_SOFT, kName, text_, type_, keep), path, "cannot be read");
  }
  /// Of all types: HDF5 has made a conversion of the type as it lies in each file.
  ~ReferenceType() { H5Tunregister(H5T_PERS_SOFT, kName, -1, -1, keep); }
  ReferenceType(const ReferenceType&) = delete;
  ReferenceType& operator=(const ReferenceType&) = delete;
  operator hid_t() const { return type_; }  // NOLINT(google-explicit-constructor): stands for the identifier

 private:
  static constexpr const char* kName = "texts as they lie in the file";
  Handle text_;
  Handle type_;
};

std::vector<std::string> read_variable_texts(const Dataset& dataset, const std::string& name, const std::string& path) {
  if (!dataset.source_files.empty()) {
    throw FileError(path, "dataset \"", name, "\" takes texts from other files, which is not supported.");
  }
  const ReferenceType type(path);
  HeapTexts heap(dataset.id, path, "dataset \"" + name + "\"");
  std::vector<std::string> texts;
  std::vector<char> references;
  for (int64_t first = 0; first < dataset.shape[0]; first += kBlock) {
    const int64_t count = std::min(kBlock, dataset.shape[0] - first);
    references.resize(static_cast<size_t>(count) * kReferenceBytes);
    read_rows(dataset, first, count, type, references.data(), path);
    for (size_t at = 0; at < references.size(); at += kReferenceBytes) texts.push_back(heap.read(&references[at]));
  }
  return texts;
}

std::vector<std::string> read_fixed_texts(const Dataset& dataset, const std::string& path) {
  const int64_t rows = dataset.shape[0];
  const size_t size = H5Tget_size(dataset.type);
  const bool padded_with_spaces = H5Tget_strpad(dataset.type) == H5T_STR_SPACEPAD;
  std::vector<std::string> texts;
  std::vector<char> block;
  for (int64_t first = 0; first < rows; first += kBlock) {
    const int64_t count = std::min(kBlock, rows - first);
    block.resize(static_cast<size_t>(count) * size);
    read_rows(dataset, first, count, dataset.type, block.data(), path);
    for (int64_t i = 0; i < count; ++i) {
      texts.push_back(fixed_text(block.data() + static_cast<size_t>(i) * size, size, padded_with_spaces));
    }
  }
  return texts;
}

}  // namespace

std::vector<std::string> read_texts(Place at, const std::string& name) {
  const Dataset dataset = open_dataset(at, name);
  const bool column = dataset.shape.size() == 1 || (dataset.shape.size() == 2 && dataset.shape[1] == 1);
  if (dataset.type_class != H5T_STRING || !column) {
    throw FileError(at.path, "dataset \"", name, "\" must hold texts [N].");
  }
  if (dataset.shape[0] == 0) return {};
  return H5Tis_variable_str(dataset.type) > 0 ? read_variable_texts(dataset, name, at.path)
                                              : read_fixed_texts(dataset, at.path);
}

std::vector<std::string> read_attribute_texts(Place at, const std::string& name) {
  if (!has_attribute(at, name)) return {};
  const Attribute attribute(at, name);
  attribute.expect(H5Tget_class(attribute.type) == H5T_STRING, at, "texts");
  const bool variable = H5Tis_variable_str(attribute.type) > 0;
  const auto count = static_cast<uint64_t>(H5Sget_simple_extent_npoints(attribute.space));
  const size_t size = variable ? kReferenceBytes : H5Tget_size(attribute.type);
  std::vector<std::string> texts;
  const auto read = [&](hid_t type) {
    attribute.expect(size > 0 && count <= H5Aget_storage_size(attribute.id) / size, at, "texts");
    std::vector<char> bytes(count * size);
    if (count > 0) require(H5Aread(attribute.id, type, bytes.data()), at.path, attribute.problem);
    return bytes;
  };
  if (variable) {
    HeapTexts heap(attribute.id, at.path, "attribute \"" + name + "\"");
    const std::vector<char> references = read(ReferenceType(at.path));
    for (size_t i = 0; i < count; ++i) texts.push_back(heap.read(&references[i * size]));
  } else {
    const bool padded_with_spaces = H5Tget_strpad(attribute.type) == H5T_STR_SPACEPAD;
    const std::vector<char> bytes = read(attribute.type);
    for (size_t i = 0; i < count; ++i) texts.push_back(fixed_text(&bytes[i * size], size, padded_with_spaces));
  }
  return texts;
}

std::string read_attribute(Place at, const std::string& name, const std::string& fallback) {
  if (!has_attribute(at, name)) return fallback;
  std::vector<std::string> texts = read_attribute_texts(at, name);
  if (texts.size() != 1) throw FileError(at.path, "attribute \"", name, "\" must be one text.");
  return texts[0];
}

}  // namespace dcgan::hdf5
