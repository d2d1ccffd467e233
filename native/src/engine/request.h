// One request: a range of stages, what they are given, and the settings. Owns copies of everything.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "weights/config.h"

namespace blip3o {

// The same values as blip3o_stage in blip3o.h.
enum class Stage : int32_t { kTokens = 0, kHidden = 1, kCondition = 2, kLatents = 3, kPixels = 4 };

// The same values as blip3o_value in blip3o.h, which gives their shapes.
enum class Value : int32_t {
  kTokens = 0,
  kHiddenStates = 1,
  kCondition = 2,
  kNullCondition = 3,
  kNoise = 4,
  kSigmas = 5,
  kLatents = 6,
  kImage = 7,
  kPixels = 8,
  kFirstLogits = 9,
  kVelocityFirst = 10,
  kVelocityNullFirst = 11,
  kLatentsFirst = 12,
};
inline constexpr int kValueCount = 13;

// A tensor in host memory; empty when its rank is 0.
struct HostTensor {
  DType dtype = DType::kF32;
  Shape shape;
  std::vector<std::byte> bytes;

  bool empty() const { return shape.rank() == 0; }
  template <typename T>
  const T* data() const {
    return reinterpret_cast<const T*>(bytes.data());
  }
};

using Values = std::array<HostTensor, kValueCount>;

struct Request {
  Stage first_stage = Stage::kTokens;
  Stage last_stage = Stage::kPixels;
  uint32_t outputs = 0;  // bit per Value
  std::vector<int32_t> prompt;
  HostTensor tokens, hidden_states, condition, null_condition, noise, latents;
  uint64_t seed = 0;
  float temperature = 1.0f;
  int64_t top_k = 0;
  float top_p = 1.0f;
  int32_t steps = 30;
  float guidance = 2.0f;

  bool Runs(Stage stage) const { return first_stage <= stage && stage <= last_stage && !SkipsHidden(stage); }
  bool Keeps(Value value) const { return (outputs >> static_cast<int>(value) & 1u) != 0; }
  bool guided() const { return guidance != 1.0f; }

 private:
  // Decoding keeps its hidden states, so HIDDEN runs only as the first stage.
  bool SkipsHidden(Stage stage) const { return stage == Stage::kHidden && first_stage != Stage::kHidden; }
};

// The longest prompt that leaves room for the image tokens: prompt + N + 1 <= max_position_embeddings.
int64_t MaxPromptLength(const ModelConfig& config);

// Checks a request against the model: ranges, shapes, dtypes, finite inputs. Errors name the field, expected, found.
Status CheckRequest(const ModelConfig& config, const Request& request);

}  // namespace blip3o
