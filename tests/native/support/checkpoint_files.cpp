#include "support/checkpoint_files.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace blip3o::test {

namespace fs = std::filesystem;
using Json = nlohmann::json;

namespace {

constexpr size_t kLengthBytes = 8;

uint64_t LengthOf(const std::string& file) {
  uint64_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) {
    length |= static_cast<uint64_t>(static_cast<unsigned char>(file.at(i))) << (8 * i);
  }
  return length;
}

}  // namespace

fs::path GoldenCheckpoint(const std::string& name) {
  const fs::path root = BLIP3O_SOURCE_DIR;
  return name == "demo" ? root / "weights" / "demo" : root / "tests" / "golden" / "reference" / name / "model";
}

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (fs::temp_directory_path() / "blip3o_test_XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory could be made");
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code error;
  fs::remove_all(path_, error);
}

std::string ReadText(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw std::runtime_error("can't read " + path.string());
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

void WriteText(const fs::path& path, const std::string& text) {
  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  stream << text;
  if (!stream.flush()) throw std::runtime_error("can't write " + path.string());
}

void WriteSafetensors(const fs::path& path, const std::string& header, const std::string& data) {
  std::string length(kLengthBytes, '\0');
  for (size_t i = 0; i < kLengthBytes; ++i) length[i] = static_cast<char>((header.size() >> (8 * i)) & 0xFF);
  WriteText(path, length + header + data);
}

void WriteTensors(const fs::path& path, const RawTensors& tensors) {
  Json header = {{"__metadata__", {{"format", "pt"}}}};
  std::string data;
  for (const auto& [name, tensor] : tensors) {
    header[name] = {{"dtype", tensor.dtype},
                    {"shape", tensor.shape},
                    {"data_offsets", {data.size(), data.size() + tensor.bytes.size()}}};
    data += tensor.bytes;
  }
  WriteSafetensors(path, header.dump(), data);
}

RawTensors ReadTensors(const fs::path& path) {
  const std::string file = ReadText(path);
  const uint64_t length = LengthOf(file);
  RawTensors tensors;
  const Json header = Json::parse(file.substr(kLengthBytes, length));
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    const size_t begin = entry["data_offsets"][0];
    const size_t end = entry["data_offsets"][1];
    tensors[name] = {entry["dtype"], entry["shape"], file.substr(kLengthBytes + length + begin, end - begin)};
  }
  return tensors;
}

void PatchHeader(const fs::path& path, const std::string& patch) {
  const std::string file = ReadText(path);
  const uint64_t length = LengthOf(file);
  Json header = Json::parse(file.substr(kLengthBytes, length));
  header.merge_patch(Json::parse(patch));
  WriteSafetensors(path, header.dump(), file.substr(kLengthBytes + length));
}

void EditTensors(const fs::path& path, const std::function<void(RawTensors&)>& edit) {
  RawTensors tensors = ReadTensors(path);
  edit(tensors);
  WriteTensors(path, tensors);
}

void WriteShards(const fs::path& directory, const std::string& stem, const RawTensors& tensors, size_t count) {
  std::vector<RawTensors> shards(count);
  Json map = Json::object();
  size_t next = 0;
  for (const auto& [name, tensor] : tensors) {
    const size_t shard = next++ % count;
    shards[shard][name] = tensor;
    map[name] = stem + "-" + std::to_string(shard) + ".safetensors";
  }
  for (size_t i = 0; i < count; ++i) {
    WriteTensors(directory / (stem + "-" + std::to_string(i) + ".safetensors"), shards[i]);
  }
  WriteText(directory / (stem + ".safetensors.index.json"), Json({{"weight_map", map}}).dump());
}

CheckpointCopy::CheckpointCopy(const std::string& name) : path_(directory_.path() / "model") {
  fs::copy(GoldenCheckpoint(name), path_, fs::copy_options::recursive);
}

void CheckpointCopy::PatchJson(const std::string& file, const std::string& patch) const {
  Json json = Json::parse(ReadText(path_ / file));
  json.merge_patch(Json::parse(patch));
  WriteText(path_ / file, json.dump());
}

}  // namespace blip3o::test
