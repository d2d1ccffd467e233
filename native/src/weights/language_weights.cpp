#include "weights/language_weights.h"

#include <fmt/format.h>

#include <cstring>
#include <map>
#include <string_view>

#include "base/memory.h"
#include "weights/finite.h"
#include "weights/tensor_files.h"
#include "weights/tensor_table.h"

namespace blip3o {

namespace {

constexpr int64_t kAlignment = 64;

int64_t PlaceOf(const View& view) { return (view.size_bytes() + kAlignment - 1) / kAlignment * kAlignment; }

using ByName = std::map<std::string_view, View>;

Result<ByName> Index(std::span<const NamedTensor> tensors) {
  ByName index;
  for (const NamedTensor& tensor : tensors) {
    if (!index.emplace(tensor.name, tensor.view).second) {
      return InvalidArgument(fmt::format("tensor {} is given twice: expected each once", tensor.name));
    }
  }
  return index;
}

bool IsFloat(DType dtype) { return dtype == DType::kF32 || dtype == DType::kBF16 || dtype == DType::kF16; }

Status Check(const TensorRow& row, const View& view) {
  if (view.empty() || !IsFloat(view.dtype) || view.shape != row.shape) {
    return InvalidArgument(fmt::format("tensor {} must be F32, BF16 or F16 {}: found {} {}", row.name,
                                       row.shape.ToString(), NameOf(view.dtype), view.shape.ToString()));
  }
  const auto found = FindNonFinite(view);
  return found ? InvalidArgument(fmt::format("tensor {} holds {}: expected finite values", row.name, *found))
               : Status();
}

// The rows of the language model, whose tensors are all given and as they should be.
Result<std::vector<TensorRow>> CheckAll(const std::vector<TensorRow>& table, const ByName& given) {
  std::vector<TensorRow> rows;
  std::map<std::string_view, bool> known;
  for (const TensorRow& row : table) {
    if (row.part != ModelPart::kLanguageModel) continue;
    const auto at = given.find(row.name);
    if (at == given.end()) {
      return InvalidArgument(
          fmt::format("tensor {} is missing: expected every tensor of the language model", row.name));
    }
    BLIP3O_RETURN_IF_ERROR(Check(row, at->second));
    known[row.name] = true;
    rows.push_back(row);
  }
  for (const auto& [name, view] : given) {
    if (known.count(name) == 0) {
      return InvalidArgument(fmt::format("tensor {} is none of the language model's: leave it out", name));
    }
  }
  return rows;
}

}  // namespace

int64_t BytesOf(std::span<const NamedTensor> tensors) {
  int64_t bytes = 0;
  for (const NamedTensor& tensor : tensors) bytes += PlaceOf(tensor.view);
  return bytes;
}

Result<OwnedLanguageWeights> CopyLanguageWeights(const ModelConfig& config, std::span<const NamedTensor> tensors) {
  BLIP3O_ASSIGN_OR_RETURN(const ByName given, Index(tensors));
  ModelWeights weights;
  const std::vector<TensorRow> table = TensorTable(config, weights);
  BLIP3O_ASSIGN_OR_RETURN(const std::vector<TensorRow> rows, CheckAll(table, given));
  OwnedLanguageWeights owned;
  BLIP3O_ASSIGN_OR_RETURN(owned.memory, AllocatePages(BytesOf(tensors)));
  char* to = static_cast<char*>(owned.memory.data());
  std::map<std::string_view, View> copies;  // a tied head is rows of the embeddings
  for (const TensorRow& row : rows) {
    const auto [at, is_new] = copies.emplace(row.name, given.at(row.name));
    View& copy = at->second;
    if (is_new) {
      std::memcpy(to, copy.data, static_cast<size_t>(copy.size_bytes()));
      copy.data = to;
      to += PlaceOf(copy);
    }
    *row.slot = SlotView(row, copy);
  }
  owned.weights = std::move(weights.language_model);
  return owned;
}

}  // namespace blip3o
