#include "weights/checkpoint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdint>
#include <map>
#include <set>

#include "weights/quantize.h"

namespace blip3o {

namespace {

// The first of several problems, with a word on the others.
Status FirstOf(const std::vector<Status>& problems) {
  if (problems.empty()) return {};
  const Status& first = problems.front();
  if (problems.size() == 1) return first;
  return {first.code(),
          fmt::format("{} (and {} more problems: inspect lists them)", first.message(), problems.size() - 1)};
}

// Where tensors that have only a size begin.
constexpr uintptr_t kUntouchable = 4096;

// Products read matrices and kernels; a table of shifts is added.
bool IsReadByProducts(const BoundTensor& bound) {
  return bound.tensor.shape.rank() >= 2 && !bound.row->name.ends_with("scale_shift_table");
}

}  // namespace

Result<std::unique_ptr<Checkpoint>> Checkpoint::Open(const std::filesystem::path& directory,
                                                     const std::filesystem::path& diffusion_directory) {
  std::unique_ptr<Checkpoint> checkpoint(new Checkpoint());
  BLIP3O_ASSIGN_OR_RETURN(checkpoint->config_, ReadConfig(directory, diffusion_directory));
  std::vector<Status> problems;
  checkpoint->files_.emplace(directory, problems);
  // A file that can't be read makes tensors missing; it is the cause that the user needs to know.
  BLIP3O_RETURN_IF_ERROR(FirstOf(problems));
  checkpoint->files_->CompleteConfig(checkpoint->config_);
  checkpoint->table_ = TensorTable(checkpoint->config_, checkpoint->weights_);
  std::vector<TensorProblem> tensor_problems;
  checkpoint->tensors_ = checkpoint->files_->Bind(checkpoint->table_, checkpoint->config_, tensor_problems);
  for (const TensorProblem& problem : tensor_problems) {
    if (IsRequired(problem.part)) problems.push_back(problem.status);
  }
  BLIP3O_RETURN_IF_ERROR(FirstOf(problems));
  checkpoint->capabilities_ = FindCapabilities(checkpoint->config_, checkpoint->table_, tensor_problems);
  std::set<ModelPart> useless;
  for (const TensorProblem& problem : tensor_problems) useless.insert(problem.part);
  std::set<const void*> counted;
  for (const BoundTensor& bound : checkpoint->tensors_) {
    if (useless.count(bound.row->part) != 0) continue;
    if (counted.insert(bound.tensor.data).second) checkpoint->weight_bytes_ += bound.row->slot->size_bytes();
  }
  return checkpoint;
}

Status Checkpoint::QuantizeLanguageModel(int threads) {
  BLIP3O_ASSIGN_OR_RETURN(quantized_, blip3o::QuantizeLanguageModel(weights_.language_model, threads));
  return {};
}

void Checkpoint::QuantizeSizesOnly() { blip3o::QuantizeSizesOnly(weights_.language_model); }

int64_t Checkpoint::QuantizedLanguageModelBytes() const {
  return quantized_.data() != nullptr ? quantized_.size_bytes() : QuantizedBytes(weights_.language_model);
}

Result<std::unique_ptr<Checkpoint>> Checkpoint::OfSizes(const std::filesystem::path& directory,
                                                        const std::filesystem::path& diffusion_directory) {
  std::unique_ptr<Checkpoint> checkpoint(new Checkpoint());
  BLIP3O_ASSIGN_OR_RETURN(checkpoint->config_, ReadConfig(directory, diffusion_directory));
  checkpoint->table_ = TensorTable(checkpoint->config_, checkpoint->weights_);
  std::map<std::string, View> tensors;
  std::vector<TensorProblem> unknown;
  uintptr_t address = kUntouchable;
  for (const TensorRow& row : checkpoint->table_) {
    if (row.part == ModelPart::kImageTokenizer) {
      unknown.push_back({row.part, true, InvalidCheckpoint("no config says how wide the codes are")});
      continue;
    }
    const View tensor{reinterpret_cast<const void*>(address), DType::kBF16, row.shape};
    const auto [at, is_new] = tensors.emplace(row.name, tensor);
    if (is_new) address += static_cast<uintptr_t>(tensor.size_bytes());
    *row.slot = SlotView(row, at->second);
    checkpoint->tensors_.push_back({&row, at->second, nullptr});
    if (is_new) checkpoint->weight_bytes_ += row.slot->size_bytes();
  }
  checkpoint->capabilities_ = FindCapabilities(checkpoint->config_, checkpoint->table_, unknown);
  return checkpoint;
}

std::string Checkpoint::dtypes() const {
  std::set<std::string_view> names;
  for (const BoundTensor& bound : tensors_) names.insert(NameOf(bound.tensor.dtype));
  return fmt::format("{}", fmt::join(names, ", "));
}

std::vector<NamedTensor> Checkpoint::LanguageTensors() const {
  std::vector<NamedTensor> tensors;
  std::set<std::string_view> known;  // a tied head is rows of the embeddings
  for (const BoundTensor& bound : tensors_) {
    if (bound.row->part != ModelPart::kLanguageModel || !known.insert(bound.row->name).second) continue;
    tensors.push_back({bound.row->name, bound.tensor});
  }
  return tensors;
}

bool Checkpoint::is_16_bit() const {
  for (const BoundTensor& bound : tensors_) {
    if (IsRequired(bound.row->part) && IsReadByProducts(bound) && SizeOf(bound.tensor.dtype) != 2) return false;
  }
  return true;
}

Status Checkpoint::ScanValues(ModelPart part) const {
  for (const BoundTensor& bound : tensors_) {
    if (bound.row->part == part) BLIP3O_RETURN_IF_ERROR(ScanTensor(bound));
  }
  return {};
}

Status Checkpoint::NotFinite(ModelPart part, const std::string& what) const {
  const Status scanned = ScanValues(part);
  if (!scanned.ok()) {
    return NumericError(fmt::format("{} are not finite, because a weight is not: {}", what, scanned.message()));
  }
  return NumericError(
      fmt::format("{} are not finite (expected finite values), though every weight of the {} is: the checkpoint "
                  "overflows f32 on this input",
                  what, NameOf(part)));
}

}  // namespace blip3o
