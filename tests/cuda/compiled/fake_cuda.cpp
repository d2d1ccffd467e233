#include "compiled/fake_cuda.h"

#include <cuda.h>

#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <set>
#include <utility>

// What the runtime's opaque handles point to.
struct CUevent_st {
  CUstream_st* stream = nullptr;
  uint64_t place = 0;  // operations of the stream that lie before it
};
struct CUgraph_st {
  std::vector<std::function<void()>> operations;
};
struct CUgraphExec_st {
  std::vector<std::function<void()>> operations;
};
struct CUgreenCtx_st {
  unsigned int multiprocessors = 0;
};
struct CUstream_st {
  std::deque<std::function<void()>> waiting;
  uint64_t done = 0;
  CUgraph_st* recording = nullptr;
  bool broken = false;

  void RunUntil(uint64_t place) {
    while (done < place && !waiting.empty()) {
      const std::function<void()> operation = std::move(waiting.front());
      waiting.pop_front();
      ++done;
      operation();
    }
  }
  void RunAll() { RunUntil(done + waiting.size()); }
};

namespace blip3o::test {

namespace {

FakeCuda g_fake;
std::map<void*, int64_t> g_memory;
std::set<CUstream_st*> g_streams;

CUstream_st* NewStream() {
  ++g_fake.streams;
  return *g_streams.insert(new CUstream_st).first;
}

// What a call begins with: whether it fails.
cudaError_t Begin(const char* name) {
  ++g_fake.calls[name];
  if (g_fake.dead != cudaSuccess) {
    ++g_fake.calls_when_dead;
    return g_fake.dead;
  }
  const auto failure = g_fake.fails.find(name);
  if (failure == g_fake.fails.end()) return cudaSuccess;
  const cudaError_t error = failure->second;
  g_fake.fails.erase(failure);
  return error;
}

cudaError_t Enqueue(cudaStream_t stream, std::function<void()> operation) {
  if (stream->recording == nullptr) {
    stream->waiting.push_back(std::move(operation));
    return cudaSuccess;
  }
  if (stream->broken) return cudaErrorStreamCaptureInvalidated;
  if (g_fake.breaks_recordings) {
    stream->broken = true;
    return cudaErrorStreamCaptureUnsupported;
  }
  stream->recording->operations.push_back(std::move(operation));
  return cudaSuccess;
}

void FakeKernelMark() {}

// ---- The driver's entry points --------------------------------------------------------------------------------------

CUresult GetDevice(CUdevice* device, int ordinal) {
  *device = ordinal;
  return CUDA_SUCCESS;
}
CUresult GetResource(CUdevice, CUdevResource* resource, CUdevResourceType) {
  *resource = {};
  resource->sm.smCount = 132;
  resource->sm.minSmPartitionSize = 8;
  resource->sm.smCoscheduledAlignment = 8;
  return CUDA_SUCCESS;
}
CUresult Split(CUdevResource* result, unsigned int* groups, const CUdevResource* input, CUdevResource* rest,
               unsigned int, unsigned int least) {
  *groups = 1;
  *result = *rest = *input;
  result->sm.smCount = least;
  rest->sm.smCount = input->sm.smCount - least;
  return CUDA_SUCCESS;
}
CUresult Describe(CUdevResourceDesc* description, CUdevResource* resource, unsigned int) {
  *description = reinterpret_cast<CUdevResourceDesc>(static_cast<uintptr_t>(resource->sm.smCount));
  return CUDA_SUCCESS;
}
CUresult CreateContext(CUgreenCtx* context, CUdevResourceDesc description, CUdevice, unsigned int) {
  ++g_fake.contexts;
  *context = new CUgreenCtx_st{static_cast<unsigned int>(reinterpret_cast<uintptr_t>(description))};
  return CUDA_SUCCESS;
}
CUresult DestroyContext(CUgreenCtx context) {
  --g_fake.contexts;
  delete context;
  return CUDA_SUCCESS;
}
CUresult CreateStream(CUstream* stream, CUgreenCtx, unsigned int, int) {
  *stream = NewStream();
  return CUDA_SUCCESS;
}

}  // namespace

FakeCuda& Fake() { return g_fake; }
void ResetFakeCuda() {
  g_fake = FakeCuda();
  for (CUstream_st* stream : g_streams) delete stream;
  g_streams.clear();
  for (const auto& [data, bytes] : g_memory) std::free(data);
  g_memory.clear();
}
const void* FakeKernel() { return reinterpret_cast<const void*>(&FakeKernelMark); }

}  // namespace blip3o::test

