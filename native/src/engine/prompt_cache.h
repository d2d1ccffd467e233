// The last few prompts and what their prefill computed: keys, values and the last hidden state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <utility>
#include <vector>

#include "base/tensor.h"
#include "engine/memory_account.h"

namespace blip3o {

// Memory: keys and values of each layer, [kv_heads, prompt · head_dim] each, then the hidden state at <S0>.
struct KnownPrompt {
  std::vector<int32_t> ids;
  int64_t version = 0;  // of the language model
  Buffer memory;
  Holding holding;
};

// Not safe for use by several threads at once; what it hands out is.
class PromptCache {
 public:
  static constexpr size_t kMostPrompts = 16;

  // Null where the prompt is not held. Whole prompts of that version only, all ids compared.
  std::shared_ptr<const KnownPrompt> Find(const std::vector<int32_t>& ids, int64_t version) {
    for (auto it = prompts_.begin(); it != prompts_.end(); ++it) {
      if ((*it)->version != version || (*it)->ids != ids) continue;
      prompts_.splice(prompts_.begin(), prompts_, it);
      return prompts_.front();
    }
    return nullptr;
  }

  // The one that was not asked for the longest makes room.
  void Put(std::shared_ptr<const KnownPrompt> prompt) {
    if (prompts_.size() >= kMostPrompts) prompts_.pop_back();
    prompts_.push_front(std::move(prompt));
  }

  // Forgets those that were not asked for the longest until `bytes` are enough for the rest.
  void Shrink(int64_t bytes) {
    while (!prompts_.empty() && size_bytes() > bytes) prompts_.pop_back();
  }

  void Clear() { prompts_.clear(); }

  size_t size() const { return prompts_.size(); }
  int64_t size_bytes() const {
    int64_t bytes = 0;
    for (const auto& prompt : prompts_) bytes += prompt->memory.size_bytes();
    return bytes;
  }

 private:
  std::list<std::shared_ptr<const KnownPrompt>> prompts_;
};

}  // namespace blip3o
