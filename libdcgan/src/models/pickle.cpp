#include "models/pickle.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <map>
#include <utility>

#include "dcgan/errors.h"

namespace dcgan::models {
namespace {

using Kind = PickleValue::Kind;

// A state_dict needs about a dozen values for each tensor; the limit keeps a hostile pickle below 100 MB.
constexpr size_t kMaximumValues = 1'000'000;

constexpr std::string_view kOrderedDict = "collections\nOrderedDict";
constexpr std::string_view kDefaultDict = "collections\ndefaultdict";
constexpr std::string_view kRebuildTensor = "torch._utils\n_rebuild_tensor_v2";
constexpr std::string_view kRebuildParameters[] = {"torch._utils\n_rebuild_parameter",
                                                   "torch._utils\n_rebuild_parameter_with_state"};

// Modules and functions that run programs or code: what names one was made to harm who loads it in PyTorch.
constexpr std::string_view kHarmfulModules[] = {"os",     "posix",  "nt",        "subprocess", "sys",        "shutil",
                                                "socket", "runpy",  "importlib", "ctypes",     "pty",        "commands",
                                                "code",   "codeop", "pickle",    "_pickle",    "webbrowser", "marshal"};
constexpr std::string_view kHarmfulFunctions[] = {"eval", "exec",       "execfile", "compile",
                                                  "open", "__import__", "input",    "breakpoint"};

template <class Known>
bool is_one_of(std::string_view name, const Known& known) {
  return std::find(std::begin(known), std::end(known), name) != std::end(known);
}

// @param global  "module name", with a line end between them
bool is_harmful(std::string_view global) {
  const size_t end = global.find('\n');
  const std::string_view module = global.substr(0, end);
  const bool builtin = module == "builtins" || module == "__builtin__";
  return is_one_of(module.substr(0, module.find('.')), kHarmfulModules) ||
         (builtin && is_one_of(global.substr(end + 1), kHarmfulFunctions));
}

}  // namespace

std::string printable(std::string_view text) {
  std::string result;
  for (const char c : text.substr(0, 100)) result += c == '\n' ? '.' : c >= ' ' && c <= '~' ? c : '?';
  return result;
}

// The stack machine that a pickle is a program of.
class Pickle::Machine {
 public:
  Machine(std::string_view bytes, std::vector<PickleValue>& values, std::deque<std::string>& names)
      : bytes_(bytes), values_(values), names_(names) {}

  size_t bytes() const { return at_; }  ///< that were read

