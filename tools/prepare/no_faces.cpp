// Stands for faces_command.cpp where OpenCV's face detection is not installed.
#include "dcgan/errors.h"
#include "tools/prepare/commands.h"

namespace dcgan::prepare_tool {

int faces_command(int /*argc*/, const char* const* /*argv*/) {
  throw Error(
      "this build cannot find faces; install libopencv-objdetect-dev and opencv-data (tools/setup --faces does), and "
      "build again.");
}

}  // namespace dcgan::prepare_tool
