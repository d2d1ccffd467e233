// The kernels with our own SIMD at the sizes of the public model, on all usable processors. What is bound by memory
// reports bytes_per_second and stands beside PlainRead, a loop that only reads; what is bound by products reports
// flops, two for each multiplication of the definition.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "ops/cpu/kernels.h"

namespace blip3o {
namespace {

constexpr int64_t kFarBytes = int64_t{5} << 28;  // more than any cache: weights come from memory

// A context with the scratch of every family here.
class Bench {
 public:
  Bench(const Capacity& capacity, cpu::Compute compute = cpu::Compute::kF32)
      : pool_(std::move(ThreadPool::Create(UsableProcessors()).value())), lane_(pool_->MakeLane()) {
    const int threads = pool_->threads();
    int64_t shared = 0;
    for (const cpu::ScratchBytes& need :
         {cpu::TokenMatmulScratch(capacity, threads), cpu::AttentionScratch(capacity, threads),
          cpu::LinearAttentionScratch(capacity, threads)}) {
      shared = std::max(shared, need.shared);
      context_.worker_bytes = std::max(context_.worker_bytes, (need.per_worker + 63) / 64 * 64);
    }
    context_.lane = lane_.get();
    context_.compute = compute;
    context_.shared = std::move(Buffer::Allocate(shared).value());
    context_.per_worker = std::move(Buffer::Allocate(context_.worker_bytes * threads).value());
  }
  cpu::Context& context() { return context_; }

 private:
  std::unique_ptr<ThreadPool> pool_;
  std::unique_ptr<ThreadPool::Lane> lane_;
  cpu::Context context_;
};

class Values {
 public:
  Values(int64_t rows, int64_t cols) : values_(static_cast<size_t>(rows * cols)), rows_(rows), cols_(cols) {
    uint32_t state = 1;
    for (float& value : values_) {
      state = state * 1664525u + 1013904223u;
      value = static_cast<float>(static_cast<int32_t>(state)) * 0x1p-31f;
    }
  }
  Matrix operator*() { return {values_.data(), rows_, cols_, cols_}; }

 private:
  std::vector<float> values_;
  int64_t rows_, cols_;
};

// As many bf16 weights [n, k] as fill kFarBytes; Next() goes round.
class FarWeights {
 public:
  FarWeights(int64_t n, int64_t k)
      : shape_{n, k}, count_(kFarBytes / (2 * n * k)), values_(static_cast<size_t>(count_ * n * k), 0x3C10) {}
  View Next() {
    next_ = (next_ + 1) % count_;
    return {values_.data() + next_ * shape_.count(), DType::kBF16, shape_};
  }

