#pragma once

#include <string>

namespace dcgan::test {

/// A ustar header and its content, padded (IEEE Std 1003.1-2017, pax, "ustar Interchange Format").
std::string tar_member(const std::string& name, const std::string& content, char type = '0',
                       const std::string& link = "");
/// The member with the checksum of its first 512 bytes.
std::string with_checksum(std::string member);
/// Two blocks of zeros, and some more that a tape would have.
std::string tar_end();
/// A small archive with every kind of member.
std::string example_tar();

}  // namespace dcgan::test
