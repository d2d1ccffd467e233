#include "engine/language_half.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>

#include "model/sampler.h"

namespace blip3o {

LanguageHalf::LanguageHalf(const Checkpoint& checkpoint)
    : checkpoint_(checkpoint),
      config_(checkpoint.config()),
      model_(config_.language_model, checkpoint.weights().language_model) {}

// The prompt with the reference tokens in place, and given tokens behind it.
std::vector<int32_t> LanguageHalf::SequenceOf(const Run& run) const {
  const int32_t first = static_cast<int32_t>(config_.image_tokens.first);
  std::vector<int32_t> ids = run.request.prompt;
  size_t place = 0;
  for (const auto& tokens : run.encoded.reference_tokens) {
    if (tokens == nullptr) continue;  // a dry run
    for (const int32_t token : *tokens) {
      while (ids[place] != kReferenceToken) ++place;
      ids[place++] = token + first;
    }
  }
  if (!run.request.tokens.empty()) {
    const int32_t* codes = run.request.tokens.data<int32_t>();
    for (int64_t i = 0; i < config_.image_tokens.tokens; ++i) ids.push_back(codes[i] + first);
  }
  return ids;
}

// Hidden states are kept as decoding yields them: row 0 at <S0>, row k + 1 at image token k. The last token takes a
// decode step without a draw.
void LanguageHalf::Begin(const Workplace& at, Run& run) const {
  const int64_t count = config_.image_tokens.tokens;
  run.sequence = SequenceOf(run);
  const int64_t length = static_cast<int64_t>(run.sequence.size());
  run.hidden_states = run.slab.TakeMatrix(count + 1, config_.language_model.hidden_size);
  run.cache_memory.emplace(run.slab);
  run.cache = model_.TakeCache(run.slab, run.request.tokens.empty() ? length + count : length);
  run.tokens = run.slab.Take<int32_t>(count);
  run.ids = run.slab.Take<int32_t>(length);
  at.ops.CopyIn(run.sequence.data(), length * SizeOf(DType::kI32), run.ids);
}

Status LanguageHalf::Prefill(const Workplace& at, Run& run) const {
  const int64_t length = static_cast<int64_t>(run.sequence.size()), first = run.prefilled;
  const int64_t end = std::min(length, (first / LanguageModel::kPrefillChunk + 1) * LanguageModel::kPrefillChunk);
  // Somebody reads the last row of a prompt, and with given tokens the last N + 1 rows.
  const bool given = !run.request.tokens.empty();
  const int64_t read_from = length - (given ? config_.image_tokens.tokens + 1 : 1),
                read = end - std::max(first, read_from);
  const Matrix hidden = read > 0 ? run.hidden_states.Rows(std::max(first, read_from) - read_from, read) : Matrix();
  WorkProgress progress(at.observer);
  BLIP3O_RETURN_IF_ERROR(
      model_.Prefill(at.ops, at.arena, run.ids + first, first, end - first, run.cache, hidden, progress));
  BLIP3O_RETURN_IF_ERROR(at.ops.Finish());
  run.prefilled = end;
  if (!given || end < length) return {};
  run.drawn = config_.image_tokens.tokens;
  at.ops.CopyIn(run.request.tokens.bytes.data(), run.drawn * SizeOf(DType::kI32), run.tokens);
  return Finish(at.ops, run);
}

void LanguageHalf::NextTokens(const Workplace& at, std::span<Run* const> runs, std::vector<Status>& statuses) const {
  const Arena::Scope scope(at.arena);
  const int64_t count = static_cast<int64_t>(runs.size());
  assert(1 <= count && count <= LanguageModel::kMostRows);
  statuses.assign(runs.size(), Status());
  const Matrix hidden = at.arena.TakeMatrix(count, config_.language_model.hidden_size);
  const Matrix logits = at.arena.TakeMatrix(count, config_.image_tokens.codes);
  std::vector<Draw> draws;
  std::vector<DecodeRow> rows;
  for (size_t i = 0; i < runs.size(); ++i) {
    Run& run = *runs[i];
    const Request& request = run.request;
    const int64_t k = run.drawn;
    at.ops.Copy(run.hidden_states.Rows(k, 1), hidden.Rows(static_cast<int64_t>(i), 1));
    draws.push_back({{request.temperature, request.top_k, request.top_p, request.seed}, k, run.tokens + k});
    rows.push_back({run.tokens + k, run.prefilled + k, run.cache, run.hidden_states.Rows(k + 1, 1)});
  }
  ImageLogits(at.ops, checkpoint_.weights().language_model.image_head, hidden, logits);
  DrawTokens(at.ops, logits, draws);
  model_.Decode(at.ops, at.arena, static_cast<int32_t>(config_.image_tokens.first), rows);
  const Status failure = at.ops.Finish();
  for (size_t i = 0; i < runs.size(); ++i) {
    Run& run = *runs[i];
    statuses[i] = failure;
    if (!failure.ok()) continue;
    const Matrix own = logits.Rows(static_cast<int64_t>(i), 1);
    if (!at.ops.AllFinite(own)) {
      statuses[i] = NotFinite(at.ops, fmt::format("the logits of image token {}", run.drawn + 1));
      continue;
    }
    if (run.drawn == 0) run.Keep(at.ops, Value::kFirstLogits, DType::kF32, {own.cols}, own.data);
    if (++run.drawn == config_.image_tokens.tokens) statuses[i] = Finish(at.ops, run);
  }
}

Status LanguageHalf::Finish(Ops& ops, Run& run) const {
  if (!ops.AllFinite(run.hidden_states)) return NotFinite(ops, "the hidden states");
  run.Keep(ops, Value::kTokens, DType::kI32, {config_.image_tokens.tokens}, run.tokens);
  run.Keep(ops, Value::kHiddenStates, run.hidden_states);
  run.cache.clear();
  run.cache_memory.reset();
  return {};
}

Matrix LanguageHalf::Rows(float* data, int64_t positions, int64_t capacity) const {
  const int64_t head_dim = config_.language_model.head_dim;
  return {data, config_.language_model.num_kv_heads, positions * head_dim, capacity * head_dim};
}

int64_t LanguageHalf::PromptBytes(const Run& run) const {
  const LanguageModelConfig& config = config_.language_model;
  const int64_t positions = static_cast<int64_t>(run.sequence.size());
  return (2 * config.num_layers * config.num_kv_heads * config.head_dim * positions + config.hidden_size) *
         SizeOf(DType::kF32);
}

KnownPrompt LanguageHalf::CopyPrompt(Ops& ops, const Run& run, Buffer memory, Holding holding) const {
  const int64_t positions = static_cast<int64_t>(run.sequence.size());
  float* to = static_cast<float*>(memory.data());
  for (const KvSlot& slot : run.cache) {
    for (float* from : {slot.keys, slot.values}) {
      const Matrix rows = Rows(to, positions, positions);
      ops.Copy(Rows(from, positions, slot.capacity), rows);
      to += rows.rows * rows.cols;
    }
  }
  const int64_t hidden = config_.language_model.hidden_size;
  ops.Copy(run.hidden_states.Rows(0, 1), {to, 1, hidden, hidden});
  return {run.sequence, std::move(memory), std::move(holding)};
}

void LanguageHalf::TakePrompt(Ops& ops, const KnownPrompt& prompt, Run& run) const {
  const int64_t positions = static_cast<int64_t>(run.sequence.size());
  float* from = static_cast<float*>(prompt.memory.data());
  for (const KvSlot& slot : run.cache) {
    for (float* to : {slot.keys, slot.values}) {
      const Matrix rows = Rows(from, positions, positions);
      ops.Copy(rows, Rows(to, positions, slot.capacity));
      from += rows.rows * rows.cols;
    }
  }
  const int64_t hidden = config_.language_model.hidden_size;
  ops.Copy({from, 1, hidden, hidden}, run.hidden_states.Rows(0, 1));
  run.prefilled = positions;
  run.copied_prompt = true;
}

Status LanguageHalf::NotFinite(Ops& ops, const std::string& what) const {
  (void)ops.Finish();
  return checkpoint_.NotFinite(ModelPart::kLanguageModel, what);
}

}  // namespace blip3o