  /// @return index of the value that the program leaves.
  size_t run() {
    for (;;) {
      const unsigned char opcode = static_cast<unsigned char>(take(1)[0]);
      switch (opcode) {
        case 0x80:  // PROTO
          if (number(1) > 5) fail("has a protocol newer than 5; torch.save() writes protocol 2 unless told otherwise");
          break;
        case 0x95:  // FRAME, whose length says nothing new
          take(8);
          break;
        case '.':  // STOP
          return pop();
        case '(':  // MARK
          marks_.push_back(stack_.size());
          break;
        case 'N':
          push({});
          break;
        case 0x88:  // NEWTRUE
        case 0x89:  // NEWFALSE
          push({Kind::kBool, opcode == 0x88, {}, {}});
          break;
        case 'K':  // BININT1
          push({Kind::kInteger, number(1), {}, {}});
          break;
        case 'M':  // BININT2
          push({Kind::kInteger, number(2), {}, {}});
          break;
        case 'J':  // BININT, signed
          push({Kind::kInteger, static_cast<int32_t>(number(4)), {}, {}});
          break;
        case 0x8a:  // LONG1
          long_integer();
          break;
        case 'G':  // BINFLOAT; no real number of the file is used
          take(8);
          push({Kind::kReal, 0, {}, {}});
          break;
        case 'X':  // BINUNICODE
          push({Kind::kText, 0, take(number(4)), {}});
          break;
        case 0x8c:  // SHORT_BINUNICODE
          push({Kind::kText, 0, take(number(1)), {}});
          break;
        case 0x8d:  // BINUNICODE8
          push({Kind::kText, 0, take(number(8)), {}});
          break;
        case 0x8e:  // BINBYTES8
        case 0x96:  // BYTEARRAY8
          take(number(8));
          push({Kind::kObject, 0, "bytes", {}});
          break;
        case 0x8f:  // EMPTY_SET
          push({Kind::kObject, 0, "set", {}});
          break;
        case 0x90:  // ADDITEMS, to a set
          pop_to_mark();
          top();
          break;
        case 0x91:  // FROZENSET
          pop_to_mark();
          push({Kind::kObject, 0, "frozenset", {}});
          break;
        case 'U':  // SHORT_BINSTRING and SHORT_BINBYTES; nobody needs them
        case 'C':
          take(number(1));
          push({Kind::kObject, 0, "bytes", {}});
          break;
        case 'T':  // BINSTRING and BINBYTES
        case 'B':
          take(number(4));
          push({Kind::kObject, 0, "bytes", {}});
          break;
        case '2':  // DUP
          stack_.push_back(top());
          break;
        case '0':  // POP
          pop();
          break;
        case ')':
          push({Kind::kTuple, 0, {}, {}});
          break;
        case ']':
          push({Kind::kList, 0, {}, {}});
          break;
        case '}':
          push({Kind::kDictionary, 0, {}, {}});
          break;
        case 't':
          push({Kind::kTuple, 0, {}, pop_to_mark()});
          break;
        case 0x85:  // TUPLE1
        case 0x86:
        case 0x87: {  // TUPLE3
          std::vector<size_t> items(opcode - 0x84U);
          for (size_t i = items.size(); i > 0; --i) items[i - 1] = pop();
          push({Kind::kTuple, 0, {}, std::move(items)});
          break;
        }
        case 'a': {  // APPEND
          const size_t item = pop();
          extend(Kind::kList, {item});
          break;
        }
        case 'e':  // APPENDS
          extend(Kind::kList, pop_to_mark());
          break;
        case 's': {  // SETITEM
          const size_t value = pop();
          const size_t key = pop();
          extend(Kind::kDictionary, {key, value});
          break;
        }
        case 'u':  // SETITEMS
          extend(Kind::kDictionary, pop_to_mark());
          break;
        case 'q':  // BINPUT
          memo_[number(1)] = top();
          break;
        case 'r':  // LONG_BINPUT
          memo_[number(4)] = top();
          break;
        case 'h':  // BINGET
          get(number(1));
          break;
        case 'j':  // LONG_BINGET
          get(number(4));
          break;
        case 'c': {  // GLOBAL: two lines, module and name
          const size_t begin = at_;
          line();
          line();
          global(bytes_.substr(begin, at_ - begin - 1));
          break;
        }
        case 0x93: {  // STACK_GLOBAL: two texts
          const PickleValue& name = values_[pop()];
          const PickleValue& module = values_[pop()];
          if (name.kind != Kind::kText || module.kind != Kind::kText)
            fail("names a class by something that is no text");
          names_.push_back(text_of(module.text, "\n", name.text));
          global(names_.back());
          break;
        }
        case 0x94:  // MEMOIZE
          memo_[static_cast<int64_t>(memo_.size())] = top();
          break;
        case 'Q': {  // BINPERSID: the tuple that names a storage
          const size_t tuple = pop();
          const std::vector<size_t>& items = values_[tuple].items;
          // A sixth says where it lies in another one; files before PyTorch 1.6 have it, None since 0.4.
          if (values_[tuple].kind != Kind::kTuple || items.size() < 5 || items.size() > 6 ||
              (items.size() == 6 && values_[items[5]].kind != Kind::kNone)) {
            fail("names a storage that is no tuple of five");
          }
          push({Kind::kStorage, 0, {}, {items.begin(), items.begin() + 5}});
          break;
        }
        case 'R':   // REDUCE
        case 0x81:  // NEWOBJ: an object of a class, without a call of its constructor
          call();
          break;
        case 0x92:  // NEWOBJ_EX: the same with named arguments
          pop();
          call();
          break;
        case 'b': {  // BUILD; the state of an OrderedDict is its _metadata, which nobody needs
          const size_t state = pop();
          PickleValue& target = values_[top()];
          if (target.kind == Kind::kObject) {
            target.items = {state};
          } else if (target.kind != Kind::kDictionary && target.kind != Kind::kTensor) {
            fail("sets the state of something that is no dictionary and no object");
          }
          break;
        }
        default: {
          char hex[8];
          std::snprintf(hex, sizeof hex, "0x%02x", opcode);
          fail(std::string("has the opcode ") + hex + ", which no state_dict needs");
        }
      }
    }
  }

