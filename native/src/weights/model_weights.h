// The weights of each model part, as views into mapped files. tensor_table.cpp says which tensor fills which slot and
// with what shape; an empty view is a tensor that the config says does not exist (a bias, a norm).
#pragma once

#include <vector>

#include "base/tensor.h"

namespace blip3o {

struct QwenLayerWeights {
  View input_layernorm;           // [H]
  View q_proj, k_proj, v_proj;    // [heads·d, H], [kv_heads·d, H] twice
  View q_norm, k_norm;            // [d]
  View o_proj;                    // [H, heads·d]
  View post_attention_layernorm;  // [H]
  View gate_proj, up_proj;        // [I, H]
  View down_proj;                 // [H, I]
};

struct LanguageModelWeights {
  View embed_tokens;  // [V, H]
  std::vector<QwenLayerWeights> layers;
  View norm;        // [H]
  View image_head;  // [codes, H]: the image tokens' rows of lm_head, or of embed_tokens when tied
};

struct ConnectorWeights {
  View linear_0, bias_0;  // [C, in], [C]
  View linear_2, bias_2;  // [C, C], [C]
  View norm;              // [C]
};

struct LinearAttentionWeights {
  View to_q, to_k, to_v;        // [D, D]
  View bias_q, bias_k, bias_v;  // [D], with attention_bias
  View norm_q, norm_k;          // [D], with qk_norm
  View to_out, bias_out;        // [D, D], [D]
};

struct CrossAttentionWeights {
  View to_q, to_k, to_v;  // [X, D], [X, D] twice; X = cross heads · head_dim; keys and values from captions [M, D]
  View bias_q, bias_k, bias_v;  // [X]
  View norm_q, norm_k;          // [X], with qk_norm
  View to_out, bias_out;        // [D, X], [D]
};

struct GluMbConvWeights {
  View conv_inverted, bias_inverted;  // [2F, D, 1, 1], [2F]
  View conv_depth, bias_depth;        // [2F, 1, 3, 3], [2F]
  View conv_point;                    // [D, F, 1, 1]
  View norm, norm_bias;               // [D], in DC-AE only
};

struct SanaBlockWeights {
  View scale_shift_table;  // [6, D]
  LinearAttentionWeights attn1;
  CrossAttentionWeights attn2;
  GluMbConvWeights ff;
};

struct DiffusionTransformerWeights {
  View patch_embed, patch_embed_bias;          // [D, c, 1, 1], [D]
  View time_linear_1, time_bias_1;             // [D, 256], [D]
  View time_linear_2, time_bias_2;             // [D, D], [D]
  View time_modulation, time_modulation_bias;  // [6D, D], [6D]
  View caption_linear_1, caption_bias_1;       // [D, C], [D]
  View caption_linear_2, caption_bias_2;       // [D, D], [D]
  View caption_norm;                           // [D]
  std::vector<SanaBlockWeights> blocks;
  View scale_shift_table;    // [2, D]
  View proj_out, proj_bias;  // [c, D], [c]
};

struct ResBlockWeights {
  View conv1, bias1;     // [k, k, 3, 3], [k]
  View conv2;            // [k, k, 3, 3]
  View norm, norm_bias;  // [k]
};

struct MultiscaleWeights {
  View proj_in;   // [3·inner, 1, s, s] depthwise
  View proj_out;  // [3·inner, d, 1, 1] in 3·heads groups
};

struct EfficientViTWeights {
  View to_q, to_k, to_v;  // [inner, k]
  std::vector<MultiscaleWeights> multiscale;
  View to_out;           // [k, inner·(1 + scales)]
  View norm, norm_bias;  // [k]
  GluMbConvWeights ff;
};

struct ConvWeights {
  View weight, bias;  // [out, in, 3, 3], [out]
};

struct AutoencoderStageWeights {
  ConvWeights sampler;  // up-sampler of the decoder, down-sampler of the encoder; empty where there is none
  std::vector<ResBlockWeights> res_blocks;  // one of the two lists is filled
  std::vector<EfficientViTWeights> vit_blocks;
};

// Stages in the config's order: [0] is the finest.
struct AutoencoderDecoderWeights {
  ConvWeights conv_in;
  std::vector<AutoencoderStageWeights> stages;
  View norm_out, norm_out_bias;
  ConvWeights conv_out;
};

// Stages in the config's order: [0] is the finest.
struct AutoencoderEncoderWeights {
  ConvWeights conv_in;
  std::vector<AutoencoderStageWeights> stages;
  ConvWeights conv_out;
};

struct VisionLayerWeights {
  View norm1, norm1_bias;       // [E]
  View to_q, to_k, to_v;        // [E, E]
  View bias_q, bias_k, bias_v;  // [E]
  View to_out, bias_out;        // [E, E], [E]
  View norm2, norm2_bias;       // [E]
  View fc1, fc1_bias;           // [F, E], [F]
  View fc2, fc2_bias;           // [E, F], [E]
};

// TA-Tok; E = hidden size of the vision encoder, F = its intermediate size, d = width of a code.
struct ImageTokenizerWeights {
  View patch_embedding, patch_bias;          // [E, 3, p, p], [E]
  View position_embedding;                   // [N, E]
  std::vector<VisionLayerWeights> layers;    // those that are used: all but the last
  View task_layer, task_bias;                // [E, E], [E]
  View in_linear, in_bias;                   // [d, E], [d]
  View embedding;                            // [codes, d]
  View embedding_proj, embedding_proj_bias;  // [d, d], [d]
};

struct ModelWeights {
  LanguageModelWeights language_model;
  ConnectorWeights diffusion_connector;
  DiffusionTransformerWeights diffusion_transformer;
  AutoencoderDecoderWeights decoder;
  // Of editing; empty views where the checkpoint lacks them.
  ImageTokenizerWeights image_tokenizer;
  AutoencoderEncoderWeights encoder;
  ConnectorWeights reference_connector;
};

}  // namespace blip3o
