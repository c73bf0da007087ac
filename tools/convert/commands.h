#pragma once

namespace dcgan::convert_tool {

/// dcgan-convert released DIR -o MODEL
int released_command(int argc, const char* const* argv);
/// dcgan-convert state-dict FILE... -o MODEL
int state_dict_command(int argc, const char* const* argv);
/// dcgan-convert model MODEL -o MODEL
int model_command(int argc, const char* const* argv);
/// dcgan-convert equalise MODEL -o MODEL --statistics-from IMAGES
int equalise_command(int argc, const char* const* argv);
/// dcgan-convert info MODEL
int info_command(int argc, const char* const* argv);

}  // namespace dcgan::convert_tool
