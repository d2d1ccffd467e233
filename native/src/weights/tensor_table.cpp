#include "weights/tensor_table.h"

#include <fmt/format.h>

namespace blip3o {

namespace {

// Adds the rows of one part. Names are relative to `prefix`; where the diffusion directory's own files may hold the
// part, the relative name is the alias.
class Rows {
 public:
  Rows(std::vector<TensorRow>& rows, ModelPart part, std::string prefix, bool has_alias)
      : rows_(rows), part_(part), prefix_(std::move(prefix)), has_alias_(has_alias) {}

  // The same part under a longer prefix.
  Rows Under(const std::string& name) const { return {rows_, part_, prefix_, scope_ + name + ".", has_alias_}; }

  void Add(View& slot, const std::string& name, const Shape& shape) { AddRows(slot, name, shape, 0, 0); }

  // The slot takes rows [first, first + count) of the tensor.
  void AddRows(View& slot, const std::string& name, const Shape& shape, int64_t first, int64_t count) {
    const std::string relative = scope_ + name;
    rows_.push_back({prefix_ + relative, has_alias_ ? relative : "", shape, part_, &slot, first, count});
  }

 private:
  Rows(std::vector<TensorRow>& rows, ModelPart part, std::string prefix, std::string scope, bool has_alias)
      : rows_(rows), part_(part), prefix_(std::move(prefix)), scope_(std::move(scope)), has_alias_(has_alias) {}

