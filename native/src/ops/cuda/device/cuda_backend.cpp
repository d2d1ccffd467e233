// The CUDA device of backend.h.
#include <fmt/format.h>

#include <functional>
#include <memory>
#include <set>
#include <utility>

#include "ops/backend.h"
#include "ops/cuda/cuda_ops.h"
#include "ops/cuda/device/cuda_queue.h"
#include "ops/cuda/device/device_state.h"
#include "ops/cuda/device/find_device.h"
#include "ops/cuda/device/multiprocessor_split.h"
#include "ops/cuda/launch.h"
#include "ops/cuda/product_library.h"
#include "ops/cuda/weight_plan.h"
#include "ops/cuda/weight_store.h"

namespace blip3o {

namespace {

using cuda::CudaQueue;
using cuda::DeviceState;
using cuda::MultiprocessorSplit;
using cuda::ProductLibrary;
using cuda::RoundUp;
using cuda::Use;
using cuda::WeightPlan;
using cuda::WeightStore;
using cuda::WeightType;

constexpr int64_t kRowMultiple = 64;  // values that a product's row is padded to
// What the pieces of all requests together may lose to their alignment.
constexpr int64_t kArenaRounding = 1 << 16;

// The library of a device gives nothing back once that is lost.
struct OwnedLibrary {
  ~OwnedLibrary() {
    if (state->lost()) library->Abandon();
  }
  std::shared_ptr<DeviceState> state;
  std::shared_ptr<ProductLibrary> library;
};

Result<std::shared_ptr<ProductLibrary>> OpenLibrary(std::shared_ptr<DeviceState> state, const std::string& folder) {
  Result<cuda::LoadedLibrary> loaded = cuda::LoadProductLibrary(folder);
  if (!loaded.ok() && !folder.empty()) loaded = cuda::LoadProductLibrary("");
  if (!loaded.ok()) return loaded.status();
  Result<std::shared_ptr<ProductLibrary>> library = InternalError("");
  BLIP3O_RETURN_IF_ERROR(state->Run("cublasLtCreate", [&] {
    library = ProductLibrary::Create(loaded.value());
    return cudaSuccess;
  }));
  if (!library.ok()) return library.status();
  const auto owned = std::make_shared<OwnedLibrary>(OwnedLibrary{std::move(state), std::move(library.value())});
  return std::shared_ptr<ProductLibrary>(owned, owned->library.get());
}

class CudaDevice final : public Device {
 public:
  CudaDevice(std::shared_ptr<DeviceState> state, const CudaOptions& options)
      : state_(std::move(state)),
        exact_(options.exact),
        weights_(std::make_shared<WeightStore>(cuda::WeightOptions{
            .product = options.exact ? WeightType::kF32 : WeightType::kBF16, .steps_in_8_bits = !options.exact})) {}

  void Open(const std::filesystem::path& library_folder) {
    if (Result<std::shared_ptr<MultiprocessorSplit>> split = cuda::FindSplit(state_); split.ok()) {
      split_ = std::move(split.value());
    } else {
      Lack("tokens and steps take turns on its multiprocessors, since these can't be shared: " +
           split.status().message());
    }
    if (exact_) return;  // the library would round
    if (Result<std::shared_ptr<ProductLibrary>> library = OpenLibrary(state_, library_folder.string()); library.ok()) {
      library_ = std::move(library.value());
    } else {
      Lack("large products run in kernels of ours, without cuBLASLt: " + library.status().message());
    }
  }

  std::string lacks() const override { return lacks_; }

  std::string name() const override {
    const std::string products = exact_                ? "f32"
                                 : library_ != nullptr ? "bf16, " + library_->name()
                                                       : "bf16, without cuBLASLt";
    return fmt::format("cuda ({}, {}{})", state_->name(), products, e4m3_ ? ", e4m3" : "");
  }

  Result<std::unique_ptr<Ops>> CreateOps(LaneRole role) override {
    BLIP3O_ASSIGN_OR_RETURN(std::unique_ptr<CudaQueue> queue, CreateQueue(role));
    return cuda::CreateOps(std::move(queue), weights_);
  }

  Status Preload(const std::function<void(Ops&)>& dry_run, const std::vector<View>& e4m3) override {
    WeightPlan plan;
    dry_run(plan);
    std::vector<WeightStore::Wanted> wanted = plan.wanted();
    BLIP3O_RETURN_IF_ERROR(ChooseProducts(e4m3, wanted));
    const int64_t needed = weights_->SizeOf(wanted);
    BLIP3O_ASSIGN_OR_RETURN(const int64_t free, state_->FreeBytes());
    if (needed > free) {
      return OutOfMemory(
          fmt::format("the model's weights take {} bytes of {}: {} are free", needed, state_->name(), free));
    }
    BLIP3O_ASSIGN_OR_RETURN(const std::unique_ptr<CudaQueue> queue, CreateQueue(LaneRole::kLanguage));
    return weights_->Preload(*queue, wanted);
  }

