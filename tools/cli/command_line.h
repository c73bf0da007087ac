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
#include "tools/cli/output.h"
#include "tools/cli/text_values.h"

namespace dcgan::cli {

/// What a command may use, and what everything random comes from.
struct Resources {
  int64_t threads = 0;  ///< after CommandLine::parse() 1 or more
  std::string device = "auto";
  uint64_t seed = 42;
};

/// Options that every command has.
struct CommonOptions : Resources {
  bool quiet = false;  ///< no progress and no log on stderr
  bool json = false;   ///< results as JSON on stdout
  double progress_every = 30;
};

template <class Visitor>
void describe(CommonOptions& o, Visitor&& f) {
  f(o.threads, "threads", "threads; 0: one per core, or as many as a container's or job's quota allows");
  f(o.device, "device", "auto, cpu or cuda[:N]");
  f(o.seed, "seed", "root seed of everything random");
  f(o.quiet, "quiet", "no progress and no log");
  f(o.json, "json", "results as one JSON object");
  f(o.progress_every, "progress-every", "seconds from one line of progress to the next, where stderr is no terminal");
}

class CommandLine;

/// A command of a program with several: `dcgan-eval svm ...`.
struct Command {
  std::string name;
  std::string summary;
  std::function<int(CommandLine& line)> run;
};

/// The command line of one command: flags come from describe(), so that each option is named once.
///
///   line.about("Features of images into HDF5.", "photos/ -o photos.h5");
///   line.positional(inputs, "IMAGES", "files, folders or packed files");
///   line.add("Features", options);
///   line.output(output, "HDF5 file to make");
///   if (!line.parse()) return 0;   // --help or --version was printed
class CommandLine {
 public:
  /// @param program  as its users call it, "dcgan-prepare info"
  /// @param words    of the command line, the program's first
  CommandLine(std::string program, std::vector<std::string> words, std::vector<Command> commands = {});

  /// @param example  what follows the program
  void about(std::string summary, std::string example);
  /// Adds every field of an options struct as a flag with its default, in a group of --help.
  template <class Options>
  void add(const std::string& group, Options& options) {
    boost::program_options::options_description& description = group_of(group);
    describe(options,
             [&](auto& field, const char* flag, const char* help) { add_option(description, field, flag, help); });
  }
  /// One flag that belongs to no struct; `flag` may be "output,o".
  template <class T>
  void add(const std::string& group, T& field, const char* flag, const char* help) {
    add_option(group_of(group), field, flag, help);
  }
  /// -o and --overwrite in the group "Output".
  /// @param what  "packed file to make"
  void output(Output& output, const std::string& what);
  /// One flag that names a file to make.
  void add_output(const std::string& group, std::string& path, const char* flag, const char* help);
  /// The same with --resume.
  void output_to_resume(Output& output, const std::string& what);
  /// A flag that parse() misses: "--data is missing; it names the folder of CIFAR-10."
  /// @param value  a field that was added
  void require(const std::string& value, const std::string& flag, const std::string& what);
  /// Options that are given neither on the command line nor in --config are read from the INI file
  /// `find(recipe)`, where `recipe` is a field that was added before; the file's options are defaults, not given().
  void start_from(std::string& recipe, std::function<std::string(const std::string&)> find);
  /// Of the common options those that this command has no use for: --help leaves them out, and who gives one is told
  /// that it is ignored.
  void without(std::vector<std::string> flags) { unused_ = std::move(flags); }
  void positional(std::vector<std::string>& values, const std::string& name, const std::string& help,
                  size_t at_least = 0);
  /// One word, no more and no less.
  void one(std::string& value, const std::string& name, const std::string& help);

  /// Reads --config FILE (INI, the same names) and the command line, which wins.
  /// @return false if --help or --version was asked for and printed.
  /// @throws OptionError naming the flag (and the nearest known one if it is unknown).
  bool parse();

  /// Refuses outputs (output(), add_output()) whose writing would destroy what the command reads, or each other.
  /// @param read  files beside those that options and arguments name; called where an output, or a part of it, is there
  /// @throws FileError, as refuse_own_input()
  void require_apart(const std::function<std::vector<std::string>()>& read = nullptr) const;
  /// What options and arguments name that are no outputs, the file of --config included; not all of them are files.
  std::vector<std::string> named() const;

  /// Whether the flag was given, on the command line or in the file.
  bool given(const std::string& flag) const;
  /// The command line, quoted for a shell where that is needed: split_words() gives it back.
  std::string text() const;
  const std::string& program() const { return program_; }
  /// As parse() has read them. With --threads 0, one per core that the process may run on.
  const CommonOptions& common() const { return common_; }
  /// Whether common().threads is one per core because nothing else was asked for.
  bool all_cores() const { return all_cores_; }

 private:
  template <class T>
  void add_option(boost::program_options::options_description& group, T& field, const char* flag, const char* help) {
    add_text_option(group, {flag, help, std::is_same_v<T, bool>, value_name(field), to_text(field)},
                    [&field](const std::string& name, const std::string& text) { from_text(name, text, field); });
  }
  struct Flag {
    std::string name, help;
    bool is_switch;
    std::string value_name, default_text;
  };
  using Setter = std::function<void(const std::string& name, const std::string& text)>;
  void add_text_option(boost::program_options::options_description& group, const Flag& flag, Setter set);
  boost::program_options::options_description& group_of(const std::string& name);
  void set_fields(const boost::program_options::variables_map& values) const;
  /// @param known  must outlive what is returned
  boost::program_options::parsed_options set_fields_from(
      const std::string& path, const boost::program_options::options_description& known) const;
  void take_positional();
  boost::program_options::options_description visible() const;
  void print_help() const;

  struct Positional {
    std::vector<std::string>* values = nullptr;
    std::string* only = nullptr;  ///< instead of values
    std::string name, help;
    size_t at_least = 0;
  };
  struct Required {
    const std::string* value;
    std::string flag, what;
  };

  std::string program_;
  std::vector<std::string> words_;
  std::vector<Command> commands_;
  std::string summary_, example_;
  CommonOptions common_;
  bool all_cores_ = false;
  std::vector<std::string> unused_;
  boost::program_options::options_description unlisted_;  ///< the unused ones
  std::vector<std::pair<std::string, std::unique_ptr<boost::program_options::options_description>>> groups_;
  std::string* recipe_ = nullptr;
  std::function<std::string(const std::string&)> find_recipe_;
  Positional positional_;
  std::vector<Required> required_;
  std::vector<std::pair<std::string, const std::string*>> outputs_;  ///< flag, path
  std::vector<std::pair<std::string, Setter>> setters_;
  boost::program_options::variables_map values_;
};

/// The words of CommandLine::text(). @throws Error if a quotation does not end.
std::vector<std::string> split_words(const std::string& text);

/// Of the names the one that a mistyped name was meant to be; empty if none is near.
/// @param most  letters that may be wrong
std::string nearest(const std::string& name, const std::vector<std::string>& known, size_t most = 3);

/// "  merge         puts parts together" for each command.
std::string list_of(const std::vector<Command>& commands);

}  // namespace dcgan::cli
