#include "engine/language_half.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>

#include "model/sampler.h"

namespace blip3o {

namespace {

// Of the longest sequence that a batch of tokens may become: one number for all of its tokens, so that they repeat.
constexpr int64_t kPositionsUnit = 128;

// Every run has so many tokens left, and nobody asks for what only the round's first token leaves behind.
int64_t TokensOfRound(const Ops& ops, std::span<Run* const> runs, int64_t tokens) {
  int64_t count = ops.TokensAhead();
  for (const Run* run : runs) {
    count = std::min(count, tokens - run->drawn);
    if (run->drawn == 0 && run->Wants(Value::kFirstLogits)) count = 1;
  }
  return count;
}

}  // namespace

LanguageHalf::LanguageHalf(const Checkpoint& checkpoint)
    : checkpoint_(checkpoint), config_(checkpoint.config()), checkpoints_own_(checkpoint) {}

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
  run.cache = VersionOf(run).model().TakeCache(run.slab, run.request.tokens.empty() ? length + count : length);
  run.tokens = run.slab.Take<int32_t>(count);
  if (run.Wants(Value::kLogProbabilities) && run.request.tokens.empty())
    run.log_probabilities = run.slab.Take<float>(2 * count);
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
  BLIP3O_RETURN_IF_ERROR(VersionOf(run).model().Prefill(at.ops, at.arena, run.ids + first, first, end - first,
                                                        run.cache, hidden, progress));
  BLIP3O_RETURN_IF_ERROR(at.ops.Finish());
  run.prefilled = end;
  if (!given || end < length) return {};
  run.drawn = config_.image_tokens.tokens;
  at.ops.CopyIn(run.request.tokens.bytes.data(), run.drawn * SizeOf(DType::kI32), run.tokens);
  return Finish(at.ops, run);
}

std::vector<TokenRow> LanguageHalf::TableOf(std::span<Run* const> runs) const {
  std::vector<TokenRow> rows;
  for (const Run* run : runs) {
    const Request& request = run->request;
    TokenRow row;
    row.cache = run->cache.data;
    row.capacity = run->cache.capacity;
    row.hidden_states = run->hidden_states.data;
    row.tokens = run->tokens;
    row.log_probabilities = run->log_probabilities;
    row.position = run->prefilled + run->drawn;
    row.drawn = run->drawn;
    row.seed = request.seed;
    row.top_k = request.top_k;
    row.temperature = request.temperature;
    row.top_p = request.top_p;
    rows.push_back(row);
  }
  return rows;
}

void LanguageHalf::NextTokens(const Workplace& at, std::span<Run* const> runs, std::vector<Status>& statuses) const {
  const Arena::Scope scope(at.arena);
  const int64_t count = static_cast<int64_t>(runs.size());
  assert(1 <= count && count <= LanguageModel::kMostRows);
  std::vector<TokenRow> rows = TableOf(runs);
  int64_t capacity = 0;
  for (const TokenRow& row : rows) capacity = std::max(capacity, row.capacity);
  const TokenTable table{at.arena.Take<TokenRow>(count), count,
                         (capacity + kPositionsUnit - 1) / kPositionsUnit * kPositionsUnit};
  const Matrix hidden = at.arena.TakeMatrix(count, config_.language_model.hidden_size);
  const Matrix logits = at.arena.TakeMatrix(count, config_.image_tokens.codes);
  const LanguageVersion& version = VersionOf(*runs.front());
  const int64_t table_bytes = count * static_cast<int64_t>(sizeof(TokenRow));
  at.ops.CopyIn(rows.data(), table_bytes, table.rows);
  const int64_t tokens = TokensOfRound(at.ops, runs, config_.image_tokens.tokens);
  for (int64_t i = 0; i < tokens; ++i) {
    at.ops.Repeat(KeyOf(table, version.number()), [&] {
      DrawTokens(at.ops, version.image_head(), table, hidden, logits);
      version.model().Decode(at.ops, at.arena, static_cast<int32_t>(config_.image_tokens.first), table);
    });
  }
  at.ops.CopyOut(table.rows, table_bytes, rows.data());
  statuses.assign(runs.size(), at.ops.Finish());
  for (size_t i = 0; i < runs.size(); ++i) {
    if (!statuses[i].ok()) continue;
    statuses[i] = TakeTokens(at.ops, rows[i], tokens, logits.Rows(static_cast<int64_t>(i), 1), *runs[i]);
  }
}

