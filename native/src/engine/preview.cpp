#include "engine/preview.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/philox.h"

namespace blip3o {

namespace {

constexpr int64_t kGrid = 6;  // random latents a side; those at the border see zeros beside them and don't count
constexpr uint64_t kSamples = 12;
constexpr double kRandomWeight = 0.03;
constexpr int kMostPictures = 16;   // to learn from
constexpr int kEnoughPictures = 2;  // to do without random latents
constexpr double kRidge = 1e-2;     // of the weight of all equations
constexpr size_t kColors = 3;

uint8_t ToByte(double value) {  // of [-1, 1]
  return static_cast<uint8_t>(std::lround(std::clamp(value * 0.5 + 0.5, 0.0, 1.0) * 255.0));
}

// Blocks of 2×2 equal latents, with some noise: pictures are smooth, too.
std::vector<float> RandomLatents(uint64_t sample, int64_t channels) {
  constexpr int64_t kBlocks = kGrid / 2, kCells = kGrid * kGrid;
  constexpr float kNoise = 0.3f;
  std::vector<float> random(static_cast<size_t>((kCells + kBlocks * kBlocks) * channels));
  FillNormal(sample, 0, static_cast<int64_t>(random.size()), random.data());
  const float* blocks = random.data() + kCells * channels;
  std::vector<float> values;
  for (int64_t i = 0; i < kCells * channels; ++i) {
    const int64_t cell = i / channels, block = cell / kGrid / 2 * kBlocks + cell % kGrid / 2;
    values.push_back(blocks[block * channels + i % channels] + kNoise * random[static_cast<size_t>(i)]);
  }
  return values;
}

std::vector<float> ToHost(Ops& ops, const Matrix& matrix) {
  std::vector<float> host(static_cast<size_t>(matrix.rows * matrix.cols));
  ops.CopyOut(matrix.data, static_cast<int64_t>(host.size() * sizeof(float)), host.data());
  return host;
}

}  // namespace

PreviewMap::PreviewMap(const ModelConfig& config, const AutoencoderDecoder& decoder)
    : config_(config),
      decoder_(decoder),
      channels_(config.autoencoder.latent_channels),
      cell_(config.picture_side() / config.latent_side()) {
  const size_t unknowns = static_cast<size_t>(channels_) + 1;
  normal_.assign(unknowns * unknowns, 0.0);
  products_.assign(unknowns, Color{});
}

Status PreviewMap::Fit(Ops& ops, Arena& arena, bool dry, Progress& progress) {
  // Measuring, which submission does, doesn't wait for a lane that fits.
  if (dry) return Observe(ops, arena, dry, 0, progress);
  const std::lock_guard lock(mutex_);
  if (fitted_) return {};
  if (pictures_ < kEnoughPictures) {
    const std::vector<double> normal = normal_;
    const std::vector<Color> products = products_;
    for (uint64_t sample = 0; sample < kSamples; ++sample) {
      const Status status = Observe(ops, arena, dry, sample, progress);
      if (status.ok()) continue;
      normal_ = normal;
      products_ = products;
      return status;
    }
  }
  Solve();
  fitted_ = true;
  return {};
}

Status PreviewMap::Observe(Ops& ops, Arena& arena, bool dry, uint64_t sample, Progress& progress) {
  const Arena::Scope scope(arena);
  const int64_t side = kGrid * cell_;
  const std::vector<float> host = RandomLatents(sample, channels_);
  std::vector<float> scaled = host;
  for (float& value : scaled) value /= static_cast<float>(config_.autoencoder.scaling_factor);
  const Matrix latents = arena.TakeMatrix(kGrid * kGrid, channels_);
  const Matrix image = arena.TakeMatrix(side * side, static_cast<int64_t>(kColors));
  ops.CopyIn(scaled.data(), static_cast<int64_t>(scaled.size() * sizeof(float)), latents.data);
  BLIP3O_RETURN_IF_ERROR(decoder_.Decode(ops, arena, latents, kGrid, kGrid, progress, image));
  if (dry) return {};
  const std::vector<float> pixels = ToHost(ops, image);
  BLIP3O_RETURN_IF_ERROR(ops.Finish());
  AddEquations(host.data(), pixels.data(), kGrid, 1, kRandomWeight);
  return {};
}

void PreviewMap::Learn(Ops& ops, const Matrix& latents, const Matrix& image) {
  const std::lock_guard lock(mutex_);
  if (pictures_ == kMostPictures) return;
  ++pictures_;
  AddEquations(ToHost(ops, latents).data(), ToHost(ops, image).data(), config_.latent_side(), 0, 1.0);
  if (fitted_) Solve();
}

void PreviewMap::AddEquations(const float* latents, const float* image, int64_t side, int64_t border, double weight) {
  for (int64_t y = border; y < side - border; ++y) {
    for (int64_t x = border; x < side - border; ++x) {
      AddEquation(latents + (y * side + x) * channels_, MeanOfCell(image, side, y, x), weight);
    }
  }
}

PreviewMap::Color PreviewMap::MeanOfCell(const float* image, int64_t side, int64_t y, int64_t x) const {
  Color mean{};
  for (int64_t row = y * cell_; row < (y + 1) * cell_; ++row) {
    const float* pixel = image + (row * side + x) * cell_ * static_cast<int64_t>(kColors);
    for (int64_t i = 0; i < cell_; ++i) {
      for (double& color : mean) color += std::clamp(*pixel++, -1.0f, 1.0f);
    }
  }
  for (double& color : mean) color /= static_cast<double>(cell_ * cell_);
  return mean;
}

void PreviewMap::AddEquation(const float* latent, const Color& color, double weight) {
  const size_t unknowns = products_.size();
  const auto value = [&](size_t i) { return i + 1 == unknowns ? 1.0 : static_cast<double>(latent[i]); };
  for (size_t i = 0; i < unknowns; ++i) {
    for (size_t j = 0; j < unknowns; ++j) normal_[i * unknowns + j] += weight * value(i) * value(j);
    for (size_t k = 0; k < color.size(); ++k) products_[i][k] += weight * value(i) * color[k];
  }
}

// Gauss-Jordan on the normal equations, which the ridge keeps positive definite: no pivoting is needed.
void PreviewMap::Solve() {
  const size_t n = products_.size();
  std::vector<double> a = normal_;
  std::vector<Color> b = products_;
  for (size_t i = 0; i + 1 < n; ++i) a[i * n + i] += kRidge * normal_.back();
  for (size_t p = 0; p < n; ++p) {
    const double pivot = a[p * n + p];
    for (size_t j = 0; j < n; ++j) a[p * n + j] /= pivot;
    for (double& value : b[p]) value /= pivot;
    for (size_t i = 0; i < n; ++i) {
      if (i == p) continue;
      const double factor = a[i * n + p];
      for (size_t j = 0; j < n; ++j) a[i * n + j] -= factor * a[p * n + j];
      for (size_t k = 0; k < kColors; ++k) b[i][k] -= factor * b[p][k];
    }
  }
  coefficients_ = std::move(b);
}

std::shared_ptr<const Preview> PreviewMap::Show(Ops& ops, const Matrix& latents, const Matrix& velocity, float sigma,
                                                int64_t side) const {
  const std::vector<float> x = ToHost(ops, latents), v = ToHost(ops, velocity);
  auto preview = std::make_shared<Preview>();
  preview->height = preview->width = side;
  preview->pixels.reserve(static_cast<size_t>(latents.rows) * kColors);
  const std::lock_guard lock(mutex_);
  for (int64_t t = 0; t < latents.rows; ++t) {
    Color color = coefficients_.back();
    for (int64_t c = 0; c < channels_; ++c) {
      const size_t i = static_cast<size_t>(t * channels_ + c);
      const double latent = x[i] - sigma * v[i];
      for (size_t k = 0; k < color.size(); ++k) color[k] += latent * coefficients_[static_cast<size_t>(c)][k];
    }
    for (const double value : color) preview->pixels.push_back(ToByte(value));
  }
  return preview;
}

}  // namespace blip3o
