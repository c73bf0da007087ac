#include "store/feature_identity.h"

#include "base/files.h"
#include "dcgan/errors.h"
#include "store/hdf5_texts.h"
#include "store/image_tables.h"

namespace dcgan::store {
namespace {

std::string text(const std::string& value) { return value; }
std::string text(int64_t value) { return std::to_string(value); }
std::string text(uint64_t value) { return std::to_string(value); }
std::string text(const std::vector<int64_t>& numbers) {
  std::string joined;
  for (const int64_t n : numbers) joined += text_of(joined.empty() ? "" : ",", n);
  return joined;
}

/// A visitor that collects what it is shown.
auto collect_in(std::vector<Field>& fields) {
  return [&fields](const auto& value, const char* name) { fields.push_back({name, text(value)}); };
}

}  // namespace

std::vector<Field> identity(const FeatureFileInfo& info) {
  std::vector<Field> fields;
  describe_kind(info, collect_in(fields));
  fields.push_back({"storage", to_name(info.storage)});
  fields.push_back({"classes", lines_of(info.classes)});
  return fields;
}

std::vector<Field> identity_of_part(const FeatureFileInfo& info) {
  std::vector<Field> fields = identity(info);
  describe_part(info, collect_in(fields));
  return fields;
}

void write_feature_attributes(hdf5::Place file, const FeatureFileInfo& info, const Origin& origin) {
  write_origin(file, kFeaturesFormat, origin);
  const auto write = [&](const auto& value, const char* name) { hdf5::write_attribute(file, name, value); };
  describe_kind(info, write);
  describe_part(info, write);
  if (!origin.options.empty()) write(origin.options, "options");
}

void read_feature_attributes(hdf5::Place file, FeatureFileInfo& info) {
  const auto read = [&](auto& value, const char* name) { value = hdf5::read_attribute(file, name, value); };
  read(info.options, "options");
  read(info.command_line, "command_line");
  describe_kind(info, read);
  describe_part(info, read);
}

}  // namespace dcgan::store

namespace dcgan {

void check_made_as(const FeatureFileReader& file, const FeatureFileInfo& info) {
  const std::vector<store::Field> theirs = store::identity(file.info());
  const std::vector<store::Field> ours = store::identity(info);
  for (size_t i = 0; i < ours.size(); ++i) {
    if (ours[i].name == "preprocessing" || ours[i].value == theirs[i].value) continue;
    throw FileError(file.path(), "is complete, but was made with ", ours[i].name, " ",
                    store::excerpt(theirs[i].value, ours[i].value), ", now it is ",
                    store::excerpt(ours[i].value, theirs[i].value),
                    "; --overwrite replaces it, or write another file.");
  }
}

}  // namespace dcgan
