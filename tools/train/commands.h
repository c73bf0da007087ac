#pragma once

namespace dcgan::tools {

/// dcgan-train report: one HTML file about a run, which needs nothing but itself.
int report_command(int argc, const char* const* argv);

}  // namespace dcgan::tools
