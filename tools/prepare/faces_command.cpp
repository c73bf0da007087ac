#include "data/faces.h"
#include "data/open_images.h"
#include "tools/prepare/commands.h"
#include "tools/prepare/packing.h"
#include "tools/shared/inputs_report.h"

namespace dcgan::prepare_tool {

int faces_command(cli::CommandLine& line) {
  std::vector<std::string> inputs;
  data::InputOptions input;
  data::DecodeOptions decode;
  data::FaceOptions faces;
  cli::Output output;
  line.about(
      "Packs the faces in photographs: found by OpenCV, every box resized to --box, and the central "
      "--size cut out of it, as the paper's authors did. A photograph without a face gives no image.",
      "photos/ -o faces.h5 --min-face 80");
  line.without({"device"});
  line.positional(inputs, "IMAGES",
                  "files, folders (with all their folders), one .tar archive, one LMDB or one packed "
                  "file");
  line.add("Input", input);
  line.output_to_resume(output, "packed file to make");
  line.add("Faces", faces);
  line.add("Decoding", decode);
  if (!line.parse()) return 0;
  line.require_apart();
  const data::Preparation preparation = data::face_preparation(faces);
  const data::OpenedImages images = data::open_images(inputs, input, decode);
  tools::log_notes(images, line.common());
  return pack(*images.source, {preparation, output, images.passed_over}, line);
}

}  // namespace dcgan::prepare_tool
