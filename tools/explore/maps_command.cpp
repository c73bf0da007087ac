#include <algorithm>

#include "dcgan/errors.h"
#include "dcgan/feature_columns.h"
#include "dcgan/pictures.h"
#include "tools/cli/shipped_files.h"
#include "tools/explore/commands.h"
#include "tools/explore/generator.h"
#include "tools/explore/image_rows.h"
#include "tools/explore/results.h"

namespace dcgan::explore_tool {
namespace {

using nlohmann::ordered_json;

struct MapsOptions {
  std::string model = cli::kDefaultModel;
  std::vector<int64_t> layers;
  std::vector<int64_t> columns;
  int64_t strongest = 8;
  int64_t scale = 3;
};

template <class Visitor>
void describe(MapsOptions& o, Visitor&& f) {
  f(o.model, "model", "model file (.safetensors), a run folder, or the name of one that ships");
  f(o.layers, "layers", "convolutions that are shown, 1-based, such as 1,2,6; default all");
  f(o.strongest, "strongest", "maps of each layer, those with the largest values");
  f(o.columns, "columns",
    "instead of the strongest maps those of these columns of the feature vector of all layers (grid 4), counted from "
    "0");
  f(o.scale, "scale", "side of a pixel of the image in the pictures");
}

constexpr int64_t kGrid = 4;  // arXiv:1511.06434, section 5.1

/// One map of the image that is shown.
struct Shown {
  int64_t layer, channel;
  int64_t column;  ///< that was asked for; -1: none
};

class Maps {
 public:
  Maps(const MapsOptions& options, const ModelFile& model, const ImageBatch& image, const cli::CommonOptions& common)
      : image_(image), layout_{model.architecture, {}, kGrid}, networks_(open_networks(model, false, common)) {
    for (int64_t layer = 1; layer <= model.convolutions; ++layer) layout_.layers.push_back(layer);
    for (const int64_t layer : options.layers) check_layer(layer, model);
    for (const int64_t column : options.columns) {
      const FeatureColumn at = layout_.at(column);
      shown_.push_back({at.layer, at.channel, column});
    }
    if (!shown_.empty()) return;
    for (const int64_t layer : options.layers.empty() ? layout_.layers : options.layers) {
      for (const int64_t channel : strongest_channels(maps(layer), options.strongest)) {
        shown_.push_back({layer, channel, -1});
      }
    }
  }

  /// A row for each layer: the image, and over it the maps that are shown of it, as they are or as their cells.
  ImageBatch picture(bool cells) {
    ImageBatch all;
    const int64_t columns = row_columns();
    ImageBatch blank = image_;
    std::fill(blank.pixels.begin(), blank.pixels.end(), uint8_t{255});
    for (size_t i = 0; i < shown_.size();) {
      const int64_t layer = shown_[i].layer;
      append_images(all, image_);
      int64_t in_row = 1;
      for (; i < shown_.size() && shown_[i].layer == layer && in_row < columns; ++i, ++in_row) {
        const FeatureMaps& full = maps(layer);
        const FeatureMaps of_layer = cells ? pooled(full, kGrid) : full;
        append_images(all, heat_maps(image_, map_of(of_layer, 0, shown_[i].channel), of_layer.size));
      }
      for (; in_row < columns; ++in_row) append_images(all, blank);
    }
    return all;
  }

  /// The image and the maps of the layer that has most of them.
  int64_t row_columns() const {
    int64_t most = 0, in_row = 0, layer = 0;
    for (const Shown& s : shown_) {
      in_row = s.layer == layer ? in_row + 1 : 1;
      layer = s.layer;
      most = std::max(most, in_row);
    }
    return most + 1;
  }

  ordered_json facts() {
    ordered_json all = ordered_json::array();
    for (const Shown& s : shown_) {
      const FeatureMaps cells = pooled(maps(s.layer), kGrid);
      const std::vector<float> values = map_of(cells, 0, s.channel);
      const int64_t first = layout_.first_column(s.layer, s.channel);
      ordered_json entry = {{"layer", s.layer},
                            {"channel", s.channel},
                            {"first-column", first},
                            {"last-column", first + kGrid * kGrid - 1},
                            {"strongest", *std::max_element(values.begin(), values.end())},
                            {"cells", values}};
      if (s.column >= 0) entry.update({{"column", s.column}, {"cell", s.column - first}});
      all.push_back(entry);
    }
    return all;
  }

 private:
  static void check_layer(int64_t layer, const ModelFile& model) {
    require_option(layer >= 1 && layer <= model.convolutions, "layers", layer,
                   text_of("from 1 to ", model.convolutions, ", the convolutions of the model"));
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
  if (!options.columns.empty() && (line.given("layers") || line.given("strongest"))) {
    throw OptionError("--columns says which maps are shown; leave out --layers and --strongest.");
  }
  Results results(line, output, {"maps.png", "maps-cells.png"});
  const ModelFile model = load_model(cli::model_file("--model", options.model));
  data::ResizeOptions resize;
  resize.size = model.architecture.image_size;
  const PreparedImages images({image}, resize, line.common());
  if (images.count() != 1) {
    throw OptionError(image, " holds ", images.count(), " images; name the one to look at.");
  }
  Maps maps(options, model, images.images({0}), line.common());
  results.facts.update({{"model-sha256", model.sha256}, {"image", images.path(0)}, {"maps", maps.facts()}});
  results.picture("maps.png", "The image, and its strongest maps: light where they are large, a row for each layer",
                  enlarged(maps.picture(false), options.scale), maps.row_columns());
  results.picture("maps-cells.png", "The same maps as the cells that stand in the feature vector",
                  enlarged(maps.picture(true), options.scale), maps.row_columns());
  results.finish(text_of(results.facts["maps"].size(), " maps\n"));
  return 0;
}

}  // namespace dcgan::explore_tool
