#include "tools/cli/command_line.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>
#include <sstream>

#include "dcgan/errors.h"
#include "dcgan/output_files.h"
#include "dcgan/text.h"
#include "dcgan/version.h"
#include "parallel/thread_pool.h"
#include "tools/cli/progress.h"

namespace dcgan::cli {
namespace {

namespace po = boost::program_options;
namespace fs = std::filesystem;

constexpr const char* kPositional = "positional-arguments";

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

// The option that was meant: nearly spelt so, or called by its initials ("lr").
std::string meant(const std::string& name, const std::vector<std::string>& known) {
  const std::string near = nearest(name, known, std::min<size_t>(3, (name.size() + 1) / 2));
  if (!near.empty()) return near;
  const auto has_initials = [&name](const std::string& option) {
    std::string initials;
    for (size_t i = 0; i < option.size(); ++i) {
      if (i == 0 || option[i - 1] == '-') initials += option[i];
    }
    return initials == name;
  };
  const auto found = std::find_if(known.begin(), known.end(), has_initials);
  return found == known.end() ? "" : *found;
}

// Boost's exception as one of ours: it names the option that was meant.
[[noreturn]] void refuse(const po::error& error, const po::options_description& known, const std::string& advice) {
  const auto* unknown = dynamic_cast<const po::unknown_option*>(&error);
  if (unknown == nullptr) throw OptionError(error.what(), "; ", advice);
  const std::string name = without_dashes(unknown->get_option_name());
  const std::string guess = meant(name, long_names(known));
  if (guess == name) throw OptionError("-", name, " is unknown; did you mean --", name, ", with two dashes?");
  throw OptionError("--", name, " is unknown", guess.empty() ? "" : "; did you mean --" + guess + "?", "; ", advice);
}

po::parsed_options read_file(const std::string& path, const po::options_description& known) {
  std::ifstream file(path);
  if (!file || std::filesystem::is_directory(path)) {
    throw FileError(path, "cannot be opened; expected an INI file with lines such as seed = 1.");
  }
  try {
    std::istringstream text(without_byte_order_mark({std::istreambuf_iterator<char>(file), {}}, path));
    return po::parse_config_file(text, known);
  } catch (const po::error& e) {
    refuse(e, known, "it stands in " + path + ".");
  }
}

}  // namespace

CommandLine::CommandLine(std::string program, std::vector<std::string> words, std::vector<Command> commands)
    : program_(std::move(program)), words_(std::move(words)), commands_(std::move(commands)) {}

void CommandLine::about(std::string summary, std::string example) {
  summary_ = std::move(summary);
  example_ = std::move(example);
}

po::options_description& CommandLine::group_of(const std::string& name) {
  for (const auto& [known, group] : groups_) {
    if (known == name) return *group;
  }
  groups_.emplace_back(name, std::make_unique<po::options_description>(name, 120, 70));
  return *groups_.back().second;
}

void CommandLine::add_text_option(po::options_description& group, const Flag& flag, Setter set) {
  if (flag.is_switch) {
    group.add_options()(flag.name.c_str(), po::bool_switch(), flag.help.c_str());
  } else {
    auto* value = po::value<std::string>()->value_name(flag.value_name);
    if (!flag.default_text.empty()) value->default_value(flag.default_text);
    group.add_options()(flag.name.c_str(), value, flag.help.c_str());
  }
  setters_.emplace_back(option_name(flag.name), std::move(set));
}

void CommandLine::output(Output& output, const std::string& what) {
  output.what = what;
  add_output("Output", output.path, "output,o", what.c_str());
  add("Output", output.overwrite, "overwrite", "replace what exists, a partial file included");
}

void CommandLine::add_output(const std::string& group, std::string& path, const char* flag, const char* help) {
  add(group, path, flag, help);
  outputs_.emplace_back(option_name(flag), &path);
}

void CommandLine::output_to_resume(Output& output, const std::string& what) {
  this->output(output, what);
  add("Output", output.resume, "resume", "go on where an interrupted run stopped");
}

void CommandLine::require(const std::string& value, const std::string& flag, const std::string& what) {
  required_.push_back({&value, flag, what});
}

void CommandLine::start_from(std::string& recipe, std::function<std::string(const std::string&)> find) {
  recipe_ = &recipe;
  find_recipe_ = std::move(find);
}

void CommandLine::positional(std::vector<std::string>& values, const std::string& name, const std::string& help,
                             size_t at_least) {
  positional_ = {&values, nullptr, name, help, at_least};
}

void CommandLine::one(std::string& value, const std::string& name, const std::string& help) {
  positional_ = {nullptr, &value, name, help, 1};
}

po::options_description CommandLine::visible() const {
  po::options_description all;
  for (const auto& [name, group] : groups_) all.add(*group);
  return all;
}

void CommandLine::set_fields(const po::variables_map& values) const {
  for (const auto& [flag, set] : setters_) {
    if (values.count(flag) == 0 || values[flag].defaulted()) continue;
    const auto& value = values[flag].value();
    set(flag,
        value.type() == typeid(bool) ? to_text(boost::any_cast<bool>(value)) : boost::any_cast<std::string>(value));
  }
}

po::parsed_options CommandLine::set_fields_from(const std::string& path, const po::options_description& known) const {
  po::parsed_options options = read_file(path, known);
  po::variables_map values;
  po::store(options, values);
  try {
    set_fields(values);
  } catch (const OptionError& e) {
    throw OptionError(path, ": ", e.what());
  }
  return options;
}

void CommandLine::take_positional() {
  std::vector<std::string> values;
  if (values_.count(kPositional) != 0) values = values_[kPositional].as<std::vector<std::string>>();
  std::set<std::filesystem::path> distinct;
  for (const std::string& value : values) {
    if (value.empty()) throw OptionError("\"\" is no name of a file or folder.");
    const std::filesystem::path path = std::filesystem::absolute(value) / "";  // "photos" and "./photos/" are one
    if (!distinct.insert(path.lexically_normal()).second) {
      throw OptionError("\"", value, "\" is named twice.");
    }
  }
  if (positional_.only != nullptr) {
    if (values.size() != 1) {
      throw OptionError("expected one ", positional_.name, " (", positional_.help, "), ", values.size(),
                        " were named.");
    }
    *positional_.only = values.front();
  } else if (positional_.values != nullptr) {
    if (values.size() < positional_.at_least) {
      throw OptionError("no ", positional_.name, " given; name ", positional_.help, ".");
    }
    *positional_.values = values;
  } else if (!values.empty()) {
    throw OptionError("\"", values.front(), "\" is not expected here; ", program_, " takes options only, see --help.");
  }
}

bool CommandLine::parse() {
  const auto is_unused = [this](const char* flag) { return std::count(unused_.begin(), unused_.end(), flag) > 0; };
  describe(common_, [&](auto& field, const char* flag, const char* help) {
    add_option(is_unused(flag) ? unlisted_ : group_of("Common"), field, flag, help);
  });
  group_of("General").add_options()("config", po::value<std::string>()->value_name("FILE"),
                                    "INI file with options; the command line wins")("help,h", "print this help")(
      "version", "print the version");
  po::options_description known = visible();
  known.add(unlisted_);
  po::options_description all;
  all.add(known).add_options()(kPositional, po::value<std::vector<std::string>>());
  po::positional_options_description positions;
  positions.add(kPositional, -1);
  try {
    const int style = po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
    const std::vector<std::string> words(words_.begin() + 1, words_.end());
    po::store(po::command_line_parser(words).options(all).positional(positions).style(style).run(), values_);
  } catch (const po::error& e) {
    refuse(e, known, program_ + " --help lists the options.");
  }
  if (values_.count("help") != 0) {
    print_help();
    return false;
  }
  if (values_.count("version") != 0) {
    std::cout << program_ << " (libdcgan) " << DCGAN_VERSION << "\n";
    return false;
  }
  if (given("config")) po::store(set_fields_from(values_["config"].as<std::string>(), known), values_);
  set_fields(values_);
  if (recipe_ != nullptr) {
    set_fields_from(find_recipe_(*recipe_), known);
    set_fields(values_);
  }
  take_positional();
  for (const Required& r : required_) {
    if (r.value->empty()) throw OptionError(r.flag, " is missing; it names ", r.what, ".");
  }
  for (const std::string& flag : unused_) {
    if (given(flag)) log(common_.quiet, "--" + flag + " is ignored: " + program_ + " has no use for it.");
  }
  require_option(common_.progress_every > 0, "progress-every", common_.progress_every, "positive");
  all_cores_ = common_.threads == 0;
  constexpr int64_t kMostThreads = 1024;
  require_option(common_.threads >= 0 && common_.threads <= kMostThreads, "threads", common_.threads,
                 text_of("from 0 to ", kMostThreads));
  common_.threads = parallel::resolved_threads(common_.threads);
  return true;
}

std::vector<std::string> CommandLine::named() const {
  std::vector<std::string> names;
  if (values_.count(kPositional) != 0) names = values_[kPositional].as<std::vector<std::string>>();
  for (const auto& [flag, value] : values_) {
    const bool makes =
        std::any_of(outputs_.begin(), outputs_.end(), [&f = flag](const auto& o) { return o.first == f; });
    // --out is everywhere what a command makes.
    if (!makes && flag != "out" && value.value().type() == typeid(std::string))
      names.push_back(value.as<std::string>());
  }
  for (size_t i = names.size(); i-- > 0;) {  // a run folder may stand for its model
    if (fs::is_directory(names[i])) names.push_back(names[i] + "/model.safetensors");
  }
  return names;
}

void CommandLine::require_apart(const std::function<std::vector<std::string>()>& read) const {
  std::set<std::string> targets;
  for (const auto& [flag, path] : outputs_) {
    if (path->empty()) continue;
    refuse_own_input(*path, [&] {
      std::vector<std::string> inputs = named();
      const std::vector<std::string> more = read ? read() : std::vector<std::string>();
      inputs.insert(inputs.end(), more.begin(), more.end());
      return inputs;
    });
    if (!targets.insert(fs::weakly_canonical(output_target(*path))).second) {
      throw OptionError("--", flag, " is ", *path, ", which another option names, too; name two files.");
    }
  }
}

bool CommandLine::given(const std::string& flag) const {
  return values_.count(flag) != 0 && !values_[flag].defaulted();
}

std::string CommandLine::text() const {
  std::string text;
  for (const std::string& word : words_) text += (text.empty() ? "" : " ") + quoted(word);
  return text;
}

void CommandLine::print_help() const {
  const std::string dots = positional_.only == nullptr ? "..." : "";
  const std::string names = positional_.name.empty() ? "" : " " + positional_.name + dots;
  std::cout << summary_ << "\n\nUsage: " << program_ << names << " [options]\n";
  if (!names.empty()) std::cout << "  " << positional_.name << ": " << positional_.help << "\n";
  std::cout << "\nExample:\n  " << program_ << " " << example_ << "\n";
  if (!commands_.empty()) std::cout << "\nCommands, with their own --help:\n" << list_of(commands_);
  for (const auto& [name, group] : groups_) std::cout << "\n" << *group;
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
        if (end == std::string::npos) throw Error("a quotation does not end in: ", text);
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

std::string nearest(const std::string& name, const std::vector<std::string>& known, size_t most) {
  const auto closest = std::min_element(known.begin(), known.end(), [&](const std::string& a, const std::string& b) {
    return edit_distance(name, a) < edit_distance(name, b);
  });
  return closest == known.end() || edit_distance(name, *closest) > most ? "" : *closest;
}

std::string list_of(const std::vector<Command>& commands) {
  std::string text;
  for (const Command& c : commands) {
    text += "  " + c.name + std::string(15 - std::min<size_t>(13, c.name.size()), ' ') + c.summary + "\n";
  }
  return text;
}

}  // namespace dcgan::cli
