#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "data/packed_contents.h"
#include "dcgan/errors.h"
#include "dcgan/output_files.h"
#include "dcgan/packed_images.h"
#include "dcgan/png_file.h"
#include "tools/cli/command_line.h"
#include "tools/cli/progress.h"
#include "tools/shared/html.h"
#include "tools/train/commands.h"
#include "tools/train/line_plot.h"

namespace dcgan::train_tool {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using tools::html_text;

struct ReportOptions {
  std::string output;
  int64_t grids = 12;
  bool overwrite = false;
};

template <class Visitor>
void describe(ReportOptions& o, Visitor&& f) {
  f(o.grids, "grids", "grids of samples that are shown, evenly spread from the first to the last; 0: all");
  f(o.overwrite, "overwrite", "replace a file that exists");
}

// Names of metrics.jsonl that share a plot, and what a reader knows them by. Others get a plot of their own.
struct Panel {
  std::string title;
  std::vector<std::pair<std::string, std::string>> curves;  // name, label
};
const std::vector<Panel>& known_panels() {
  static const std::vector<Panel> panels = {
      {"Losses, nats", {{"discriminator_loss", "discriminator"}, {"generator_loss", "generator"}}},
      {"What the discriminator says", {{"real_probability", "D(x)"}, {"fake_probability", "D(G(z))"}}},
      {"Contrastive loss, nats", {{"contrastive_loss", "two views of an image among those of others"}}},
      {"Views",
       {{"partner_found", "the other view of the image is the nearest"},
        {"view_similarity", "cosine between views of different images"}}},
      {"Turned images: loss, nats, and share told", {{"rotation_loss", "loss"}, {"turn_found", "share"}}},
      {"Norm of the gradient", {{"discriminator_gradient", "discriminator"}, {"generator_gradient", "generator"}}},
      {"Accuracy of the probe", {{"probe_score", "linear SVM on held-out images"}}},
      {"Frechet distance of samples from real images",
       {{"frechet_distance", "in a fixed network of ours; lower is better"}}},
      {"Images per second", {{"images_per_second", "real images shown to the discriminator"}}},
  };
  return panels;
}

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(file), {});
  if (!file) throw FileError(path, "cannot be read; RUN must be the run folder of a training by dcgan-train.");
  return bytes;
}

using Metrics = std::map<std::string, std::vector<Curve::Point>>;  // by name

struct Course {
  Metrics metrics;
  std::vector<std::string> alarms;
};

// A training that goes on, or one that was killed, may have written half of its last line.
Course read_course(const fs::path& path) {
  Course course;
  Metrics& metrics = course.metrics;
  std::istringstream lines(bytes_of(path));
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    const ordered_json entry = ordered_json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!entry.is_object() || !entry.value("step", ordered_json()).is_number()) {
      if (lines.eof()) break;
      throw FileError(path, "line ", number, " is no JSON object with a step; restore it, or take the line out.");
    }
    for (const auto& [name, value] : entry.items()) {  // what was not finite is null
      if (name != "step" && value.is_number()) metrics[name].push_back({entry["step"], value});
      if (name == "alarm" && value.is_string()) course.alarms.push_back(value);
    }
  }
  if (metrics.empty()) throw FileError(path, "holds no metrics yet; the first come after --log-every steps.");
  return course;
}

ordered_json read_options(const fs::path& path) {
  const ordered_json options = ordered_json::parse(bytes_of(path), nullptr, /*allow_exceptions=*/false);
  if (!options.is_object()) throw FileError(path, "is damaged: no JSON object; restore it.");
  return options;
}

std::string plots(Metrics metrics) {
  std::string html;
  const auto add = [&](const Panel& panel) {
    std::vector<Curve> curves;
    for (const auto& [name, label] : panel.curves) {
      const auto found = metrics.find(name);
      if (found != metrics.end()) curves.push_back({label, found->second});
      metrics.erase(name);
    }
    if (curves.empty()) return;
    html += "<figure><figcaption>" + html_text(panel.title) + "</figcaption>" + line_plot(curves) + "</figure>\n";
  };
  for (const Panel& panel : known_panels()) add(panel);
  while (!metrics.empty()) {
    const std::string name = metrics.begin()->first;
    add({name, {{name, name}}});
  }
  return html;
}

