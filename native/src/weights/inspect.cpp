#include "weights/inspect.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "weights/capabilities.h"
#include "weights/config.h"
#include "weights/tensor_files.h"
#include "weights/tensor_table.h"

namespace blip3o {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::array kParts = {
    ModelPart::kLanguageModel,  ModelPart::kConnector, ModelPart::kDiffusionTransformer, ModelPart::kDecoder,
    ModelPart::kImageTokenizer, ModelPart::kEncoder,   ModelPart::kReferenceConnector};
static_assert(kParts.size() == kModelPartCount);

Json ConfigReport(const ModelConfig& config) {
  const LanguageModelConfig& language_model = config.language_model;
  const DiffusionTransformerConfig& transformer = config.diffusion_transformer;
  return {
      {"vocabulary", language_model.vocab_size},
      {"hidden_size", language_model.hidden_size},
      {"language_model_layers", language_model.num_layers},
      {"attention_heads", language_model.num_heads},
      {"key_value_heads", language_model.num_kv_heads},
      {"head_dim", language_model.head_dim},
      {"max_positions", language_model.max_position_embeddings},
      {"tied_embeddings", language_model.tie_word_embeddings},
      {"image_codes", config.image_tokens.codes},
      {"image_tokens", config.image_tokens.tokens},
      {"transformer_layers", transformer.num_layers},
      {"transformer_width", transformer.width},
      {"caption_size", transformer.caption_channels},
      {"latent_channels", transformer.in_channels},
      {"latent_side", config.latent_side()},
      {"autoencoder_stages", config.autoencoder.decoder.stages.size()},
      {"picture_side", config.picture_side()},
      {"flow_shift", config.flow.shift},
  };
}

// Counts one part's tensors, each once.
Json PartReport(ModelPart part, const std::vector<BoundTensor>& tensors) {
  int64_t count = 0;
  int64_t parameters = 0;
  int64_t bytes = 0;
  std::set<std::string> dtypes;
  std::set<const void*> counted;
  for (const BoundTensor& bound : tensors) {
    if (bound.row->part != part || !counted.insert(bound.tensor.data).second) continue;
    ++count;
    parameters += bound.tensor.count();
    bytes += bound.tensor.size_bytes();
    dtypes.insert(std::string(NameOf(bound.tensor.dtype)));
  }
  return {{"name", NameOf(part)}, {"tensors", count}, {"parameters", parameters}, {"bytes", bytes}, {"dtypes", dtypes}};
}

Json MemoryObject(const MemoryReport& memory) {
  return {{"device", memory.device},       {"tensors", memory.tensors},     {"problem", memory.problem},
          {"weights", memory.weights},     {"constants", memory.constants}, {"slab", memory.slab},
          {"workspace", memory.workspace}, {"scratch", memory.scratch},     {"arena", memory.arena},
          {"requests", memory.requests},   {"prompts", memory.prompts}};
}

Json CapabilityReport(const std::string& lacks) { return {{"available", lacks.empty()}, {"lacks", lacks}}; }

Json CapabilitiesReport(const Capabilities& capabilities) {
  return {{"reference_tokens", CapabilityReport(capabilities.reference_tokens_lack)},
          {"reference_latents", CapabilityReport(capabilities.reference_latents_lack)},
          {"editing", CapabilityReport(capabilities.editing_lacks)}};
}

// What is wrong. That a whole part of editing is missing is no problem: the checkpoint was made for text.
std::vector<Status> Wrong(const std::vector<TensorProblem>& problems, const std::vector<BoundTensor>& tensors) {
  const auto is_there = [&](ModelPart part) {
    return std::any_of(tensors.begin(), tensors.end(), [part](const BoundTensor& t) { return t.row->part == part; });
  };
  std::vector<Status> wrong;
  for (const TensorProblem& problem : problems) {
    if (IsRequired(problem.part) || !problem.missing || is_there(problem.part)) wrong.push_back(problem.status);
  }
  return wrong;
}

// Every tensor of the files that no row of the table uses.
Json UnusedReport(const CheckpointFiles& files, const std::vector<BoundTensor>& tensors) {
  std::set<const void*> used;
  for (const BoundTensor& bound : tensors) used.insert(bound.tensor.data);
  Json unused = Json::array();
  for (const Safetensors* file : files.files()) {
    for (const auto& [name, view] : file->tensors()) {
      if (used.count(view.data) != 0) continue;
      Json shape = Json::array();
      for (int i = 0; i < view.shape.rank(); ++i) shape.push_back(view.shape[i]);
      unused.push_back(
          {{"name", name}, {"dtype", NameOf(view.dtype)}, {"shape", std::move(shape)}, {"bytes", view.size_bytes()}});
    }
    for (const auto& [name, tensor] : file->opaque_tensors()) {
      unused.push_back(
          {{"name", name}, {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"bytes", tensor.size_bytes}});
    }
  }
  return unused;
}

// Tensors that are missing because a file can't be read are one problem, not hundreds.
void Summarise(const std::vector<Status>& consequences, std::vector<Status>& problems) {
  if (consequences.empty()) return;
  problems.push_back(InvalidCheckpoint(fmt::format("besides, {} needed tensors are missing or wrong, the first: {}",
                                                   consequences.size(), consequences.front().message())));
}

// Reads all weights, each once.
void Scan(const std::vector<BoundTensor>& tensors, std::vector<Status>& problems) {
  std::set<const void*> scanned;
  for (const BoundTensor& bound : tensors) {
    if (!scanned.insert(bound.tensor.data).second) continue;
    if (Status status = ScanTensor(bound); !status.ok()) problems.push_back(status);
  }
}

}  // namespace

