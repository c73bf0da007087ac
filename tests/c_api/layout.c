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
_Static_assert(DCGAN_STOPPED == 6 && DCGAN_GREY == 3, "numbers of the enumerations");

dcgan_status open_from_c(const char* model, dcgan_extractor** extractor);
dcgan_status open_from_c(const char* model, dcgan_extractor** extractor) {
  return dcgan_extractor_open(model, NULL, extractor);
}