// samples/step-*.png, lowest step first: their names have leading zeros.
std::vector<fs::path> sample_grids(const fs::path& folder, int64_t most) {
  std::vector<fs::path> grids;
  std::error_code none;  // a run that has only begun has no samples
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    if (entry.path().extension() == ".png") grids.push_back(entry.path());
  }
  std::sort(grids.begin(), grids.end());
  const auto count = static_cast<int64_t>(grids.size());
  if (most == 0 || count <= most) return grids;
  std::vector<fs::path> chosen;
  for (int64_t i = 0; i < most; ++i) {
    const int64_t at = most == 1 ? count - 1 : i * (count - 1) / (most - 1);
    chosen.push_back(grids[at]);
  }
  return chosen;
}

// A click gives it the focus, and the style the whole width.
std::string figure(const std::string& caption, const std::string& png) {
  return "<figure tabindex=\"0\"><figcaption>" + html_text(caption) + "</figcaption>" +
         tools::html_picture(png, caption) + "</figure>\n";
}

std::string pictures(const std::vector<fs::path>& grids) {
  std::string html;
  for (const fs::path& grid : grids) {
    long long step = 0;
    const bool numbered = std::sscanf(grid.stem().c_str(), "step-%lld", &step) == 1;
    html += figure(numbered ? text_of("samples at step ", step) : grid.stem().string(), bytes_of(grid));
  }
  return html;
}

// What --resume would take: where the images are, and how many steps were asked for. Empty for a run without it.
ordered_json recorded_call(const fs::path& run) {
  std::ifstream file(run / "resume.json");
  const ordered_json call = ordered_json::parse(file, nullptr, /*allow_exceptions=*/false);
  return call.is_object() ? call : ordered_json::object();
}

// As many of the run's images as a grid of samples has, evenly spread; nothing where they are not there any more.
std::string real_images(const fs::path& run, const ordered_json& call) try {
  constexpr int64_t kImages = 100;
  constexpr int64_t kColumns = 10;
  const fs::path packed = run / "data.h5";
  const PackedImageReader images(fs::exists(packed) ? packed.string() : call.value("data", ""));
  ImageBatch grid;
  for (int64_t i = 0; i < std::min(kImages, images.count()); ++i) {
    const ImageBatch one = data::read_images(images, i * images.count() / std::min(kImages, images.count()), 1);
    grid.height = one.height;
    grid.width = one.width;
    grid.pixels.insert(grid.pixels.end(), one.pixels.begin(), one.pixels.end());
  }
  return figure("real images", png_grid(grid, kColumns, images.path()));
} catch (const Error&) {
  return "";
}

std::string row(const std::string& name, const std::string& value) {
  return "<tr><th>" + html_text(name) + "</th><td>" + html_text(value) + "</td></tr>\n";
}

std::string option_rows(const ordered_json& options) {
  std::string rows;
  const ordered_json flat = options.flatten();
  for (const auto& [name, value] : flat.items()) {
    rows += row(name.substr(1), value.is_string() ? value.get<std::string>() : value.dump());
  }
  return rows;
}

// The last value of everything that was measured, and the best probe.
std::string summary_rows(const Metrics& metrics) {
  std::string rows;
  const auto text = [](const Curve::Point& p) {
    std::ostringstream line;
    line << p.y << " (step " << static_cast<int64_t>(p.x) << ")";
    return line.str();
  };
  for (const auto& [name, points] : metrics) rows += row(name, text(points.back()));
  const auto probe = metrics.find("probe_score");
  if (probe == metrics.end()) return rows;
  const auto lower = [](const Curve::Point& a, const Curve::Point& b) { return a.y < b.y; };
  return rows + row("highest probe_score", text(*std::max_element(probe->second.begin(), probe->second.end(), lower)));
}

// "2026-11-28 06:30 UTC"
std::string date_of(std::time_t seconds) {
  std::tm fields{};
  gmtime_r(&seconds, &fields);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &fields);
  return text.data();
}