  Result<Buffer> Load(const std::function<void(Ops&)>& dry_run) override {
    WeightPlan plan;
    dry_run(plan);
    BLIP3O_ASSIGN_OR_RETURN(const std::unique_ptr<CudaQueue> queue, CreateQueue(LaneRole::kLanguage));
    // Once the store knows the weights, nothing may fail that has to take them out again.
    const auto memory = std::make_shared<Buffer>();
    std::function<void(void*)> give_back = [weights = weights_, wanted = plan.wanted(), memory](void*) {
      weights->Remove(wanted);
    };
    BLIP3O_ASSIGN_OR_RETURN(*memory, weights_->Load(*queue, plan.wanted()));
    return Buffer::Adopt(memory->data(), memory->size_bytes(), std::move(give_back));
  }
  int64_t LoadBytes(const std::function<void(Ops&)>& dry_run) const override {
    WeightPlan plan;
    dry_run(plan);
    return weights_->SizeOf(plan.wanted());
  }
  Status TakeArena(int64_t bytes) override { return state_->TakeArena(bytes + kArenaRounding); }
  int64_t weight_bytes() const override { return weights_->bytes(); }
  int64_t FreeBytes() const override {
    const Result<int64_t> free = state_->FreeBytes();
    return free.ok() ? free.value() : 0;
  }
  Status health() const override { return state_->health(); }

 private:
  Result<std::unique_ptr<CudaQueue>> CreateQueue(LaneRole role) {
    BLIP3O_ASSIGN_OR_RETURN(std::unique_ptr<CudaQueue> queue, CudaQueue::Create(state_, split_, role));
    if (library_ != nullptr) {
      queue->SetProducts(cuda::MakeProducts(library_, *queue, [q = queue.get()]() -> void* { return q->stream(); }));
    }
    return queue;
  }

  // Chooses the library's algorithms now, and among the products that may be in E4M3 those that it has.
  Status ChooseProducts(const std::vector<View>& e4m3, std::vector<WeightStore::Wanted>& wanted) {
    std::set<const void*> may;
    for (const View& view : e4m3) may.insert(view.data);
    if (library_ == nullptr) {
      if (!may.empty()) Lack("no product is in e4m3, which kernels of ours don't multiply");
      return {};
    }
    size_t found = 0;
    const Status chosen = state_->Run("The choice of products", [&] {
      for (WeightStore::Wanted& w : wanted) {
        if (w.use != Use::kRows || w.view.dtype == DType::kQ8) continue;
        const int64_t rows = w.view.shape[0], depth = RoundUp(w.view.count() / rows, kRowMultiple);
        if (may.count(w.view.data) != 0 && library_->Takes(WeightType::kE4M3, rows, depth)) {
          w.use = Use::kStepRows;
          e4m3_ = true;
          ++found;
        } else {
          library_->Takes(WeightType::kBF16, rows, depth);
        }
      }
      return cudaSuccess;
    });
    if (found < may.size()) {
      Lack(fmt::format("{} of {} products are in bf16 instead of e4m3, for which the library has no algorithm here",
                       may.size() - found, may.size()));
    }
    return chosen;
  }

  void Lack(const std::string& sentence) { lacks_ += (lacks_.empty() ? "" : "; ") + sentence; }

  const std::shared_ptr<DeviceState> state_;
  const bool exact_;
  const std::shared_ptr<WeightStore> weights_;
  std::shared_ptr<MultiprocessorSplit> split_;  // null: roles take turns
  std::shared_ptr<ProductLibrary> library_;     // null: kernels of ours
  bool e4m3_ = false;
  std::string lacks_;
};

}  // namespace

bool HasCuda() { return true; }

Result<std::shared_ptr<Device>> OpenCudaDevice(const CudaOptions& options) {
  BLIP3O_ASSIGN_OR_RETURN(std::shared_ptr<DeviceState> state, cuda::FindDevice());
  const auto device = std::make_shared<CudaDevice>(std::move(state), options);
  device->Open(options.product_library_directory);
  BLIP3O_RETURN_IF_ERROR(device->health());
  return std::shared_ptr<Device>(device);
}

}  // namespace blip3o
