#include "weights/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "weights/json_fields.h"

namespace blip3o {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr int64_t kMaxConfigBytes = int64_t{16} << 20;
constexpr int64_t kMaxTokenizerBytes = int64_t{512} << 20;
constexpr int64_t kMaxLayers = 4096;
constexpr int64_t kMaxStages = 12;
constexpr int64_t kMaxPictureSide = 32768;
constexpr int64_t kMaxKernelSize = 63;

// Ids of tokenizer.json's added tokens; the file is read when the first one is asked for.
class AddedTokens {
 public:
  explicit AddedTokens(fs::path path) : path_(std::move(path)) {}

  // `field` is what config.json lacks.
  Result<int64_t> IdOf(const std::string& content, const std::string& field) {
    BLIP3O_RETURN_IF_ERROR(Read());
    const auto it = ids_.find(content);
    if (it != ids_.end()) return it->second;
    return InvalidCheckpoint(fmt::format("{}: added_tokens: expected \"{}\", since config.json has no {}, found none",
                                         path_.string(), content, field));
  }

  // How many of <I0>, <I1>, … there are with consecutive ids from `first` on.
  int64_t ImageCodes(int64_t first) const {
    int64_t codes = 0;
    for (;; ++codes) {
      const auto it = ids_.find(fmt::format("<I{}>", codes));
      if (it == ids_.end() || it->second != first + codes) return codes;
    }
  }

  Status Read() {
    if (read_) return {};
    BLIP3O_ASSIGN_OR_RETURN(const Json json, ReadJsonObject(path_, kMaxTokenizerBytes));
    const auto list = json.find("added_tokens");
    if (list == json.end() || !list->is_array()) {
      return InvalidCheckpoint(fmt::format("{}: added_tokens: expected a list, found {}", path_.string(),
                                           list == json.end() ? "nothing" : Excerpt(*list)));
    }
    for (const Json& token : *list) {
      const bool named = token.is_object() && token.contains("content") && token["content"].is_string() &&
                         token.contains("id") && token["id"].is_number_unsigned();
      if (!named || token["id"].get<uint64_t>() > static_cast<uint64_t>(kMaxSize)) {
        return InvalidCheckpoint(
            fmt::format("{}: added_tokens: expected objects with content and an id up to {}, "
                        "found {}",
                        path_.string(), kMaxSize, Excerpt(token)));
      }
      ids_[token["content"].get<std::string>()] = token["id"].get<int64_t>();
    }
    read_ = true;
    return {};
  }

