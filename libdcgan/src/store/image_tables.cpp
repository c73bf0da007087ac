#include "store/image_tables.h"

#include <algorithm>

#include "dcgan/errors.h"
#include "dcgan/version.h"
#include "store/hdf5_labels.h"
#include "store/hdf5_texts.h"

namespace dcgan::store {

void write_origin(hdf5::Place file, const std::string& format, const Origin& origin) {
  hdf5::write_attribute(file, "format", format);
  hdf5::write_attribute(file, "format_version", kFormatVersion);
  hdf5::write_attribute(file, "library_version", std::string(DCGAN_VERSION));
  hdf5::write_attribute(file, "command_line", origin.command_line);
  hdf5::write_attribute(file, "created", origin.created);
  hdf5::write_attribute(file, "complete", int64_t{0});
}

bool check_origin(hdf5::Place file, const std::string& format) {
  if (!hdf5::has_attribute(file, "format")) return false;
  const std::string found = hdf5::read_attribute(file, "format", std::string());
  if (found != format) {
    throw FileError(file.path, "format is \"", found, "\", expected \"", format, "\"",
                    found == kImagesFormat     ? "; dcgan-extract makes features of packed images, "
                                                 "dcgan-prepare info says what is in them."
                    : found == kFeaturesFormat ? "; dcgan-extract info says what is in features."
                                               : ".");
  }
  const int64_t version = hdf5::read_attribute(file, "format_version", int64_t{0});
  if (version != kFormatVersion && version != kFormatVersionWithUnlabelled) {
    throw FileError(file.path, "format_version is ", version, ", this program reads ", kFormatVersion, " and ",
                    kFormatVersionWithUnlabelled, "; it was written by library version ",
                    hdf5::read_attribute(file, "library_version", std::string("unknown")), ".");
  }
  if (hdf5::read_attribute(file, "complete", int64_t{0}) != 1) {
    throw FileError(file.path, hdf5::kIncomplete);
  }
  return true;
}

ImageTablesWriter::ImageTablesWriter(hdf5::Place file, const std::vector<std::string>& classes)
    : file_(file.id),
      path_(file.path),
      paths_(hdf5::growing_texts(file, "paths")),
      failures_(reasons_table("failures")) {
  if (!classes.empty()) {
    constexpr int64_t kLabelsPerChunk = 8192;  // 32 kB
    labels_ = hdf5::GrowingDataset(file, "labels", H5T_STD_I32LE, {}, kLabelsPerChunk);
    hdf5::growing_texts(file, "classes").append(classes);
  }
}

ImageTablesWriter::Reasons ImageTablesWriter::reasons_table(const char* group) const {
  const hdf5::Handle place(H5Gcreate2(file_, group, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose, path_,
                           text_of("group \"", group, "\" cannot be made"));
  hdf5::GrowingDataset paths = hdf5::growing_texts({place, path_}, "path");
  return {std::move(paths), hdf5::growing_texts({place, path_}, "reason")};
}

void ImageTablesWriter::append(const std::vector<std::string>& paths, const std::vector<int32_t>& labels) {
  paths_.append(paths);
  has_unlabelled_ = has_unlabelled_ || std::find(labels.begin(), labels.end(), -1) != labels.end();
  if (!labels.empty()) labels_.append(labels.data(), static_cast<int64_t>(labels.size()));
}

void ImageTablesWriter::append_failures(const std::vector<std::string>& paths,
                                        const std::vector<std::string>& reasons) {
  failures_.paths.append(paths);
  failures_.reasons.append(reasons);
}

void ImageTablesWriter::append_warnings(const std::vector<std::string>& paths,
                                        const std::vector<std::string>& reasons) {
  if (paths.empty()) return;
  if (!warnings_) warnings_ = reasons_table("warnings");
  warnings_->paths.append(paths);
  warnings_->reasons.append(reasons);
}

void ImageTablesWriter::complete(hdf5::Place file) const {
  if (has_unlabelled_) hdf5::write_attribute(file, "format_version", kFormatVersionWithUnlabelled);
  hdf5::write_attribute(file, "complete", int64_t{1});
}

void check_rows(const std::string& path, size_t class_count, const std::vector<std::string>& paths,
                const std::vector<int32_t>& labels) {
  if (labels.size() != (class_count > 0 ? paths.size() : 0)) {
    throw Error(path, ": ", labels.size(), " labels were given for ", paths.size(), " images and ", class_count,
                " classes.");
  }
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < -1 || (labels[i] >= 0 && static_cast<size_t>(labels[i]) >= class_count)) {
      throw Error(path, ": label of ", paths[i], " is ", labels[i], "; it must lie in 0 to ", class_count - 1,
                  ", or be -1.");
    }
  }
}

