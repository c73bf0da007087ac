// The part of dcgan/c_api.h that decodes.
#include "c_api/extractor.h"
#include "c_api/guard.h"
#include "dcgan/c_api.h"
#include "dcgan/image_files.h"

struct dcgan_picture {
  dcgan::LoadedImage image;
};

namespace {

// @param load  gives the image
template <class Load>
dcgan_status open_picture(dcgan_picture** picture, const Load& load) {
  if (picture != nullptr) *picture = nullptr;
  return dcgan::c_api::guarded([&] {
    dcgan::c_api::require_pointer(picture, "the place for the picture");
    *picture = new dcgan_picture{load()};
  });
}

int64_t most_pixels(int64_t given) { return given == 0 ? dcgan::kMostPixels : given; }

// @return false where nothing is to be done
bool has_work(const dcgan_extractor* extractor, const void* files, size_t count, const float* features,
              size_t capacity) {
  dcgan::c_api::require_pointer(extractor, "the extractor");
  if (count == 0) return false;
  dcgan::c_api::require_pointer(files, "the array of files");
  dcgan::c_api::require_pointer(features, "the array of features");
  dcgan::c_api::require_room(count, static_cast<size_t>(extractor->extractor.feature_count()), capacity, "features");
  return true;
}

dcgan::FileFailure teller(dcgan_failure failed, void* context) {
  if (failed == nullptr) return nullptr;
  return [=](int64_t number, const std::string& reason) { failed(context, number, reason.c_str()); };
}

}  // namespace

extern "C" {

dcgan_status dcgan_picture_read(const char* path, int64_t max_pixels, dcgan_picture** picture) {
  return open_picture(picture, [&] {
    dcgan::c_api::require_pointer(path, "the name of the image file");
    return dcgan::load_image(path, most_pixels(max_pixels));
  });
}

dcgan_status dcgan_picture_decode(const uint8_t* bytes, size_t size, int64_t max_pixels, dcgan_picture** picture) {
  return open_picture(picture, [&] { return dcgan::load_image(bytes, size, most_pixels(max_pixels)); });
}

dcgan_status dcgan_extract_files(dcgan_extractor* extractor, const char* const* paths, size_t count, int64_t max_pixels,
                                 float* features, size_t capacity, dcgan_failure failed, void* context) {
  return dcgan::c_api::guarded([&] {
    if (!has_work(extractor, paths, count, features, capacity)) return;
    std::vector<std::string> files;
    for (size_t i = 0; i < count; ++i) {
      dcgan::c_api::require_pointer(paths[i], "the name of an image file");
      files.emplace_back(paths[i]);
    }
    dcgan::extract_files(extractor->extractor, files, features, teller(failed, context), most_pixels(max_pixels));
  });
}

dcgan_status dcgan_extract_encoded(dcgan_extractor* extractor, const uint8_t* const* files, const size_t* sizes,
                                   size_t count, int64_t max_pixels, float* features, size_t capacity,
                                   dcgan_failure failed, void* context) {
  return dcgan::c_api::guarded([&] {
    if (!has_work(extractor, files, count, features, capacity)) return;
    dcgan::c_api::require_pointer(sizes, "the array of sizes");
    std::vector<dcgan::EncodedImage> images;
    for (size_t i = 0; i < count; ++i) {
      dcgan::c_api::require_pointer(files[i], "the bytes of an image file");
      images.push_back({files[i], sizes[i]});
    }
    dcgan::extract_encoded(extractor->extractor, images, features, teller(failed, context), most_pixels(max_pixels));
  });
}

dcgan_image dcgan_picture_image(const dcgan_picture* picture) {
  if (picture == nullptr) return {nullptr, 0, 0, 0, 0, DCGAN_RGB};
  const dcgan::LoadedImage& image = picture->image;
  return {image.pixels.data(), image.pixels.size(), image.width, image.height, 0, DCGAN_RGB};
}

void dcgan_picture_close(dcgan_picture* picture) { delete picture; }

}  // extern "C"
