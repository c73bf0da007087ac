#include "tests/data/example_tar.h"

#include <cstdio>

namespace dcgan::test {
namespace {

constexpr size_t kBlock = 512;

std::string octal(size_t value, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%0*zo", digits, value);
  return text;
}

}  // namespace

std::string with_checksum(std::string member) {
  member.replace(148, 8, 8, ' ');
  size_t sum = 0;
  for (size_t i = 0; i < kBlock; ++i) sum += static_cast<unsigned char>(member[i]);
  return member.replace(148, 8, octal(sum, 6) + std::string("\0 ", 2));
}

std::string tar_member(const std::string& name, const std::string& content, char type, const std::string& link) {
  std::string header(kBlock, '\0');
  header.replace(0, name.size(), name);
  header.replace(124, 11, octal(content.size(), 11));
  header[156] = type;
  header.replace(157, link.size(), link);
  header.replace(257, 8, std::string("ustar\0", 6) + "00");
  return with_checksum(header) + content + std::string((kBlock - content.size() % kBlock) % kBlock, '\0');
}

std::string tar_end() { return std::string(4 * kBlock, '\0'); }

std::string example_tar() {
  const std::string name = std::string(120, 'n') + ".png";
  const std::string record = " path=" + name + "\n";
  return tar_member("a/1.jpg", "one") + tar_member("a/", "", '5') + tar_member("a/2.png", "", '1', "a/1.jpg") +
         tar_member("", name + '\0', 'L') + tar_member("long.png", "long") +
         tar_member("", std::to_string(record.size() + 3) + record, 'x') + tar_member("pax.png", "pax") +
         tar_member("in.tar", tar_member("x.webp", "inner") + tar_end()) + tar_end();
}

}  // namespace dcgan::test
