// Requests of every kind, drawn from a seed, and what became of them through the C interface.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "blip3o/blip3o.h"
#include "image/picture.h"

namespace blip3o::test {

// A picture of smooth colours, different for each `variant`.
Picture Gradient(int64_t height, int64_t width, int variant);

// As a request takes it.
blip3o_tensor BorrowPicture(const Picture& picture);

// A request and all that it borrows. May be moved, since what vectors hold stays in its place.
struct SampleRequest {
  SampleRequest() = default;
  SampleRequest(SampleRequest&&) = default;
  SampleRequest& operator=(SampleRequest&&) = default;

  blip3o_request request = {};
  std::string name;  // for messages
  std::vector<int32_t> prompt, tokens;
  std::vector<Picture> pictures;
  std::vector<blip3o_tensor> references;
  std::vector<std::vector<float>> tensors;
};

// Draws requests for one model: text to image with prompts of a few ids to three prefill chunks, some of them equal,
// and, where the model can, edits, image to image with and without a mask; given tokens, ranges of stages, any
// sampling, 1 to 4 steps, with and without guidance.
class SampleRequests {
 public:
  SampleRequests(blip3o_model* model, uint64_t seed);

  SampleRequest Draw();
  // Text to image, from the tokens to `last`.
  SampleRequest Text(int64_t prompt_length, int variant, blip3o_stage last = BLIP3O_STAGE_PIXELS);

 private:
  int64_t Below(int64_t bound) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(bound)); }
  template <typename T>
  T OneOf(const std::vector<T>& values) {
    return values[static_cast<size_t>(Below(static_cast<int64_t>(values.size())))];
  }
  SampleRequest Base();
  void Settings(blip3o_request& request);
  void SetPrompt(SampleRequest& sample, int64_t length, int variant) const;
  SampleRequest RandomText();
  SampleRequest GivenTokens();
  SampleRequest Edit();
  SampleRequest FromPicture(bool masked);
  SampleRequest FromHiddenStates();
  SampleRequest FromCondition();
  SampleRequest FromLatents();
  SampleRequest OnlyReferences();
  // A tensor of values that look like noise, owned by the sample.
  blip3o_tensor Values(SampleRequest& sample, const std::vector<int64_t>& shape);

  blip3o_request defaults_ = {};
  blip3o_model_info info_ = {};
  std::mt19937_64 random_;
};

// How a job ended, and the bytes of every value that it yielded.
struct Results {
  blip3o_status status = BLIP3O_INTERNAL_ERROR;
  std::string message;
  std::map<int, std::vector<uint8_t>> values;
};

// Waits for the job, takes its results and closes it.
Results TakeResults(blip3o_job* job);

// The results of the request alone on a model that is opened for it, with one thread.
Results RunAlone(const std::filesystem::path& model, blip3o_compute compute, const SampleRequest& sample);

}  // namespace blip3o::test
