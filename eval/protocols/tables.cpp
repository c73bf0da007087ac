#include "eval/protocols/tables.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "dcgan/errors.h"

namespace dcgan::eval {
namespace {

constexpr char kPaper[] = "Radford, Metz, Chintala 2016, arXiv:1511.06434";

std::string number(double value, int digits) {
  std::ostringstream text;
  text.setf(std::ios::fixed);
  text.precision(digits);
  text << value;
  return text.str();
}

double figure(const ResultTable& table, double accuracy) { return 100 * (table.errors ? 1 - accuracy : accuracy); }

// Of a single fit; in the table's figures.
bool has_interval(const ProtocolResult& result) { return result.accuracy.n == 1 && result.test_rows > 0; }

Interval interval_of(const ResultTable& table, const ProtocolResult& result) {
  const Interval share = binomial_interval(result.accuracy.mean, result.test_rows);
  Interval figures = {figure(table, share.low), figure(table, share.high)};
  if (table.errors) std::swap(figures.low, figures.high);
  return figures;
}

std::string cell(const ResultTable& table, const ProtocolResult& result) {
  if (result.training_rows == 0) return "";
  std::string text = number(figure(table, result.accuracy.mean), 2) + "%";
  if (result.accuracy.n > 1) text += " (±" + number(100 * result.accuracy.authors, 2) + "%)";
  if (has_interval(result)) {
    const auto [low, high] = interval_of(table, result);
    text += " [" + number(low, 2) + " to " + number(high, 2) + "]";
  }
  if (!result.converged) text += " (not converged)";
  return text;
}

// Everything behind one figure, one line each.
std::vector<std::string> details(const ResultTable& table, const ProtocolResult& r) {
  std::vector<std::string> lines;
  std::ostringstream line;
  line << r.training_rows << " labels";
  if (r.pool_rows > 0) line << " in a draw from " << r.pool_rows;
  line << ", " << r.validation_rows << " for validation";
  if (r.test_rows > 0) line << ", tested on " << r.test_rows << "; C = " << r.c;
  lines.push_back(line.str());
  if (r.accuracy.n > 1) {
    double low = figure(table, r.accuracy.ci_low), high = figure(table, r.accuracy.ci_high);
    if (low > high) std::swap(low, high);
    lines.push_back(text_of(r.accuracy.n, " draws: sd ", number(100 * r.accuracy.sd, 2), ", 1.96 sd ",
                            number(100 * r.accuracy.authors, 2), ", 95% confidence interval of the mean ",
                            number(low, 2), " to ", number(high, 2),
                            "; what other test images would change is not in it"));
  }
  if (has_interval(r)) {
    const auto [low, high] = interval_of(table, r);
    lines.push_back(text_of("one fit: 95% binomial interval of ", r.test_rows, " test images ", number(low, 2), " to ",
                            number(high, 2)));
  }
  lines.push_back("splits: training " + r.training_hash + ", validation " + r.validation_hash +
                  (r.test_rows > 0 ? ", test " + r.test_hash : ""));
  if (!r.edge_warning.empty()) lines.push_back("warning: " + r.edge_warning);
  for (const std::string& note : r.notes) lines.push_back("note: " + note);
  return lines;
}

// Characters as they are shown: bytes that begin a UTF-8 sequence.
size_t shown_width(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::vector<std::vector<std::string>> cells(const ResultTable& table) {
  std::vector<std::vector<std::string>> rows = {{"model"}};
  for (const std::string& column : table.columns) rows[0].push_back(column);
  rows[0].push_back("setting");
  for (const PublishedRow& row : table.published) {
    rows.push_back({row.model});
    for (size_t c = 0; c < table.columns.size(); ++c) rows.back().push_back(row.values[c]);
    rows.back().push_back("published" + (row.note.empty() ? "" : "; " + row.note));
  }
  for (const MeasuredRow& row : table.measured) {
    rows.push_back({row.model});
    for (const ProtocolResult& result : row.results) rows.back().push_back(cell(table, result));
    std::string setting = "ours" + (row.features > 0 ? text_of(", ", row.features, " features") : "");
    for (const std::string& note : row.notes) setting += "; " + note;
    rows.back().push_back(setting);
  }
  return rows;
}

std::string behind_the_figures(const ResultTable& table, const std::string& bullet) {
  std::string text;
  for (const MeasuredRow& row : table.measured) {
    for (size_t c = 0; c < row.results.size(); ++c) {
      if (row.results[c].training_rows == 0) continue;
      text += bullet + row.model + ", " + table.columns[c] + "\n";
      if (!row.model_sha256.empty()) text += "    model " + row.model_sha256 + "\n";
      for (const std::string& line : details(table, row.results[c])) text += "    " + line + "\n";
    }
  }
  return text_of(text, "seed ", table.seed, "; published rows: ", table.source, "\n");
}

std::string render_text(const ResultTable& table) {
  const auto rows = cells(table);
  std::vector<size_t> widths(rows[0].size());
  for (const auto& row : rows) {
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], shown_width(row[c]));
  }
  std::string text = table.title + "\n\n";
  for (const auto& row : rows) {
    for (size_t c = 0; c < row.size(); ++c) {
      text += row[c];
      if (c + 1 < row.size()) text += std::string(widths[c] - shown_width(row[c]) + 2, ' ');
    }
    text += "\n";
  }
  return text + "\n" + behind_the_figures(table, "");
}

std::string render_markdown(const ResultTable& table) {
  std::string text = "**" + table.title + "**\n\n";
  const auto rows = cells(table);
  for (size_t r = 0; r < rows.size(); ++r) {
    for (const std::string& value : rows[r]) text += "| " + value + " ";
    text += "|\n";
    if (r > 0) continue;
    for (size_t c = 0; c < rows[0].size(); ++c) text += "|---";
    text += "|\n";
  }
  return text + "\n" + behind_the_figures(table, "* ");
}

std::string quoted(const std::string& value) {
  if (value.find_first_of(",\"\n") == std::string::npos) return value;
  std::string text = "\"";
  for (const char c : value) text += c == '"' ? "\"\"" : std::string(1, c);
  return text + "\"";
}

std::string render_csv(const ResultTable& table) {
  std::string text =
      "model,column,figure_percent,draws,sd,sd_1.96,ci_low,ci_high,c,training_rows,pool_rows,validation_rows,test_rows,"
      "features,training_hash,validation_hash,test_hash,model_sha256,origin,notes,"
      "binomial_low,binomial_high\n";
  for (const PublishedRow& row : table.published) {
    for (size_t c = 0; c < table.columns.size(); ++c) {
      if (row.values[c].empty()) continue;
      text += quoted(row.model) + "," + quoted(table.columns[c]) + "," + quoted(row.values[c]) +
              ",,,,,,,,,,,,,,,,published," + quoted(row.note) + ",,\n";
    }
  }
  for (const MeasuredRow& row : table.measured) {
    for (size_t c = 0; c < row.results.size(); ++c) {
      const ProtocolResult& r = row.results[c];
      if (r.training_rows == 0) continue;
      std::string notes;
      if (!r.edge_warning.empty()) notes = "warning: " + r.edge_warning;
      for (const auto* list : {&row.notes, &r.notes}) {
        for (const std::string& note : *list) notes += (notes.empty() ? "" : "; ") + note;
      }
      double low = figure(table, r.accuracy.ci_low), high = figure(table, r.accuracy.ci_high);
      if (low > high) std::swap(low, high);
      const auto spread = [&](double value) { return r.accuracy.n > 1 ? number(value, 4) : ""; };
      std::ostringstream line;
      line << quoted(row.model) << "," << quoted(table.columns[c]) << "," << number(figure(table, r.accuracy.mean), 4)
           << "," << r.accuracy.n << "," << spread(100 * r.accuracy.sd) << "," << spread(100 * r.accuracy.authors)
           << "," << spread(low) << "," << spread(high) << "," << r.c << "," << r.training_rows << "," << r.pool_rows
           << "," << r.validation_rows << "," << r.test_rows << "," << row.features << "," << r.training_hash << ","
           << r.validation_hash << "," << r.test_hash << "," << row.model_sha256 << ",ours," << quoted(notes);
      if (has_interval(r)) {
        const auto [binomial_low, binomial_high] = interval_of(table, r);
        line << "," << number(binomial_low, 4) << "," << number(binomial_high, 4) << "\n";
      } else {
        line << ",,\n";
      }
      text += line.str();
    }
  }
  return text;
}

std::string render_json(const ResultTable& table) {
  using Json = nlohmann::ordered_json;
  Json published = Json::array(), measured = Json::array();
  for (const PublishedRow& row : table.published) {
    published.push_back({{"model", row.model}, {"values", row.values}, {"note", row.note}});
  }
  for (const MeasuredRow& row : table.measured) {
    Json results = Json::array();
    for (size_t c = 0; c < row.results.size(); ++c) {
      const ProtocolResult& r = row.results[c];
      if (r.training_rows == 0) continue;
      Json grid = Json::array();
      for (const GridPoint& p : r.grid) {
        grid.push_back({{"c", p.c},
                        {"validation_accuracy", p.accuracy},
                        {"fits", p.fits},
                        {"converged", p.convergence.reached()}});
      }
      const double low = table.errors ? 1 - r.accuracy.ci_high : r.accuracy.ci_low;
      const double high = table.errors ? 1 - r.accuracy.ci_low : r.accuracy.ci_high;
      const auto spread = [&](double value) { return r.accuracy.n > 1 ? Json(value) : Json(); };
      results.push_back({{"column", table.columns[c]},
                         {"accuracy", r.accuracy.mean},
                         {"error", 1 - r.accuracy.mean},
                         {"draws", r.accuracy.n},
                         {"sd", spread(r.accuracy.sd)},
                         {"sd_1.96", spread(r.accuracy.authors)},
                         {"ci_low", spread(low)},
                         {"ci_high", spread(high)},
                         {"binomial_low", has_interval(r) ? Json(interval_of(table, r).low / 100) : Json()},
                         {"binomial_high", has_interval(r) ? Json(interval_of(table, r).high / 100) : Json()},
                         {"c", r.c},
                         {"c_grid", grid},
                         {"c_at_edge", !r.edge_warning.empty()},
                         {"converged", r.converged},
                         {"training_rows", r.training_rows},
                         {"pool_rows", r.pool_rows},
                         {"validation_rows", r.validation_rows},
                         {"test_rows", r.test_rows},
                         {"training_hash", r.training_hash},
                         {"validation_hash", r.validation_hash},
                         {"test_hash", r.test_hash},
                         {"notes", r.notes}});
    }
    measured.push_back({{"model", row.model},
                        {"model_sha256", row.model_sha256},
                        {"features", row.features},
                        {"notes", row.notes},
                        {"results", results}});
  }
  const Json json = {{"title", table.title}, {"columns", table.columns}, {"source", table.source},
                     {"seed", table.seed},   {"published", published},   {"measured", measured}};
  return json.dump() + "\n";
}

}  // namespace

