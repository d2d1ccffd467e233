#include "weights/tensor_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "weights/finite.h"
#include "weights/json_fields.h"

namespace blip3o {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr int64_t kMaxCodeSize = int64_t{1} << 20;
constexpr int64_t kMaxIndexBytes = int64_t{100} << 20;

bool Holds(const Safetensors& file, const std::string& name) {
  return file.tensors().count(name) != 0 || file.opaque_tensors().count(name) != 0;
}

// STEM*.safetensors, sorted.
std::vector<fs::path> FilesWithStem(const fs::path& directory, const std::string& stem) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.starts_with(stem) && it->path().extension() == ".safetensors") paths.push_back(it->path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

Status CheckTensor(const TensorRow& row, const Safetensors& file, const std::string& name) {
  const auto wrong = [&](const std::string& what, const std::string& expected, const std::string& found) {
    return InvalidCheckpoint(
        fmt::format("{}: tensor {}: {}: expected {}, found {}", file.path().string(), name, what, expected, found));
  };
  const std::string shape = fmt::format("{} by the configs", row.shape.ToString());
  const auto opaque = file.opaque_tensors().find(name);
  if (opaque != file.opaque_tensors().end()) {
    if (opaque->second.shape.size() > static_cast<size_t>(Shape::kMaxRank)) {
      return wrong("shape", shape, fmt::format("[{}]", fmt::join(opaque->second.shape, ", ")));
    }
    return wrong("dtype", "F32, BF16 or F16", opaque->second.dtype);
  }
  const View& view = file.tensors().at(name);
  if (view.dtype != DType::kF32 && view.dtype != DType::kBF16 && view.dtype != DType::kF16) {
    return wrong("dtype", "F32, BF16 or F16", std::string(NameOf(view.dtype)));
  }
  if (view.shape != row.shape) return wrong("shape", shape, view.shape.ToString());
  return {};
}

// The folder of the diffusion directory that may hold a part of its own.
bool IsAutoencoder(ModelPart part) { return part == ModelPart::kDecoder || part == ModelPart::kEncoder; }
std::string FolderOf(ModelPart part) { return IsAutoencoder(part) ? "vae" : "transformer"; }

}  // namespace

View SlotView(const TensorRow& row, const View& tensor) {
  if (row.slot_rows == 0) return tensor;
  View view = tensor;
  view.shape = {row.slot_rows};
  int64_t row_count = 1;
  for (int i = 1; i < tensor.shape.rank(); ++i) {
    view.shape.Append(tensor.shape[i]);
    row_count *= tensor.shape[i];
  }
  view.data = static_cast<const char*>(tensor.data) + row.first_row * row_count * SizeOf(tensor.dtype);
  return view;
}

const Safetensors* TensorFiles::Add(const fs::path& path, std::vector<Status>& problems) {
  Result<Safetensors> file = Safetensors::Open(path);
  if (!file.ok()) {
    problems.push_back(file.status());
    return nullptr;
  }
  return &files_.emplace(path.string(), std::move(file.value())).first->second;
}

void TensorFiles::AddAll(const Safetensors& file) {
  for (const auto& [name, view] : file.tensors()) by_name_.emplace(name, &file);
  for (const auto& [name, tensor] : file.opaque_tensors()) by_name_.emplace(name, &file);
}

void TensorFiles::OpenShards(const fs::path& index, std::vector<Status>& problems) {
  Result<Json> json = ReadJsonObject(index, kMaxIndexBytes);
  if (!json.ok()) {
    problems.push_back(json.status());
    return;
  }
  const auto problem = [&](const std::string& field, const std::string& expected, const std::string& found) {
    problems.push_back(
        InvalidCheckpoint(fmt::format("{}: {}: expected {}, found {}", index.string(), field, expected, found)));
  };
  const auto map = json->find("weight_map");
  if (map == json->end() || !map->is_object()) {
    return problem("weight_map", "an object of tensor and file names", map == json->end() ? "nothing" : Excerpt(*map));
  }
  std::set<std::string> broken;
  for (const auto& [tensor, value] : map->items()) {
    const std::string field = "weight_map." + tensor;
    const std::string name = value.is_string() ? value.get<std::string>() : "";
    if (name.empty() || fs::path(name).filename() != name || name == "..") {
      problem(field, "the name of a file beside the index", Excerpt(value));
      continue;
    }
    if (broken.count(name) != 0) continue;
    const fs::path path = index.parent_path() / name;
    const auto known = files_.find(path.string());
    std::error_code error;
    const Safetensors* file = nullptr;
    if (known != files_.end()) {
      file = &known->second;
    } else if (!fs::exists(path, error)) {
      problems.push_back(
          IoError(fmt::format("{}: {}: expected a file beside the index, found no {}: is the checkpoint "
                              "complete?",
                              index.string(), field, name)));
    } else {
      file = Add(path, problems);
    }
    if (file == nullptr) {
      broken.insert(name);
    } else if (Holds(*file, tensor)) {
      by_name_[tensor] = file;
    } else {
      problem(field, fmt::format("this tensor in {}", name), "none of this name there");
    }
  }
}

