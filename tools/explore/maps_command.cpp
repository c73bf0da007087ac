#include <algorithm>
#include <optional>
#include <sstream>

#include "dcgan/boxes.h"
#include "dcgan/errors.h"
#include "dcgan/feature_columns.h"
#include "dcgan/pictures.h"
#include "tools/cli/shipped_files.h"
#include "tools/explore/commands.h"
#include "tools/explore/generator.h"
#include "tools/explore/image_rows.h"
#include "tools/explore/results.h"
#include "tools/explore/weighed_columns.h"

namespace dcgan::explore_tool {
namespace {

using nlohmann::ordered_json;

struct MapsOptions {
  std::string model;
  std::vector<int64_t> layers;
  std::vector<int64_t> columns;
  int64_t strongest = 8;
  WeighedOptions weighed;
  int64_t scale = 3;
};

template <class Visitor>
void describe(MapsOptions& o, Visitor&& f) {
  f(o.model, "model",
    "model file (.safetensors), a run folder, or the name of one that ships; default: the one that --svm was fitted "
    "to, "
    "where it ships, without --svm the one that dcgan-extract takes");
  f(o.layers, "layers", "convolutions that are shown, 1-based, such as 1,2,6; default all");
  f(o.strongest, "strongest", "maps of each layer, those with the largest values");
  f(o.columns, "columns",
    "instead of the strongest maps those of these columns of the feature vector of all layers (grid 4), counted from "
    "0");
  describe(o.weighed, f);
  f(o.scale, "scale", "side of a pixel of the image in the pictures");
}

/// One map of the image that is shown.
struct Shown {
  int64_t layer, channel;
  std::optional<AskedColumn> asked;
};

/// What is shown without a classifier: maps of all layers.
AskedColumns all_layers(const MapsOptions& options) {
  AskedColumns asked;
  asked.model = cli::model_file("--model", options.model.empty() ? cli::kDefaultModel : options.model);
  for (const int64_t column : options.columns) asked.columns.push_back({column, std::nullopt});
  return asked;
}

constexpr int64_t kMapsInRow = 8;

class Maps {
 public:
  Maps(const MapsOptions& options, const ModelFile& model, const AskedColumns& asked, const ImageBatch& image,
       const cli::CommonOptions& common)
      : image_(image),
        layout_{model.architecture, asked.layers, asked.grid},
        networks_(open_networks(model, false, common)) {
    for (int64_t layer = 1; asked.layers.empty() && layer <= model.convolutions; ++layer) {
      layout_.layers.push_back(layer);
    }
    for (const int64_t layer : options.layers) check_layer(layer, model);
    for (const AskedColumn& column : asked.columns) {
      const FeatureColumn at = layout_.at(column.column);
      shown_.push_back({at.layer, at.channel, column});
    }
    if (!shown_.empty()) return;
    for (const int64_t layer : options.layers.empty() ? layout_.layers : options.layers) {
      for (const int64_t channel : strongest_channels(maps(layer), options.strongest)) {
        shown_.push_back({layer, channel, std::nullopt});
      }
    }
  }

  /// The image, and over it the maps that are shown, as they are or as their cells: a row for each layer, or where
  /// columns were asked for these in their order, each cell with a red edge.
  ImageBatch picture(bool cells) {
    ImageBatch all;
    const int64_t columns = row_columns();
    ImageBatch blank = image_;
    std::fill(blank.pixels.begin(), blank.pixels.end(), uint8_t{255});
    for (size_t i = 0; i < shown_.size();) {
      append_images(all, image_);
      int64_t in_row = 1;
      const size_t first = i;
      for (; i < shown_.size() && same_row(first, i) && in_row < columns; ++i, ++in_row) {
        const FeatureMaps& full = maps(shown_[i].layer);
        const FeatureMaps of_layer = cells ? pooled(full, layout_.grid) : full;
        const ImageBatch lit = heat_maps(image_, map_of(of_layer, 0, shown_[i].channel), of_layer.size);
        append_images(all, cells && shown_[i].asked ? with_boxes(lit, {box_of(shown_[i])}) : lit);
      }
      for (; in_row < columns; ++in_row) append_images(all, blank);
    }
    return all;
  }

  /// The image and the maps of the layer that has most of them.
  int64_t row_columns() const {
    int64_t most = 0;
    for (size_t first = 0, i = 0; i < shown_.size(); ++i) {
      if (!same_row(first, i)) first = i;
      most = std::max(most, static_cast<int64_t>(i - first) + 1);
    }
    return (shown_.front().asked ? std::min(most, kMapsInRow) : most) + 1;
  }

  /// A line for each column that was asked for: "weight 0.0132268, layer 6, channel 155, ...".
  std::string text() {
    std::ostringstream lines;
    for (const ordered_json& m : facts()) {
      const char* separator = "";
      for (const char* key : {"weight", "layer", "channel", "cell", "column", "value"}) {
        if (!m.contains(key)) continue;
        lines << separator << key << " " << m[key].get<double>();
        separator = ", ";
      }
      lines << "\n";
    }
    return lines.str();
  }

