#include "tools/cli/command_line.h"

#include <sched.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

#include "dcgan/file_locks.h"
#include "dcgan/version.h"
#include "tools/cli/environment.h"

namespace dcgan::cli {
namespace {

namespace po = boost::program_options;

constexpr const char* kPositional = "positional-arguments";

volatile std::sig_atomic_t g_interrupted = 0;

void on_signal(int signal_number) {
  if (g_interrupted != 0) std::_Exit(128 + signal_number);
  g_interrupted = 1;
}

// Levenshtein distance, to guess what a mistyped name was meant to be.
size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string nearest(const std::string& name, const std::vector<std::string>& known) {
  const auto closest = std::min_element(known.begin(), known.end(), [&](const std::string& a, const std::string& b) {
    return edit_distance(name, a) < edit_distance(name, b);
  });
  return closest == known.end() || edit_distance(name, *closest) > 3 ? "" : *closest;
}

std::vector<std::string> long_names(const po::options_description& options) {
  std::vector<std::string> names;
  for (const auto& option : options.options()) names.push_back(option->long_name());
  return names;
}

std::string option_name(const std::string& flag) { return flag.substr(0, flag.find(',')); }

// As a POSIX shell reads it.
std::string quoted(const std::string& word) {
  constexpr const char* kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./=:,@%+-";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? "'\\''" : std::string(1, c);
  return text + "'";
}

std::string without_dashes(std::string name) {
  name.erase(0, name.find_first_not_of('-'));
  return name;
}

// Boost's exception as one of ours: it names the nearest known option.
[[noreturn]] void refuse(const po::error& error, const po::options_description& known, const std::string& advice) {
  const auto* unknown = dynamic_cast<const po::unknown_option*>(&error);
  if (unknown == nullptr) throw OptionError(std::string(error.what()) + "; " + advice);
  const std::string name = without_dashes(unknown->get_option_name());
  const std::string guess = nearest(name, long_names(known));
  throw OptionError("--" + name + " is unknown" + (guess.empty() ? "" : "; did you mean --" + guess + "?") + "; " +
                    advice);
}

po::parsed_options read_file(const std::string& path, const po::options_description& known) {
  std::ifstream file(path);
  if (!file || std::filesystem::is_directory(path)) {
    throw FileError(path, "cannot be opened; expected an INI file with lines such as seed = 1.");
  }
  try {
    return po::parse_config_file(file, known);
  } catch (const po::error& e) {
    refuse(e, known, "it stands in " + path + ".");
  }
}

}  // namespace

CommandLine::CommandLine(std::string program, std::string summary, std::string example)
    : program_(std::move(program)), summary_(std::move(summary)), example_(std::move(example)) {}

po::options_description& CommandLine::new_group(const std::string& name) {
  groups_.push_back(std::make_unique<po::options_description>(name, 120, 70));
  return *groups_.back();
}

void CommandLine::add_text_option(po::options_description& group, const std::string& flag, const std::string& help,
                                  bool is_switch, const std::string& value_name, const std::string& default_text,
                                  Setter set) {
  if (is_switch) {
    group.add_options()(flag.c_str(), po::bool_switch(), help.c_str());
  } else {
    auto* value = po::value<std::string>()->value_name(value_name);
    if (!default_text.empty()) value->default_value(default_text);
    group.add_options()(flag.c_str(), value, help.c_str());
  }
  setters_.emplace_back(option_name(flag), std::move(set));
}

void CommandLine::start_from(std::string& recipe, std::function<std::string(const std::string&)> find) {
  recipe_ = &recipe;
  find_recipe_ = std::move(find);
}

void CommandLine::positional(std::vector<std::string>& values, const std::string& name, const std::string& help) {
  positional_ = &values;
  positional_name_ = name;
  positional_help_ = help;
}

bool CommandLine::parse(int argc, const char* const* argv) {
  for (int i = 0; i < argc; ++i) text_ += (i == 0 ? "" : " ") + quoted(argv[i]);
  po::options_description& general = new_group("General");
  general.add_options()("config", po::value<std::string>()->value_name("FILE"),
                        "INI file with options; the command line wins")("help,h", "print this help")(
      "version", "print the version");

  po::options_description visible;
  for (const auto& group : groups_) visible.add(*group);
  po::options_description all;
  all.add(visible).add_options()(kPositional, po::value<std::vector<std::string>>());
  po::positional_options_description positions;
  positions.add(kPositional, -1);

  const std::string advice = program_ + " --help lists the options.";
  try {
    const int style = po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(argc, argv).options(all).positional(positions).style(style).run(), values_);
  } catch (const po::error& e) {
    refuse(e, visible, advice);
  }
  if (values_.count("help") != 0) {
    print_help();
    return false;
  }
  if (values_.count("version") != 0) {
    std::cout << program_ << " (libdcgan) " << DCGAN_VERSION << "\n";
    return false;
  }
  if (values_.count(kPositional) != 0) {
    const auto values = values_[kPositional].as<std::vector<std::string>>();
    if (positional_ == nullptr) {
      throw OptionError("\"" + values.front() + "\" is not expected here; " + program_ +
                        " takes options only, see --help.");
    }
    *positional_ = values;
  }
  const auto set_fields = [&](const po::variables_map& values) {
    for (const auto& [flag, set] : setters_) {
      if (values.count(flag) == 0 || values[flag].defaulted()) continue;
      const auto& value = values[flag].value();
      set(flag,
          value.type() == typeid(bool) ? to_text(boost::any_cast<bool>(value)) : boost::any_cast<std::string>(value));
    }
  };
  const auto set_fields_from = [&](const std::string& path) {
    const po::parsed_options options = read_file(path, visible);
    po::variables_map values;
    po::store(options, values);
    try {
      set_fields(values);
    } catch (const OptionError& e) {
      throw OptionError(path + ": " + e.what());
    }
    return options;
  };
  if (given("config")) po::store(set_fields_from(values_["config"].as<std::string>()), values_);
  set_fields(values_);
  if (recipe_ != nullptr) {
    set_fields_from(find_recipe_(*recipe_));
    set_fields(values_);
  }
  return true;
}

