#pragma once

namespace dcgan {

/// What a writer does where its output, or the partial file of an interrupted run, is there already: refuse, replace,
/// or go on.
enum class OutputMode { kCreate, kOverwrite, kResume };

}  // namespace dcgan
