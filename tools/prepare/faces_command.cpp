#include "data/faces.h"
#include "data/open_images.h"
#include "tools/cli/progress.h"
#include "tools/prepare/commands.h"
#include "tools/prepare/packing.h"

namespace dcgan::prepare_tool {

int faces_command(int argc, const char* const* argv) {
  std::vector<std::string> inputs;
  data::InputOptions input;
  data::DecodeOptions decode;
  data::FaceOptions faces;
  OutputOptions output;
  cli::CommonOptions common;
  cli::CommandLine line(argv[0],
                        "Packs the faces in photographs: found by OpenCV, every box resized to --box, and the central "
                        "--size cut out of it, as the paper's authors did. A photograph without a face gives no image.",
                        std::string(argv[0]) + " photos/ -o faces.h5 --min-face 80");
  line.positional(inputs, "IMAGES",
                  "files, folders (with all their folders), one .tar archive, one LMDB or one packed "
                  "file");
  line.add("Input", input);
  line.add("Output", output);
  line.add("Faces", faces);
  line.add("Decoding", decode);
  line.add("Common", common);
  if (!line.parse(argc, argv)) return 0;
  const data::Preparation preparation = data::face_preparation(faces);
  const data::OpenedImages images = data::open_images(inputs, input, decode);
  for (const std::string& note : images.notes) cli::log(common.quiet, note);
  return pack(*images.source, {preparation, output}, common, line);
}

}  // namespace dcgan::prepare_tool