 private:
  fs::path path_;
  bool read_ = false;
  std::map<std::string, int64_t> ids_;
};

// rope_theta stands at the top or inside rope_parameters; both may be there and then agree.
double ReadRopeTheta(JsonFields& fields) {
  fields.Support(!fields.Has("rope_scaling") || fields.Object("rope_scaling").Text("rope_type", "") == "default",
                 "rope_scaling", "null or rope_type \"default\"");
  JsonFields parameters = fields.Object("rope_parameters");
  parameters.Choice("rope_type", {"default"}, 0);
  if (!fields.Has("rope_theta") && parameters.Has("rope_theta")) return parameters.PositiveNumber("rope_theta");
  const double theta = fields.PositiveNumber("rope_theta");
  if (parameters.Has("rope_theta")) {
    parameters.Expect(parameters.PositiveNumber("rope_theta") == theta, "rope_theta",
                      fmt::format("rope_theta at the top, {}", theta));
  }
  return theta;
}

void CheckAttentionKind(JsonFields& fields, int64_t num_layers) {
  fields.Support(!fields.Flag("attention_bias", false), "attention_bias", "false");
  fields.Support(!fields.Flag("use_sliding_window", false), "use_sliding_window", "false");
  if (fields.Has("layer_types")) fields.Choices("layer_types", num_layers, {"full_attention"});
}

LanguageModelConfig ReadLanguageModel(JsonFields& fields) {
  LanguageModelConfig config;
  config.vocab_size = fields.Size("vocab_size");
  config.hidden_size = fields.Size("hidden_size");
  config.intermediate_size = fields.Size("intermediate_size");
  config.num_layers = fields.Integer("num_hidden_layers", 1, kMaxLayers);
  config.num_heads = fields.Size("num_attention_heads");
  config.num_kv_heads = fields.Size("num_key_value_heads");
  config.head_dim = fields.Size("head_dim");
  config.max_position_embeddings = fields.Size("max_position_embeddings");
  config.rms_norm_eps = fields.PositiveNumber("rms_norm_eps");
  config.rope_theta = ReadRopeTheta(fields);
  config.tie_word_embeddings = fields.Flag("tie_word_embeddings", false);
  fields.Choice("hidden_act", {"silu"}, 0);
  CheckAttentionKind(fields, config.num_layers);
  fields.Expect(config.num_heads % config.num_kv_heads == 0, "num_key_value_heads",
                fmt::format("a divisor of num_attention_heads, {}", config.num_heads));
  fields.Expect(config.head_dim % 2 == 0, "head_dim", "an even number (rotary pairs)");
  fields.Expect(config.num_heads * config.head_dim <= kMaxSize, "head_dim",
                fmt::format("num_attention_heads * head_dim up to {}", kMaxSize));
  return config;
}

// A vocabulary id: the field's, or that of an added token where config.json lacks the field.
Result<int64_t> ReadTokenId(JsonFields& fields, Status& status, const std::string& key, const std::string& content,
                            int64_t vocab_size, AddedTokens& added) {
  if (fields.Has(key)) {
    const int64_t id = fields.Integer(key, 0, vocab_size - 1);
    if (!status.ok()) return status;
    return id;
  }
  BLIP3O_ASSIGN_OR_RETURN(const int64_t id, added.IdOf(content, key));
  if (id < vocab_size) return id;
  return InvalidCheckpoint(
      fmt::format("{}: vocab_size: expected more than the id of {} in tokenizer.json, {}, found {}", fields.file(),
                  content, id, vocab_size));
}

// The size of the image vocabulary: num_image_tokens, or counted to image_end_token_id, or in the tokenizer.
Result<int64_t> ReadCodes(JsonFields& fields, Status& status, int64_t first, int64_t vocab_size, AddedTokens& added) {
  int64_t codes = 0;
  if (fields.Has("num_image_tokens")) {
    codes = fields.Size("num_image_tokens");
  }
  if (fields.Has("image_end_token_id")) {
    const int64_t counted = fields.Integer("image_end_token_id", first, kMaxSize) - first + 1;
    fields.Expect(codes == 0 || codes == counted, "image_end_token_id",
                  fmt::format("image_start_token_id + num_image_tokens - 1, {}", first + codes - 1));
    codes = counted;
  }
  if (!status.ok()) return status;
  if (codes == 0) {
    BLIP3O_RETURN_IF_ERROR(added.Read());
    codes = added.ImageCodes(first);
  }
  fields.Expect(codes > 0, "num_image_tokens",
                fmt::format("a size, or image_end_token_id, or tokens <I0>, <I1>, ... from id {} on", first));
  fields.Expect(first + codes <= vocab_size, "vocab_size",
                fmt::format("at least image_start_token_id + num_image_tokens, {}", first + codes));
  if (!status.ok()) return status;
  return codes;
}

// A config that gives only the picture's sizes, which text to image needs too, leaves the rest at the public values.
ImageTokenizerConfig ReadImageTokenizer(JsonFields& fields) {
  ImageTokenizerConfig config;
  if (!fields.Has("vision_tower_config")) return config;
  JsonFields tower = fields.Object("vision_tower_config");
  config.image_size = tower.Integer("image_size", 1, kMaxPictureSide);
  config.patch_size = tower.Integer("patch_size", 1, kMaxPictureSide);
  tower.Expect(config.patch_size <= config.image_size, "patch_size",
               fmt::format("at most image_size, {}", config.image_size));
  config.hidden_size = tower.Integer("hidden_size", 1, kMaxSize, config.hidden_size);
  config.num_heads = tower.Integer("num_attention_heads", 1, kMaxSize, config.num_heads);
  config.num_layers = tower.Integer("num_hidden_layers", 1, kMaxLayers, config.num_layers);
  config.intermediate_size = tower.Integer("intermediate_size", 1, kMaxSize, config.intermediate_size);
  tower.Expect(config.hidden_size % config.num_heads == 0, "num_attention_heads",
               fmt::format("a divisor of hidden_size, {}", config.hidden_size));
  return config;
}

EditingConfig ReadEditing(JsonFields& fields) {
  EditingConfig config;
  config.in_condition =
      fields.Flag("use_und_image_vae", false) && !fields.Flag("only_use_und_image_vae_as_noise", false);
  config.beside_noise = fields.Flag("use_und_image_vae_as_noise", false);
  return config;
}

Result<ImageTokenConfig> ReadImageTokens(JsonFields& fields, Status& status, const LanguageModelConfig& language_model,
                                         const ImageTokenizerConfig& tokenizer, AddedTokens& added) {
  const int64_t vocab_size = language_model.vocab_size;
  ImageTokenConfig config;
  BLIP3O_ASSIGN_OR_RETURN(config.image_start_tag,
                          ReadTokenId(fields, status, "image_start_tag_id", "<im_start>", vocab_size, added));
  BLIP3O_ASSIGN_OR_RETURN(config.scale_start,
                          ReadTokenId(fields, status, "scale_start_token_id", "<S0>", vocab_size, added));
  BLIP3O_ASSIGN_OR_RETURN(config.first, ReadTokenId(fields, status, "image_start_token_id", "<I0>", vocab_size, added));
  BLIP3O_ASSIGN_OR_RETURN(config.codes, ReadCodes(fields, status, config.first, vocab_size, added));
  config.tokens = tokenizer.grid_side() * tokenizer.grid_side();
  fields.Expect(config.tokens + 2 <= language_model.max_position_embeddings, "max_position_embeddings",
                fmt::format("room for {} image tokens, <S0> and a prompt", config.tokens));
  if (!status.ok()) return status;
  return config;
}

SamplingConfig ReadSampling(JsonFields& fields) {
  SamplingConfig config;
  config.temperature = fields.Number(
      "temperature", "a number from 0 on", [](double t) { return t >= 0 && t <= 1e6; }, config.temperature);
  config.top_k = fields.Integer("top_k", 0, INT32_MAX, config.top_k);
  config.top_p = fields.Number(
      "top_p", "a number above 0, at most 1", [](double p) { return p > 0 && p <= 1; }, config.top_p);
  if (!fields.Flag("do_sample", true)) config.temperature = 0;
  return config;
}

void CheckTransformerKind(JsonFields& fields) {
  fields.Support(fields.Integer("patch_size", 1, kMaxSize, 1) == 1, "patch_size", "1");
  fields.Support(!fields.Flag("guidance_embeds", false), "guidance_embeds", "false");
  fields.Support(!fields.Flag("norm_elementwise_affine", false), "norm_elementwise_affine", "false");
  fields.Support(fields.PositiveNumber("timestep_scale", 1.0) == 1.0, "timestep_scale", "1.0");
}

// Heads times their size, checked to be a size itself.
int64_t ReadWidth(JsonFields& fields, const std::string& heads_key, const std::string& head_dim_key) {
  const int64_t width = fields.Size(heads_key) * fields.Size(head_dim_key);
  fields.Expect(width <= kMaxSize, head_dim_key, fmt::format("{} * {} up to {}", heads_key, head_dim_key, kMaxSize));
  return width;
}

DiffusionTransformerConfig ReadDiffusionTransformer(JsonFields& fields) {
  DiffusionTransformerConfig config;
  CheckTransformerKind(fields);
  config.in_channels = fields.Size("in_channels");
  config.num_layers = fields.Integer("num_layers", 1, kMaxLayers);
  config.width = ReadWidth(fields, "num_attention_heads", "attention_head_dim");
  config.num_heads = fields.Size("num_attention_heads");
  config.head_dim = fields.Size("attention_head_dim");
  config.num_cross_heads = fields.Size("num_cross_attention_heads");
  config.cross_head_dim = fields.Size("cross_attention_head_dim");
  ReadWidth(fields, "num_cross_attention_heads", "cross_attention_head_dim");
  config.caption_channels = fields.Size("caption_channels");
  config.sample_size = fields.Integer("sample_size", 1, kMaxPictureSide);
  config.norm_eps = fields.PositiveNumber("norm_eps", 1e-6);
  config.attention_bias = fields.Flag("attention_bias", false);
  config.qk_norm = fields.Has("qk_norm") && fields.Choice("qk_norm", {"rms_norm_across_heads"}) == 0;
  config.position_table = fields.Has("interpolation_scale");
  config.interpolation_scale = fields.PositiveNumber("interpolation_scale", 1.0);
  fields.Support(
      !config.position_table || config.width % 4 == 0, "interpolation_scale",
      fmt::format("null where num_attention_heads * attention_head_dim, {}, is no multiple of 4", config.width));

  const double mlp_ratio = fields.PositiveNumber("mlp_ratio", 2.5);
  const double feed_forward = mlp_ratio * static_cast<double>(config.width);
  fields.Expect(feed_forward >= 1 && feed_forward <= static_cast<double>(kMaxSize), "mlp_ratio",
                fmt::format("a ratio that makes 1 to {} channels of {}", kMaxSize, config.width));
  config.feed_forward = fields.ok() ? static_cast<int64_t>(feed_forward) : 1;

  fields.Expect(fields.Integer("out_channels", 1, kMaxSize, config.in_channels) == config.in_channels, "out_channels",
                fmt::format("in_channels, {}", config.in_channels));
  fields.Expect(fields.Integer("cross_attention_dim", 1, kMaxSize, config.width) == config.width, "cross_attention_dim",
                fmt::format("num_attention_heads * attention_head_dim, {}", config.width));
  return config;
}

// Channels that stage `i` hands to the next finer one (or takes from it): a stage with 0 layers passes on what it gets.
void CheckChannels(JsonFields& fields, const std::string& half, const AutoencoderHalfConfig& config,
                   int64_t latent_channels) {
  const std::vector<AutoencoderStageConfig>& stages = config.stages;
  const std::string key = half + "_block_out_channels";
  const size_t deepest = stages.size() - 1;
  fields.Expect(!config.shortcut || stages[deepest].channels % latent_channels == 0, key,
                fmt::format("a multiple of latent_channels, {}, in the deepest stage", latent_channels));
  for (size_t i = 0; i < deepest; ++i) {
    if (stages[i].layers == 0) {
      fields.Expect(i == 0 || stages[i].channels == stages[i + 1].channels, key,
                    fmt::format("as many channels in stage {}, which has 0 layers, as in stage {}", i, i + 1));
      continue;
    }
    const bool decoder = half == "decoder";
    const int64_t fine = stages[i].channels;
    const int64_t deep = stages[i + 1].channels;
    fields.Expect(4 * fine % deep == 0, key,
                  fmt::format("channels of stage {} that divide four times those of stage {}", i + 1, i));
    fields.Expect(decoder || !config.rearrange || deep % 4 == 0, key,
                  fmt::format("a multiple of 4 channels in stage {}, for pixel_unshuffle", i + 1));
  }
}

void CheckFirstStage(JsonFields& fields, const std::string& half, const AutoencoderHalfConfig& config) {
  if (config.stages[0].layers > 0) return;
  fields.Expect(config.stages.size() > 1, half + "_layers_per_block", "layers in the only stage");
  // The encoder's conv_in yields a quarter of the channels and unshuffles them.
  fields.Expect(half == "decoder" || !config.rearrange || config.stages[1].channels % 4 == 0,
                half + "_block_out_channels", "multiples of 4, for pixel_unshuffle");
}

AutoencoderHalfConfig ReadHalf(JsonFields& fields, const std::string& half, int64_t latent_channels,
                               int64_t attention_head_dim) {
  AutoencoderHalfConfig config;
  const std::string channels_key = half + "_block_out_channels";
  const std::vector<int64_t> channels = fields.Integers(channels_key, -1, 1, kMaxSize / 16);
  const auto stages = static_cast<int64_t>(channels.size());
  fields.Expect(stages >= 1 && stages <= kMaxStages, channels_key, fmt::format("1 to {} stages", kMaxStages));
  const auto layers = fields.Integers(half + "_layers_per_block", stages, 0, kMaxLayers);
  const auto multiscales = fields.IntegerLists(half + "_qkv_multiscales", stages, 1, kMaxKernelSize);
  const auto blocks = fields.Choices(half + "_block_types", stages, {"ResBlock", "EfficientViTBlock"});
  const auto norms = fields.Choices(half + "_norm_types", stages, {"rms_norm"}, 0);
  const auto activations = fields.Choices(half + "_act_fns", stages, {"silu", "relu"}, 0);
  if (!fields.ok()) return config;
  for (size_t i = 0; i < channels.size(); ++i) {
    const bool vit = blocks[i] == 1;
    const auto activation = activations[i] == 0 ? ActivationName::kSilu : ActivationName::kRelu;
    config.stages.push_back({channels[i], layers[i],
                             vit ? AutoencoderBlock::kEfficientViT : AutoencoderBlock::kResBlock, activation,
                             multiscales[i]});
    fields.Expect(!vit || channels[i] >= attention_head_dim, channels_key,
                  fmt::format("at least attention_head_dim, {}, channels in stage {}", attention_head_dim, i));
    for (const int64_t size : multiscales[i]) {
      fields.Expect(size % 2 == 1, half + "_qkv_multiscales", "odd kernel sizes");
    }
  }
  config.shortcut = fields.Flag(half == "decoder" ? "decoder_in_shortcut" : "encoder_out_shortcut", true);
  config.rearrange = half == "decoder" ? fields.Text("upsample_block_type", "pixel_shuffle") != "interpolate"
                                       : fields.Text("downsample_block_type", "pixel_unshuffle") == "pixel_unshuffle";
  CheckFirstStage(fields, half, config);
  CheckChannels(fields, half, config, latent_channels);
  return config;
}

AutoencoderConfig ReadAutoencoder(JsonFields& fields) {
  AutoencoderConfig config;
  config.picture_channels = fields.Integer("in_channels", 1, kMaxSize, 3);
  fields.Support(config.picture_channels == 3, "in_channels", "3, red, green and blue");
  config.latent_channels = fields.Size("latent_channels");
  config.attention_head_dim = fields.Size("attention_head_dim");
  config.scaling_factor = fields.PositiveNumber("scaling_factor");
  config.decoder = ReadHalf(fields, "decoder", config.latent_channels, config.attention_head_dim);
  config.encoder = ReadHalf(fields, "encoder", config.latent_channels, config.attention_head_dim);
  const size_t activation = fields.Choice("decoder_conv_act_fn", {"relu", "silu"}, 0);
  config.decoder.conv_activation = activation == 0 ? ActivationName::kRelu : ActivationName::kSilu;
  if (!fields.ok()) return config;
  fields.Expect(config.decoder.samplers() == config.encoder.samplers(), "encoder_layers_per_block",
                fmt::format("as many down-samplers as the decoder has up-samplers, {}", config.decoder.samplers()));
  return config;
}

// `shift` alone is read, as FlowMatchEulerDiscreteScheduler does: a DPM-Solver config's flow_shift means nothing to it.
FlowConfig ReadFlow(JsonFields& fields) {
  FlowConfig config;
  config.shift = fields.PositiveNumber("shift", config.shift);
  for (const char* key : {"use_dynamic_shifting", "use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas",
                          "invert_sigmas", "stochastic_sampling"}) {
    fields.Support(!fields.Flag(key, false), key, "false");
  }
  fields.Support(!fields.Has("shift_terminal"), "shift_terminal", "null");
  fields.Support(fields.Integer("num_train_timesteps", 1, kMaxSize, 1000) == 1000, "num_train_timesteps", "1000");
  return config;
}

// Reads one config file with `read`, which takes its JsonFields.
template <typename T, typename Read>
Status ReadFile(const fs::path& path, T& config, Read read) {
  BLIP3O_ASSIGN_OR_RETURN(const Json json, ReadJsonObject(path, kMaxConfigBytes));
  Status status;
  JsonFields fields(path.string(), json, status);
  config = read(fields);
  return status;
}

Status CheckDirectory(const fs::path& path, const std::string& what) {
  std::error_code error;
  if (fs::is_directory(path, error)) return {};
  const bool exists = fs::exists(path, error);
  return IoError(fmt::format("{}: expected {}, found {}", path.string(), what, exists ? "a file" : "nothing"));
}

Result<fs::path> FindDiffusionDirectory(const fs::path& directory, const fs::path& given, JsonFields& fields,
                                        Status& status) {
  if (!given.empty()) {
    BLIP3O_RETURN_IF_ERROR(CheckDirectory(given, "the diffusion directory that was given"));
    return given;
  }
  const std::string name = fields.Text("diffusion_name_or_path");
  if (!status.ok()) return status;
  const fs::path path = (directory / name).lexically_normal();
  std::error_code error;
  if (!name.empty() && fs::is_directory(path, error)) return path;
  return IoError(
      fmt::format("{}: diffusion_name_or_path: expected a diffusers directory, absolute or relative to the "
                  "model's, found \"{}\", which is none: give the diffusion directory as an option",
                  fields.file(), name));
}

Status CheckTogether(const ModelConfig& config) {
  const int64_t expected = config.diffusion_transformer.in_channels;
  if (config.autoencoder.latent_channels != expected) {
    return InvalidCheckpoint(fmt::format(
        "{}: latent_channels: expected the diffusion transformer's in_channels, {}, "
        "found {}",
        (config.diffusion_directory / "vae" / "config.json").string(), expected, config.autoencoder.latent_channels));
  }
  if (config.picture_side() > kMaxPictureSide) {
    return Unsupported(
        fmt::format("{}: sample_size: expected pictures of up to {} pixels a side, found {} latents of "
                    "{} pixels",
                    (config.diffusion_directory / "transformer" / "config.json").string(), kMaxPictureSide,
                    config.latent_side(), config.pixels_per_latent()));
  }
  return {};
}

Status ReadMainConfig(const fs::path& diffusion_directory, ModelConfig& config) {
  const fs::path path = config.directory / "config.json";
  BLIP3O_ASSIGN_OR_RETURN(const Json json, ReadJsonObject(path, kMaxConfigBytes));
  Status status;
  JsonFields fields(path.string(), json, status);
  config.language_model = ReadLanguageModel(fields);
  BLIP3O_RETURN_IF_ERROR(status);
  AddedTokens added(config.directory / "tokenizer.json");
  config.image_tokenizer = ReadImageTokenizer(fields);
  config.editing = ReadEditing(fields);
  BLIP3O_ASSIGN_OR_RETURN(config.image_tokens,
                          ReadImageTokens(fields, status, config.language_model, config.image_tokenizer, added));
  BLIP3O_ASSIGN_OR_RETURN(config.diffusion_directory,
                          FindDiffusionDirectory(config.directory, diffusion_directory, fields, status));
  return {};
}

}  // namespace

Result<ModelConfig> ReadConfig(const fs::path& directory, const fs::path& diffusion_directory) {
  ModelConfig config;
  config.directory = directory;
  BLIP3O_RETURN_IF_ERROR(CheckDirectory(directory, "a checkpoint directory"));
  BLIP3O_RETURN_IF_ERROR(ReadMainConfig(diffusion_directory, config));
  const fs::path generation = directory / "generation_config.json";
  std::error_code error;
  if (fs::exists(generation, error)) BLIP3O_RETURN_IF_ERROR(ReadFile(generation, config.sampling, ReadSampling));
  const fs::path& diffusion = config.diffusion_directory;
  BLIP3O_RETURN_IF_ERROR(
      ReadFile(diffusion / "transformer" / "config.json", config.diffusion_transformer, ReadDiffusionTransformer));
  BLIP3O_RETURN_IF_ERROR(ReadFile(diffusion / "vae" / "config.json", config.autoencoder, ReadAutoencoder));
  BLIP3O_RETURN_IF_ERROR(ReadFile(diffusion / "scheduler" / "scheduler_config.json", config.flow, ReadFlow));
  BLIP3O_RETURN_IF_ERROR(CheckTogether(config));
  return config;
}

}  // namespace blip3o
