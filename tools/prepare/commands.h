#pragma once

namespace dcgan::prepare_tool {

/// dcgan-prepare folder
int folder_command(int argc, const char* const* argv);
/// dcgan-prepare imagenet32
int imagenet32_command(int argc, const char* const* argv);
/// dcgan-prepare lsun
int lsun_command(int argc, const char* const* argv);
/// dcgan-prepare faces
int faces_command(int argc, const char* const* argv);
/// dcgan-prepare cifar10
int cifar10_command(int argc, const char* const* argv);
/// dcgan-prepare svhn
int svhn_command(int argc, const char* const* argv);
/// dcgan-prepare render
int render_command(int argc, const char* const* argv);
/// dcgan-prepare dedup
int dedup_command(int argc, const char* const* argv);
/// dcgan-prepare download
int download_command(int argc, const char* const* argv);
/// dcgan-prepare info
int info_command(int argc, const char* const* argv);
/// dcgan-prepare sheet
int sheet_command(int argc, const char* const* argv);

}  // namespace dcgan::prepare_tool
