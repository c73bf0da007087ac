#include "models/generator_statistics.h"

#include <nlohmann/json.hpp>

namespace dcgan::models {

bool lacks_generator_statistics(const ModelFile& model) {
  const auto statistics = nlohmann::json::parse(model.statistics, nullptr, /*allow_exceptions=*/false);
  return statistics.is_object() && statistics.contains(kGeneratorStatistics);
}

}  // namespace dcgan::models
