// The autoregressive half: prompt ids → tokens and hidden states.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "engine/language_version.h"
#include "engine/prompt_cache.h"
#include "engine/run.h"
#include "weights/checkpoint.h"

namespace blip3o {

// All of it may be called by several threads at once, for different runs.
class LanguageHalf {
 public:
  // `checkpoint` must outlive it.
  explicit LanguageHalf(const Checkpoint& checkpoint);

  // Takes the run's part of the slab and writes down what its prefill reads. Its pictures are encoded.
  void Begin(const Workplace& at, Run& run) const;
  // The next chunk of the prompt, and of given tokens.
  Status Prefill(const Workplace& at, Run& run) const;
  // The next tokens of each of 1 to LanguageModel::kMostRows runs of one version, as many for each as the backend
  // queues ahead: draws one and decodes it to the next hidden state. statuses[i] is that of runs[i]; a failure of the
  // backend is everybody's.
  void NextTokens(const Workplace& at, std::span<Run* const> runs, std::vector<Status>& statuses) const;

  // A prompt that a run has prefilled whole, for others: its bytes, its making, and its use in place of the prefill.
  int64_t PromptBytes(int64_t positions) const;
  KnownPrompt CopyPrompt(Ops& ops, const Run& run, Buffer memory, Holding holding) const;
  void TakePrompt(Ops& ops, const KnownPrompt& prompt, Run& run) const;

  // What the run's tokens are drawn with.
  const LanguageVersion& VersionOf(const Run& run) const {
    return run.language != nullptr ? *run.language : checkpoints_own_;
  }

  bool HasPrefilled(const Run& run) const {
    return !run.sequence.empty() && run.prefilled == static_cast<int64_t>(run.sequence.size());
  }

 private:
  std::vector<int32_t> SequenceOf(const Run& run) const;
  // After the last token: the results, and the cache's memory back.
  Status Finish(Ops& ops, Run& run) const;
  Status NotFinite(Ops& ops, const std::string& what) const;
  std::vector<TokenRow> TableOf(std::span<Run* const> runs) const;
  static RepeatKey KeyOf(const TokenTable& table, int64_t version);
  // What a round has left of a run: its row of the table and of the logits of the last of `tokens` tokens.
  Status TakeTokens(Ops& ops, const TokenRow& row, int64_t tokens, const Matrix& logits, Run& run) const;
  // Keys and values of all layers, [layers · 2 · kv_heads, positions · head_dim], of the cache and of known prompts.
  Matrix Rows(float* data, int64_t positions, int64_t capacity) const;

  const Checkpoint& checkpoint_;
  const ModelConfig& config_;
  const LanguageVersion checkpoints_own_;
};

}  // namespace blip3o