  std::vector<TensorRow>& rows_;
  ModelPart part_;
  std::string prefix_;
  std::string scope_;
  bool has_alias_;
};

// Qwen3: transformers' modeling_qwen3.
void AddQwenLayer(Rows rows, const LanguageModelConfig& config, QwenLayerWeights& layer) {
  const int64_t hidden = config.hidden_size;
  const int64_t queries = config.num_heads * config.head_dim;
  const int64_t keys = config.num_kv_heads * config.head_dim;
  rows.Add(layer.input_layernorm, "input_layernorm.weight", {hidden});
  rows.Add(layer.q_proj, "self_attn.q_proj.weight", {queries, hidden});
  rows.Add(layer.k_proj, "self_attn.k_proj.weight", {keys, hidden});
  rows.Add(layer.v_proj, "self_attn.v_proj.weight", {keys, hidden});
  rows.Add(layer.q_norm, "self_attn.q_norm.weight", {config.head_dim});
  rows.Add(layer.k_norm, "self_attn.k_norm.weight", {config.head_dim});
  rows.Add(layer.o_proj, "self_attn.o_proj.weight", {hidden, queries});
  rows.Add(layer.post_attention_layernorm, "post_attention_layernorm.weight", {hidden});
  rows.Add(layer.gate_proj, "mlp.gate_proj.weight", {config.intermediate_size, hidden});
  rows.Add(layer.up_proj, "mlp.up_proj.weight", {config.intermediate_size, hidden});
  rows.Add(layer.down_proj, "mlp.down_proj.weight", {hidden, config.intermediate_size});
}

void AddLanguageModel(std::vector<TensorRow>& table, const ModelConfig& config, LanguageModelWeights& weights) {
  Rows rows(table, ModelPart::kLanguageModel, "", false);
  const LanguageModelConfig& model = config.language_model;
  const Shape embedding = {model.vocab_size, model.hidden_size};
  rows.Add(weights.embed_tokens, "model.embed_tokens.weight", embedding);
  weights.layers.resize(static_cast<size_t>(model.num_layers));
  for (size_t i = 0; i < weights.layers.size(); ++i) {
    AddQwenLayer(rows.Under(fmt::format("model.layers.{}", i)), model, weights.layers[i]);
  }
  rows.Add(weights.norm, "model.norm.weight", {model.hidden_size});
  rows.AddRows(weights.image_head, model.tie_word_embeddings ? "model.embed_tokens.weight" : "lm_head.weight",
               embedding, config.image_tokens.first, config.image_tokens.codes);
}

void AddConnector(Rows rows, int64_t in, int64_t caption, ConnectorWeights& weights) {
  rows.Add(weights.linear_0, "0.weight", {caption, in});
  rows.Add(weights.bias_0, "0.bias", {caption});
  rows.Add(weights.linear_2, "2.weight", {caption, caption});
  rows.Add(weights.bias_2, "2.bias", {caption});
  rows.Add(weights.norm, "3.weight", {caption});
}

// SANA: diffusers' SanaTransformer2DModel.
void AddLinearAttention(Rows rows, const DiffusionTransformerConfig& config, LinearAttentionWeights& weights) {
  const int64_t width = config.width;
  rows.Add(weights.to_q, "to_q.weight", {width, width});
  rows.Add(weights.to_k, "to_k.weight", {width, width});
  rows.Add(weights.to_v, "to_v.weight", {width, width});
  if (config.attention_bias) {
    rows.Add(weights.bias_q, "to_q.bias", {width});
    rows.Add(weights.bias_k, "to_k.bias", {width});
    rows.Add(weights.bias_v, "to_v.bias", {width});
  }
  if (config.qk_norm) {
    rows.Add(weights.norm_q, "norm_q.weight", {width});
    rows.Add(weights.norm_k, "norm_k.weight", {width});
  }
  rows.Add(weights.to_out, "to_out.0.weight", {width, width});
  rows.Add(weights.bias_out, "to_out.0.bias", {width});
}

void AddCrossAttention(Rows rows, const DiffusionTransformerConfig& config, CrossAttentionWeights& weights) {
  const int64_t width = config.width;
  const int64_t cross = config.num_cross_heads * config.cross_head_dim;
  rows.Add(weights.to_q, "to_q.weight", {cross, width});
  rows.Add(weights.to_k, "to_k.weight", {cross, width});
  rows.Add(weights.to_v, "to_v.weight", {cross, width});
  rows.Add(weights.bias_q, "to_q.bias", {cross});
  rows.Add(weights.bias_k, "to_k.bias", {cross});
  rows.Add(weights.bias_v, "to_v.bias", {cross});
  if (config.qk_norm) {
    rows.Add(weights.norm_q, "norm_q.weight", {cross});
    rows.Add(weights.norm_k, "norm_k.weight", {cross});
  }
  rows.Add(weights.to_out, "to_out.0.weight", {width, cross});
  rows.Add(weights.bias_out, "to_out.0.bias", {width});
}

void AddGluMbConv(Rows rows, int64_t channels, int64_t inner, GluMbConvWeights& weights) {
  rows.Add(weights.conv_inverted, "conv_inverted.weight", {2 * inner, channels, 1, 1});
  rows.Add(weights.bias_inverted, "conv_inverted.bias", {2 * inner});
  rows.Add(weights.conv_depth, "conv_depth.weight", {2 * inner, 1, 3, 3});
  rows.Add(weights.bias_depth, "conv_depth.bias", {2 * inner});
  rows.Add(weights.conv_point, "conv_point.weight", {channels, inner, 1, 1});
}

void AddTimeAndCaption(Rows rows, const DiffusionTransformerConfig& config, DiffusionTransformerWeights& weights) {
  constexpr int64_t kSinusoids = 256;
  const int64_t width = config.width;
  Rows embedder = rows.Under("time_embed.emb.timestep_embedder");
  embedder.Add(weights.time_linear_1, "linear_1.weight", {width, kSinusoids});
  embedder.Add(weights.time_bias_1, "linear_1.bias", {width});
  embedder.Add(weights.time_linear_2, "linear_2.weight", {width, width});
  embedder.Add(weights.time_bias_2, "linear_2.bias", {width});
  rows.Add(weights.time_modulation, "time_embed.linear.weight", {6 * width, width});
  rows.Add(weights.time_modulation_bias, "time_embed.linear.bias", {6 * width});
  rows.Add(weights.caption_linear_1, "caption_projection.linear_1.weight", {width, config.caption_channels});
  rows.Add(weights.caption_bias_1, "caption_projection.linear_1.bias", {width});
  rows.Add(weights.caption_linear_2, "caption_projection.linear_2.weight", {width, width});
  rows.Add(weights.caption_bias_2, "caption_projection.linear_2.bias", {width});
  rows.Add(weights.caption_norm, "caption_norm.weight", {width});
}

void AddDiffusionTransformer(std::vector<TensorRow>& table, const DiffusionTransformerConfig& config,
                             DiffusionTransformerWeights& weights) {
  Rows rows(table, ModelPart::kDiffusionTransformer, "model.sana.", true);
  const int64_t width = config.width;
  rows.Add(weights.patch_embed, "patch_embed.proj.weight", {width, config.in_channels, 1, 1});
  rows.Add(weights.patch_embed_bias, "patch_embed.proj.bias", {width});
  AddTimeAndCaption(rows, config, weights);
  weights.blocks.resize(static_cast<size_t>(config.num_layers));
  for (size_t i = 0; i < weights.blocks.size(); ++i) {
    Rows block = rows.Under(fmt::format("transformer_blocks.{}", i));
    block.Add(weights.blocks[i].scale_shift_table, "scale_shift_table", {6, width});
    AddLinearAttention(block.Under("attn1"), config, weights.blocks[i].attn1);
    AddCrossAttention(block.Under("attn2"), config, weights.blocks[i].attn2);
    AddGluMbConv(block.Under("ff"), width, config.feed_forward, weights.blocks[i].ff);
  }
  rows.Add(weights.scale_shift_table, "scale_shift_table", {2, width});
  rows.Add(weights.proj_out, "proj_out.weight", {config.in_channels, width});
  rows.Add(weights.proj_bias, "proj_out.bias", {config.in_channels});
}

// DC-AE: diffusers' AutoencoderDC.
void AddConv(Rows rows, const std::string& name, int64_t out, int64_t in, ConvWeights& weights) {
  rows.Add(weights.weight, name + ".weight", {out, in, 3, 3});
  rows.Add(weights.bias, name + ".bias", {out});
}

void AddResBlock(Rows rows, int64_t channels, ResBlockWeights& weights) {
  rows.Add(weights.conv1, "conv1.weight", {channels, channels, 3, 3});
  rows.Add(weights.bias1, "conv1.bias", {channels});
  rows.Add(weights.conv2, "conv2.weight", {channels, channels, 3, 3});
  rows.Add(weights.norm, "norm.weight", {channels});
  rows.Add(weights.norm_bias, "norm.bias", {channels});
}

void AddEfficientViT(Rows rows, const AutoencoderStageConfig& stage, int64_t head_dim, EfficientViTWeights& weights) {
  constexpr int64_t kExpansion = 4;
  const int64_t channels = stage.channels;
  const int64_t inner = channels / head_dim * head_dim;
  const auto scales = static_cast<int64_t>(stage.qkv_multiscales.size());
  Rows attention = rows.Under("attn");
  attention.Add(weights.to_q, "to_q.weight", {inner, channels});
  attention.Add(weights.to_k, "to_k.weight", {inner, channels});
  attention.Add(weights.to_v, "to_v.weight", {inner, channels});
  weights.multiscale.resize(stage.qkv_multiscales.size());
  for (size_t j = 0; j < weights.multiscale.size(); ++j) {
    const int64_t size = stage.qkv_multiscales[j];
    Rows scale = attention.Under(fmt::format("to_qkv_multiscale.{}", j));
    scale.Add(weights.multiscale[j].proj_in, "proj_in.weight", {3 * inner, 1, size, size});
    scale.Add(weights.multiscale[j].proj_out, "proj_out.weight", {3 * inner, head_dim, 1, 1});
  }
  attention.Add(weights.to_out, "to_out.weight", {channels, inner * (1 + scales)});
  attention.Add(weights.norm, "norm_out.weight", {channels});
  attention.Add(weights.norm_bias, "norm_out.bias", {channels});
  Rows feed_forward = rows.Under("conv_out");
  AddGluMbConv(feed_forward, channels, kExpansion * channels, weights.ff);
  feed_forward.Add(weights.ff.norm, "norm.weight", {channels});
  feed_forward.Add(weights.ff.norm_bias, "norm.bias", {channels});
}

// The blocks of a stage, children from `first` on.
void AddBlocks(Rows rows, const AutoencoderConfig& config, const AutoencoderStageConfig& stage, size_t first,
               AutoencoderStageWeights& weights) {
  const auto layers = static_cast<size_t>(stage.layers);
  const bool vit = stage.block == AutoencoderBlock::kEfficientViT;
  if (vit) weights.vit_blocks.resize(layers);
  if (!vit) weights.res_blocks.resize(layers);
  for (size_t j = 0; j < layers; ++j) {
    Rows block = rows.Under(fmt::format("{}", first + j));
    if (vit) AddEfficientViT(block, stage, config.attention_head_dim, weights.vit_blocks[j]);
    if (!vit) AddResBlock(block, stage.channels, weights.res_blocks[j]);
  }
}

// Stage `i`: its up-sampler, if it has one, is child 0; blocks follow.
void AddDecoderStage(Rows rows, const AutoencoderConfig& config, size_t i, AutoencoderStageWeights& weights) {
  const std::vector<AutoencoderStageConfig>& stages = config.decoder.stages;
  const AutoencoderStageConfig& stage = stages[i];
  size_t child = 0;
  if (i + 1 < stages.size() && stage.layers > 0) {
    const int64_t out = config.decoder.rearrange ? 4 * stage.channels : stage.channels;
    AddConv(rows, fmt::format("{}.conv", child++), out, stages[i + 1].channels, weights.sampler);
  }
  AddBlocks(rows, config, stage, child, weights);
}

void AddDecoder(std::vector<TensorRow>& table, const AutoencoderConfig& config, AutoencoderDecoderWeights& weights) {
  Rows rows = Rows(table, ModelPart::kDecoder, "model.sana_vae.", true).Under("decoder");
  const std::vector<AutoencoderStageConfig>& stages = config.decoder.stages;
  AddConv(rows, "conv_in", stages.back().channels, config.latent_channels, weights.conv_in);
  weights.stages.resize(stages.size());
  for (size_t i = 0; i < stages.size(); ++i) {
    AddDecoderStage(rows.Under(fmt::format("up_blocks.{}", i)), config, i, weights.stages[i]);
  }
  // Where the first stage has 0 layers, conv_out is an up-sampler straight from the second stage's channels.
  const bool sampler = stages[0].layers == 0;
  const int64_t channels = sampler ? stages[1].channels : stages[0].channels;
  const int64_t out = config.picture_channels * (sampler && config.decoder.rearrange ? 4 : 1);
  rows.Add(weights.norm_out, "norm_out.weight", {channels});
  rows.Add(weights.norm_out_bias, "norm_out.bias", {channels});
  AddConv(rows, sampler ? "conv_out.conv" : "conv_out", out, channels, weights.conv_out);
}

// Stage `i`: blocks, then its down-sampler, if it has one.
void AddEncoderStage(Rows rows, const AutoencoderConfig& config, size_t i, AutoencoderStageWeights& weights) {
  const std::vector<AutoencoderStageConfig>& stages = config.encoder.stages;
  AddBlocks(rows, config, stages[i], 0, weights);
  if (i + 1 < stages.size() && stages[i].layers > 0) {
    const int64_t deeper = stages[i + 1].channels, out = config.encoder.rearrange ? deeper / 4 : deeper;
    AddConv(rows, fmt::format("{}.conv", stages[i].layers), out, stages[i].channels, weights.sampler);
  }
}

void AddEncoder(std::vector<TensorRow>& table, const AutoencoderConfig& config, AutoencoderEncoderWeights& weights) {
  Rows rows = Rows(table, ModelPart::kEncoder, "model.sana_vae.", true).Under("encoder");
  const std::vector<AutoencoderStageConfig>& stages = config.encoder.stages;
  // Where the first stage has 0 layers, conv_in is a down-sampler straight to the second stage's channels.
  const bool sampler = stages[0].layers == 0;
  const int64_t channels = sampler ? stages[1].channels : stages[0].channels;
  AddConv(rows, sampler ? "conv_in.conv" : "conv_in", channels / (sampler && config.encoder.rearrange ? 4 : 1),
          config.picture_channels, weights.conv_in);
  weights.stages.resize(stages.size());
  for (size_t i = 0; i < stages.size(); ++i) {
    AddEncoderStage(rows.Under(fmt::format("down_blocks.{}", i)), config, i, weights.stages[i]);
  }
  AddConv(rows, "conv_out", config.latent_channels, stages.back().channels, weights.conv_out);
}

// SigLIP: transformers' modeling_siglip: SiglipEncoderLayer.
void AddVisionLayer(Rows rows, const ImageTokenizerConfig& config, VisionLayerWeights& weights) {
  const int64_t hidden = config.hidden_size, inner = config.intermediate_size;
  rows.Add(weights.norm1, "layer_norm1.weight", {hidden});
  rows.Add(weights.norm1_bias, "layer_norm1.bias", {hidden});
  rows.Add(weights.to_q, "self_attn.q_proj.weight", {hidden, hidden});
  rows.Add(weights.bias_q, "self_attn.q_proj.bias", {hidden});
  rows.Add(weights.to_k, "self_attn.k_proj.weight", {hidden, hidden});
  rows.Add(weights.bias_k, "self_attn.k_proj.bias", {hidden});
  rows.Add(weights.to_v, "self_attn.v_proj.weight", {hidden, hidden});
  rows.Add(weights.bias_v, "self_attn.v_proj.bias", {hidden});
  rows.Add(weights.to_out, "self_attn.out_proj.weight", {hidden, hidden});
  rows.Add(weights.bias_out, "self_attn.out_proj.bias", {hidden});
  rows.Add(weights.norm2, "layer_norm2.weight", {hidden});
  rows.Add(weights.norm2_bias, "layer_norm2.bias", {hidden});
  rows.Add(weights.fc1, "mlp.fc1.weight", {inner, hidden});
  rows.Add(weights.fc1_bias, "mlp.fc1.bias", {inner});
  rows.Add(weights.fc2, "mlp.fc2.weight", {hidden, inner});
  rows.Add(weights.fc2_bias, "mlp.fc2.bias", {hidden});
}

// TA-Tok. Its own decoder is not used at inference.
void AddImageTokenizer(std::vector<TensorRow>& table, const ModelConfig& config, ImageTokenizerWeights& weights) {
  Rows rows(table, ModelPart::kImageTokenizer, "model.vision_tower.vision_tower.", false);
  const ImageTokenizerConfig& tokenizer = config.image_tokenizer;
  const int64_t hidden = tokenizer.hidden_size, patch = tokenizer.patch_size, code = tokenizer.code_size;
  Rows embeddings = rows.Under("encoder").Under("embeddings");
  embeddings.Add(weights.patch_embedding, "patch_embedding.weight", {hidden, 3, patch, patch});
  embeddings.Add(weights.patch_bias, "patch_embedding.bias", {hidden});
  embeddings.Add(weights.position_embedding, "position_embedding.weight", {config.image_tokens.tokens, hidden});
  weights.layers.resize(static_cast<size_t>(tokenizer.used_layers()));
  for (size_t i = 0; i < weights.layers.size(); ++i) {
    AddVisionLayer(rows.Under(fmt::format("encoder.encoder.layers.{}", i)), tokenizer, weights.layers[i]);
  }
  rows.Add(weights.task_layer, "encode_task_layer.0.weight", {hidden, hidden});
  rows.Add(weights.task_bias, "encode_task_layer.0.bias", {hidden});
  Rows bottleneck = rows.Under("bottleneck");
  bottleneck.Add(weights.in_linear, "in_linear.weight", {code, hidden});
  bottleneck.Add(weights.in_bias, "in_linear.bias", {code});
  bottleneck.Add(weights.embedding, "regularizer.embedding.weight", {config.image_tokens.codes, code});
  bottleneck.Add(weights.embedding_proj, "regularizer.embedding_proj.weight", {code, code});
  bottleneck.Add(weights.embedding_proj_bias, "regularizer.embedding_proj.bias", {code});
}

}  // namespace

std::string NameOf(ModelPart part) {
  switch (part) {
    case ModelPart::kLanguageModel:
      return "language model";
    case ModelPart::kConnector:
      return "connector";
    case ModelPart::kDiffusionTransformer:
      return "diffusion transformer";
    case ModelPart::kDecoder:
      return "autoencoder decoder";
    case ModelPart::kImageTokenizer:
      return "image tokenizer";
    case ModelPart::kEncoder:
      return "autoencoder encoder";
    case ModelPart::kReferenceConnector:
      return "reference connector";
  }
  return "?";
}

std::vector<TensorRow> TensorTable(const ModelConfig& config, ModelWeights& weights) {
  std::vector<TensorRow> table;
  AddLanguageModel(table, config, weights.language_model);
  const int64_t caption = config.diffusion_transformer.caption_channels;
  AddConnector(Rows(table, ModelPart::kConnector, "model.diffusion_connector.", false),
               config.language_model.hidden_size, caption, weights.diffusion_connector);
  AddDiffusionTransformer(table, config.diffusion_transformer, weights.diffusion_transformer);
  AddDecoder(table, config.autoencoder, weights.decoder);
  AddImageTokenizer(table, config, weights.image_tokenizer);
  AddEncoder(table, config.autoencoder, weights.encoder);
  AddConnector(Rows(table, ModelPart::kReferenceConnector, "model.und_image_vae_connector.", false),
               config.autoencoder.latent_channels, caption, weights.reference_connector);
  return table;
}

}  // namespace blip3o
