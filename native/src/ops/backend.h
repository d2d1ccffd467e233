// A device beside the host that a model may run on, as an engine sees it: nothing of CUDA is in sight. Implemented by
// ops/cuda in builds with CUDA and by ops/no_cuda in others.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "ops/ops.h"

namespace blip3o {

// Who works on a device beside others: each lane of the engine has operations of its own.
enum class LaneRole { kLanguage, kPicture };

struct CudaOptions {
  bool exact = false;                               // products as exact as F32, else activations and weights in BF16
  std::filesystem::path product_library_directory;  // looked in first; empty: where such libraries usually are
};

// A device and the weights of one model on it. Any thread's. What it has made may outlive it: operations share its
// state, and a Buffer gives its memory back by itself.
class Device {
 public:
  virtual ~Device() = default;

  // For people: "cuda (NVIDIA H100, bf16)".
  virtual std::string name() const = 0;
  // What it does without, and why: a sentence, complete behind Preload; empty where nothing is amiss.
  virtual std::string lacks() const { return {}; }
  // Operations for one lane. Made, used and freed by one thread.
  virtual Result<std::unique_ptr<Ops>> CreateOps(LaneRole role) = 0;
  // Brings in every weight that the operations called by `dry_run` read: they get addresses that nobody may touch
  // beside views of the real weights, and compute nothing (DryOps). `e4m3` are those of them, of Matmul alone, whose
  // products may be in E4M3 where the device has such; else they are as the others. Errors: OUT_OF_MEMORY, DEVICE_LOST.
  virtual Status Preload(const std::function<void(Ops&)>& dry_run, const std::vector<View>& e4m3) = 0;
  // Brings in more weights, while others are read: those that `dry_run` reads, as Preload does, into memory as Allocate
  // gives it. Their host memory may go then, if nothing else comes to lie at its addresses; the device's goes with the
  // Buffer, before those addresses and when no operation reads it any more. Errors: OUT_OF_MEMORY, DEVICE_LOST, and
  // UNSUPPORTED of a device that only has what it was preloaded with.
  virtual Result<Buffer> Load(const std::function<void(Ops&)>& dry_run) {
    return (void)dry_run, Unsupported("the weights on " + name() + " can't be changed: open the model again");
  }
  // Bytes that Load takes.
  virtual int64_t LoadBytes(const std::function<void(Ops&)>& dry_run) const { return (void)dry_run, 0; }
  // Takes one piece of memory that all that is allocated from now on lies in, `bytes` in all: while requests run, the
  // driver is asked for none and gets none back, for which it would wait for everybody's work. Once, behind Preload.
  // Errors: OUT_OF_MEMORY, DEVICE_LOST. A device whose memory costs nothing to ask for does nothing.
  virtual Status TakeArena(int64_t bytes) { return (void)bytes, Status(); }
  // Of the weights that it holds.
  virtual int64_t weight_bytes() const = 0;
  // What Allocate could still give. As health(), no call of the driver once the device is lost: then 0.
  virtual int64_t FreeBytes() const = 0;
  // Ok, or DEVICE_LOST with the one error that ended it, for good: from the fault on every operation and every
  // allocation fails with it, and nothing calls the driver any more. No memory left is not such a fault.
  virtual Status health() const = 0;
};

// Whether this build has the CUDA backend, whatever the machine has.
bool HasCuda();

// Opens the device. Errors, each a sentence that says why there is none: UNSUPPORTED (built without CUDA, no driver, a
// driver too old, no device, an architecture that this build has no code for), OUT_OF_MEMORY.
Result<std::shared_ptr<Device>> OpenCudaDevice(const CudaOptions& options);

// What a model takes on such a device, whether or not the machine has one; `e4m3` as if it had every product. Errors:
// UNSUPPORTED (built without CUDA).
Result<int64_t> CudaWeightBytes(const CudaOptions& options, const std::function<void(Ops&)>& dry_run,
                                const std::vector<View>& e4m3);
// Scratch bytes of one lane's operations, as ScratchBytes of theirs where the library of products is there.
Result<int64_t> CudaScratchBytes(const CudaOptions& options, const Capacity& capacity);

}  // namespace blip3o