TensorFiles TensorFiles::Open(const fs::path& directory, const std::string& stem, std::vector<Status>& problems) {
  TensorFiles result;
  const fs::path single = directory / (stem + ".safetensors");
  const fs::path index = directory / (stem + ".safetensors.index.json");
  std::error_code error;
  if (!fs::exists(single, error) && fs::exists(index, error)) {
    result.OpenShards(index, problems);
    return result;
  }
  const std::vector<fs::path> paths =
      fs::exists(single, error) ? std::vector<fs::path>{single} : FilesWithStem(directory, stem);
  for (const fs::path& path : paths) {
    if (const Safetensors* file = result.Add(path, problems)) result.AddAll(*file);
  }
  return result;
}

const Safetensors* TensorFiles::FileOf(const std::string& name) const {
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : it->second;
}

CheckpointFiles::CheckpointFiles(const fs::path& directory, std::vector<Status>& problems) : directory_(directory) {
  const size_t before = problems.size();
  model_ = TensorFiles::Open(directory, "model", problems);
  if (model_.empty() && problems.size() == before) {
    problems.push_back(
        IoError(fmt::format("{}: expected model.safetensors or model.safetensors.index.json, found "
                            "neither: is it a checkpoint directory?",
                            directory.string())));
  }
}

std::optional<CheckpointFiles::Place> CheckpointFiles::Find(const TensorRow& row, const ModelConfig& config,
                                                            std::vector<TensorProblem>& problems) {
  if (const Safetensors* file = model_.FileOf(row.name)) return Place{file, row.name};
  if (row.alias.empty()) return {};
  std::optional<TensorFiles>& own = IsAutoencoder(row.part) ? autoencoder_ : transformer_;
  if (!own) {
    std::vector<Status> unreadable;
    own = TensorFiles::Open(config.diffusion_directory / FolderOf(row.part), "diffusion_pytorch_model", unreadable);
    for (Status& status : unreadable) problems.push_back({row.part, false, std::move(status)});
  }
  if (const Safetensors* file = own->FileOf(row.alias)) return Place{file, row.alias};
  return {};
}

std::vector<BoundTensor> CheckpointFiles::Bind(const std::vector<TensorRow>& table, const ModelConfig& config,
                                               std::vector<TensorProblem>& problems) {
  std::vector<BoundTensor> bound;
  for (const TensorRow& row : table) {
    const std::optional<Place> place = Find(row, config, problems);
    if (!place) {
      const std::string also =
          row.alias.empty()
              ? ""
              : fmt::format(", or {} in {}", row.alias, (config.diffusion_directory / FolderOf(row.part)).string());
      problems.push_back({row.part, true,
                          InvalidCheckpoint(fmt::format("{}: tensor {}: expected {} in the model's safetensors "
                                                        "files{}, found nothing",
                                                        directory_.string(), row.name, row.shape.ToString(), also))});
      continue;
    }
    if (Status status = CheckTensor(row, *place->file, place->name); !status.ok()) {
      problems.push_back({row.part, false, std::move(status)});
      continue;
    }
    const View& tensor = place->file->tensors().at(place->name);
    *row.slot = SlotView(row, tensor);
    bound.push_back({&row, tensor, place->file});
  }
  return bound;
}

void CheckpointFiles::CompleteConfig(ModelConfig& config) const {
  // Without a codebook the projection says it too, so that only the codebook is reported as missing.
  for (const char* name : {kCodebookTensor, kCodeProjectionTensor}) {
    const Safetensors* file = model_.FileOf(name);
    if (file == nullptr) continue;
    const auto tensor = file->tensors().find(name);
    if (tensor == file->tensors().end() || tensor->second.shape.rank() != 2) continue;
    const int64_t width = tensor->second.shape[1];
    if (width < 1 || width > kMaxCodeSize) continue;
    config.image_tokenizer.code_size = width;
    return;
  }
}

std::vector<const Safetensors*> CheckpointFiles::files() const {
  std::vector<const Safetensors*> all;
  const auto add = [&all](const TensorFiles& files) {
    for (const auto& [path, file] : files.files()) all.push_back(&file);
  };
  add(model_);
  if (transformer_) add(*transformer_);
  if (autoencoder_) add(*autoencoder_);
  return all;
}

Status ScanTensor(const BoundTensor& bound) {
  const auto found = FindNonFinite(SlotView(*bound.row, bound.tensor), bound.row->first_row);
  if (!found) return {};
  return InvalidCheckpoint(
      fmt::format("tensor {} in file {} holds {}: expected finite values; fetch or export the file again",
                  bound.row->name, bound.file->path().string(), *found));
}

}  // namespace blip3o