  ordered_json facts() {
    ordered_json all = ordered_json::array();
    for (const Shown& s : shown_) {
      const FeatureMaps cells = pooled(maps(s.layer), layout_.grid);
      const std::vector<float> values = map_of(cells, 0, s.channel);
      const int64_t first = layout_.first_column(s.layer, s.channel);
      ordered_json entry = {{"layer", s.layer},
                            {"channel", s.channel},
                            {"first-column", first},
                            {"last-column", first + layout_.grid * layout_.grid - 1},
                            {"strongest", *std::max_element(values.begin(), values.end())},
                            {"cells", values}};
      if (s.asked) {
        const int64_t cell = s.asked->column - first;
        entry.update({{"column", s.asked->column}, {"cell", cell}, {"value", values[cell]}});
        if (s.asked->weight) entry["weight"] = *s.asked->weight;
      }
      all.push_back(entry);
    }
    return all;
  }

 private:
  static void check_layer(int64_t layer, const ModelFile& model) {
    require_option(layer >= 1 && layer <= model.convolutions, "layers", layer,
                   text_of("from 1 to ", model.convolutions, ", the convolutions of the model"));
  }

  /// Whether two of those that are shown may stand side by side.
  bool same_row(size_t one, size_t other) const {
    return shown_[one].asked || shown_[one].layer == shown_[other].layer;
  }

  /// The pixels of the cell that was asked for.
  Box box_of(const Shown& s) const {
    const int64_t cell = s.asked->column - layout_.first_column(s.layer, s.channel);
    const int64_t side = image_.height / layout_.grid;
    return {0, cell % layout_.grid * side, cell / layout_.grid * side, side, side};
  }

  const FeatureMaps& maps(int64_t layer) {
    if (layer != held_) {
      maps_ = networks_->discriminator_maps(network_input(image_), layer);
      held_ = layer;
    }
    return maps_;
  }

  ImageBatch image_;
  FeatureLayout layout_;
  std::unique_ptr<ExploredNetworks> networks_;
  std::vector<Shown> shown_;
  FeatureMaps maps_;
  int64_t held_ = 0;  ///< layer that maps_ are of
};

}  // namespace

int maps_command(cli::CommandLine& line) {
  MapsOptions options;
  ResultOptions output;
  std::string image;
  line.about(
      "What the feature extractor sees of one image: the strongest maps of each layer, as light over the image, the "
      "4x4 "
      "cells that they are max-pooled to, and the columns of the feature vector where these stand.",
      "cat.jpg --out pictures");
  line.one(image, "IMAGE", "the image to look at");
  line.add("Maps", options);
  line.add("Output", output);
  line.require(output.out, "--out", "the folder that gets maps.png");
  if (!line.parse()) return 0;
  require_option(options.strongest >= 1 && options.strongest <= 1000, "strongest", options.strongest,
                 "from 1 to 1,000");
  require_option(options.scale >= 1 && options.scale <= 16, "scale", options.scale, "from 1 to 16");
  require_option(options.weighed.heaviest >= 1 && options.weighed.heaviest <= 1000, "heaviest",
                 options.weighed.heaviest, "from 1 to 1,000");
  const bool svm = !options.weighed.svm.empty();
  for (const char* flag : {"layers", "strongest", "columns"}) {
    if ((svm || (!options.columns.empty() && flag != std::string("columns"))) && line.given(flag)) {
      throw OptionError(svm ? "--svm" : "--columns", " says which maps are shown; leave out --", flag, ".");
    }
  }
  for (const char* flag : {"class", "heaviest"}) {
    if (!svm && line.given(flag)) throw OptionError("--", flag, " is of --svm; name its file, or leave it out.");
  }
  Results results(line, output, {"maps.png", "maps-cells.png"});
  const AskedColumns columns =
      svm ? weighed_columns(options.model, options.weighed, line.common().threads) : all_layers(options);
  const ModelFile model = load_model(columns.model);
  data::ResizeOptions resize;
  resize.size = model.architecture.image_size;
  resize.resize = columns.resize.value_or(model.architecture.input.resize);
  const PreparedImages images({image}, resize, line.common());
  if (images.count() != 1) {
    throw OptionError(image, " holds ", images.count(), " images; name the one to look at.");
  }
  Maps maps(options, model, columns, images.images({0}), line.common());
  results.facts.update({{"model-sha256", model.sha256}, {"image", images.path(0)}});
  if (svm) results.facts["class"] = options.weighed.of_class;
  results.facts["maps"] = maps.facts();
  const bool asked = svm || !options.columns.empty();
  results.picture("maps.png",
                  asked ? "The image, and its maps of these columns: light where they are large"
                        : "The image, and its strongest maps: light where they are large, a row for each layer",
                  enlarged(maps.picture(false), options.scale), maps.row_columns());
  results.picture("maps-cells.png", "The same maps as the cells that stand in the feature vector",
                  enlarged(maps.picture(true), options.scale), maps.row_columns());
  results.finish(asked ? maps.text() : text_of(results.facts["maps"].size(), " maps\n"));
  return 0;
}

}  // namespace dcgan::explore_tool
