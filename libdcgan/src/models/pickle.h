#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace dcgan::models {

/// A value of a pickle. Values name each other by index, so that a value may be part of several, or of itself.
struct PickleValue {
  enum class Kind { kNone, kBool, kInteger, kReal, kText, kTuple, kList, kDictionary, kGlobal, kStorage, kTensor };
  Kind kind = Kind::kNone;
  int64_t integer = 0;    ///< of kBool and kInteger
  std::string_view text;  ///< of kText; of kGlobal "module name"
  /// Of kDictionary key, value, key, value, ...; of kStorage "storage", type, key, location, elements; of kTensor
  /// storage, offset, shape, strides.
  std::vector<size_t> items;
};

/// The values of a pickle (protocol 2, opcodes of Python's pickletools), without running anything: only those opcodes
/// and names that a state_dict needs (dcgan/state_dict.h), any other is refused by name.
class Pickle {
 public:
  /// @param bytes  must outlive this object   @throws Error without the file's name.
  explicit Pickle(std::string_view bytes);

  const PickleValue& root() const { return values_[root_]; }
  const PickleValue& operator[](size_t index) const { return values_[index]; }

 private:
  class Machine;
  std::vector<PickleValue> values_;
  size_t root_ = 0;
};

}  // namespace dcgan::models
