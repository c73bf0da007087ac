#include <cmath>
#include <filesystem>
#include <iostream>
#include <set>

#include "dcgan/errors.h"
#include "dcgan/output_files.h"
#include "dcgan/png_file.h"
#include "dcgan/text.h"
#include "tools/cli/program.h"
#include "tools/explore/annotate_page.h"
#include "tools/explore/box_file.h"
#include "tools/explore/commands.h"
#include "tools/explore/generator.h"
#include "tools/explore/local_server.h"

namespace dcgan::explore_tool {
namespace {

struct AnnotateOptions {
  int64_t count = 150;  ///< arXiv:1511.06434, section 6.3.1
  int64_t port = 0;
};

template <class Visitor>
void describe(AnnotateOptions& o, Visitor&& f) {
  f(o.count, "count", "samples to draw in, where --z does not give them");
  f(o.port, "port", "of 127.0.0.1, where the page is served; 0: any that is free");
}

/// The samples that a person draws in, and the boxes so far.
class Annotation {
 public:
  Annotation(const Generator& generator, const NamedNoise& noise, std::string file) : file_(std::move(file)) {
    const ImageBatch images = generator.images(noise.z);
    columns_ = static_cast<int64_t>(std::ceil(std::sqrt(static_cast<double>(images.count()))));
    size_ = images.height;
    names_ = noise.names;
    png_ = png_grid(images, columns_, "samples.png");
    if (std::filesystem::exists(file_)) boxes_ = boxes_of(file_, text_of_boxes(file_), limits());
  }

  Response answer(const Request& request) {
    if (request.method == "GET" && request.path.empty()) return {200, "text/html; charset=utf-8", kAnnotatePage};
    if (request.method == "GET" && request.path == "samples.png") return {200, "image/png", png_};
    if (request.method == "GET" && request.path == "samples.json") return {200, "application/json", facts()};
    if (request.method == "PUT" && request.path == "boxes.json") return save(request.body);
    if (request.method == "POST" && request.path == "done") {
      ended_ = true;
      return {204, "text/plain; charset=utf-8", ""};
    }
    return {404, "text/plain; charset=utf-8", "Nothing is here.\n"};
  }

  bool ended() const { return ended_; }
  const std::vector<Box>& boxes() const { return boxes_; }

 private:
  BoxLimits limits() const { return {static_cast<int64_t>(names_.size()), size_}; }

  std::string facts() const {
    return json_text(nlohmann::ordered_json({{"count", names_.size()},
                                             {"size", size_},
                                             {"columns", columns_},
                                             {"names", names_},
                                             {"boxes", nlohmann::ordered_json::parse(boxes_json(boxes_))}}));
  }

  Response save(const std::string& text) {
    try {
      const std::vector<Box> boxes = boxes_of("the page", text, limits());
      write_boxes(file_, boxes);
      boxes_ = boxes;
    } catch (const Error& e) {
      return {400, "text/plain; charset=utf-8", std::string(e.what()) + "\n"};
    }
    return {204, "text/plain; charset=utf-8", ""};
  }

  std::string file_, png_;
  std::vector<std::string> names_;
  int64_t size_ = 0, columns_ = 0;
  std::vector<Box> boxes_;
  bool ended_ = false;
};

}  // namespace

int annotate_command(cli::CommandLine& line) {
  GeneratorOptions generator_options;
  AnnotateOptions options;
  std::string file;
  line.about(
      "A page to draw boxes for dcgan-explore drop in, with the mouse or the keyboard, in samples of the same model "
      "and "
      "seed (or --z). It is served to browsers on this machine, at an address that is printed, until the page ends it "
      "or "
      "Ctrl-C does. Boxes that the file has already are there to be changed.",
      "--model run/model.safetensors --boxes windows.csv");
  line.add("Generator", generator_options);
  line.add_output("Page", file, "boxes",
                  "CSV or, if it ends in .json, JSON: what the page saves, and loads if it is there");
  line.add("Page", options);
  line.require(generator_options.model, "--model", "a model file with a generator");
  line.require(file, "--boxes", "the file that gets the boxes");
  if (!line.parse()) return 0;
  require_option(options.count >= 1 && options.count <= 10'000, "count", options.count, "from 1 to 10,000");
  require_option(options.port >= 0 && options.port <= 65'535, "port", options.port, "from 0 to 65,535");
  line.require_apart();
  const Generator generator(generator_options, line.common());
  Annotation annotation(generator, generator.noise(options.count), file);
  cli::make_folder_of(file);
  LocalServer server(options.port, [&](const Request& request) { return annotation.answer(request); });
  // Whatever else is asked for, without its address the page is of no use.
  std::cerr << "draw at " << server.address() << std::endl;
  server.run([&] { return annotation.ended() || cli::interrupted(); });
  if (!annotation.ended()) throw cli::Interrupted();

  std::set<int64_t> samples;
  for (const Box& box : annotation.boxes()) samples.insert(box.image);
  cli::print_result(line.common(),
                    {{"output", file}, {"boxes", annotation.boxes().size()}, {"samples", samples.size()}},
                    text_of(file, ": ", annotation.boxes().size(), " boxes in ", samples.size(), " samples\n"));
  return 0;
}

}  // namespace dcgan::explore_tool
