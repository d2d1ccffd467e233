#include "support/public_checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "weights/config.h"
#include "weights/model_weights.h"
#include "weights/tensor_table.h"

namespace blip3o::test {

namespace {

using nlohmann::json;

constexpr int64_t kTextVocabulary = 151936, kImageCodes = 65536, kCodeWidth = 1536;

json ModelJson() {
  return {{"model_type", "blip3o_qwen"},
          {"vocab_size", kTextVocabulary + kImageCodes + 16},
          {"hidden_size", 2048},
          {"intermediate_size", 6144},
          {"num_hidden_layers", 28},
          {"num_attention_heads", 16},
          {"num_key_value_heads", 8},
          {"head_dim", 128},
          {"max_position_embeddings", 40960},
          {"rms_norm_eps", 1e-6},
          {"rope_theta", 1e6},
          {"tie_word_embeddings", true},
          {"image_start_tag_id", kTextVocabulary},
          {"image_end_tag_id", kTextVocabulary + 1},
          {"scale_start_token_id", kTextVocabulary + 2},
          {"scale_end_token_id", kTextVocabulary + 4},
          {"num_scale_tokens", 3},
          {"image_start_token_id", kTextVocabulary + 5},
          {"image_end_token_id", kTextVocabulary + 5 + kImageCodes - 1},
          {"num_image_tokens", kImageCodes},
          {"use_und_image_vae", true},
          {"use_und_image_vae_as_noise", true},
          {"diffusion_name_or_path", "diffusion"}};
}

json TransformerJson() {
  return {{"in_channels", 32},
          {"out_channels", 32},
          {"num_attention_heads", 70},
          {"attention_head_dim", 32},
          {"num_layers", 20},
          {"num_cross_attention_heads", 20},
          {"cross_attention_head_dim", 112},
          {"cross_attention_dim", 2240},
          {"caption_channels", 2304},
          {"mlp_ratio", 2.5},
          {"sample_size", 32},
          {"patch_size", 1},
          {"norm_eps", 1e-6},
          {"norm_elementwise_affine", false},
          {"attention_bias", false},
          {"interpolation_scale", nullptr},
          {"qk_norm", "rms_norm_across_heads"}};
}

json AutoencoderJson() {
  const json blocks = {"ResBlock",          "ResBlock",          "ResBlock",
                       "EfficientViTBlock", "EfficientViTBlock", "EfficientViTBlock"};
  const json channels = {128, 256, 512, 512, 1024, 1024};
  json scales = json::array({json::array(), json::array(), json::array(), {5}, {5}, {5}});
  return {{"in_channels", 3},
          {"latent_channels", 32},
          {"attention_head_dim", 32},
          {"encoder_block_types", blocks},
          {"decoder_block_types", blocks},
          {"encoder_block_out_channels", channels},
          {"decoder_block_out_channels", channels},
          {"encoder_layers_per_block", {2, 2, 2, 3, 3, 3}},
          {"decoder_layers_per_block", {3, 3, 3, 3, 3, 3}},
          {"encoder_qkv_multiscales", scales},
          {"decoder_qkv_multiscales", scales},
          {"decoder_act_fns", "silu"},
          {"decoder_norm_types", "rms_norm"},
          {"decoder_conv_act_fn", "relu"},
          {"decoder_in_shortcut", true},
          {"encoder_out_shortcut", true},
          {"upsample_block_type", "interpolate"},
          {"downsample_block_type", "conv"},
          {"scaling_factor", 0.41407}};
}

void WriteJson(const std::filesystem::path& path, const json& value) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << value.dump(1) << '\n';
}

// The header that a file of all tensors of the table would have, and the bytes behind it.
std::pair<std::string, int64_t> HeaderOf(const std::vector<TensorRow>& table) {
  json header = json::object();
  int64_t offset = 0;
  for (const TensorRow& row : table) {
    if (header.contains(row.name)) continue;  // two slots of one tensor
    json shape = json::array();
    for (int i = 0; i < row.shape.rank(); ++i) shape.push_back(row.shape[i]);
    const int64_t end = offset + row.shape.count() * SizeOf(DType::kBF16);
    header[row.name] = {{"dtype", "BF16"}, {"shape", shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  return {header.dump(), offset};
}

// Numbers of both signs between 2^-9 and 2^-5: products of them neither vanish nor overflow.
std::vector<uint16_t> RandomBlock() {
  std::vector<uint16_t> block(size_t{32} << 20);
  uint64_t state = 1;
  for (uint16_t& value : block) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const uint16_t sign = static_cast<uint16_t>(state >> 63) << 15;
    value = static_cast<uint16_t>(sign | (0x3B00 + (state >> 40) % 0x0200));
  }
  return block;
}

bool FillRandom(std::ofstream& file, int64_t size) {
  const std::vector<uint16_t> block = RandomBlock();
  const int64_t block_bytes = static_cast<int64_t>(block.size() * sizeof(uint16_t));
  for (int64_t done = 0; done < size && file; done += block_bytes) {
    file.write(reinterpret_cast<const char*>(block.data()), std::min(block_bytes, size - done));
  }
  return static_cast<bool>(file);
}

}  // namespace

Status WritePublicCheckpoint(const std::filesystem::path& directory, PublicValues values) {
  WriteJson(directory / "config.json", ModelJson());
  WriteJson(directory / "diffusion/transformer/config.json", TransformerJson());
  WriteJson(directory / "diffusion/vae/config.json", AutoencoderJson());
  WriteJson(directory / "diffusion/scheduler/scheduler_config.json", {{"shift", 1.0}});
  BLIP3O_ASSIGN_OR_RETURN(ModelConfig config, ReadConfig(directory, {}));
  config.image_tokenizer.code_size = kCodeWidth;
  ModelWeights weights;
  const auto [header, size] = HeaderOf(TensorTable(config, weights));
  const std::filesystem::path path = directory / "model.safetensors";
  {
    std::ofstream file(path, std::ios::binary);
    const uint64_t length = header.size();
    file.write(reinterpret_cast<const char*>(&length), sizeof(length));
    file << header;
    if (values == PublicValues::kRandom) FillRandom(file, size);
    if (!file) return IoError(fmt::format("could not write {}", path.string()));
  }
  std::error_code error;
  std::filesystem::resize_file(path, 8 + header.size() + static_cast<uintmax_t>(size), error);
  if (error)
    return IoError(fmt::format("could not make {} as long as its tensors: {}", path.string(), error.message()));
  return {};
}

}  // namespace blip3o::test
