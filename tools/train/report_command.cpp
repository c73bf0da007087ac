#include <openssl/evp.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tools/cli/command_line.h"
#include "tools/train/commands.h"
#include "tools/train/line_plot.h"

namespace dcgan::train_tool {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

struct ReportOptions {
  std::string output;
  int64_t grids = 12;
  bool overwrite = false;
};

template <class Visitor>
void describe(ReportOptions& o, Visitor&& f) {
  f(o.output, "output,o", "HTML file to make; default report.html in the run folder");
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
      throw FileError(
          path, "line " + std::to_string(number) + " is no JSON object with a step; restore it, or take the line out.");
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

std::string base64(const std::string& bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock ends with a zero
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), reinterpret_cast<const unsigned char*>(bytes.data()),
                  static_cast<int>(bytes.size()));
  text.pop_back();
  return text;
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
    chosen.push_back(grids[static_cast<size_t>(at)]);
  }
  return chosen;
}

std::string pictures(const std::vector<fs::path>& grids) {
  std::string html;
  for (const fs::path& grid : grids) {
    long long step = 0;
    const bool numbered = std::sscanf(grid.stem().c_str(), "step-%lld", &step) == 1;
    const std::string caption = numbered ? "step " + std::to_string(step) : grid.stem().string();
    html += "<figure><figcaption>" + html_text(caption) +
            "</figcaption><img alt=\"samples\" src=\"data:image/png;base64," + base64(bytes_of(grid)) +
            "\"></figure>\n";
  }
  return html;
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

constexpr const char* kHead = R"(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>dcgan-train: %TITLE%</title>
<style>
  body { font: 15px/1.5 sans-serif; max-width: 1180px; margin: 2em auto; padding: 0 1em; color: #222; }
  .row { display: flex; flex-wrap: wrap; gap: 1em; }
  figure { margin: 0; }
  figcaption { font-weight: bold; }
  .plots figure { flex: 0 1 570px; }
  .grids figure { flex: 0 1 370px; }
  img { width: 100%; image-rendering: pixelated; }
  svg { width: 100%; font: 12px sans-serif; }
  svg polyline { fill: none; stroke-width: 1.5; }
  svg .axes line { stroke: #ddd; }
  svg .axes text { fill: #555; }
  svg .legend { font-weight: bold; }
  table { border-collapse: collapse; }
  th, td { padding: .1em .8em; border-bottom: 1px solid #ddd; text-align: left; font-weight: normal; }
  .alarm { color: #b00; }
  td { font-variant-numeric: tabular-nums; word-break: break-word; }
</style>
<h1>%TITLE%</h1>
)";

std::string page(const fs::path& run, const std::string& title, const std::vector<fs::path>& grids) {
  const auto [metrics, alarms] = read_course(run / "metrics.jsonl");
  std::string alarm_lines;
  for (const std::string& alarm : alarms) alarm_lines += "<p class=\"alarm\">" + html_text(alarm) + "</p>\n";
  const ordered_json options = read_options(run / "options.json");
  std::string head = kHead;
  const std::string mark = "%TITLE%";
  for (size_t at = 0; (at = head.find(mark, at)) != std::string::npos;) head.replace(at, mark.size(), html_text(title));
  return head + "<h2>Course</h2>\n" + alarm_lines + "<div class=\"row plots\">\n" + plots(metrics) +
         "</div>\n<h2>Samples of always the same noise</h2>\n<div class=\"row grids\">\n" + pictures(grids) +
         "</div>\n<h2>Last values</h2>\n<table>\n" + summary_rows(metrics) + "</table>\n<h2>Options</h2>\n<table>\n" +
         option_rows(options) + "</table>\n</html>\n";
}

}  // namespace

int report_command(cli::CommandLine& line) {
  ReportOptions options;
  std::string folder;
  line.about("Writes a run's curves, samples and options into one HTML file, which needs no network.",
             "runs/narrow -o narrow.html");
  line.one(folder, "RUN", "run folder of a training; it may still go on");
  line.add("Report", options);
  if (!line.parse()) return 0;
  require_option(options.grids >= 0, "grids", options.grids, "0 or more");
  const fs::path run = folder;
  const fs::path output = options.output.empty() ? run / "report.html" : fs::path(options.output);
  cli::require_free(output, options.overwrite);
  cli::make_folder_of(output);

  const fs::path normal = fs::absolute(run / "").lexically_normal().parent_path();
  const std::vector<fs::path> grids = sample_grids(run / "samples", options.grids);
  const std::string html = page(run, normal.filename(), grids);
  const fs::path partial = output.string() + ".partial";
  std::ofstream file(partial, std::ios::binary);
  file << html;
  file.close();
  if (!file) throw FileError(partial, "cannot be written: " + std::string(std::strerror(errno)) + ".");
  fs::rename(partial, output);
  cli::print_result(line.common(), {{"report", output.string()}, {"bytes", html.size()}, {"grids", grids.size()}},
                    output.string() + ": " + std::to_string(html.size()) + " bytes, " + std::to_string(grids.size()) +
                        " grids of samples\n");
  return 0;
}

}  // namespace dcgan::train_tool
