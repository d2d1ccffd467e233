#include "lanes/warp_instructions.h"

#include <bit>
#include <cstring>

namespace blip3o::cuda::lanes {

namespace {

// Every lane's source is read before any result is written.
template <typename Source>
void Move(Operands* const (&lanes)[32], const Source& source) {
  uint64_t values[32];
  for (int l = 0; l < 32; ++l) values[l] = lanes[source(l)]->bits;
  for (int l = 0; l < 32; ++l) lanes[l]->bits = values[l];
}

void Vote(Operands* const (&lanes)[32]) {
  uint64_t votes = 0;
  for (int l = 0; l < 32; ++l) votes |= (lanes[l]->bits & 1) << l;
  for (int l = 0; l < 32; ++l) lanes[l]->bits = votes;
}

// Lane 8·m + r names row r of matrix m.
void Load(Operands* const (&lanes)[32], int matrices, bool transposed) {
  for (int m = 0; m < matrices; ++m) {
    uint16_t rows[8][8];
    for (int r = 0; r < 8; ++r) std::memcpy(rows[r], lanes[8 * m + r]->address, 16);
    for (int l = 0; l < 32; ++l) {
      const int r = l / 4, c = 2 * (l % 4);
      const uint32_t low = transposed ? rows[c][r] : rows[r][c];
      const uint32_t high = transposed ? rows[c + 1][r] : rows[r][c + 1];
      lanes[l]->words[m] = low | high << 16;
    }
  }
}

float Low(uint32_t word) { return std::bit_cast<float>(word << 16); }
float High(uint32_t word) { return std::bit_cast<float>(word & 0xFFFF0000u); }

// d += a · b, each element's products added one by one in ascending k, in f32.
void Multiply(Operands* const (&lanes)[32]) {
  alignas(32) float a[16][16], b[16][8], d[16][8];
  for (int l = 0; l < 32; ++l) {
    const Operands& o = *lanes[l];
    const int g = l / 4, t = 2 * (l % 4);
    for (int i = 0; i < 4; ++i) {
      const int row = g + 8 * (i % 2), col = t + 8 * (i / 2);
      a[row][col] = Low(o.words[i]);
      a[row][col + 1] = High(o.words[i]);
    }
    for (int i = 0; i < 2; ++i) {
      b[t + 8 * i][g] = Low(o.b[i]);
      b[t + 8 * i + 1][g] = High(o.b[i]);
    }
    for (int i = 0; i < 4; ++i) d[g + 8 * (i / 2)][t + i % 2] = o.d[i];
  }
  for (int row = 0; row < 16; ++row) {
    for (int k = 0; k < 16; ++k) {
      for (int col = 0; col < 8; ++col) d[row][col] += a[row][k] * b[k][col];
    }
  }
  for (int l = 0; l < 32; ++l) {
    const int g = l / 4, t = 2 * (l % 4);
    for (int i = 0; i < 4; ++i) lanes[l]->d[i] = d[g + 8 * (i / 2)][t + i % 2];
  }
}

}  // namespace

const char* NameOf(Instruction instruction) {
  switch (instruction) {
    case Instruction::kNone:
      break;
    case Instruction::kSyncWarp:
      return "SyncWarp";
    case Instruction::kShuffleXor:
      return "ShuffleXor";
    case Instruction::kShuffleUp:
      return "ShuffleUp";
    case Instruction::kShuffle:
      return "Shuffle";
    case Instruction::kBallot:
      return "Ballot";
    case Instruction::kLoadMatrix4:
      return "LoadMatrix4";
    case Instruction::kLoadMatrix4Transposed:
      return "LoadMatrix4Transposed";
    case Instruction::kLoadMatrix2:
      return "LoadMatrix2";
    case Instruction::kLoadMatrix2Transposed:
      return "LoadMatrix2Transposed";
    case Instruction::kMma:
      return "MmaBF16";
  }
  return "nothing";
}

int RowsOf(Instruction instruction) {
  switch (instruction) {
    case Instruction::kLoadMatrix4:
    case Instruction::kLoadMatrix4Transposed:
      return 32;
    case Instruction::kLoadMatrix2:
    case Instruction::kLoadMatrix2Transposed:
      return 16;
    default:
      return 0;
  }
}

void Perform(Instruction instruction, Operands* const (&lanes)[32]) {
  switch (instruction) {
    case Instruction::kNone:
    case Instruction::kSyncWarp:
      return;
    case Instruction::kShuffleXor:
      return Move(lanes, [&](int l) { return l ^ lanes[l]->argument; });
    case Instruction::kShuffleUp:
      return Move(lanes, [&](int l) { return l < lanes[l]->argument ? l : l - lanes[l]->argument; });
    case Instruction::kShuffle:
      return Move(lanes, [&](int l) { return lanes[l]->argument; });
    case Instruction::kBallot:
      return Vote(lanes);
    case Instruction::kLoadMatrix4:
      return Load(lanes, 4, false);
    case Instruction::kLoadMatrix4Transposed:
      return Load(lanes, 4, true);
    case Instruction::kLoadMatrix2:
      return Load(lanes, 2, false);
    case Instruction::kLoadMatrix2Transposed:
      return Load(lanes, 2, true);
    case Instruction::kMma:
      return Multiply(lanes);
  }
}

}  // namespace blip3o::cuda::lanes
