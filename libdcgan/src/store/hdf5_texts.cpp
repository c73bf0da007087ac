#include "store/hdf5_texts.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/files.h"
#include "dcgan/errors.h"

namespace dcgan::hdf5 {
namespace {

constexpr std::string_view kHeapStart("GCOL\1\0\0\0", 8);  // signature, version, reserved
constexpr int64_t kHeapHead = 16;                          // with the size of the collection
constexpr int64_t kObjectHead = 16;                        // index, references, reserved, size
constexpr int64_t kReferenceBytes = 16;                    // length, address of the collection, index
constexpr int64_t kBlock = 65536;                          // texts at once

template <class Number>
Number number_at(const char* bytes) {
  Number value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

/// One collection of a global heap, every length checked.
class HeapCollection {
 public:
  HeapCollection() = default;
  HeapCollection(const base::File& file, int64_t address);
  int64_t address() const { return address_; }
  /// @return false if there is no such object
  bool find(uint32_t index, std::string_view& bytes) const;

 private:
  int64_t address_ = -1;
  std::vector<char> bytes_;
  std::vector<std::string_view> objects_;  ///< by index; those that are not there have no data()
};

HeapCollection::HeapCollection(const base::File& file, int64_t address) : address_(address) {
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

/// The references [N] as they lie in the file. @return false for a storage whose raw bytes HDF5 does not hand on.
bool read_references(const Dataset& dataset, const base::File& file, std::vector<char>& references) {
  const std::string& path = file.path();
  const std::string problem = "texts cannot be read";
  const Handle creation(H5Dget_create_plist(dataset.id), H5Pclose, path, problem);
  const int64_t rows = dataset.shape[0];
  if (dataset.filtered || H5Dget_storage_size(dataset.id) < static_cast<hsize_t>(rows) * kReferenceBytes) return false;
  references.resize(rows * kReferenceBytes);
  if (H5Pget_layout(creation) == H5D_CONTIGUOUS) {
    const haddr_t address = H5Dget_offset(dataset.id);
    if (address == HADDR_UNDEF) return false;
    file.read_at(static_cast<int64_t>(address), references.data(), references.size());
    return true;
  }
  if (H5Pget_layout(creation) != H5D_CHUNKED) return false;
  hsize_t chunk_shape[2] = {0, 1};  // of [N] or [N, 1]
  require(H5Pget_chunk(creation, 2, chunk_shape), path, problem);
  const hsize_t chunk_rows = chunk_shape[0];
  if (chunk_rows > static_cast<hsize_t>(file.size() / kReferenceBytes)) return false;
  std::vector<char> chunk(chunk_rows * kReferenceBytes);
  for (hsize_t first = 0; first < static_cast<hsize_t>(rows); first += chunk_rows) {
    const hsize_t place[2] = {first, 0};
    uint32_t filters = 0;
    hsize_t bytes = 0;
    require(H5Dget_chunk_storage_size(dataset.id, place, &bytes), path, problem);
    if (bytes != chunk.size()) return false;
    require(H5Dread_chunk(dataset.id, H5P_DEFAULT, place, &filters, chunk.data()), path, problem);
    const auto begin = static_cast<int64_t>(first) * kReferenceBytes;
    std::copy_n(chunk.data(), std::min(static_cast<int64_t>(chunk.size()), rows * kReferenceBytes - begin),
                references.data() + begin);
  }
  return true;
}

std::vector<std::string> read_variable_texts(const Dataset& dataset, const std::string& name, const std::string& path) {
  const base::File file(path, O_RDONLY);
  const Handle owner(H5Iget_file_id(dataset.id), H5Fclose, path, "cannot be read");
  const Handle creation(H5Fget_create_plist(owner), H5Pclose, path, "cannot be read");
  hsize_t base = 0;  // addresses count from the end of the user block
  size_t address_bytes = 0;
  size_t length_bytes = 0;
  require(H5Pget_userblock(creation, &base), path, "cannot be read");
  require(H5Pget_sizes(creation, &address_bytes, &length_bytes), path, "cannot be read");
  std::vector<char> references;
  if (address_bytes != 8 || length_bytes != 8 || !read_references(dataset, file, references)) {
    throw FileError(path, "dataset \"", name,
                    "\" holds texts in a way that is not supported (compressed, or never all "
                    "written); write them plainly.");
  }
  std::vector<std::string> texts;
  texts.reserve(dataset.shape[0]);
  HeapCollection collection;
  int64_t budget = file.size();  // no text is referred to twice
  for (size_t at = 0; at < references.size(); at += kReferenceBytes) {
    const auto length = number_at<uint32_t>(references.data() + at);
    const auto address = number_at<uint64_t>(references.data() + at + 4);
    const auto index = number_at<uint32_t>(references.data() + at + 12);
    std::string_view text;
    if (length > 0) {
      budget -= length;
      if (address > static_cast<uint64_t>(file.size()) || budget < 0) {
        throw FileError(path, "dataset \"", name, "\" is damaged at row ", texts.size(), "; make it again.");
      }
      const auto place = static_cast<int64_t>(address + base);
      if (collection.address() != place) collection = HeapCollection(file, place);
      if (!collection.find(index, text) || text.size() < length) {
        throw FileError(path, "dataset \"", name, "\" is damaged at row ", texts.size(), "; make it again.");
      }
    }
    text = text.substr(0, length);
    texts.emplace_back(text.substr(0, text.find('\0')));  // as a C string, as HDF5 hands it on
  }
  return texts;
}

std::vector<std::string> read_fixed_texts(const Dataset& dataset, const std::string& path) {
  const int64_t rows = dataset.shape[0];
  const size_t size = H5Tget_size(dataset.type);
  const bool padded_with_spaces = H5Tget_strpad(dataset.type) == H5T_STR_SPACEPAD;
  std::vector<std::string> texts;
  texts.reserve(rows);
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

void check_attribute_heaps(const std::string& path) {
  constexpr int64_t kSearched = int64_t{1} << 20;
  const base::File file(path, O_RDONLY);
  std::vector<char> start(std::min(kSearched, file.size()));
  file.read_at(0, start.data(), start.size());
  const std::string_view bytes(start.data(), start.size());
  for (size_t at = bytes.find(kHeapStart); at != std::string_view::npos; at = bytes.find(kHeapStart, at + 1)) {
    const HeapCollection checked(file, static_cast<int64_t>(at));
  }
}

}  // namespace dcgan::hdf5
