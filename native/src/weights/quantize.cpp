#include "weights/quantize.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/dtype.h"
#include "base/memory.h"
#include "base/q8.h"

namespace blip3o {

namespace {

constexpr int64_t kAlignment = 64;
constexpr float kLargest = 127.0f;
constexpr uintptr_t kUntouchable = uintptr_t{1} << 61;  // far from every mapped file

// Every weight that products of the language model read.
std::vector<View*> ProductWeights(LanguageModelWeights& weights) {
  std::vector<View*> all;
  for (QwenLayerWeights& layer : weights.layers) {
    for (View* view : {&layer.q_proj, &layer.k_proj, &layer.v_proj, &layer.o_proj, &layer.gate_proj, &layer.up_proj,
                       &layer.down_proj}) {
      all.push_back(view);
    }
  }
  all.push_back(&weights.image_head);
  return all;
}

int64_t PlaceOf(const View& view) {
  return (Q8Layout::Of(view).size_bytes() + kAlignment - 1) / kAlignment * kAlignment;
}

void QuantizeBlock(const float* values, int64_t count, int8_t* to, float* scale) {
  float largest = 0.0f;
  for (int64_t i = 0; i < count; ++i) largest = std::max(largest, std::abs(values[i]));
  *scale = largest / kLargest;
  for (int64_t i = 0; i < kQ8Block; ++i) {
    // A block of zeros, or of values so small that their scale is none, is zero.
    const float value = i<count&& * scale> 0.0f ? std::nearbyint(values[i] / *scale) : 0.0f;
    to[i] = static_cast<int8_t>(std::clamp(value, -kLargest, kLargest));
  }
}

void QuantizeRow(const View& weight, const Q8Layout& layout, int64_t n, char* to) {
  float values[kQ8Block];
  int8_t* row = reinterpret_cast<int8_t*>(to) + n * layout.stride;
  float* scales = reinterpret_cast<float*>(to + layout.scales_offset()) + n * layout.blocks;
  for (int64_t block = 0; block < layout.blocks; ++block) {
    const int64_t first = block * kQ8Block, count = std::min(kQ8Block, layout.cols - first);
    for (int64_t i = 0; i < count; ++i) {
      values[i] = LoadAsF32(weight.data, weight.dtype, n * layout.cols + first + i);
    }
    QuantizeBlock(values, count, row + first, scales + block);
  }
}

}  // namespace

void QuantizeQ8(const View& weight, void* to) {
  const Q8Layout layout = Q8Layout::Of(weight);
  for (int64_t n = 0; n < layout.rows; ++n) QuantizeRow(weight, layout, n, static_cast<char*>(to));
}

int64_t QuantizedBytes(const LanguageModelWeights& weights) {
  LanguageModelWeights copy = weights;
  int64_t bytes = 0;
  for (const View* view : ProductWeights(copy)) bytes += PlaceOf(*view);
  return bytes;
}

void QuantizeSizesOnly(LanguageModelWeights& weights) {
  uintptr_t address = kUntouchable;
  for (View* view : ProductWeights(weights)) {
    const uintptr_t at = address;
    address += static_cast<uintptr_t>(PlaceOf(*view));
    *view = {reinterpret_cast<const void*>(at), DType::kQ8, view->shape};
  }
}

Result<Buffer> QuantizeLanguageModel(LanguageModelWeights& weights, int threads) {
  BLIP3O_ASSIGN_OR_RETURN(Buffer memory, AllocatePages(QuantizedBytes(weights)));
  struct Job {
    View* view;
    char* to;
  };
  std::vector<Job> jobs;
  char* to = static_cast<char*>(memory.data());
  for (View* view : ProductWeights(weights)) {
    jobs.push_back({view, to});
    to += PlaceOf(*view);
  }
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t i = next++; i < jobs.size(); i = next++) QuantizeQ8(*jobs[i].view, jobs[i].to);
  };
  {
    std::vector<std::jthread> helpers;
    try {
      for (int i = 1; i < threads; ++i) helpers.emplace_back(work);
    } catch (const std::system_error&) {
      // Fewer of them do it too.
    }
    work();
  }
  for (const Job& job : jobs) *job.view = {job.to, DType::kQ8, job.view->shape};
  return memory;
}

}  // namespace blip3o
