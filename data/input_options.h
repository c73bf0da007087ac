#pragma once

#include <string>

namespace dcgan::data {

/// How the images that a command line names are found.
struct InputOptions {
  std::string list;                ///< file with one path a line, or "-" for standard input; empty: none
  bool hidden = false;             ///< take what systems leave behind, too
  std::string label_by = "first";  ///< what the classes are told by (data/labels.h)
  bool unlabelled = false;         ///< label_by none

  std::string labels() const { return unlabelled ? "none" : label_by; }
};

template <class Visitor>
void describe(InputOptions& o, Visitor&& f) {
  f(o.list, "list", "take only the images that FILE names, one path a line, relative to the folder; - reads stdin");
  f(o.hidden, "hidden",
    "take what systems leave in folders, too: names with a dot in front, __MACOSX, thumbnails and trash of a NAS, "
    "lost+found");
  f(o.label_by, "label-by",
    "classes are: first, the first folders below what was named; parent, the folders that images lie in; none; or "
    "those of a CSV file with the columns file and label");
  f(o.unlabelled, "unlabelled", "the same as --label-by none");
}

}  // namespace dcgan::data