using blip3o::test::Begin;
using blip3o::test::Enqueue;
using blip3o::test::FakeParameters;
using blip3o::test::g_fake;
using blip3o::test::g_memory;
using blip3o::test::g_streams;

#define BLIP3O_BEGIN() \
  if (const cudaError_t error = Begin(__func__); error != cudaSuccess) return error

extern "C" {

const char* cudaGetErrorName(cudaError_t error) {
  return error == cudaErrorIllegalAddress ? "cudaErrorIllegalAddress" : "cudaErrorOfTheTest";
}
const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaErrorIllegalAddress ? "an illegal memory access was encountered" : "what the test asked for";
}
cudaError_t cudaGetLastError() { return cudaSuccess; }

// ---- The device
// -------------------------------------------------------------------------------------------------------

cudaError_t cudaDriverGetVersion(int* version) {
  *version = g_fake.driver_version;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceCount(int* count) {
  *count = g_fake.devices;
  return g_fake.start;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = {};
  std::strcpy(properties->name, "Fake 1");
  properties->major = g_fake.capability / 10;
  properties->minor = g_fake.capability % 10;
  properties->multiProcessorCount = 132;
  properties->sharedMemPerBlockOptin = 227 * 1024;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int) {
  BLIP3O_BEGIN();
  return cudaSuccess;
}
cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  BLIP3O_BEGIN();
  *least = 0;
  *greatest = -5;
  return cudaSuccess;
}
cudaError_t cudaGetDriverEntryPointByVersion(const char* name, void** function, unsigned int, unsigned long long,
                                             cudaDriverEntryPointQueryResult* result) {
  BLIP3O_BEGIN();
  const std::map<std::string, void*> known = {
      {"cuDeviceGet", reinterpret_cast<void*>(&blip3o::test::GetDevice)},
      {"cuDeviceGetDevResource", reinterpret_cast<void*>(&blip3o::test::GetResource)},
      {"cuDevSmResourceSplitByCount", reinterpret_cast<void*>(&blip3o::test::Split)},
      {"cuDevResourceGenerateDesc", reinterpret_cast<void*>(&blip3o::test::Describe)},
      {"cuGreenCtxCreate", reinterpret_cast<void*>(&blip3o::test::CreateContext)},
      {"cuGreenCtxDestroy", reinterpret_cast<void*>(&blip3o::test::DestroyContext)},
      {"cuGreenCtxStreamCreate", reinterpret_cast<void*>(&blip3o::test::CreateStream)},
  };
  const auto found = known.find(name);
  const bool is_there = found != known.end() && g_fake.has_green_contexts;
  *function = is_there ? found->second : nullptr;
  *result = is_there ? cudaDriverEntryPointSuccess : cudaDriverEntryPointSymbolNotFound;
  return cudaSuccess;
}

// ---- Memory
// -----------------------------------------------------------------------------------------------------------

cudaError_t cudaMalloc(void** data, size_t size) {
  BLIP3O_BEGIN();
  const int64_t bytes = static_cast<int64_t>(size);
  if (g_fake.allocated_bytes + bytes > g_fake.memory_bytes) return cudaErrorMemoryAllocation;
  g_fake.allocated_bytes += bytes;
  *data = std::aligned_alloc(256, (size + 255) / 256 * 256);
  g_memory[*data] = bytes;
  return cudaSuccess;
}
cudaError_t cudaFree(void* data) {
  BLIP3O_BEGIN();
  if (data == nullptr) return cudaSuccess;
  for (CUstream_st* stream : g_streams) stream->RunAll();  // it waits for the whole device
  g_fake.allocated_bytes -= g_memory[data];
  g_memory.erase(data);
  std::free(data);
  return cudaSuccess;
}
cudaError_t cudaHostAlloc(void** data, size_t size, unsigned int) {
  BLIP3O_BEGIN();
  ++g_fake.host_pieces;
  *data = std::malloc(size);
  return cudaSuccess;
}
cudaError_t cudaFreeHost(void* data) {
  BLIP3O_BEGIN();
  --g_fake.host_pieces;
  std::free(data);
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  BLIP3O_BEGIN();
  *free = static_cast<size_t>(g_fake.memory_bytes - g_fake.allocated_bytes);
  *total = static_cast<size_t>(g_fake.memory_bytes);
  return cudaSuccess;
}

