#include <gif_lib.h>

#include <algorithm>
#include <cstring>

#include "data/images/codecs.h"

// giflib rather than OpenCV, whose decoder of GIF is GDAL's. The first frame is taken, and the rest is read to see that
// the file is whole.
namespace dcgan::data {
namespace {

int on_read(GifFileType* gif, GifByteType* target, int count) {
  ByteView& rest = *static_cast<ByteView*>(gif->UserData);
  const size_t now = std::min(rest.size, static_cast<size_t>(count));
  if (now > 0) std::memcpy(target, rest.data, now);
  rest = rest.part(now);
  return static_cast<int>(now);
}

[[noreturn]] void fail(int code) {
  const char* text = GifErrorString(code);
  throw DecodeError(std::string("damaged or truncated GIF: ") + (text == nullptr ? "unknown reason" : text));
}

// Of the screen, which the first frame may fill in part.
struct Screen {
  int64_t height, width;
  std::vector<uint8_t> indices;  // of colours
};

// The order of the rows of an interlaced frame (GIF89a, appendix E).
std::vector<int> row_order(int height, bool interlaced) {
  std::vector<int> rows;
  for (const auto& [first, step] : {std::pair(0, 8), std::pair(4, 8), std::pair(2, 4), std::pair(1, 2)}) {
    for (int row = interlaced ? first : 0; interlaced && row < height; row += step) rows.push_back(row);
  }
  for (int row = 0; !interlaced && row < height; ++row) rows.push_back(row);
  return rows;
}

void read_frame(GifFileType* gif, Screen& screen) {
  const GifImageDesc& frame = gif->Image;
  if (frame.Left < 0 || frame.Top < 0 || frame.Left + frame.Width > screen.width ||
      frame.Top + frame.Height > screen.height) {
    throw DecodeError("damaged GIF: its first frame lies outside of its screen");
  }
  const int colours = gif->Image.ColorMap != nullptr ? gif->Image.ColorMap->ColorCount
                      : gif->SColorMap != nullptr    ? gif->SColorMap->ColorCount
                                                     : 256;
  for (const int row : row_order(frame.Height, frame.Interlace)) {
    uint8_t* line = screen.indices.data() + (frame.Top + row) * screen.width + frame.Left;
    if (DGifGetLine(gif, line, frame.Width) != GIF_OK) fail(gif->Error);
    if (std::any_of(line, line + frame.Width, [&](uint8_t index) { return index >= colours; })) {
      throw DecodeError("damaged GIF: a pixel has a colour that is not in the palette");
    }
  }
}

void skip_frame(GifFileType* gif) {
  int code_size = 0;
  GifByteType* block = nullptr;
  if (DGifGetCode(gif, &code_size, &block) != GIF_OK) fail(gif->Error);
  while (block != nullptr) {
    if (DGifGetCodeNext(gif, &block) != GIF_OK) fail(gif->Error);
  }
}

// @return the number of the transparent colour if the extension names one, otherwise `before`
int read_extension(GifFileType* gif, int before) {
  int function = 0;
  GifByteType* block = nullptr;
  if (DGifGetExtension(gif, &function, &block) != GIF_OK) fail(gif->Error);
  int transparent = before;
  while (block != nullptr) {
    GraphicsControlBlock control;
    if (function == GRAPHICS_EXT_FUNC_CODE && DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK) {
      transparent = control.TransparentColor;
    }
    if (DGifGetExtensionNext(gif, &block) != GIF_OK) fail(gif->Error);
  }
  return transparent;
}

}  // namespace

RgbImage decode_gif(ByteView bytes, const DecodeOptions& options, std::string& remark) {
  int error = 0;
  struct Owner {
    GifFileType* gif;
    ~Owner() {
      if (gif != nullptr) DGifCloseFile(gif, nullptr);
    }
  };
  const Owner owner{DGifOpen(&bytes, on_read, &error)};
  GifFileType* gif = owner.gif;
  if (gif == nullptr) fail(error);
  check_size(gif->SWidth, gif->SHeight, options);
  Screen screen{gif->SHeight, gif->SWidth, {}};
  std::vector<GifColorType> palette;
  int transparent = NO_TRANSPARENT_COLOR;
  int64_t frames = 0;
  for (GifRecordType record = UNDEFINED_RECORD_TYPE; record != TERMINATE_RECORD_TYPE;) {
    if (DGifGetRecordType(gif, &record) != GIF_OK) fail(gif->Error);
    if (record == EXTENSION_RECORD_TYPE) {
      const int named = read_extension(gif, transparent);
      if (frames == 0) transparent = named;
    } else if (record == IMAGE_DESC_RECORD_TYPE) {
      if (DGifGetImageDesc(gif) != GIF_OK) fail(gif->Error);
      if (frames++ > 0) {
        skip_frame(gif);
        continue;
      }
      // Where the frame leaves the screen free it shows the transparent colour, or the first (as Pillow does).
      const ColorMapObject* map = gif->Image.ColorMap != nullptr ? gif->Image.ColorMap : gif->SColorMap;
      for (int i = 0; i < 256; ++i) {
        const auto grey = static_cast<GifByteType>(i);
        palette.push_back(map == nullptr        ? GifColorType{grey, grey, grey}
                          : i < map->ColorCount ? map->Colors[i]
                                                : GifColorType{});
      }
      screen.indices.assign(screen.height * screen.width, static_cast<uint8_t>(std::max(transparent, 0)));
      read_frame(gif, screen);
    }
  }
  if (frames == 0) throw DecodeError("GIF without a frame");
  if (frames > 1) remark = kAnimated;
  RgbImage image{screen.height, screen.width, {}};
  image.pixels.reserve(screen.indices.size() * 3);
  for (const uint8_t index : screen.indices) {
    const GifColorType& colour = palette[index];
    image.pixels.insert(image.pixels.end(), {colour.Red, colour.Green, colour.Blue});
  }
  return image;
}

}  // namespace dcgan::data
