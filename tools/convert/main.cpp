// dcgan-convert: other projects' weights in; what a model file holds.

#include "tools/cli/program.h"
#include "tools/convert/commands.h"

int main(int argc, char** argv) {
  using namespace dcgan::convert_tool;
  return dcgan::cli::run_program(argc, argv,
                                 {"Makes model files of other weights, and says what a model file holds.",
                                  {{"released", "the authors' .npy arrays into a model file", released_command},
                                   {"state-dict", "a checkpoint of PyTorch into a model file", state_dict_command},
                                   {"model", "a model file in float16, or without its generator", model_command},
                                   {"equalise", "a model file whose features all have one deviation", equalise_command},
                                   {"onnx", "a network that makes features, as ONNX", onnx_command},
                                   {"info", "what a model file holds", info_command}},
                                  nullptr});
}