ResultTable cifar10_table() {
  ResultTable table;
  table.title = "CIFAR-10, accuracy of a linear classifier";
  table.source = std::string(kPaper) + ", Table 1";
  table.columns = {"all labels", "400 per class"};
  table.published = {{"1 layer K-means", {"80.6%", "63.7% (±0.7%)"}, "at most 4800 features a position"},
                     {"3 layer K-means learned RF", {"82.0%", "70.7% (±0.7%)"}, "at most 3200"},
                     {"view invariant K-means", {"81.9%", "72.6% (±0.7%)"}, "at most 6400"},
                     {"Exemplar CNN", {"84.3%", "77.4% (±0.2%)"}, "at most 1024"},
                     {"DCGAN + L2-SVM", {"82.8%", "73.8% (±0.4%)"}, "at most 512; GAN trained on ImageNet-1k"}};
  return table;
}

ResultTable svhn_table() {
  ResultTable table;
  table.title = "SVHN with 1,000 labels, error";
  table.source = std::string(kPaper) + ", Table 2; the row of ALI's authors: arXiv:1606.00704";
  table.columns = {"error"};
  table.errors = true;
  table.published = {{"KNN", {"77.93%"}, ""},
                     {"TSVM", {"66.55%"}, ""},
                     {"M1 + KNN", {"65.63%"}, ""},
                     {"M1 + TSVM", {"54.33%"}, ""},
                     {"M1 + M2", {"36.02%"}, ""},
                     {"SWWAE without dropout", {"27.83%"}, ""},
                     {"SWWAE with dropout", {"23.56%"}, ""},
                     {"DCGAN + L2-SVM", {"22.48%"}, "GAN trained on ImageNet-1k, 28,672 features"},
                     {"DCGAN + L2-SVM, as ALI quotes it", {"22.18% (±1.13%)"}, "after the release of the SVHN model"},
                     {"supervised CNN, same architecture", {"28.87%"}, "validation error, not test"}};
  return table;
}

size_t column_for(ResultTable& table, size_t column, const std::string& published, const std::string& ours) {
  if (ours == published) return column;
  table.columns[column] = published;
  table.columns.push_back(ours);
  for (PublishedRow& row : table.published) row.values.emplace_back();
  return table.columns.size() - 1;
}

std::string render(const ResultTable& table, TableFormat format) {
  switch (format) {
    case TableFormat::kMarkdown:
      return render_markdown(table);
    case TableFormat::kCsv:
      return render_csv(table);
    case TableFormat::kJson:
      return render_json(table);
    default:
      return render_text(table);
  }
}

}  // namespace dcgan::eval
