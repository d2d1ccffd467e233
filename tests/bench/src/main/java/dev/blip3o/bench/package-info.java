/**
 * Benchmarks of the whole pipeline, and the tool that writes checkpoints of any size with random
 * weights for them. Command line programs: nothing here is part of the library.
 */
package dev.blip3o.bench;
