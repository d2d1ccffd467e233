// What a checkpoint's JSON files say, checked and complete. Sizes are read, never assumed.
//
// Shape letters used all over the runtime:
//   T  prompt ids                 N  image tokens              H  hidden size of the language model
//   C  caption size               M  rows of the condition     D  width of the diffusion transformer
//   c  latent channels            h, w  latent grid            V  vocabulary      K, V also keys and values
//   E  width of the vision encoder     F  its inner width      d  width of a code or a head     R  references
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/status.h"

namespace blip3o {

struct LanguageModelConfig {
  int64_t vocab_size = 0;
  int64_t hidden_size = 0;
  int64_t intermediate_size = 0;
  int64_t num_layers = 0;
  int64_t num_heads = 0;
  int64_t num_kv_heads = 0;
  int64_t head_dim = 0;
  int64_t max_position_embeddings = 0;
  double rms_norm_eps = 0;
  double rope_theta = 0;
  bool tie_word_embeddings = false;
};

// Where image tokens live in the vocabulary.
struct ImageTokenConfig {
  int64_t image_start_tag = 0;  // <im_start>
  int64_t scale_start = 0;      // <S0>
  int64_t first = 0;            // <I0>
  int64_t codes = 0;            // vocabulary ids [first, first + codes)
  int64_t tokens = 0;           // N of one picture: (image_size div patch_size)²
};

// TA-Tok: a SigLIP vision encoder and a codebook. The public checkpoint does not say how its encoder is shaped: where
// config.json has no vision_tower_config, it is that of siglip2-so400m-patch14-384.
struct ImageTokenizerConfig {
  int64_t hidden_size = 1152;
  int64_t num_heads = 16;
  int64_t num_layers = 27;
  int64_t intermediate_size = 4304;
  int64_t image_size = 384;
  int64_t patch_size = 14;
  int64_t code_size = 1;  // width of a code: no config says it, so the codebook's tensor does

  // Tokens in a row and in a column.
  int64_t grid_side() const { return image_size / patch_size; }
  // The output of the last but one layer is used.
  int64_t used_layers() const { return num_layers - 1; }
};

// How an edit's references reach the diffusion transformer. Both false: the checkpoint is not made for edits.
struct EditingConfig {
  bool in_condition = false;  // rows of und_image_vae_connector follow the hidden states' rows
  bool beside_noise = false;  // reference latents stand beside the noisy ones, along width
  bool any() const { return in_condition || beside_noise; }
};

// generation_config.json, or 1.0, 1200, 0.95. Greedy where do_sample is false: temperature is then 0.
struct SamplingConfig {
  double temperature = 1.0;
  int64_t top_k = 1200;
  double top_p = 0.95;
};

struct DiffusionTransformerConfig {
  int64_t in_channels = 0;  // = out_channels = latent channels c
  int64_t num_layers = 0;
  int64_t num_heads = 0;  // of linear attention
  int64_t head_dim = 0;
  int64_t width = 0;  // D = num_heads · head_dim
  int64_t num_cross_heads = 0;
  int64_t cross_head_dim = 0;
  int64_t caption_channels = 0;  // C
  int64_t feed_forward = 0;      // inner channels of GLUMBConv: int(mlp_ratio · D)
  int64_t sample_size = 0;       // latent side
  double norm_eps = 0;
  bool attention_bias = false;
  bool qk_norm = false;              // rms_norm_across_heads
  bool position_table = false;       // interpolation_scale is set
  double interpolation_scale = 1.0;  // only with position_table
};

enum class AutoencoderBlock { kResBlock, kEfficientViT };
enum class ActivationName { kSilu, kRelu };

struct AutoencoderStageConfig {
  int64_t channels = 0;
  int64_t layers = 0;
  AutoencoderBlock block = AutoencoderBlock::kResBlock;
  ActivationName activation = ActivationName::kSilu;
  std::vector<int64_t> qkv_multiscales;  // kernel sizes
};

// One half of DC-AE; stages from the finest (pixels) to the deepest (latents), as the config lists them.
struct AutoencoderHalfConfig {
  std::vector<AutoencoderStageConfig> stages;
  bool shortcut = true;                                    // decoder_in_shortcut / encoder_out_shortcut
  ActivationName conv_activation = ActivationName::kRelu;  // decoder_conv_act_fn
  bool rearrange = false;  // upsample pixel_shuffle / downsample pixel_unshuffle instead of interpolate / strided conv

  // Samplers that halve or double the picture: one for each stage but the deepest, none for a stage with 0 layers, save
  // the first, where conv_in or conv_out is the sampler then.
  int64_t samplers() const {
    int64_t count = 0;
    for (size_t i = 0; i + 1 < stages.size(); ++i) count += i == 0 || stages[i].layers > 0 ? 1 : 0;
    return count;
  }
};

struct AutoencoderConfig {
  int64_t picture_channels = 3;
  int64_t latent_channels = 0;
  int64_t attention_head_dim = 0;
  double scaling_factor = 0;
  AutoencoderHalfConfig decoder;
  AutoencoderHalfConfig encoder;
};

struct FlowConfig {
  double shift = 1.0;
};

struct ModelConfig {
  std::filesystem::path directory;
  std::filesystem::path diffusion_directory;
  LanguageModelConfig language_model;
  ImageTokenConfig image_tokens;
  ImageTokenizerConfig image_tokenizer;
  EditingConfig editing;
  SamplingConfig sampling;
  DiffusionTransformerConfig diffusion_transformer;
  AutoencoderConfig autoencoder;
  FlowConfig flow;

  int64_t latent_side() const { return diffusion_transformer.sample_size; }
  // Pixels per latent, in height and in width.
  int64_t pixels_per_latent() const { return int64_t{1} << autoencoder.decoder.samplers(); }
  int64_t picture_side() const { return latent_side() * pixels_per_latent(); }
};

// Reads and checks config.json, generation_config.json, tokenizer.json (only for tag ids that config.json lacks) and
// the diffusion directory's three configs. `diffusion_directory` empty: where diffusion_name_or_path points, absolute
// or relative to `directory`. Errors name file, field, expected and found.
Result<ModelConfig> ReadConfig(const std::filesystem::path& directory,
                               const std::filesystem::path& diffusion_directory);

}  // namespace blip3o
