#include "quantization/e4m3_device.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "base/dtype.h"
#include "base/memory.h"
#include "base/thread_pool.h"
#include "ops/cpu/cpu_ops.h"
#include "quantization/forwarding_ops.h"

namespace blip3o::bench {

namespace {

constexpr float kLargest = 448.0f;

// Rounds `count` values with a scale of their own.
void RoundRow(const float* from, int64_t count, float* to) {
  float largest = 0.0f;
  for (int64_t i = 0; i < count; ++i) largest = std::max(largest, std::abs(from[i]));
  const float scale = largest / kLargest;
  for (int64_t i = 0; i < count; ++i) to[i] = scale > 0.0f ? RoundToE4M3(from[i] / scale) * scale : 0.0f;
}

// The rounded weights of all lanes, by the address of the real ones.
class RoundedWeights {
 public:
  void Add(const View& view) {
    const int64_t rows = view.shape[0], cols = view.count() / rows;
    std::vector<float> values(static_cast<size_t>(view.count()));
    for (int64_t i = 0; i < view.count(); ++i) values[static_cast<size_t>(i)] = LoadAsF32(view.data, view.dtype, i);
    for (int64_t row = 0; row < rows; ++row) RoundRow(&values[row * cols], cols, &values[row * cols]);
    weights_[view.data] = std::move(values);
  }
  // Empty where the product is not in E4M3.
  View Find(const View& view) const {
    const auto it = weights_.find(view.data);
    return it == weights_.end() ? View() : View{it->second.data(), DType::kF32, view.shape};
  }
  bool empty() const { return weights_.empty(); }

 private:
  std::map<const void*, std::vector<float>> weights_;
};

class E4M3Ops final : public ForwardingOps {
 public:
  E4M3Ops(std::unique_ptr<Ops> to, const RoundedWeights& weights) : ForwardingOps(std::move(to)), weights_(weights) {}

  void Matmul(const Matrix& x, const View& weight, const Epilogue& epilogue, const Matrix& out) override {
    const View rounded = weights_.Find(weight);
    if (rounded.empty()) return to().Matmul(x, weight, epilogue, out);
    operand_.resize(static_cast<size_t>(x.rows * x.cols));
    const Matrix operand{operand_.data(), x.rows, x.cols, x.cols};
    for (int64_t row = 0; row < x.rows; ++row) RoundRow(x.row(row), x.cols, operand.row(row));
    to().Matmul(operand, rounded, epilogue, out);
  }

 private:
  const RoundedWeights& weights_;
  std::vector<float> operand_;
};

class E4M3Device final : public Device {
 public:
  explicit E4M3Device(std::shared_ptr<ThreadPool> pool) : pool_(std::move(pool)) {}

  std::string name() const override { return "cpu, e4m3 emulated"; }
  Result<std::unique_ptr<Ops>> CreateOps(LaneRole) override {
    BLIP3O_ASSIGN_OR_RETURN(std::unique_ptr<Ops> ops, cpu::CreateOps({.compute = cpu::Compute::kF32, .pool = pool_}));
    return std::unique_ptr<Ops>(std::make_unique<E4M3Ops>(std::move(ops), weights_));
  }
  Status Preload(const std::function<void(Ops&)>&, const std::vector<View>& e4m3) override {
    for (const View& view : e4m3) weights_.Add(view);
    return weights_.empty() ? InvalidArgument("no product is in E4M3: ask for it") : Status();
  }
  int64_t weight_bytes() const override { return 0; }
  int64_t FreeBytes() const override { return AvailableMemoryBytes(); }
  Status health() const override { return {}; }

 private:
  const std::shared_ptr<ThreadPool> pool_;
  RoundedWeights weights_;
};

}  // namespace

float RoundToE4M3(float value) {
  const float magnitude = std::min(std::abs(value), kLargest);
  // Three bits behind the leading one, of numbers below 2^-6 multiples of 2^-9.
  int exponent;
  std::frexp(magnitude, &exponent);
  const float unit = std::ldexp(1.0f, std::max(exponent - 4, -9));
  return std::copysign(std::min(std::nearbyint(magnitude / unit) * unit, kLargest), value);
}

Result<std::shared_ptr<Device>> OpenE4M3Device(int threads) {
  BLIP3O_ASSIGN_OR_RETURN(std::shared_ptr<ThreadPool> pool, ThreadPool::Create(threads));
  return std::shared_ptr<Device>(std::make_shared<E4M3Device>(std::move(pool)));
}

}  // namespace blip3o::bench
