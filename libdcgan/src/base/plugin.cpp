#include "base/plugin.h"

#include <dlfcn.h>
#include <unistd.h>

namespace dcgan {
namespace {

std::string beside_this(const std::string& library) {
  Dl_info here;
  if (dladdr(reinterpret_cast<const void*>(&plugin_function), &here) == 0) return library;
  const std::string own = here.dli_fname;
  const std::string path = own.substr(0, own.rfind('/') + 1) + library;
  return ::access(path.c_str(), F_OK) == 0 ? path : library;
}

}  // namespace

void* plugin_function(const std::string& library, const char* function, std::string& reason) {
  void* const handle = dlopen(beside_this(library).c_str(), RTLD_NOW | RTLD_LOCAL);
  void* const found = handle == nullptr ? nullptr : dlsym(handle, function);
  if (found == nullptr) reason = dlerror();
  return found;
}

}  // namespace dcgan
