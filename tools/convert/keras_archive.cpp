#include "tools/convert/keras_archive.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "data/image_library.h"
#include "dcgan/errors.h"
#include "dcgan/keras_file.h"
#include "dcgan/packed_images.h"

namespace dcgan::convert_tool {
namespace {

constexpr const char* kConfiguration = "config.json";
constexpr const char* kWeights = "model.weights.h5";
constexpr int64_t kLargestConfiguration = int64_t{16} << 20;  // bytes; that of a DCGAN has some thousands

/// Bytes as a file for HDF5, which opens names only; it goes with this object.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::vector<uint8_t>& bytes) {
    std::error_code error;
    const std::filesystem::path folder = std::filesystem::temp_directory_path(error);
    if (error)
      throw Error("TMPDIR names no folder (", error.message(), "); weights of .keras files are unpacked there.");
    path_ = folder / "dcgan-keras-XXXXXX";
    const int descriptor = mkstemp(path_.data());
    if (descriptor < 0) throw FileError(path_, "cannot be made; weights of .keras files are unpacked there.");
    size_t written = 0;
    for (ssize_t now = 1; now > 0 && written < bytes.size(); written += static_cast<size_t>(now)) {
      now = std::max<ssize_t>(0, write(descriptor, bytes.data() + written, bytes.size() - written));
    }
    close(descriptor);
    if (written == bytes.size()) return;
    unlink(path_.c_str());
    throw FileError(path_, "cannot be written, ", bytes.size(), " bytes; is the disk full?");
  }
  ~TemporaryFile() { unlink(path_.c_str()); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// What is said of a file without its name.
std::string behind(const std::string& path, const FileError& error) {
  const std::string text = error.what(), start = path + ": ";
  return text.rfind(start, 0) == 0 ? text.substr(start.size()) : text;
}

std::vector<uint8_t> read_member(const std::string& path, const data::Archive& archive, const char* name) {
  const data::ArchiveMember* member = archive.find(name);
  if (member == nullptr) {
    std::string found;
    for (size_t i = 0; i < archive.members().size() && i < 5; ++i) {
      found += (i == 0 ? "" : ", ") + archive.members()[i].path;
    }
    throw FileError(path, "holds no ", name, ", only ", found.empty() ? "nothing" : found,
                    "; expected what model.save(\"NAME.keras\") of Keras 3 writes.");
  }
  if (!member->failure.empty()) throw FileError(path, "its ", name, " ", member->failure, ".");
  try {
    return archive.read(*member);
  } catch (const FileError& error) {  // knows the archive's name only
    throw FileError(path, "its ", name, ": ", behind(path, error));
  }
}

}  // namespace

bool is_keras_archive(const std::string& path) {
  constexpr std::string_view kEnd = ".keras";
  return path.size() > kEnd.size() && path.substr(path.size() - kEnd.size()) == kEnd && !is_hdf5_file(path);
}

KerasArrays read_keras_archive(const std::string& path) {
  const std::unique_ptr<data::Archive> archive = data::image_library().open_zip(path);
  const data::ArchiveMember* configuration = archive->find(kConfiguration);
  if (configuration != nullptr && configuration->size > kLargestConfiguration) {
    throw FileError(path, "its ", kConfiguration, " has ", configuration->size, " bytes; that of a DCGAN has ",
                    "thousands: the file is damaged, or no model of Keras.");
  }
  const std::vector<uint8_t> config = read_member(path, *archive, kConfiguration);
  const TemporaryFile weights(read_member(path, *archive, kWeights));
  try {
    KerasArrays arrays = read_keras_file(weights.path());
    arrays.config.assign(config.begin(), config.end());
    arrays.named_by_class = true;
    return arrays;
  } catch (const FileError& error) {
    throw FileError(path, "its ", kWeights, ": ", behind(weights.path(), error));
  }
}

}  // namespace dcgan::convert_tool
