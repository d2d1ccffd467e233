// The pieces into which a request's work is cut. Between two pieces a request can wait, be cancelled, or let others go
// first.
#pragma once

#include <cstdint>

namespace blip3o {

enum class Work : int32_t {
  kEncode = 0,     // pictures → reference tokens and latents
  kPrefill = 1,    // one chunk of the prompt → key-value cache
  kToken = 2,      // the next token of many requests at once
  kCondition = 3,  // hidden states → condition, and what all steps share
  kStep = 4,       // one denoising step
  kDecode = 5,     // latents → pixels
};

// The halves of the model run beside each other: each lane takes work of its own half.
enum class Half { kLanguage, kPicture };

constexpr Half HalfOf(Work work) {
  return work == Work::kPrefill || work == Work::kToken ? Half::kLanguage : Half::kPicture;
}

}  // namespace blip3o