namespace {

/// Labels that point to names of their own point to the classes of the same name.
void point_to_classes(const std::vector<std::string>& names, hdf5::Place file, ImageTables& tables) {
  std::vector<int32_t> place;
  for (const std::string& name : names) {
    const auto found = std::find(tables.classes.begin(), tables.classes.end(), name);
    if (found == tables.classes.end()) {
      throw FileError(file.path, "has rows with the label \"", name, "\", which is none of its ", tables.classes.size(),
                      " classes.");
    }
    place.push_back(static_cast<int32_t>(found - tables.classes.begin()));
  }
  for (int32_t& label : tables.labels) label = place[label];
}

}  // namespace

ImageTables read_image_tables(hdf5::Place file, int64_t rows, const std::string& labels_name) {
  ImageTables tables;
  const auto check_length = [&](const std::string& name, size_t length) {
    if (static_cast<int64_t>(length) != rows) {
      throw FileError(file.path, "has ", rows, " rows, but ", length, " ", name, "; they must agree.");
    }
  };
  if (hdf5::has_object(file, "paths")) {
    tables.paths = hdf5::read_texts(file, "paths");
    check_length("paths", tables.paths.size());
  }
  if (hdf5::has_object(file, "classes")) tables.classes = hdf5::read_texts(file, "classes");
  if (hdf5::has_object(file, labels_name)) {
    hdf5::Labels labels = hdf5::read_labels(file, labels_name);
    tables.labels = std::move(labels.values);
    check_length("labels", tables.labels.size());
    if (tables.classes.empty()) {
      tables.classes = std::move(labels.names);
    } else if (!labels.names.empty()) {
      point_to_classes(labels.names, file, tables);
    }
  }
  if (!tables.classes.empty()) {
    const bool ours = hdf5::has_attribute(file, "format");
    const int64_t version = ours ? hdf5::read_attribute(file, "format_version", int64_t{0}) : 0;
    for (size_t i = 0; i < tables.labels.size(); ++i) {
      if (tables.labels[i] == -1 && version == kFormatVersionWithUnlabelled) continue;
      if (tables.labels[i] < 0 || static_cast<size_t>(tables.labels[i]) >= tables.classes.size()) {
        throw FileError(file.path, "label of row ", i, " is ", tables.labels[i], "; its ", tables.classes.size(),
                        " classes allow 0 to ", tables.classes.size() - 1, ".");
      }
    }
  }
  return tables;
}

namespace {

std::vector<Failure> read_reasons(hdf5::Place file, const std::string& group) {
  std::vector<Failure> failures;
  if (!hdf5::has_object(file, group + "/path")) return failures;
  const std::vector<std::string> paths = hdf5::read_texts(file, group + "/path");
  const std::vector<std::string> reasons = hdf5::read_texts(file, group + "/reason");
  if (paths.size() != reasons.size()) {
    throw FileError(file.path, group, "/path and ", group, "/reason differ in length.");
  }
  for (size_t i = 0; i < paths.size(); ++i) failures.push_back({paths[i], reasons[i]});
  return failures;
}

}  // namespace

std::vector<Failure> read_failures(hdf5::Place file) { return read_reasons(file, "failures"); }
std::vector<Failure> read_warnings(hdf5::Place file) { return read_reasons(file, "warnings"); }

}  // namespace dcgan::store
