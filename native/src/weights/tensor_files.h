// The safetensors files of a checkpoint, and the search for the tensors of the table in them.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "weights/config.h"
#include "weights/safetensors.h"
#include "weights/tensor_table.h"

namespace blip3o {

// The tensors of one directory: STEM.safetensors, or the shards that STEM.safetensors.index.json names, or else every
// STEM*.safetensors.
class TensorFiles {
 public:
  // Opens what can be opened; the rest goes to `problems`. A directory without such files is empty, no problem.
  static TensorFiles Open(const std::filesystem::path& directory, const std::string& stem,
                          std::vector<Status>& problems);

  bool empty() const { return files_.empty(); }
  // The file that holds `name`, or null. It lives as long as this object, also when that is moved.
  const Safetensors* FileOf(const std::string& name) const;
  // By path.
  const std::map<std::string, Safetensors>& files() const { return files_; }

 private:
  const Safetensors* Add(const std::filesystem::path& path, std::vector<Status>& problems);
  void AddAll(const Safetensors& file);
  void OpenShards(const std::filesystem::path& index, std::vector<Status>& problems);

  std::map<std::string, Safetensors> files_;
  std::map<std::string, const Safetensors*> by_name_;
};

// A row of the table and the whole tensor that was found for it.
struct BoundTensor {
  const TensorRow* row;
  View tensor;
  const Safetensors* file;
};

// The part of the whole tensor that the row's slot takes.
View SlotView(const TensorRow& row, const View& tensor);

// A tensor of the table that is not there, or not as the table says.
struct TensorProblem {
  ModelPart part;
  bool missing;
  Status status;
};

// The model's files, and the diffusion directory's own where the model's lack a tensor.
class CheckpointFiles {
 public:
  // Opens the model's files.
  CheckpointFiles(const std::filesystem::path& directory, std::vector<Status>& problems);

  // Finds the tensors of `table`, checks shape and dtype and fills the slots. What is missing or wrong goes to
  // `problems`. Opens the diffusion directory's files when the first tensor is not among the model's.
  std::vector<BoundTensor> Bind(const std::vector<TensorRow>& table, const ModelConfig& config,
                                std::vector<TensorProblem>& problems);

  // What no config says and the table needs: the width of the image tokenizer's codes.
  void CompleteConfig(ModelConfig& config) const;

  // Every open file.
  std::vector<const Safetensors*> files() const;

 private:
  struct Place {
    const Safetensors* file;
    std::string name;
  };
  std::optional<Place> Find(const TensorRow& row, const ModelConfig& config, std::vector<TensorProblem>& problems);

  std::filesystem::path directory_;
  TensorFiles model_;
  std::optional<TensorFiles> transformer_;
  std::optional<TensorFiles> autoencoder_;
};

// Reads what the row's slot takes. Ok, or the first NaN or infinity: "tensor ... in file ... holds nan at [3, 7]".
Status ScanTensor(const BoundTensor& bound);

}  // namespace blip3o
