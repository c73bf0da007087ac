#include "dcgan/feature_merge.h"

#include <algorithm>
#include <filesystem>

#include "base/files.h"
#include "dcgan/errors.h"
#include "dcgan/output_files.h"
#include "store/feature_identity.h"
#include "store/hdf5_handles.h"
#include "store/image_tables.h"

namespace dcgan {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kBlockBytes = int64_t{16} << 20;  // rows in memory at once
constexpr int64_t kBlocksPerFlush = 64;             // 1 GiB, what a killed merge loses at most

struct Part {
  std::string path;
  InputRange inputs;
  int64_t rows = 0;
  int64_t unlabelled = 0;
};

int64_t unlabelled_of(const std::vector<Part>& parts) {
  int64_t sum = 0;
  for (const Part& part : parts) sum += part.unlabelled;
  return sum;
}

std::string range(int64_t first, int64_t end) {
  return end - first == 1 ? text_of("input ", first) : text_of("inputs ", first, " to ", end - 1);
}

Part checked_part(const FeatureFileReader& reader, const MergeJob& job) {
  const InputRange& inputs = reader.info().inputs;
  if (inputs.total == 0 && inputs.list.empty()) {
    throw FileError(reader.path(),
                    "does not say which inputs it holds (no input_total); only parts that dcgan-extract --shard wrote "
                    "can be merged.");
  }
  refuse_own_input(job.output, [&] { return reader.files(); });
  const auto held = reader.rows() + static_cast<int64_t>(reader.failures().size());
  if (held != inputs.count) {
    throw FileError(reader.path(), "holds ", held, " rows and failures for ", inputs.count,
                    " inputs; it is damaged, extract it again.");
  }
  const bool named = !reader.info().classes.empty();
  const int64_t unlabelled = named ? std::count(reader.labels().begin(), reader.labels().end(), -1) : 0;
  return {reader.path(), inputs, reader.rows(), unlabelled};
}

void check_same(const FeatureFileReader& first, const FeatureFileReader& other) {
  const std::vector<store::Field> expected = store::identity(first.info());
  const std::vector<store::Field> found = store::identity(other.info());
  for (size_t i = 0; i < expected.size(); ++i) {
    if (expected[i].value == found[i].value) continue;
    throw FileError(other.path(), "is of another extraction: ", found[i].name, " is \"",
                    store::excerpt(found[i].value, expected[i].value), "\", in ", first.path(), " it is \"",
                    store::excerpt(expected[i].value, found[i].value), "\".");
  }
}

// In order of the inputs; every input lies in one part.
void sort_and_check_cover(std::vector<Part>& parts) {
  std::stable_sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) {
    return std::pair(a.inputs.first, a.inputs.count) < std::pair(b.inputs.first, b.inputs.count);
  });
  const int64_t total = parts.front().inputs.total;
  int64_t covered = 0;
  const Part* before = nullptr;
  for (const Part& part : parts) {
    const int64_t first = part.inputs.first;
    const int64_t end = first + part.inputs.count;
    if (first > covered) {
      throw FileError(part.path, range(covered, first), " of ", total, " lie in no part before it",
                      before == nullptr ? "" : " (the last is " + before->path + ")", "; name the missing parts, too.");
    }
    if (first < covered && end > first) {
      throw FileError(part.path, range(first, std::min(covered, end)), " lie in it and in ", before->path,
                      "; name each part once, of one division into shards.");
    }
    if (end > covered) {
      covered = end;
      before = &part;
    }
  }
  if (covered != total) {
    throw FileError(parts.back().path, range(covered, total), " of ", total,
                    " lie in no part; it is the last one, name the missing parts, too.");
  }
}

std::vector<std::string> failed_paths(const std::vector<Failure>& failures) {
  std::vector<std::string> paths;
  paths.reserve(failures.size());
  for (const Failure& failure : failures) paths.push_back(failure.path);
  return paths;
}

std::vector<std::string> reasons(const std::vector<Failure>& failures) {
  std::vector<std::string> texts;
  texts.reserve(failures.size());
  for (const Failure& failure : failures) texts.push_back(failure.reason);
  return texts;
}

MergeResult merge_copied(const MergeJob& job, const FeatureFileInfo& info, const std::vector<Part>& parts) {
  FeatureFileWriter writer(job.output, info, job.mode);
  MergeResult result;
  const int64_t block_rows = std::max<int64_t>(1, kBlockBytes / (info.feature_count * int64_t{sizeof(float)}));
  std::vector<float> rows;
  int64_t blocks = 0;
  for (const Part& part : parts) {
    const int64_t end = part.inputs.first + part.inputs.count;
    if (end <= writer.inputs_done()) continue;
    const FeatureFileReader reader(part.path);
    std::vector<Failure> failures = reader.failures(), warnings = reader.warnings();
    // The failures go with the first block, so that what is done after a block follows from the block alone.
    int64_t done = part.inputs.first + static_cast<int64_t>(failures.size());
    for (int64_t first = 0; first == 0 || first < part.rows; first += block_rows) {
      const int64_t count = std::min(block_rows, part.rows - first);
      done += count;
      if (done > writer.inputs_done()) {
        rows.resize(count * info.feature_count);
        reader.read(first, count, rows.data());
        const auto cut = [&](const auto& all) {
          return std::decay_t<decltype(all)>(all.begin() + (all.empty() ? 0 : first),
                                             all.begin() + (all.empty() ? 0 : first + count));
        };
        writer.warn(warnings);
        writer.append(rows.data(), cut(reader.paths()), cut(reader.labels()), failures, done);
        if (++blocks % kBlocksPerFlush == 0) writer.flush();
        job.on_progress(done, info.inputs.total);
        if (job.should_stop()) {
          writer.flush();
          result.stopped = true;
          return result;
        }
      }
      failures.clear();
      warnings.clear();
    }
  }
  result.rows = writer.rows();
  result.unlabelled = unlabelled_of(parts);
  result.failures = info.inputs.total - writer.rows();
  writer.close();
  return result;
}