 private:
  [[noreturn]] static void fail(const std::string& what) { throw Error("its pickle ", what, "."); }

  std::string_view take(size_t count) {
    if (count > bytes_.size() - at_) fail("is cut short");
    at_ += count;
    return bytes_.substr(at_ - count, count);
  }
  int64_t number(size_t count) {  // little-endian, unsigned
    const std::string_view bytes = take(count);
    int64_t value = 0;
    for (size_t i = count; i > 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[i - 1]);
    return value;
  }
  void long_integer() {  // little-endian, two's complement, of any number of bytes
    const auto count = static_cast<size_t>(number(1));
    const std::string_view bytes = take(count);
    if (count > 8) return push({Kind::kObject, 0, "a long integer", {}});
    uint64_t value = count > 0 && (bytes.back() & 0x80) != 0 ? ~uint64_t{0} : 0;
    for (size_t i = count; i > 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[i - 1]);
    push({Kind::kInteger, static_cast<int64_t>(value), {}, {}});
  }
  void line() {
    const size_t end = bytes_.find('\n', at_);
    if (end == std::string_view::npos) fail("is cut short");
    at_ = end + 1;
  }

  void global(std::string_view name) {
    if (is_harmful(name)) {
      fail("asks for " + printable(name) +
           ", which no checkpoint needs: to load it in PyTorch would run it. Nothing was run here; do not trust "
           "this file, and take another one, of model.state_dict()");
    }
    push({Kind::kGlobal, 0, name, {}});
  }

  void push(PickleValue value) {
    if (values_.size() == kMaximumValues) fail("has more than a million values");
    stack_.push_back(values_.size());
    values_.push_back(std::move(value));
  }
  size_t top() const {
    if (stack_.empty() || (!marks_.empty() && stack_.size() == marks_.back())) fail("takes a value that is not there");
    return stack_.back();
  }
  size_t pop() {
    const size_t value = top();
    stack_.pop_back();
    return value;
  }
  std::vector<size_t> pop_to_mark() {
    if (marks_.empty()) fail("goes back to a mark that is not there");
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<size_t> items(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return items;
  }
  void get(int64_t number) {
    const auto found = memo_.find(number);
    if (found == memo_.end()) fail("recalls a value that it has not kept");
    stack_.push_back(found->second);
  }
  void extend(Kind kind, const std::vector<size_t>& items) {
    PickleValue& target = values_[top()];
    if (target.kind == Kind::kObject) return;
    if (target.kind != kind || (kind == Kind::kDictionary && items.size() % 2 != 0)) {
      fail("adds items to something that is no list or dictionary");
    }
    target.items.insert(target.items.end(), items.begin(), items.end());
  }
  void call() {
    const size_t tuple = pop();
    const size_t function = pop();
    const std::vector<size_t>& arguments = values_[tuple].items;
    const std::string_view name = values_[function].text;
    const Kind callee = values_[function].kind;
    if (values_[tuple].kind != Kind::kTuple || (callee != Kind::kGlobal && callee != Kind::kObject)) {
      fail("calls what is no function");
    }
    if ((name == kOrderedDict && arguments.empty()) || name == kDefaultDict) {
      push({Kind::kDictionary, 0, {}, {}});
    } else if (name == kRebuildTensor && arguments.size() >= 4 && arguments.size() <= 7) {
      push({Kind::kTensor, 0, {}, {arguments.begin(), arguments.begin() + 4}});
    } else if (is_one_of(name, kRebuildParameters) && !arguments.empty() &&
               (values_[arguments[0]].kind == Kind::kTensor || values_[arguments[0]].kind == Kind::kObject)) {
      stack_.push_back(arguments[0]);
    } else if (name == kOrderedDict || name == kRebuildTensor || is_one_of(name, kRebuildParameters)) {
      fail("calls " + printable(name) + " with arguments that no state_dict has");
    } else {
      push({Kind::kObject, 0, name, {}});
    }
  }

  std::string_view bytes_;
  size_t at_ = 0;
  std::vector<PickleValue>& values_;
  std::deque<std::string>& names_;
  std::vector<size_t> stack_;
  std::vector<size_t> marks_;  ///< heights of the stack
  std::map<int64_t, size_t> memo_;
};

Pickle::Pickle(std::string_view bytes) {
  Machine machine(bytes, values_, names_);
  root_ = machine.run();
  bytes_ = machine.bytes();
}

}  // namespace dcgan::models