// ---- Streams and events
// -----------------------------------------------------------------------------------------------

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned int, int) {
  BLIP3O_BEGIN();
  *stream = blip3o::test::NewStream();
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  BLIP3O_BEGIN();
  --g_fake.streams;
  g_streams.erase(stream);
  delete stream;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  BLIP3O_BEGIN();
  if (stream->recording != nullptr) return cudaErrorStreamCaptureUnsupported;
  stream->RunAll();
  return cudaSuccess;
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned int) {
  BLIP3O_BEGIN();
  ++g_fake.events;
  *event = new CUevent_st;
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  BLIP3O_BEGIN();
  --g_fake.events;
  delete event;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  BLIP3O_BEGIN();
  event->stream = stream;
  event->place = stream->done + stream->waiting.size();
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  BLIP3O_BEGIN();
  if (event->stream != nullptr) event->stream->RunUntil(event->place);
  return cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned int) {
  BLIP3O_BEGIN();
  return Enqueue(stream, [before = event->stream, place = event->place] { before->RunUntil(place); });
}

// ---- Work
// -------------------------------------------------------------------------------------------------------------

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t size, cudaMemcpyKind, cudaStream_t stream) {
  BLIP3O_BEGIN();
  return Enqueue(stream, [=] { std::memcpy(to, from, size); });
}
cudaError_t cudaMemsetAsync(void* to, int value, size_t size, cudaStream_t stream) {
  BLIP3O_BEGIN();
  return Enqueue(stream, [=] { std::memset(to, value, size); });
}
cudaError_t cudaFuncSetAttribute(const void*, cudaFuncAttribute, int) {
  BLIP3O_BEGIN();
  return cudaSuccess;
}
cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* config, const void* kernel, void** arguments) {
  BLIP3O_BEGIN();
  if (kernel != blip3o::test::FakeKernel()) return cudaErrorInvalidDeviceFunction;
  g_fake.launches.push_back({config->numAttrs == 1, static_cast<int64_t>(config->dynamicSmemBytes), config->stream,
                             config->stream->recording != nullptr});
  FakeParameters p;
  std::memcpy(&p, arguments[0], sizeof(p));
  return Enqueue(config->stream, [p] { *p.to = *p.from * p.factor + p.added; });
}
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  BLIP3O_BEGIN();
  stream->recording = new CUgraph_st;
  stream->broken = false;
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  BLIP3O_BEGIN();
  CUgraph_st* recorded = std::exchange(stream->recording, nullptr);
  if (stream->broken) {
    delete recorded;
    return cudaErrorStreamCaptureInvalidated;
  }
  ++g_fake.graphs;
  *graph = recorded;
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  BLIP3O_BEGIN();
  --g_fake.graphs;
  delete graph;
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* program, cudaGraph_t graph, unsigned long long) {
  BLIP3O_BEGIN();
  ++g_fake.programs;
  *program = new CUgraphExec_st{graph->operations};
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t program) {
  BLIP3O_BEGIN();
  --g_fake.programs;
  delete program;
  return cudaSuccess;
}
cudaError_t cudaGraphExecUpdate(cudaGraphExec_t program, cudaGraph_t graph, cudaGraphExecUpdateResultInfo*) {
  BLIP3O_BEGIN();
  if (!g_fake.updates_graphs || program->operations.size() != graph->operations.size()) {
    return cudaErrorGraphExecUpdateFailure;
  }
  program->operations = graph->operations;
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t program, cudaStream_t stream) {
  BLIP3O_BEGIN();
  for (const auto& operation : program->operations) Enqueue(stream, operation);
  return cudaSuccess;
}

}  // extern "C"
