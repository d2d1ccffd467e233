// Products of many rows by cuBLASLt, opened by name while the program runs. Where it is absent kernels of ours serve.
//
// One algorithm for each weight's [N, K], chosen once for kRows rows and for all multiprocessors, without split-K and
// without a workspace, and used at any number of rows: company changes no byte of a row.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>

#include "base/status.h"
#include "ops/cuda/device_tensor.h"
#include "ops/cuda/product_library_api.h"
#include "ops/cuda/products.h"
#include "ops/cuda/queue.h"

namespace blip3o::cuda {

// The library's entry points. It stays loaded.
struct LoadedLibrary {
  lt::Functions functions = {};
  std::string path;
  size_t version = 0;  // 130101: 13.1.1
};

// `path`: the file, or the folder that holds libcublasLt.so.13; empty: the loader's path, CUDA's usual folders, then
// those of Python's packages. An error says where it was looked for, or what the file lacks.
Result<LoadedLibrary> LoadProductLibrary(const std::string& path);

// On one device. Any thread's.
class ProductLibrary {
 public:
  static constexpr int64_t kRows = 2048;  // multiplied at once; algorithms are chosen for as many

  // The device is the calling thread's current one, and so wherever it is used.
  static Result<std::shared_ptr<ProductLibrary>> Create(const LoadedLibrary& library);
  ~ProductLibrary();
  // Of its products on a queue, for operands up to `capacity`.
  static int64_t ScratchBytes(const Capacity& capacity);
  ProductLibrary(const ProductLibrary&) = delete;
  ProductLibrary& operator=(const ProductLibrary&) = delete;

  const std::string& name() const { return name_; }
  const lt::Functions& functions() const { return library_.functions; }
  lt::Handle handle() const { return handle_; }

  // The algorithm for weights [rows, depth] of a type, depth with its padding: chosen where it is first asked for. Null
  // where the library has none.
  const lt::Algorithm* AlgorithmOf(WeightType type, int64_t rows, int64_t depth);
  bool Takes(WeightType type, int64_t rows, int64_t depth) { return AlgorithmOf(type, rows, depth) != nullptr; }
  // Gives nothing back: the device was lost.
  void Abandon() { handle_ = nullptr; }

 private:
  explicit ProductLibrary(const LoadedLibrary& library);
  std::unique_ptr<lt::Algorithm> Choose(WeightType type, int64_t rows, int64_t depth) const;

  const LoadedLibrary library_;
  const std::string name_;
  lt::Handle handle_ = nullptr;
  std::mutex mutex_;
  std::map<std::tuple<WeightType, int64_t, int64_t>, std::unique_ptr<lt::Algorithm>> algorithms_;
};

// Its products on a queue. `stream` gives the stream that the queue's next operation goes to.
std::unique_ptr<Products> MakeProducts(std::shared_ptr<ProductLibrary> library, Queue& queue,
                                       std::function<void*()> stream);

}  // namespace blip3o::cuda
