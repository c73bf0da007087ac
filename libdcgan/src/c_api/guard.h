#pragma once

#include <functional>
#include <string>

#include "dcgan/c_api.h"
#include "dcgan/errors.h"

namespace dcgan::c_api {

/// Calls `work`; what it throws becomes a status, and a message for dcgan_last_error().
DCGAN_EXPORT dcgan_status run_guarded(const std::function<void()>& work);

/// The same for a lambda, by reference: a function that holds one takes memory in every call.
template <class Work>
dcgan_status guarded(const Work& work) {
  return run_guarded(std::cref(work));
}

/// @throws OptionError "`name` is null." where it is
DCGAN_EXPORT void require_pointer(const void* pointer, const char* name);

/// @throws OptionError unless `count` rows of `columns` fit into the capacity
DCGAN_EXPORT void require_room(size_t count, size_t columns, size_t capacity, const char* what);

}  // namespace dcgan::c_api
