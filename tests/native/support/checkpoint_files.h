// Copies of golden checkpoints that a test may spoil, and safetensors files written from parts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace blip3o::test {

// A tensor as its file holds it.
struct RawTensor {
  std::string dtype;
  std::vector<int64_t> shape;
  std::string bytes;
};

using RawTensors = std::map<std::string, RawTensor>;

// tests/golden/reference/NAME/model, or weights/demo for "demo".
std::filesystem::path GoldenCheckpoint(const std::string& name);

// A folder of its own, removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::string ReadText(const std::filesystem::path& path);
void WriteText(const std::filesystem::path& path, const std::string& text);

// Length, header and data, whether they fit together or not.
void WriteSafetensors(const std::filesystem::path& path, const std::string& header, const std::string& data);
// A good file.
void WriteTensors(const std::filesystem::path& path, const RawTensors& tensors);
RawTensors ReadTensors(const std::filesystem::path& path);
// Changes the header by a patch as PatchJson does, and leaves the data.
void PatchHeader(const std::filesystem::path& path, const std::string& patch);
// Changes the tensors and writes a good file.
void EditTensors(const std::filesystem::path& path, const std::function<void(RawTensors&)>& edit);
// Writes `tensors` as `count` shards and their index.
void WriteShards(const std::filesystem::path& directory, const std::string& stem, const RawTensors& tensors,
                 size_t count);

// A copy of a golden checkpoint.
class CheckpointCopy {
 public:
  explicit CheckpointCopy(const std::string& name = "tiny");

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path weights() const { return path_ / "model.safetensors"; }
  // Merges the JSON text `patch` into a JSON file, as RFC 7396 says: null removes a field.
  void PatchJson(const std::string& file, const std::string& patch) const;

 private:
  TemporaryDirectory directory_;
  std::filesystem::path path_;
};

}  // namespace blip3o::test
