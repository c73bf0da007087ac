#ifndef DCGAN_C_API_H
#define DCGAN_C_API_H

/* The library for C, and for every language that calls C. No exception leaves these functions, null pointers and sizes
 * that cannot be are errors, and strings are UTF-8. Functions that can fail return a status; dcgan_last_error() then
 * says in one line what was found, what was expected and what to do. Objects are opened into a pointer, which is null
 * after a failure, and closed once; closing null does nothing.
 *
 *   dcgan_extractor* extractor;
 *   if (dcgan_extractor_open("model.safetensors", NULL, &extractor) != DCGAN_OK) puts(dcgan_last_error());
 */

#include <stddef.h>
#include <stdint.h>

#include "dcgan/export.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum dcgan_status {
  DCGAN_OK = 0,
  DCGAN_FAILED = 1,         /* what no other status says */
  DCGAN_WRONG_ARGUMENT = 2, /* a null pointer, a size, an option */
  DCGAN_BAD_FILE = 3,       /* missing, damaged, or of another kind */
  DCGAN_BAD_IMAGE = 4,      /* bytes that give no image */
  DCGAN_NO_MEMORY = 5,
  DCGAN_STOPPED = 6 /* by a progress function */
} dcgan_status;

/* "0.1.0" */
DCGAN_EXPORT const char* dcgan_version(void);
/* Of the last function that failed in this thread, up to the next failure; "" before the first. */
DCGAN_EXPORT const char* dcgan_last_error(void);

/* ---- Images -------------------------------------------------------------------------------------------------------*/

typedef enum dcgan_format { DCGAN_RGB = 0, DCGAN_BGR = 1, DCGAN_RGBA = 2, DCGAN_GREY = 3 } dcgan_format;

/* Somebody's pixels, one byte a value: height rows of width pixels, `stride` bytes from one row to the next. */
typedef struct dcgan_image {
  const uint8_t* pixels;
  size_t size; /* bytes at pixels: the last row may end before its stride */
  int64_t width;
  int64_t height;
  int64_t stride; /* 0: rows lie one behind the other */
  int32_t format; /* dcgan_format; alpha is dropped */
} dcgan_image;

/* An image that was decoded. These are in libdcgan_images (link with -ldcgan_images): JPEG, PNG, and where the library
 * was built with OpenCV WebP, BMP and TIFF. What is cut short or damaged is DCGAN_BAD_IMAGE. */
typedef struct dcgan_picture dcgan_picture;
/* max_pixels: images with more are DCGAN_BAD_IMAGE; 0 stands for 100,000,000 */
DCGAN_EXPORT dcgan_status dcgan_picture_read(const char* path, int64_t max_pixels, dcgan_picture** picture);
DCGAN_EXPORT dcgan_status dcgan_picture_decode(const uint8_t* bytes, size_t size, int64_t max_pixels,
                                               dcgan_picture** picture);
/* Its pixels, RGB, for as long as it is open; none of null. */
DCGAN_EXPORT dcgan_image dcgan_picture_image(const dcgan_picture* picture);
DCGAN_EXPORT void dcgan_picture_close(dcgan_picture* picture);

/* ---- Features -----------------------------------------------------------------------------------------------------*/

/* Not for two threads at a time; several may be used side by side. */
typedef struct dcgan_extractor dcgan_extractor;
/* Called after each batch; anything but 0 stops the work. */
typedef int (*dcgan_progress)(void* context, int64_t done, int64_t total);

/* options: JSON object with the names of dcgan-extract's flags, such as {"layers": [1, 2], "resize": "area"}: layers,
 * grid, batch-size, precision, resize, compress, threads, device. Null: the defaults. */
DCGAN_EXPORT dcgan_status dcgan_extractor_open(const char* model_file, const char* options,
                                               dcgan_extractor** extractor);
