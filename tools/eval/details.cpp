#include "tools/eval/details.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "data/packed_contents.h"
#include "dcgan/errors.h"
#include "dcgan/output_files.h"
#include "dcgan/packed_images.h"
#include "dcgan/png_file.h"
#include "eval/protocols/spread.h"
#include "tools/cli/output.h"
#include "tools/shared/html.h"

namespace dcgan::eval_tool {
namespace {

using nlohmann::ordered_json;
using tools::html_text;

constexpr int64_t kColumns = 8;        // of the sheet
constexpr int64_t kWidestMatrix = 20;  // classes that a terminal has room for

// "71.20%", or "-" where there is nothing to divide by.
std::string percent(double share) {
  if (std::isnan(share)) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.2f%%", 100 * share);
  return text;
}

std::string padded(const std::string& text, size_t width) {
  return std::string(width > text.size() ? width - text.size() : 0, ' ') + text;
}

std::string name_of(const Details& details, const eval::Mistake& mistake) {
  const std::string row = text_of("row ", mistake.row);
  return details.paths.empty() ? row : details.paths[mistake.row];
}

std::string matrix_page(const Details& details) {
  const eval::Confusion& confusion = details.confusion;
  std::string html = "<table class=\"matrix\">\n<thead><tr><th>is, taken for</th>";
  for (const std::string& name : details.classes) html += "<th>" + html_text(name) + "</th>";
  html += "<th>recall</th></tr></thead>\n";
  for (int64_t i = 0; i < confusion.classes(); ++i) {
    html += "<tr><th>" + html_text(details.classes[i]) + "</th>";
    const auto rows = static_cast<double>(std::max<int64_t>(1, confusion.rows_of(i)));
    for (int64_t j = 0; j < confusion.classes(); ++j) {
      char colour[64];  // what is right is blue, what is wrong red, the stronger the more
      std::snprintf(colour, sizeof colour, "rgba(%s,%.3f)", i == j ? "31,95,168" : "196,81,29",
                    std::sqrt(static_cast<double>(confusion.count(i, j)) / rows));
      html += text_of("<td style=\"background:", std::string(colour), "\">", confusion.count(i, j), "</td>");
    }
    html += "<td>" + percent(confusion.recall(i)) + "</td></tr>\n";
  }
  html += "<tr><th>precision</th>";
  for (int64_t j = 0; j < confusion.classes(); ++j) html += "<td>" + percent(confusion.precision(j)) + "</td>";
  return html + "<td></td></tr>\n</table>\n";
}

std::string mistakes_page(const Details& details) {
  std::string html = "<table>\n<tr><th>image</th><th>is</th><th>taken for</th><th>lead of the wrong score</th></tr>\n";
  for (const eval::Mistake& m : details.mistakes) {
    char lead[32];
    std::snprintf(lead, sizeof lead, "%.3f", m.lead);
    html += "<tr><td>" + html_text(name_of(details, m)) + "</td><td>" + html_text(details.classes[m.label]) +
            "</td><td>" + html_text(details.classes[m.taken_for]) + "</td><td>" + lead + "</td></tr>\n";
  }
  return html + "</table>\n";
}

std::string section(const Details& details, const std::string& page) {
  int64_t rows = 0;
  for (int64_t k = 0; k < details.confusion.classes(); ++k) rows += details.confusion.rows_of(k);
  std::string html = "<p>" + html_text(details.title) + ": " + percent(details.accuracy);
  if (details.machines == 1) {
    const eval::Interval interval = eval::binomial_interval(details.accuracy, rows);
    html += " of " + std::to_string(rows) + " test rows are right, 95% binomial interval " + percent(interval.low) +
            " to " + percent(interval.high) + ".</p>\n";
  } else {
    html += " of " + std::to_string(rows / details.machines) + " test rows are right in the mean of " +
            std::to_string(details.machines) + " draws; what follows counts the rows of all draws.</p>\n";
  }
  html += "<h2>What is taken for what</h2>\n" + matrix_page(details);
  if (details.mistakes.empty()) return html;
  html += "<h2>Most confident mistakes</h2>\n";
  if (details.pictures) {
    html += "<div class=\"row\"><figure>" +
            tools::html_picture(png_grid(*details.pictures, kColumns, page), "most confident mistakes, by rows") +
            "</figure></div>\n";
  }
  return html + mistakes_page(details);
}

}  // namespace

void check(const DetailOptions& options, bool overwrite) {
  for (const std::string& path : {options.html, options.mistakes}) {
    if (path.empty()) continue;
    cli::require_free(path, overwrite);
    cli::make_folder_of(path);
  }
}

std::string image_file(const LabelledRows& test, const DetailOptions& options) {
  if (test.are_pixels()) return test.path();
  if (options.test_images.empty()) {
    if (options.mistakes.empty()) return "";
    throw OptionError("--mistakes needs --test-images, the packed file that --test was extracted from.");
  }
  const PackedImageReader packed(options.test_images);
  const bool same =
      packed.count() == test.rows() + test.left_out() && (test.paths().empty() || packed.paths() == test.paths());
  if (same) return options.test_images;
  throw FileError(options.test_images, "has other images than the rows of ", test.path(),
                  "; --test-images names the packed file that they were extracted from.");
}

void add_details(const Details& details, ordered_json& report) {
  const eval::Confusion& confusion = details.confusion;
  ordered_json matrix = ordered_json::array(), precision = ordered_json::array(), recall = ordered_json::array();
  for (int64_t i = 0; i < confusion.classes(); ++i) {
    ordered_json row = ordered_json::array();
    for (int64_t j = 0; j < confusion.classes(); ++j) row.push_back(confusion.count(i, j));
    matrix.push_back(row);
    precision.push_back(confusion.precision(i));  // NaN is null
    recall.push_back(confusion.recall(i));
  }
  ordered_json mistakes = ordered_json::array();
  for (const eval::Mistake& m : details.mistakes) {
    mistakes.push_back({{"row", m.row},
                        {"name", name_of(details, m)},
                        {"label", details.classes[m.label]},
                        {"taken_for", details.classes[m.taken_for]},
                        {"lead", m.lead}});
  }
  report.update({{"confusion", matrix}, {"precision", precision}, {"recall", recall}, {"mistakes", mistakes}});
}

std::string details_text(const Details& details) {
  const eval::Confusion& confusion = details.confusion;
  const int64_t classes = confusion.classes();
  size_t first = std::string("precision").size();
  for (const std::string& name : details.classes) first = std::max(first, name.size());
  constexpr size_t kWidth = 8;
  std::string text;
  if (classes <= kWidestMatrix) {
    text += "\nrows of a class, and what they were taken for" +
            (details.machines > 1 ? ", in all " + std::to_string(details.machines) + " draws" : std::string()) + "\n" +
            std::string(first, ' ');
    for (const std::string& name : details.classes) text += " " + padded(name.substr(0, kWidth - 1), kWidth - 1);
    for (int64_t i = 0; i < classes; ++i) {
      text += "\n" + padded(details.classes[i], first);
      for (int64_t j = 0; j < classes; ++j) text += padded(std::to_string(confusion.count(i, j)), kWidth);
    }
    text += "\n";
  }
  text +=
      "\n" + std::string(first, ' ') + padded("rows", kWidth) + padded("recall", 10) + padded("precision", 11) + "\n";
  for (int64_t i = 0; i < classes; ++i) {
    text += padded(details.classes[i], first) + padded(std::to_string(confusion.rows_of(i)), kWidth) +
            padded(percent(confusion.recall(i)), 10) + padded(percent(confusion.precision(i)), 11) + "\n";
  }
  constexpr size_t kShown = 10;
  if (!details.mistakes.empty()) text += "\nmost confident mistakes\n";
  for (size_t i = 0; i < std::min(kShown, details.mistakes.size()); ++i) {
    const eval::Mistake& m = details.mistakes[i];
    text += "  " + name_of(details, m) + ": " + details.classes[m.label] + ", taken for " +
            details.classes[m.taken_for] + "\n";
  }
  return text;
}

std::optional<ImageBatch> pictures_of(const std::vector<eval::Mistake>& mistakes, const std::string& packed_file) {
  if (packed_file.empty() || mistakes.empty()) return std::nullopt;
  const PackedImageReader packed(packed_file);
  ImageBatch sheet;
  sheet.height = packed.info().height;
  sheet.width = packed.info().width;
  for (const eval::Mistake& mistake : mistakes) {
    const ImageBatch one = data::read_images(packed, mistake.row, 1);
    sheet.pixels.insert(sheet.pixels.end(), one.pixels.begin(), one.pixels.end());
  }
  return sheet;
}

void write_files(const std::string& title, const std::vector<Details>& sections, const DetailOptions& options) {
  std::string html = tools::html_head(title);
  bool sheet_is_due = !options.mistakes.empty();
  for (const Details& details : sections) {
    if (sheet_is_due && details.pictures) {
      write_png_grid(options.mistakes, *details.pictures, kColumns);
      sheet_is_due = false;
    }
    html += section(details, options.html);
  }
  if (!options.html.empty()) write_text_file(options.html, html + "</html>\n");
}

}  // namespace dcgan::eval_tool
