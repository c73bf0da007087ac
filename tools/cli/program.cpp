#include "tools/cli/program.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <new>
#include <sstream>
#include <tuple>

#include "dcgan/file_locks.h"
#include "dcgan/version.h"
#include "tools/cli/environment.h"
#include "tools/cli/output.h"

namespace dcgan::cli {
namespace {

volatile std::sig_atomic_t g_interrupted = 0;

void on_signal(int signal_number) {
  if (g_interrupted != 0) std::_Exit(128 + signal_number);
  g_interrupted = 1;
}

// A terminal that goes away sends this twice, through the shell and by itself, and what a pipe leads to dies of it,
// too.
void on_hangup(int /*signal_number*/) {
  std::signal(SIGPIPE, SIG_IGN);
  g_interrupted = 1;
}

// Where a service or `2>&-` has closed one of them, the next file that is opened would take its place, and messages
// would be written into it.
void open_standard_streams() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) < 0) ::open("/dev/null", descriptor == STDIN_FILENO ? O_RDONLY : O_WRONLY);
  }
}

// What the first word was meant to be, if it is no command, no option and no file.
std::string mistyped(const std::string& word, const Program& program) {
  if (word.empty() || word.find_first_of("-./") != std::string::npos || std::filesystem::exists(word)) return "";
  std::vector<std::string> names;
  for (const Command& command : program.commands) names.push_back(command.name);
  constexpr size_t kWrongLetters = 2;
  return nearest(word, names, kWrongLetters);
}

[[noreturn]] void refuse_command(const std::string& name, const std::string& word, const Program& program) {
  std::string known;
  for (const Command& c : program.commands) known += (known.empty() ? "" : ", ") + c.name;
  const std::string guess = mistyped(word, program);
  throw OptionError(word.empty() ? "no command given" : "\"" + word + "\" is no command of " + name,
                    guess.empty() ? "" : "; did you mean " + guess + "?",
                    std::filesystem::exists(word) ? "; a command comes before files" : "", "; commands: ", known, ".");
}

/// How many of the words after the program's are those of the command's name, "drop annotate" has two; 0 if they are
/// not.
size_t words_of_command(const std::string& name, const std::vector<std::string>& words) {
  std::istringstream parts(name);
  size_t count = 0;
  for (std::string part; parts >> part;) {
    if (++count >= words.size() || words[count] != part) return 0;
  }
  return count;
}

int dispatch(std::vector<std::string> words, const Program& program) {
  const std::string name = words.front().substr(words.front().rfind('/') + 1);
  // `help`, `help COMMAND` and -v as users of other programs type them.
  if (words.size() > 1 && words[1] == "help") {
    words.erase(words.begin() + 1);
    words.push_back("--help");
  } else if (words.size() == 2 && words[1] == "-v") {
    words[1] = "--version";
  }
  const std::string first = words.size() > 1 ? words[1] : "";
  const Command* found = nullptr;
  size_t length = 0;  // of "drop" and "drop annotate" the longer one is meant
  for (const Command& command : program.commands) {
    const size_t count = words_of_command(command.name, words);
    if (count > length) std::tie(found, length) = std::tuple(&command, count);
  }
  if (found != nullptr) {
    words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(length));
    words.front() = name + " " + found->name;
    CommandLine line(words.front(), words);
    return found->run(line);
  }
  if (program.fallback) {
    if (!mistyped(first, program).empty()) refuse_command(name, first, program);
    CommandLine line(name, words, program.commands);
    return program.fallback(line);
  }
  if (first == "--help" || first == "-h") {
    std::cout << program.summary << "\n\nUsage: " << name << " COMMAND [options]\n\nCommands:\n"
              << list_of(program.commands) << "\n"
              << name << " COMMAND --help says more.\n";
    return 0;
  }
  if (first == "--version") {
    std::cout << name << " (libdcgan) " << DCGAN_VERSION << "\n";
    return 0;
  }
  refuse_command(name, first, program);
}

int failed(const std::string& what, int code) {
  remove_empty_folders();
  std::cerr << what << "\n";
  return code;
}

}  // namespace

Interrupted::Interrupted(int64_t done, int64_t total, const std::string& what)
    : Error(ErrorCode::kStopped, "interrupted after ", done, " of ", total, " ", what,
            "; the same command with --resume goes on there") {}

bool interrupted() { return g_interrupted != 0; }

void stop_if_interrupted() {
  if (interrupted()) throw Interrupted();
}

int run_program(int argc, const char* const* argv, const Program& program) {
  open_standard_streams();
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  struct sigaction hangup {};
  ::sigaction(SIGHUP, nullptr, &hangup);
  if (hangup.sa_handler != SIG_IGN) std::signal(SIGHUP, on_hangup);  // nohup ignores it
  // A write past a limit of the file size is then an error of write(), with a message, and not the end of the process.
  std::signal(SIGXFSZ, SIG_IGN);
  use_file_locks(wants_file_locks(std::getenv));
  try {
    const int code = dispatch(std::vector<std::string>(argv, argv + argc), program);
    std::cout.flush();
    if (!std::cout) throw Error("standard output cannot be written; is the disk full?");
    return code;
  } catch (const Interrupted& e) {
    return failed(e.what(), 130);
  } catch (const OptionError& e) {
    return failed(std::string("error: ") + e.what(), 2);
  } catch (const std::filesystem::filesystem_error& e) {
    return failed("error: " + e.path1().string() + ": " + e.code().message() + ".", 1);
  } catch (const std::bad_alloc&) {
    return failed("error: out of memory; a smaller --batch-size needs less.", 1);
  } catch (const std::exception& e) {
    const std::string text = e.what();  // LibTorch's end with where they were thrown, over many lines
    return failed("error: " + text.substr(0, text.find('\n')), 1);
  }
}

}  // namespace dcgan::cli