 private:
  Shape shape_;
  int64_t count_, next_ = 0;
  std::vector<uint16_t> values_;
};

void SetBytes(benchmark::State& state, int64_t bytes) { state.SetBytesProcessed(state.iterations() * bytes); }

void SetFlops(benchmark::State& state, double flops) {
  state.counters["flops"] = benchmark::Counter(flops, benchmark::Counter::kIsIterationInvariantRate);
}

// Reads kFarBytes in blocks of 64 KiB, as a product does that has nothing else to do.
void PlainRead(benchmark::State& state) {
  Bench bench({});
  const std::vector<uint64_t> memory(static_cast<size_t>(kFarBytes / 8), 1);
  constexpr int64_t kBlock = 8192;
  std::atomic<uint64_t> total = 0;
  for (auto _ : state) {
    bench.context().lane->ParallelFor(static_cast<int64_t>(memory.size()) / kBlock, [&](int64_t task, int) {
      uint64_t sum = 0;
      for (int64_t i = 0; i < kBlock; ++i) sum += memory[task * kBlock + i];
      total += sum;
    });
  }
  benchmark::DoNotOptimize(total.load());
  SetBytes(state, kFarBytes);
}

// Bytes are those of the weight.
void TokenMatmul(benchmark::State& state) {
  const int64_t rows = state.range(0), k = state.range(1), n = state.range(2);
  Bench bench({.product_depth = k});
  FarWeights weights(n, k);
  Values x(rows, k), out(rows, n);
  for (auto _ : state) {
    const TokenProduct product{weights.Next(), {}, *out};
    cpu::TokenMatmul(bench.context(), {.x = *x}, {&product, 1});
  }
  SetBytes(state, 2 * n * k);
  SetFlops(state, 2.0 * static_cast<double>(rows * n * k));
}

void TokenSwiGlu(benchmark::State& state) {
  const int64_t rows = state.range(0), k = state.range(1), n = state.range(2);
  Bench bench({.product_depth = k});
  FarWeights gates(n, k), ups(n, k);
  Values x(rows, k), out(rows, n);
  for (auto _ : state) cpu::TokenSwiGlu(bench.context(), {.x = *x}, gates.Next(), ups.Next(), *out);
  SetBytes(state, 4 * n * k);
}

void CrossAttention(benchmark::State& state) {
  const int64_t queries = state.range(0), keys = state.range(1), heads = state.range(2), head_dim = state.range(3);
  const int64_t width = heads * head_dim;
  Bench bench({.keys = keys, .attention_width = width});
  Values q(queries, width), k(keys, width), v(keys, width), out(queries, width);
  for (auto _ : state) cpu::CrossAttention(bench.context(), *q, *k, *v, heads, head_dim, *out);
  SetFlops(state, 4.0 * static_cast<double>(queries * keys * width));
}

// The language model of the public checkpoint: 16 heads of 128 on 8 key-value heads.
constexpr AttentionShape kShape{16, 8, 128};

void PrefillAttention(benchmark::State& state) {
  const int64_t rows = state.range(0), width = kShape.heads * kShape.head_dim;
  Bench bench({.keys = rows, .attention_width = width});
  Values q(rows, width), out(rows, width), keys(rows * kShape.kv_heads, kShape.head_dim),
      values(rows * kShape.kv_heads, kShape.head_dim);
  const KvSlot slot{(*keys).data, (*values).data, rows, 0};
  for (auto _ : state) cpu::PrefillAttention(bench.context(), kShape, *q, slot, *out);
  SetFlops(state, 2.0 * static_cast<double>(rows * (rows + 1) * width));
}

// One token; 28 layers' caches, so that they come from memory as in a model.
void DecodeAttention(benchmark::State& state) {
  const int64_t position = state.range(0), width = kShape.heads * kShape.head_dim, layers = 28;
  const int64_t layer = kShape.kv_heads * (position + 1) * kShape.head_dim;
  Bench bench({.keys = position + 1, .attention_width = width});
  Values q(1, width), out(1, width), keys(layers, layer), values(layers, layer);
  int64_t i = 0;
  for (auto _ : state) {
    i = (i + 1) % layers;
    const KvSlot slot{(*keys).row(i), (*values).row(i), position + 1, position};
    cpu::DecodeAttention(bench.context(), kShape, *q, std::span(&slot, 1), *out);
  }
  SetBytes(state, 8 * layer);
}

// Bytes: q, k, v read and out written once.
void LinearAttention(benchmark::State& state) {
  const int64_t pictures = state.range(0), tokens = state.range(1), heads = state.range(2), head_dim = state.range(3);
  const int64_t stride = state.range(4);
  Bench bench({.linear_attention_tokens = tokens, .linear_attention_state = heads * head_dim * (head_dim + 1)});
  Values q(pictures * tokens, heads * stride), out(pictures * tokens, heads * head_dim);
  LinearAttentionInput input{*q, *q, *q, pictures, heads, head_dim, stride};
  Values k(stride > head_dim ? 1 : pictures * tokens, heads * stride),
      v(stride > head_dim ? 1 : pictures * tokens, heads * stride);
  if (stride > head_dim) {  // q, k and v side by side in a group
    input.k.data += head_dim;
    input.v.data += 2 * head_dim;
  } else {
    input.k = *k;
    input.v = *v;
  }
  for (auto _ : state) cpu::LinearAttention(bench.context(), input, *out);
  SetBytes(state, 16 * pictures * tokens * heads * head_dim);
  SetFlops(state, 4.0 * static_cast<double>(pictures * tokens * heads * head_dim * head_dim));
}

// Bytes: x read and out written once.
void GroupedPointwise(benchmark::State& state) {
  const int64_t rows = state.range(0), channels = state.range(1), size = state.range(2);
  Bench bench({});
  Values x(rows, channels), out(rows, channels);
  const std::vector<uint16_t> weight(static_cast<size_t>(channels * size), 0x3C10);
  const View view{weight.data(), DType::kBF16, {channels, size, 1, 1}};
  for (auto _ : state) cpu::GroupedPointwise(bench.context(), *x, view, *out);
  SetBytes(state, 8 * rows * channels);
  SetFlops(state, 2.0 * static_cast<double>(rows * channels * size));
}

BENCHMARK(PlainRead)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(TokenMatmul)
    ->ArgNames({"rows", "K", "N"})
    ->Args({1, 2048, 6144})
    ->Args({1, 6144, 2048})
    ->Args({1, 2048, 65536})
    ->Args({2, 2048, 6144})
    ->Args({8, 2048, 6144})
    ->Args({64, 2048, 6144})
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(TokenSwiGlu)
    ->ArgNames({"rows", "K", "N"})
    ->Args({1, 2048, 6144})
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(CrossAttention)
    ->ArgNames({"T", "M", "heads", "d"})
    ->Args({1024, 730, 20, 112})
    ->Args({1024, 2500, 20, 112})
    ->Args({1024, 730, 1, 112})
    ->Args({1024, 730, 4, 128})
    ->Args({64, 65, 4, 24})
    ->Args({729, 729, 16, 72})
    ->Args({729, 729, 4, 32})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(PrefillAttention)->ArgName("rows")->Arg(40)->Arg(800)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(DecodeAttention)->ArgName("position")->Arg(100)->Arg(767)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(LinearAttention)
    ->ArgNames({"pictures", "tokens", "heads", "d", "stride"})
    ->Args({2, 1024, 70, 32, 32})
    ->Args({1, 16384, 32, 32, 96})
    ->Args({1, 4096, 64, 32, 96})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(GroupedPointwise)
    ->ArgNames({"rows", "C", "d"})
    ->Args({16384, 1536, 32})
    ->Args({4096, 3072, 32})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace blip3o
