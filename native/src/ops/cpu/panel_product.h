// Products of panels of one size, which matrix products and convolutions are made of; kept by shape.
//
// Each runs on the thread that calls it, and the order of its sums depends on its own shape alone. One implementation
// is compiled: oneDNN's (panel_product_onednn.cpp), or a portable one without libraries, for
// ThreadSanitizer, which can't look into oneDNN's threads (panel_product_portable.cpp, BLIP3O_ONEDNN=OFF).
#pragma once

#include <compare>
#include <cstdint>
#include <memory>

#include "base/status.h"

namespace blip3o::cpu {

// dst[m, n] = Σ_k src[m, k] · weights[k, n], or += where it accumulates. f32: src, weights and dst row-major with the
// strides lda, n and n; n a multiple of 16. bf16: src bf16, weights [K/2, n, 2] bf16 with K a multiple of 32 and
// n = 64, dst f32.
struct ProductShape {
  int64_t m = 0, n = 0, k = 0;
  int64_t lda = 0;
  bool accumulate = false;
  bool bf16 = false;
  auto operator<=>(const ProductShape&) const = default;
};

// Each worker may run it at the same time.
class PanelProduct {
 public:
  virtual ~PanelProduct() = default;
  // False when the library failed.
  virtual bool Run(int worker, const void* src, const void* weights, void* dst) const = 0;
};

class PanelProducts {
 public:
  // For workers [0, workers).
  static Result<std::unique_ptr<PanelProducts>> Create(int workers);
  ~PanelProducts();

  // Made at first use, then the same object again. Not to be called inside a parallel loop.
  Result<const PanelProduct*> Find(const ProductShape& shape);

  // Keeps the library from starting threads of its own on the calling thread. Each task says it before its first Run.
  static void EnterTask();

 private:
  struct State;
  explicit PanelProducts(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace blip3o::cpu
