#pragma once

#include <string>

namespace dcgan::data {

/// How the images that a command line names are found.
struct InputOptions {
  std::string list;         ///< file with one path a line, or "-" for standard input; empty: none
  bool hidden = false;      ///< take what systems leave behind, too
  bool unlabelled = false;  ///< class folders give no labels
};

template <class Visitor>
void describe(InputOptions& o, Visitor&& f) {
  f(o.list, "list", "take only the images that FILE names, one path a line, relative to the folder; - reads stdin");
  f(o.hidden, "hidden",
    "take what systems leave in folders, too: names with a dot in front, __MACOSX, thumbnails and trash of a NAS, "
    "lost+found");
  f(o.unlabelled, "unlabelled", "no labels, whatever the folders are called");
}

}  // namespace dcgan::data
