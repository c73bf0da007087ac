#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <string>

// jpeglib.h uses size_t and FILE without including what declares them, so it comes after.
// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include "data/images/codecs.h"
#include "data/images/jpeg_scan.h"
#include "dcgan/errors.h"

// libjpeg straight rather than through OpenCV, which prints the library's warnings to stderr and returns the grey rest
// of a truncated file as pixels (OpenCV issue 6468).
namespace dcgan::data {
namespace {

constexpr std::string_view kExifHeader{"Exif\0\0", 6};

struct JpegErrors {
  jpeg_error_mgr base;  // first, so that libjpeg's pointer to it is a pointer to this
  std::jmp_buf jump;
  char reason[JMSG_LENGTH_MAX];
  ByteView file;
  bool strict;
  std::string warning;  ///< the first of those that are harmless
};

[[noreturn]] void on_error(j_common_ptr info) {
  auto* errors = reinterpret_cast<JpegErrors*>(info->err);
  errors->base.format_message(info, errors->reason);
  std::longjmp(errors->jump, 1);
}

// Surplus bytes before a marker: behind a whole scan, and zeros between the tables, as some cameras leave them. Others
// there may be what is left of a damaged table.
bool is_harmless_surplus(const jpeg_decompress_struct& info, ByteView file) {
  const JOCTET* marker = info.src->next_input_byte;
  if (info.input_scan_number > 0) return scan_is_whole(file, marker - file.data);
  return std::all_of(marker - info.err->msg_parm.i[0], marker, [](JOCTET byte) { return byte == 0; });
}

// Warnings that say nothing of the pixels: odd version numbers and scan parameters that a sequential JPEG does not use.
bool is_harmless(j_common_ptr info, ByteView file) {
  switch (info->err->msg_code) {
    case JWRN_JFIF_MAJOR:
    case JWRN_ADOBE_XFORM:
    case JWRN_NOT_SEQUENTIAL:
      return true;
    case JWRN_EXTRANEOUS_DATA:
      return info->is_decompressor && is_harmless_surplus(*reinterpret_cast<j_decompress_ptr>(info), file);
    default:
      return false;
  }
}

void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  auto* errors = reinterpret_cast<JpegErrors*>(info->err);
  if (errors->strict || !is_harmless(info, errors->file)) on_error(info);
  errors->base.format_message(info, errors->reason);
  if (errors->warning.empty()) errors->warning = errors->reason;
}

// Adobe's programs store CMYK inverted, and say so by their marker.
void rgb_from_cmyk(const JSAMPLE* cmyk, JDIMENSION width, bool inverted, uint8_t* rgb) {
  for (JDIMENSION x = 0; x < width; ++x) {
    const int black = inverted ? cmyk[4 * x + 3] : 255 - cmyk[4 * x + 3];
    for (JDIMENSION c = 0; c < 3; ++c) {
      const int ink = inverted ? cmyk[4 * x + c] : 255 - cmyk[4 * x + c];
      rgb[3 * x + c] = static_cast<uint8_t>((ink * black + 127) / 255);
    }
  }
}

int orientation(jpeg_decompress_struct& info) {
  for (const jpeg_marker_struct* marker = info.marker_list; marker != nullptr; marker = marker->next) {
    const ByteView data{marker->data, marker->data_length};
    if (marker->marker == JPEG_APP0 + 1 && data.starts_with(kExifHeader)) {
      return exif_orientation(data.part(kExifHeader.size()));
    }
  }
  return 1;
}

// 1/8, 1/4 or 1/2 of the size if the shorter side stays at least `side`. Not 3/8, 5/8, ...: libjpeg-turbo is slow at
// those, and their pixels lie between those of the image (docs/benchmarks.md has the price of each).
unsigned scale_eighths(const jpeg_decompress_struct& info, int64_t side) {
  const int64_t shorter = std::min(info.image_width, info.image_height);
  unsigned eighths = 8;
  while (side > 0 && eighths > 1 && shorter * (eighths / 2) / 8 >= side) eighths /= 2;
  return eighths;
}

// longjmp runs no destructors: whatever owns memory belongs to the caller.
// @return the EXIF orientation
int decode_rows(jpeg_decompress_struct& info, const DecodeOptions& options, RgbImage& image,
                std::vector<JSAMPLE>& row) {
  jpeg_save_markers(&info, JPEG_APP0 + 1, 0xFFFF);
  jpeg_read_header(&info, TRUE);
  check_size(info.image_width, info.image_height, options);
  const int exif = orientation(info);  // now: the end of the image frees the markers
  const bool four_inks = info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
  if (info.jpeg_color_space == JCS_UNKNOWN) {
    throw DecodeError(text_of("JPEG with ", info.num_components, " components is not supported"));
  }
  info.out_color_space = four_inks ? JCS_CMYK : JCS_RGB;
  info.scale_num = scale_eighths(info, options.scaled_side);
  info.scale_denom = 8;
  jpeg_start_decompress(&info);
  const JDIMENSION width = info.output_width;
  image.width = width;
  image.height = info.output_height;
  image.pixels.resize(image.height * image.width * 3);
  if (four_inks) row.resize(image.width * 4);
  while (info.output_scanline < info.output_height) {
    uint8_t* rgb = image.pixels.data() + info.output_scanline * width * 3;
    JSAMPROW target = four_inks ? row.data() : rgb;
    jpeg_read_scanlines(&info, &target, 1);
    if (four_inks) rgb_from_cmyk(row.data(), width, info.saw_Adobe_marker != 0, rgb);
  }
  jpeg_finish_decompress(&info);  // reads on to the end marker: its absence is a warning
  return exif;
}

}  // namespace

RgbImage decode_jpeg(ByteView bytes, const DecodeOptions& options, std::string& warning) {
  JpegErrors errors{};
  errors.file = bytes;
  errors.strict = options.strict;
  jpeg_decompress_struct info{};
  info.err = jpeg_std_error(&errors.base);
  errors.base.error_exit = on_error;
  errors.base.emit_message = on_message;
  jpeg_create_decompress(&info);
  struct Owner {
    jpeg_decompress_struct& info;
    ~Owner() { jpeg_destroy_decompress(&info); }
  } const owner{info};
  RgbImage image;
  std::vector<JSAMPLE> row;
  if (setjmp(errors.jump) != 0) {
    throw DecodeError(std::string("damaged or truncated JPEG: ") + errors.reason);
  }
  jpeg_mem_src(&info, bytes.data, static_cast<unsigned long>(bytes.size));
  const int exif = decode_rows(info, options, image, row);
  apply_orientation(exif, image);
  warning = errors.warning;
  return image;
}

}  // namespace dcgan::data
