#include "tools/extract/arguments.h"

namespace dcgan::extract_tool {

bool ExtractArguments::parse(int argc, const char* const* argv) {
  cli::CommandLine line("dcgan-extract",
                        "Features of a trained discriminator for every image, into one HDF5 file.\nCommands on such "
                        "files, with their own --help: dcgan-extract merge, verify, export.",
                        "dcgan-extract photos/ -o photos.h5 --model runs/narrow/model.safetensors");
  line.positional(images, "IMAGES", "files, folders (recursive), one .tar archive or one packed file");
  line.add("Images", input);
  line.add("Model", options);
  line.add("Batch-norm statistics (default: the model's)", statistics);
  line.add("Features", features);
  line.add("Output", output);
  line.add("Common", common);
  const bool go_on = line.parse(argc, argv);
  command_line = line.text();
  return go_on;
}

}  // namespace dcgan::extract_tool
