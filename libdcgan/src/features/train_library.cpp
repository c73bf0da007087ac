#include "dcgan/train_library.h"

#include "base/plugin.h"
#include "dcgan/errors.h"
#include "dcgan/version.h"

namespace dcgan {
namespace {

const TrainLibrary* open_library(std::string& reason) {
  void* const function = plugin_function("libdcgan_train.so." DCGAN_SOVERSION, kTrainLibraryFunction, reason);
  if (function == nullptr) return nullptr;
  const TrainLibrary* const library = reinterpret_cast<TrainLibraryFunction*>(function)(DCGAN_VERSION);
  if (library == nullptr) reason = "it is of another version than " DCGAN_VERSION;
  return library;
}

}  // namespace

const TrainLibrary& train_library(const std::string& what) {
  static std::string reason;
  static const TrainLibrary* const library = open_library(reason);
  if (library != nullptr) return *library;
  throw NoTrainLibrary(what + " needs LibTorch through libdcgan_train.so, which cannot be used: " + reason +
                       "; install it beside libdcgan.so.");
}

}  // namespace dcgan
