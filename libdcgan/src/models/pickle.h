#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace dcgan::models {

/// A value of a pickle. Values name each other by index, so that a value may be part of several, or of itself.
struct PickleValue {
  enum class Kind {
    kNone,
    kBool,
    kInteger,
    kReal,
    kText,
    kTuple,
    kList,
    kDictionary,
    kGlobal,
    kStorage,
    kTensor,
    kObject  ///< of any other class; what PyTorch would make of it is not known
  };
  Kind kind = Kind::kNone;
  int64_t integer = 0;    ///< of kBool and kInteger
  std::string_view text;  ///< of kText; of kGlobal "module name", of kObject that of its class or of what made it
  /// Of kDictionary key, value, key, value, ...; of kStorage "storage", type, key, location, elements; of kTensor
  /// storage, offset, shape, strides; of kObject its state, if it has one.
  std::vector<size_t> items;
};

/// The values of a pickle (protocols 2 to 5, opcodes of Python's pickletools), without running anything: nothing that
/// it names is looked up, and a call is a value that says what was to be called. What no checkpoint has a use for, and
/// what could only do harm (os.system, eval), is refused by name.
class Pickle {
 public:
  /// @param bytes  begin with the pickle; must outlive this object   @throws Error without the file's name.
  explicit Pickle(std::string_view bytes);

  const PickleValue& root() const { return values_[root_]; }
  const PickleValue& operator[](size_t index) const { return values_[index]; }
  const std::vector<PickleValue>& all() const { return values_; }
  size_t bytes() const { return bytes_; }  ///< that the pickle has

 private:
  class Machine;
  std::vector<PickleValue> values_;
  std::deque<std::string> names_;  ///< of classes and functions that do not stand in the bytes as one text
  size_t root_ = 0;
  size_t bytes_ = 0;
};

/// "torch.nn.Linear": a name of a pickle for a message, printable and not endless.
std::string printable(std::string_view text);

}  // namespace dcgan::models
