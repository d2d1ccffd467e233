#include "weights/capabilities.h"

#include <fmt/format.h>

#include <algorithm>

namespace blip3o {

namespace {

// Why a part can't be used; empty where it can.
std::string Lack(ModelPart part, const std::vector<TensorRow>& table, const std::vector<TensorProblem>& problems) {
  const auto of_part = [part](const auto& item) { return item.part == part; };
  const auto first = std::find_if(problems.begin(), problems.end(), of_part);
  if (first == problems.end()) return "";
  const auto count = std::count_if(problems.begin(), problems.end(), of_part);
  const auto rows = std::count_if(table.begin(), table.end(), of_part);
  const auto all = [&](const TensorProblem& problem) { return !of_part(problem) || problem.missing; };
  if (count >= rows && std::all_of(problems.begin(), problems.end(), all)) {
    return fmt::format("it has no {}: none of its {} tensors is there, the first would be {}", NameOf(part), rows,
                       std::find_if(table.begin(), table.end(), of_part)->name);
  }
  return fmt::format("its {} is not complete: {}{}", NameOf(part), first->status.message(),
                     count > 1 ? fmt::format(" (and {} more tensors)", count - 1) : "");
}

}  // namespace

Capabilities FindCapabilities(const ModelConfig& config, const std::vector<TensorRow>& table,
                              const std::vector<TensorProblem>& problems) {
  const std::string tokenizer = Lack(ModelPart::kImageTokenizer, table, problems);
  const std::string encoder = Lack(ModelPart::kEncoder, table, problems);
  const std::string connector =
      config.editing.in_condition ? Lack(ModelPart::kReferenceConnector, table, problems) : "";
  Capabilities capabilities;
  if (!tokenizer.empty()) {
    capabilities.reference_tokens_lack = "this checkpoint can't turn pictures into tokens: " + tokenizer;
  }
  if (!encoder.empty()) {
    capabilities.reference_latents_lack = "this checkpoint can't turn pictures into latents: " + encoder;
  }
  std::string lacks;
  if (!config.editing.any()) {
    lacks =
        fmt::format("{} sets neither use_und_image_vae nor use_und_image_vae_as_noise, so it was made for text only",
                    (config.directory / "config.json").string());
  }
  for (const std::string& lack : {tokenizer, encoder, connector}) {
    if (!lack.empty()) lacks += (lacks.empty() ? "" : "; ") + lack;
  }
  if (!lacks.empty()) capabilities.editing_lacks = "this checkpoint can't edit pictures: " + lacks;
  return capabilities;
}

}  // namespace blip3o
