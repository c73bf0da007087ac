#include "tools/cli/environment.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "dcgan/file_locks.h"
#include "tools/cli/program.h"

namespace dcgan::cli::test {
namespace {

TEST(Environment, LocksAreWantedUnlessHdf5sVariableSaysFalse) {
  const auto wanted_with = [](const char* value) { return wants_file_locks([&](const char*) { return value; }); };
  EXPECT_TRUE(wanted_with(nullptr));
  EXPECT_TRUE(wanted_with("TRUE"));
  EXPECT_TRUE(wanted_with("BEST_EFFORT"));
  EXPECT_FALSE(wanted_with("FALSE"));
  EXPECT_FALSE(wanted_with("0"));
}

TEST(Environment, AProgramHandsTheWishForNoLocksToTheLibrary) {
  const char* argv[] = {"program"};
  const auto locks_in_a_program = [&] {
    return run_program(1, argv, {"", {}, [](CommandLine&) { return uses_file_locks() ? 1 : 0; }});
  };
  EXPECT_EQ(locks_in_a_program(), 1);
  ::setenv("HDF5_USE_FILE_LOCKING", "FALSE", 1);
  EXPECT_EQ(locks_in_a_program(), 0);
  ::unsetenv("HDF5_USE_FILE_LOCKING");
  EXPECT_EQ(locks_in_a_program(), 1);
}

}  // namespace
}  // namespace dcgan::cli::test
