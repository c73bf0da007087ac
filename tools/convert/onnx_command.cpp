#include <nlohmann/json.hpp>

#include "dcgan/feature_extractor.h"
#include "tools/cli/program.h"
#include "tools/cli/shipped_files.h"
#include "tools/convert/commands.h"

namespace dcgan::convert_tool {
namespace {

struct OnnxOptions {
  FeatureOptions features;
};

template <class Visitor>
void describe(OnnxOptions& o, Visitor&& f) {
  f(o.features.layers, "layers", "convolutions whose features are made, 1-based, such as 1,2,3; default all");
  f(o.features.grid, "grid", "side that each feature map is max-pooled to: 1, 2 or 4");
  f(o.features.compress, "compress",
    "file of dcgan-eval compress: features become the fewer numbers that it makes of them");
}

}  // namespace

int onnx_command(cli::CommandLine& line) {
  std::string file;
  OnnxOptions options;
  cli::Output output;
  line.about(
      "Writes the discriminator with its pooled features as an ONNX model (opset 17) for other programs: of "
      "\"pixels\", "
      "uint8 [N, H, W, 3] in RGB, it makes \"features\", float32 [N, D], as dcgan-extract writes them. Pixels must "
      "have "
      "the model's size.",
      "run/model.safetensors -o features.onnx");
  line.without({"threads", "device", "seed", "progress-every"});
  line.one(file, "MODEL", "model file (.safetensors), or the name of one that ships with the project");
  line.add("Features", options);
  line.output(output, "ONNX file to make");
  if (!line.parse()) return 0;
  const std::string path = cli::model_file("MODEL", file);
  output.require_free();
  line.require_apart([&] { return std::vector<std::string>{path, options.features.compress}; });
  options.features.device = "cpu";
  const FeatureExtractor extractor(path, options.features);
  extractor.save_onnx(output.path);
  cli::print_result(line.common(),
                    {{"output", output.path},
                     {"image_size", extractor.image_size()},
                     {"features", extractor.feature_count()},
                     {"model_sha256", extractor.model_sha256()}},
                    output.path + ": pixels [N, " + std::to_string(extractor.image_size()) + ", " +
                        std::to_string(extractor.image_size()) + ", 3] to features [N, " +
                        std::to_string(extractor.feature_count()) + "]\n");
  return 0;
}

}  // namespace dcgan::convert_tool
