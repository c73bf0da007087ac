// Stands for faces_command.cpp where OpenCV's face detection is not installed.
#include "dcgan/errors.h"
#include "tools/prepare/faces_command.h"

namespace dcgan::tools {

int faces_command(int /*argc*/, const char* const* /*argv*/) {
  throw Error(
      "this build cannot find faces; install libopencv-objdetect-dev and opencv-data (tools/setup --faces does), and "
      "build again.");
}

}  // namespace dcgan::tools
