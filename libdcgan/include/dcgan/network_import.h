#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "dcgan/architecture.h"
#include "dcgan/export.h"
#include "dcgan/state_dict.h"

namespace dcgan {

/// What somebody knows of a network whose tensors are at hand.
struct NetworkFacts {
  /// `network` and `generator_network` say layers, in which channels and biases may be left out; where they are empty,
  /// the layers of known families are recognised by their shapes. `input` is taken as it is, but for the channels.
  ArchitectureOptions architecture;
  bool image_size_known = false;  ///< architecture.image_size; otherwise what the layers come out with
  bool input_known = false;       ///< architecture.input; otherwise it is a guess
  std::string prefix;             ///< what stands before all names of the network; empty: found
  double epsilon = -1;            ///< of batch norm where no list says it; negative: not known, the family's
};

/// A network that was found in tensors: what model_from_state_dicts() takes.
struct FoundNetwork {
  std::string family;                          ///< "PyTorch's DCGAN example", or "" where facts said the layers
  ArchitectureOptions architecture;            ///< complete, with its lists
  std::map<std::string, std::string> mapping;  ///< names in the files by ours
  std::set<std::string> turned;                ///< of StateDictOptions
  std::vector<std::string> assumed;            ///< what no tensor says: one sentence each
  std::vector<std::string> left_out;           ///< tensors that are no part of the networks, and why
};

/// Finds a discriminator, and its generator where there is one, by names, shapes and order of the tensors.
/// @throws FileError saying what the files hold instead: a generator only, layers that are no chain (a ResNet), layers
/// of other kinds (a transformer), a list that does not fit, or several networks that fit; and where strides and
/// paddings cannot be known, the candidates.
DCGAN_EXPORT FoundNetwork find_network(const std::vector<StateDictReader>& files, const NetworkFacts& facts);

}  // namespace dcgan
