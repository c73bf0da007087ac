#pragma once

namespace dcgan::test {

/// errno that every flock() of this program gives, also in the libraries that it links; 0: the system's flock().
/// lock_errors.cpp is to be among the program's sources.
extern int lock_error;

}  // namespace dcgan::test
