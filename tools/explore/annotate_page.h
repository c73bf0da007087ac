#pragma once

namespace dcgan::explore_tool {

/// The page of `dcgan-explore drop annotate`: annotate.html.
extern const char* const kAnnotatePage;

}  // namespace dcgan::explore_tool
