// Compute type bf16 against f32 on whole stages, with its own derived bound.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "blip3o/blip3o.h"
#include "support/borrowed_tensor.h"

namespace blip3o {
namespace {

using test::Borrow;

// Where the runs are made.
#ifndef BLIP3O_GOLDEN_DEVICE
#define BLIP3O_GOLDEN_DEVICE BLIP3O_DEVICE_CPU
#endif

// bf16 keeps 8 bits: rounding an activation errs by at most u = 2^-9 of it, u/√3 in the mean square. Products of
// independent errors keep that ratio; n products one after another add up to u·√(n/3). Norms, gates and the softmax
// between them may double what they are given, and a stage that ends in a difference of branches (guidance) doubles it
// again: 4·u·√(n/3).
double Bound(int products) { return 4 * std::ldexp(1.0, -9) * std::sqrt(products / 3.0); }

struct Outputs {
  std::vector<float> hidden_states, condition, velocity, image;
};

std::vector<float> Floats(blip3o_job* job, blip3o_value value) {
  blip3o_tensor tensor;
  blip3o_error error;
  EXPECT_EQ(blip3o_job_value(job, value, &tensor, &error), BLIP3O_OK) << error.message;
  int64_t count = 1;
  for (int i = 0; i < tensor.rank; ++i) count *= tensor.shape[i];
  const auto* data = static_cast<const float*>(tensor.data);
  return {data, data + count};
}

// The same fixed tokens, noise and latents through both compute types, so that no early choice hides a later error.
Outputs RunStages(blip3o_compute compute) {
  Outputs outputs;
  blip3o_model_options options;
  blip3o_model_options_default(&options);
  options.device = BLIP3O_GOLDEN_DEVICE;
  options.compute = compute;
  options.threads = 2;
  blip3o_model* model = nullptr;
  blip3o_error error;
  const std::string directory = std::string(BLIP3O_SOURCE_DIR) + "/weights/demo";
  EXPECT_EQ(blip3o_model_open(directory.c_str(), &options, &model, &error), BLIP3O_OK) << error.message;
  if (model == nullptr) return outputs;
  blip3o_model_info info;
  blip3o_model_describe(model, &info);
  EXPECT_EQ(info.compute, compute);

  std::vector<int32_t> prompt(40), tokens(static_cast<size_t>(info.image_tokens));
  for (size_t i = 0; i < prompt.size(); ++i) prompt[i] = static_cast<int32_t>(i * 7 % 300);
  for (size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<int32_t>(i * 37) % info.image_codes;
  blip3o_request request;
  blip3o_request_default(model, &request);
  request.first_stage = BLIP3O_STAGE_TOKENS;
  request.last_stage = BLIP3O_STAGE_LATENTS;
  request.prompt = prompt.data();
  request.prompt_length = static_cast<int64_t>(prompt.size());
  request.tokens = Borrow(tokens.data(), BLIP3O_I32, {info.image_tokens});
  request.steps = 1;
  request.outputs = 1u << BLIP3O_HIDDEN_STATES | 1u << BLIP3O_CONDITION | 1u << BLIP3O_VELOCITY_FIRST;
  blip3o_job* job = nullptr;
  EXPECT_EQ(blip3o_model_submit(model, &request, &job, &error), BLIP3O_OK) << error.message;
  EXPECT_EQ(blip3o_job_wait(job, &error), BLIP3O_OK) << error.message;
  outputs.hidden_states = Floats(job, BLIP3O_HIDDEN_STATES);
  outputs.condition = Floats(job, BLIP3O_CONDITION);
  outputs.velocity = Floats(job, BLIP3O_VELOCITY_FIRST);
  blip3o_job_close(job);

  std::vector<float> latents(static_cast<size_t>(info.latent_channels * info.latent_height * info.latent_width));
  blip3o_noise_fill(3, latents.data(), static_cast<int64_t>(latents.size()));
  blip3o_request_default(model, &request);
  request.first_stage = request.last_stage = BLIP3O_STAGE_PIXELS;
  request.latents = Borrow(latents.data(), BLIP3O_F32, {info.latent_channels, info.latent_height, info.latent_width});
  request.outputs = 1u << BLIP3O_IMAGE;
  EXPECT_EQ(blip3o_model_submit(model, &request, &job, &error), BLIP3O_OK) << error.message;
  EXPECT_EQ(blip3o_job_wait(job, &error), BLIP3O_OK) << error.message;
  outputs.image = Floats(job, BLIP3O_IMAGE);
  blip3o_job_close(job);
  blip3o_model_close(model);
  return outputs;
}

double RelativeL2(const std::vector<float>& found, const std::vector<float>& expected) {
  EXPECT_EQ(found.size(), expected.size());
  double error = 0, norm = 0;
  for (size_t i = 0; i < expected.size() && i < found.size(); ++i) {
    error += (found[i] - expected[i]) * (found[i] - expected[i]);
    norm += expected[i] * expected[i];
  }
  return std::sqrt(error / norm);
}

// Products in sequence, in the demo checkpoint: 4 a layer of the language model (qkv, o, gate and up, down) in 4
// layers; 2 of the connector on top; 2 of the caption and 6 a block of the transformer in 6 blocks, 2 outside; the
// decoder's convolutions and products: 4 a ViT block in 2 blocks, 2 a residual block in 6 blocks, 4 up-samplers, 2
// ends.
TEST(ComputeBF16, StaysWithinItsBoundOfF32) {
  const Outputs f32 = RunStages(BLIP3O_COMPUTE_F32), bf16 = RunStages(BLIP3O_COMPUTE_BF16);
  constexpr int kLanguageModel = 4 * 4, kConnector = 2, kTransformer = 2 + 6 * 6 + 2, kDecoder = 4 * 2 + 2 * 6 + 4 + 2;
  const double hidden = RelativeL2(bf16.hidden_states, f32.hidden_states);
  const double condition = RelativeL2(bf16.condition, f32.condition);
  const double velocity = RelativeL2(bf16.velocity, f32.velocity);
  const double image = RelativeL2(bf16.image, f32.image);
  EXPECT_LE(hidden, Bound(kLanguageModel));
  EXPECT_LE(condition, Bound(kLanguageModel + kConnector));
  EXPECT_LE(velocity, Bound(kLanguageModel + kConnector + kTransformer));
  EXPECT_LE(image, Bound(kDecoder));
  // It is another computation: were these zero, bf16 would not have been used.
  EXPECT_GT(hidden, 1e-5);
  EXPECT_GT(velocity, 1e-5);
  RecordProperty("hidden_states", std::to_string(hidden));
  RecordProperty("condition", std::to_string(condition));
  RecordProperty("velocity", std::to_string(velocity));
  RecordProperty("image", std::to_string(image));
}

}  // namespace
}  // namespace blip3o
