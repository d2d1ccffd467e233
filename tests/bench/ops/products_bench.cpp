// Products and convolutions at the sizes of the public model and of the demo, on all usable processors. `flops` counts
// two for each multiplication of the definition. Matmul stands beside the same product given whole to oneDNN, with f32
// weights that are packed beforehand: the bound of what any packing at run time can reach.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <dnnl.hpp>
#include <memory>
#include <utility>
#include <vector>

#include "ops/cpu/cpu_ops.h"

extern "C" void omp_set_num_threads(int threads);  // of oneDNN's OpenMP library

namespace blip3o {
namespace {

class Values {
 public:
  explicit Values(int64_t count) : values_(static_cast<size_t>(count)) {
    uint32_t state = 1;
    for (float& value : values_) {
      state = state * 1664525u + 1013904223u;
      value = static_cast<float>(static_cast<int32_t>(state)) * 0x1p-31f;
    }
  }
  Matrix AsMatrix(int64_t rows, int64_t cols) { return {values_.data(), rows, cols, cols}; }
  View AsWeight(const Shape& shape) {
    if (bf16_.empty()) {
      for (float value : values_) bf16_.push_back(BF16FromF32(value));
    }
    return {bf16_.data(), DType::kBF16, shape};
  }

 private:
  std::vector<float> values_;
  std::vector<uint16_t> bf16_;
};

std::unique_ptr<Ops> MakeOps(benchmark::State& state, const Capacity& capacity) {
  auto ops = cpu::CreateOps({.threads = UsableProcessors(), .compute = cpu::Compute::kF32});
  if (!ops.ok()) {
    state.SkipWithError(ops.status().message().c_str());
    return nullptr;
  }
  if (const Status status = (*ops)->Reserve(capacity); !status.ok()) {
    state.SkipWithError(status.message().c_str());
    return nullptr;
  }
  return std::move(*ops);
}

// Runs `operation` once to compile, then measures it.
template <typename F>
void Measure(benchmark::State& state, double flops, const F& operation) {
  operation();
  for (auto _ : state) operation();
  state.counters["flops"] = benchmark::Counter(flops, benchmark::Counter::kIsIterationInvariantRate);
}

void Matmul(benchmark::State& state) {
  const int64_t rows = state.range(0), k = state.range(1), n = state.range(2);
  const auto ops = MakeOps(state, {.product_depth = k});
  if (ops == nullptr) return;
  Values x(rows * k), weight(n * k), out(rows * n);
  const View w = weight.AsWeight({n, k});
  Measure(state, 2.0 * static_cast<double>(rows * n * k),
          [&] { ops->Matmul(x.AsMatrix(rows, k), w, {}, out.AsMatrix(rows, n)); });
}

void OneDnnWhole(benchmark::State& state) {
  using dnnl::memory;
  const int64_t rows = state.range(0), k = state.range(1), n = state.range(2);
  omp_set_num_threads(UsableProcessors());
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  const memory::desc src({rows, k}, memory::data_type::f32, memory::format_tag::ab);
  const memory::desc any({k, n}, memory::data_type::f32, memory::format_tag::any);
  const memory::desc dst({rows, n}, memory::data_type::f32, memory::format_tag::ab);
  const dnnl::matmul::primitive_desc description(engine, src, any, dst);
  const dnnl::matmul product(description);
  Values x(rows * k), out(rows * n);
  memory weights(description.weights_desc(), engine);
  std::fill_n(static_cast<float*>(weights.get_data_handle()), description.weights_desc().get_size() / 4, 0.5f);
  const memory from(src, engine, x.AsMatrix(rows, k).data), to(dst, engine, out.AsMatrix(rows, n).data);
  Measure(state, 2.0 * static_cast<double>(rows * n * k), [&] {
    product.execute(stream, {{DNNL_ARG_SRC, from}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DST, to}});
  });
}

Capacity CapacityOf(int64_t in_channels, int64_t out_channels) {
  return {.convolution_weights = in_channels * out_channels * 9, .convolution_depth = in_channels * 9};
}

void Conv3x3(benchmark::State& state) {
  const int64_t in = state.range(0), out = state.range(1), side = state.range(2);
  const auto ops = MakeOps(state, CapacityOf(in, out));
  if (ops == nullptr) return;
  Values x(side * side * in), weight(out * in * 9), result(side * side * out);
  const View w = weight.AsWeight({out, in, 3, 3});
  Measure(state, 2.0 * static_cast<double>(side * side * in * out * 9), [&] {
    ops->Conv3x3(x.AsMatrix(side * side, in), {1, side, side}, w, {.activation = Activation::kSilu},
                 result.AsMatrix(side * side, out));
  });
}

// `side` is that of the result; flops are those of the definition, more than twice what is done.
void UpsampleConv3x3(benchmark::State& state) {
  const int64_t in = state.range(0), out = state.range(1), side = state.range(2), small = side / 2;
  const auto ops = MakeOps(state, CapacityOf(in, out));
  if (ops == nullptr) return;
  Values x(small * small * in), weight(out * in * 9), bias(out), result(side * side * out);
  const View w = weight.AsWeight({out, in, 3, 3}), b = bias.AsWeight({out});
  Measure(state, 2.0 * static_cast<double>(side * side * in * out * 9), [&] {
    ops->UpsampleConv3x3(x.AsMatrix(small * small, in), {1, small, small}, w, b, result.AsMatrix(side * side, out));
  });
}

// `side` is that of the result.
void DownsampleConv3x3(benchmark::State& state) {
  const int64_t in = state.range(0), out = state.range(1), side = state.range(2), large = 2 * side;
  const auto ops = MakeOps(state, CapacityOf(in, out));
  if (ops == nullptr) return;
  Values x(large * large * in), weight(out * in * 9), bias(out), result(side * side * out);
  const View w = weight.AsWeight({out, in, 3, 3}), b = bias.AsWeight({out});
  Measure(state, 2.0 * static_cast<double>(side * side * in * out * 9), [&] {
    ops->DownsampleConv3x3(x.AsMatrix(large * large, in), {1, large, large}, w, b, result.AsMatrix(side * side, out));
  });
}

void PublicProducts(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"rows", "k", "n"})->Unit(benchmark::kMillisecond)->UseRealTime();
  for (const auto& [k, n] : {std::pair<int64_t, int64_t>{2240, 2240}, {2240, 11200}, {5600, 2240}, {2048, 6144}}) {
    benchmark->Args({1024, k, n});
  }
  benchmark->Args({2048, 2240, 2240});
}