std::time_t changed(const fs::path& path) {
  struct stat status = {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mtime : 0;
}

// Steps and time. The files say when: options.json was written when the run began.
std::string course_rows(const fs::path& run, const Metrics& metrics, const ordered_json& call) {
  double done = 0;
  for (const auto& [name, points] : metrics) done = std::max(done, points.back().x);
  const ordered_json planned = call.value("steps", ordered_json());
  const std::string steps = std::to_string(static_cast<int64_t>(done));
  const std::time_t begun = changed(run / "options.json"), written = changed(run / "metrics.jsonl");
  return row("steps", planned.is_number() ? steps + " of " + planned.dump() : steps) + row("begun", date_of(begun)) +
         row("last written", date_of(written)) +
         row("between them, pauses included", cli::human_duration(std::difftime(written, begun)));
}

// A path as it stands in a link.
std::string link_to(const fs::path& path) {
  std::string escaped;
  for (const char c : path.string()) {
    constexpr const char* kDigits = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = std::isalnum(byte) != 0 || std::string("/._-~").find(c) != std::string::npos;
    escaped += plain ? std::string(1, c) : std::string("%") + kDigits[byte >> 4] + kDigits[byte & 15];
  }
  return escaped;
}

// All files of the run, as they lie from where the report is.
std::string file_rows(const fs::path& run, const fs::path& output) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(run)) {
    if (entry.is_regular_file() && entry.path().filename() != output.filename()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::string rows;
  const fs::path from = fs::absolute(output).parent_path();
  for (const fs::path& file : files) {
    rows += "<tr><th><a href=\"" + link_to(fs::absolute(file).lexically_relative(from)) + "\">" +
            html_text(file.lexically_relative(run).string()) + "</a></th><td>" +
            cli::human_bytes(static_cast<int64_t>(fs::file_size(file))) + "</td></tr>\n";
  }
  return rows;
}

std::string table(const std::string& heading, const std::string& rows) {
  return "<h2>" + heading + "</h2>\n<table>\n" + rows + "</table>\n";
}

std::string page(const fs::path& run, const fs::path& output, const std::vector<fs::path>& grids) {
  const auto [metrics, alarms] = read_course(run / "metrics.jsonl");
  std::string alarm_lines;
  for (const std::string& alarm : alarms) alarm_lines += "<p class=\"alarm\">" + html_text(alarm) + "</p>\n";
  const ordered_json options = read_options(run / "options.json");
  const ordered_json call = recorded_call(run);
  const fs::path normal = fs::absolute(run / "").lexically_normal().parent_path();
  return tools::html_head("dcgan-train: " + normal.filename().string()) +
         table("Run", course_rows(run, metrics, call)) + "<h2>Course</h2>\n" + alarm_lines +
         "<div class=\"row plots\">\n" + plots(metrics) +
         "</div>\n<h2>Samples of always the same noise</h2>\n<p>A click enlarges a picture.</p>\n"
         "<div class=\"row grids\">\n" +
         real_images(run, call) + pictures(grids) + "</div>\n" + table("Last values", summary_rows(metrics)) +
         table("Options", option_rows(options)) + table("Files", file_rows(run, output)) + "</html>\n";
}

// What a run holds; reports of it may be written anew.
std::vector<std::string> files_of(const fs::path& run) {
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(run, error)) {
    if (entry.path().extension() != ".html") files.push_back(entry.path());
  }
  return files;
}

}  // namespace

int report_command(cli::CommandLine& line) {
  ReportOptions options;
  std::string folder;
  line.about("Writes a run's curves, samples and options into one HTML file, which needs no network.",
             "runs/narrow -o narrow.html");
  line.without({"threads", "device", "seed", "progress-every"});
  line.one(folder, "RUN", "run folder of a training; it may still go on");
  line.add_output("Report", options.output, "output,o", "HTML file to make; default report.html in the run folder");
  line.add("Report", options);
  if (!line.parse()) return 0;
  require_option(options.grids >= 0, "grids", options.grids, "0 or more");
  const fs::path run = folder;
  if (fs::exists(run) && !fs::is_directory(run)) {
    throw FileError(folder, "is a file; RUN must be the run folder of a training by dcgan-train.");
  }
  if (options.output.empty()) options.output = run / "report.html";
  const std::string& output = options.output;
  cli::require_free(output, options.overwrite);
  line.require_apart([&run] { return files_of(run); });
  cli::make_folder_of(output);

  const std::vector<fs::path> grids = sample_grids(run / "samples", options.grids);
  const std::string html = page(run, output, grids);
  write_text_file(output, html);
  cli::print_result(line.common(), {{"report", output}, {"bytes", html.size()}, {"grids", grids.size()}},
                    text_of(output, ": ", html.size(), " bytes, ", grids.size(), " grids of samples\n"));
  return 0;
}

}  // namespace dcgan::train_tool
