#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "dcgan/errors.h"
#include "tools/cli/command_line.h"

namespace dcgan::cli {

struct Program {
  std::string summary;
  std::vector<Command> commands;
  std::function<int(CommandLine& line)> fallback;  ///< where the first word is no command; may be empty
};

/// Runs the command that argv[1] names. Where argv[1] names none: the fallback if there is one, otherwise an error that
/// lists the commands. Turns exceptions into one line on stderr and the exit codes of the project: 0 good, 1 failed,
/// 2 wrong usage, 3 finished but some inputs failed (returned by the command), 130 interrupted.
int run_program(int argc, const char* const* argv, const Program& program);

/// Exit code: the output is whole, and lists the inputs that could not be read.
constexpr int kSomeInputsFailed = 3;

/// Thrown by code that saw interrupted(), after a clean flush: exit code 130.
class Interrupted : public Error {
 public:
  Interrupted() : Error(ErrorCode::kStopped, "interrupted") {}
  /// Of work that --resume goes on with: "interrupted after 12 of 40 inputs; the same command with --resume goes on".
  Interrupted(int64_t done, int64_t total, const std::string& what);
};

/// Whether SIGINT, SIGTERM or SIGHUP came, the last unless it is ignored (nohup). run_program installs the handlers; a
/// second SIGINT or SIGTERM ends the process at once.
bool interrupted();

/// @throws Interrupted if interrupted(), where nothing needs a flush
void stop_if_interrupted();

}  // namespace dcgan::cli