void DemoProducts(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"rows", "k", "n"})->Unit(benchmark::kMicrosecond)->UseRealTime();
  for (int64_t rows : {64, 130}) {
    for (const auto& [k, n] : {std::pair<int64_t, int64_t>{128, 128}, {256, 256}, {256, 768}, {384, 384}, {640, 256}}) {
      benchmark->Args({rows, k, n});
    }
  }
}

void Convolutions(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"in", "out", "side"})->Unit(benchmark::kMillisecond)->UseRealTime();
  for (const auto& args : std::vector<std::vector<int64_t>>{{512, 512, 256},
                                                            {256, 256, 512},
                                                            {128, 128, 1024},
                                                            {128, 3, 1024},
                                                            {32, 1024, 32},
                                                            {128, 128, 16},
                                                            {64, 64, 32},
                                                            {32, 32, 64},
                                                            {8, 8, 128}}) {
    benchmark->Args(args);
  }
}

void Upsamplings(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"in", "out", "side"})->Unit(benchmark::kMillisecond)->UseRealTime();
  for (const auto& args : std::vector<std::vector<int64_t>>{
           {1024, 1024, 64}, {1024, 512, 128}, {512, 512, 256}, {512, 256, 512}, {256, 128, 1024}, {64, 32, 64}}) {
    benchmark->Args(args);
  }
}

void Downsamplings(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"in", "out", "side"})->Unit(benchmark::kMillisecond)->UseRealTime();
  for (const auto& args : std::vector<std::vector<int64_t>>{
           {128, 256, 512}, {256, 512, 256}, {512, 512, 128}, {512, 1024, 64}, {1024, 1024, 32}, {32, 64, 32}}) {
    benchmark->Args(args);
  }
}

BENCHMARK(Matmul)->Apply(PublicProducts);
BENCHMARK(OneDnnWhole)->Apply(PublicProducts);
BENCHMARK(Matmul)->Apply(DemoProducts);
BENCHMARK(OneDnnWhole)->Apply(DemoProducts);
BENCHMARK(Conv3x3)->Apply(Convolutions);
BENCHMARK(UpsampleConv3x3)->Apply(Upsamplings);
BENCHMARK(DownsampleConv3x3)->Apply(Downsamplings);

}  // namespace
}  // namespace blip3o
