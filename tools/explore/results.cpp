#include "tools/explore/results.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "dcgan/errors.h"
#include "dcgan/output_files.h"
#include "dcgan/png_file.h"
#include "tools/explore/animation.h"
#include "tools/shared/html.h"

namespace dcgan::explore_tool {
namespace {

namespace fs = std::filesystem;

const std::string kPictures = ".png.jpg.jpeg.gif.webp.bmp.tif.tiff.";  // who asks for these wants no folder

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(file), {});
  if (!file) throw FileError(path, "cannot be read.");
  return bytes;
}

}  // namespace

Results::Results(const cli::CommandLine& line, const ResultOptions& options, const std::vector<std::string>& files)
    : line_(line), options_(options), command_(line.program().substr(line.program().rfind(' ') + 1)) {
  std::vector<std::string> all = files;
  all.push_back(command_ + ".json");
  if (options_.html) all.push_back(command_ + ".html");
  for (const std::string& file : all) {
    cli::require_free(path(file), options_.overwrite);
    refuse_own_input(path(file), [&line] { return line.named(); });
  }
  if (fs::exists(options_.out) && !fs::is_directory(options_.out)) {
    throw FileError(options_.out, "is a file; --out names a folder.");
  }
  const std::string extension = fs::path(options_.out).extension().string();
  if (!fs::exists(options_.out) && kPictures.find(extension + '.') != std::string::npos && !extension.empty()) {
    throw OptionError("--out is ", options_.out, "; it must be a folder, or for dcgan-explore samples a .png.");
  }
  facts = {{"command", line.program()}, {"seed", line.common().seed}};
}

std::string Results::path(const std::string& file) const { return (fs::path(options_.out) / file).string(); }

void Results::add_to_page(const std::string& file, const std::string& type, const std::string& caption) {
  files_.push_back(file);
  if (!options_.html) return;
  page_ += "<figure><figcaption>" + tools::html_text(caption) + "</figcaption>" +
           tools::html_picture(bytes_of(path(file)), file, type) + "</figure>\n";
}

void Results::picture(const std::string& file, const std::string& caption, const ImageBatch& images, int64_t columns) {
  cli::make_folder(options_.out);
  write_png_grid(path(file), images, columns);
  add_to_page(file, "image/png", caption);
}

void Results::animation(const std::string& file, const std::string& caption, const ImageBatch& images,
                        int64_t milliseconds) {
  cli::make_folder(options_.out);
  write_animation(path(file), images, milliseconds);
  add_to_page(file, "image/webp", caption);
}

void Results::arrays(const std::string& file, const ArrayFile& content) {
  cli::make_folder(options_.out);
  save_arrays(path(file), content);
  files_.push_back(file);
}

void Results::noise(const std::string& file, const NamedNoise& noise) {
  cli::make_folder(options_.out);
  save_noise(path(file), noise, facts.dump());
  files_.push_back(file);
}

void Results::finish(const std::string& text) {
  cli::make_folder(options_.out);
  if (!notes_.empty()) facts["notes"] = notes_;
  files_.push_back(command_ + ".json");
  if (options_.html) files_.push_back(command_ + ".html");
  facts["files"] = files_;
  write_text_file(path(command_ + ".json"), facts.dump(1) + "\n");
  std::string said = text;
  for (const std::string& note : notes_) said += note + "\n";
  if (options_.html) {
    std::string page = tools::html_head(line_.program());
    for (const std::string& note : notes_) page += "<p>" + tools::html_text(note) + "</p>\n";
    page += page_ + "<table>\n";
    for (const auto& [name, value] : facts.items()) {
      page += "<tr><th>" + tools::html_text(name) + "</th><td>" +
              tools::html_text(value.is_string() ? value.get<std::string>() : value.dump()) + "</td></tr>\n";
    }
    write_text_file(path(command_ + ".html"), page + "</table>\n</html>\n");
  }
  for (const std::string& file : files_) said += path(file) + "\n";
  nlohmann::ordered_json report = {{"folder", options_.out}};
  report.update(facts);
  cli::print_result(line_.common(), report, said);
}

}  // namespace dcgan::explore_tool
