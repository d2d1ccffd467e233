// The instructions that a warp executes together, on the operands of its 32 lanes.
#pragma once

#include "lanes/instructions.h"

namespace blip3o::cuda::lanes {

const char* NameOf(Instruction instruction);
// Lanes from 0 whose addresses count; each names 16 bytes of shared memory.
int RowsOf(Instruction instruction);
void Perform(Instruction instruction, Operands* const (&lanes)[32]);

}  // namespace blip3o::cuda::lanes
