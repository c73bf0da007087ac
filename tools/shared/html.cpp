#include "tools/shared/html.h"

#include <nettle/base64.h>

#include <boost/algorithm/string/replace.hpp>
#include <cstdint>

namespace dcgan::tools {
namespace {

std::string base64(const std::string& bytes) {
  std::string text(BASE64_ENCODE_RAW_LENGTH(bytes.size()), '\0');
  base64_encode_raw(text.data(), bytes.size(), reinterpret_cast<const uint8_t*>(bytes.data()));
  return text;
}

constexpr const char* kHead = R"(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>%TITLE%</title>
<style>
  body { font: 15px/1.5 sans-serif; max-width: 1180px; margin: 2em auto; padding: 0 1em; color: #222; }
  .row { display: flex; flex-wrap: wrap; gap: 1em; }
  figure { margin: 0; }
  figcaption { font-weight: bold; }
  .plots figure { flex: 0 1 570px; }
  .grids figure { flex: 0 1 370px; }
  .grids figure:focus { flex-basis: 100%; }
  img { width: 100%; image-rendering: pixelated; }
  svg { width: 100%; font: 12px sans-serif; }
  svg polyline { fill: none; stroke-width: 1.5; }
  svg .axes line { stroke: #ddd; }
  svg .axes text { fill: #555; }
  svg .legend { font-weight: bold; }
  table { border-collapse: collapse; }
  th, td { padding: .1em .8em; border-bottom: 1px solid #ddd; text-align: left; font-weight: normal; }
  .alarm { color: #b00; }
  td { font-variant-numeric: tabular-nums; word-break: break-word; }
  .matrix td, .matrix thead th { text-align: right; }
</style>
<h1>%TITLE%</h1>
)";

}  // namespace

std::string html_text(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    safe += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '"' ? "&quot;" : std::string(1, c);
  }
  return safe;
}

std::string html_picture(const std::string& bytes, const std::string& alt, const std::string& type) {
  return "<img alt=\"" + html_text(alt) + "\" src=\"data:" + type + ";base64," + base64(bytes) + "\">";
}

std::string html_head(const std::string& title) {
  return boost::replace_all_copy(std::string(kHead), "%TITLE%", html_text(title));
}

}  // namespace dcgan::tools