// What a name of a source means in a virtual dataset: %b would be a number of a block.
std::string source_name(const std::string& part, const std::string& output) {
  std::string name;
  const fs::path folder = fs::absolute(output_target(output)).lexically_normal().parent_path();
  for (const char c : fs::absolute(part).lexically_normal().lexically_proximate(folder).string()) {
    name += c == '%' ? "%%" : std::string(1, c);
  }
  return name;
}

void write_virtual(const MergeJob& job, const FeatureFileInfo& info, const std::vector<Part>& parts,
                   const std::string& partial) {
  const hdf5::Session session;
  hdf5::Handle file = hdf5::create_file(partial);
  const hdf5::Place root{file, partial};
  store::write_feature_attributes(root, info, {info.command_line, base::utc_now(), info.options});
  int64_t rows = 0;
  for (const Part& part : parts) rows += part.rows;
  const auto space_of = [&](int64_t count) {
    const hsize_t shape[2] = {static_cast<hsize_t>(count), static_cast<hsize_t>(info.feature_count)};
    return hdf5::Handle(H5Screate_simple(2, shape, nullptr), H5Sclose, partial, "cannot be laid out");
  };
  const std::string problem = "dataset \"features\" cannot be made";
  const hdf5::Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, partial, problem);
  const hdf5::Handle space = space_of(rows);
  store::ImageTablesWriter tables(root, info.classes);
  hsize_t start[2] = {0, 0};
  for (const Part& part : parts) {
    if (part.rows > 0) {
      const hsize_t count[2] = {static_cast<hsize_t>(part.rows), static_cast<hsize_t>(info.feature_count)};
      hdf5::require(H5Sselect_hyperslab(space, H5S_SELECT_SET, start, nullptr, count, nullptr), partial, problem);
      hdf5::require(
          H5Pset_virtual(creation, space, source_name(part.path, job.output).c_str(), "/features", space_of(part.rows)),
          partial, problem);
      start[0] += count[0];
    }
    const FeatureFileReader reader(part.path);
    const std::vector<Failure> failures = reader.failures();
    tables.append(reader.paths(), reader.labels());
    tables.append_failures(failed_paths(failures), reasons(failures));
    const std::vector<Failure> warnings = reader.warnings();
    tables.append_warnings(failed_paths(warnings), reasons(warnings));
    job.on_progress(part.inputs.first + part.inputs.count, info.inputs.total);
  }
  hdf5::require(H5Sselect_all(space), partial, problem);
  const hdf5::Handle type = hdf5::float_type(info.storage == FloatStorage::kFloat16);
  hdf5::Handle(H5Dcreate2(file, "features", type, space, H5P_DEFAULT, creation, H5P_DEFAULT), H5Dclose, partial,
               problem)
      .close(partial);
  tables.complete(root);
  tables = {};
  file.close(partial);
}

}  // namespace

MergeResult merge_features(const MergeJob& job) {
  if (job.parts.empty()) throw OptionError("no parts were named; name the feature files to merge.");
  const bool complete = job.mode == OutputMode::kResume && base::exists(job.output);
  if (!complete) FeatureFileWriter::check_output(job.output, job.mode);
  std::vector<Part> parts;
  const FeatureFileReader first(job.parts.front());
  for (const std::string& path : job.parts) {
    const FeatureFileReader reader(path);
    parts.push_back(checked_part(reader, job));
    check_same(first, reader);
  }
  sort_and_check_cover(parts);
  FeatureFileInfo info = FeatureFileReader(parts.front().path).info();
  info.inputs.first = 0;
  info.inputs.count = info.inputs.total;
  if (complete) {
    const FeatureFileReader merged(job.output);
    check_made_as(merged, info);
    MergeResult result;
    result.rows = merged.rows();
    result.failures = info.inputs.total - merged.rows();
    result.unlabelled = unlabelled_of(parts);
    return result;
  }
  if (!job.virtual_rows) return merge_copied(job, info, parts);
  // HDF5 gives zeros for the rows of a file that it cannot open: what cannot be read is not written.
  const auto files = std::count_if(parts.begin(), parts.end(), [](const Part& part) { return part.rows > 0; });
  const base::RoomForFiles room(files, job.output, text_of("would take rows from ", files, " files"));
  store::RowWriter::clear_output(job.output, job.mode);  // of an interrupted merge which copied
  base::write_whole_file(job.output, [&](const base::File& file) { write_virtual(job, info, parts, file.path()); });
  MergeResult result;
  for (const Part& part : parts) result.rows += part.rows;
  result.unlabelled = unlabelled_of(parts);
  result.failures = info.inputs.total - result.rows;
  return result;
}

}  // namespace dcgan
