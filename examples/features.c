/* features MODEL.safetensors PICTURE...: the number of features of each picture and the largest of them */
#include <dcgan/c_api.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(void) {
  fprintf(stderr, "error: %s\n", dcgan_last_error());
  return 1;
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  dcgan_extractor* extractor;
  if (dcgan_extractor_open(argv[1], "{\"threads\": 1}", &extractor) != DCGAN_OK) return fail();
  const size_t count = (size_t)dcgan_extractor_feature_count(extractor);
  float* features = malloc(count * sizeof(float));
  int result = features == NULL;
  for (int i = 2; i < argc && result == 0; ++i) {
    dcgan_picture* picture;
    if (dcgan_picture_read(argv[i], 0, &picture) != DCGAN_OK) {
      result = fail();
      break;
    }
    const dcgan_image image = dcgan_picture_image(picture);
    if (dcgan_extract(extractor, &image, 1, features, count) != DCGAN_OK) result = fail();
    dcgan_picture_close(picture);
    float largest = features[0];
    for (size_t k = 1; k < count; ++k) largest = features[k] > largest ? features[k] : largest;
    if (result == 0) printf("%s\t%zu\t%.6g\n", argv[i], count, largest);
  }
  free(features);
  dcgan_extractor_close(extractor);
  return result;
}
