// One request: a range of stages, what they are given, and the settings. Owns copies of everything.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "image/picture.h"
#include "image/prepare.h"
#include "weights/capabilities.h"
#include "weights/config.h"

namespace blip3o {

// The same values as blip3o_stage in blip3o.h.
enum class Stage : int32_t { kReferences = 0, kTokens = 1, kCondition = 2, kLatents = 3, kPixels = 4 };

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
  kReferenceTokens = 13,
  kReferenceLatents = 14,
  kLogProbabilities = 15,
};
inline constexpr int kValueCount = 16;

// The same values as BLIP3O_REFERENCE_TOKEN and BLIP3O_MAX_REFERENCES in blip3o.h.
inline constexpr int32_t kReferenceToken = -1;
inline constexpr int64_t kMaxReferences = 16;

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

// What a mask keeps of the initial picture.
struct PreparedMask {
  Picture weights;             // [side, side, 1]: how much of each pixel is new, faded at its border
  std::vector<float> latents;  // one weight a latent

  bool empty() const { return weights.empty(); }
};

struct Request {
  Stage first_stage = Stage::kTokens;
  Stage last_stage = Stage::kPixels;
  uint32_t outputs = 0;  // bit per Value
  std::vector<int32_t> prompt;
  std::vector<PreparedPicture> references;
  PreparedPicture initial;
  PreparedMask mask;
  HostTensor reference_latents, initial_latents;
  float strength = 1.0f;
  HostTensor tokens, hidden_states, condition, null_condition, noise, latents;
  uint64_t seed = 0;
  float temperature = 1.0f;
  int64_t top_k = 0;
  float top_p = 1.0f;
  int32_t steps = 30;
  float guidance = 2.0f;
  int32_t priority = 0;
  int64_t deadline_millis = 0;
  int32_t preview_steps = 0;
  uint64_t tag = 0;

  bool Runs(Stage stage) const { return first_stage <= stage && stage <= last_stage; }
  bool Keeps(Value value) const { return (outputs >> static_cast<int>(value) & 1u) != 0; }
  bool guided() const { return guidance != 1.0f; }

  // R.
  int64_t reference_count() const {
    return references.empty() ? (reference_latents.empty() ? 0 : reference_latents.shape[0])
                              : static_cast<int64_t>(references.size());
  }
  bool edits() const { return reference_count() > 0; }
  bool has_initial() const { return !initial.empty() || !initial_latents.empty(); }
  // What of the references' encodings the request computes.
  bool MakesReferenceTokens() const { return MakesReference(Value::kReferenceTokens, Stage::kTokens); }
  bool MakesReferenceLatents() const { return MakesReference(Value::kReferenceLatents, Stage::kCondition); }
  // The steps that run: the last round(strength · steps), at least one.
  int32_t first_step() const;

 private:
  // Where the range ends at the references, what is asked for, or all; else what the stage `reader` and later need too.
  bool MakesReference(Value value, Stage reader) const {
    if (references.empty()) return false;
    if (last_stage > Stage::kReferences) return Keeps(value) || last_stage >= reader;
    return Keeps(value) || !(Keeps(Value::kReferenceTokens) || Keeps(Value::kReferenceLatents));
  }
};

// What errors call reference k (from 0) of so many: "reference 2", or "the reference" where there is one.
std::string ReferenceName(size_t k, size_t count);

// A caller's pictures, borrowed.
struct RequestPictures {
  std::vector<PictureView> references;
  PictureView initial, mask;  // no data: absent
};

// Checks the pictures, and whether the model can do anything with them, before it resizes them to what the model sees.
// Needs the request's stages and outputs.
Status AddPictures(const ModelConfig& config, const Capabilities& capabilities, const RequestPictures& pictures,
                   Request& request);

// The longest prompt that leaves room for the image tokens: prompt + N + 1 <= max_position_embeddings.
int64_t MaxPromptLength(const ModelConfig& config);

// Text to image with a prompt of usual length: what memory and lanes are planned for.
Request TextRequest(const ModelConfig& config);

// Checks a request against the model: ranges, shapes, dtypes, finite inputs, and what the model can do. Errors name the
// field, expected, found.
Status CheckRequest(const ModelConfig& config, const Capabilities& capabilities, const Request& request);

}  // namespace blip3o
