#include "ops/cuda/device/multiprocessor_split.h"

#include <cuda.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace blip3o::cuda {

namespace {

// The driver that first had all of them.
constexpr unsigned int kVersion = 12050;

struct Driver {
  decltype(&cuDeviceGet) device_get = nullptr;
  decltype(&cuDeviceGetDevResource) get_resource = nullptr;
  decltype(&cuDevSmResourceSplitByCount) split = nullptr;
  decltype(&cuDevResourceGenerateDesc) describe = nullptr;
  decltype(&cuGreenCtxCreate) create = nullptr;
  decltype(&cuGreenCtxDestroy) destroy = nullptr;
  decltype(&cuGreenCtxStreamCreate) create_stream = nullptr;
};

template <typename F>
Status Find(DeviceState& state, const char* name, F& function) {
  void* found = nullptr;
  cudaDriverEntryPointQueryResult result = cudaDriverEntryPointSymbolNotFound;
  BLIP3O_RETURN_IF_ERROR(state.Run(
      name, [&] { return cudaGetDriverEntryPointByVersion(name, &found, kVersion, cudaEnableDefault, &result); }));
  if (result != cudaDriverEntryPointSuccess || found == nullptr) {
    return Unsupported(fmt::format("the driver has no {}", name));
  }
  function = reinterpret_cast<F>(found);
  return {};
}

Result<Driver> FindDriver(DeviceState& state) {
  Driver driver;
  BLIP3O_RETURN_IF_ERROR(Find(state, "cuDeviceGet", driver.device_get));
  BLIP3O_RETURN_IF_ERROR(Find(state, "cuDeviceGetDevResource", driver.get_resource));
  BLIP3O_RETURN_IF_ERROR(Find(state, "cuDevSmResourceSplitByCount", driver.split));
  BLIP3O_RETURN_IF_ERROR(Find(state, "cuDevResourceGenerateDesc", driver.describe));
  BLIP3O_RETURN_IF_ERROR(Find(state, "cuGreenCtxCreate", driver.create));
  BLIP3O_RETURN_IF_ERROR(Find(state, "cuGreenCtxDestroy", driver.destroy));
  BLIP3O_RETURN_IF_ERROR(Find(state, "cuGreenCtxStreamCreate", driver.create_stream));
  return driver;
}

Status Refused(const char* what, CUresult result) {
  return Unsupported(fmt::format("{} returned {}", what, static_cast<int>(result)));
}

class GreenContexts final : public MultiprocessorSplit {
 public:
  GreenContexts(std::shared_ptr<DeviceState> state, const Driver& driver) : state_(std::move(state)), driver_(driver) {}

  ~GreenContexts() override {
    for (const CUgreenCtx context : contexts_) {
      if (context != nullptr && !state_->lost()) driver_.destroy(context);
    }
  }

  Status Open() {
    CUdevice device = 0;
    CUdevResource all;
    if (const CUresult r = driver_.device_get(&device, state_->ordinal()); r != CUDA_SUCCESS) {
      return Refused("cuDeviceGet", r);
    }
    if (const CUresult r = driver_.get_resource(device, &all, CU_DEV_RESOURCE_TYPE_SM); r != CUDA_SUCCESS) {
      return Refused("cuDeviceGetDevResource", r);
    }
    const int tokens =
        TokenMultiprocessors(static_cast<int>(all.sm.smCount), static_cast<int>(all.sm.minSmPartitionSize),
                             static_cast<int>(all.sm.smCoscheduledAlignment));
    if (tokens == 0) return Unsupported(fmt::format("{} multiprocessors are too few", all.sm.smCount));
    std::array<CUdevResource, 2> parts;
    unsigned int groups = 1;
    if (const CUresult r = driver_.split(&parts[0], &groups, &all, &parts[1], 0, static_cast<unsigned int>(tokens));
        r != CUDA_SUCCESS || groups != 1) {
      return Refused("cuDevSmResourceSplitByCount", r);
    }
    for (size_t role = 0; role < parts.size(); ++role) {
      CUdevResourceDesc description = nullptr;
      if (const CUresult r = driver_.describe(&description, &parts[role], 1); r != CUDA_SUCCESS) {
        return Refused("cuDevResourceGenerateDesc", r);
      }
      if (const CUresult r = driver_.create(&contexts_[role], description, device, CU_GREEN_CTX_DEFAULT_STREAM);
          r != CUDA_SUCCESS) {
        return Refused("cuGreenCtxCreate", r);
      }
      multiprocessors_[role] = static_cast<int>(parts[role].sm.smCount);
    }
    return {};
  }

  int multiprocessors(LaneRole role) const override { return multiprocessors_[static_cast<size_t>(role)]; }

  Result<cudaStream_t> CreateStream(LaneRole role, int priority) override {
    if (state_->lost()) return state_->health();
    CUstream stream = nullptr;
    const CUresult r =
        driver_.create_stream(&stream, contexts_[static_cast<size_t>(role)], CU_STREAM_NON_BLOCKING, priority);
    if (r != CUDA_SUCCESS) return Refused("cuGreenCtxStreamCreate", r);
    return stream;
  }

 private:
  const std::shared_ptr<DeviceState> state_;
  const Driver driver_;
  std::array<CUgreenCtx, 2> contexts_ = {};
  std::array<int, 2> multiprocessors_ = {};
};

}  // namespace

int TokenMultiprocessors(int all, int least, int alignment) {
  alignment = std::max(alignment, 1);
  const int third = (all / 3 + alignment - 1) / alignment * alignment;
  const int tokens = std::max(third, (least + alignment - 1) / alignment * alignment);
  return tokens > 0 && all - tokens >= std::max(least, 1) ? tokens : 0;
}

Result<std::unique_ptr<MultiprocessorSplit>> MultiprocessorSplit::Create(std::shared_ptr<DeviceState> state) {
  BLIP3O_ASSIGN_OR_RETURN(const Driver driver, FindDriver(*state));
  auto split = std::make_unique<GreenContexts>(std::move(state), driver);
  BLIP3O_RETURN_IF_ERROR(split->Open());
  return std::unique_ptr<MultiprocessorSplit>(std::move(split));
}

}  // namespace blip3o::cuda