DCGAN_EXPORT int64_t dcgan_extractor_image_size(const dcgan_extractor* extractor);    /* pixels; 0 of null */
DCGAN_EXPORT int64_t dcgan_extractor_feature_count(const dcgan_extractor* extractor); /* D; 0 of null */
/* JSON object: image_size, feature_count, layers, layer_offsets, grid, model_sha256, architecture, preprocessing,
 * device. For as long as it is open; "{}" of null. */
DCGAN_EXPORT const char* dcgan_extractor_info(const dcgan_extractor* extractor);
/* For the calls of dcgan_extract, _files and _encoded that follow; null: none. */
DCGAN_EXPORT dcgan_status dcgan_extractor_on_progress(dcgan_extractor* extractor, dcgan_progress progress,
                                                      void* context);
/* Features of images of any sizes, resized and cut out as dcgan-extract does: features becomes float32 [count, D].
 * capacity: floats at features. */
DCGAN_EXPORT dcgan_status dcgan_extract(dcgan_extractor* extractor, const dcgan_image* images, size_t count,
                                        float* features, size_t capacity);
/* Why the file of this number gives no image. */
typedef void (*dcgan_failure)(void* context, int64_t number, const char* reason);
/* The same of image files, in libdcgan_images: decoded by threads of their own while others extract, in memory that
 * does not grow with their number. The progress function is called after each block of files; rows that were done
 * before a stop stay. `failed` is told of each file that gives no image, in their order, and its row becomes NaN; where
 * it is null, the first such file is DCGAN_BAD_IMAGE. max_pixels: as in dcgan_picture_read. */
DCGAN_EXPORT dcgan_status dcgan_extract_files(dcgan_extractor* extractor, const char* const* paths, size_t count,
                                              int64_t max_pixels, float* features, size_t capacity,
                                              dcgan_failure failed, void* context);
/* The same of files that lie in memory: sizes[i] bytes at files[i]. They are "image 0", "image 1", ... in messages. */
DCGAN_EXPORT dcgan_status dcgan_extract_encoded(dcgan_extractor* extractor, const uint8_t* const* files,
                                                const size_t* sizes, size_t count, int64_t max_pixels, float* features,
                                                size_t capacity, dcgan_failure failed, void* context);
DCGAN_EXPORT void dcgan_extractor_close(dcgan_extractor* extractor);

/* ---- Classes ------------------------------------------------------------------------------------------------------*/

/* What dcgan-eval svm --save keeps. May be used from many threads. */
typedef struct dcgan_classifier dcgan_classifier;
DCGAN_EXPORT dcgan_status dcgan_classifier_open(const char* file, dcgan_classifier** classifier);
DCGAN_EXPORT int64_t dcgan_classifier_class_count(const dcgan_classifier* classifier);   /* K; 0 of null */
DCGAN_EXPORT int64_t dcgan_classifier_feature_count(const dcgan_classifier* classifier); /* D; 0 of null */
/* Name of a class; null where there is none of this number. */
DCGAN_EXPORT const char* dcgan_classifier_class(const dcgan_classifier* classifier, int64_t number);
/* Options for dcgan_extractor_open() that give the features which the classifier knows; "{}" of null. */
DCGAN_EXPORT const char* dcgan_classifier_options(const dcgan_classifier* classifier);
/* DCGAN_WRONG_ARGUMENT unless the extractor's features are those that the classifier was fitted to. */
DCGAN_EXPORT dcgan_status dcgan_classifier_require(const dcgan_classifier* classifier,
                                                   const dcgan_extractor* extractor);
/* scores becomes float64 [count, K] of features float32 [count, D]; capacity: doubles at scores. */
DCGAN_EXPORT dcgan_status dcgan_classifier_score(const dcgan_classifier* classifier, const float* features,
                                                 size_t count, double* scores, size_t capacity);
DCGAN_EXPORT void dcgan_classifier_close(dcgan_classifier* classifier);

#ifdef __cplusplus
}
#endif

#endif /* DCGAN_C_API_H */
