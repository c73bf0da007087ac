/* dcgan/c_api.h is C, and its structure lies in memory as python/dcgan/_library.py and every program that was built
 * before believes. */
#include <dcgan/c_api.h>

_Static_assert(sizeof(dcgan_image) == 48, "size of dcgan_image");
_Static_assert(offsetof(dcgan_image, pixels) == 0, "pixels");
_Static_assert(offsetof(dcgan_image, size) == 8, "size");
_Static_assert(offsetof(dcgan_image, width) == 16, "width");
_Static_assert(offsetof(dcgan_image, height) == 24, "height");
_Static_assert(offsetof(dcgan_image, stride) == 32, "stride");
_Static_assert(offsetof(dcgan_image, format) == 40, "format");
_Static_assert(DCGAN_OK == 0 && DCGAN_FAILED == 1 && DCGAN_WRONG_ARGUMENT == 2 && DCGAN_BAD_FILE == 3, "statuses");
_Static_assert(DCGAN_BAD_IMAGE == 4 && DCGAN_NO_MEMORY == 5 && DCGAN_STOPPED == 6, "statuses");
_Static_assert(DCGAN_RGB == 0 && DCGAN_BGR == 1 && DCGAN_RGBA == 2 && DCGAN_GREY == 3, "formats");

dcgan_status open_from_c(const char* model, dcgan_extractor** extractor);
dcgan_status open_from_c(const char* model, dcgan_extractor** extractor) {
  return dcgan_extractor_open(model, NULL, extractor);
}
