#include "tools/explore/box_file.h"

#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "dcgan/errors.h"
#include "dcgan/output_files.h"

namespace dcgan::explore_tool {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 5> kColumns = {"sample", "x", "y", "width", "height"};

Box box_of(const std::array<int64_t, 5>& v) { return {v[0], v[1], v[2], v[3], v[4]}; }

std::vector<Box> from_json(const std::string& path, const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_array()) throw FileError(path, "must be a JSON array of objects with sample, x, y, width and height.");
  std::vector<Box> boxes;
  for (const auto& entry : json) {
    std::array<int64_t, 5> values{};
    for (size_t i = 0; i < kColumns.size(); ++i) {
      if (!entry.is_object() || !entry.contains(kColumns[i]) || !entry[kColumns[i]].is_number_integer()) {
        throw FileError(path, "box ", boxes.size() + 1, " has no whole number \"", kColumns[i], "\".");
      }
      values[i] = entry[kColumns[i]];
    }
    boxes.push_back(box_of(values));
  }
  return boxes;
}

/// Five whole numbers, or nothing.
std::optional<Box> box_of_line(const std::string& line) {
  std::array<int64_t, 5> values{};
  const char* at = line.data();
  const char* const end = at + line.size();
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0 && (at == end || *at++ != ',')) return std::nullopt;
    while (at != end && *at == ' ') ++at;
    const auto [after, error] = std::from_chars(at, end, values[i]);
    if (error != std::errc()) return std::nullopt;
    for (at = after; at != end && *at == ' ';) ++at;
  }
  if (at != end) return std::nullopt;
  return box_of(values);
}

std::vector<Box> from_csv(const std::string& path, const std::string& text) {
  std::vector<Box> boxes;
  std::istringstream lines(text);
  int64_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty() || (number == 1 && line.find("sample") != line.npos)) continue;
    const std::optional<Box> box = box_of_line(line);
    if (!box) {
      throw FileError(path, "line ", number, " is \"", line,
                      "\", expected five whole numbers: sample,x,y,width,height.");
    }
    boxes.push_back(*box);
  }
  return boxes;
}

}  // namespace

std::string text_of_boxes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || !fs::is_regular_file(path)) {
    throw FileError(path, "cannot be read; --boxes names a CSV or JSON file.");
  }
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<Box> boxes_of(const std::string& path, const std::string& text, const BoxLimits& limits) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  const bool json = first != text.npos && (text[first] == '[' || text[first] == '{');
  std::vector<Box> boxes = json ? from_json(path, text) : from_csv(path, text);
  const int64_t size = limits.size;
  for (size_t i = 0; i < boxes.size(); ++i) {
    const Box& box = boxes[i];
    const std::string name = text_of("box ", i + 1);
    if (box.image < 0 || box.image >= limits.images) {
      throw FileError(path, name, " is of sample ", box.image, "; there are ", limits.images, ", from 0.");
    }
    if (box.width < 1 || box.height < 1) {
      throw FileError(path, name, " is empty: ", box.width, " x ", box.height, " pixels.");
    }
    if (box.x < 0 || box.y < 0 || box.width > size || box.height > size || box.x > size - box.width ||
        box.y > size - box.height) {
      throw FileError(path, name, " reaches beyond its image of ", size, " x ", size, " pixels: x ", box.x, ", y ",
                      box.y, ", ", box.width, " x ", box.height, ".");
    }
  }
  return boxes;
}

std::vector<Box> read_boxes(const std::string& path, const BoxLimits& limits) {
  std::vector<Box> boxes = boxes_of(path, text_of_boxes(path), limits);
  if (boxes.empty()) throw FileError(path, "holds no boxes; draw some around what is to be forgotten.");
  return boxes;
}

std::string boxes_json(const std::vector<Box>& boxes) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const Box& b : boxes) {
    all.push_back({{"sample", b.image}, {"x", b.x}, {"y", b.y}, {"width", b.width}, {"height", b.height}});
  }
  return all.dump(1) + "\n";
}

void write_boxes(const std::string& path, const std::vector<Box>& boxes) {
  write_text_file(path, fs::path(path).extension() == ".json" ? boxes_json(boxes) : boxes_csv(boxes));
}

}  // namespace dcgan::explore_tool