bool CommandLine::given(const std::string& flag) const {
  return values_.count(flag) != 0 && !values_[flag].defaulted();
}

void CommandLine::print_help() const {
  std::cout << summary_ << "\n\nUsage: " << program_ << (positional_ == nullptr ? "" : " " + positional_name_ + "...")
            << " [options]\n";
  if (positional_ != nullptr) std::cout << "  " << positional_name_ << ": " << positional_help_ << "\n";
  std::cout << "\nExample:\n  " << example_ << "\n";
  for (const auto& group : groups_) std::cout << "\n" << *group;
}

std::vector<std::string> split_words(const std::string& text) {
  std::vector<std::string> words;
  for (size_t at = 0; at < text.size();) {
    std::string word;
    for (; at < text.size() && text[at] != ' '; ++at) {
      if (text[at] == '\\' && at + 1 < text.size()) {
        word += text[++at];
      } else if (text[at] == '\'') {
        const size_t end = text.find('\'', at + 1);
        if (end == std::string::npos) throw Error("a quotation does not end in: " + text);
        word.append(text, at + 1, end - at - 1);
        at = end;
      } else {
        word += text[at];
      }
    }
    words.push_back(word);
    ++at;
  }
  return words;
}

bool interrupted() { return g_interrupted != 0; }

int64_t resolve_threads(int64_t requested) {
  constexpr int64_t kMost = 1024;
  require_option(requested >= 0 && requested <= kMost, "threads", requested, "from 0 to " + std::to_string(kMost));
  if (requested > 0) return requested;
  cpu_set_t cores;  // those that the process may run on: fewer than there are in a container or under Slurm
  if (sched_getaffinity(0, sizeof cores, &cores) == 0) return CPU_COUNT(&cores);
  return std::max<int64_t>(1, std::thread::hardware_concurrency());
}

namespace {

int dispatch(int argc, const char* const* argv, const std::string& summary, const std::vector<Command>& commands,
             const std::function<int(int, const char* const*)>& fallback) {
  const std::string program = argc > 0 ? std::string(argv[0]).substr(std::string(argv[0]).rfind('/') + 1) : "";
  const std::string first = argc > 1 ? argv[1] : "";
  for (const Command& command : commands) {
    if (command.name != first) continue;
    const std::string name = program + " " + first;
    std::vector<const char*> rest = {name.c_str()};
    rest.insert(rest.end(), argv + 2, argv + argc);
    return command.run(static_cast<int>(rest.size()), rest.data());
  }
  if (fallback) return fallback(argc, argv);

  std::vector<std::string> names;
  for (const Command& command : commands) names.push_back(command.name);
  if (first == "--help" || first == "-h") {
    std::cout << summary << "\n\nUsage: " << program << " COMMAND [options]\n\nCommands:\n";
    for (const Command& c : commands)
      std::cout << "  " << c.name << std::string(14 - std::min<size_t>(13, c.name.size()), ' ') << c.summary << "\n";
    std::cout << "\n" << program << " COMMAND --help says more.\n";
    return 0;
  }
  if (first == "--version") {
    std::cout << program << " (libdcgan) " << DCGAN_VERSION << "\n";
    return 0;
  }
  std::string known;
  for (const std::string& name : names) known += (known.empty() ? "" : ", ") + name;
  const std::string guess = nearest(first, names);
  throw OptionError((first.empty() ? "no command given" : "\"" + first + "\" is no command of " + program) +
                    (guess.empty() || first.empty() ? "" : "; did you mean " + guess + "?") + "; commands: " + known +
                    ".");
}

}  // namespace

int run_program(int argc, const char* const* argv, const std::string& summary, const std::vector<Command>& commands,
                const std::function<int(int, const char* const*)>& fallback) {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  // A write past a limit of the file size is then an error of write(), with a message, and not the end of the process.
  std::signal(SIGXFSZ, SIG_IGN);
  use_file_locks(wants_file_locks(std::getenv));
  try {
    const int code = dispatch(argc, argv, summary, commands, fallback);
    std::cout.flush();
    if (!std::cout) throw Error("standard output cannot be written; is the disk full?");
    return code;
  } catch (const Interrupted&) {
    std::cerr << "interrupted\n";
    return 130;
  } catch (const OptionError& e) {
    std::cerr << "error: " << e.what() << "\n";
    return 2;
  } catch (const std::bad_alloc&) {
    std::cerr << "error: out of memory; a smaller --batch-size needs less.\n";
    return 1;
  } catch (const std::exception& e) {
    const std::string text = e.what();  // LibTorch's end with where they were thrown, over many lines
    std::cerr << "error: " << text.substr(0, text.find('\n')) << "\n";
    return 1;
  }
}

}  // namespace dcgan::cli
