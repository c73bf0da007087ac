#pragma once

#include <boost/program_options.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "dcgan/errors.h"
#include "dcgan/options.h"
#include "tools/cli/text_values.h"

namespace dcgan::cli {

/// Options that every program has.
struct CommonOptions {
  bool quiet = false;   ///< no progress and no log on stderr
  bool json = false;    ///< results as JSON on stdout
  int64_t threads = 0;  ///< 0: one per core
  std::string device = "auto";
  uint64_t seed = 42;
};

template <class Visitor>
void describe(CommonOptions& o, Visitor&& f) {
  f(o.threads, "threads", "threads; 0: one per core");
  f(o.device, "device", "auto, cpu or cuda[:N]");
  f(o.seed, "seed", "root seed of everything random");
  f(o.quiet, "quiet", "no progress and no log");
  f(o.json, "json", "results as one JSON object");
}

/// The command line of one command: flags come from describe(), so that each option is named once.
///
///   CommandLine line("dcgan-extract", "Features of images into HDF5", "dcgan-extract photos/ -o photos.h5");
///   line.add("Features", options);
///   line.positional(inputs, "IMAGES", "files, folders or packed files");
///   if (!line.parse(argc, argv)) return 0;   // --help or --version was printed
class CommandLine {
 public:
  CommandLine(std::string program, std::string summary, std::string example);

  /// Adds every field of an options struct as a flag with its default, in a group of --help.
  template <class Options>
  void add(const std::string& group, Options& options) {
    boost::program_options::options_description& description = new_group(group);
    describe(options,
             [&](auto& field, const char* flag, const char* help) { add_option(description, field, flag, help); });
  }
  /// One flag that belongs to no struct; `flag` may be "output,o".
  template <class T>
  void add(const std::string& group, T& field, const char* flag, const char* help) {
    add_option(new_group(group), field, flag, help);
  }
  /// Options that are given neither on the command line nor in --config are read from the INI file
  /// `find(recipe)`, where `recipe` is a field that was added before; the file's options are defaults, not given().
  void start_from(std::string& recipe, std::function<std::string(const std::string&)> find);
  void positional(std::vector<std::string>& values, const std::string& name, const std::string& help);

  /// Reads --config FILE (INI, the same names) and the command line, which wins.
  /// @return false if --help or --version was asked for and printed.
  /// @throws OptionError naming the flag (and the nearest known one if it is unknown).
  bool parse(int argc, const char* const* argv);

  /// Whether the flag was given, on the command line or in the file.
  bool given(const std::string& flag) const;
  /// The command line, quoted for a shell where that is needed: split_words() gives it back.
  const std::string& text() const { return text_; }

 private:
  template <class T>
  void add_option(boost::program_options::options_description& group, T& field, const char* flag, const char* help) {
    add_text_option(group, flag, help, std::is_same_v<T, bool>, value_name(field), to_text(field),
                    [&field](const std::string& name, const std::string& text) { from_text(name, text, field); });
  }
  using Setter = std::function<void(const std::string& name, const std::string& text)>;
  void add_text_option(boost::program_options::options_description& group, const std::string& flag,
                       const std::string& help, bool is_switch, const std::string& value_name,
                       const std::string& default_text, Setter set);
  boost::program_options::options_description& new_group(const std::string& name);
  void print_help() const;

  std::string program_, summary_, example_, text_;
  std::vector<std::unique_ptr<boost::program_options::options_description>> groups_;
  std::string* recipe_ = nullptr;
  std::function<std::string(const std::string&)> find_recipe_;
  std::vector<std::string>* positional_ = nullptr;
  std::string positional_name_, positional_help_;
  std::vector<std::pair<std::string, Setter>> setters_;
  boost::program_options::variables_map values_;
};

/// The words of CommandLine::text(). @throws Error if a quotation does not end.
std::vector<std::string> split_words(const std::string& text);

/// A command of a program with several: `dcgan-eval svm ...`.
struct Command {
  std::string name;
  std::string summary;
  std::function<int(int argc, const char* const* argv)> run;  ///< argv[0] is "program name"
};

/// Runs the command that argv[1] names. Where argv[1] names none: `fallback` if there is one, otherwise an error that
/// lists the commands. Turns exceptions into one line on stderr and the exit codes of the project: 0 good, 1 failed,
/// 2 wrong usage, 3 finished but some inputs failed (returned by the command), 130 interrupted.
int run_program(int argc, const char* const* argv, const std::string& summary, const std::vector<Command>& commands,
                const std::function<int(int, const char* const*)>& fallback = nullptr);

/// Exit code: the output is whole, and lists the inputs that could not be read.
constexpr int kSomeInputsFailed = 3;

/// Thrown by code that saw interrupted(), after a clean flush: exit code 130.
class Interrupted : public Error {
 public:
  Interrupted() : Error("interrupted") {}
};

/// Whether SIGINT or SIGTERM came. run_program installs the handlers; a second signal ends the process at once.
bool interrupted();

/// Number of threads to use: `requested`, or for 0 one per core that the process may run on. @throws OptionError for a
/// negative number.
int64_t resolve_threads(int64_t requested);

}  // namespace dcgan::cli
