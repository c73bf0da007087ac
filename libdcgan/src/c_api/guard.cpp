#include "c_api/guard.h"

#include <new>

namespace dcgan::c_api {
namespace {

std::string& last_error() {
  thread_local std::string message;
  return message;
}

static_assert(static_cast<int>(ErrorCode::kFailed) == DCGAN_FAILED);
static_assert(static_cast<int>(ErrorCode::kWrongArgument) == DCGAN_WRONG_ARGUMENT);
static_assert(static_cast<int>(ErrorCode::kBadFile) == DCGAN_BAD_FILE);
static_assert(static_cast<int>(ErrorCode::kBadImage) == DCGAN_BAD_IMAGE);
static_assert(static_cast<int>(ErrorCode::kNoMemory) == DCGAN_NO_MEMORY);
static_assert(static_cast<int>(ErrorCode::kStopped) == DCGAN_STOPPED);

/// Keeps the message for dcgan_last_error().
dcgan_status fail(dcgan_status status, const char* message) {
  try {
    last_error() = message;
  } catch (const std::bad_alloc&) {
    last_error().clear();
  }
  return status;
}

}  // namespace

dcgan_status run_guarded(const std::function<void()>& work) {
  try {
    work();
    return DCGAN_OK;
  } catch (const Error& e) {
    return fail(static_cast<dcgan_status>(e.code()), e.what());
  } catch (const std::bad_alloc&) {
    return fail(DCGAN_NO_MEMORY, "there is not enough memory");
  } catch (const std::exception& e) {
    return fail(DCGAN_FAILED, e.what());
  } catch (...) {
    return fail(DCGAN_FAILED, "failed for a reason that is not known; please report this");
  }
}

void require_pointer(const void* pointer, const char* name) {
  if (pointer == nullptr) throw OptionError(name, " is null.");
}

void require_room(size_t count, size_t columns, size_t capacity, const char* what) {
  if (columns > 0 && count > capacity / columns) {
    throw OptionError("there is room for ", capacity, ' ', what, "; ", count, " x ", columns, " are needed.");
  }
}

}  // namespace dcgan::c_api

extern "C" const char* dcgan_last_error(void) { return dcgan::c_api::last_error().c_str(); }