Result<std::string> InspectCheckpoint(const fs::path& directory, const fs::path& diffusion_directory, bool scan_values,
                                      const std::optional<MemoryReport>& memory) {
  std::error_code error;
  if (!fs::is_directory(directory, error)) {
    return IoError(fmt::format("{}: expected a checkpoint directory, found {}", directory.string(),
                               fs::exists(directory, error) ? "a file" : "nothing"));
  }
  std::vector<Status> problems;
  Result<ModelConfig> config = ReadConfig(directory, diffusion_directory);
  if (!config.ok()) problems.push_back(config.status());

  std::vector<Status> file_problems;
  CheckpointFiles files(directory, file_problems);
  problems.insert(problems.end(), file_problems.begin(), file_problems.end());
  ModelWeights weights;
  std::vector<TensorRow> table;
  std::vector<BoundTensor> tensors;
  std::optional<Capabilities> capabilities;
  if (config.ok()) {
    files.CompleteConfig(*config);
    table = TensorTable(*config, weights);
    std::vector<TensorProblem> found;
    tensors = files.Bind(table, *config, found);
    capabilities = FindCapabilities(*config, table, found);
    const std::vector<Status> tensor_problems = Wrong(found, tensors);
    if (file_problems.empty()) {
      problems.insert(problems.end(), tensor_problems.begin(), tensor_problems.end());
    } else {
      Summarise(tensor_problems, problems);
    }
  } else {
    problems.push_back(InvalidCheckpoint("all tensors are listed as unused: only the configs say which are needed"));
  }
  if (scan_values) Scan(tensors, problems);

  Json report = {{"directory", directory.string()}, {"complete", problems.empty()}};
  report["config"] = config.ok() ? ConfigReport(*config) : Json::object();
  report["parts"] = Json::array();
  for (const ModelPart part : kParts) {
    Json part_report = PartReport(part, tensors);
    if (IsRequired(part) || part_report["tensors"] > 0) report["parts"].push_back(std::move(part_report));
  }
  report["capabilities"] = capabilities ? CapabilitiesReport(*capabilities) : Json::object();
  if (memory) report["memory"] = MemoryObject(*memory);
  report["problems"] = Json::array();
  for (const Status& problem : problems) report["problems"].push_back(problem.message());
  report["unused"] = UnusedReport(files, tensors);
  return report.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace blip3o
