// Compiled oneDNN primitives, kept by shape. This is the only file pair that calls oneDNN.
//
// Every primitive is compiled for one thread and runs on one thread of our pool: which kernel oneDNN picks, and so the
// order of a sum, depends on the primitive's own shape alone.
#pragma once

#include <cstdint>
#include <memory>

#include "base/status.h"
#include "base/thread_pool.h"

namespace blip3o::cpu {

// dst[m, n] = Σ_k src[m, k] · weights[k, n], or += where it accumulates. f32: src, weights and dst row-major with the
// strides lda, n and n. bf16: src bf16, weights [K/2, n, 2] bf16 with K a multiple of 32 and n = 64, dst f32.
struct ProductShape {
  int64_t m = 0, n = 0, k = 0;
  int64_t lda = 0;
  bool accumulate = false;
  bool bf16 = false;
  bool operator==(const ProductShape&) const = default;
};

// One compiled primitive; each worker may run it at the same time.
class Primitive {
 public:
  virtual ~Primitive() = default;
  // False when oneDNN failed.
  virtual bool Run(int worker, const void* src, const void* weights, void* dst) const = 0;
};

class OneDnn {
 public:
  static Result<std::unique_ptr<OneDnn>> Create(const ThreadPool& pool);
  ~OneDnn();

  // Compiled at first use, then the same object again. Not to be called inside a parallel loop.
  Result<const Primitive*> Product(const ProductShape& shape);

  // Gives the calling thread one OpenMP thread. Each task says it before its first Run.
  static void EnterTask();

 private:
  struct State;
  explicit OneDnn(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace blip3o::cpu
