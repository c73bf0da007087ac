#pragma once

#include <string>
#include <vector>

#include "data/image_folder.h"

namespace dcgan::data {

/// Gives the images of a list their labels and classes; the one place that does.
///
/// @param label_by  first: the first folder below what was named; parent: the folder that each image lies in; none; or
///        a CSV file with the columns file and label (others are ignored), whose files are named as the list's paths,
///        or as they are below the folder that was named
///
/// Images without a folder, or without a line, get -1; where no image has a class there are no labels at all. With
/// `first`, folders that alone hold everything are passed: photos/cat/1.jpg and photos/dog/2.jpg are cat and dog. Names
/// that differ in their composition only are one class, spelt as the first of them in byte order. Notes say what may
/// not have been meant.
/// @throws FileError for a CSV file that cannot be read
void label_images(const std::string& label_by, ImageList& list);

/// The header of a CSV file, then each line's fields (RFC 4180: in quotation marks where they hold commas).
/// @throws FileError naming the line that has another number of fields than the header
std::vector<std::vector<std::string>> read_csv(const std::string& path);

}  // namespace dcgan::data
