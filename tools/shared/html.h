#pragma once

#include <string>

namespace dcgan::tools {

/// Text with &, <, > and " written so that HTML shows them.
std::string html_text(const std::string& text);

/// The bytes of a picture as an element of the page.
std::string html_picture(const std::string& bytes, const std::string& alt, const std::string& type = "image/png");

/// The head of a page that needs nothing but itself: title, style, heading. It ends with "</html>\n".
std::string html_head(const std::string& title);

}  // namespace dcgan::tools
