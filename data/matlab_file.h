#pragma once

#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace dcgan::data {

/// What a MATLAB file says of one variable.
struct MatlabArray {
  std::string name;
  std::string type;            ///< "uint8", "double", "cell", ...; "complex double"
  std::vector<int64_t> shape;  ///< the first index runs fastest
  int64_t count = 0;           ///< product of the shape
  bool numeric = false;        ///< real numbers, the only ones whose values can be read
};

/// The variables of a MATLAB 5 file ("-v6" and "-v7": plain and zlib-compressed), one after the other. Sizes are
/// checked against the file before memory is taken. Format: "MAT-File Format", The MathWorks.
class MatlabFile {
 public:
  /// @throws FileError if the file is missing, or of another kind or version (7.3 is HDF5).
  explicit MatlabFile(const std::string& path);
  ~MatlabFile();

  /// Moves to the next variable; values that were not read are passed over.
  /// @return false after the last.
  /// @throws FileError if the file is cut short or damaged.
  bool next();
  const MatlabArray& array() const { return array_; }

  /// The next values of a numeric variable.
  /// @param values  uint8 [count]
  /// @throws FileError if the variable is of another type, has no more values, or is damaged.
  void read(uint8_t* values, int64_t count);
  /// All values of a numeric variable of any type.
  std::vector<double> read_numbers();

 private:
  struct Inflater;
  struct Tag {
    uint32_t type = 0;
    int64_t bytes = 0;
    int64_t padding = 0;
  };
  [[noreturn]] void damaged(const std::string& what) const;
  void take(void* out, int64_t bytes);
  Tag take_tag();
  std::vector<uint8_t> take_element(uint32_t type, int64_t most);
  void check_end();

  std::string path_;
  std::ifstream file_;
  int64_t size_ = 0;      // of the file
  int64_t at_ = 0;        // where the current variable begins
  int64_t next_at_ = 0;   // where the one after it does
  int64_t left_ = 0;      // bytes of the current variable, inflated, that were not taken
  int64_t put_back_ = 0;  // bytes of small_ that were not taken: the second half of a small element's tag
  uint8_t small_[4] = {};
  std::unique_ptr<Inflater> inflater_;  // where the variable is compressed
  MatlabArray array_;
  Tag values_;
  int64_t values_left_ = 0;
};

}  // namespace dcgan::data
