#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <string>

#include "dcgan/statistics.h"
#include "nn/networks.h"

namespace dcgan::features {

/// dcgan::infer_statistics() for a discriminator that lies on a device. @return JSON that says where they come from
std::string average_statistics(nn::Discriminator& network, int64_t image_size, c10::Device device,
                               const NextImages& next, const std::string& source);

}  // namespace dcgan::features