// All that a row reads and writes of its request is named by the table: the same operations serve every batch of as
// many rows of a version. Runs' own keys begin at 1.
RepeatKey LanguageHalf::KeyOf(const TokenTable& table, int64_t version) {
  return {~static_cast<uint64_t>(version), table.rows,
          static_cast<uint64_t>(table.most_positions) << 8 | static_cast<uint64_t>(table.count)};
}

Status LanguageHalf::TakeTokens(Ops& ops, const TokenRow& row, int64_t tokens, const Matrix& logits, Run& run) const {
  if (row.finite == 0) {
    const int64_t first = run.drawn + 1;
    return NotFinite(
        ops, tokens == 1 ? fmt::format("the logits of image token {}", first)
                         : fmt::format("the logits of one of the image tokens {} to {}", first, run.drawn + tokens));
  }
  if (run.drawn == 0 && tokens == 1) run.Keep(ops, Value::kFirstLogits, DType::kF32, {logits.cols}, logits.data);
  run.drawn += tokens;
  run.drawn_in_round = tokens;
  return run.drawn == config_.image_tokens.tokens ? Finish(ops, run) : Status();
}

Status LanguageHalf::Finish(Ops& ops, Run& run) const {
  if (!ops.AllFinite(run.hidden_states)) return NotFinite(ops, "the hidden states");
  run.Keep(ops, Value::kTokens, DType::kI32, {config_.image_tokens.tokens}, run.tokens);
  run.Keep(ops, Value::kHiddenStates, run.hidden_states);
  if (run.log_probabilities != nullptr) {
    run.Keep(ops, Value::kLogProbabilities, DType::kF32, {config_.image_tokens.tokens, 2}, run.log_probabilities);
  }
  run.cache = {};
  run.cache_memory.reset();
  return {};
}

Matrix LanguageHalf::Rows(float* data, int64_t positions, int64_t capacity) const {
  const LanguageModelConfig& config = config_.language_model;
  return {data, config.num_layers * 2 * config.num_kv_heads, positions * config.head_dim, capacity * config.head_dim};
}

int64_t LanguageHalf::PromptBytes(int64_t positions) const {
  const Matrix rows = Rows(nullptr, positions, 0);
  return (rows.rows * rows.cols + config_.language_model.hidden_size) * SizeOf(DType::kF32);
}

KnownPrompt LanguageHalf::CopyPrompt(Ops& ops, const Run& run, Buffer memory, Holding holding) const {
  const int64_t positions = static_cast<int64_t>(run.sequence.size()), hidden = config_.language_model.hidden_size;
  // Nothing behind the first copy may throw: memory that is given back must not be written any more.
  KnownPrompt prompt{run.sequence, VersionOf(run).number(), std::move(memory), std::move(holding)};
  const Matrix rows = Rows(static_cast<float*>(prompt.memory.data()), positions, positions);
  ops.Copy(Rows(run.cache.data, positions, run.cache.capacity), rows);
  ops.Copy(run.hidden_states.Rows(0, 1), {rows.row(rows.rows), 1, hidden, hidden});
  return prompt;
}

void LanguageHalf::TakePrompt(Ops& ops, const KnownPrompt& prompt, Run& run) const {
  const int64_t positions = static_cast<int64_t>(run.sequence.size()), hidden = config_.language_model.hidden_size;
  const Matrix rows = Rows(static_cast<float*>(prompt.memory.data()), positions, positions);
  ops.Copy(rows, Rows(run.cache.data, positions, run.cache.capacity));
  ops.Copy({rows.row(rows.rows), 1, hidden, hidden}, run.hidden_states.Rows(0, 1));
  run.prefilled = positions;
  run.copied_prompt = true;
}

Status LanguageHalf::NotFinite(Ops& ops, const std::string& what) const {
  (void)ops.Finish();
  return checkpoint_.NotFinite(ModelPart::kLanguageModel, what);
}

}  // namespace blip3o
