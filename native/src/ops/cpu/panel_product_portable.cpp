// Panel products without a library. The sums of one row and kTileWidth columns stay in registers while k runs over the
// whole depth, in ascending order; the inner loop has constant bounds, so that the compiler vectorises it.
#include <algorithm>
#include <map>
#include <utility>

#include "base/dtype.h"
#include "ops/cpu/panel_product.h"

namespace blip3o::cpu {

namespace {

constexpr int64_t kTileWidth = 16;  // divides every panel's width

// The operands of the two types, read as f32.
struct F32Operands {
  const float* src;
  const float* weights;
  int64_t lda, n;

  float Source(int64_t row, int64_t k) const { return src[row * lda + k]; }
  float Weight(int64_t k, int64_t column) const { return weights[k * n + column]; }
};

struct BF16Operands {
  const uint16_t* src;
  const uint16_t* weights;  // [K/2, n, 2]
  int64_t lda, n;

  float Source(int64_t row, int64_t k) const { return F32FromBF16(src[row * lda + k]); }
  float Weight(int64_t k, int64_t column) const { return F32FromBF16(weights[(k / 2 * n + column) * 2 + k % 2]); }
};

template <typename Operands>
void Multiply(const ProductShape& shape, const Operands& operands, float* dst) {
  for (int64_t column = 0; column < shape.n; column += kTileWidth) {
    for (int64_t row = 0; row < shape.m; ++row) {
      float* const to = dst + row * shape.n + column;
      float sums[kTileWidth] = {};
      if (shape.accumulate) std::copy_n(to, kTileWidth, sums);
      for (int64_t k = 0; k < shape.k; ++k) {
        const float value = operands.Source(row, k);
        for (int64_t i = 0; i < kTileWidth; ++i) sums[i] += value * operands.Weight(k, column + i);
      }
      std::copy_n(sums, kTileWidth, to);
    }
  }
}

class PortableProduct final : public PanelProduct {
 public:
  explicit PortableProduct(const ProductShape& shape) : shape_(shape) {}

  bool Run(int /*worker*/, const void* src, const void* weights, void* dst) const override {
    const int64_t lda = shape_.lda, n = shape_.n;
    float* const to = static_cast<float*>(dst);
    if (shape_.bf16) {
      Multiply(shape_, BF16Operands{static_cast<const uint16_t*>(src), static_cast<const uint16_t*>(weights), lda, n},
               to);
    } else {
      Multiply(shape_, F32Operands{static_cast<const float*>(src), static_cast<const float*>(weights), lda, n}, to);
    }
    return true;
  }

 private:
  ProductShape shape_;
};

}  // namespace

struct PanelProducts::State {
  std::map<ProductShape, PortableProduct> products;
};

Result<std::unique_ptr<PanelProducts>> PanelProducts::Create(int /*workers*/) {
  return std::unique_ptr<PanelProducts>(new PanelProducts(std::make_unique<State>()));
}

PanelProducts::PanelProducts(std::unique_ptr<State> state) : state_(std::move(state)) {}

PanelProducts::~PanelProducts() = default;

Result<const PanelProduct*> PanelProducts::Find(const ProductShape& shape) {
  return &state_->products.try_emplace(shape, shape).first->second;
}

void PanelProducts::EnterTask() {}

}  // namespace blip3o::cpu
