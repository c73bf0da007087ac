#include "data/image_decoder.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <random>

#include "data/image_folder.h"
#include "data/image_formats.h"
#include "data/image_library.h"
#include "dcgan/errors.h"
#include "tests/data/example_images.h"
#include "tests/support/temporary_folder.h"

namespace dcgan::test {
namespace {

using ::testing::HasSubstr;

const std::vector<std::string> kLossless = {"rgb.png",
                                            "grey.png",
                                            "grey_alpha.png",
                                            "rgba.png",
                                            "palette.png",
                                            "palette_transparent.png",
                                            "one_bit.png",
                                            "orientation6.png",
                                            "sixteen_bits.png",
                                            "sixteen_bits_grey.png",
                                            "interlaced.png",
                                            "lossless.webp",
                                            "rgba.webp",
                                            "orientation8.webp",
                                            "rgb.bmp",
                                            "grey.bmp",
                                            "palette.bmp",
                                            "one_bit.bmp",
                                            "rgb.tif",
                                            "lzw.tif",
                                            "deflate.tif",
                                            "grey.tif",
                                            "palette.tif",
                                            "sixteen_bits_grey.tif",
                                            "orientation2.tif",
                                            "orientation3.tif",
                                            "orientation4.tif",
                                            "orientation5.tif",
                                            "orientation6.tif",
                                            "orientation7.tif",
                                            "orientation8.tif",
                                            "rgba.tif",
                                            "rgb.gif",
                                            "interlaced.gif",
                                            "grey.gif",
                                            "transparent.gif",
                                            "rgb.ppm",
                                            "grey.pgm",
                                            "one_bit.pbm",
                                            "ascii.ppm",
                                            "ascii_15.pgm",
                                            "ascii.pbm",
                                            "largest_15.pgm",
                                            "sixteen_bits.ppm",
                                            "largest_4095.pgm",
                                            "twelve_bits.png",
                                            "twelve_bits_scaled.png",
                                            "dark.png",
                                            "twelve_bits.tif",
                                            "dark.tif",
                                            "big.tif",
                                            "big_tiled.tif",
                                            "big_endian.tif"};

const std::vector<std::string> kLossy = {
    "rgb.jpg",          "restarts.jpg",     "grey_progressive.jpg", "subsampled.jpg",   "progressive.jpg",
    "grey.jpg",         "cmyk.jpg",         "orientation2.jpg",     "orientation3.jpg", "orientation4.jpg",
    "orientation5.jpg", "orientation6.jpg", "orientation7.jpg",     "orientation8.jpg", "lossy.webp"};

TEST(ImageDecoder, GivesThePixelsThatPillowGivesForEveryKindOfFile) {
  for (const auto& [names, tolerance] : {std::pair(kLossless, 0), std::pair(kLossy, 2)}) {
    for (const std::string& name : names) {
      const data::DecodedImage image = data::decode_image_file(golden_image(name));
      EXPECT_EQ(image.failure, "") << name;
      EXPECT_LE(largest_difference(image.image, golden_pixels(name)), tolerance) << name;
    }
  }
}

TEST(ImageDecoder, TellsFormatsByTheirBytesAndNotByTheirNames) {
  const TemporaryFolder folder;
  std::filesystem::copy_file(golden_image("rgb.png"), folder / "wrong.jpg");
  const data::DecodedImage image = data::decode_image_file(folder / "wrong.jpg");
  EXPECT_EQ(largest_difference(image.image, golden_pixels("rgb.png")), 0);
}

TEST(ImageDecoder, RefusesFilesThatAreCutShortAtAnyLength) {
  std::vector<std::string> names = kLossless;
  names.insert(names.end(), kLossy.begin(), kLossy.end());
  for (const std::string& name : names) {
    const Bytes whole = read_bytes(golden_image(name));
    for (size_t length = 0; length < whole.size(); ++length) {
      const data::DecodedImage image = decode({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)});
      // What lies behind the pixels of a TIFF or BMP is not missed: then the pixels must be whole.
      const bool whole_pixels = image.ok() && largest_difference(image.image, golden_pixels(name)) == 0;
      const bool without_trailer =
          name.find(".tif") != std::string::npos || name.find(".bmp") != std::string::npos || name == "ascii.pbm";
      EXPECT_TRUE(!image.ok() || (without_trailer && whole_pixels)) << name << " cut to " << length << " bytes";
    }
  }
}

TEST(ImageDecoder, NoticesEveryChangedByteOfAPng) {
  const Bytes whole = read_bytes(golden_image("rgb.png"));
  for (size_t at = 0; at < whole.size(); ++at) {
    Bytes changed = whole;
    changed[at] ^= 0x55;
    EXPECT_FALSE(decode(changed).ok()) << "byte " << at;
  }
}

TEST(ImageDecoder, SurvivesChangedBytesOfEveryFormatWithoutAWordOnStderr) {
  std::vector<std::string> names = kLossless;
  names.insert(names.end(), kLossy.begin(), kLossy.end());
  std::mt19937 random(1);
  ::testing::internal::CaptureStderr();
  for (const std::string& name : names) {
    const Bytes whole = read_bytes(golden_image(name));
    for (int trial = 0; trial < 100; ++trial) {
      Bytes changed = whole;
      for (int i = 0; i < 3; ++i) changed[random() % changed.size()] = static_cast<uint8_t>(random());
      const data::DecodedImage image = decode(changed);
      EXPECT_EQ(image.image.pixels.size(), static_cast<size_t>(image.image.height * image.image.width * 3));
    }
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST(ImageDecoder, LeavesStderrToOthers) {
  const Bytes damaged = read_bytes(golden_image("lossless.webp"));
  ::testing::internal::CaptureStderr();
  Bytes changed = damaged;
  for (size_t i = 30; i < changed.size(); ++i) changed[i] = 0xA5;
  EXPECT_FALSE(decode(changed).ok());
  std::cerr << "still here" << std::flush;
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "still here");
}

// In processes of their own, where nothing was decoded before.
TEST(ImageLibraryDeathTest, IsOpenedBeforeThreadsDecodeAsStdErrorChangesWithIt) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  const auto decode = [] {
    data::ImageList list;
    list.paths = {golden_image("lossless.webp")};
    const data::FolderImages images(list, {});
    const std::streambuf* const before = std::cerr.rdbuf();
    const bool decoded = images.load(0, 1).at(0).ok();
    std::_Exit(decoded && std::cerr.rdbuf() == before ? 0 : 1);
  };
  EXPECT_EXIT(decode(), ::testing::ExitedWithCode(0), "");
}

TEST(ImageLibraryDeathTest, LeavesStdErrorAsItWasWhenItIsClosed) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  const auto open_and_close = [] {
    void* const handle = dlopen(DCGAN_IMAGES_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    auto* const library = reinterpret_cast<data::ImageLibraryFunction*>(dlsym(handle, data::kImageLibraryFunction));
    const Bytes webp = read_bytes(golden_image("lossless.webp"));
    const data::DecodedImage image = library()->decode(data::ImageFormat::kWebp, {webp.data(), webp.size()}, {});
    dlclose(handle);
    std::cerr << (image.ok() ? "as before" : "nothing decoded") << std::flush;
    std::_Exit(0);
  };
  EXPECT_EXIT(open_and_close(), ::testing::ExitedWithCode(0), "^as before$");
}

TEST(ImageDecoder, TakesTheFirstFrameOfAnAnimationAndRemarksOnIt) {
  for (const char* name : {"animated.webp", "animated.png", "animated.gif"}) {
    const data::DecodedImage image = data::decode_image_file(golden_image(name));
    EXPECT_EQ(image.failure, "") << name;
    EXPECT_EQ(largest_difference(image.image, golden_pixels(name)), 0) << name;
    EXPECT_THAT(image.remark, HasSubstr("first frame")) << name;
  }
  for (const char* name : {"rgb.gif", "rgb.png", "lossless.webp"}) {
    EXPECT_EQ(data::decode_image_file(golden_image(name)).remark, "") << name;
  }
}

TEST(ImageDecoder, CallsAFormatThatItDoesNotReadByItsName) {
  const auto failure = [](const std::string& first) {
    Bytes bytes(first.begin(), first.end());
    bytes.resize(3000);
    return decode(bytes).failure;
  };
  EXPECT_THAT(failure(std::string("\0\0\0\x18"
                                  "ftypheic\0\0\0\0mif1heic",
                                  24)),
              HasSubstr("HEIC"));
  EXPECT_THAT(failure(std::string("\0\0\0\x1c"
                                  "ftypavif\0\0\0\0mif1avif",
                                  24)),
              HasSubstr("AVIF"));
  EXPECT_THAT(failure(std::string("\0\0\0\x1c"
                                  "ftypmif1\0\0\0\0avifmiaf",
                                  24)),
              HasSubstr("AVIF"));
  EXPECT_THAT(failure("\xFF\x0A"), HasSubstr("JPEG XL"));
  EXPECT_THAT(failure(std::string("\0\0\0\x0CJXL \r\n\x87\n", 12)), HasSubstr("JPEG XL"));
  EXPECT_THAT(failure(std::string("\0\0\0\x0CjP  \r\n\x87\n", 12)), HasSubstr("JPEG 2000"));
  EXPECT_THAT(failure("8BPS"), HasSubstr("PSD"));
  EXPECT_THAT(failure("FUJIFILMCCD-RAW"), HasSubstr("camera raw"));
  EXPECT_THAT(failure(std::string("\0\0\0\x18"
                                  "ftypcrx ",
                                  12)),
              HasSubstr("camera raw"));
}

TEST(ImageDecoder, RemarksOn16BitsThatMayBe12AndScalesThemWhenAsked) {
  data::DecodeOptions twelve;
  twelve.sample_bits = 12;
  for (const std::string name : {"dark.png", "dark.tif"}) {
    const data::DecodedImage dark = data::decode_image_file(golden_image(name));
    EXPECT_THAT(dark.remark, HasSubstr("perhaps of 12 bits and dark")) << name;
    const data::DecodedImage bright = data::decode_image_file(golden_image(name), twelve);
    EXPECT_EQ(bright.remark, "") << name;
    const std::string of_file = "twelve_bits" + name.substr(4);
    EXPECT_EQ(largest_difference(bright.image, golden_pixels(of_file)), 0) << name;
  }
  // What says how many bits it has, or has them all, is not touched.
  for (const char* name : {"twelve_bits.png", "twelve_bits_scaled.png", "twelve_bits.tif", "sixteen_bits.png",
                           "sixteen_bits_grey.tif", "sixteen_bits.ppm", "largest_4095.pgm"}) {
    EXPECT_EQ(data::decode_image_file(golden_image(name)).remark, "") << name;
    const data::DecodedImage image = data::decode_image_file(golden_image(name), twelve);
    EXPECT_EQ(largest_difference(image.image, golden_pixels(name)), 0) << name;
  }
}

TEST(ImageDecoder, RefusesAPnmWithASampleThatCannotBe) {
  const auto failure = [](const std::string& text) { return decode(Bytes(text.begin(), text.end())).failure; };
  EXPECT_EQ(failure("P2 2 1 15 0 15\n"), "");
  EXPECT_THAT(failure("P2 2 1 15 0 16\n"), HasSubstr("above its largest, 15"));
  EXPECT_THAT(failure("P2 2 1 15 0 1"), HasSubstr("ends too early"));  // was it 15?
  EXPECT_THAT(failure("P2 2 1 15 0 x"), HasSubstr("a number is missing"));
  EXPECT_THAT(failure("P1 2 1 0 2"), HasSubstr("neither 0 nor 1"));
  EXPECT_THAT(failure("P5 2 1 70000 ...."), HasSubstr("70000"));
  EXPECT_THAT(failure("P5 60000 60000 255 ...."), HasSubstr("larger than --max-pixels"));
}

TEST(ImageDecoder, SaysWhyAFileIsNoImage) {
  const TemporaryFolder folder;
  write_bytes(folder / "empty.jpg", {});
  write_bytes(folder / "text.jpg", {'h', 'e', 'l', 'l', 'o'});
  ASSERT_EQ(mkfifo((folder / "pipe.jpg").c_str(), 0600), 0);
  EXPECT_EQ(data::decode_image_file(folder / "empty.jpg").failure, "the file is empty");
  EXPECT_THAT(data::decode_image_file(folder / "text.jpg").failure, HasSubstr("not an image"));
  EXPECT_EQ(data::decode_image_file(folder / "pipe.jpg").failure, "not a regular file");
  EXPECT_EQ(data::decode_image_file(folder / "missing.jpg").failure, "cannot be opened: No such file or directory");
}

TEST(ImageDecoder, LooksAtTheSizeBeforeItDecodes) {
  data::DecodeOptions options;
  options.max_pixels = 24 * 16 - 1;
  for (const char* name : {"rgb.jpg", "rgb.png", "lossless.webp", "lossy.webp", "rgba.webp", "rgb.bmp", "rgb.tif",
                           "rgb.gif", "rgb.ppm", "ascii.ppm", "animated.webp"}) {
    EXPECT_EQ(data::decode_image_file(golden_image(name), options).failure, "24x16 is larger than --max-pixels 383")
        << name;
  }
  // Claims 65,500 x 65,500 pixels: would be 12 GB.
  Bytes bomb = read_bytes(golden_image("rgb.jpg"));
  for (size_t i = 0; i + 9 < bomb.size(); ++i) {
    if (bomb[i] == 0xFF && bomb[i + 1] == 0xC0) bomb[i + 5] = bomb[i + 7] = 0xFF;
  }
  EXPECT_THAT(decode(bomb).failure, HasSubstr("larger than --max-pixels"));
}

TEST(ImageDecoder, DecodesJpegsSmallerWhenAskedAndNoSmallerThanAsked) {
  data::DecodeOptions options;
  options.scaled_side = 8;
  const data::RgbImage image = data::decode_image_file(golden_image("rgb.jpg"), options).image;
  EXPECT_EQ(image.height, 8);
  EXPECT_EQ(image.width, 12);
  options.scaled_side = 9;  // half of 16 would be too small, and 5/8 is not taken
  EXPECT_EQ(data::decode_image_file(golden_image("rgb.jpg"), options).image.height, 16);
}

Bytes with_bytes(const Bytes& file, size_t at, const Bytes& more) {
  Bytes longer = file;
  longer.insert(longer.begin() + static_cast<std::ptrdiff_t>(at), more.begin(), more.end());
  return longer;
}

// None of them 0xFF, with which markers begin.
Bytes foreign_bytes(size_t count, std::mt19937& random) {
  Bytes foreign(count);
  for (uint8_t& byte : foreign) byte = static_cast<uint8_t>(random() % 200 + 1);
  return foreign;
}

// Where its data begin.
size_t first_scan(const Bytes& jpeg) {
  constexpr uint8_t kStart[] = {0xFF, 0xDA};
  const auto marker = std::search(jpeg.begin(), jpeg.end(), kStart, kStart + 2);
  return static_cast<size_t>(marker - jpeg.begin()) + 2 + static_cast<size_t>(marker[2] << 8 | marker[3]);
}

struct ScanKind {
  const char* name;
  /// In a hundred damaged scans of this small image so many at most look whole; measured, and a quarter more at most.
  /// Of larger images fewer do (docs/formats.md).
  int taken_for_whole;
};

constexpr ScanKind kScanKinds[] = {
    {"rgb.jpg", 22},        {"subsampled.jpg", 11},      {"grey.jpg", 16}, {"cmyk.jpg", 10}, {"restarts.jpg", 15},
    {"progressive.jpg", 5}, {"grey_progressive.jpg", 11}};

TEST(ImageDecoder, SurplusBytesOfAWholeScanAreAWarning) {
  data::DecodeOptions strict;
  strict.strict = true;
  std::mt19937 random(5);
  for (const ScanKind& kind : kScanKinds) {
    SCOPED_TRACE(kind.name);
    const Bytes whole = read_bytes(golden_image(kind.name));
    const data::DecodedImage expected = decode(whole);
    EXPECT_EQ(expected.warning, "");
    const size_t end = whole.size() - 2;
    for (const size_t count : {size_t{1}, size_t{40}, size_t{65}, size_t{1153}}) {
      const Bytes a_copy(whole.begin() + static_cast<std::ptrdiff_t>(end - std::min(count, size_t{12})),
                         whole.begin() + static_cast<std::ptrdiff_t>(end));
      for (const Bytes& surplus : {Bytes(count), foreign_bytes(count, random), a_copy}) {
        const Bytes padded = with_bytes(whole, end, surplus);
        const data::DecodedImage found = decode(padded);
        EXPECT_EQ(found.failure, "");
        EXPECT_EQ(largest_difference(found.image, expected.image), 0);
        if (count < 9) continue;  // they are in the decoder's buffer, and it says nothing
        EXPECT_THAT(found.warning, HasSubstr("extraneous bytes before marker 0xd9"));
        EXPECT_THAT(decode(padded, strict).failure, HasSubstr("extraneous bytes"));
      }
    }
  }
}

// What a decoder leaves over that has lost its place.
TEST(ImageDecoder, SurplusBytesOfADamagedScanAreAFailure) {
  for (const ScanKind& kind : kScanKinds) {
    std::mt19937 random(5);
    const Bytes whole = read_bytes(golden_image(kind.name));
    int damaged_scans = 0, taken_for_whole = 0;
    for (size_t at = first_scan(whole); at < whole.size() - 2; ++at) {
      ++damaged_scans;
      taken_for_whole += decode(with_bytes(whole, at, foreign_bytes(300, random))).warning.empty() ? 0 : 1;
    }
    EXPECT_LE(100 * taken_for_whole, kind.taken_for_whole * damaged_scans) << kind.name;
  }
}

TEST(ImageDecoder, ScanParametersThatABaselineJpegDoesNotUseAreAWarning) {
  Bytes phone = read_bytes(golden_image("rgb.jpg"));
  for (size_t i = 0; i + 14 < phone.size(); ++i) {
    if (phone[i] == 0xFF && phone[i + 1] == 0xDA) phone[i + 12] = 0;  // Se, 63
  }
  const data::DecodedImage found = decode(phone);
  EXPECT_EQ(found.failure, "");
  EXPECT_THAT(found.warning, HasSubstr("Invalid SOS parameters"));
  EXPECT_EQ(largest_difference(found.image, decode(read_bytes(golden_image("rgb.jpg"))).image), 0);
}

TEST(ImageDecoder, AWrongChecksumOfAChunkThatIsNotCriticalIsAWarning) {
  const Bytes whole = read_bytes(golden_image("rgb.png"));
  const std::string chunk("\0\0\0\4gAMA\0\0\xb1\x8f\1\2\3\4", 16);  // the checksum is another
  Bytes odd = whole;
  odd.insert(odd.begin() + 33, chunk.begin(), chunk.end());
  const data::DecodedImage found = decode(odd);
  EXPECT_EQ(found.failure, "");
  EXPECT_EQ(found.warning, "gAMA: CRC error");
  EXPECT_EQ(largest_difference(found.image, decode(whole).image), 0);
  data::DecodeOptions strict;
  strict.strict = true;
  EXPECT_THAT(decode(odd, strict).failure, HasSubstr("CRC error"));
}

TEST(ImageDecoder, NamesWhatDownloadsLeave) {
  const auto failure = [](const std::string& text) { return decode(Bytes(text.begin(), text.end())).failure; };
  EXPECT_THAT(failure("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 123\n"),
              HasSubstr("pointer of Git LFS, not the file itself of 123 bytes"));
  EXPECT_THAT(failure("<!DOCTYPE html><html><title>Sign in</title>"), HasSubstr("web page"));
}

TEST(ImageDecoder, RefusesAPictureThatOpenCVWouldTakeForDicom) {
  Bytes bytes = read_bytes(golden_image("rgb.bmp"));
  for (size_t i = 0; i < 4; ++i) bytes.at(128 + i) = static_cast<uint8_t>("DICM"[i]);  // pixels, as it happens
  EXPECT_THAT(decode(bytes).failure, HasSubstr("DICOM"));
}

TEST(ImageDecoder, KnowsImagesByTheirExtensionInAnyCase) {
  EXPECT_TRUE(data::has_image_extension("a/b.JPeG"));
  EXPECT_TRUE(data::has_image_extension("x.tiff"));
  EXPECT_FALSE(data::has_image_extension("a.png/b"));
  EXPECT_FALSE(data::has_image_extension("jpg"));
  EXPECT_FALSE(data::has_image_extension("labels.csv"));
}

TEST(ImageDecoder, NamesAnOptionThatCannotBe) {
  try {
    data::check(data::DecodeOptions{0, 16, 0});
    FAIL() << "accepted";
  } catch (const OptionError& e) {
    EXPECT_STREQ(e.what(), "--max-pixels is 0; it must be positive.");
  }
}

}  // namespace
}  // namespace dcgan::test
