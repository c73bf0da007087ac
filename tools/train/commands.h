#pragma once

namespace dcgan::train_tool {

/// dcgan-train --data IMAGES --out RUN
int train_command(int argc, const char* const* argv);
/// dcgan-train report RUN: one HTML file about a run, which needs nothing but itself
int report_command(int argc, const char* const* argv);

}  // namespace dcgan::train_tool
